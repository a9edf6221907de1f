"""nDCG@10 and reciprocal ranks from stored hits, against scikit-learn and a plain loop; older evaluations get both."""

import json
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score

from core.evaluation import archive, hits, metrics, ranks
from core.evaluation.gains import gains_of
from core.evaluation.hits import DirectionResult
from core.store.store import Store

from .test_archive import keep


def outcomes(spoken, images, image_of):
    """Both directions, as an evaluation stores them."""
    said, shown = ranks.units(spoken), ranks.units(images)
    found = ranks.ranks(spoken, images, image_of)
    of_pairs, of_best, best = hits.own_scores(said, shown, image_of)
    return {"speech_to_image": DirectionResult(found.speech_to_image, hits.of_utterances(said, shown, image_of),
                                               of_pairs, image_of),
            "image_to_speech": DirectionResult(found.image_to_speech, hits.of_pictures(said, shown, image_of),
                                               of_best, best)}, said @ shown.T


@pytest.mark.parametrize("seed", range(6))
def test_both_directions_agree_with_scikit_learn(seed):
    draw = np.random.default_rng(seed)
    images = draw.normal(size=(30, 4)).astype(np.float32)
    image_of = np.concatenate([np.arange(30), draw.integers(0, 4, 60)])  # up to some 20 utterances of one picture
    spoken = (images[image_of] + draw.normal(size=(90, 4))).astype(np.float32)
    results, scores = outcomes(spoken, images, image_of)
    found = gains_of(results, image_of)
    own = image_of[:, None] == np.arange(30)
    for direction, right, scored in (("speech_to_image", own, scores), ("image_to_speech", own.T, scores.T)):
        expected = [ndcg_score(right[None, row].astype(int), scored[None, row], k=10) for row in range(len(right))]
        assert found[direction].ndcg == pytest.approx(expected)
        order = np.argsort(-scored, axis=1)
        first = [1 / (1 + int(np.argmax(right[row, order[row]]))) for row in range(len(right))]
        assert found[direction].reciprocal == pytest.approx(first)
    assert found["speech_to_image"].reciprocal.mean() == pytest.approx(
        label_ranking_average_precision_score(own, scores)), "one right item: average precision is the reciprocal rank"


def test_a_query_without_a_vector_has_no_gain_and_a_lost_utterance_makes_no_ideal():
    images = np.eye(3, dtype=np.float32)
    image_of = np.array([0, 0, 1, 2])
    spoken = np.concatenate([images[[0]], np.full((1, 3), np.nan), images[[1]], np.full((1, 3), np.nan)]
                            ).astype(np.float32)
    results, _ = outcomes(spoken, images, image_of)
    found = gains_of(results, image_of)
    assert found["speech_to_image"].reciprocal.tolist() == [1, 0, 1, 0]
    assert found["image_to_speech"].reciprocal.tolist() == [1, 1, 0]
    assert found["image_to_speech"].ndcg.tolist() == pytest.approx([1 / (1 + 1 / np.log2(3)), 1, 0])
    results["speech_to_image"].ranks[[1, 3]] = 0  # left out, as --drop-unreadable does
    assert gains_of(results, image_of)["image_to_speech"].ndcg.tolist() == [1, 1, 0]


def test_ties_count_against_the_model():
    flat = np.ones((4, 2), np.float32)
    results, _ = outcomes(flat, flat, np.arange(4))
    for found in gains_of(results, np.arange(4)).values():
        assert found.ndcg == pytest.approx(np.full(4, 1 / np.log2(5)))
        assert found.reciprocal == pytest.approx(np.full(4, 0.25))


def test_an_evaluation_of_an_earlier_release_gets_the_figures_once(tmp_path):
    path = tmp_path / "home" / "store.sqlite"
    with closing(Store.open(path)) as store:
        record = keep(store)
        [stored] = store.evaluations()
        old = json.loads(json.dumps(stored.summary))
        for direction in ("speech_to_image", "image_to_speech"):
            for name in metrics.LATER:
                del old[direction][name], old[direction]["interval"][name], old["unseen"][direction][name]
        store.replace_summary(record.id, old)
        [listed] = archive.evaluations(store)
        assert listed.speech_to_image["MRR"].value == pytest.approx(100 * (1 / 2 + 1 / 30 + 1) / 3)
        assert listed.speech_to_image["R@5"] == record.speech_to_image["R@5"]
        assert not listed.unseen.speech_to_image.is_complete, "which pictures were unseen is not stored"
        [kept] = store.evaluations()
        assert kept.summary["speech_to_image"]["MRR"] == pytest.approx(51.1111)
        store.replace_summary(record.id, old)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE evaluation SET queries = x'00'")
    with closing(Store.open(path)) as store:
        [listed] = archive.evaluations(store)
        assert not listed.speech_to_image.is_complete
        assert listed.speech_to_image["R@5"] == record.speech_to_image["R@5"], "the other figures stay"
