"""Stored runs side by side: open or delete them."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem

from brewclip_app.localisation import _
from brewclip_app.panels.emotion import words
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import Card, button, label, row
from brewclip_app.widgets.dialogs import confirm
from brewclip_app.widgets.tables import of_lines
from core.emotion.features import FEATURES, LAYERS

if TYPE_CHECKING:
    from core.emotion.run_store import KeptRun

NAME = Qt.ItemDataRole.UserRole
SHORT = {"layers": _("Layers"), "weighted": _("Weighted"), "attention": _("Attention"), "fused": _("Both"),
         "acoustic": _("Acoustic"),
         "text": _("Words"), "text-reference": _("Caption"), "paper": _("Both*"), "paper-text": _("Words*"),
         "authors": _("Both**"), "authors-text": _("Words**")}
KEYS = tuple(feature.key for feature in FEATURES if feature.key not in LAYERS)
TITLES = {feature.key: feature.title for feature in FEATURES}
FIRST = (_("Protocol · mode · classes"), _("When"))
SHOWN_FROM = {_("When"): 960, "paper": 1000, "paper-text": 1000, "authors-text": 1000}  # px: a narrower one lacks it


class ProbeRunsCard(Card):
    """A table of runs; `open_run` and `delete_run` are called with a run's name."""

    def __init__(self, open_run: Callable[[str], object], delete_run: Callable[[str], object]) -> None:
        super().__init__(_("Runs"), margin=12, space=8)
        self._open_run, self._delete_run = open_run, delete_run
        self._shown: tuple[object, str] = (), ""
        self._probed: set[str] = set()
        self.table = QTableWidget(0, len(FIRST) + len(KEYS))
        self.show_button = button(_("Open"), self._open)
        self.delete_button = button(_("Delete…"), self._ask, "danger")
        self._set_up()
        self.body.addWidget(self.table, 1)
        self.body.addWidget(label(_("Accuracy in %. * as in the paper: one linear layer, nothing standardised. ** as "
                                    "the authors' code: chosen on the test actors. Runs with different protocols, "
                                    "classes or recordings are not comparable."), "quiet", wrap=True))
        self.body.addLayout(row(self.show_button, None, self.delete_button))

    def show_runs(self, runs: "Sequence[KeptRun]", current: str) -> None:
        """List the runs, newest first, unless they are the ones that are listed."""
        if self._shown == (runs, current):
            return
        self._shown = runs, current
        self.table.setRowCount(len(runs))
        for place, run in enumerate(runs):
            accuracies = {score.feature: f"{score.score.accuracy:.1f}" for score in run.result.scores}
            cells = words.short_of(run), words.when(run.when), *(accuracies.get(key, words.DASH) for key in KEYS)
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                item.setData(NAME, run.name)
                item.setToolTip(plain_tip(words.about_run(run) if column == 0 else ""))
                if column:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(place, column, item)
            if run.name == current:
                self.table.setCurrentCell(place, 0)
        self._probed = {score.feature for run in runs for score in run.result.scores}
        self._hide_columns()
        self._enable()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._hide_columns()

    def _hide_columns(self) -> None:
        """Hide features that no run has probed, and in a narrow card those that matter least."""
        for place, key in enumerate((*FIRST[1:], *KEYS), 1):
            is_probed = key in self._probed or key in FIRST
            self.table.setColumnHidden(place, not is_probed or self.width() < SHOWN_FROM.get(key, 0))

    def _set_up(self) -> None:
        table = self.table
        table.setHorizontalHeaderLabels(FIRST)
        first = QTableWidgetItem(FIRST[0])
        first.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        table.setHorizontalHeaderItem(0, first)
        for place, key in enumerate(KEYS, len(FIRST)):
            head = QTableWidgetItem(SHORT[key])
            head.setToolTip(plain_tip(TITLES[key]))
            table.setHorizontalHeaderItem(place, head)
        header = of_lines(table, _("Runs")).horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        header.setMinimumSectionSize(44)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        table.itemSelectionChanged.connect(self._enable)
        table.itemActivated.connect(lambda _unused: self._open())

    def _open(self) -> None:
        if self._current():
            self._open_run(self._current())

    def _current(self) -> str:
        item = self.table.item(self.table.currentRow(), 0)
        return str(item.data(NAME)) if item is not None else ""

    def _enable(self) -> None:
        for control in (self.show_button, self.delete_button):
            control.setEnabled(bool(self._current()))

    def _ask(self) -> None:
        name = self._current()
        item = self.table.item(self.table.currentRow(), 0)
        if name and item is not None:
            title = item.toolTip().splitlines()[0]
            confirm(self, _("Delete this run?"),
                    _("{title}\n\nIts results, its probe and your recordings for it are deleted. RAVDESS and the "
                      "computed features stay.").format(title=title), _("Delete run"), lambda: self._delete_run(name))
