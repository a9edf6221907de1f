"""Sums of terms: what is asked for, what is refused, and shares that add up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import QueryError
from core.search.queries import EncodedTerm, QueryScorer, combine, unit, units


def a_term(vector, weight=1.0, kind="text", label="a dog"):
    return EncodedTerm(kind, label, unit(np.asarray(vector, np.float32)), weight)


def shares(terms, vectors, sample=None):
    return QueryScorer(terms, vectors if sample is None else sample).shares(vectors)


def kind_of(work):
    with pytest.raises(QueryError) as caught:
        work()
    return caught.value.kind


def test_one_term_is_the_query_whatever_its_weight():
    assert np.allclose(combine([a_term([3, 4], 0.25)]), [0.6, 0.8])
    assert np.allclose(combine([a_term([3, 4], -2)]), [-0.6, -0.8])


def test_terms_are_added_with_weights_and_signs_and_brought_to_unit_length():
    query = combine([a_term([1, 0, 0]), a_term([0, 1, 0], 2), a_term([0, 0, 1], -2)])
    assert query.dtype == np.float32
    assert np.allclose(query, np.array([1, 2, -2]) / 3)


def test_terms_that_take_each_other_away_are_refused():
    vector = unit(np.random.default_rng(0).standard_normal(384))
    assert kind_of(lambda: combine([a_term(vector), a_term(vector, -1)])) == "zero"
    assert kind_of(lambda: combine([a_term(vector, 0)])) == "zero"


@pytest.mark.parametrize(("terms", "kind"), [
    ([], "empty"),
    ([a_term([1, 0], float("nan"))], "weight"),
    ([a_term([1, 0], float("inf"))], "weight"),
    ([EncodedTerm("text", "x", np.array([np.nan, 1], np.float32))], "not_finite"),
])
def test_what_is_no_query_is_refused(terms, kind):
    assert kind_of(lambda: combine(terms)) == kind
    assert kind_of(lambda: shares(terms, np.ones((1, 2), np.float32))) == kind


def test_a_vector_without_a_direction_has_no_unit():
    assert kind_of(lambda: unit(np.zeros(4))) == "not_finite"
    assert kind_of(lambda: unit(np.array([np.inf, 0]))) == "not_finite"
    assert np.array_equal(units(np.array([[0, 0], [0, 2]])), [[0, 0], [0, 1]])


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), weights=st.lists(st.floats(-2, 2).filter(lambda w: abs(w) > 0.1), min_size=1,
                                                   max_size=5))
def test_shares_add_up_to_the_score(seed, weights):
    numbers = np.random.default_rng(seed)
    terms = [a_term(numbers.standard_normal(64), weight, label=f"term {place}") for place, weight in enumerate(weights)]
    pictures = units(numbers.standard_normal((7, 64)))
    scores = QueryScorer(terms, pictures).scores(pictures)
    if all(weight > 0 for weight in weights) or all(weight < 0 for weight in weights):
        assert scores == pytest.approx(pictures @ combine(terms), abs=1e-6)
    for score, parts in zip(scores, shares(terms, pictures), strict=True):
        assert [part.label for part in parts] == [term.label for term in terms]
        assert sum(part.value for part in parts) == pytest.approx(score, abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), weight=st.floats(0.1, 3), spoken=st.booleans())
def test_a_minus_term_never_raises_a_picture(seed, weight, spoken):
    numbers = np.random.default_rng(seed)
    plus = a_term(numbers.standard_normal(32))
    whole = unit(numbers.standard_normal(32))
    voice = numbers.standard_normal(32).astype(np.float32) if spoken else None
    minus = EncodedTerm("speech" if spoken else "text", "people", whole, -weight, voice)
    pictures = units(numbers.standard_normal((40, 32)))
    without, less = (QueryScorer(terms, pictures).scores(pictures) for terms in ([plus], [plus, minus]))
    like = pictures @ whole
    assert (less <= without).all()
    assert np.array_equal(less < without - 1e-6, like > like.mean() + 1e-6 / weight)
    for parts in shares([plus, minus], pictures):
        assert all(part.value <= 0 for part in parts if part.label == "people")


def test_a_minus_term_takes_what_exceeds_the_mean_of_the_gallery():
    plus, minus = a_term([1, 0, 0]), a_term([0, 1, 0], -2, label="people")
    sample = units([[1, 1, 0], [1, -1, 0], [1, 0, 0]])  # mean cosine with the minus term: 0
    found = shares([plus, minus], units([[3, 4, 0], [3, -4, 0]]), sample)
    assert [[part.value for part in parts] for parts in found] == [
        pytest.approx([0.6, -1.6]), pytest.approx([0.6, 0])]


def test_a_share_says_which_branch_it_came_by():
    terms = [a_term([1, 0], kind="speech"), a_term([0, 1], kind="image"), a_term([1, 1], kind="text")]
    assert [part.branch for part in shares(terms, np.eye(2, dtype=np.float32))[0]] == ["text", "image", "text"]


def test_a_spoken_term_has_a_share_of_its_words_and_one_of_its_voice():
    numbers = np.random.default_rng(3)
    words, voice = numbers.standard_normal((2, 32))
    whole = words + voice
    length = np.linalg.norm(whole)
    spoken = EncodedTerm("speech", "a dog", (whole / length).astype(np.float32), 1.5,
                         (voice / length).astype(np.float32))
    terms = [spoken, a_term(numbers.standard_normal(32), -0.5, label="cats")]
    pictures = units(numbers.standard_normal((6, 32)))
    scores = QueryScorer(terms, pictures).scores(pictures)
    for picture, score, found in zip(pictures, scores, shares(terms, pictures), strict=True):
        assert [(share.label, share.branch) for share in found] == [
            ("a dog", "text"), ("a dog", "acoustic"), ("cats", "text")]
        assert sum(share.value for share in found) == pytest.approx(score, abs=1e-6)
        one, = shares([spoken], picture[None])
        assert one[1].value == pytest.approx(float(voice / length @ picture), abs=1e-6)


def test_where_the_voice_is_all_there_is_no_share_of_words():
    vector = unit(np.array([1, 2, 2], np.float32))
    found, = shares([EncodedTerm("speech", "a dog", vector, 1.0, vector)], vector[None])
    assert [share.branch for share in found] == ["acoustic"]
