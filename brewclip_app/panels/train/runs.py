"""The table of runs and what can be done with the chosen one."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QHeaderView, QMenu, QTableView

from brewclip_app.panels.train import runs_model as columns
from brewclip_app.panels.train.runs_model import RunsModel
from brewclip_app.widgets.common import Card, button, icon_button, label, row
from brewclip_app.widgets.tables import go_to, of_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from core.training.runs import RunRecord

WIDTHS = {columns.RUN: 92, columns.VARIANT: 96, columns.BACKBONE: 116, columns.RECALL: 96, columns.STEPS: 80,
          columns.STATE: 128}

SHOWN_FROM = {columns.BACKBONE: 700, columns.STEPS: 580}  # px; a narrower card leaves the column out


class TrainRunsCard(Card):
    """`chosen` comes when another run is the chosen one; `ticked` when other runs are to be laid over each other."""

    chosen = Signal()
    ticked = Signal()
    use = Signal()
    evaluate = Signal()
    compare = Signal()
    open_folder = Signal()
    delete = Signal()
    add_folder = Signal()

    def __init__(self, can_evaluate: bool) -> None:
        super().__init__(margin=8, space=6)
        self.model = RunsModel()
        self.shown = QSortFilterProxyModel()
        self.shown.setSourceModel(self.model)
        self.shown.setSortRole(columns.SORT)
        self._current: Path | None = None
        self._can_evaluate = can_evaluate
        self.table = self._make_table()
        self.use_button = button("Use in Search", self.use.emit, tip="Search with this run's best model (Ctrl+U)")
        self.used = label("in use in Search", "pill")
        self.used.setMinimumHeight(22)  # lower, its round ends would be drawn square
        self.evaluate_button = button("Evaluate", self.evaluate.emit, tip="Measure this run's best model (Ctrl+E)")
        self.compare_button = button("Compare", self.compare.emit,
                                     tip="The ticked runs side by side: tick two or more (Ctrl+K)")
        self.folder_button = button("Open folder", self.open_folder.emit)
        more = icon_button("more", "Delete a run, or show runs of another folder")
        menu = QMenu(more)
        self.delete_action = menu.addAction("Delete run…", self.delete.emit)
        menu.addAction("Show runs of another folder…", self.add_folder.emit)
        more.setMenu(menu)
        more.setPopupMode(more.ToolButtonPopupMode.InstantPopup)
        actions = row(self.use_button, self.used, self.evaluate_button, self.compare_button, self.folder_button, None,
                      more)
        actions.setContentsMargins(6, 0, 6, 0)
        self.body.addWidget(self.table, 1)
        self.body.addLayout(actions)
        self.model.ticked.connect(self._tell_ticked)
        self._follow("")

    @property
    def current(self) -> "RunRecord | None":
        """The chosen run."""
        row = self.model.row_of(self._current)
        return self.model.record(row) if row >= 0 else None

    def show_runs(self, records: "Sequence[RunRecord]", asked: "Callable[[Path], str]", in_use: str) -> None:
        """Show these runs; the chosen one stays chosen, and the first becomes it when there is none.

        `in_use`: the setting with the folder of the model that Search uses.
        """
        before = self._current
        self.model.show(records, asked)
        if self.model.row_of(before) < 0 and records:
            self._current = records[0].path
        self._mark_current()
        self._follow(in_use)
        if self._current != before:
            self.chosen.emit()

    def choose(self, path: Path) -> None:
        """Make a run the chosen one, now or as soon as it is there."""
        if path != self._current:
            self._current = path
            self._mark_current()
            self.chosen.emit()

    def restore(self, current: str, ticked: list[str]) -> None:
        """Choose and tick as before."""
        if current:
            self.choose(Path(current))
        self.model.tick({Path(each) for each in ticked})

    def laid_over(self) -> "list[RunRecord]":
        """The runs whose curves are shown: the ticked ones, else the chosen one."""
        current = self.current
        return self.model.ticked_records() or ([current] if current else [])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for place, least in SHOWN_FROM.items():
            self.table.setColumnHidden(place, self.width() < least)
        self.table.horizontalHeader().resizeSection(columns.RUN, min(220, max(WIDTHS[columns.RUN], self.width() // 7)))

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self.shown)
        table.setSortingEnabled(True)
        table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)  # as they come: the newest first
        table.setTextElideMode(Qt.TextElideMode.ElideRight)
        table.setMinimumHeight(90)
        header = of_lines(table, "Runs").horizontalHeader()
        header.setSectionResizeMode(columns.CHANGED, QHeaderView.ResizeMode.Stretch)
        for place, width in WIDTHS.items():
            header.resizeSection(place, width)
        table.selectionModel().currentRowChanged.connect(lambda now, _: self._take_current(now.row()))
        for keys, do in (("Space", self._turn_tick), ("Delete", self.delete.emit)):
            QShortcut(QKeySequence(keys), table, do, context=Qt.ShortcutContext.WidgetShortcut)
        return table

    def _take_current(self, row: int) -> None:
        if row < 0:
            return
        path = self.model.record(self.shown.mapToSource(self.shown.index(row, 0)).row()).path
        if path != self._current:
            self._current = path
            self.chosen.emit()

    def _mark_current(self) -> None:
        row = self.model.row_of(self._current)
        if row < 0:
            return
        place = self.shown.mapFromSource(self.model.index(row, 0))
        if self.table.currentIndex().row() != place.row():
            go_to(self.table, place)

    def _turn_tick(self) -> None:
        row = self.model.row_of(self._current)
        if row >= 0:
            place = self.model.index(row, columns.RUN)
            ticked = place.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
            self.model.setData(place, Qt.CheckState.Unchecked if ticked else Qt.CheckState.Checked,
                               Qt.ItemDataRole.CheckStateRole)

    def _tell_ticked(self) -> None:
        self._follow_compare()
        self.ticked.emit()

    def _follow_compare(self) -> None:
        number = len(self.model.ticked_records())
        self.compare_button.setText(f"Compare {number}" if number > 1 else "Compare")
        self.compare_button.setEnabled(number > 1)

    def _follow(self, in_use: str) -> None:
        record = self.current
        best = str(record.path / "best") if record else ""
        usable, used = bool(record and record.usable), bool(record) and in_use == best
        self.use_button.setVisible(not used)
        self.used.setVisible(used)
        self.use_button.setEnabled(usable)
        self.evaluate_button.setVisible(self._can_evaluate)
        self.evaluate_button.setEnabled(usable)
        self.folder_button.setEnabled(record is not None)
        self.delete_action.setEnabled(bool(record) and not (record and record.live))
        self._follow_compare()
