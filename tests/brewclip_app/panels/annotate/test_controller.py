"""The controller of the Annotate screen without any widget, and the queue of serial jobs."""

import numpy as np
import pytest

from brewclip_app import tasks
from brewclip_app.panels.annotate.controller import LATER, NOTHING_RECORDED, AnnotateController
from brewclip_app.panels.annotate.serial_jobs import SerialJobs
from core.audio import from_samples
from core.errors import StoreError
from tests.brewclip_app.panels.annotate.steps import PICTURES, WAIT

SPEECH = from_samples(np.full(16_000, 0.2, np.float32), 16_000)


@pytest.fixture
def controller(context, gallery, qtbot):
    made = AnnotateController(context)
    made.messages, made.failures, made.states = [], [], []
    made.message.connect(lambda text, kind: made.messages.append(text))
    made.failed.connect(lambda error, safe: made.failures.append((error, safe)))
    made.changed.connect(made.states.append)
    made.reopen()
    settle(qtbot)
    yield made
    made.finish()
    settle(qtbot)


def settle(qtbot):
    qtbot.waitUntil(tasks.is_idle, timeout=WAIT)


def test_a_recording_becomes_a_draft_with_a_transcript_and_is_confirmed(controller, qtbot):
    controller.record(SPEECH)
    assert controller.state.saving == 1 and controller.state.current_take is None
    settle(qtbot)
    take = controller.state.current_take
    assert (take.state, take.text, controller.state.awaited) == ("draft", "a dog", frozenset())
    controller.confirm("a brown dog")
    settle(qtbot)
    assert [(take.state, take.text) for take in controller.state.takes] == [("done", "a brown dog")]
    assert controller.state.row == 1 and controller.state.left == PICTURES - 1
    controller.undo()
    settle(qtbot)
    assert controller.state.row == 0 and controller.messages[-1] == "Undone: the caption."


def test_states_are_frozen_and_each_change_is_a_new_one(controller, qtbot):
    before = controller.state
    controller.go(2)
    settle(qtbot)
    assert before.row == 0 and controller.state.row == 2 and controller.states[-1] is controller.state


def test_changes_keep_the_order_in_which_they_were_asked_for(controller, context, qtbot):
    controller.record(SPEECH)
    settle(qtbot)
    context.jobs.hold()
    controller.save_typed("half a sentence")
    controller.go(1)
    controller.undo()
    context.jobs.release()
    settle(qtbot)
    assert controller.messages[-1] == "Undone: the caption." and controller.state.row == 0
    assert [take.text for take in controller.state.takes] == ["a dog"]


def test_confirming_twice_confirms_one_picture(controller, qtbot):
    context_gate = controller._context.explorer.models.parrot.gate
    context_gate.clear()
    controller.record(SPEECH)
    for _ in range(2):
        controller.confirm("")
    qtbot.waitUntil(lambda: controller.state.row == 1, timeout=WAIT)
    assert controller.messages == [LATER]
    controller.confirm("")
    assert controller.messages[-1] == NOTHING_RECORDED
    context_gate.set()
    settle(qtbot)
    assert [(take.state, take.text) for take in controller.state.takes] == [("done", "")]


def test_an_error_of_the_store_is_told_and_the_next_change_works(controller, context, qtbot, monkeypatch):
    def refuse(*profile):
        raise StoreError("The store is locked.", "locked")

    with monkeypatch.context() as locked:
        locked.setattr(context.explorer.store, "add_speaker", refuse)
        controller.save_speaker(None, "A.B.", "en", "")
        settle(qtbot)
    assert [str(error) for error, _ in controller.failures] == ["The store is locked."]
    controller.save_speaker(None, "A.B.", "en", "")
    settle(qtbot)
    assert controller.state.speaker.name == "A.B." and len(controller.state.speakers) == 2


def test_the_review_reads_images_bin_and_agreement(controller, qtbot):
    controller.record(SPEECH)
    settle(qtbot)
    controller.confirm("a dog")
    controller.show_review(True)
    settle(qtbot)
    [take] = controller.state.takes
    assert controller.state.take_images[take.image_id].path.name == "a.png" and not controller.state.binned
    assert controller.state.agreement.overlap is None
    controller.move_to_bin([take])
    settle(qtbot)
    assert controller.state.takes == () and [binned.id for binned in controller.state.binned] == [take.id]


def test_serial_jobs_run_in_order_and_each_exactly_once(context, qtbot):
    serial, order = SerialJobs(context.jobs), []
    context.jobs.hold()
    for number in range(3):
        tasks.start(serial.add("Counting", lambda number=number: order.append(number)))
    assert serial.busy
    serial.finish()
    assert order == [0, 1, 2]
    context.jobs.release()
    qtbot.waitUntil(lambda: not serial.busy, timeout=WAIT)
    assert order == [0, 1, 2]


def test_a_failed_serial_job_raises_and_the_next_one_runs(context, qtbot):
    serial, outcomes = SerialJobs(context.jobs), []

    async def collect(job):
        try:
            outcomes.append(await job)
        except ZeroDivisionError as error:
            outcomes.append(error)

    for divisor in (0, 2):
        tasks.start(collect(serial.add("Dividing", lambda divisor=divisor: 4 / divisor)))
    qtbot.waitUntil(lambda: not serial.busy, timeout=WAIT)
    assert isinstance(outcomes[0], ZeroDivisionError) and outcomes[1] == 2
