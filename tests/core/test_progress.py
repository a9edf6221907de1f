"""Long work of several steps has one bar, which never goes back, and one time left."""

import io
import random

import pytest

from core.cli.output import ProgressPrinter
from core.progress import SCALE, Estimate, JobCancelled, Progress, WorkStep, finishing, rate, silent, steps, time_left


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
                part(Progress(WorkStep.RANKING, done, total))


@pytest.mark.parametrize("seed", range(60))
def test_nested_steps_never_go_back_and_have_one_total(seed):
    reports = []
    work(reports.append, random.Random(seed))
    assert {each.bar[1] for each in reports} <= {SCALE}
    shares = [each.share for each in reports]
    assert shares == sorted(shares) and all(0 <= share <= 1 + 1e-9 for share in shares)
    numbers = [each.number for each in reports]
    assert numbers == sorted(numbers) and all(1 <= each.number <= each.steps for each in reports)


def test_a_report_has_the_step_and_its_own_counts():
    reports = []
    first, second = steps(reports.append, 1, 3)
    first(Progress(WorkStep.TRANSCRIBING, 1, 2))
    inner = steps(second, 1, 1)
    inner[1](Progress(WorkStep.TRANSCRIBING_RECORDINGS, 64, 128, "clean"))
    assert [each.bar for each in reports] == [(SCALE // 8, SCALE), (SCALE * 13 // 16, SCALE)]
    assert [each.text() for each in reports] == [
        "Step 1 of 2: Transcribing \N{MIDDLE DOT} 1 of 2",
        "Step 2 of 2: Transcribing recordings (clean) \N{MIDDLE DOT} 64 of 128"]
    last = reports[1]
    assert (last.number, last.steps, last.step, last.done, last.total) == (
        2, 2, WorkStep.TRANSCRIBING_RECORDINGS, 64, 128)


@pytest.mark.parametrize(("progress", "text"), [
    (Progress(), ""), (Progress(WorkStep.RANKING), "Ranking"), (Progress(WorkStep.SCANNING, 128),
                                                              "Looking for pictures \N{MIDDLE DOT} 128 so far"),
    (Progress(WorkStep.LOADING, subject="Whisper base"), "Loading Whisper base"),
    (Progress(WorkStep.INDEXING, 3, 9, detail="8.0 pictures/s"),
     "Indexing pictures \N{MIDDLE DOT} 3 of 9 \N{MIDDLE DOT} 8.0 pictures/s")])
def test_the_text_of_a_single_step(progress, text):
    assert progress.text() == text and progress.bar == (progress.done, progress.total)


def test_a_step_that_reports_nothing_counts_as_done_and_the_last_one_fills_the_bar():
    reports = []
    parts = steps(reports.append, 0, 5, 5)
    parts[2](Progress(WorkStep.RANKING))
    parts[0](Progress(done=1, total=1))
    parts[2](Progress(done=3, total=3))
    assert [each.bar[0] for each in reports] == [SCALE // 2, SCALE // 2, SCALE]


def test_tidying_up_leaves_the_bar_where_it_is():
    reports = []
    working, tidying = finishing(reports.append)
    working(Progress(WorkStep.INDEXING, 720, 720, detail="8.0 pictures/s"))
    tidying(Progress(WorkStep.OPTIMIZED))
    tidying(Progress(WorkStep.OPTIMIZING, 1, 3, "the vectors"))
    assert [(each.title, each.bar, each.detail) for each in reports] == [
        ("Indexing pictures", (720, 720), "8.0 pictures/s"), ("The tables are optimized", (720, 720), ""),
        ("Optimizing the vectors", (720, 720), "")]


def test_cancelling_passes_through():
    def cancelled(progress):
        raise JobCancelled

    with pytest.raises(JobCancelled):
        steps(steps(cancelled, 1, 1)[1], 1)[0](Progress(total=1))
    steps(silent, 1)[0](Progress())


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


def test_a_first_crumb_of_a_job_tells_nothing_of_the_time_left():
    estimate, told = Estimate(), []
    for second in range(400):
        estimate.add(second, 100_000, float(second))
        told.append(estimate.left())
    assert told == [None] * 400, "not a day from four thousandths"
    for second in range(400, 600):
        estimate.add(second, 100_000, float(second))
    assert estimate.left() == pytest.approx(99_400, rel=0.01)


def test_a_slow_step_of_a_long_job_does_not_stand_for_the_rest():
    estimate, told = Estimate(), []
    for second in range(1, 1201):  # a share a second, but for a step that takes two minutes to begin
        done = second if second <= 600 else max(600, second - 120)
        estimate.add(done, 2000, float(second))
        told.append((2000 - done, estimate.left()))
    assert all(left == pytest.approx(really, rel=0.5) for really, left in told[700:] if left is not None)
    assert max(left for _, left in told[20:] if left) < 2600, "not hours from a minute of standing still"


def test_many_reports_keep_few_samples():
    estimate = Estimate()
    for report in range(100_000):
        estimate.add(report, 200_000, report / 100)
    assert len(estimate._samples) < 1000 and estimate.left() == pytest.approx(1000, rel=0.02)


def test_the_command_line_tells_the_whole_in_percent():
    stream = io.StringIO()
    printer = ProgressPrinter(stream=stream)
    for part in steps(printer, 1, 1):
        part(Progress(WorkStep.TRANSCRIBING, 0, 3))
        part(Progress(WorkStep.TRANSCRIBING, 3, 3))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "Step 1 of 2: Transcribing \N{MIDDLE DOT} 0 of 3, 0 %" and lines[-1].endswith("3 of 3, 100 %")


def test_the_time_left_counts_from_the_first_report(monkeypatch):
    stream = io.StringIO()
    printer = ProgressPrinter(stream=stream)
    for now, done in ((1_000_000.0, 0), (1_000_010.0, 10)):  # seconds since the computer was started
        monkeypatch.setattr("core.cli.output.time.monotonic", lambda now=now: now)
        printer(Progress(done=done, total=40, subject="Asking"))
    assert stream.getvalue().splitlines()[-1].endswith("10 of 40, about 30 s left")


@pytest.mark.parametrize(("seconds", "words"), [
    (0.2, "almost done"), (12.4, "about 12 s left"), (89.4, "about 89 s left"), (89.6, "about 1 min left"),
    (125, "about 2 min left"), (3590, "about 1 h 0 min left"), (3900, "about 1 h 5 min left")])
def test_the_time_left_in_words(seconds, words):
    assert time_left(seconds) == words


@pytest.mark.parametrize(("speed", "words"), [(12.3, "12 pictures/s"), (9.94, "9.9 pictures/s")])
def test_a_speed_in_words(speed, words):
    assert rate(speed, "pictures") == words
