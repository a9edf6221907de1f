"""The Reproduce page: a plan of the paper, datasets, the steps with their states, the report."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QHeaderView, QLineEdit, QTableView, QWidget

from brewclip_app import wording
from brewclip_app.localisation import _
from brewclip_app.panels.evaluate.reproduce_controller import KEPT, ReproduceController, ReproduceState
from brewclip_app.panels.train.dataset import LINKS_TIP
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.banner import Banner
from brewclip_app.widgets.common import (
    Card,
    ElidedLabel,
    EmptyState,
    ProgressRow,
    button,
    column,
    icon_button,
    label,
    row,
    scrolling,
)
from brewclip_app.widgets.dialogs import ask_to_stop
from brewclip_app.widgets.elided_combo import ElidedCombo
from brewclip_app.widgets.file_dialogs import ask_folder
from brewclip_app.widgets.record_table import RecordTable, TableColumn
from brewclip_app.widgets.splitters import splitter
from brewclip_app.widgets.tables import of_lines
from core.reproduce.plans import BY_NAME, PLANS
from core.reproduce.records import StepRecord
from core.reproduce.table import DATASETS
from core.training.presets import PRESETS

if TYPE_CHECKING:
    from brewclip_app.context import Context

KINDS = {"prepare": _("Prepare"), "train": _("Train"), "evaluate": _("Evaluate"), "emotion": _("Emotion"),
         "figure": _("Figure"),
         "table": _("Table")}
STATES = {"waiting": "waiting", "running": _("running…"), "done": "done", "failed": "failed", "skipped": "skipped"}
COLOURS = {"running": "main", "done": "good_words", "failed": "care_words", "skipped": "care_words"}
NONE = "\N{EN DASH}"


def _time(record: StepRecord) -> str:
    """Time that a step took, or is estimated to take."""
    if record.state == "done":
        return _("taken over") if record.reused else wording.duration(record.seconds)
    return (NONE if record.step.seconds is None
            else _("about {seconds}").format(seconds=wording.duration(record.step.seconds)))


COLUMNS: tuple[TableColumn[StepRecord], ...] = (
    TableColumn(_("Step"), lambda record: record.step.title, tip=lambda record: record.step.command),
    TableColumn(_("State"), lambda record: STATES[record.state], tip=lambda record: record.message,
                colour=lambda record: COLOURS.get(record.state, "")),
    TableColumn(_("Time"), _time, _("What it took, or an estimate; – where nothing was measured"), number=True),
    TableColumn(_("Disk"), lambda record: wording.size(record.step.nbytes) if record.step.nbytes else "", number=True),
)


class ReproducePage(QWidget):
    """Renders the state of its controller; `back` returns to the evaluations."""

    def __init__(self, context: "Context", back: Callable[[], object]) -> None:
        super().__init__()
        self.controller = ReproduceController(context, self)
        self.banner = Banner()
        self.plan = ElidedCombo(_("Plan"), [(plan.title, plan.name) for plan in PLANS], characters=16)
        self.preset = ElidedCombo(_("Preset of training"), [(_("Preset of the plan"), ""),
                                                         *((preset.title, preset.name) for preset in PRESETS)],
                                  characters=16)
        self.seeds = QLineEdit()
        self.seeds.setAccessibleName(_("Seeds"))
        self.about = label("", "quiet", wrap=True)
        self.links = QCheckBox(_("Follow links"))
        self.links.setToolTip(LINKS_TIP)
        self.folders = {kind: ElidedLabel("", "quiet-body") for kind in (*DATASETS, "out")}
        self.removers = {kind: icon_button("close", _("Remove {title}").format(title=title),
                                           partial(self._choose, kind, None), 12)
                         for kind, title in DATASETS.items()}
        self.check = button(_("Show the steps"), self.controller.check, tip=_("Steps, disk and time; nothing is begun"))
        self.start = button(_("Reproduce"), self.controller.start, "main")
        self.open_report = button(_("Open the report"), self._open)
        self.progress = ProgressRow(_("Reproducing"))
        self.progress.detail.setWordWrap(True)
        self.progress.cancelled.connect(self.stop)
        self.model = RecordTable(COLUMNS, lambda record: record.step.key, self)
        self.table = QTableView()
        self.table.setModel(self.model)
        of_lines(self.table, _("Steps of the plan"))
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for place in (1, 2, 3):
            header.setSectionResizeMode(place, QHeaderView.ResizeMode.ResizeToContents)
        self.table.selectionModel().currentRowChanged.connect(self._show_detail)
        self.model.modelReset.connect(self._show_detail)
        self.model.dataChanged.connect(self._show_detail)
        self.detail = label("", "quiet-body", wrap=True)
        self.detail.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.summary = label("", "quiet-body", wrap=True)
        self.problem = label("", "care", wrap=True)
        self.deviations = label("", "quiet", wrap=True)
        self.empty = EmptyState("evaluate", _("No steps yet"),
                                _("Choose a plan, a folder for the results and the datasets on the left. Datasets "
                                  "that are not given are left out."))
        self._lay_out(back)
        self.plan.currentIndexChanged.connect(lambda: self.controller.set_form(plan=self.plan.currentData()))
        self.preset.currentIndexChanged.connect(lambda: self.controller.set_form(preset=self.preset.currentData()))
        self.seeds.editingFinished.connect(lambda: self.controller.set_form(seeds=self.seeds.text()))
        self.links.toggled.connect(lambda on: self.controller.set_form(follow_links=on))
        self.controller.changed.connect(self.render_state)
        self.controller.notified.connect(lambda text, kind: self.banner.show_message(text, kind) if text else
                                         self.banner.dismiss())
        self.render_state(self.controller.state)

    def _lay_out(self, back: Callable[[], object]) -> None:
        inner = QWidget()
        datasets = [part for kind, title in DATASETS.items() for part in self._folder(kind, title)]
        box = column(label(_("Plan"), "heading"), self.plan, self.about, 4, label(_("Results"), "heading"),
                     *self._folder("out", ""), 4, label(_("Datasets"), "heading"), *datasets, self.links, 4,
                     label(_("Training"), "heading"), self.preset, self.seeds, None, space=6)
        box.setContentsMargins(0, 0, 6, 0)
        inner.setLayout(box)
        left = Card(_("Reproduce the paper"), margin=14, space=8)
        left.body.addWidget(scrolling(inner), 1)
        left.body.addLayout(row(self.start, self.check, None))
        left.body.addWidget(self.progress)
        right = Card(_("Steps"), margin=10, space=8)
        for part in (self.summary, self.problem, self.empty, self.table, self.detail, self.deviations):
            right.body.addWidget(part)
        right.body.setStretchFactor(self.table, 1)
        right.body.addLayout(row(self.open_report, None, button(_("Back to the evaluations"), back)))
        self.split = splitter(left, right, (300, 830))
        whole = column(self.banner, self.split, space=12)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setStretch(1, 1)
        self.setLayout(whole)

    def _folder(self, kind: str, title: str) -> list[QWidget]:
        """A folder with its buttons."""
        line = QWidget()
        choose = icon_button("folder", _("Choose the folder of {title}").format(title=title or _("the results")),
                             partial(self._ask, kind), 16)
        parts = row(self.folders[kind], choose, *([self.removers[kind]] if kind in self.removers else []), space=2)
        parts.setStretch(0, 1)
        line.setLayout(parts)
        return [*([label(title, "strong")] if title else []), line]

    def render_state(self, state: ReproduceState) -> None:
        """Show choices, steps and progress."""
        form, running = state.form, state.progress is not None
        self.plan.setCurrentIndex(self.plan.findData(form.plan))
        self.preset.setCurrentIndex(max(0, self.preset.findData(form.preset)))
        if not self.seeds.hasFocus():
            self.seeds.setText(form.seeds)
        self.seeds.setPlaceholderText(_("Seeds, such as {map}").format(
            map=", ".join(map(str, BY_NAME[form.plan].seeds))))
        self.about.setText(BY_NAME[form.plan].about)
        self.links.setChecked(form.follow_links)
        for kind, shown in self.folders.items():
            folder = form.out if kind == "out" else form.datasets.get(kind)
            shown.setText(folder.name or str(folder) if folder else _("none"))
            shown.setToolTip(plain_tip(str(folder)) if folder else "")
            if kind in self.removers:
                self.removers[kind].setVisible(folder is not None)
        for part in (self.plan, self.preset, self.seeds, self.links):
            part.setEnabled(not running)
        ready = form.out is not None and bool(form.datasets) and not state.planning
        self.start.setEnabled(ready)
        self.check.setEnabled(ready)
        begun = state.state is not None and any(record.state != "waiting" for record in state.state.records)
        self.start.setText(_("Continue") if begun else _("Reproduce"))
        self.start.setVisible(not running)
        self.check.setVisible(not running)
        self.progress.setVisible(running)
        if state.progress is not None:
            self.progress.set_progress(state.progress.done, state.progress.total, state.progress.detail)
            self.progress.cancel.setEnabled(not state.progress.stopping)
        self._render_steps(state)

    def _render_steps(self, state: ReproduceState) -> None:
        records = state.state.records if state.state else ()
        self.model.show(records)
        if self.table.currentIndex().row() < 0 and records:
            first = next((row for row, record in enumerate(records) if record.state == "failed"), 0)
            self.table.selectRow(first)
        self.table.setVisible(bool(records))
        self.empty.setVisible(not records)
        done = sum(record.state == "done" for record in records)
        parts = [_("{done} of {records} steps done").format(done=done, records=len(records))] if records else []
        if state.planning:
            parts = [_("Planning…")]
        elif state.needs is not None and state.needs.steps:
            parts += [_("{total_bytes} of disk").format(total_bytes=wording.size(state.needs.total_bytes))]
            parts += ([_("about {seconds}").format(seconds=wording.duration(state.needs.seconds))]
                      if state.needs.seconds else [])
            parts += ([_("time of {not_measured} steps not measured").format(not_measured=state.needs.not_measured)]
                      if state.needs.not_measured else [])
        self.summary.setText(" \N{MIDDLE DOT} ".join(parts))
        self.problem.setText(state.problem)
        self.problem.setVisible(bool(state.problem))
        self.deviations.setText("\n".join(state.state.deviations) if state.state else "")
        self.deviations.setVisible(bool(self.deviations.text()))
        self.open_report.setEnabled(state.report is not None and state.progress is None)

    def _show_detail(self, *changed: object) -> None:
        """Show of the current step why it is not done, and the command that does the same."""
        row = self.table.currentIndex().row()
        record = self.model.records[row] if 0 <= row < len(self.model.records) else None
        self.detail.setText("\n".join(filter(None, (record.message, record.step.command))) if record else "")
        self.detail.setVisible(record is not None)

    def stop(self) -> None:
        """Ask whether to stop the running reproduction."""
        ask_to_stop(self, self.controller.job, self.controller.stop, KEPT)

    def _ask(self, kind: str) -> None:
        title = (_("Folder of the results") if kind == "out"
                 else _("Folder of {datasets}").format(datasets=DATASETS[kind]))
        ask_folder(self, "reproduction" if kind == "out" else "dataset", title, partial(self._choose, kind))

    def _choose(self, kind: str, folder: Path | None) -> None:
        if kind == "out":
            self.controller.set_form(out=folder)
            return
        others = {name: path for name, path in self.controller.state.form.datasets.items() if name != kind}
        self.controller.set_form(datasets={**others, kind: folder} if folder else others)

    def _open(self) -> None:
        report = self.controller.state.report
        if report is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(report)))
