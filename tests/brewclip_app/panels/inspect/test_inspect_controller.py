"""The controller of the Inspect screen, without widgets."""

import threading

import pytest

from brewclip_app import tasks
from brewclip_app.panels.base import Inspection
from brewclip_app.panels.inspect.controller import InspectController
from core.explain import inspection

WAIT = 60_000


@pytest.fixture
def controller(context, qtbot):
    return InspectController(context)


def settle(controller, qtbot):
    qtbot.waitUntil(lambda: controller._jobs.is_idle() and not tasks._running and not controller._settled.isActive(),
                    timeout=WAIT)


def test_a_subject_without_a_picture_is_kept_until_one_comes(controller, qtbot, folder):
    controller.set_text("  a  dog ")
    assert controller.state.case is None and controller.state.subject.text == "a dog"
    controller.set_picture(folder / "red.png")
    settle(controller, qtbot)
    assert controller.state.case.path.name == "red.png" and controller.state.progress is None
    assert controller.state.faithfulness and not controller.state.neighbours


def test_ranks_follow_the_explanation_and_the_mix(controller, qtbot, gallery, folder, voice):
    controller.explain(Inspection(waveform=voice, path=folder / "red.png"))
    settle(controller, qtbot)
    assert len(controller.state.neighbours) == 6
    controller.set_mix(1.0)
    settle(controller, qtbot)
    own = next(row for row in controller.state.neighbours if row.image.path.name == "red.png")
    assert own.rank == controller.state.case.ranks.acoustic


def test_a_failed_explanation_keeps_the_case_and_its_subject(controller, qtbot, folder, tmp_path):
    controller.explain(Inspection(text="a dog", path=folder / "red.png"))
    settle(controller, qtbot)
    case = controller.state.case
    controller.set_picture(tmp_path / "gone.png")
    settle(controller, qtbot)
    state = controller.state
    assert state.case.explanation is case.explanation and state.subject is state.case.subject
    assert "gone.png" in state.notice and state.progress is None


def test_an_unforeseen_error_goes_to_the_window(controller, qtbot, folder, monkeypatch):
    def fail(*arguments):
        raise ZeroDivisionError

    monkeypatch.setattr(inspection, "explain", fail)
    with qtbot.waitSignal(controller.failed, timeout=WAIT) as failed:
        controller.explain(Inspection(text="a dog", path=folder / "red.png"))
    assert isinstance(failed.args[0], ZeroDivisionError) and controller.state.case is None


def test_another_score_is_tested_once(controller, qtbot, folder, voice, monkeypatch):
    tested = []
    plain = inspection.Explanation.faithfulness
    monkeypatch.setattr(inspection.Explanation, "faithfulness", lambda self, target, **rest: (
        tested.append(target), plain(self, target, **rest))[1])
    controller.explain(Inspection(waveform=voice, path=folder / "red.png"))
    settle(controller, qtbot)
    for target in ("text", "fused", "text"):
        controller.choose_map(target, controller.state.method)
        settle(controller, qtbot)
    assert tested == ["fused", "text"] and set(controller.state.tests) == {"fused", "text"}


def test_stop_ends_the_explanation(controller, qtbot, context, folder, voice):
    context.explorer.gate.clear()
    controller.explain(Inspection(waveform=voice, path=folder / "red.png"))
    qtbot.waitUntil(lambda: bool(context.jobs.running()), timeout=WAIT)
    assert controller.stop()
    settle(controller, qtbot)
    assert controller.state.progress is None and controller.state.case is None and not controller.stop()


def test_results_of_a_test_that_was_overtaken_are_dropped(controller, qtbot, folder, monkeypatch):
    hold, entered, plain = threading.Event(), threading.Event(), inspection.Explanation.faithfulness

    def slow(self, target, report=None):
        entered.set()
        assert hold.wait(60)
        return plain(self, target, report=report)

    monkeypatch.setattr(inspection.Explanation, "faithfulness", slow)
    controller.explain(Inspection(text="a dog", path=folder / "red.png"))
    qtbot.waitUntil(entered.is_set, timeout=WAIT)
    controller.explain(Inspection(text="a cat", path=folder / "blue.png"))
    hold.set()
    settle(controller, qtbot)
    assert controller.state.case.text == "a cat" and controller.state.faithfulness


def test_comparing_begins_with_the_best_other_picture(controller, qtbot, gallery, voice):
    controller.explain(Inspection(waveform=voice))
    settle(controller, qtbot)
    controller.choose_map("fused", "occlusion")
    controller.compare()
    settle(controller, qtbot)
    state = controller.state
    assert state.comparing and state.second.path == state.neighbours[1].image.path
    assert "fused" in state.second.occluded
    controller.compare()
    assert not controller.state.comparing
