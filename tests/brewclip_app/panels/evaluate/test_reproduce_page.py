"""The Reproduce page: choices, steps of a plan, a reproduction that runs, stops and fails."""

import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QMessageBox

from brewclip_app import tasks
from brewclip_app.panels.evaluate.reproduce import ReproducePage
from brewclip_app.panels.evaluate.reproduce_controller import ReproduceController, ReproduceForm
from core.errors import ReproductionError
from core.progress import Progress
from core.reproduce import estimates, graph, runner
from core.reproduce.estimates import Needs
from core.reproduce.records import PlanStep, Reproduction, StepRecord

WAIT = 20_000
STEPS = (PlanStep("train-a", "Train BrewCLIP on Flickr8k, seed 0", "train", command="brewclip train", nbytes=5_000_000),
         PlanStep("table-1", "Table 1", "table", ("train-a",), number=1))


def state_of(*states: str, message: str = "") -> Reproduction:
    records = tuple(StepRecord(step, state, message=message if state == "failed" else "")
                    for step, state in zip(STEPS, states, strict=True))
    return Reproduction("small", "Small", records, {}, "mini", "small-data", (0,), "home", "now",
                        deviations=("LN-COCO was not given: what needs it is left out.",))


@pytest.fixture
def context(store_context, monkeypatch):
    """A context in which plans have two steps and cost nothing."""
    monkeypatch.setattr(graph, "build", lambda workspace, plan, choices, out: SimpleNamespace(choices=choices))
    monkeypatch.setattr(estimates, "estimated", lambda workspace, steps, out, report: steps)
    monkeypatch.setattr(estimates, "needed", lambda *arguments: Needs(2, {Path("/"): 5_000_000}, 90.0, 1))
    monkeypatch.setattr(runner, "begun", lambda *arguments: state_of("waiting", "waiting"))
    return store_context


@pytest.fixture
def page(context, qtbot, tmp_path):
    made = ReproducePage(context, lambda: None)
    qtbot.addWidget(made)
    made.resize(1100, 700)
    made.show()
    made.controller.set_form(out=tmp_path / "out", datasets={"flickr8k": tmp_path})
    settle(made.controller, qtbot)
    return made


def settle(controller: ReproduceController, qtbot) -> None:
    qtbot.waitUntil(lambda: controller._jobs.is_idle() and not tasks._running, timeout=WAIT)


def running(monkeypatch, work) -> None:
    """Have a reproduction do that work, of (tell, report)."""
    class Runner:
        def __init__(self, workspace, steps, out, devices, tell):
            self.run = lambda report: work(tell, report)

    monkeypatch.setattr(runner, "Runner", Runner)


def test_steps_disk_and_what_is_left_out_are_shown_before_anything_begins(page, qtbot) -> None:
    QAbstractItemModelTester(page.model)
    page.check.click()
    settle(page.controller, qtbot)

    assert [record.step.title for record in page.model.records] == [step.title for step in STEPS]
    assert page.summary.text() == "0 of 2 steps done · 5 MB of disk · about 2 min · time of 1 steps not measured"
    assert "LN-COCO was not given" in page.deviations.text()
    assert page.start.text() == "Reproduce"
    assert not page.open_report.isEnabled()


def test_a_reproduction_is_followed_and_its_report_can_be_opened(page, qtbot, monkeypatch, tmp_path) -> None:
    told = threading.Event()

    def work(tell, report):
        tell(state_of("running", "waiting"))
        report(Progress(subject="Train", done=1, total=2, share=0.5))
        assert told.wait(20)
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "report.html").write_text("all")
        return state_of("done", "done")

    running(monkeypatch, work)
    page.start.click()
    qtbot.waitUntil(lambda: bool(page.model.records) and page.model.records[0].state == "running", timeout=WAIT)
    assert page.progress.isVisible()
    assert not page.start.isVisible()
    assert not page.plan.isEnabled()
    told.set()
    settle(page.controller, qtbot)

    assert page.banner.message.text() == "All steps are done. The report is written."
    assert page.open_report.isEnabled()
    assert page.start.text() == "Continue"


def test_a_stop_keeps_what_is_done_and_says_so(page, qtbot, monkeypatch) -> None:
    def work(tell, report):
        tell(state_of("done", "waiting"))
        while True:
            report(Progress())

    running(monkeypatch, work)
    page.start.click()
    qtbot.waitUntil(lambda: bool(page.model.records), timeout=WAIT)
    page.progress.cancel.click()
    (question,) = page.findChildren(QMessageBox)
    next(answer for answer in question.buttons() if answer.text() == "Stop").click()
    settle(page.controller, qtbot)

    assert page.controller.state.progress is None
    assert page.banner.message.text() == "Stopped. What is done is kept; start again to go on."
    assert page.model.records[0].state == "done"


def test_a_failed_step_is_named_with_its_reason(page, qtbot, monkeypatch) -> None:
    running(monkeypatch, lambda tell, report: state_of("failed", "skipped", message="The memory ran out."))
    page.start.click()
    settle(page.controller, qtbot)

    assert page.banner.message.text() == "2 steps are not done; choose one to see why."
    assert page.detail.text() == "The memory ran out.\nbrewclip train"
    page.table.selectRow(1)
    assert "memory" not in page.detail.text()


def test_a_plan_that_cannot_be_made_says_why(page, qtbot, monkeypatch) -> None:
    def refuse(*arguments):
        raise ReproductionError("None of it can be made.", "nothing")

    monkeypatch.setattr(graph, "build", refuse)
    page.check.click()
    settle(page.controller, qtbot)
    assert page.problem.text() == "None of it can be made."

    page.controller.set_form(seeds="0, x")
    page.check.click()
    settle(page.controller, qtbot)
    assert page.problem.text().startswith("Seeds are whole numbers")


def test_a_folder_with_a_reproduction_shows_it(page, qtbot, tmp_path) -> None:
    state_of("done", "failed", message="Broken.").save(tmp_path / "kept")
    page.controller.set_form(out=tmp_path / "kept")
    settle(page.controller, qtbot)

    assert [record.state for record in page.model.records] == ["done", "failed"]
    page.controller.set_form(plan="table1")
    settle(page.controller, qtbot)
    assert not page.model.records, "that is another plan's"


def test_choices_are_kept(context, tmp_path) -> None:
    form = ReproduceForm(tmp_path, "table1", {"flickr8k": tmp_path}, "paper", "0, 4", True)
    assert ReproduceForm.of_json(form.to_json()) == form
    assert form.seed_numbers() == (0, 4)
    assert ReproduceForm.of_json({"plan": "gone", "datasets": {"other": "x"}}) == replace(ReproduceForm())
    with pytest.raises(ReproductionError, match="whole numbers"):
        replace(form, seeds="1, b").seed_numbers()
