"""Failures for other programs: lists and pictures, whole or not at all."""

import csv
import json

import pytest

from core.errors import EvaluationError
from core.evaluation import labelling
from core.evaluation.diagnosis import diagnose
from core.evaluation.evaluate import evaluate
from core.evaluation.exports import CSV, JSON, export_failures
from core.evaluation.records import DataChoice, Request
from core.models.spec import ModelSpec

from .conftest import Said, voice

PICTURES = {"green.png": ("green",), "yellow.png": ("yellow",), "red.png": ("red",)}
SAID = [Said("green.png", "yellow", "=green", voice(), "7"), Said("yellow.png", "yellow", "yellow", voice())]


@pytest.fixture
def made(world):
    made = world(PICTURES, SAID)
    [record] = evaluate(made.explorer.workspace, Request((ModelSpec(),), (DataChoice(made.folder),)))
    made.id, made.store = record.id, made.explorer.store
    return made


@pytest.mark.slow
def test_lists_and_pictures(made, tmp_path):
    diagnose(made.explorer.workspace, made.id, at=1)
    labelling.label(made.store, made.id, "speech_to_image", "u0", "heard", "+ plain, \"quoted\"\nsecond line")
    told = []
    count = export_failures(made.store, made.id, 1, tmp_path / "out", told.append)
    found = json.loads((tmp_path / "out" / JSON).read_text())["failures"]
    assert len(found) == count > 0
    first = found[0]
    assert (first["query"], first["rank"], first["kind"], first["label"]) == ("u0", 3, "none", "heard")
    assert first["caption"] == "=green"
    assert first["note"] == "+ plain, \"quoted\"\nsecond line"
    assert first["best_hit"] == "yellow.png"
    for name in ("picture_file", "best_hit_file"):
        assert (tmp_path / "out" / first[name]).read_bytes()
    assert (tmp_path / "out" / first["picture_file"]).read_bytes() == (made.folder / "green.png").read_bytes()
    with (tmp_path / "out" / CSV).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == count
    assert rows[0]["caption"] == "'=green", "no spreadsheet runs it"
    assert rows[0]["rank_caption"] == str(first["rank_caption"])
    assert told[-1].bar == (count, count)
    assert not list((tmp_path / "out").rglob(".*"))


def test_without_a_diagnosis_and_with_pictures_that_are_gone(made, tmp_path):
    (made.folder / "green.png").unlink()
    export_failures(made.store, made.id, 1, tmp_path / "out")
    first = json.loads((tmp_path / "out" / JSON).read_text())["failures"][0]
    assert (first["kind"], first["picture_file"]) == ("", "")


@pytest.mark.slow
def test_no_failures_make_an_empty_list(made, tmp_path):
    assert export_failures(made.store, made.id, 10, tmp_path / "out") == 0
    assert json.loads((tmp_path / "out" / JSON).read_text())["failures"] == []
    assert (tmp_path / "out" / CSV).read_text() == "way,query\n"


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_to_keeps_the_last_lists(made, tmp_path, monkeypatch):
    export_failures(made.store, made.id, 1, tmp_path / "out")
    before = (tmp_path / "out" / JSON).read_bytes()

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.private_files.write_atomically", full)
    with pytest.raises(EvaluationError, match="No space left") as raised:
        export_failures(made.store, made.id, 1, tmp_path / "out")
    assert raised.value.kind == "not_written"
    assert (tmp_path / "out" / JSON).read_bytes() == before
    assert not list((tmp_path / "out").glob(".*"))
    (tmp_path / "file").write_text("")
    with pytest.raises(EvaluationError, match="could not be written to"):
        export_failures(made.store, made.id, 1, tmp_path / "file")
