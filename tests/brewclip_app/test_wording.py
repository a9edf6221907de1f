import pytest

from brewclip_app import wording


@pytest.mark.parametrize(("number", "words"), [(0, "0 bytes"), (999, "999 bytes"), (12_000, "12 kB"),
                                               (145_000_000, "145 MB"), (1_710_000_000, "1.7 GB")])
def test_sizes(number, words):
    assert wording.size(number) == words


def test_how_much_of_a_size_is_there():
    assert wording.size_of(90_000_000, 145_000_000) == "90 of 145 MB"
    assert wording.size_of(300_000_000, 1_700_000_000) == "0.3 of 1.7 GB"


@pytest.mark.parametrize(("seconds", "words"), [(2.41, "2.4 s"), (13.2, "13 s"), (240, "4 min"), (5220, "1 h 27 min")])
def test_durations(seconds, words):
    assert wording.duration(seconds) == words


def test_counts_have_thin_gaps():
    assert wording.count(8094) == "8\u2009094" and wording.pictures(1) == "1 picture"


def test_the_pace_is_that_of_the_last_seconds():
    pace = wording.SpeedMeter(window=5)
    for second in range(20):
        pace.add(10 * second if second < 10 else 100 + 30 * (second - 10), now=second)
    assert pace.a_second == pytest.approx(30)
    assert pace.left(total=370 + 300) == pytest.approx(10)


def test_a_new_step_begins_a_new_pace():
    pace = wording.SpeedMeter()
    pace.add(1000, now=0)
    pace.add(0, now=1)
    assert pace.a_second == 0 and pace.left(100) is None
