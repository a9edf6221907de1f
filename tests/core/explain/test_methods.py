"""Each method against a naive sum, number by number."""

import numpy as np
import pytest

from core.errors import QueryError
from core.explain.methods import METHODS, LayerAttention, Readings, method

PAINTED = slice(1, 6)


@pytest.fixture
def readings() -> Readings:
    random = np.random.default_rng(8)

    def one() -> LayerAttention:
        attention = random.random((3, 8)).astype(np.float32)
        return LayerAttention(attention / attention.sum(axis=1, keepdims=True),
                              random.normal(size=(3, 8)).astype(np.float32),
                       random.uniform(-1, 1, 8).astype(np.float32))

    return Readings(one(), one(), *random.normal(size=(2, 8)).astype(np.float32))


def test_the_papers_method_is_the_mean_over_heads_of_what_is_positive(readings):
    reading = readings.penultimate
    wanted = [sum(max(0.0, float(reading.gradient[head, token]) * float(reading.attention[head, token]))
                  for head in range(3)) / 3 for token in range(8)]
    assert method("gradient").relevance(readings, PAINTED) == pytest.approx(wanted, rel=1e-5)


def test_grad_eclip_is_gain_by_loosened_attention(readings):
    reading = readings.last
    inside = [float(each) for each in reading.similarity[1:6]]
    wanted = []
    for token in range(8):
        gain = max(0.0, sum(float(reading.gradient[head, token]) for head in range(3)))
        loosened = (float(reading.similarity[token]) - min(inside)) / (max(inside) - min(inside))
        wanted.append(gain * min(1.0, max(0.0, loosened)))
    assert method("grad-eclip").relevance(readings, PAINTED) == pytest.approx(wanted, rel=1e-5)
    assert method("grad-eclip").relevance(readings, slice(3, 3)) == pytest.approx(0)  # nothing is painted
    assert method("grad-eclip").relevance(readings, slice(3, 4)).shape == (8,)  # one token: no spread to divide by


def test_gradient_times_input_keeps_what_helps(readings):
    found = method("gradient-input").relevance(readings, PAINTED)
    assert found == pytest.approx(np.where(readings.entrance > 0, readings.entrance, 0))


def test_occlusion_keeps_what_is_missed(readings):
    assert method("occlusion").relevance(readings, PAINTED) == pytest.approx(
        np.where(readings.drops > 0, readings.drops, 0))


@pytest.mark.parametrize("each", METHODS, ids=lambda each: each.name)
def test_relevance_is_never_negative_and_the_same_again(readings, each):
    found = each.relevance(readings, PAINTED)
    assert found.shape == (8,) and found.min() >= 0
    assert np.array_equal(found, each.relevance(readings, PAINTED))
    assert method(each.name) is each and each.about.endswith(".")


def test_there_is_one_baseline_and_an_unknown_method_is_said():
    assert [each.name for each in METHODS if each.baseline] == ["random"]
    with pytest.raises(QueryError, match="gradient, grad-eclip") as caught:
        method("legrad")
    assert caught.value.kind == "method"
