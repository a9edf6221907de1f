"""The controller of the Failures screen, without widgets."""

import threading
from dataclasses import replace

import pytest

from brewclip_app import tasks
from brewclip_app.panels.failures.controller import FailuresController
from core.evaluation import archive, diagnosis, labelling
from core.progress import Progress

WAIT = 20_000


@pytest.fixture
def context(store_context):
    return store_context


@pytest.fixture
def evaluation(context, make_evaluation):
    return make_evaluation(context.explorer.store)


@pytest.fixture
def controller(context, evaluation, qtbot):
    made = FailuresController(context)
    made.choose(at=1)
    made.read_evaluations()
    settle(context, qtbot)
    made.show(made.state.misses.queries[0].number)
    settle(context, qtbot)
    return made


def settle(context, qtbot):
    qtbot.waitUntil(lambda: context.jobs.is_idle() and not tasks._running, timeout=WAIT)


def run(coroutine, context, qtbot):
    results = []

    async def collect():
        results.append(await coroutine)

    tasks.start(collect())
    settle(context, qtbot)
    return results[0]


def test_the_newest_evaluation_is_read(controller, context, evaluation, make_evaluation, qtbot):
    assert controller.state.evaluation == evaluation.id and controller.state.misses.at == 1
    archive.delete(context.explorer.store, [evaluation.id])
    other = make_evaluation(context.explorer.store, seed=2)
    controller.read_evaluations()
    settle(context, qtbot)
    assert controller.state.evaluation == controller.state.misses.record.id == other.id


def test_the_failure_in_front_comes_with_its_recording(controller, context, qtbot):
    first, second = controller.state.misses.queries[:2]
    assert controller.state.case.query == first and controller.state.waveform is not None
    controller.show(second.number)
    assert controller.state.waveform is None
    assert run(controller.waveform(), context, qtbot) is controller.state.waveform is not None


def test_labels_are_shown_at_once_and_written_in_order(controller, context, evaluation, qtbot):
    query = controller.state.case.query
    for key in ("crop", "heard", "ambiguous"):
        controller.label(key)
    controller.set_note("two dogs")
    assert controller.state.misses.label(query).label == "ambiguous"
    settle(context, qtbot)
    written = labelling.labels(context.explorer.store, evaluation.id)[query.direction, query.query_id]
    assert (written.label, written.note) == ("ambiguous", "two dogs")
    assert controller.state.misses.label(query) == written


def test_undo_and_redo_return_the_label(controller, context, qtbot):
    query = controller.state.case.query
    controller.label("crop")
    settle(context, qtbot)
    assert run(controller.undo(), context, qtbot).query_id == query.query_id
    assert controller.state.misses.label(query) is None
    assert run(controller.undo(), context, qtbot) is None
    assert run(controller.redo(), context, qtbot).label == "crop"
    assert controller.state.misses.label(query).label == "crop"
    assert run(controller.redo(), context, qtbot) is None


def test_a_label_that_cannot_be_written_is_reported(controller, context, qtbot, monkeypatch):
    def fail(*arguments):
        raise OSError("no space")

    monkeypatch.setattr(labelling, "label", fail)
    with qtbot.waitSignal(controller.failed, timeout=WAIT) as failed:
        controller.label("crop")
    assert failed.args[1] == "The label was not saved."
    settle(context, qtbot)
    query = controller.state.case.query
    assert controller.state.misses.label(query) is None, "what is shown is what is stored"
    with qtbot.waitSignal(controller.failed, timeout=WAIT) as failed:
        controller.set_note("two dogs")
    assert failed.args[1] == "The note was not saved. It reads: two dogs"
    settle(context, qtbot)
    assert controller.state.misses.label(query) is None


def test_of_several_labels_the_last_one_that_was_written_is_shown(controller, context, qtbot, monkeypatch):
    query, write = controller.state.case.query, labelling.label

    def fail_once(store, evaluation, direction, query_id, key, note):
        if key == "heard":
            raise OSError("no space")
        return write(store, evaluation, direction, query_id, key, note)

    monkeypatch.setattr(labelling, "label", fail_once)
    for key in ("crop", "heard"):
        controller.label(key)
    settle(context, qtbot)
    assert controller.state.misses.label(query).label == "crop"


def test_an_undo_that_fails_says_so_alone(controller, context, qtbot, monkeypatch):
    monkeypatch.setattr(labelling, "undo", lambda *arguments: 1 / 0)
    followed = []

    async def undo():
        followed.append(await controller.undo())

    with qtbot.waitSignal(controller.failed, timeout=WAIT):
        tasks.start(undo())
    settle(context, qtbot)
    assert not followed


def test_a_recording_that_cannot_be_read_is_said_of_its_own_failure_alone(controller, context, qtbot, monkeypatch):
    gate, other = threading.Event(), controller.state.misses.queries[1]

    def unreadable(report):
        gate.wait(20)
        raise OSError("damaged")

    monkeypatch.setattr(controller, "_reader", lambda recording: unreadable)
    gate.set()
    controller.show(other.number)
    settle(context, qtbot)
    assert controller.state.unreadable == "damaged"
    gate.clear()
    controller.show(controller.state.misses.queries[0].number)
    qtbot.waitUntil(lambda: context.jobs.of_key("failures:voice") is not None)
    controller._set(case=replace(controller.state.case, key=(1, "", "another")))  # it came to the front meanwhile
    gate.set()
    settle(context, qtbot)
    assert controller.state.unreadable == ""


def test_the_diagnosis_shows_its_progress_and_can_be_stopped(controller, context, qtbot, monkeypatch):
    def diagnose(workspace, evaluation_id, at, report):
        while True:
            report(Progress(done=1, total=8, subject="Ranking again"))

    monkeypatch.setattr(diagnosis, "diagnose", diagnose)
    controller.diagnose()
    qtbot.waitUntil(lambda: controller.state.progress is not None and controller.state.progress.done == 1, timeout=WAIT)
    controller.choose(direction="image_to_speech")
    controller.stop_diagnosis()
    assert controller.state.progress.stopping
    settle(context, qtbot)
    assert controller.state.progress is None


def test_without_a_gallery_of_the_pictures_there_is_nothing_to_annotate(controller, context, qtbot):
    notices = []
    controller.notified.connect(lambda text, kind: notices.append(text))
    assert run(controller.choose_gallery(), context, qtbot) is False
    assert "No gallery has these pictures" in notices[0]
