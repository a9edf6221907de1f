"""A small table of score shares and ranks by branch."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QSizePolicy, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import clear, label, row, rule

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class BranchRow:
    """One branch: `colour` of its dot ("" none), share of the score, rank by it alone; `main` is the sum."""

    name: str
    colour: str
    share: float | None
    rank: int | None
    main: bool = False
    tip: str = ""


class Dot(QLabel):
    """A round dot in a colour of the theme."""

    def __init__(self, colour: str) -> None:
        super().__init__()
        self._colour = colour
        self.setFixedSize(9, 9)
        theme.changed.connect(self._set_up)
        self._set_up()

    def _set_up(self) -> None:
        self.setStyleSheet(f"background: {theme.colour(self._colour).name()}; border-radius: 4px;")


def signed(value: float) -> str:
    """A number with three decimals and a real minus sign."""
    return f"{value:.3f}".replace("-", MINUS)


class BranchTable(QWidget):
    """Score shares and ranks by branch."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[BranchRow, ...] = ()
        self._grid = make_grid(self)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        theme.changed.connect(self._draw_again)

    def _draw_again(self) -> None:
        self.show_rows(self.rows)

    def show_rows(self, rows: Sequence[BranchRow]) -> None:
        """Replace all rows; the column of ranks is left out where no row has one."""
        self.rows = tuple(rows)
        columns = 3 if any(row.rank is not None for row in rows) else 2
        clear(self._grid)
        for column, name in enumerate((_("Branch"), _("Share"), _("Rank"))[:columns]):
            self._grid.addWidget(cell(label(name, "quiet"), right=column > 0), 0, column)
        for line, branch in enumerate(rows):
            self._grid.addWidget(rule(), 1 + 2 * line, 0, 1, columns)
            texts = (branch.name, "" if branch.share is None else signed(branch.share),
                     "" if branch.rank is None else str(branch.rank))
            for column, text in enumerate(texts[:columns]):
                item = cell(label(text, "strong" if branch.main else ""), "" if column else branch.colour,
                            right=column > 0, main=branch.main)
                item.setToolTip(plain_tip(branch.tip))
                self._grid.addWidget(item, 2 + 2 * line, column)


def make_grid(table: QWidget) -> QGridLayout:
    """Give a small table its layout; the first column stretches."""
    grid = QGridLayout(table)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setSpacing(0)
    grid.setColumnStretch(0, 1)
    return grid


def cell(text: QLabel, dot: str = "", right: bool = False, main: bool = False) -> QFrame:
    """A cell of a small table; `dot` is the colour of a dot before the text, `main` highlights the row."""
    frame = QFrame()
    if main:
        frame.setObjectName("chosen")
        frame.setStyleSheet(f"QFrame#chosen {{ background: {theme.colour('chosen').name()}; }}")
    text.setAlignment((Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft)
                      | Qt.AlignmentFlag.AlignVCenter)
    inside = row(*((Dot(dot),) if dot else ()), text, space=8)
    inside.setContentsMargins(8, 5, 8, 5)
    inside.setStretch(inside.count() - 1, 1)
    frame.setLayout(inside)
    return frame
