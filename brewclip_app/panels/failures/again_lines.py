"""Ranked again with one thing changed: a line for each change, those that brought the right one back marked."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from brewclip_app import theme
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import ElidedLabel, clear, column, label, look, row, rule, width_of

if TYPE_CHECKING:
    from brewclip_app.panels.failures.view import AgainLine

DOT = 9


class AgainLines(QWidget):
    """Lines in, nothing out."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: tuple[AgainLine, ...] = ()
        self._box = column(space=0)
        self.setLayout(self._box)
        theme.changed.connect(self._fill)

    def show_lines(self, lines: "tuple[AgainLine, ...]") -> None:
        """Show other lines."""
        if lines != self._lines:
            self._lines = lines
            self._fill()

    def lines(self) -> "tuple[AgainLine, ...]":
        """What is shown."""
        return self._lines

    def _fill(self) -> None:
        clear(self._box)
        for line in self._lines:
            self._box.addWidget(self._line(line))
            self._box.addWidget(rule())

    def _line(self, line: "AgainLine") -> QFrame:
        made = look(QFrame(), "chosen" if line.back else "plain")
        dot = QLabel()
        dot.setFixedSize(DOT, DOT)
        dot.setStyleSheet(f"background: {theme.colour(line.ink).name()}; border-radius: {DOT // 2}px;")
        title = ElidedLabel(line.title, "", Qt.TextElideMode.ElideRight)
        ranks = label(line.ranks, "strong" if line.back else "")
        ranks.setMinimumWidth(width_of("0000 → 0000", self))
        ranks.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        verdict = label(line.verdict, "good" if line.back else "quiet-body")
        verdict.setMinimumWidth(width_of("back in the top 10", self))
        verdict.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        box = row(dot, title, ranks, verdict, space=8)
        box.setStretch(1, 1)
        box.setContentsMargins(8, 4, 8, 4)
        made.setLayout(box)
        made.setToolTip(plain_tip(line.about))
        made.setAccessibleName(f"{line.title}: {line.ranks}, {line.verdict}")
        return made
