"""stdout and stderr: closed, full, left by their reader, poor in characters; real processes of the command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.cli import output, parts, streams
from core.errors import SettingsError
from core.home import expanded, find_home
from core.progress import Progress, WorkStep

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
LIST, WRONG = "settings list", "settings set no.such.key 1"


def shell(redirected: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a shell's line does, BREW standing for the command; its exit code is the command's."""
    line = redirected.replace("BREW", f"{sys.executable} -m core.cli")
    return subprocess.run(["/bin/sh", "-c", line], cwd=REPOSITORY, capture_output=True, text=True, errors="replace",
                          env={**os.environ, "BREWCLIP_HOME": str(home), **environment}, timeout=120)


def is_one_sentence(text: str) -> bool:
    return text.startswith("brewclip: ") and text.count("\n") == 1 and "should not happen" not in text


full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")


@pytest.mark.slow
@pytest.mark.parametrize("command", [LIST, "--help", "settings list --json"])
@pytest.mark.parametrize("where", [">&-", pytest.param("> /dev/full", marks=full), ">&- <&-"])
def test_a_result_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path, command: str, where: str) -> None:
    done = shell(f"BREW {command} {where}", tmp_path)
    assert done.returncode == 2 and is_one_sentence(done.stderr), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("where", ["2>&-", pytest.param("2> /dev/full", marks=full)])
def test_messages_that_cannot_be_told_are_dropped_and_never_among_the_results(tmp_path: Path, where: str) -> None:
    done = shell(f"BREW {LIST} {where}", tmp_path)
    assert done.returncode == 0 and "speech.language" in done.stdout and done.stderr == ""
    for command in (WRONG, "no-such-command", f"--debug {WRONG}"):
        done = shell(f"BREW {command} {where}", tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", ""), command


@pytest.mark.slow
def test_nothing_at_all_is_open(tmp_path: Path) -> None:
    assert shell(f"BREW {LIST} <&- >&- 2>&-", tmp_path).returncode == 2
    assert shell("BREW gallery list <&- >&- 2>&-", tmp_path).returncode == 2
    from core.store.store import Store

    assert Store.open(tmp_path / "store.sqlite").galleries() == []  # no print went into it


@pytest.mark.slow
def test_a_reader_that_has_enough_is_no_error(tmp_path: Path) -> None:
    done = shell(f"{{ BREW {LIST}; echo code $? >&2; }} | true", tmp_path)
    assert done.stderr == "code 0\n"
    done = shell(f"{{ BREW {WRONG} 2>&1 >/dev/null; echo code $? >&4; }} 4>&2 | true", tmp_path)
    assert done.stderr == "code 2\n"


@pytest.mark.slow
def test_characters_that_an_encoding_lacks_are_no_error(tmp_path: Path) -> None:
    done = shell("BREW dataset 'caf\N{LATIN SMALL LETTER E WITH ACUTE}'; BREW emotion --help", tmp_path,
                 PYTHONIOENCODING="ascii")
    assert "caf? is not there" in done.stderr and "usage" in done.stdout


@pytest.mark.slow
def test_control_characters_in_messages_are_not_obeyed(tmp_path: Path) -> None:
    done = shell("BREW dataset \"$(printf 'a\\033[31m\\007b')\"", tmp_path)
    assert done.returncode == 2 and "a?[31m?b" in done.stderr and "\033" not in done.stderr
    done = shell("BREW \"$(printf 'no\\033[2J')\"", tmp_path)
    assert done.returncode == 2 and is_one_sentence(done.stderr) and "\033" not in done.stderr


def test_notes_and_progress_are_printable(capsys: pytest.CaptureFixture[str]) -> None:
    assert output.printable("\udce9\udc9b") == "\udce9?"  # of a name that is no text
    parts.note("a\033b\nc")
    output.ProgressPrinter()(Progress(WorkStep.READING_DATASET, 1, 2, "x\ry\033"))
    assert capsys.readouterr().err == "a?b?c\nReading x?y? · 1 of 2\n"


def test_an_error_of_the_disk_is_a_sentence() -> None:
    from core import cli

    assert cli._message(OSError(28, "No space left on device", "/home/x")) == "/home/x: No space left on device."


def test_streams_are_given_back(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    with streams.safe_streams():
        print("x")
        print("y", file=sys.stderr)
        assert not sys.stderr.isatty()
    assert (sys.stdout, sys.stderr) == before and tuple(capsys.readouterr()) == ("x\n", "y\n")


@pytest.mark.slow
def test_the_home_of_a_user_who_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    for command in ("settings list", "gallery list", "doctor", "weights list"):
        done = shell(f"BREW {command}", Path("~nobody-of-that-name/x"))
        assert done.returncode == 2 and is_one_sentence(done.stderr) and "no such user" in done.stderr
    monkeypatch.setenv("BREWCLIP_HOME", "~nobody-of-that-name/x")
    with pytest.raises(SettingsError):
        find_home()
    assert expanded(Path("~nobody-of-that-name/x")) == Path("~nobody-of-that-name/x")

