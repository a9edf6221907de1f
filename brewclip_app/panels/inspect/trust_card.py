"""How far each method's map can be trusted: deletion and insertion, computed in the background."""

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QSizePolicy, QWidget

from brewclip_app import theme
from brewclip_app.panels.inspect.branch_table import cell
from brewclip_app.widgets.common import Card, ProgressRow, button, clear, label, row, rule

TOWERS = {"picture": "on the picture", "words": "on the transcript", "sound": "on the voice"}
ABOUT = ("Deletion: the mean score while the most relevant parts are taken away first, so low is good. Insertion: "
         "while they are brought back first, so high is good. A map that is no better than Random says nothing.")


@dataclass(frozen=True)
class TrustRow:
    """A method's two areas; `quiet` for the one that is chance."""

    method: str
    title: str
    deletion: float
    insertion: float
    quiet: bool = False


class TrustCard(Card):
    """Rows for each map (tower); while they are tested, how far that is."""

    cancelled = Signal()
    wanted = Signal()  # test again
    tower_changed = Signal(str)

    def __init__(self) -> None:
        super().__init__(margin=14, space=6)
        self._rows: Mapping[str, tuple[TrustRow, ...]] = {}
        self._method = ""
        self.towers = QComboBox()
        self.towers.setAccessibleName("Which map")
        self.towers.currentIndexChanged.connect(self._turned)
        self.heading = label("How far to trust this map", "heading")
        self.heading.setToolTip(ABOUT)
        self.progress = ProgressRow("Testing the maps")
        self.progress.cancelled.connect(self.cancelled)
        self.again = button("Test the maps", self.wanted.emit)
        self._table = QWidget()
        self._grid = QGridLayout(self._table)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(0)
        self._grid.setColumnStretch(0, 1)
        self.body.addLayout(row(self.heading, None, self.towers))
        for part in (self._table, self.progress):
            self.body.addWidget(part)
        self.body.addLayout(row(self.again, None))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        theme.changed.connect(self._draw)
        self.show_waiting()

    @property
    def tower(self) -> str:
        """The map whose figures are shown: "picture", "words" or "sound"."""
        return str(self.towers.currentData() or "picture")

    def rows(self) -> tuple[TrustRow, ...]:
        """What is shown."""
        return self._rows.get(self.tower, ())

    def show_waiting(self) -> None:
        """Not tested: offer to."""
        self._rows = {}
        self._show(again=True)

    def show_progress(self, done: int, total: int) -> None:
        """They are being tested."""
        self._rows = {}
        self.progress.set_progress(done, total)
        self._show(progress=True)

    def show_rows(self, rows: Mapping[str, tuple[TrustRow, ...]]) -> None:
        """The figures, by tower."""
        kept = self.tower
        self._rows = dict(rows)
        self.towers.blockSignals(True)
        self.towers.clear()
        for tower in rows:
            self.towers.addItem(TOWERS[tower], tower)
        self.towers.setCurrentIndex(max(0, self.towers.findData(kept)))
        self.towers.blockSignals(False)
        self._show(table=True)
        self._draw()

    def choose(self, tower: str) -> None:
        """Show another map's figures, if there are any."""
        at = self.towers.findData(tower)
        if at >= 0:
            self.towers.setCurrentIndex(at)

    def mark(self, method: str) -> None:
        """Mark the method whose map is shown."""
        self._method = method
        self._draw()

    def _turned(self) -> None:
        self._draw()
        self.tower_changed.emit(self.tower)

    def _show(self, table: bool = False, progress: bool = False, again: bool = False) -> None:
        for part, shown in ((self._table, table), (self.progress, progress), (self.again, again)):
            part.setVisible(shown)
        self.towers.setVisible(table and self.towers.count() > 1)

    def _draw(self) -> None:
        clear(self._grid)
        for place, text in enumerate(("Method", "Deletion ↓", "Insertion ↑")):
            self._grid.addWidget(cell(label(text, "quiet"), right=place > 0), 0, place)
        for number, each in enumerate(self.rows()):
            line = 1 + 2 * number
            self._grid.addWidget(rule(), line, 0, 1, 3)
            for place, text in enumerate((each.title, _figure(each.deletion), _figure(each.insertion))):
                self._grid.addWidget(cell(label(text, "quiet-body" if each.quiet else ""), right=place > 0,
                                          main=each.method == self._method), line + 1, place)
        self._table.setToolTip(ABOUT)


def _figure(value: float) -> str:
    return f"{value:.3f}".replace("-", "\N{MINUS SIGN}")
