import asyncio
import threading

import pytest

from brewclip_app import tasks
from brewclip_app.jobs import JobCrashError, JobReplaced, JobRunner
from core.errors import StoreError
from core.progress import JobCancelled, Progress


@pytest.fixture
def jobs(qtbot):
    runner = JobRunner()
    yield runner
    assert runner.shutdown(10)


def test_the_result_comes_on_the_gui_thread(jobs, qtbot):
    seen = []
    job = jobs.submit("count", lambda report: 41 + 1, on_done=lambda n: seen.append((n, threading.current_thread())))
    with qtbot.waitSignal(jobs.job_finished) as finished:
        assert jobs.running() == [job]
    assert finished.args == [job]
    assert seen == [(42, threading.main_thread())]
    assert jobs.is_idle()


def test_an_error_reaches_on_failed_and_nothing_else(jobs, qtbot):
    seen = []

    def work(report):
        raise StoreError("The disk is full.", "disk_full")

    jobs.submit("fill", work, on_done=lambda _: seen.append("done"), on_failed=lambda error: seen.append(error.kind),
                on_cancelled=lambda: seen.append("cancelled"))
    qtbot.waitSignal(jobs.idle).wait()
    assert seen == ["disk_full"]


def test_an_error_that_nobody_takes_is_signalled(jobs, qtbot):
    with qtbot.waitSignal(jobs.job_failed) as failed:
        jobs.submit("divide", lambda report: 1 / 0)
    assert isinstance(failed.args[1], ZeroDivisionError)


def test_cancelling_is_no_error(jobs, qtbot):
    seen = []
    started = threading.Event()

    def work(report):
        started.set()
        while True:
            report(Progress(subject="turning"))

    job = jobs.submit("turn", work, on_failed=seen.append, on_cancelled=lambda: seen.append("cancelled"))
    assert started.wait(10)
    with qtbot.waitSignal(jobs.idle):
        job.cancel()
    assert seen == ["cancelled"]


def test_the_latest_of_a_key_wins_and_the_older_one_is_stopped(jobs, qtbot):
    seen = []
    stopped = threading.Event()
    started = threading.Event()

    def old(report):
        started.set()
        try:
            while True:
                report(Progress(subject="old"))
        finally:
            stopped.set()

    first = jobs.submit("old", old, key="search", on_done=seen.append, on_cancelled=lambda: seen.append("cancelled"))
    assert started.wait(10)
    second = jobs.submit("new", lambda report: "new", key="search", on_done=seen.append)
    assert jobs.running() == [second] and not first.current
    qtbot.waitUntil(jobs.is_idle)
    assert seen == ["new"] and stopped.is_set()


def test_a_late_result_of_a_replaced_job_is_dropped(jobs, qtbot):
    seen = []
    gate = threading.Event()
    jobs.submit("old", lambda report: gate.wait(10) and "old", key="k", on_done=seen.append)
    jobs.submit("new", lambda report: "new", key="k", on_done=seen.append)
    qtbot.waitUntil(lambda: seen == ["new"])
    gate.set()
    qtbot.waitUntil(jobs.is_idle)
    assert seen == ["new"]


def test_a_million_reports_do_not_flood_the_window_and_the_last_one_comes(jobs, qtbot):
    seen = []

    def work(report):
        for done in range(200_000):
            report(Progress(done=done + 1, total=200_000, subject="counting"))

    jobs.submit("count", work, on_progress=seen.append)
    with qtbot.waitSignal(jobs.idle, timeout=30_000):
        pass
    assert seen[-1].text() == "counting · 200000 of 200000"
    assert len(seen) < 500


def test_quiet_jobs_are_not_listed(jobs, qtbot):
    gate = threading.Event()
    job = jobs.submit("look", lambda report: gate.wait(10), quiet=True)
    assert jobs.running() == [] and jobs.running(quiet=True) == [job]
    with qtbot.waitSignal(jobs.idle):
        gate.set()


def test_a_callback_that_raises_does_not_leave_the_job_running(jobs, qtbot):
    with qtbot.captureExceptions() as raised, qtbot.waitSignal(jobs.idle):
        jobs.submit("one", lambda report: 1, on_done=lambda n: n / 0)
    assert raised[0][0] is ZeroDivisionError
    assert jobs.is_idle()


def test_after_the_door_is_closed_nothing_starts(jobs, qtbot):
    seen = []
    jobs.close_door()
    job = jobs.submit("late", lambda report: seen.append("ran"), on_done=seen.append)
    assert job.cancelled and jobs.is_idle() and seen == []


def test_shutdown_waits_for_the_work_to_stop(qtbot):
    jobs = JobRunner()
    started, ended = threading.Event(), []

    def work(report):
        started.set()
        try:
            while True:
                report(Progress())
        finally:
            ended.append(True)

    jobs.submit("turn", work)
    assert started.wait(10)
    assert jobs.shutdown(10) and ended == [True]


def test_jobs_that_are_held_begin_when_they_are_released(jobs, qtbot):
    begun, done = [], []
    jobs.hold()
    jobs.submit("held", lambda report: begun.append(1), on_done=done.append)
    jobs.submit("stopped", lambda report: begun.append(2), key="x").cancel()
    qtbot.wait(50)
    assert begun == []
    jobs.release()
    qtbot.waitUntil(lambda: bool(done))
    qtbot.waitUntil(jobs.is_idle)
    assert begun == [1]


def test_closing_ends_jobs_that_were_held(jobs):
    begun = []
    jobs.hold()
    jobs.submit("held", lambda report: begun.append(1))
    assert jobs.shutdown(20)
    assert begun == []


def gather(coroutine, outcomes):
    """Run a coroutine of the window; its result or the error that ended it is appended."""
    async def run():
        try:
            outcomes.append(await coroutine)
        except BaseException as error:
            outcomes.append(type(error))
            raise

    return tasks.start(run())


def test_a_coroutine_awaits_a_result_and_an_error(jobs, qtbot):
    outcomes, caught = [], []
    tasks.loop().set_exception_handler(lambda loop, facts: caught.append(facts["exception"]))
    gather(jobs.run("count", lambda report: 41 + 1), outcomes)
    gather(jobs.run("divide", lambda report: 1 / 0), outcomes)
    qtbot.waitUntil(lambda: len(outcomes) == 2 and bool(caught))
    assert set(outcomes) == {42, ZeroDivisionError}
    assert isinstance(caught[0], ZeroDivisionError), "what nobody handles reaches the exception handler"


def test_a_coroutine_hears_that_its_job_was_replaced_or_stopped(jobs, qtbot):
    outcomes = []
    seen = threading.Event()

    def work(report):
        while True:
            seen.wait(0.005)
            report(Progress())

    gather(jobs.run("old", work, key="search"), outcomes)
    qtbot.waitUntil(lambda: jobs.of_key("search") is not None)
    gather(jobs.run("new", work, key="search"), outcomes)
    qtbot.waitUntil(lambda: outcomes == [JobReplaced])
    jobs.of_key("search").cancel()
    qtbot.waitUntil(lambda: outcomes == [JobReplaced, JobCancelled])


def test_cancelling_the_coroutine_stops_its_job(jobs, qtbot):
    outcomes = []
    ended = threading.Event()

    def work(report):
        try:
            while True:
                report(Progress())
        finally:
            ended.set()

    task = gather(jobs.run("endless", work, key="endless"), outcomes)
    qtbot.waitUntil(lambda: jobs.of_key("endless") is not None)
    task.cancel()
    qtbot.waitUntil(lambda: outcomes == [asyncio.CancelledError] and ended.is_set() and jobs.is_idle())


def test_no_coroutine_waits_for_a_job_that_a_closing_window_does_not_run(jobs, qtbot):
    outcomes = []
    jobs.close_door()
    gather(jobs.run("late", lambda report: 1), outcomes)
    qtbot.waitUntil(lambda: outcomes == [JobCancelled])


class Panic(BaseException):
    """As a library's native code raises it."""


@pytest.mark.parametrize("error", [Panic("lost"), KeyboardInterrupt(), SystemExit(3)])
def test_what_is_no_exception_reaches_a_coroutine_as_one(jobs, qtbot, error):
    outcomes = []
    tasks.loop().set_exception_handler(lambda loop, facts: None)

    def work(report):
        raise error

    gather(jobs.run("crash", work), outcomes)
    qtbot.waitUntil(lambda: outcomes == [JobCrashError])
    qtbot.waitUntil(tasks.is_idle)
