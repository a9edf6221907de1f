"""Paired bootstrap and permutation test, against scipy and plain loops; refusal of other queries."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import permutation_test

from core import cli
from core.errors import EvaluationError
from core.evaluation import archive, evaluate, metrics, paired
from core.evaluation.archive import Evaluation
from core.evaluation.records import SplitImage, UtteranceFacts
from core.store.store import Store

from .test_archive import SETUP, Summary

COUNT = 24  # pictures


def made(seed, pictures=COUNT, noise=1.0, number=1, each=2):
    """An evaluation in memory whose utterances lie `noise` away from their pictures."""
    draw = np.random.default_rng(0)
    images = draw.normal(size=(pictures, 5)).astype(np.float32)
    image_of = np.repeat(np.arange(pictures), each)
    spoken = images[image_of] + noise * np.random.default_rng(seed).normal(size=(len(image_of), 5)).astype(np.float32)
    outcomes = evaluate.outcomes_of(SimpleNamespace(fused=spoken, text=None, acoustic=None), images, image_of)
    record = SimpleNamespace(id=number, setup=SETUP)
    return Evaluation(record, tuple(SplitImage(f"i{row}", None) for row in range(pictures)),
                      tuple(UtteranceFacts(f"u{row}", int(picture), "", "", "", None, 0.0, None, 0)
                            for row, picture in enumerate(image_of)), outcomes)


def values_of(evaluation, direction):
    return metrics.query_values(evaluation.ranks(direction), evaluation.gains[direction])


def by_picture(values, place):
    return np.stack([values[place == number].sum(axis=0) for number in range(place.max() + 1)])


@pytest.mark.parametrize("pictures", [11, COUNT])
def test_p_values_are_those_of_scipy(pictures):
    """Eleven pictures have 2048 exchanges, which both try all; of more, both draw at random."""
    first, second = made(1, pictures), made(2, pictures, noise=1.6)
    place = first.groups("speech_to_image")
    values = [values_of(each, "speech_to_image") for each in (first, second)]
    found = paired.p_values(*values, place)
    sums = [by_picture(each, place) for each in values]
    for column, name in enumerate(metrics.NAMES):
        if column == metrics.MEDIAN:
            continue
        expected = permutation_test(
            (sums[0][:, column], sums[1][:, column]), lambda one, other, axis=-1: np.sum(other - one, axis=axis),
            permutation_type="samples", n_resamples=10_000, vectorized=True, rng=np.random.default_rng(3)).pvalue
        assert found[column] == pytest.approx(expected, abs=1e-12 if pictures == 11 else 0.04), name
    assert 0 < found[0] < 1


def test_the_p_value_of_the_median_is_that_of_a_plain_loop():
    first, second = made(1, 10), made(2, 10, noise=2.0)
    place = first.groups("speech_to_image")
    one, other = first.ranks("speech_to_image"), second.ranks("speech_to_image")
    observed = abs(np.median(other) - np.median(one))
    extreme = 0
    for number in range(1024):
        swap = np.array([number >> picture & 1 for picture in place], bool)
        extreme += abs(np.median(np.where(swap, one, other)) - np.median(np.where(swap, other, one))) >= observed - 1e-9
    values = [values_of(each, "speech_to_image") for each in (first, second)]
    assert observed > 0
    assert paired.p_values(*values, place)[metrics.MEDIAN] == pytest.approx(extreme / 1024)


def test_the_interval_is_that_of_a_plain_paired_bootstrap():
    first, second = made(1), made(2, noise=1.6)
    place = first.groups("speech_to_image")
    hits = [(each.ranks("speech_to_image") <= 5).astype(float) for each in (first, second)]
    draw, drawn = np.random.default_rng(5), []
    for _ in range(4000):
        rows = np.concatenate([np.flatnonzero(place == picture) for picture in draw.integers(0, COUNT, COUNT)])
        drawn.append(100 * (hits[1][rows].mean() - hits[0][rows].mean()))
    found = next(each for each in paired.compare(first, second, draws=4000).differences["speech_to_image"]
                 if each.name == "R@5")
    assert found.difference.value == pytest.approx(100 * (hits[1].mean() - hits[0].mean()))
    assert [found.difference.low, found.difference.high] == pytest.approx(np.percentile(drawn, [2.5, 97.5]), abs=1.1)


def test_a_difference_is_seen_either_way_and_none_between_the_same():
    good, bad = made(1, noise=0.1), made(2, noise=4.0, number=2)
    for first, second, better in ((good, bad, 1), (bad, good, 2)):
        compared = paired.compare(first, second)
        for direction, differences in compared.differences.items():
            assert {each.better for each in differences} == {better}
            assert differences[0].p_text == "< 0.001"
            assert "evaluation 1 (Colours, full) is better by" in compared.sentence(direction, differences[0])
    for differences in paired.compare(good, good).differences.values():
        assert all((each.difference.value, each.p, each.better) == (0, 1, 0) for each in differences)


def test_below_ten_pictures_nothing_is_concluded():
    compared = paired.compare(made(1, 9, noise=0.1), made(2, 9, noise=4.0))
    [difference, *_] = compared.differences["speech_to_image"]
    assert (difference.better, difference.interval_text, difference.p_text) == (0, "-", "-")
    assert compared.sentence("speech_to_image", difference).endswith("too few pictures to tell.")


def test_false_alarms_are_as_rare_as_they_should_be():
    """Two models of equal quality: p below 0.05 in about a twentieth of comparisons."""
    alarms = 0
    for seed in range(150):
        first, second = made(2 * seed), made(2 * seed + 1)
        place = first.groups("speech_to_image")
        alarms += paired.p_values(values_of(first, "speech_to_image"), values_of(second, "speech_to_image"), place,
                                  400)[metrics.NAMES.index("MRR")] < 0.05
    assert 1 <= alarms <= 18


def test_other_queries_are_refused():
    with pytest.raises(EvaluationError, match="24 pictures are in both, of 24 and 30, or their order"):
        paired.compare(made(1), made(2, 30))
    with pytest.raises(EvaluationError, match="48 utterances are in both, of 48 and 72"):
        paired.compare(made(1), extended())
    dropped = made(2)
    dropped.ranks("speech_to_image")[3] = 0
    with pytest.raises(EvaluationError, match=r"leaves out unreadable files \(48 and 47 queries count\)"):
        paired.compare(made(1), dropped)


def extended():
    evaluation = made(2)
    more = tuple(replace(spoken, utterance_id=f"v{row}") for row, spoken in enumerate(evaluation.utterances[:24]))
    return Evaluation(evaluation.record, evaluation.pictures, (*evaluation.utterances, *more), evaluation._outcomes)


@pytest.fixture
def stored(home, capsys):
    """Two stored evaluations of the same queries, and their ids."""
    store = Store.open(home.store)
    ids = []
    for seed, noise in ((1, 0.1), (2, 4.0)):
        evaluation = made(seed, noise=noise)
        figures = [metrics.metrics(evaluation.ranks(way), evaluation.groups(way), evaluation.gains[way])
                   for way in ("speech_to_image", "image_to_speech")]
        summary = Summary(SETUP, *figures, None, COUNT, 2 * COUNT, 0, 0, None, "", 1.0)
        ids.append(archive.keep(store, summary, evaluation.pictures, evaluation.utterances, evaluation._outcomes).id)
    store.close()
    return ids


def test_compare_on_the_command_line(stored, capsys):
    first, second = map(str, stored)
    assert cli.main(["evaluate", "--compare", first, second]) == 0
    out = capsys.readouterr().out
    assert len(re.findall(r"^R@1 .* < 0.001  1 is better$", out, re.M)) == 2 and paired.NOT_CORRECTED in out
    assert cli.main(["evaluate", "--compare", first, second, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    entry = found["image_to_speech"][0]
    assert entry["figure"] == "R@1" and entry["better"] == stored[0] and entry["interval"][1] < 0
    assert cli.main(["evaluate", "--compare", first, "99"]) == 2
