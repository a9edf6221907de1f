"""Embeddings of another program: ranks as from the model here, bad files, and what such an evaluation lacks."""

import json
from dataclasses import replace

import numpy as np
import pytest

from core import cli
from core.errors import EvaluationError, FigureError
from core.evaluation import archive, quality, tables
from core.evaluation.diagnosis import diagnose
from core.evaluation.evaluate import evaluate
from core.evaluation.imported import NO_VECTOR, evaluate_imported, write_items
from core.evaluation.query_exports import export_evaluation
from core.evaluation.records import IMPORTED, DataChoice, Request
from core.models.spec import ModelSpec
from core.paper_figures.figures import draw
from core.reproduce.records import with_imported

from .conftest import Said, voice

pytestmark = pytest.mark.slow
PICTURES = {"red.png": ("red",), "both.png": ("red+blue",), "green.png": ("green",), "lost.png": ("blue",)}
SAID = [Said("red.png", "=red", "=red", voice()), Said("red.png", "red red", "red", voice()),
        Said("both.png", "red red blue", "blue and red", voice()), Said("green.png", "green", "green", voice()),
        Said("lost.png", "", "blue", voice())]


@pytest.fixture
def made(world):
    made = world(PICTURES, SAID)
    made.data, made.workspace = DataChoice(made.folder), made.explorer.workspace
    return made


@pytest.fixture
def vectors(made, tmp_path):
    """A folder of vectors, one picture and one utterance without."""
    write_items(made.data, tmp_path / "items.json")
    items, folder = json.loads((tmp_path / "items.json").read_text()), tmp_path / "vectors"
    folder.mkdir()
    random = np.random.default_rng(0)
    for name, rows in (("images", items["images"]), ("utterances", items["utterances"])):
        array = random.normal(size=(len(rows), 8))
        array[-1] = np.nan
        np.save(folder / f"{name}.npy", array)
        (folder / f"{name}.json").write_text(json.dumps([row["id"] for row in rows][::-1]))
    return folder


def test_exported_embeddings_give_the_same_figures_again(made, tmp_path):
    [ours] = evaluate(made.workspace, Request((ModelSpec(),), (made.data,)))
    export_evaluation(made.workspace, ours.id, "embeddings", tmp_path / "out")
    theirs = evaluate_imported(made.workspace, made.data, tmp_path / "out", "Ours again")
    stored, again = (archive.open_evaluation(made.explorer.store, record.id) for record in (ours, theirs))
    for direction in ("speech_to_image", "image_to_speech"):
        assert again.ranks(direction).tolist() == stored.ranks(direction).tolist()
        assert theirs.metrics(direction)["nDCG@10"].value == pytest.approx(ours.metrics(direction)["nDCG@10"].value)
    assert theirs.setup.title == f"{made.folder.name} test · Ours again" and theirs.setup.is_imported


def test_ranks_are_those_of_the_cosines(made, vectors):
    record = evaluate_imported(made.workspace, made.data, vectors, "Random")
    evaluation = archive.open_evaluation(made.explorer.store, record.id)
    arrays = {name: np.load(vectors / f"{name}.npy")[::-1] for name in ("images", "utterances")}
    units = {name: array / np.linalg.norm(array, axis=1, keepdims=True) for name, array in arrays.items()}
    assert evaluation.pictures[0].reason == evaluation.utterances[0].reason == NO_VECTOR
    assert record.unreadable == 2
    for row, query in list(enumerate(evaluation.queries("speech_to_image")))[1:]:
        scores = np.nan_to_num(units["images"] @ units["utterances"][row], nan=-np.inf)
        own = scores[query.picture]
        assert query.rank == (np.count_nonzero(scores >= own - 1e-6) if np.isfinite(own) else 11)


def test_it_fills_the_row_of_its_name_alone(made, vectors):
    [zero] = evaluate(made.workspace, Request((ModelSpec(),), (made.data,)))
    other = evaluate_imported(made.workspace, made.data, vectors, "speechclip-p")
    unknown = evaluate_imported(made.workspace, made.data, vectors, "Another")
    records = archive.evaluations(made.explorer.store)
    assert {record.id for record in with_imported(records, {zero.id})} == {zero.id, other.id, unknown.id}
    assert with_imported(records, {other.id + 5}) == []
    as_flickr = [replace(record, setup=replace(record.setup, kind="flickr8k")) for record in records]
    filled = {row.labels[0]: row for row in tables.fill(1, as_flickr).rows if row.evaluation_id}
    mine = filled["SpeechCLIP-P, as evaluated here"]
    assert mine.evaluation_id == other.id and not mine.comparable
    assert "backbone" not in mine.note and "recogniser" not in mine.note
    assert "2 without a vector, counted as misses" in mine.note
    assert unknown.id not in {row.evaluation_id for row in filled.values()}


def test_nothing_is_computed_of_a_model_that_is_not_here(made, vectors, tmp_path):
    record = evaluate_imported(made.workspace, made.data, vectors, "Random")
    evaluation = archive.open_evaluation(made.explorer.store, record.id)
    assert record.setup.variant == IMPORTED and record.words is None
    assert quality.authors_words(evaluation) is None
    with pytest.raises(EvaluationError, match="its model is not here"):
        diagnose(made.workspace, record.id)
    with pytest.raises(FigureError, match="its model and transcripts are not here"):
        draw(made.workspace, "8", [record.id])
    with pytest.raises(EvaluationError, match="its model is not here"):
        export_evaluation(made.workspace, record.id, "embeddings", tmp_path)


def test_bad_vectors_are_told_and_nothing_is_stored(made, vectors, tmp_path):
    def refused(match):
        with pytest.raises(EvaluationError, match=match):
            evaluate_imported(made.workspace, made.data, vectors, "Bad")
        assert archive.evaluations(made.explorer.store) == []

    good = (vectors / "images.npy").read_bytes()
    np.save(vectors / "images.npy", np.zeros((4, 3)))
    refused("vectors of 3 numbers, the utterances of 8")
    np.save(vectors / "images.npy", np.zeros((3, 8)))
    refused("holds 3 x 8 float64, its list 4 different ids of 4")
    np.save(vectors / "images.npy", np.array([["a"]] * 4))
    refused("one vector of numbers")
    np.save(vectors / "images.npy", np.array([{}] * 4, dtype=object))
    refused("could not be read")
    (vectors / "images.npy").write_bytes(good[:60])
    refused("could not be read")
    (vectors / "images.npy").write_bytes(good)
    (vectors / "images.json").write_text('["x", "x", "y", "z"]')
    refused("its list 3 different ids of 4")
    (vectors / "images.json").write_text('["w", "x", "y", "z"]')
    refused("ids are such as 'w', those of the split such as 'red.png'")
    (vectors / "images.json").write_text('{"rows": [{"name": 1}]}')
    refused("could not be read")
    names = json.dumps(list(PICTURES))
    (vectors / "images.json").write_text(names)
    np.save(vectors / "images.npy", np.full((4, 8), np.inf))
    refused("holds no finite vector of this split")
    (vectors / "images.npy").write_bytes(good)
    (vectors / "images.json").write_text('{"rows": [{"name": 1}]}')
    refused("could not be read")
    (vectors / "images.npy").rename(vectors / "evaluation-1-images.npy")
    (vectors / "evaluation-2-images.npy").write_bytes(good)
    refused("has several")
    with pytest.raises(EvaluationError, match=r"has no images\.npy"):
        evaluate_imported(made.workspace, made.data, tmp_path / "nowhere", "Bad")


def test_on_the_command_line(made, vectors, tmp_path, home, monkeypatch, capsys):
    monkeypatch.setattr("core.explorer.Explorer", lambda home, settings: made.explorer)
    call = ["evaluate", str(made.folder), "--embeddings", str(vectors)]
    assert cli.main(call) == 2
    assert "--embeddings and --name" in capsys.readouterr().err
    for option in (["--captions"], ["--noise", "0"], ["--checkpoint", str(tmp_path)], ["--crop", "squash"]):
        assert cli.main([*call, "--name", "Random", *option]) == 2
        assert "are ranked as they are" in capsys.readouterr().err
    assert cli.main([*call, "--name", "Random"]) == 0
    told = capsys.readouterr()
    assert "test · Random" in told.out and "WER" not in told.out and "no speech" not in told.out
    assert "2 pictures or utterances have no vector" in told.err
    assert cli.main(["evaluate", str(made.folder), "--items", str(tmp_path / "list.json")]) == 0
    listed = json.loads((tmp_path / "list.json").read_text())
    assert [row["id"] for row in listed["images"]] == list(PICTURES) and len(listed["utterances"]) == len(SAID)
    assert cli.main(["evaluate", "--items", str(tmp_path / "list.json")]) == 2
    assert cli.main(["evaluate", str(made.folder), "--items", str(tmp_path / "no" / "list.json")]) == 2
    assert "could not be written" in capsys.readouterr().err
