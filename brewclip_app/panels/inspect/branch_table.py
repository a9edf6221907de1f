"""What each branch added to a score, and the rank under it: a small table."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QSizePolicy, QWidget

from brewclip_app import theme
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import clear, label, row, rule

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class BranchRow:
    """One row: `colour` of its dot ("" none), a share or None, a rank or None; `main` is the sum."""

    name: str
    colour: str
    share: float | None
    rank: int | None
    main: bool = False
    tip: str = ""


def share_words(share: float | None) -> str:
    """A share with three digits; a real minus."""
    return "" if share is None else f"{share:.3f}".replace("-", MINUS)


class BranchTable(QWidget):
    """Filled as a whole."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[BranchRow, ...] = ()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(0)
        self._grid.setVerticalSpacing(0)
        self._grid.setColumnStretch(0, 1)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        theme.changed.connect(self._take_theme)

    @property
    def rows(self) -> tuple[BranchRow, ...]:
        """What is shown."""
        return self._rows

    def show_rows(self, rows: Sequence[BranchRow]) -> None:
        """Show other rows."""
        self._rows = tuple(rows)
        clear(self._grid)
        ranked = any(each.rank is not None for each in rows)
        for place, name in enumerate(("Branch", "Share", "Rank")[:3 if ranked else 2]):
            self._grid.addWidget(cell(label(name, "quiet"), right=place > 0), 0, place)
        for number, each in enumerate(rows):
            line = 1 + 2 * number
            self._grid.addWidget(rule(), line, 0, 1, 3 if ranked else 2)
            strong = "strong" if each.main else ""
            texts = (each.name, share_words(each.share), "" if each.rank is None else str(each.rank))
            for place, text in enumerate(texts[:3 if ranked else 2]):
                made = cell(label(text, strong), each.colour if place == 0 else "", right=place > 0, main=each.main)
                made.setToolTip(plain_tip(each.tip))
                self._grid.addWidget(made, line + 1, place)

    def _take_theme(self) -> None:
        self.show_rows(self._rows)


def cell(words: QLabel, dot: str = "", right: bool = False, main: bool = False) -> QFrame:
    """A cell of a small table; `dot` is the colour of a dot before the words, `main` marks the row."""
    made = QFrame()
    if main:
        made.setObjectName("chosen")
        made.setStyleSheet(f"QFrame#chosen {{ background: {theme.colour('chosen').name()}; }}")
    words.setAlignment((Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft)
                       | Qt.AlignmentFlag.AlignVCenter)
    inside = row(*((_dot(dot),) if dot else ()), words, space=8)
    inside.setContentsMargins(8, 5, 8, 5)
    inside.setStretch(inside.count() - 1, 1)
    made.setLayout(inside)
    return made


def _dot(colour: str) -> QLabel:
    made = QLabel()
    made.setFixedSize(9, 9)
    made.setStyleSheet(f"background: {theme.colour(colour).name()}; border-radius: 4px;")
    return made
