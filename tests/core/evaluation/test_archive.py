"""Evaluations are stored whole: opened as they were, deleted with all that hangs on them, safe from crashes."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from core.errors import EvaluationError, StoreError
from core.evaluation import archive, labelling
from core.evaluation.failures import Reranking, conclude, confusion, counts
from core.evaluation.hits import DirectionResult, Hits
from core.evaluation.metrics import metrics
from core.evaluation.records import Setup, SplitImage, Summary, Unseen, UtteranceFacts, WordErrors
from core.features.noise import Condition
from core.store.store import Store

pytestmark = pytest.mark.slow

SETUP = Setup(Path("/data/flickr8k"), "flickr8k", "test", "Colours, full", "full", Path("/runs/\udce9/best"), "mini",
              "Whisper base", "centre", Condition("babble", 5.0), False, False, "flickr8k", "flickr8k")


def outcome(ranks, best):
    count = len(ranks)
    rows = np.tile(np.array([1, 0, -1], np.int32), (count, 1))
    scores = np.tile(np.array([0.9, 0.5, np.nan], np.float32), (count, 1))
    return DirectionResult(np.array(ranks), Hits(rows, scores), np.full(count, 0.5, np.float32), np.array(best),
                   np.array(ranks) + 1, None)


def keep(store, setup=SETUP, ranks=(2, 30, 1)):
    figures = metrics(np.array(ranks), np.arange(len(ranks)))
    pictures = [SplitImage("a", Path("/data/\udce9.jpg")), SplitImage("b", None, "Its file is missing.")]
    utterances = [UtteranceFacts(f"u{row}", row % 2, "7", "a dog", "a fog", Path("/data/u.wav"), 1.5, 0.5, 0)
                  for row in range(len(ranks))]
    summary = Summary(setup, figures, figures, WordErrors(1, 4, 2), 2, len(ranks), 1, 0, Unseen(figures, figures, 1),
                      "", 2.5)
    return archive.keep(store, summary, pictures, utterances, {
        "speech_to_image": outcome(list(ranks), [row % 2 for row in range(len(ranks))]),
        "image_to_speech": outcome([1, 0], [0, -1])})


@pytest.fixture
def store(tmp_path):
    opened = Store.open(tmp_path / "home" / "store.sqlite")
    yield opened
    opened.close()


def test_an_evaluation_opens_as_it_was(store):
    record = keep(store)
    [listed] = archive.evaluations(store)
    assert listed == record
    assert listed.setup == SETUP
    assert (listed.words.rate, listed.unseen.images) == (0.25, 1)
    opened = archive.open_evaluation(store, record.id)
    first, second, _ = opened.queries("speech_to_image")
    assert (first.query_id, first.rank, first.text_rank, first.acoustic_rank, first.picture) == ("u0", 2, 3, None, 0)
    assert (second.reason, second.picture) == ("Its file is missing.", 1)
    assert [(hit.rank, hit.picture, hit.utterance, hit.own) for hit in opened.hits("speech_to_image", 0)] == [
        (1, 1, -1, False), (2, 0, -1, True)]
    assert [(hit.picture, hit.utterance, hit.own) for hit in opened.hits("image_to_speech", 1)] == [
        (1, 1, True), (0, 0, False)]
    assert opened.queries("image_to_speech")[1].utterance == -1
    assert [query.query_id for query in opened.failures("speech_to_image")] == ["u1"]
    assert opened.failures("image_to_speech", at=1) == ()
    assert opened.pictures[0].path == Path("/data/\udce9.jpg")
    assert dict(opened.unreadable) == {"b": "Its file is missing."}


def test_the_newest_comes_first(store):
    ids = [keep(store).id for _ in range(3)]
    assert [each.id for each in archive.evaluations(store)] == ids[::-1]


def test_deleting_takes_diagnosis_and_labels_along(store):
    one, other = keep(store), keep(store)
    for each in (one, other):
        archive.keep_diagnosis(store, each.id, 10, [conclude("speech_to_image", 1, "u1", 30, 10, [])], "")
        labelling.label(store, each.id, "speech_to_image", "u1", "crop")
    archive.delete(store, [one.id])
    assert [each.id for each in archive.evaluations(store)] == [other.id]
    assert archive.diagnosis(store, one.id) is None
    assert labelling.labels(store, one.id) == {}
    assert len(labelling.labels(store, other.id)) == 1
    with pytest.raises(EvaluationError, match="deleted"):
        archive.open_evaluation(store, one.id)
    with pytest.raises(EvaluationError, match="deleted"):
        labelling.label(store, one.id, "speech_to_image", "u1", "crop")
    with pytest.raises(EvaluationError, match="deleted"):
        archive.keep_diagnosis(store, one.id, 10, [], "")
    assert keep(store).id > other.id, "an id is never given twice"


def test_a_diagnosis_is_kept_for_each_k_and_replaced(store):
    record = keep(store)
    again = [Reranking("caption", None, "it was heard rightly"), Reranking("letterbox", 3), Reranking("squash", 12)]
    first = archive.keep_diagnosis(store, record.id, 10, [conclude("speech_to_image", 1, "u1", 30, 10, again)], "note")
    assert archive.diagnosis(store, record.id, 10) == first
    assert archive.diagnosis(store, record.id, 5) is None
    assert first.of("speech_to_image", 1).kind == "crop"
    assert first.of("speech_to_image", 0) is None
    archive.keep_diagnosis(store, record.id, 10, [], "")
    assert archive.diagnosis(store, record.id, 10).diagnoses == ()


def test_labels_are_undone_one_by_one_also_after_a_restart(store, tmp_path):
    record = keep(store)
    labelling.label(store, record.id, "speech_to_image", "u1", "crop")
    labelling.label(store, record.id, "speech_to_image", "u1", "crop", "the clock is cut off")
    labelling.label(store, record.id, "image_to_speech", "a", "other")
    store.close()
    again = Store.open(tmp_path / "home" / "store.sqlite")
    assert {key: (each.label, each.note) for key, each in labelling.labels(again, record.id).items()} == {
        ("speech_to_image", "u1"): ("crop", "the clock is cut off"), ("image_to_speech", "a"): ("other", "")}
    assert [(each.direction, each.query_id, each.label, each.note) for each in (
        labelling.undo(again, record.id), labelling.undo(again, record.id))] == [
            ("image_to_speech", "a", "other", ""), ("speech_to_image", "u1", "crop", "the clock is cut off")]
    assert labelling.labels(again, record.id)["speech_to_image", "u1"].note == ""
    assert labelling.undo(again, record.id).query_id == "u1"
    assert labelling.labels(again, record.id) == {}
    assert labelling.undo(again, record.id) is None


def test_a_label_that_is_taken_away_is_gone_and_can_come_back(store):
    record = keep(store)
    labelling.label(store, record.id, "speech_to_image", "u1", "crop")
    labelling.label(store, record.id, "speech_to_image", "u1")
    assert labelling.labels(store, record.id) == {}
    labelling.undo(store, record.id)
    assert labelling.labels(store, record.id)["speech_to_image", "u1"].label == "crop"
    with pytest.raises(EvaluationError, match="no label 'nonsense'"):
        labelling.label(store, record.id, "speech_to_image", "u1", "nonsense")


def test_counts_and_confusion(store):
    record = keep(store)
    found = [conclude("speech_to_image", row, f"u{row}", 30, 10, again) for row, again in enumerate((
        [Reranking("letterbox", 3)], [Reranking("caption", 4)],
        [Reranking("caption", 4), Reranking("letterbox", 9)], []))]
    for row, label in enumerate(("crop", "crop", "heard")):
        labelling.label(store, record.id, "speech_to_image", f"u{row}", label)
    told = counts(found)
    assert {key: number for key, number in told.items() if number} == {"crop": 1, "heard": 1, "several": 1, "none": 1}
    table = confusion(found, labelling.labels(store, record.id))
    cell = {(row, column): number for row, cells in zip(table.rows, table.cells, strict=True)
            for column, number in zip(table.columns, cells, strict=True) if number}
    assert cell == {("crop", "crop"): 1, ("crop", "heard"): 1, ("heard", "several"): 1}
    assert table.agreed == 1


def test_what_is_damaged_is_told(store, tmp_path):
    record = keep(store)
    with sqlite3.connect(tmp_path / "home" / "store.sqlite") as connection:
        connection.execute("UPDATE evaluation SET queries = X'00FF'")
    with pytest.raises(EvaluationError, match="is damaged") as raised:
        archive.open_evaluation(store, record.id)
    assert raised.value.kind == "damaged"
    assert len(archive.evaluations(store)) == 1, "the list still opens"


def test_two_threads_with_stores_of_their_own(store, tmp_path):
    def work():
        other = Store.open(tmp_path / "home" / "store.sqlite")
        for _ in range(10):
            record = keep(other)
            labelling.label(other, record.id, "speech_to_image", "u1", "crop")
        other.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    found = archive.evaluations(store)
    assert len(found) == len({each.id for each in found}) == 20
    assert all(labelling.labels(store, each.id) for each in found)


def test_a_killed_process_leaves_whole_evaluations_only(tmp_path):
    """Killed while it stores one after the other, without any chance to tidy up."""
    path = tmp_path / "home" / "store.sqlite"
    Store.open(path).close()
    script = ("import importlib.util, sys\nfrom pathlib import Path\nfrom core.store.store import Store\n"
              f"spec = importlib.util.spec_from_file_location('made', {str(Path(__file__))!r})\n"
              "made = importlib.util.module_from_spec(spec); spec.loader.exec_module(made)\n"
              f"store = Store.open(Path({str(path)!r}))\n"
              "while True:\n    made.keep(store)\n    print('kept', flush=True)\n")
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True,
                             cwd=Path(__file__).resolve().parents[3])
    for _ in range(5):
        assert child.stdout.readline() == "kept\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    store = Store.open(path)
    found = archive.evaluations(store)
    assert len(found) >= 5
    for each in found:
        assert len(archive.open_evaluation(store, each.id).queries("speech_to_image")) == 3
    store.close()


def test_a_full_disk_keeps_what_was_there(store, monkeypatch):
    record = keep(store)
    with store.database.writing() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    store.database.close()  # the limit is of a connection: one for all
    limited = store.database._engine
    from sqlalchemy import event

    event.listen(limited, "connect", lambda connection, record: connection.execute(f"PRAGMA max_page_count={pages}"))
    with pytest.raises(StoreError) as raised:
        for _ in range(200):
            keep(store)
    assert raised.value.kind == "disk_full"
    assert archive.open_evaluation(store, record.id).queries("speech_to_image")[0].rank == 2


def test_a_damaged_evaluation_is_passed_over_beside_the_good_one(store, damaged_values):
    good, bad = keep(store), keep(store)
    path = store.database.path
    for case in (*damaged_values(archive._to_json(bad)), "not JSON"):
        with sqlite3.connect(path) as connection:
            text = case if case == "not JSON" else json.dumps(case)
            connection.execute("UPDATE evaluation SET summary = ? WHERE id = ?", (text, bad.id))
        connection.close()
        listed = archive.evaluations(store)
        assert good in listed
        if len(listed) == 1:
            assert archive.damaged(store) == [bad.id]
    with pytest.raises(EvaluationError) as raised:
        archive.open_evaluation(store, bad.id)
    assert raised.value.kind == "damaged" and str(bad.id) in str(raised.value)
    archive.delete(store, [bad.id])
    assert archive.damaged(store) == []
