"""Ranks and what they come to, against a second implementation that is as naive as can be."""

import json
import statistics
import tracemalloc

import numpy as np
import pytest

from core.evaluation import alike, hits, metrics, ranks

KINDS = ("random", "negative", "ties", "all equal", "zeros", "missing")


def vectors(kind, count, dim, draw):
    """Vectors of a kind, (count, dim) float32."""
    found = draw.normal(size=(count, dim)).astype(np.float32)
    if kind == "negative":
        found -= 3
    elif kind == "ties":
        found = draw.integers(0, 2, (count, dim)).astype(np.float32)
    elif kind == "all equal":
        found[:] = 1
    elif kind == "zeros":
        found[::3] = 0
    elif kind == "missing":
        found[::4] = np.nan
    return found


def case(kind, seed):
    """Utterances, pictures and whose picture each is; some pictures have no utterance, some have several."""
    draw = np.random.default_rng(seed)
    pictures, utterances = int(draw.integers(1, 12)), int(draw.integers(1, 25))
    return (vectors(kind, utterances, 5, draw), vectors(kind, pictures, 5, draw),
            draw.integers(0, pictures, utterances))


def naive_cosine(one, other):
    lengths = float(np.linalg.norm(one.astype(np.float64)) * np.linalg.norm(other.astype(np.float64)))
    return float(one.astype(np.float64) @ other.astype(np.float64)) / lengths if lengths else 0.0


def naive(spoken, seen, image_of):
    """The ranks both ways, pair by pair; whoever cannot be compared is in nobody's way and found by nobody."""
    scores = [[naive_cosine(one, other) for other in seen] for one in spoken]
    to_image, to_speech = [], []
    for row, own in enumerate(image_of):
        right = scores[row][own]
        better = sum(1 for place, each in enumerate(scores[row]) if place != own and each >= right - 1e-6)
        to_image.append(max(len(seen), 10) + 1 if np.isnan(right) else better + 1)
    for place in range(len(seen)):
        own = [scores[row][place] for row in range(len(spoken)) if image_of[row] == place]
        known = [each for each in own if not np.isnan(each)]
        if not own:
            to_speech.append(0)
        elif not known:
            to_speech.append(max(len(spoken), 10) + 1)
        else:
            to_speech.append(1 + sum(1 for row in range(len(spoken))
                                     if image_of[row] != place and scores[row][place] >= max(known) - 1e-6))
    return to_image, to_speech


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chunk", [16_000_000, 7])
def test_ranks_are_those_of_the_naive_way(kind, chunk, monkeypatch):
    monkeypatch.setattr(ranks, "CHUNK", chunk)
    for seed in range(25):
        spoken, seen, image_of = case(kind, seed)
        found = ranks.ranks(spoken, seen, image_of)
        assert (found.speech_to_image.tolist(), found.image_to_speech.tolist()) == naive(spoken, seen, image_of)


def test_one_picture_and_one_utterance():
    one = np.ones((1, 3), np.float32)
    found = ranks.ranks(-one, one, np.zeros(1, np.int64))
    assert (found.speech_to_image.tolist(), found.image_to_speech.tolist()) == ([1], [1])


def test_a_tie_counts_against_the_model():
    seen = np.ones((4, 2), np.float32)
    found = ranks.ranks(np.ones((4, 2), np.float32), seen, np.arange(4))
    assert found.speech_to_image.tolist() == found.image_to_speech.tolist() == [4, 4, 4, 4]


@pytest.mark.parametrize("kind", KINDS)
def test_the_metrics_are_those_of_the_naive_way(kind):
    for seed in range(10):
        spoken, seen, image_of = case(kind, seed)
        found = ranks.ranks(spoken, seen, image_of)
        told = metrics.metrics(found.image_to_speech, np.arange(len(seen)))
        counted = [each for each in found.image_to_speech.tolist() if each]
        assert told.queries == len(counted)
        assert told["R@5"].value == pytest.approx(100 * sum(each <= 5 for each in counted) / len(counted))
        assert told["median_rank"].value == statistics.median(counted)
        assert told["mean_rank"].value == pytest.approx(statistics.mean(counted))
        for name in metrics.NAMES[:3]:
            if told[name].has_interval:
                assert told[name].low <= told[name].value + 1e-9
                assert told[name].high >= told[name].value - 1e-9
            else:
                assert len(counted) < metrics.FEWEST


def test_the_interval_draws_pictures_and_not_utterances():
    """50 pictures of 20 utterances each that are found or missed together are 50 draws, not 1000."""
    draw = np.random.default_rng(1)
    of_pictures = np.where(draw.random(50) < 0.5, 1, 99)
    together = metrics.metrics(np.repeat(of_pictures, 20), np.repeat(np.arange(50), 20))["R@1"]
    alone = metrics.metrics(of_pictures, np.arange(50))["R@1"]
    apart = metrics.metrics(np.repeat(of_pictures, 20), np.arange(1000))["R@1"]
    width = together.high - together.low
    assert width == pytest.approx(alone.high - alone.low, rel=0.05)
    assert width > 3 * (apart.high - apart.low)
    naive = [100 * np.mean(draw.choice(of_pictures, 50) == 1) for _ in range(4000)]
    assert together.low == pytest.approx(np.percentile(naive, 2.5), abs=3)
    assert together.high == pytest.approx(np.percentile(naive, 97.5), abs=3)


def test_no_query_gives_zeros_and_no_error():
    told = metrics.metrics(np.zeros(3, np.int64), np.arange(3))
    assert (told.queries, told["R@1"], told["mean_rank"].value) == (0, metrics.Figure(0, 0, 0), 0)


def test_metrics_survive_being_stored():
    told = metrics.metrics(np.array([1, 2, 30, 4]), np.array([0, 0, 1, 2]))
    again = metrics.Metrics.from_json(told.to_json())
    assert again.queries == 4
    assert all(again[name].value == pytest.approx(told[name].value, abs=1e-4) for name in metrics.NAMES)


@pytest.mark.parametrize("kind", KINDS)
def test_the_best_hits_are_the_naive_ones_and_the_right_one_is_last_among_equals(kind):
    for seed in range(15):
        spoken, seen, image_of = case(kind, seed)
        said, shown = ranks.units(spoken), ranks.units(seen)
        found = hits.of_utterances(said, shown, image_of, 4)
        order = ranks.ranks(spoken, seen, image_of).speech_to_image
        for row, own in enumerate(image_of.tolist()):
            places = [each for each in found.rows[row].tolist() if each != hits.NOTHING]
            scores = found.scores[row][:len(places)]
            assert len(set(places)) == len(places)
            assert np.all(np.diff(scores) <= 1e-6)
            if own in places:
                assert places.index(own) + 1 == order[row]
            else:
                assert order[row] > len(places) or order[row] > 4


def test_the_right_items_score_and_a_pictures_best_utterance():
    spoken = np.array([[1, 0], [0.6, 0.8], [np.nan, 0]], np.float32)
    seen = np.array([[0, 1], [1, 0], [1, 1]], np.float32)
    of_pairs, best, rows = hits.own_scores(ranks.units(spoken), ranks.units(seen), np.array([0, 0, 1]))
    assert of_pairs[:2] == pytest.approx([0, 0.8])
    assert np.isnan(of_pairs[2])
    assert (best[0], rows.tolist()) == (pytest.approx(0.8), [1, -1, -1])


def test_look_alikes_count_as_one():
    seen = ranks.units(np.array([[1, 0, 0], [1, 0.01, 0], [1, 0, 0.01], [0, 1, 0], [0.8, 0, 0.6]], np.float32))
    said = ranks.units(np.array([[1, 0, 0.2], [1, 0, 0.2], [0, 1, 0]], np.float32))
    plain = ranks.to_images(said, seen, np.array([1, 4, 3]))
    found = alike.to_images(said, seen, np.array([1, 4, 3]))
    assert plain.tolist() == [3, 4, 1]
    assert found.ranks.tolist() == [1, 2, 1], "among the look-alikes; behind them; nothing in the way"
    assert found.others.tolist() == [2, 2, 0]


@pytest.mark.slow
def test_large_evaluations_need_little_memory():
    """An eighth of 25 031 utterances against 5000 pictures; all at once would be a matrix of 62 MB and its copies."""
    utterances, pictures, dim = 3129, 5000, 64
    draw = np.random.default_rng(0)
    spoken, seen = (draw.normal(size=(count, dim)).astype(np.float32) for count in (utterances, pictures))
    image_of = draw.integers(0, pictures, utterances)
    peaks = {}
    for chunk in (ranks.CHUNK // 16, ranks.CHUNK // 64):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ranks, "CHUNK", chunk)
            patch.setattr(hits, "CHUNK", chunk)
            tracemalloc.start()
            found = ranks.ranks(spoken, seen, image_of)
            said, shown = ranks.units(spoken), ranks.units(seen)
            hits.of_utterances(said, shown, image_of)
            hits.of_pictures(said, shown, image_of)
            metrics.metrics(found.speech_to_image, image_of, draws=50)
            peaks[chunk] = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
    fixed = 60e6  # vectors in float64 for a moment, hits, the bootstrap's weights
    for chunk, peak in peaks.items():
        assert peak < fixed + 24 * chunk, (chunk, peak)
    assert 24 * ranks.CHUNK + 8 * (25_031 + 5_000) * 768 * 4 < 2e9, "the bound at full size"


@pytest.mark.parametrize(("pictures", "given"), [(1, False), (9, False), (10, True)])
def test_below_ten_pictures_there_is_no_interval(pictures, given):
    """Utterances of one picture are found or missed together: many of them are no more pictures."""
    found = metrics.metrics(np.ones(3 * pictures, int), np.repeat(np.arange(pictures), 3))
    assert found["R@1"].value == 100 and found["R@1"].has_interval is given
    kept = json.loads(json.dumps(found.to_json()))
    assert metrics.Metrics.from_json(kept) == found and (kept["interval"]["R@1"] is None) is not given
