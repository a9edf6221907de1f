"""Counterfactuals of one failure: a line for each change, those that helped highlighted."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from brewclip_app import theme
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import ElidedLabel, clear, column, label, look, row, rule, width_of

if TYPE_CHECKING:
    from brewclip_app.panels.failures.misses import CounterfactualLine

DOT = 9


class CounterfactualLines(QWidget):
    """One line per change: title, ranks before and after, verdict."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: tuple[CounterfactualLine, ...] = ()
        self._box = column(space=0)
        self.setLayout(self._box)
        theme.changed.connect(self._fill)

    def show_lines(self, lines: "tuple[CounterfactualLine, ...]") -> None:
        """Replace the lines."""
        if lines != self.lines:
            self.lines = lines
            self._fill()

    def _fill(self) -> None:
        clear(self._box)
        for line in self.lines:
            self._box.addWidget(self._line(line))
            self._box.addWidget(rule())

    def _line(self, line: "CounterfactualLine") -> QFrame:
        made = look(QFrame(), "chosen" if line.helped else "plain")
        dot = QLabel()
        dot.setFixedSize(DOT, DOT)
        dot.setStyleSheet(f"background: {theme.colour(line.colour).name()}; border-radius: {DOT // 2}px;")
        title = ElidedLabel(line.title, "", Qt.TextElideMode.ElideRight)
        ranks = label(line.ranks, "strong" if line.helped else "")
        ranks.setMinimumWidth(width_of("0000 → 0000", self))
        ranks.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        verdict = label(line.verdict, "good" if line.helped else "quiet-body")
        verdict.setMinimumWidth(width_of("now in the top 10", self))
        verdict.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        box = row(dot, title, ranks, verdict, space=8)
        box.setStretch(1, 1)
        box.setContentsMargins(8, 4, 8, 4)
        made.setLayout(box)
        made.setToolTip(plain_tip(line.about))
        made.setAccessibleName(f"{line.title}: {line.ranks}, {line.verdict}")
        return made
