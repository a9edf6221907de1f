"""The table of runs and the actions on the current one."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QSortFilterProxyModel, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHeaderView, QMenu, QTableView

from brewclip_app.localisation import _, ngettext
from brewclip_app.panels.train import runs_model as columns
from brewclip_app.panels.train.runs_model import RunsModel
from brewclip_app.shortcuts import add_shortcut
from brewclip_app.widgets.common import Card, button, icon_button, label, row
from brewclip_app.widgets.tables import go_to, of_lines

if TYPE_CHECKING:
    from brewclip_app.panels.train.controller import TrainState

WIDTHS = {columns.RUN: 92, columns.VARIANT: 96, columns.BACKBONE: 116, columns.RECALL: 96, columns.STEPS: 80,
          columns.STATE: 128}
SHOWN_FROM = {columns.BACKBONE: 700, columns.STEPS: 580}  # px; a narrower card hides the column


class TrainRunsCard(Card):
    """Renders the runs. `choose` gets the run that is made current, `tick` the ticked ones."""

    def __init__(self, can_evaluate: bool, choose: Callable[[Path], object],
                 tick: Callable[[frozenset[Path]], object]) -> None:
        super().__init__(margin=8, space=6)
        self._choose = choose
        self.model = RunsModel(tick)
        self.shown = QSortFilterProxyModel()
        self.shown.setSourceModel(self.model)
        self.shown.setSortRole(columns.SORT)
        self.use_button = button(_("Use in Search"), tip=_("Search with the best model of this run (Ctrl+U)"))
        self.used = label(_("in use in Search"), "pill")
        self.used.setMinimumHeight(22)  # lower, its round ends would be drawn square
        self.evaluate_button = button(_("Evaluate"), tip=_("Evaluate the best model of this run (Ctrl+E)"))
        self.compare_button = button(_("Compare"), tip=_("Compare the ticked runs: tick two or more (Ctrl+K)"))
        self.folder_button = button(_("Open folder"))
        more = icon_button("more", _("Delete a run, or show runs of another folder"))
        menu = QMenu(more)
        self.delete_action = menu.addAction(_("Delete run…"))
        self.add_action = menu.addAction(_("Show runs of another folder…"))
        more.setMenu(menu)
        more.setPopupMode(more.ToolButtonPopupMode.InstantPopup)
        self.table = self._make_table()
        actions = row(self.use_button, self.used, self.evaluate_button, self.compare_button, self.folder_button, None,
                      more)
        actions.setContentsMargins(6, 0, 6, 0)
        self.body.addWidget(self.table, 1)
        self.body.addLayout(actions)
        self.evaluate_button.setVisible(can_evaluate)  # once it has a parent: it would flash as a window

    def render_state(self, state: "TrainState") -> None:
        """Show the runs and what can be done with the current one."""
        self.model.show(state.records, state.requests, state.ticked)
        line = self.model.row_of(state.current)
        if line >= 0:
            place = self.shown.mapFromSource(self.model.index(line, 0))
            if self.table.currentIndex().row() != place.row():
                go_to(self.table, place)
        run = state.run
        used = run is not None and state.search_model == str(run.path / "best")
        self.use_button.setVisible(not used)
        self.used.setVisible(used)
        for part in (self.use_button, self.evaluate_button):
            part.setEnabled(run is not None and run.usable)
        self.folder_button.setEnabled(run is not None)
        self.delete_action.setEnabled(run is not None and not run.live)
        number = len(state.ticked_runs)
        self.compare_button.setText(ngettext("Compare", "Compare {number}", number).format(number=number))
        self.compare_button.setEnabled(number > 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for place, least in SHOWN_FROM.items():
            self.table.setColumnHidden(place, self.width() < least)
        self.table.horizontalHeader().resizeSection(columns.RUN, min(220, max(WIDTHS[columns.RUN], self.width() // 7)))

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self.shown)
        table.setSortingEnabled(True)
        table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)  # unsorted: the newest first
        table.setTextElideMode(Qt.TextElideMode.ElideRight)
        table.setMinimumHeight(90)
        header = of_lines(table, _("Runs")).horizontalHeader()
        header.setSectionResizeMode(columns.CHANGED, QHeaderView.ResizeMode.Stretch)
        for place, width in WIDTHS.items():
            header.resizeSection(place, width)
        table.selectionModel().currentRowChanged.connect(self._choose_current)
        for keys, do in (("Space", self._toggle_tick), ("Delete", self.delete_action.trigger)):
            add_shortcut(table, keys, do, alone=True)
        return table

    def _choose_current(self, now: QModelIndex) -> None:
        if now.isValid():
            self._choose(self.model.records[self.shown.mapToSource(now).row()].path)

    def _toggle_tick(self) -> None:
        place = self.shown.mapToSource(self.table.currentIndex()).siblingAtColumn(columns.RUN)
        if place.isValid():
            ticked = place.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
            self.model.setData(place, Qt.CheckState.Unchecked if ticked else Qt.CheckState.Checked,
                               Qt.ItemDataRole.CheckStateRole)
