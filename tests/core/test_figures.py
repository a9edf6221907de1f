"""Figures in words."""

import random

import pytest

from core.errors import TrainingError
from core.figures import percents, plain
from core.training.options import OPTIONS


@pytest.mark.parametrize(("value", "words"), [
    (8.1e-5, "0.000081"), (1e-8, "0.00000001"), (1e7, "10 000 000"), (12_345.5, "12 345.5"), (0.1, "0.1"),
    (1.0, "1"), (-2.5e-5, "-0.000025"), (-2e6, "-2 000 000"), (9999, "9999"), (0.0, "0"), (float("inf"), "inf")])
def test_numbers_have_no_exponent(value, words):
    assert plain(value) == words
    assert float(words.replace(" ", "")) == value


def test_fewer_digits_where_asked():
    assert plain(8.1234e-5, 2) == "0.000081"


@pytest.mark.parametrize("seed", range(50))
def test_percents_of_probabilities_add_up_and_are_next_to_the_exact_ones(seed):
    draw = random.Random(seed)
    parts = [draw.random() for _ in range(draw.randint(1, 9))]
    shares = [part / sum(parts) for part in parts]
    found = percents(shares)
    assert sum(found) == 100
    assert all(abs(100 * share - percent) < 1 for share, percent in zip(shares, found, strict=True))


def test_percents_that_rounding_alone_makes_101():
    assert percents([0.335, 0.335, 0.33]) in ([34, 33, 33], [33, 34, 33])


def test_other_shares_are_rounded():
    assert percents([0.0, 0.0]) == [0, 0] and percents([0.5, 0.2]) == [50, 20]


def test_messages_about_options_have_no_exponent():
    steps = next(option for option in OPTIONS if option.name == "steps")
    with pytest.raises(TrainingError) as told:
        steps.read("many")
    assert "e+" not in str(told.value) and " to " in str(told.value)
