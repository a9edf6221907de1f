"""The pace of work in words."""

import pytest

from core.search.pace import Pace, time_left


@pytest.mark.parametrize(("seconds", "words"), [
    (0.01, "1 s left"), (12.4, "12 s left"), (59.9, "1 min left"), (125, "2 min left"), (3590, "1 h 0 min left"),
    (3900, "1 h 5 min left"),
])
def test_time_left(seconds: float, words: str) -> None:
    assert time_left(seconds) == words


def test_the_pace_is_that_of_the_last_seconds() -> None:
    now = [0.0]
    pace = Pace("images", lambda: now[0])
    assert pace.text(0, 10_000) == ""
    for second in range(1, 11):  # a slow start: one image in ten seconds
        now[0] = second
        pace.text(second // 10, 10_000)
    assert pace.text(1, 10_000) == "0.1 images a second, 27 h 46 min left"
    for second in range(11, 100):
        now[0] = second
        text = pace.text((second - 10) * 41, 10_000)
    assert text == "41 images a second, 3 min left"
    now[0] = 100
    assert pace.text(89 * 41 + 41, 90 * 41).endswith("images a second")
