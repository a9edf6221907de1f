"""Shares add up, and ranks under any mix are those of a naive count."""

import numpy as np
import pytest
import torch

from core.errors import QueryError
from core.explain.observation import observe, typed
from core.explain.shares import BranchVectors, mix, shares

pytestmark = pytest.mark.slow


def vectors(count: int, dim: int = 32) -> np.ndarray:
    found = np.random.default_rng(3).normal(size=(count, dim))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def branches(text_weight: float = 1.0, acoustic_weight: float = 1.0) -> BranchVectors:
    random = np.random.default_rng(4)
    return BranchVectors(random.normal(size=32), random.normal(size=32), text_weight, acoustic_weight)


OPTIONS = [{}, {"acoustic_weight": 0.25}, {"gate": True}, {"gate": True, "acoustic_weight": 3.0}]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("text", ["a brown dog runs", ""])
def test_shares_add_up_to_the_models_own_score(make, heard, pixels, options, text):
    model, utterance = make("full", **options), heard(text)
    if model.gate is not None:
        model.gate.weigh.weight.data.normal_(std=2)
    found = observe(model, pixels, utterance)
    with torch.no_grad():
        image = model.encode_stem(model.image_stem(pixels[None]))
        spoken = model.encode_speech(model.collate([utterance.transcript], [utterance.states])).spoken
        score = float(torch.cosine_similarity(image.double(), spoken.double()))
    own = shares(found.branches, (found.image / np.linalg.norm(found.image.astype(np.float64)))[None])
    assert own.text[0] + own.acoustic[0] == pytest.approx(own.score[0], abs=1e-12)
    assert own.score[0] == pytest.approx(score, abs=1e-6)
    assert found.scores["fused"] == pytest.approx(score, abs=1e-6)
    assert (own.text[0] == 0) == (text == "")
    assert own.acoustic[0] != 0


@pytest.mark.parametrize("variant", ["zero-shot", "prompted", "e2e"])
def test_one_branch_has_the_whole_score(make, heard, pixels, variant):
    found = observe(make(variant), pixels, heard())
    own = shares(found.branches, vectors(5))
    whole, none = (own.acoustic, own.text) if variant == "e2e" else (own.text, own.acoustic)
    assert np.array_equal(whole, own.score) and not none.any()


def test_typed_words_have_no_voice_in_any_variant(make, pixels):
    for variant in ("full", "e2e", "zero-shot"):
        found = observe(make(variant), pixels, typed("  a brown   dog "))
        assert found.branches.acoustic is None and found.utterance.transcript.text == "a brown dog"
        assert found.scores["text"] == found.scores["fused"]


@pytest.mark.parametrize("t", [0.0, 0.2, 0.5, 0.83, 1.0])
def test_ranks_and_scores_along_the_mix_are_those_of_a_naive_count(t):
    given, pictures = branches(0.7, 1.3), vectors(60)
    pictures[7] = pictures[31]  # equals rank by id
    ids = np.random.default_rng(1).permutation(60) + 100
    query = 2 * (1 - t) * 0.7 * given.text + 2 * t * 1.3 * given.acoustic
    scores = pictures.astype(np.float64) @ query / np.linalg.norm(query)
    order = sorted(range(60), key=lambda row: (-round(float(scores[row]), 12), ids[row]))
    found = mix(given, pictures, ids)
    assert found.scores(t) == pytest.approx(scores, abs=1e-12)
    assert found.best(t, 60).tolist() == order
    assert found.best(t, 5).tolist() == order[:5]
    assert [found.rank(row, t) for row in order] == list(range(1, 61))
    assert found.ranks(t)[order].tolist() == list(range(1, 61))


def test_the_ends_of_the_mix_are_the_branches_and_its_middle_the_model():
    given, pictures = branches(1.0, 0.5), vectors(40)
    found = mix(given, pictures)
    unit = given.text / np.linalg.norm(given.text), given.acoustic / np.linalg.norm(given.acoustic)
    assert found.scores(0) == pytest.approx(pictures @ unit[0], abs=1e-6)
    assert found.scores(1) == pytest.approx(pictures @ unit[1], abs=1e-6)
    assert found.scores(0.5) == pytest.approx(found.shares().score, abs=1e-12)
    ranks = found.branch_ranks(3)
    assert found.curve(3, (0.0, 0.5, 1.0)) == [ranks.text, ranks.both, ranks.acoustic]


def test_with_one_branch_the_mix_changes_nothing():
    found = mix(BranchVectors(branches().text, None, 1.0, 0.0), vectors(20))
    assert found.curve(4, (0.0, 0.5, 1.0)) == [found.branch_ranks(4).both] * 3
    assert found.branch_ranks(4).acoustic is None
    assert np.array_equal(found.scores(1), found.scores(0))


def test_nothing_to_rank_and_nothing_to_explain():
    assert not len(mix(branches(), np.empty((0, 32), np.float32)).best(0.5, 3))
    cases = (((None, None, 0.0, 0.0), "empty"), ((np.zeros(3), None, 1.0, 0.0), "not_finite"),
             ((np.array([np.nan, 1.0]), None, 1.0, 0.0), "not_finite"))
    for arguments, kind in cases:
        with pytest.raises(QueryError) as caught:
            BranchVectors(*arguments)
        assert caught.value.kind == kind
    text = branches().text
    with pytest.raises(QueryError, match="take each other away"):
        mix(BranchVectors(text, -text, 1.0, 0.5), vectors(4)).scores(2 / 3)
    with pytest.raises(ValueError, match=r"not in 0\.\.1"):
        mix(branches(), vectors(4)).rank(0, 1.5)
