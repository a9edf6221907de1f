"""Evaluate: models on datasets under options, stored, compared, beside the paper's tables."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QFileDialog, QSplitter

from brewclip_app import wording
from brewclip_app.panels.base import Panel
from brewclip_app.panels.evaluate import view as evaluate_view
from brewclip_app.panels.evaluate.options import OptionsCard
from brewclip_app.panels.evaluate.plots import Plots
from brewclip_app.panels.evaluate.results import FORMATS, SUFFIXES, EvaluationsCard
from brewclip_app.widgets.banner import Banner
from brewclip_app.widgets.common import column, label, row
from brewclip_app.widgets.dialogs import ask_to_stop, confirm, leave_field
from brewclip_app.widgets.drops import folders_of

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from brewclip_app.jobs import Job
    from core.evaluation.records import EvaluationRecord, Request

EVALUATE, PLAN = "evaluate:run", "evaluate:plan"
KEPT = "Evaluations that were finished before are kept."


class EvaluatePanel(Panel):
    """All that reads or computes runs in jobs; one evaluation job at a time."""

    key: ClassVar[str] = "evaluate"
    title: ClassVar[str] = "Evaluate"
    icon: ClassVar[str] = "evaluate"

    def __init__(self, context: "Context") -> None:
        super().__init__(context)
        self._front = 0                    # the evaluation to bring to the front once the list is read
        self._ticked: list[int] = []       # those to tick then
        self._planned: Request | None = None
        self.summary = label("", "quiet-body")
        self.banner = Banner()
        self.options = OptionsCard(context)
        self.results = EvaluationsCard()
        self.plots = Plots(context)
        self.setAcceptDrops(True)
        self._lay_out()
        self._connect()

    # ---- what the window asks

    def activated(self) -> None:
        self._read_models()
        self._read()

    def receive(self, payload: object) -> None:
        """A checkpoint's folder: it is ticked, alone."""
        if isinstance(payload, Path):
            self.options.models.take(payload)

    def save_state(self) -> dict[str, Any]:
        return {"options": self.options.save(), "front": self.results.table.evaluation(),
                "ticked": self.results.model.ticks(), "split": self.split.sizes(), "upright": self.upright.sizes(),
                "table": self.results.number()}

    def restore_state(self, state: dict[str, Any]) -> None:
        if isinstance(state.get("options"), dict):
            self.options.restore(state["options"])
        self._front = int(state.get("front") or 0)
        self._ticked = [int(each) for each in state.get("ticked", [])]
        for splitter, name in ((self.split, "split"), (self.upright, "upright")):
            sizes = state.get(name)
            if isinstance(sizes, list) and len(sizes) == 2:
                splitter.setSizes([int(size) for size in sizes])
        if state.get("table") in (1, 2, 4, 5):
            self.results.turn_to(int(state["table"]))

    def shortcuts(self) -> list[tuple[str, str]]:
        return [("Ctrl+Enter", "Evaluate"), ("Esc", "Stop evaluating, after a question"),
                ("Ctrl+O", "Add a dataset folder"),
                ("Space", "Tick the evaluation, to compare it"), ("Enter", "Open its failures"),
                ("Del", "Delete the ticked ones, or the one in front"), ("Ctrl+T", "The next table"),
                ("Ctrl+C", "Copy the table as CSV")]

    # ---- made once

    def _lay_out(self) -> None:
        self.upright = QSplitter(Qt.Orientation.Vertical)
        self.split = QSplitter()
        for splitter, parts, sizes in ((self.upright, (self.results, self.plots), [400, 280]),
                                       (self.split, (self.options, self.upright), [300, 830])):
            splitter.setChildrenCollapsible(False)
            splitter.setHandleWidth(12)
            for part in parts:
                splitter.addWidget(part)
            splitter.setSizes(sizes)
        self.split.setStretchFactor(1, 1)
        self.upright.setStretchFactor(0, 3)
        self.upright.setStretchFactor(1, 2)
        box = column(row(label("Evaluate", "title"), 4, self.summary, None), self.banner, self.split, space=12)
        box.setContentsMargins(20, 16, 20, 12)
        box.setStretch(2, 1)
        self.setLayout(box)

    def _connect(self) -> None:
        options, results = self.options, self.results
        options.changed.connect(self._plan)
        options.started.connect(self.start)
        options.cancelled.connect(self.cancel)
        options.models.added.connect(self._read_models)
        results.chosen.connect(lambda _: self._draw())
        results.ticked.connect(self._draw)
        results.failures.connect(lambda evaluation: self.go_to.emit("failures", evaluation))
        results.delete.connect(self._ask_delete)
        results.export.connect(self._export)
        self.plots.failed.connect(lambda error: self.failed.emit(error, ""))
        self.context.jobs.job_progress.connect(lambda job: self._follow(job) if job.key == EVALUATE else None)
        for keys, do in (("Ctrl+Return", self.start), ("Ctrl+Enter", self.start), ("Escape", self._escape),
                         ("Ctrl+O", options.data.ask), ("Ctrl+T", self._next_table),
                         ("Ctrl+C", lambda: self._export("csv", True))):
            QShortcut(QKeySequence(keys), self, do, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)

    # ---- reading

    def _read_models(self) -> None:
        home, others = self.context.home, list(self.options.models.others)
        self.context.jobs.submit("Looking for models", lambda report: evaluate_view.read_models(home, others),
                                 key="evaluate:models", on_done=self.options.models.show_models, quiet=True,
                                 on_failed=lambda error: self.failed.emit(error, ""))

    def _read(self) -> None:
        self.context.jobs.submit("Reading the evaluations",
                                 lambda report: evaluate_view.read_evaluations(self.context.explorer),
                                 key="evaluate:list", on_done=self._take, quiet=True,
                                 on_failed=lambda error: self.failed.emit(error, ""))

    def _take(self, records: "list[EvaluationRecord]") -> None:
        front = self._front or self.results.table.evaluation()
        self._front = 0
        self.results.show_records(records, front)
        if self._ticked:
            self.results.model.tick(self._ticked)
            self._ticked = []
        number = len(records)
        words = f"{wording.count(number)} stored {'evaluation' if number == 1 else 'evaluations'}" if number else ""
        self.summary.setText(words)
        self.status_changed.emit(words)

    def _draw(self) -> None:
        self.plots.show_records(self.results.records(), self.results.compared(), self.results.table.evaluation())

    # ---- planning and evaluating

    def _plan(self) -> None:
        request = self.options.request()
        if request is None or request == self._planned or self._job() is not None:
            return
        self.options.say_plan(None, f"{len(request)} {'evaluation' if len(request) == 1 else 'evaluations'}")
        if not self.isVisible():
            return

        def work(report: Any) -> Any:
            from core.evaluation.evaluate import plan

            return plan(self.context.explorer, request, report)

        def take(found: Any) -> None:
            self._planned = request
            self.options.say_plan(found)

        self.context.jobs.submit("Planning", work, key=PLAN, quiet=True, on_done=take,
                                 on_failed=lambda error: self.options.say_plan(None, str(error), wrong=True))

    def start(self) -> None:
        """Evaluate what is chosen; what is finished is stored one by one."""
        request = self.options.request()
        if request is None or self.options.missing() or self._job() is not None:
            return

        def work(report: Any) -> Any:
            from core.evaluation.evaluate import evaluate

            return evaluate(self.context.explorer, request, report)

        planning = self.context.jobs.of_key(PLAN)
        if planning is not None:
            planning.cancel()
        self.banner.dismiss()  # what it says is of an earlier evaluation
        job = self.context.jobs.submit("Evaluating", work, key=EVALUATE, on_done=self._done, on_failed=self._failed,
                                       on_cancelled=self._cancelled)
        self._follow(job)

    def _escape(self) -> None:
        if not leave_field(self):
            ask_to_stop(self, self._job(), self.cancel, f"{KEPT} What was heard is not heard again.")

    def cancel(self) -> None:
        """Stop evaluating."""
        job = self._job()
        if job is not None:
            job.cancel()
            self._follow(job)

    def _job(self) -> "Job | None":
        return self.context.jobs.of_key(EVALUATE)

    def _follow(self, job: "Job | None") -> None:
        self.options.show_job(job)

    def _done(self, records: "list[EvaluationRecord]") -> None:
        self._over()
        if records:
            self._front = records[0].id
            number = len(records)
            self.banner.say(f"{number} {'evaluation is' if number == 1 else 'evaluations are'} done.", "good")
        self.results.turn_to(0)
        self._read()

    def _failed(self, error: BaseException) -> None:
        self._over()
        self.failed.emit(error, KEPT)
        self._read()

    def _cancelled(self) -> None:
        self._over()
        self.banner.say(f"Stopped. {KEPT} What was heard is not heard again.", "care")
        self._read()

    def _over(self) -> None:
        self._planned = None
        self._follow(None)
        self._plan()

    # ---- deleting, exporting

    def _ask_delete(self, ids: list[int]) -> None:
        titles = [each.setup.title for each in self.results.records() if each.id in ids]
        what = f"{len(ids)} evaluations" if len(ids) > 1 else f"the evaluation {titles[0]}"
        confirm(self, f"Delete {what}?", "Their ranks, diagnoses, labels and notes are deleted. Datasets and models "
                "stay; they can be evaluated again.", "Delete", lambda: self._delete(ids))

    def _delete(self, ids: list[int]) -> None:
        def work(report: Any) -> None:
            from core.evaluation import archive

            archive.delete(self.context.explorer.store, ids)

        self.context.jobs.submit("Deleting", work, quiet=True, on_done=lambda _: self._read(),
                                 on_failed=lambda error: self.failed.emit(error, "Nothing was deleted."))

    def _export(self, form: str, copy: bool) -> None:
        if not self.results.save.isEnabled():
            return
        if copy:
            QGuiApplication.clipboard().setText(self.results.text(form))
            self.banner.say(f"The table is in the clipboard, as {dict(FORMATS)[form]}.", "good")
            return
        number = self.results.number()
        name = f"table-{number}" if number else "evaluations"
        dialog = QFileDialog(self, "Save the table as", str(Path.home() / f"{name}.{SUFFIXES[form]}"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(SUFFIXES[form])
        dialog.fileSelected.connect(lambda chosen: self.save_table(Path(chosen), form))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def save_table(self, path: Path, form: str) -> None:
        """Write the table in front to a file."""
        text = self.results.text(form)

        def work(report: Any) -> None:
            staged = path.with_name(path.name + ".new")
            staged.write_text(text, encoding="utf-8")
            staged.replace(path)

        self.context.jobs.submit("Saving the table", work, quiet=True,
                                 on_done=lambda _: self.banner.say(f"Saved as {path}.", "good"),
                                 on_failed=lambda error: self.banner.say(
                                     f"{path.name} could not be written: {error}. What was there is unchanged.",
                                     "error"))

    def _next_table(self) -> None:
        numbers = [self.results.tabs.id(each) for each in self.results.tabs.buttons()]
        self.results.turn_to(numbers[(numbers.index(self.results.number()) + 1) % len(numbers)])

    # ---- folders that are dropped

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if folders_of(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        for folder in folders_of(event.mimeData()):
            self.options.data.add(folder)
        event.acceptProposedAction()

