"""`brewclip import` and `brewclip export`: their words, their JSON, their errors."""

import json
import subprocess
import sys
from contextlib import contextmanager

import pytest

from core import cli
from core.annotation.layout_names import LAYOUT_TITLES
from core.annotation.layouts import LAYOUTS
from core.cli import annotation as commands


@pytest.fixture
def run(explorer, capsys, monkeypatch):
    @contextmanager
    def opened(changes=None):
        yield explorer

    monkeypatch.setattr(commands, "explorer", opened)

    def run(*arguments):
        code = cli.main([str(each) for each in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_the_layouts_are_those_of_the_core():
    assert [layout.kind for layout in LAYOUTS] == list(LAYOUT_TITLES)


@pytest.mark.slow
def test_an_export_in_words(run, describe, tmp_path):
    describe(0)
    describe(1, text="")
    code, out, err = run("export", "holidays", tmp_path / "out", "--layout", "flickr8k")
    assert code == 0 and "Exporting" in err
    assert f"Holidays exported to {tmp_path / 'out'}" in out
    assert "train         1           1" in out
    assert "left out, 1: takes that are not confirmed yet (b.png)" in out
    assert (tmp_path / "out" / "flickr_audio" / "wav2capt.txt").read_text() == "a_0.wav a.png #0\n"


@pytest.mark.slow
def test_an_export_as_json_with_every_option(run, describe, tmp_path):
    for picture in range(4):
        describe(picture, speaker=f"S{picture % 2}", state="accepted")
    describe(4)
    code, out, _ = run("export", "Holidays", tmp_path / "out", "--by-speaker", "--reviewed", "--seed", "3", "--json")
    found = json.loads(out)
    assert (code, found["layout"], found["problems"]) == (0, "spokencoco", [])
    assert {name: split["utterances"] for name, split in found["splits"].items()} == {"train": 2, "test": 2}
    assert [(one["reason"], one["count"]) for one in found["left_out"]] == [("unreviewed", 1)]
    assert json.loads((tmp_path / "out" / "about.json").read_text())["seed"] == 3


@pytest.mark.slow
def test_an_export_that_cannot_be_is_one_sentence(run, describe, tmp_path):
    describe(0)
    (tmp_path / "x").touch()
    code, out, err = run("export", "Holidays", tmp_path)
    assert (code, out) == (2, "") and "is not empty" in err
    assert run("export", "Nowhere", tmp_path / "out")[0] == 2
    with pytest.raises(SystemExit) as raised:
        run("export", "Holidays", tmp_path / "out", "--layout", "parquet")
    assert raised.value.code == 2


@pytest.mark.slow
def test_an_import_in_words_and_json(run, describe, tmp_path):
    describe(0)
    run("export", "Holidays", tmp_path / "out")
    code, out, _ = run("import", tmp_path / "out", "--gallery", "again")
    assert (code, out) == (0, "again: 1 spoken caption by 1 speaker imported, for 1 picture\n")
    code, out, _ = run("import", tmp_path / "out", "--gallery", "again", "--json")
    assert (code, json.loads(out)["known"], json.loads(out)["failed"]) == (0, 1, [])


def test_asking_for_help_loads_nothing_heavy():
    script = ("import sys; from core import cli\n"
              "try: cli.main(['export', '--help'])\nexcept SystemExit: pass\n"
              "print([name for name in ('numpy', 'torch', 'sqlalchemy') if name in sys.modules])")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
