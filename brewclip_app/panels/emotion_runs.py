"""The runs that were kept, side by side: shown again, or deleted."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from brewclip_app.panels import emotion_words as words
from brewclip_app.widgets.common import Card, button, label, row
from brewclip_app.widgets.dialogs import confirm
from core.emotion.features import FEATURES, LAYERS

if TYPE_CHECKING:
    from core.emotion.run_store import KeptRun

NAME = Qt.ItemDataRole.UserRole
SHORT = {"layers": "Layers", "weighted": "Weighed", "attention": "Attended", "fused": "Both", "acoustic": "Acoustic",
         "text": "Heard", "text-reference": "Written", "paper": "Both*", "paper-text": "Heard*"}
KEYS = tuple(one.key for one in FEATURES if one.key not in LAYERS)
FIRST = ("Run", "Files", "Majority")


class RunsCard(Card):
    """`chosen` tells the name of a run to show, `delete` of one that is to go."""

    chosen = Signal(str)
    delete = Signal(str)

    def __init__(self) -> None:
        super().__init__("Runs", margin=12, space=8)
        self.table = QTableWidget(0, len(FIRST) + len(KEYS))
        self.show_button = button("Show", self._show)
        self.delete_button = button("Delete…", self._ask, "danger")
        self._dress()
        self.body.addWidget(self.table, 1)
        self.body.addWidget(label("Accuracy in %. * as in the paper: one linear layer, nothing standardised. Runs with "
                                  "other protocols, classes or recordings are not comparable.", "quiet", wrap=True))
        self.body.addLayout(row(self.show_button, None, self.delete_button))

    def show_runs(self, runs: "Sequence[KeptRun]", current: str) -> None:
        """List the runs, newest first."""
        self.table.setRowCount(len(runs))
        for place, run in enumerate(runs):
            told = {one.feature: f"{one.score.accuracy:.1f}" for one in run.result.scores}
            files = f"{run.result.train_files} / {run.result.test_files}"
            figures = (told.get(key, words.DASH) for key in KEYS)
            cells = words.short_of(run), files, f"{run.result.majority:.1f}", *figures
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                item.setData(NAME, run.name)
                item.setToolTip("\n".join([words.title_of(run), *run.result.notes]) if column == 0 else "")
                if column:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(place, column, item)
            if run.name == current:
                self.table.setCurrentCell(place, 0)
        for place, key in enumerate(KEYS, len(FIRST)):  # what no run has probed takes no room
            self.table.setColumnHidden(place, not any(one.feature == key for run in runs for one in run.result.scores))
        self._allow()

    def _dress(self) -> None:
        table = self.table
        table.setHorizontalHeaderLabels([*FIRST, *(SHORT[key] for key in KEYS)])
        first = QTableWidgetItem(FIRST[0])
        first.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        table.setHorizontalHeaderItem(0, first)
        table.setAccessibleName("Runs")
        table.setWordWrap(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        header.setMinimumSectionSize(44)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        table.itemSelectionChanged.connect(self._allow)
        table.itemActivated.connect(lambda _: self.chosen.emit(self._current()))

    def _show(self) -> None:
        if self._current():
            self.chosen.emit(self._current())

    def _current(self) -> str:
        item = self.table.item(self.table.currentRow(), 0)
        return str(item.data(NAME)) if item is not None else ""

    def _allow(self) -> None:
        for each in (self.show_button, self.delete_button):
            each.setEnabled(bool(self._current()))

    def _ask(self) -> None:
        name = self._current()
        item = self.table.item(self.table.currentRow(), 0)
        if name and item is not None:
            confirm(self, "Delete this run?", f"{item.text()}\n\nIts figures, its probe and what you recorded for it "
                    "go. RAVDESS and what was heard of it stay.", "Delete run", lambda: self.delete.emit(name))
