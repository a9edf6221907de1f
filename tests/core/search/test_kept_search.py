"""Kept searches: what is stored is what is searched with, and damage is refused."""

import json

import numpy as np
import pytest

from core.search.kept_search import KeptSearch
from core.search.queries import EncodedTerm, unit

VECTOR, VOICE = unit(np.array([3.0, 4.0, 1.0])), np.array([0.1, 0.2, 0.3], np.float32)


def kept():
    return KeptSearch((EncodedTerm("speech", "a dog", VECTOR, 1.0, VOICE), EncodedTerm("text", "cats", VECTOR, -0.5)),
                      "model", "revision")


def test_a_kept_search_comes_back_bit_for_bit():
    again = KeptSearch.from_json(json.loads(json.dumps(kept().to_json())))
    assert (again.model, again.revision) == ("model", "revision")
    for term, before in zip(again.terms, kept().terms, strict=True):
        assert (term.kind, term.label, term.weight) == (before.kind, before.label, before.weight)
        assert np.array_equal(term.vector, before.vector)
    assert np.array_equal(again.terms[0].voice, VOICE) and again.terms[1].voice is None


@pytest.mark.parametrize(("place", "key", "value"), [
    (0, "vector", "AAAA"), (0, "vector", "%%"), (0, "vector", ""), (0, "voice", "AACAPw=="), (0, "weight", "heavy"),
    (0, "weight", float("nan")), (1, "kind", "smell"), (1, "vector", 7), (1, "vector", "AACAPw==")])
def test_damaged_terms_are_refused(place, key, value):
    facts = kept().to_json()
    facts["terms"][place][key] = value
    with pytest.raises((KeyError, TypeError, ValueError)):
        KeptSearch.from_json(facts)


def test_a_search_without_terms_is_refused():
    with pytest.raises(ValueError, match="no terms"):
        KeptSearch.from_json({**kept().to_json(), "terms": []})


def test_terms_fit_a_query_of_the_same_kinds_and_weights():
    assert kept().fits([("speech", 1.0), ("text", -0.5)])
    assert not kept().fits([("text", 1.0), ("text", -0.5)]) and not kept().fits([("speech", 1.0)])
