"""Long work of several steps has one bar, which never goes back, and one time left."""

import io
import random

import pytest

from core.cli.output import Progress
from core.progress import SCALE, Estimate, JobCancelled, StepText, finishing, rate, silent, steps, time_left


def work(report, chance, depth=0):
    """Random work: steps within steps, each of which begins its own count anew, repeats itself or says nothing."""
    parts = steps(report, *(chance.random() * 9 for _ in range(chance.randint(1, 5))))
    for part in parts:
        if depth < 3 and chance.random() < 0.4:
            work(part, chance, depth + 1)
            continue
        for _ in range(chance.randint(0, 3)):
            total = chance.randint(0, 7)
            for done in range(total + 1):
                part(done, total, "Counting")


@pytest.mark.parametrize("seed", range(60))
def test_nested_steps_never_go_back_and_have_one_total(seed):
    seen = []
    work(lambda done, total, text: seen.append((done, total, text)), random.Random(seed))
    assert {total for _, total, _ in seen} <= {SCALE}
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)
    assert all(0 <= done <= SCALE for done, _, _ in seen)
    where = [text.step for _, _, text in seen]
    assert where == sorted(where) and all(1 <= text.step <= text.steps for _, _, text in seen)


def test_the_text_says_the_step_and_its_own_counts():
    seen = []
    first, second = steps(lambda *told: seen.append(told), 1, 3)
    first(1, 2, "Hearing")
    inner = steps(second, 1, 1)
    inner[1](64, 128, "Looking")
    assert seen[0] == (SCALE // 8, SCALE, "Step 1 of 2: Hearing \N{MIDDLE DOT} 1 of 2")
    assert seen[1] == (SCALE * 13 // 16, SCALE, "Step 2 of 2: Looking \N{MIDDLE DOT} 64 of 128")
    text = seen[1][2]
    assert (text.step, text.steps, text.own, text.done, text.total) == (2, 2, "Looking", 64, 128)


def test_a_step_that_tells_nothing_counts_as_done_and_the_last_one_fills_the_bar():
    seen = []
    parts = steps(lambda done, total, text: seen.append(done), 0, 5, 5)
    parts[2](0, 0, "Ranking")
    parts[0](1, 1, "late")
    parts[2](3, 3, "")
    assert seen == [SCALE // 2, SCALE // 2, SCALE]


def test_what_tidies_up_leaves_the_bar_where_it_is():
    seen = []
    working, after = finishing(lambda *told: seen.append(told))
    working(720, 720, "")
    after(0, 0, "Tidying")
    after(1, 3, "Tidying")
    assert seen == [(720, 720, ""), (720, 720, "Tidying"), (720, 720, "Tidying")]


def test_cancelling_passes_through():
    def cancelled(done, total, text):
        raise JobCancelled

    with pytest.raises(JobCancelled):
        steps(steps(cancelled, 1, 1)[1], 1)[0](0, 1, "")
    steps(silent, 1)[0](0, 0, "")


def test_the_time_left_is_told_once_it_means_something_and_does_not_jump():
    estimate = Estimate()
    told = []
    for second in range(100):
        estimate.add(second, 100, float(second))
        told.append(estimate.left())
    assert told[:5] == [None] * 5
    assert all(left == pytest.approx(100 - second, abs=3) for second, left in enumerate(told) if left is not None)
    estimate.add(100, 100, 100.0)
    assert estimate.left() is None


def test_what_was_done_before_tells_nothing_of_the_pace():
    estimate = Estimate()
    estimate.add(0, 1000, 0.0)
    estimate.add(500, 1000, 0.1)  # kept from an earlier run
    for second in range(1, 40):
        estimate.add(500 + second, 1000, float(second))
    assert estimate.left() == pytest.approx(461, rel=0.05)


def test_what_is_loaded_first_tells_nothing_of_the_pace():
    estimate = Estimate()
    for second in range(50):
        estimate.add(0, 100, float(second))  # loading
    for item in range(11):
        estimate.add(item, 100, 50.0 + item)
    assert estimate.left() == pytest.approx(90, abs=5)


def test_the_command_line_tells_the_whole_in_percent():
    stream = io.StringIO()
    progress = Progress(stream=stream)
    for part in steps(progress, 1, 1):
        part(0, 3, "Hearing")
        part(3, 3, "Hearing")
    lines = stream.getvalue().splitlines()
    assert lines[0] == "Step 1 of 2: Hearing \N{MIDDLE DOT} 0 of 3, 0 %" and lines[-1].endswith("3 of 3, 100 %")
    assert isinstance(StepText(1, 1, "a", 0, 0), str)


@pytest.mark.parametrize(("seconds", "words"), [
    (0.2, "almost done"), (12.4, "about 12 s left"), (89.4, "about 89 s left"), (89.6, "about 1 min left"),
    (125, "about 2 min left"), (3590, "about 1 h 0 min left"), (3900, "about 1 h 5 min left")])
def test_the_time_left_in_words(seconds, words):
    assert time_left(seconds) == words


@pytest.mark.parametrize(("speed", "words"), [(12.3, "12 pictures/s"), (9.94, "9.9 pictures/s")])
def test_a_speed_in_words(speed, words):
    assert rate(speed, "pictures") == words
