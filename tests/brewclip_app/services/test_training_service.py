"""Training runs without widgets, with a small script in place of the trainer: it waits at step 20 for an order."""

from pathlib import Path

import pytest

from brewclip_app import tasks
from brewclip_app.base_context import BaseContext
from brewclip_app.services import run_library
from brewclip_app.services.runs import KEY, MOST_FOLLOWED, Training
from core.errors import TrainingError
from core.training import process as training_process
from tests.brewclip_app.training_runs import make_run, order, trainer

WAIT = 60_000


@pytest.fixture
def context(home, qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(training_process, "COMMAND", trainer(tmp_path))
    made = BaseContext(home)
    yield made
    assert made.jobs.shutdown(20)
    made.close()
    for path in home.runs.glob("*"):
        training_process.kill(path)


@pytest.fixture
def training(context):
    return Training(context)


@pytest.fixture
def run(home):
    return make_run(home.runs, "1", end="", done=0, usable=False)


def settle(context, qtbot):
    qtbot.waitUntil(lambda: context.jobs.is_idle() and tasks.is_idle(), timeout=WAIT)


def until_step(training, path, step, qtbot):
    def reached():
        record = training.state.record(path)
        return record is not None and record.live and record.step >= step

    qtbot.waitUntil(reached, timeout=WAIT)


def test_the_runs_of_all_folders_are_read(training, context, qtbot, tmp_path):
    first, second = make_run(context.home.runs, "1"), make_run(tmp_path / "other", "2")
    assert not training.state.is_read
    training.reload()
    settle(context, qtbot)
    assert training.state.is_read and [record.path for record in training.state.records] == [first]
    training.add_folder(tmp_path / "other")
    settle(context, qtbot)
    assert [record.path for record in training.state.records] == [first, second]
    assert training.folders == (tmp_path / "other",) and training.state.record(tmp_path) is None


def test_a_resumed_run_is_followed_to_its_end(training, context, qtbot, run):
    training.resume(run)
    until_step(training, run, 20, qtbot)
    assert training.state.record(run).live and context.jobs.of_key(f"{KEY}{run}") is not None
    assert training.state.ended is None
    order(run, "finish")
    settle(context, qtbot)
    assert training.state.ended is training.state.record(run) and training.state.ended.state == "finished"


def test_a_request_is_pending_until_the_run_has_followed_it(training, context, qtbot, run):
    training.resume(run)
    until_step(training, run, 20, qtbot)
    with qtbot.waitSignal(training.changed, check_params_cb=lambda state: state.requests == {run: "pause"}):
        training.pause(run)
    settle(context, qtbot)
    assert training.state.requests == {} and training.state.ended.state == "paused"
    training.resume(run)
    until_step(training, run, 20, qtbot)
    training.stop(run)
    settle(context, qtbot)
    assert not training.state.record(run).live


def test_stopping_its_job_pauses_a_run(training, context, qtbot, run):
    training.resume(run)
    until_step(training, run, 20, qtbot)
    context.jobs.of_key(f"{KEY}{run}").cancel()
    settle(context, qtbot)
    assert training.state.ended.state == "paused"


def test_closing_the_window_leaves_a_run_alone(training, context, qtbot, run):
    training.resume(run)
    until_step(training, run, 20, qtbot)
    context.jobs.close_door()
    qtbot.waitUntil(context.jobs.is_idle, timeout=WAIT)
    assert training.state.requests == {} and training._processes[run].poll() is None


def test_too_many_runs_at_once_are_refused(training, context, qtbot, run):
    training._followed.update(Path(f"/{number}") for number in range(MOST_FOLLOWED))
    with qtbot.waitSignal(training.failed, timeout=WAIT) as failed:
        training.resume(run)
    error, _ = failed.args
    assert isinstance(error, TrainingError) and error.kind == "too_many"
    assert training._processes == {}


def test_a_deleted_run_is_gone_and_one_that_cannot_be_deleted_stays(training, context, qtbot, tmp_path, monkeypatch):
    path = make_run(context.home.runs, "1")
    training.reload()
    settle(context, qtbot)

    def refuse(path):
        raise OSError("no bin")

    monkeypatch.setattr(run_library, "send2trash", refuse)
    with qtbot.waitSignal(training.failed, timeout=WAIT):
        training.delete(path)
    assert training.state.record(path) is not None
    monkeypatch.setattr(run_library, "send2trash", lambda path: Path(path).rename(tmp_path / "bin"))
    training.delete(path)
    settle(context, qtbot)
    assert training.state.records == () and not path.exists()
