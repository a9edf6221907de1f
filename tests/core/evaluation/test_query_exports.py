"""Exports of all queries: tables read back, TREC files parsed as trec_eval does, embeddings that give the ranks."""

import csv
import json
import sys
from collections import defaultdict
from urllib.parse import unquote

import numpy as np
import pytest

from core import cli
from core.errors import EvaluationError
from core.evaluation import archive, query_exports
from core.evaluation.evaluate import evaluate
from core.evaluation.query_exports import QUERY_EXPORTS, export_evaluation
from core.evaluation.records import DataChoice, Request
from core.models.spec import ModelSpec

from .conftest import Said, voice

pytestmark = pytest.mark.slow
PICTURES = {"a b.png": ("red",), "100%.png": ("red+blue",), "green.png": ("green",), "lost.png": ("blue",)}
SAID = [Said("a b.png", "=red", "=red", voice()), Said("a b.png", "red red", "red", voice()),
        Said("100%.png", "red red blue", "blue and red", voice()), Said("green.png", "green", "green", voice()),
        Said("lost.png", "", "blue", voice())]


@pytest.fixture
def made(world):
    made = world(PICTURES, SAID)
    [record] = evaluate(made.explorer.workspace, Request((ModelSpec(),), (DataChoice(made.folder),)))
    made.evaluation = archive.open_evaluation(made.explorer.store, record.id)
    made.workspace = made.explorer.workspace
    return made


def written(made, form, folder):
    return {path.name.removeprefix("evaluation-1-"): path
            for path in export_evaluation(made.workspace, 1, form, folder / "out")}


def trec_eval(run, qrels):
    """recall@5, nDCG@10 and reciprocal rank of each query, by score alone as trec_eval orders."""
    right, scored = defaultdict(set), defaultdict(list)
    for line in qrels.read_text().splitlines():
        query, zero, document, gain = line.split(" ")
        assert (zero, gain) == ("0", "1")
        right[query].add(document)
    for line in run.read_text().splitlines():
        query, iteration, document, rank, score, tag = line.split(" ")
        assert (iteration, tag) == ("Q0", "brewclip-1")
        scored[query].append((np.float32(score), document))
        assert int(rank) == len(scored[query])
    found = {}
    for query, documents in right.items():
        order = [document in documents for _, document in sorted(scored[query], key=lambda pair: -pair[0])]
        assert len({score for score, _ in scored[query]}) == len(scored[query]), "no ties to be broken otherwise"
        discounts = 1 / np.log2(np.arange(2, 12))
        ideal = discounts[:len(documents)].sum()
        found[unquote(query)] = (float(np.sum(discounts[:len(order)][order]) / ideal),
                                 1 / (1 + order.index(True)) if any(order) else 0.0)
    return found


def test_trec_files_give_the_figures_of_the_evaluation(made, tmp_path):
    files = written(made, "trec", tmp_path)
    for direction in ("speech_to_image", "image_to_speech"):
        found = trec_eval(files[f"{direction}.run"], files[f"{direction}.qrels"])
        gains = made.evaluation.gains[direction]
        queries = made.evaluation.queries(direction)
        assert {"a b.png", "100%.png"} <= set(found) or direction == "speech_to_image"
        assert [found[query.query_id] for query in queries] == [
            pytest.approx(pair) for pair in zip(gains.ndcg, gains.reciprocal, strict=True)]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_all_queries_as_a_table(made, tmp_path, form):
    [path] = written(made, form, tmp_path).values()
    if form == "csv":
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows[0]["transcript"] == "'=red", "no spreadsheet runs it"
    else:
        from pyarrow import parquet

        table = parquet.read_table(path)
        rows = table.to_pylist()
        assert str(table.schema.field("rank").type) == "int64" and str(table.schema.field("wer").type) == "double"
    queries = [query for way in ("speech_to_image", "image_to_speech") for query in made.evaluation.queries(way)]
    assert [(row["way"], row["query"], int(row["rank"])) for row in rows] == [
        (query.direction, query.query_id, query.rank) for query in queries]
    gains = made.evaluation.gains["image_to_speech"]
    assert [float(row["ndcg_10"]) for row in rows[len(SAID):]] == pytest.approx(gains.ndcg)


def test_embeddings_give_the_stored_ranks(made, tmp_path):
    files = written(made, "embeddings", tmp_path)
    images, utterances = (np.load(files[f"{name}.npy"]) for name in ("images", "utterances"))
    facts = json.loads(files["utterances.json"].read_text())
    places = {row["id"]: number for number, row in enumerate(json.loads(files["images.json"].read_text())["rows"])}
    assert facts["shape"] == list(utterances.shape) and images.dtype == np.float32
    for row, entry, query in zip(utterances, facts["rows"], made.evaluation.queries("speech_to_image"), strict=True):
        if np.isfinite(row).all() and row.any():
            scores = images @ row
            assert np.count_nonzero(scores >= scores[places[entry["image"]]] - 1e-6) == query.rank
    assert np.linalg.norm(images, axis=1) == pytest.approx(np.ones(len(images)))


def test_what_cannot_be_exported_is_told(made, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(EvaluationError, match="need Arrow"):
        export_evaluation(made.workspace, 1, "parquet", tmp_path)
    with pytest.raises(EvaluationError, match="there are csv, parquet, trec, embeddings"):
        export_evaluation(made.workspace, 1, "xml", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(EvaluationError, match="could not be written"):
        export_evaluation(made.workspace, 1, "csv", tmp_path / "file")
    (made.folder / "green.png").unlink()
    with pytest.raises(EvaluationError, match="no longer there as it was"):
        export_evaluation(made.workspace, 1, "embeddings", tmp_path)


def test_names_are_one_field_each_way():
    for name in ("a b", "\udce9\t%20", "", "\u3000x", "plain/name.jpg"):
        field = query_exports._field(name)
        assert len(field.split()) == 1
        assert not name or unquote(field, errors="surrogateescape") == name


def test_on_the_command_line(made, tmp_path, home, monkeypatch, capsys):
    monkeypatch.setattr("core.explorer.Explorer", lambda home, settings: made.explorer)
    forms = ["--export", "csv", "--export", "trec"]
    assert cli.main(["evaluate", "--evaluation", "1", *forms, "--out", str(tmp_path / "x")]) == 0
    assert len(list((tmp_path / "x").iterdir())) == 5
    assert cli.main(["evaluate", "--evaluation", "1", "--export", "csv"]) == 2
    assert "--export and --out" in capsys.readouterr().err


def test_the_command_line_offers_every_form():
    from core.cli.evaluation import EXPORTS

    assert tuple(export.key for export in QUERY_EXPORTS) == EXPORTS
