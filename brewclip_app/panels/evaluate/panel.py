"""Evaluate: models on datasets under options, stored, compared, beside the tables of the paper."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QStackedWidget

from brewclip_app import tasks, wording
from brewclip_app.capture.file_intake import folders_of
from brewclip_app.localisation import _, ngettext
from brewclip_app.panels.base import Panel
from brewclip_app.panels.evaluate.controller import EVALUATE, KEPT, NOT_AGAIN, EvaluateController, EvaluateState
from brewclip_app.panels.evaluate.options import OptionsCard
from brewclip_app.panels.evaluate.plots import Plots
from brewclip_app.panels.evaluate.reproduce import ReproducePage
from brewclip_app.panels.evaluate.reproduce_controller import REPRODUCE
from brewclip_app.panels.evaluate.results import FORMATS, SUFFIXES, TABLES, EvaluationsCard
from brewclip_app.shortcuts import add_shortcut
from brewclip_app.widgets.banner import Banner
from brewclip_app.widgets.common import button, column, label, panel_title, row
from brewclip_app.widgets.dialogs import ask_to_stop, confirm, leave_field
from brewclip_app.widgets.figure_export import FigureExporter
from brewclip_app.widgets.file_dialogs import ask_folder, ask_target
from brewclip_app.widgets.splitters import restore_sizes, splitter

if TYPE_CHECKING:
    from brewclip_app.context import Context


class EvaluatePanel(Panel):
    """Renders the state of its controller."""

    key: ClassVar[str] = "evaluate"
    title: ClassVar[str] = _("Evaluate")
    icon: ClassVar[str] = "evaluate"
    own_jobs = (EVALUATE, REPRODUCE)

    def __init__(self, context: "Context") -> None:
        super().__init__(context)
        self.controller = EvaluateController(context, self)
        self.summary = label("", "quiet-body")
        self.banner = Banner()
        self.options = OptionsCard(self.controller)
        self.results = EvaluationsCard(self.controller.choose, self._ask_delete, self._export,
                                       self._export_queries)
        self.exporter = FigureExporter(context, self, lambda text: self.banner.show_message(text, "good"))
        self.plots = Plots(self.controller.choose_plots, self.exporter)
        self.results.figures.setMenu(self.exporter.paper_menu(
            self.results.figures, lambda: self.controller.state.compared))
        self.reproduce = ReproducePage(context, lambda: self.show_reproduce(False))
        self.setAcceptDrops(True)
        self._lay_out()
        self.controller.changed.connect(self._render)
        self.controller.failed.connect(self.failed)
        self.reproduce.controller.failed.connect(self.failed)
        self.controller.notified.connect(self._notify)
        self.results.open_failures.clicked.connect(
            lambda: self.go_to.emit("failures", self.controller.state.front))
        for keys, do in (("Ctrl+Return", self.controller.start), ("Ctrl+Enter", self.controller.start),
                         ("Escape", self._escape), ("Ctrl+O", self.options.data.ask), ("Ctrl+T", self._next_table),
                         ("Ctrl+C", lambda: self._export("csv", True))):
            add_shortcut(self, keys, do)
        self._render(self.controller.state)

    # ---- life cycle

    def activated(self) -> None:
        self.controller.read_models()
        self.controller.read()

    def receive(self, payload: object) -> None:
        """Tick the checkpoint of a folder, alone."""
        if isinstance(payload, Path):
            self.controller.add_model(payload, alone=True)

    def save_state(self) -> dict[str, Any]:
        state = self.controller.state
        return {"options": state.options.to_json(), "front": state.front, "ticked": list(state.ticked),
                "table": state.table, "as_one": state.as_one, "split": self.split.sizes(),
                "upright": self.upright.sizes(), "reproduce": self.reproduce.controller.state.form.to_json()}

    def restore_state(self, state: dict[str, Any]) -> None:
        if isinstance(state.get("options"), dict):
            self.controller.restore_options(state["options"])
        if isinstance(state.get("reproduce"), dict):
            self.reproduce.controller.restore(state["reproduce"])
        table = state.get("table")
        self.controller.choose(int(state.get("front") or 0), [int(number) for number in state.get("ticked", [])],
                               table if table in TABLES else 0, bool(state.get("as_one")))
        for split, name in ((self.split, "split"), (self.upright, "upright")):
            restore_sizes(split, state.get(name))

    def shortcuts(self) -> list[tuple[str, str]]:
        return [("Ctrl+Enter", _("Evaluate")), ("Esc", _("Stop evaluating, after a question")),
                ("Ctrl+O", _("Add a dataset folder")),
                ("Space", _("Tick the evaluation, to compare it")), ("Enter", _("Open its failures")),
                ("Del", _("Delete the ticked evaluations, or the current one")), ("Ctrl+T", _("The next table")),
                ("Ctrl+C", _("Copy the table as CSV"))]

    # ---- layout and rendering

    def _lay_out(self) -> None:
        self.upright = splitter(self.results, self.plots, (400, 280), (3, 2), Qt.Orientation.Vertical)
        self.split = splitter(self.options, self.upright, (300, 830))
        self.pages = QStackedWidget()
        for page in (self.split, self.reproduce):
            self.pages.addWidget(page)
        self.to_reproduce = button(_("Reproduce the paper…"), lambda: self.show_reproduce(True),
                                   tip=_("Tables and figures of the paper from the datasets, with a report"))
        box = column(row(panel_title(_("Evaluate")), 4, self.summary, None, self.to_reproduce), self.banner, self.pages,
                     space=12)
        box.setContentsMargins(20, 16, 20, 12)
        box.setStretch(2, 1)
        self.setLayout(box)

    def show_reproduce(self, on: bool) -> None:
        """Show the Reproduce page, or the evaluations, which it may have added to."""
        self.pages.setCurrentIndex(int(on))
        self.to_reproduce.setVisible(not on)
        if not on:
            self.controller.read()

    def _render(self, state: EvaluateState) -> None:
        self.options.render_state(state)
        self.results.render_state(state)
        self.plots.render_state(state)
        number = len(state.records)
        text = (ngettext("{number} stored evaluation", "{number} stored evaluations",
                         number).format(number=wording.count(number)) if number else "")
        if text != self.summary.text():
            self.summary.setText(text)
            self.status_changed.emit(text)

    def _notify(self, text: str, kind: str) -> None:
        if text:
            self.banner.show_message(text, kind)
        else:
            self.banner.dismiss()

    # ---- actions

    def _escape(self) -> None:
        if leave_field(self):
            return
        if self.pages.currentIndex():
            self.reproduce.stop()
        else:
            ask_to_stop(self, self.controller.job, self.controller.stop, f"{KEPT} {NOT_AGAIN}")

    def _next_table(self) -> None:
        table = self.controller.state.table
        self.controller.choose(table=TABLES[(TABLES.index(table) + 1) % len(TABLES)])

    def _ask_delete(self) -> None:
        state = self.controller.state
        ids = state.compared
        if ids:
            titles = [record.setup.title for record in state.records if record.id in ids]
            subject = ngettext("the evaluation {titles}", "{ids} evaluations", len(ids)).format(ids=len(ids),
                                                                                                titles=titles[0])
            confirm(self, _("Delete {subject}?").format(subject=subject),
                    _("Their ranks, diagnoses, labels and notes are deleted. Datasets and models stay; they can be "
                      "evaluated again."), "Delete",
                    lambda: tasks.start(self.controller.delete(ids)))

    def _export(self, form: str, copy: bool) -> None:
        from core.evaluation import table_formats

        state = self.controller.state
        if not self.results.save.isEnabled():
            return
        if copy:
            QGuiApplication.clipboard().setText(table_formats.export(state.result_table(), form))
            self.banner.show_message(_("The table is in the clipboard as {dict}.").format(dict=dict(FORMATS)[form]),
                                     "good")
            return
        name = f"table-{state.table}" if state.table else "evaluations"
        ask_target(self, "export", _("Save the table as"), f"{name}.{SUFFIXES[form]}",
                   lambda path: tasks.start(self.controller.save_table(path, form)))

    def _export_queries(self, form: str) -> None:
        ask_folder(self, "export", _("Folder for the export"),
                   lambda folder: tasks.start(self.controller.export_queries(folder, form)))

    # ---- drops

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if folders_of(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        for folder in folders_of(event.mimeData()):
            self.controller.add_folder(folder)
        event.acceptProposedAction()
