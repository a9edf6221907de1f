"""`brewclip transcribe`: what it reads, what it writes, what it refuses."""

import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from core import cli
from core.asr.transcript import Transcript, Word
from core.asr.transcript_formats import FORMATS
from core.cli import transcription

HEARD = Transcript("a red house", "en", (Word("a", 0.1, 0.2, 0.9), Word("red", 0.2, 0.5, 0.9),
                                         Word("house", 0.5, 0.9, 0.9)), -0.2, 0.0, 1.0)
SOUND = np.sin(np.arange(16_000) / 20) / 3


@pytest.fixture
def heard(home, monkeypatch):
    """Seconds of the recordings that were transcribed."""
    seconds = []

    class Stand:
        def __init__(self, home, settings):
            pass

        def transcribe_query(self, waveform, report):
            seconds.append(waveform.seconds)
            return HEARD

        def close(self):
            pass

    monkeypatch.setattr("core.explorer.Explorer", Stand)
    return seconds


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "recordings"
    (place / "sub").mkdir(parents=True)
    for name in ("b.wav", "a.wav", "sub/c.flac"):
        soundfile.write(place / name, SOUND, 16_000)
    (place / "notes.txt").write_text("no recording")
    return place


def run(*words):
    return cli.main(["transcribe", *map(str, words)])


def test_folders_and_patterns_are_read_in_order(heard, folder, capsys):
    assert run(folder) == 0
    assert [line.split(": ")[0].rsplit("/", 1)[1] for line in capsys.readouterr().out.splitlines()] == [
        "a.wav", "b.wav", "c.flac"]
    assert run(folder / "*.wav", "--format", "txt") == 0
    assert capsys.readouterr().out == "a red house\na red house\n"
    assert len(heard) == 5


@pytest.mark.parametrize("form", transcription.FORMATS)
def test_each_recording_has_its_file(heard, folder, tmp_path, form, capsys):
    assert run(folder, "--format", form, "--out", tmp_path / "out") == 0
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == [f"{name}.{transcription.SUFFIXES.get(form, form)}" for name in "abc"]
    assert "a red house" in (tmp_path / "out" / written[0]).read_text() or form == "textgrid"
    assert capsys.readouterr().out == ""


def test_standard_input_is_a_recording(heard, monkeypatch, capsys):
    sound = io.BytesIO()
    soundfile.write(sound, SOUND, 16_000, format="WAV")
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(sound.getvalue())))
    assert run("-", "--format", "srt") == 0
    assert capsys.readouterr().out == "1\n00:00:00,100 --> 00:00:00,900\na red house\n"
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(sound.getvalue())))
    assert run("-", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["path"] == "-"
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO()))
    assert run("-") == 2
    assert "no recording on standard input" in capsys.readouterr().err


def test_what_cannot_be_is_refused_before_anything_is_transcribed(heard, folder, tmp_path, capsys):
    empty = tmp_path / "empty"
    empty.mkdir()
    soundfile.write(folder / "a.flac", SOUND, 16_000)
    for words, told in (((folder, "--format", "srt"), "4 recordings cannot share one srt"),
                        ((folder, "--format", "srt", "--out", tmp_path / "out"), "would write files of one name"),
                        ((empty,), "empty"), ((folder / "*.mp3",), "*.mp3"),
                        ((folder, "--out", tmp_path / "out"), "--out needs --format")):
        assert run(*words) == 2
        assert told in capsys.readouterr().err
    assert heard == []


def test_a_recording_that_cannot_be_read_stops_no_other(heard, folder, tmp_path, capsys):
    (folder / "b.wav").write_bytes(b"RIFF")
    assert run(folder, "--format", "vtt", "--out", tmp_path / "out") == 2
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.vtt", "c.vtt"]
    assert "b.wav" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_told(heard, folder, tmp_path, monkeypatch, capsys):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.private_files.write_atomically", full)
    assert run(folder / "a.wav", "--format", "srt", "--out", tmp_path / "out") == 2
    assert "a.srt could not be written: No space left on device" in capsys.readouterr().err


def test_the_command_line_offers_every_format():
    assert set(FORMATS) | {"json"} == set(transcription.FORMATS)
