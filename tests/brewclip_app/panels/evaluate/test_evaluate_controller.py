"""The controller of the Evaluate screen, without widgets."""

from pathlib import Path

import pytest

from brewclip_app import tasks
from brewclip_app.panels.evaluate.choices import DataOption, EvaluateOptions, ModelOption, still_ticked
from brewclip_app.panels.evaluate.controller import EvaluateController, PlotChoice
from core.errors import EvaluationError
from core.evaluation import archive, evaluate
from core.evaluation.evaluate import Plan
from core.features.noise import CLEAN, Condition

WAIT = 20_000


@pytest.fixture
def context(store_context, monkeypatch):
    monkeypatch.setattr(evaluate, "plan", lambda explorer, request, report: Plan(len(request), 20, 3_000_000))
    return store_context


@pytest.fixture
def controller(context, qtbot, tmp_path):
    made = EvaluateController(context)
    made.read_models()
    made.set_options(datasets={tmp_path: DataOption(tmp_path, "folder", "A folder", (("test", 10, 20),))},
                     splits=frozenset({(str(tmp_path), "test")}))
    settle(made, qtbot)
    return made


def settle(controller, qtbot):
    qtbot.waitUntil(lambda: controller._jobs.is_idle() and not tasks._running and not controller._later.isActive(),
                    timeout=WAIT)


def test_options_that_change_are_planned_once(controller, qtbot):
    assert controller.state.plan.setups == 1
    controller.set_options(ratios=frozenset({5}), words="both")
    assert controller.state.plan is None
    settle(controller, qtbot)
    assert controller.state.plan.setups == 4
    assert controller.state.options.request().conditions == (CLEAN, Condition("white", 5.0))


def test_a_folder_that_cannot_be_read_says_so_in_its_row(controller, qtbot, tmp_path, monkeypatch):
    def read(folder, follow_links):
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr("brewclip_app.panels.evaluate.controller.read_dataset", read)
    folder = tmp_path / "flickr"
    with qtbot.waitSignal(controller.failed, timeout=WAIT):
        controller.add_folder(folder)
    settle(controller, qtbot)
    assert controller.state.options.datasets[folder].problem == "flickr could not be read: the disk is gone"
    assert not controller.state.options.missing(), "the other dataset can be evaluated"


def test_ticks_follow_a_home_or_a_program_that_has_moved(controller, qtbot):
    included = next(model.key for model in controller.state.options.models if model.checkpoint)
    old = str(Path("/elsewhere/of/the/program").joinpath(*Path(included).parts[-2:]))
    controller.restore_options({"models": [old, "/elsewhere/runs/gone"]})
    controller.read_models()
    settle(controller, qtbot)
    assert controller.state.options.ticked == {included, "/elsewhere/runs/gone"}
    assert [model.key for model in controller.state.options.chosen_models] == [included]


def test_a_model_that_is_there_twice_is_not_guessed():
    models = [ModelOption("A", "", "/a/runs/1"), ModelOption("B", "", "/b/runs/1")]
    assert still_ticked(frozenset({"/c/runs/1", "/a/runs/1", "zero-shot:auto"}), models) == {
        "/c/runs/1", "/a/runs/1", "zero-shot:auto"}


def test_options_come_back_from_plain_values(controller):
    controller.set_options(ratios=frozenset({0}), crops=frozenset({"", "letterbox"}), noise="babble", drop=True)
    options = controller.state.options
    again = EvaluateOptions.of_json(options.to_json())
    assert (again.splits, again.ratios, again.crops, again.noise, again.drop) == (
        options.splits, options.ratios, options.crops, "babble", True)
    assert EvaluateOptions.of_json({"words": 3, "noise": None}) == EvaluateOptions()


def test_a_finished_evaluation_is_in_front(controller, context, qtbot, monkeypatch, make_evaluation):
    older = make_evaluation(context.explorer.store)
    controller.read()
    settle(controller, qtbot)
    assert controller.state.front == older.id
    monkeypatch.setattr(evaluate, "evaluate",
                        lambda explorer, request, report: [make_evaluation(explorer.store, seed=4)])
    controller.choose(table=4)
    controller.start()
    settle(controller, qtbot)
    assert controller.state.front == controller.state.records[0].id != older.id
    assert controller.state.table == 0 and controller.state.progress is None


def test_a_failed_evaluation_is_reported_and_can_be_planned_again(controller, qtbot, monkeypatch):
    def fail(explorer, request, report):
        raise EvaluationError("There is nothing to evaluate.", "nothing")

    monkeypatch.setattr(evaluate, "evaluate", fail)
    with qtbot.waitSignal(controller.failed, timeout=WAIT) as failed:
        controller.start()
    assert "are kept" in failed.args[1]
    settle(controller, qtbot)
    assert controller.state.progress is None and controller.state.plan is not None


def test_plots_follow_what_is_chosen(controller, context, qtbot, make_evaluation):
    first, second = make_evaluation(context.explorer.store), make_evaluation(context.explorer.store, seed=2)
    controller.read()
    settle(controller, qtbot)
    assert {series.name for series in controller.state.quality.series} == {second.setup.title}
    controller.choose(ticked=(first.id, second.id))
    controller.choose_plots(PlotChoice(view="speaker"))
    settle(controller, qtbot)
    assert len(controller.state.quality.series) == 2 and controller.state.noise.nothing


def test_deleting_reads_the_list_again(controller, context, qtbot, make_evaluation):
    first, second = make_evaluation(context.explorer.store), make_evaluation(context.explorer.store, seed=2)
    controller.read()
    settle(controller, qtbot)
    controller.choose(ticked=(second.id,))
    tasks.start(controller.delete((second.id,)))
    settle(controller, qtbot)
    assert [record.id for record in controller.state.records] == [first.id] == [
        record.id for record in archive.evaluations(context.explorer.store)]
    assert controller.state.ticked == () and controller.state.front == first.id
