"""Queues from a stored evaluation: pictures whose queries failed, and those a person called something."""

import numpy as np
import pytest

from core.annotation import failed
from core.annotation.queues import offered, open_queue
from core.evaluation import archive, labelling
from core.evaluation.hits import DirectionResult, Hits
from core.evaluation.metrics import NAMES, Figure, Metrics
from core.evaluation.records import Setup, SplitImage, Summary, UtteranceFacts


@pytest.fixture
def evaluation(explorer, folder):
    """Of ten pictures with an utterance each: those of c and e are found at rank 11 and 40, all else at 1."""
    names = sorted(path.name for path in folder.iterdir())
    ranks = np.ones(len(names), np.int64)
    ranks[2], ranks[4] = 11, 40
    rows = np.zeros((len(names), 1), np.int32)
    spoken = DirectionResult(ranks, Hits(rows, rows.astype(np.float32)), np.ones(len(names), np.float32),
                             np.arange(len(names)))
    shown = DirectionResult(np.ones_like(ranks), spoken.hits, spoken.scores, spoken.best)
    setup = Setup(folder, "folder", "test", "Model", "full", None, "mini", "base", "centre")
    metrics = Metrics({name: Figure(1.0, 1.0, 1.0) for name in NAMES}, len(names))
    summary = Summary(setup, metrics, metrics, None, 10, 10, 0, 0, None, "", 1.0)
    return archive.keep(explorer.store, summary, [SplitImage(name, folder / name) for name in names],
                        [UtteranceFacts(f"u{at}", at, "", "", "", None, 1.0, None, 0) for at in range(len(names))],
                        {"speech_to_image": spoken, "image_to_speech": shown})


def queue_of(explorer, gallery, spec):
    return open_queue(explorer.store, gallery, spec, [])


def test_the_pictures_of_failed_queries_are_a_queue(explorer, gallery, ids, evaluation):
    queue = queue_of(explorer, gallery, f"failures:{evaluation.id}")
    assert queue.image_ids == (ids[2], ids[4]) and queue.title == "Failures of pictures test · Model"


@pytest.mark.slow
def test_the_failures_beyond_another_rank_are_a_queue_where_they_are_asked_for(explorer, gallery, ids, evaluation):
    spec = f"failures:{evaluation.id}/20"
    queue = queue_of(explorer, gallery, spec)
    assert queue.image_ids == (ids[4],) and queue.title.endswith("beyond the top 20")
    assert spec not in dict(offered(explorer.store, gallery))
    assert spec in dict(offered(explorer.store, gallery, spec))
    for strange in (f"failures:{evaluation.id}/x", f"failures:{evaluation.id}/0", "failures:99/5"):
        assert queue_of(explorer, gallery, strange).spec == "unlabelled:"


@pytest.mark.slow
def test_a_gallery_that_has_the_failures_is_found(explorer, gallery, evaluation, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    explorer.index(tmp_path / "elsewhere", "Other")
    assert failed.home_of(explorer.store, f"{evaluation.id}/20", "Other") == gallery.name
    assert failed.home_of(explorer.store, f"{evaluation.id}/50", "Other") is None


@pytest.mark.slow
def test_what_people_called_a_failure_is_a_queue(explorer, gallery, ids, evaluation):
    assert not any(spec.startswith("labelled") for spec, _ in offered(explorer.store, gallery))
    labelling.label(explorer.store, evaluation.id, "speech_to_image", "u4", "caption")
    queue = queue_of(explorer, gallery, f"labelled:{evaluation.id}/caption")
    assert queue.image_ids == (ids[4],) and "Wrong caption" in queue.title


@pytest.mark.slow
def test_an_evaluation_of_other_pictures_is_not_offered(explorer, gallery, evaluation, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    explorer.index(tmp_path / "elsewhere", "Other")
    other = explorer.gallery("Other")
    assert not any(spec.startswith("failures") for spec, _ in offered(explorer.store, other))


@pytest.mark.slow
def test_a_deleted_evaluation_leaves_the_first_queue(explorer, gallery, evaluation):
    archive.delete(explorer.store, [evaluation.id])
    assert queue_of(explorer, gallery, f"failures:{evaluation.id}").spec == "unlabelled:"
