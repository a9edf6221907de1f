"""A run's own process, with a small script in its place: followed, paused, killed, and its end explained."""

import errno
import os
import signal
import threading
import time

import pytest

from core.errors import TrainingError
from core.progress import JobCancelled, silent
from core.training import process as training_process
from core.training.run_folder import RunFolder
from core.training.runs import LOST, NEVER_BEGUN, RunReader
from tests.brewclip_app.training_runs import make_run, order, trainer

PATIENCE = 60  # s, of a test that goes wrong


@pytest.fixture
def run(home):
    return make_run(home.runs, "1", end="", done=0, usable=False)


@pytest.fixture
def start(home, tmp_path):
    """Starts the stand-in for a run; what is left of it is ended after the test."""
    command, started = trainer(tmp_path), []

    def begin(path):
        started.append(training_process.start(path, home, command))
        return started[-1]

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait(PATIENCE)


class Follower(threading.Thread):
    """Watches a run as the window's worker does."""

    def __init__(self, path, process, cancelled=lambda: False):
        super().__init__(daemon=True)
        self.records, self.end, self.error = [], None, None
        self.leave = threading.Event()
        self._work = lambda: training_process.watch(path, process, self.records.append, self._report, cancelled)
        self.start()

    def _report(self, progress):
        if self.leave.is_set():
            raise JobCancelled

    def run(self):
        try:
            self.end = self._work()
        except BaseException as error:
            self.error = error

    def until(self, fits):
        """Wait for a record that fits."""
        until(lambda: any(fits(each) for each in list(self.records)))

    def over(self):
        """The record that the run ended with."""
        self.join(PATIENCE)
        assert not self.is_alive() and self.error is None
        return self.end


def until(fits):
    limit = time.monotonic() + PATIENCE
    while not fits():
        assert time.monotonic() < limit, "it did not come"
        time.sleep(0.02)


def follow(path, process, **more):
    if process is None:
        until(lambda: RunFolder(path).busy)
    follower = Follower(path, process, **more)
    follower.until(lambda record: record.step == 20)
    return follower


def test_a_run_is_followed_to_its_end(run, start):
    follower = follow(run, start(run))
    assert follower.records[-1].state == "training" and follower.records[-1].curve("loss").steps == (10, 20)
    order(run, "run")
    end = follower.over()
    assert (end.state, end.step, end.message) == ("finished", 40, "")


def test_a_paused_run_goes_on_where_it_stood(run, start):
    process = start(run)
    follower = follow(run, process)
    training_process.ask_to_pause(run, process)
    assert follower.over().state == "paused"
    order(run, "run")
    end = Follower(run, start(run)).over()
    assert (end.state, end.step) == ("finished", 40)
    assert [event["step"] for event in RunFolder(run).events() if event["event"] == "begin"] == [0, 20]


def test_a_run_that_is_paused_before_it_can_listen_is_paused_and_not_broken(run, start):
    (run / "deaf").touch()
    process = start(run)
    follower = follow(run, process)
    training_process.ask_to_pause(run, process)
    end = follower.over()
    assert (end.state, end.message) == ("paused", "It was stopped and can go on.")


def test_a_stopped_run_is_closed_for_good(run, start):
    process = start(run)
    follower = follow(run, process, cancelled=lambda: True)
    training_process.ask_to_pause(run, process)
    end = follower.over()
    assert end.state == "stopped" and "stopped for good" in end.message
    assert RunReader(run).read().state == "stopped"


def test_kill_minus_9_is_explained_and_the_run_goes_on(run, start):
    process = start(run)
    follower = follow(run, process)
    os.kill(process.pid, signal.SIGKILL)
    end = follower.over()
    assert (end.state, end.message) == ("failed", training_process.KILLED)
    order(run, "run")
    assert Follower(run, start(run)).over().state == "finished"


def test_memory_that_ran_out_is_said_in_words(run, start):
    follower = follow(run, start(run))
    order(run, "memory")
    end = follower.over()
    assert (end.state, end.message) == ("failed", training_process.OUT_OF_MEMORY)


def test_a_crash_names_what_was_printed_last(run, start):
    follower = follow(run, start(run))
    order(run, "crash")
    end = follower.over()
    assert end.state == "failed" and "RuntimeError: the cat stepped on it" in end.message
    assert end.message.endswith(training_process.KEPT)
    assert "Traceback" in training_process.output_of(run)


def test_an_abort_names_its_signal(run, start):
    follower = follow(run, start(run))
    order(run, "abort")
    assert "SIGABRT" in follower.over().message


@pytest.mark.slow
def test_a_window_that_closes_leaves_the_run_going_on_and_the_next_one_finds_it(run, start):
    first = follow(run, start(run))
    first.leave.set()
    first.join(PATIENCE)
    assert isinstance(first.error, JobCancelled) and RunFolder(run).busy
    second = follow(run, None)
    assert RunFolder(run).process is not None
    training_process.ask_to_pause(run)
    assert second.over().state == "paused"


def test_a_run_of_an_earlier_window_that_the_user_ends_says_so(run, start):
    process = start(run)
    follower = follow(run, None)
    training_process.kill(run)
    process.wait(PATIENCE)
    end = follower.over()
    assert (end.state, end.message) == ("paused", training_process.ENDED)


@pytest.mark.slow
def test_a_run_that_the_user_ends_says_so_and_goes_on(run, start):
    process = start(run)
    follower = follow(run, process)
    training_process.kill(run, process)
    end = follower.over()
    assert (end.state, end.message) == ("paused", training_process.ENDED)
    order(run, "run")
    assert Follower(run, start(run)).over().state == "finished"


def test_the_bar_of_a_run_that_ended_before_its_first_step_is_empty(home):
    path = make_run(home.runs, "2", end="error", done=0, usable=False)
    assert training_process.progress_of(RunReader(path).read()).bar[0] == 0


def test_a_run_of_an_earlier_window_that_lacked_memory_says_so(run, start):
    process = start(run)
    follower = follow(run, None)
    order(run, "memory")
    process.wait(PATIENCE)
    assert follower.over().message == training_process.OUT_OF_MEMORY


@pytest.mark.slow
def test_two_windows_train_a_run_once_and_both_follow_it(run, start):
    first = follow(run, start(run))
    late = start(run)
    second = follow(run, late)
    assert late.wait(PATIENCE) == 2
    order(run, "run")
    ends = [first.over(), second.over()]
    assert [end.state for end in ends] == ["finished", "finished"]
    assert sum(event["event"] == "begin" for event in RunFolder(run).events()) == 1


def test_a_program_that_is_not_there_costs_nothing(run, home):
    with pytest.raises(TrainingError) as caught:
        training_process.start(run, home, (str(home.root / "no such program"),))
    assert caught.value.kind == "not_started" and "Nothing was lost" in str(caught.value)


def test_a_full_disk_leaves_the_end_unsaid_and_the_window_whole(run, start, monkeypatch):
    def full(self, event, **facts):
        raise TrainingError("The disk is full.", "full") from OSError(errno.ENOSPC, "full")

    process = start(run)
    follower = follow(run, process)
    monkeypatch.setattr(RunFolder, "log", full)
    os.kill(process.pid, signal.SIGKILL)
    end = follower.over()
    assert (end.state, end.message) == ("failed", LOST)


def test_nobody_is_signalled_for_a_run_that_nobody_trains(run):
    training_process.ask_to_pause(run)
    training_process.kill(run)
    assert training_process.watch(run, None, lambda record: None, silent).message == NEVER_BEGUN


@pytest.mark.parametrize(("code", "output", "kind", "words"), [
    (0, "", "crash", "did not say why"), (1, "", "crash", "code 1"),
    (2, "brewclip: No such split.\n", "crash", "No such split."), (-9, "", "killed", "signal 9"),
    (1, "DefaultCPUAllocator: can't allocate memory", "memory", "memory ran out"), (-11, "", "crash", "SIGSEGV"),
    (-250, "", "crash", "unknown"), (1, "10 %\r20 %\rlast words", "crash", "last words")])
def test_an_end_is_explained(code, output, kind, words):
    found, message = training_process.explain(code, output)
    assert found == kind and words in message
