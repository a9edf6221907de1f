"""Hits against word errors, groups, noise curves."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from core.evaluation import quality
from core.evaluation.archive import Evaluation
from core.evaluation.hits import DirectionResult, Hits
from core.evaluation.metrics import metrics
from core.evaluation.records import EvaluationRecord, Setup, SplitImage, UtteranceFacts, WordErrors
from core.features.noise import CLEAN, Condition


def evaluation(wer, ranks, speakers=None, captions=None, transcripts=None):
    count = len(wer)
    utterances = tuple(UtteranceFacts(
        f"u{row}", row, speakers[row] if speakers else "", captions[row] if captions else "a dog",
        transcripts[row] if transcripts else "a dog", None, 1.0, wer[row], 0) for row in range(count))
    pictures = tuple(SplitImage(f"p{row}", None) for row in range(count))
    nothing = Hits(np.full((count, 1), -1, np.int32), np.full((count, 1), np.nan, np.float32))
    one = DirectionResult(np.array(ranks), nothing, np.zeros(count, np.float32), np.arange(count))
    record = SimpleNamespace(setup=SimpleNamespace(is_imported=False))
    return Evaluation(record, pictures, utterances, {"speech_to_image": one, "image_to_speech": one})


def test_the_fit_is_the_likeliest_and_its_band_holds_the_truth():
    draw = np.random.default_rng(3)
    wer = np.round(draw.random(4000) * 1.2, 2)
    chance = 1 / (1 + np.exp(-(1.5 - 3 * wer)))
    hit = draw.random(4000) < chance
    found = quality.fit(evaluation(wer.tolist(), np.where(hit, 3, 30)), 5)

    def unlikely(weights):
        odds = weights[0] + weights[1] * wer
        return float(np.sum(np.log1p(np.exp(odds)) - hit * odds))

    best = minimize(unlikely, np.zeros(2)).x
    assert found.slope.value == pytest.approx(best[1] * 0.1, abs=1e-3)
    assert found.slope.low < -0.3 < found.slope.high
    assert found.curve.rate[0] == pytest.approx(1 / (1 + np.exp(-best[0])), abs=1e-3)
    truth = 1 / (1 + np.exp(-(1.5 - 3 * found.curve.wer)))
    assert np.all((found.curve.low <= truth) & (truth <= found.curve.high))
    assert sum(each.queries for each in found.bins) == found.queries == 4000
    assert found.bins[0].high == 0
    assert found.bins[0].queries == int(np.sum(wer == 0))
    for each in found.bins:
        assert each.rate_low <= each.rate <= each.rate_high
        assert each.low <= each.middle <= each.high


def distance(first, second):
    """Edit distance of two lists of words."""
    row = list(range(len(second) + 1))
    for number, word in enumerate(first, 1):
        before, row[0] = row[0], number
        for place, other in enumerate(second, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (word != other))
    return row[-1]


def test_the_authors_count_and_fit_is_that_of_scikit_learn():
    draw = np.random.default_rng(5)
    captions = ["A brown dog runs over the grass", "Two children play", "It's a red car, parked"] * 100
    said = [" ".join(draw.choice(["A", "brown", "Dog", "runs.", "it's", "grass", "two", "car,"], draw.integers(1, 9)))
            for _ in captions]
    made = evaluation([0.0] * len(captions), draw.choice([1, 20], len(captions)), captions=captions, transcripts=said)
    errors = [distance(caption.lower().split(), text.lower().split())
              for caption, text in zip(captions, said, strict=True)]
    rates = np.array([count / len(caption.split()) for count, caption in zip(errors, captions, strict=True)])
    hit = np.array([query.rank == 1 for query in made.queries("speech_to_image")])
    assert (rates > 1).any(), "some are to be left out"
    kept = rates <= 1
    theirs = LogisticRegression(C=1, tol=1e-10).fit(rates[kept, None], hit[kept])

    found = quality.fit(made, 10, "authors")
    assert found.queries == kept.sum()
    assert found.slope.value == pytest.approx(0.1 * float(theirs.coef_[0, 0]), abs=1e-5)
    assert not found.slope.has_interval
    assert found.curve.rate == pytest.approx(theirs.predict_proba(found.curve.wer[:, None])[:, 1], abs=1e-5)
    assert quality.authors_words(made).rate == pytest.approx(sum(errors) / sum(len(each.split()) for each in captions))
    assert quality.fit(made, 10).slope is None, "the stored rates, all 0"


@pytest.mark.parametrize(("wer", "ranks", "told"), [
    ([None, None], [1, 2], "caption"), ([0.1, 0.2], [1, 2], "All utterances are found"),
    ([0.1, 0.2], [90, 91], "No utterance is found"), ([0.5, 0.5, 0.5], [1, 99, 1], "same word error rate"),
    ([0.0, 0.1, 0.8, 0.9], [1, 1, 99, 99], "parts all hits")])
def test_where_no_fit_exists_the_reason_is_told(wer, ranks, told):
    found = quality.fit(evaluation(wer, ranks), 10)
    assert found.curve is None
    assert found.slope is None
    assert told in found.note


def test_dropped_queries_count_for_nothing():
    found = quality.fit(evaluation([0.0, 0.0, 1.0, 1.0], [0, 1, 99, 1]), 10)
    assert found.queries == 3
    assert [(each.queries, each.hits) for each in found.bins] == [(1, 1), (2, 1)]


def test_groups_by_speaker_and_length():
    made = evaluation([0.0, 1.0, 0.5], [1, 20, 7], ["10", "9", "10"], ["a dog", "a b c d e f g", "a"])
    speakers = quality.by_speaker(made)
    assert [(each.name, each.queries, each.recalls) for each in speakers] == [
        ("9", 1, (0, 0, 0)), ("10", 2, (50, 50, 100))]
    assert speakers[1].wer == pytest.approx(0.5 / 3), "by words of the captions"
    lengths = quality.by_length(made)
    assert [(each.name, each.queries) for each in lengths] == [("up to 5 words", 2), ("6 to 8 words", 1)]
    assert len(quality.by_speaker(made, "image_to_speech")) == 2


def record(number, condition, rate=0.1, **fields):
    from datetime import UTC, datetime
    from pathlib import Path

    setup = Setup(Path("/d"), "flickr8k", "test", "M", "full", None, "b", "w", "centre", condition)
    figures = metrics(np.array([number]), np.array([0]))
    return EvaluationRecord(replace(setup, **fields), figures, figures,
                            WordErrors(int(100 * rate), 100, 5), 1, 1, 0, 0, None, "", 1.0, id=number,
                            created=datetime.now(UTC))


def test_noise_curves_gather_what_differs_in_the_condition_alone():
    white = [record(number, Condition("white", snr)) for number, snr in ((2, 0.0), (3, 10.0), (4, 0.0))]
    curves = quality.noise_curves([record(1, CLEAN), *white, record(5, Condition("babble", 5.0)),
                                   record(6, Condition("white", 5.0), captions=True), record(7, CLEAN, crop="squash")])
    told = {(each.noise, each.setup.captions): [(point.snr, point.evaluation_id) for point in each.points]
            for each in curves}
    assert told == {("white", False): [(None, 1), (10.0, 3), (0.0, 4)], ("babble", False): [(None, 1), (5.0, 5)],
                    ("white", True): [(5.0, 6)]}
