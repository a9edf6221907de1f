"""The pace of work in words."""

from core.indexing.rate import RateMeter


def test_the_pace_is_that_of_the_last_seconds() -> None:
    now = [0.0]
    pace = RateMeter("pictures", lambda: now[0])
    assert pace.text(0, 10_000) == ""
    for second in range(1, 11):  # a slow start: one image in ten seconds
        now[0] = second
        pace.text(second // 10, 10_000)
    assert pace.text(1, 10_000) == "0.1 pictures/s, about 27 h 46 min left"
    for second in range(11, 100):
        now[0] = second
        text = pace.text((second - 10) * 41, 10_000)
    assert text == "41 pictures/s, about 3 min left"
    now[0] = 100
    assert pace.text(89 * 41 + 41, 90 * 41).endswith("pictures/s")
