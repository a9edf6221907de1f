"""The command line: its words, its JSON, its errors, and that asking for help loads no model."""

import io
import json
import logging
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from core import cli, demo, doctor
from core.asr.transcript import Transcript
from core.cli import commands as cli_commands
from core.cli import manage as cli_manage
from core.cli import parts as cli_parts
from core.cli.output import ProgressPrinter, duration, size, table
from core.errors import BrewclipError, QueryError
from core.galleries.backends import open_gallery
from core.home import find_home
from core.progress import JobCancelled, Progress, WorkStep
from core.search.queries import Hit, MatchSignificance, ScoreShare
from core.settings import SETTINGS, load
from core.store.records import FailureRecord, Filter, ImageRecord
from core.store.store import Store

HEARD = Transcript("a red house", "de", (), -0.2, 0.01, 1.0, original="ein rotes Haus")


class Stand:
    """Stands in the place of the explorer: keeps what it was asked."""

    def __init__(self, tmp_path):
        self.asked, self.tmp_path, self.error, self.heard, self.hidden = None, tmp_path, None, HEARD, 0
        self.large, self.exact = False, False
        self.shares = (ScoreShare("a red house", "text", 0.25),)

    def search(self, gallery, asks, top, chosen, report, word_times, exact, all_copies):
        from core.explorer import SearchResult

        if self.error:
            raise self.error
        self.asked, self.exact = (gallery, asks, top, chosen), exact
        image = ImageRecord(7, self.tmp_path / "a.jpg", 4, 3, 99, 0.0, None, (), "00")
        hit = Hit(1, image, 0.25, MatchSignificance("strong", 0.001), self.shares)
        timings = {"hear": 1.04, "recognise": 300.0, "embed": 8.0, "search": 2.0, "total": 311.04}
        return SearchResult("holiday", (hit,), 30, self.heard, None, (), 0, timings, self.hidden,
                            self.large and not exact)

    def index(self, folder, gallery, report, column="", exclude=()):
        from core.indexing.local import IndexResult

        report(Progress(done=3, total=3, subject="8 images a second"))
        failed = (FailureRecord(self.tmp_path / "b.jpg", "truncated", "It breaks off."),)
        return IndexResult(gallery, 30, 20, 20, 10, 0, 0, failed, 2.5, ((".cr2", 4), (".dng", 1)), (("@eaDir", 1),))

    def transcribe_query(self, waveform, report):
        return HEARD

    def close(self):
        pass


@pytest.fixture
def stand(home, tmp_path, monkeypatch):
    made = Stand(tmp_path)
    monkeypatch.setattr("core.explorer.Explorer", lambda home, settings: made)
    return made


def run(*arguments):
    return cli.main([str(argument) for argument in arguments])


def every_command(commands=cli_commands.COMMANDS, before=()):
    for command in commands:
        yield (*before, command.name)
        yield from every_command(command.commands, (*before, command.name))


def test_help_of_every_command_needs_neither_torch_nor_qt():
    script = ("import sys\nfrom core import cli\n"
              "try:\n    cli.main(sys.argv[1:])\nexcept SystemExit as left:\n    assert left.code == 0\n"
              "heavy = {'torch', 'whisper', 'open_clip', 'numpy', 'PIL', 'sqlalchemy', 'PySide6'} & set(sys.modules)\n"
              "assert not heavy, heavy\n")
    done = subprocess.run([sys.executable, "-c", script, "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for command in cli_commands.COMMANDS:
        assert f"\n    {command.name}" in done.stdout
    assert subprocess.run([sys.executable, "-c", script, "search", "--help"], capture_output=True).returncode == 0


@pytest.mark.parametrize("command", list(every_command()), ids=" ".join)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as left:
        run(*command, "--help")
    assert left.value.code == 0
    assert "--debug" in capsys.readouterr().out


def test_search_takes_terms_in_their_order_with_signs_and_weights(stand, tmp_path):
    for name in ("x.jpg", "a.wav"):
        (tmp_path / name).touch()
    assert run("search", "--gallery", "holiday", "--text", "beach", "--minus-image", tmp_path / "x.jpg", "--weight", .5,
               "--speech", tmp_path / "a.wav", "--text", "sea", "--weight", "2", "--minus-text", "people", "--top", 3,
               "--tag", "mine") == 0
    gallery, asks, top, filtered = stand.asked
    assert [(ask.kind, ask.text, ask.path, ask.weight) for ask in asks] == [
        ("text", "beach", None, 1.0), ("image", "", tmp_path / "x.jpg", -0.5), ("speech", "", tmp_path / "a.wav", 1.0),
        ("text", "sea", None, 2.0), ("text", "people", None, -1.0)]
    assert (gallery, top, filtered.tag) == ("holiday", 3, "mine")


def test_search_in_json(stand, tmp_path, capsys):
    assert run("search", "--gallery", "holiday", "--text", "x", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    date = {key: found["hits"][0][key] for key in ("date", "date_source")}
    assert found == {
        "transcript": "a red house", "language": "de", "doubtful": False, "notes": [],
        "hits": [{"rank": 1, "path": str(tmp_path / "a.jpg"), "score": 0.25, "strength": "strong",
                  "expected_by_chance": 0.001, "copies": 1, "tags": [], "rating": 0, "size": 99, "width": 4,
                  "height": 3, "shares": [{"term": "a red house", "branch": "text", "value": 0.25}], **date}],
        "approximate": False,
        "timings_ms": {"hear": 1.0, "recognise": 300.0, "embed": 8.0, "search": 2.0, "total": 311.0}}
    stand.heard = None
    run("search", "--gallery", "holiday", "--text", "x", "--json")
    found = json.loads(capsys.readouterr().out)
    assert (found["transcript"], found["language"]) == (None, None)


def test_a_part_of_a_gallery_at_an_address_is_searched_exactly_when_told(stand, tmp_path, capsys):
    stand.large = True
    asked = ("search", "--gallery", "s3://archive/museum", "--text", "x", "--folder", tmp_path, "--since", "2024-05-01",
             "--until", "2024-06-01")
    assert run(*asked) == 0
    assert "some results may be missing. --exact compares all pictures" in capsys.readouterr().err
    gallery, _, _, chosen = stand.asked
    assert (gallery, chosen) == ("s3://archive/museum", Filter("", tmp_path, "", datetime(2024, 5, 1),
                                                               datetime(2024, 6, 1)))
    assert run(*asked, "--exact", "--json") == 0
    out, err = capsys.readouterr()
    assert (json.loads(out)["approximate"], err) == (False, "")
    with pytest.raises(SystemExit):
        run(*asked[:-1], "June")
    assert "--until" in capsys.readouterr().err


@pytest.mark.slow
def test_galleries_are_copied_put_in_order_and_deleted_at_addresses(home, tmp_path, capsys):
    pytest.importorskip("lancedb", reason="addresses need the extra: pip install .[scale]")
    store, away = Store.open(home.store), str(tmp_path / "away.lance")
    open_gallery(store, "holiday", create=True).add_folder(tmp_path)
    store.close()
    assert run("gallery", "copy", "holiday", away) == 0
    assert f"{away}: 0 pictures" in capsys.readouterr().out
    assert run("gallery", "copy", away, "back", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"gallery": "back", "pictures": 0, "already": 0, "vectors": 0,
                                                   "failures": 0}
    assert run("gallery", "optimize", away) == 0
    capsys.readouterr()
    for told, *wrong in (("cannot be copied into itself", "copy", away, away), ("is named by it", "rename", away, "x"),
                         ("--yes", "delete", away), ("There is no gallery at", "optimize", tmp_path / "no.lance")):
        assert run("gallery", *wrong) == 2
        assert told in capsys.readouterr().err
    assert run("export", away, tmp_path / "out", "--layout", "flickr8k") == 2
    assert "gallery copy" in capsys.readouterr().err
    assert run("gallery", "delete", away, "--yes") == 0
    assert run("gallery", "optimize", away) == 2


def test_search_for_people(stand, tmp_path, capsys):
    stand.hidden = 4
    assert run("search", "--gallery", "holiday", "--text", "x") == 0
    out, err = capsys.readouterr()
    assert "Transcript: 'a red house' (de: 'ein rotes Haus')" in out
    assert re.search(rf"^ +1  0\.250  strong  {re.escape(str(tmp_path))}/a\.jpg$", out, re.M)
    assert "30 pictures compared; hear 1 ms" in out
    assert "4 pictures of holiday are not indexed" in err


def test_where_a_voice_was_listened_to_both_shares_are_told(stand, tmp_path, capsys):
    stand.shares = (ScoreShare("a red house", "text", 0.2), ScoreShare("a red house", "acoustic", 0.05))
    assert run("search", "--gallery", "holiday", "--text", "x") == 0
    out = capsys.readouterr().out
    assert re.search(r"^rank  score  words  voice  match   picture", out, re.M)
    assert re.search(rf"^ +1  0\.250  0\.200  0\.050  strong  {re.escape(str(tmp_path))}/a\.jpg$", out, re.M)


def test_names_that_are_no_text_come_out_as_json(stand, tmp_path, capsys):
    stand.tmp_path = type(tmp_path)("/pictures/\udce9\udc74\udce9")
    assert run("search", "--gallery", "holiday", "--text", "x", "--json") == 0
    assert json.loads(capsys.readouterr().out)["hits"][0]["path"] == "/pictures/\udce9\udc74\udce9/a.jpg"


def test_index_in_json_and_for_people(stand, tmp_path, capsys):
    assert run("index", tmp_path, "--gallery", "holiday", "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {"gallery": "holiday", "images": 30, "indexed": 20, "unchanged": 10,
                               "failed": [{"path": str(tmp_path / "b.jpg"), "reason": "It breaks off."}],
                               "passed_over": {".cr2": 4, ".dng": 1}, "excluded": {"@eaDir": 1}, "seconds": 2.5}
    assert "8 images a second · 3 of 3" in err
    assert run("index", tmp_path, "--gallery", "holiday") == 0
    out = capsys.readouterr().out
    assert "holiday: 30 pictures (20 indexed, 10 unchanged, 1 could not be read) in 2.5 s" in out
    assert "Passed over: 5 files of kinds that are not read here (4 .cr2, 1 .dng)." in out
    assert "Excluded: 1 folder or picture (1 @eaDir)." in out


def test_an_empty_source_is_not_the_working_folder(stand, capsys):
    with pytest.raises(SystemExit) as ended:
        run("index", "", "--gallery", "holiday")
    assert ended.value.code == 2
    assert "it is empty" in capsys.readouterr().err


def test_transcribe_goes_on_after_a_file_that_cannot_be_heard(stand, tmp_path, capsys):
    soundfile.write(tmp_path / "a.wav", np.sin(np.arange(16_000) / 9).astype(np.float32), 16_000)
    assert run("transcribe", tmp_path / "no.wav", tmp_path / "a.wav", "--json") == 2
    out, err = capsys.readouterr()
    first, second = json.loads(out)
    assert set(first) == {"path", "error"}
    assert (second["path"], second["text"], second["language"]) == (str(tmp_path / "a.wav"), "a red house", "de")
    assert err.count("\n") == 1
    assert run("transcribe", tmp_path / "a.wav") == 0
    assert capsys.readouterr().out == "a red house  (de: ein rotes Haus)\n"
    assert second["doubtful"] is False
    stand.transcribe_query = lambda waveform, report: replace(HEARD, doubtful=True)
    assert run("transcribe", tmp_path / "a.wav") == 0
    assert capsys.readouterr() == ("a red house  (de: ein rotes Haus)  [doubtful]\n", "")
    stand.transcribe_query = lambda waveform, report: replace(HEARD, notes=("It was read to its end.",))
    assert run("transcribe", tmp_path / "a.wav") == 0
    assert capsys.readouterr().err == f"{tmp_path / 'a.wav'}: It was read to its end.\n"


def test_search_says_that_the_words_are_doubtful(stand, tmp_path, capsys):
    (tmp_path / "a.wav").touch()
    stand.heard = replace(HEARD, doubtful=True)
    assert run("search", "--speech", tmp_path / "a.wav", "--gallery", "holiday", "--json") == 0
    assert json.loads(capsys.readouterr().out)["doubtful"] is True
    assert run("search", "--speech", tmp_path / "a.wav", "--gallery", "holiday") == 0
    assert "doubtful" in capsys.readouterr().out.splitlines()[0]


def test_search_prints_the_notes_of_the_recording_to_stderr(stand, tmp_path, capsys):
    (tmp_path / "a.wav").touch()
    stand.heard = replace(HEARD, notes=("It was read to its end.",))
    assert run("search", "--speech", tmp_path / "a.wav", "--gallery", "holiday") == 0
    assert capsys.readouterr().err == "It was read to its end.\n"


def spoil(path, kind):
    """Make a recording into one that cannot be heard."""
    content = bytearray(path.read_bytes())
    if kind == "coding":
        content[20:22] = b"\x02\xff"
    elif kind == "rate":
        content[24:28] = (1000).to_bytes(4, "little")
    elif kind == "pipe":
        path.unlink()
        os.mkfifo(path)
    elif kind == "folder":
        path.unlink()
        path.mkdir()
    elif kind == "loop":
        path.unlink()
        path.symlink_to(path)
    if path.is_file():
        path.write_bytes({"cut": content[:9000], "nothing": b"", "noise": bytes(range(256)) * 40,
                          "header": content[:44], "picture": b"\x89PNG\r\n\x1a\n" + bytes(99)}.get(kind, content))


@pytest.mark.parametrize("kind", ["coding", "rate", "pipe", "folder", "loop", "cut", "nothing", "noise", "header",
                                  "picture", "decoder"])
def test_one_bad_recording_of_ten_leaves_nine(stand, tmp_path, capsys, monkeypatch, kind):
    paths = [tmp_path / f"{index}.wav" for index in range(10)]
    for path in paths:
        soundfile.write(path, np.sin(np.arange(16_000) / 9).astype(np.float32), 16_000)
    spoil(paths[4], kind)
    if kind == "decoder":
        from core import audio

        read = audio._read_soundfile
        monkeypatch.setattr(audio, "_read_soundfile",
                            lambda path, repairs: None.rate if path == paths[4] else read(path, repairs))
    assert run("transcribe", *paths, "--json") == 2
    found = json.loads(capsys.readouterr().out)
    assert [entry["path"] for entry in found] == [str(path) for path in paths]
    assert [index for index, entry in enumerate(found) if "error" in entry] == [4]


@pytest.mark.parametrize(("error", "code", "told"), [
    (QueryError("Nothing was heard.", "nothing_heard"), 2, "brewclip: Nothing was heard.\n"),
    (BrewclipError("No."), 2, "brewclip: No.\n"),
    (KeyboardInterrupt(), 130, "\nStopped; what was done is kept.\n"),
    (JobCancelled(), 130, "\nStopped; what was done is kept.\n"),
])
def test_errors_are_one_sentence_on_stderr(stand, capsys, error, code, told):
    stand.error = error
    assert run("search", "--gallery", "holiday", "--text", "x", "--json") == code
    assert capsys.readouterr() == ("", told)


@pytest.mark.parametrize("place", [("--debug", "search"), ("search", "--debug")])
def test_tracebacks_only_with_debug(stand, capsys, place):
    stand.error = ZeroDivisionError("by nothing")
    rest = ("--gallery", "holiday", "--text", "x")
    assert run("search", *rest) == 2
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert "ZeroDivisionError" in err
    assert run(*place, *rest) == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [
    (), ("nonsense",), ("search", "--gallery", "g", "--weight", "2"),
    ("index", "--gallery", "g"),
    ("search", "--gallery", "g", "--text", "x", "--weight", "-1"), ("gallery",), ("settings", "set", "device"),
    ("search", "--gallery", "g", "--text", "x", "--top", "0"),
    ("search", "--gallery", "g", "--text", "x", "--weight", "nan")])
def test_a_wrong_command_line_is_told_in_one_sentence(wrong, capsys):
    with pytest.raises(SystemExit) as left:
        run(*wrong)
    assert left.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("brewclip: ")
    assert err.count("\n") == 1


def test_a_search_for_nothing_is_told(stand, capsys):
    assert run("search", "--gallery", "g") == 2
    assert "--speech" in capsys.readouterr().err


def test_galleries_are_listed_renamed_and_deleted_only_with_yes(home, capsys):
    store = Store.open(home.store)
    store.create_gallery("holiday")
    store.close()
    assert run("gallery", "list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == [
        {"name": "holiday", "images": 0, "indexed": 0, "failed": 0, "missing": 0, "unfinished": False, "found": 0,
         "folders": []}]
    assert run("gallery", "rename", "holiday", "Norway") == 0
    assert run("gallery", "list") == 0
    assert "Norway" in capsys.readouterr().out
    assert run("gallery", "delete", "norway") == 2
    assert "--yes" in capsys.readouterr().err
    assert run("gallery", "delete", "norway", "--yes") == 0
    assert run("gallery", "delete", "norway", "--yes") == 2
    run("gallery", "list")
    assert "no gallery yet" in capsys.readouterr().out


def test_a_folder_on_object_storage_is_listed_as_people_write_it(home, capsys):
    store = Store.open(home.store)
    open_gallery(store, "museum", create=True).add_folder(Path("s3://archive/pictures"))
    store.close()
    assert run("gallery", "list", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["folders"] == ["s3://archive/pictures"]
    assert run("gallery", "list") == 0
    assert "s3://archive/pictures" in capsys.readouterr().out


def test_galleries_at_addresses_are_listed_too_and_one_that_cannot_be_opened_is_said(home, tmp_path, capsys):
    pytest.importorskip("lancedb", reason="addresses need the extra: pip install .[scale]")
    from core.explorer import Explorer
    from core.settings import Settings

    here, gone = str(tmp_path / "here.lance"), tmp_path / "gone.lance"
    explorer = Explorer(home, Settings({}))
    for address in (here, str(gone)):
        explorer.open_address(address, create=True)
    explorer.close()
    gone.rename(tmp_path / "elsewhere")
    assert run("gallery", "list", "--json") == 1
    said = capsys.readouterr()
    assert json.loads(said.out) == [
        {"name": here, "images": 0, "indexed": 0, "failed": 0, "missing": 0, "unfinished": False, "found": 0,
         "folders": []}]
    assert said.err.startswith(f"{gone}: There is no gallery at")


def test_settings_are_set_and_listed(home, capsys):
    for key, value in (("search.top", "40"), ("search.keep_history", "off"), ("vision.crop", "squash"),
                       ("vision.backbone", "ViT-B-32/openai"), ("weights.folder", "/models")):
        assert run("settings", "set", key, value) == 0
    kept = load(home.settings)
    assert (kept["search.top"], kept["search.keep_history"], kept["vision.crop"]) == (40, False, "squash")
    assert run("settings", "list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {each.key: kept[each.key] for each in SETTINGS}
    assert run("settings", "list") == 0
    out = capsys.readouterr().out
    assert all(each.key in out for each in SETTINGS)


def test_damaged_settings_are_kept_aside_and_said(home, capsys):
    home.settings.parent.mkdir(parents=True, exist_ok=True)
    home.settings.write_text("[" * 10000)
    assert run("settings", "list") == 0
    aside = home.settings.with_suffix(".damaged.json")
    assert f"The file is kept as {aside}." in capsys.readouterr().err
    assert aside.read_text() == "[" * 10000


@pytest.mark.parametrize(("key", "value"), [("nothing", "1"), ("search.top", "many"), ("search.top", "5"),
                                            ("search.keep_history", "perhaps"), ("vision.crop", "round"),
                                            ("vision.backbone", "nonsense")])
def test_impossible_settings_are_refused_and_nothing_is_written(home, capsys, key, value):
    assert run("settings", "set", key, value) == 2
    assert capsys.readouterr().err.startswith("brewclip: ")
    assert not home.settings.exists()


def test_weights_are_listed_and_found(home, monkeypatch, capsys):
    monkeypatch.delenv("BREWCLIP_MODELS", raising=False)
    assert run("weights", "list", "--json") == 0
    listed = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert (listed["brewclip-mini"]["state"], listed["whisper-base"]["state"]) == ("bundled", "not here")
    assert run("weights", "path", "brewclip-mini") == 0
    assert capsys.readouterr().out.strip() == listed["brewclip-mini"]["path"]
    assert run("weights", "path", "whisper-base") == 2
    assert "brewclip weights fetch whisper-base" in capsys.readouterr().err
    assert run("weights", "verify", "brewclip-mini") == 0
    assert run("weights", "fetch", "nonsense") == 2


def test_the_doctor_looks_at_every_part(home, monkeypatch, capsys):
    monkeypatch.delenv("BREWCLIP_MODELS", raising=False)
    assert run("doctor", "--json") == 1  # Whisper is not in this home
    found = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert {"program", "torch", "device", "backbone", "store", "disk", "microphone", "window"} <= set(found)
    assert {one["state"] for one in found.values()} <= {"ok", "note", "bad"}
    assert found["weights whisper-base"]["state"] == "bad"
    assert "brewclip weights fetch whisper-base" in found["weights whisper-base"]["text"]
    assert found["store"]["state"] == "ok"


def test_the_doctor_tells_of_a_damaged_store_and_of_lacking_libraries(home, monkeypatch):
    home.root.mkdir(parents=True)
    home.store.write_bytes(b"this is no store " * 100)
    monkeypatch.setattr(doctor.sys, "platform", "linux")
    monkeypatch.setattr(doctor.ctypes.util, "find_library", lambda name: None)
    found = {one.name: one for one in doctor.examine(home, load(home.settings))}
    assert found["store"].state == "bad"
    assert found["microphone"].state == "bad"
    assert "apt-get install libportaudio2" in found["microphone"].text
    assert home.store.read_bytes().startswith(b"this is no store")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_progress_is_one_line_that_goes_away(monkeypatch):
    stream = Terminal()
    progress = ProgressPrinter(stream=stream)
    progress(Progress(WorkStep.READING_DATASET, 1, 10, "a long name"))
    progress(Progress(WorkStep.READING_DATASET, 10, 10, "it"))
    progress.finish()
    assert "\n" not in stream.getvalue()
    last = stream.getvalue().split("\r")
    assert last[1] == "Reading a long name · 1 of 10"
    assert len(last[2]) == len(last[1])  # what was longer is written over
    assert last[2].strip() == "Reading it · 10 of 10"
    assert last[-2].strip() == last[-1] == ""


def test_in_a_log_progress_is_few_lines():
    stream = io.StringIO()
    progress = ProgressPrinter(stream=stream)
    for done in range(1001):
        progress(Progress(WorkStep.READING_RECORDINGS, done, 1000))
    progress(Progress(WorkStep.LOADING_TRAINED))
    progress.finish()
    assert stream.getvalue().splitlines() == [
        "Reading recordings · 0 of 1000", "Reading recordings · 1000 of 1000", "Loading the trained model"]


def test_progress_of_a_download_tells_bytes_and_time_left(monkeypatch):
    times = iter([0.0, 20.0])
    monkeypatch.setattr("core.cli.output.time.monotonic", lambda: next(times))
    stream = io.StringIO()
    progress = ProgressPrinter(in_bytes=True, stream=stream)
    progress(Progress(WorkStep.DOWNLOADING, 0, 145_000_000, "Whisper base from a host"))
    progress(Progress(WorkStep.DOWNLOADING, 14_500_000, 145_000_000, "Whisper base from a host"))
    assert stream.getvalue().splitlines()[1] == (
        "Downloading Whisper base from a host  14 MB of 145 MB, about 3 min left")


def test_tables_are_aligned_and_tame():
    assert table([("1", "a\nb"), ("10", "c")], ("n", "name"), right=(0,)) == " n  name\n 1  a?b\n10  c"
    assert table([]) == ""


def test_sizes_and_times():
    assert [size(number) for number in (0, 999, 53_725_842, 1.7105e9)] == ["0 bytes", "999 bytes", "54 MB", "1.7 GB"]
    assert [duration(seconds) for seconds in (0.04, 9.96, 59, 61, 3700)] == ["0.0 s", "10.0 s", "59 s", "1 min",
                                                                            "1 h 2 min"]


@pytest.mark.slow
def test_for_real_index_search_and_list(home, tmp_path, capsys):
    """The bundled backbone, drawn pictures, two processes' worth of state."""
    for name, colour in (("red", (230, 10, 10)), ("blue", (10, 10, 230))):
        Image.new("RGB", (60, 40), colour).save(tmp_path / f"{name}.png")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    run("settings", "set", "vision.backbone", "brewclip-mini")
    assert run("index", tmp_path, "--gallery", "colours", "--json") == 0
    indexed = json.loads(capsys.readouterr().out)
    assert (indexed["images"], indexed["indexed"], [one["path"] for one in indexed["failed"]]) == (
        2, 2, [str(tmp_path / "broken.jpg")])
    assert run("search", "--gallery", "colours", "--image", tmp_path / "blue.png", "--json", "--top", 1) == 0
    found = json.loads(capsys.readouterr().out)
    (hit,) = found["hits"]
    assert (hit["rank"], hit["path"], hit["score"]) == (1, str(tmp_path / "blue.png"), pytest.approx(1, abs=1e-5))
    assert run("search", "--gallery", "colors", "--text", "x") == 2
    assert "colours" in capsys.readouterr().err


def test_the_program_uses_the_settings_of_its_home(home):
    run("settings", "set", "search.top", "70")
    with cli_parts.explorer() as opened:
        assert opened.settings["search.top"] == 70
        assert opened.home == find_home()


def test_every_flag_word_is_understood():
    assert [cli_manage._parsed_value("search.keep_history", word) for word in ("ON", "yes", "False", "maybe")] == [
        True, True, False, "maybe"]


def test_dataset_reports_what_is_there(tmp_path, capsys, home):
    """The layout that the command line promises, over a folder with one defect."""
    (tmp_path / "set").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "set" / "a.png")
    (tmp_path / "set" / "pairs.csv").write_text("image,audio,caption\na.png,gone.wav,a black square\n")
    assert cli.main(["dataset", str(tmp_path / "set"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["kind"] == "folder"
    assert found["splits"] == {"all": {"images": 1, "utterances": 1}}
    assert [problem["count"] for problem in found["problems"]] == [1]
    assert "gone.wav" in str(found["problems"][0]["examples"])


@pytest.mark.slow
def test_demo_finds_every_described_picture_first(home, capsys, whisper_base, monkeypatch):
    """Real weights, real recordings: the demo's promise."""
    monkeypatch.setenv("BREWCLIP_MODELS", str(whisper_base.parent))
    assert cli.main(["demo", "--build", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 23
    assert cli.main(["demo", "--json"]) == 0
    answers = json.loads(capsys.readouterr().out)
    assert [(answer["expected"], answer["rank"]) for answer in answers] == [
        (query.expected, 1) for query in demo.queries()]


def test_hits_tell_their_copies_and_their_date(stand, tmp_path, capsys):
    assert run("search", "--gallery", "holiday", "--text", "x", "--json") == 0
    (hit,) = json.loads(capsys.readouterr().out)["hits"]
    assert hit["copies"] == 1
    assert hit["date_source"] in ("taken", "file")
    assert run("search", "--gallery", "holiday", "--text", "x", "--all-copies") == 0


def test_a_date_that_cannot_be_read_says_what_can(stand, capsys):
    with pytest.raises(SystemExit):
        run("search", "--gallery", "holiday", "--text", "x", "--since", "last summer")
    assert "'last summer' is not a date; write 2024, 2024-05 or 2024-05-17" in capsys.readouterr().err


def test_what_could_not_be_kept_is_noted_once(stand, tmp_path, capsys):
    def transcribe(waveform, report):
        logging.getLogger("core.search.transcription").warning("What was heard could not be kept: %s", "full\033")
        return HEARD

    stand.transcribe_query = transcribe
    path = tmp_path / "a.wav"
    soundfile.write(path, np.sin(np.arange(16_000) / 20) / 3, 16_000)
    assert run("transcribe", path, path) == 0
    out, err = capsys.readouterr()
    assert err.count("What was heard could not be kept: full?\n") == 1 and out.count("red house") == 2


def test_a_long_setting_does_not_widen_the_list(home, capsys):
    assert cli.main(["settings", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("images.exclude" in line and "\N{HORIZONTAL ELLIPSIS}" in line for line in lines)
    assert cli.main(["settings", "list", "--json"]) == 0
    assert "photoslibrary" in json.loads(capsys.readouterr().out)["images.exclude"]
