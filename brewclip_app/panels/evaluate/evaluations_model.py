"""Table model over cells: stored evaluations, or a table of the paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from brewclip_app.plain_text import plain_tip

Index = QModelIndex | QPersistentModelIndex
ROOT = QModelIndex()
CELL_ROLE = Qt.ItemDataRole.UserRole + 1
SORT_ROLE = Qt.ItemDataRole.UserRole + 2


@dataclass(frozen=True)
class Cell:
    """`text` large, `below` small under it. `value` sorts; None sorts last. `published`: a value of the paper."""

    text: str
    below: str = ""
    value: float | str | None = None
    tip: str = ""
    published: bool = False


@dataclass(frozen=True)
class Column:
    """A heading; `figures` are right-aligned. `group` is the common title above adjacent columns; a `spare` column is
    left out of a narrow table.
    """

    title: str
    group: str = ""
    figures: bool = True
    tip: str = ""
    published: bool = False
    spare: bool = False


@dataclass(frozen=True)
class TableLine:
    """A row: the id of its evaluation (0: none) and its cells."""

    evaluation: int
    cells: tuple[Cell, ...]


class CellsModel(QAbstractTableModel):
    """Table of `TableLine`. `tickable`: evaluations can be ticked, to compare or delete them."""

    def __init__(self, tickable: bool = False, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tickable = tickable
        self._columns: tuple[Column, ...] = ()
        self._lines: tuple[TableLine, ...] = ()
        self._ticked: set[int] = set()

    def show(self, columns: Sequence[Column], lines: Sequence[TableLine]) -> None:
        """Replace all rows; ticks of rows that are still there stay."""
        self.beginResetModel()
        self._columns, self._lines = tuple(columns), tuple(lines)
        self._ticked &= {line.evaluation for line in lines}
        self.endResetModel()

    def lines(self) -> tuple[TableLine, ...]:
        """All rows, in the order of `show`."""
        return self._lines

    def columns(self) -> tuple[Column, ...]:
        """All columns."""
        return self._columns

    def group_lines(self) -> int:
        """Number of lines of the group titles."""
        return max((column.group.count("\n") + 1 for column in self._columns if column.group), default=0)

    def tick(self, evaluations: Sequence[int]) -> None:
        """Tick these and no others."""
        self._ticked = set(evaluations) & {line.evaluation for line in self._lines}
        if self._lines:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._lines) - 1, 0))

    def ticks(self) -> list[int]:
        """The ticked evaluations, in the order of the rows."""
        return [line.evaluation for line in self._lines if line.evaluation in self._ticked]

    def row_of(self, evaluation: int) -> int:
        """The row of an evaluation; -1 when it is not shown."""
        return next((row for row, line in enumerate(self._lines) if line.evaluation == evaluation), -1)

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(self._columns):
            return None
        column = self._columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return "\n" * self.group_lines() + column.title  # the view writes the groups' names above
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(column.tip or " ".join([*column.group.split(), column.title]))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(column)
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        tickable = self._tickable and index.isValid() and index.column() == 0
        return flags | Qt.ItemFlag.ItemIsUserCheckable if tickable else flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not self.checkIndex(index, QAbstractTableModel.CheckIndexOption.IndexIsValid):
            return None
        line = self._lines[index.row()]
        cell = line.cells[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return cell.text
        if role == CELL_ROLE:
            return cell
        if role == SORT_ROLE:
            return _sorted(cell, self._columns[index.column()])
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(cell.tip) or None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(self._columns[index.column()])
        if role == Qt.ItemDataRole.CheckStateRole and self._tickable and index.column() == 0:
            return Qt.CheckState.Checked if line.evaluation in self._ticked else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return " ".join(filter(None, (cell.text, cell.below, "(paper)" if cell.published else "")))
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.CheckStateRole or not self.flags(index) & Qt.ItemFlag.ItemIsUserCheckable:
            return False
        evaluation = self._lines[index.row()].evaluation
        change = self._ticked.add if Qt.CheckState(value) == Qt.CheckState.Checked else self._ticked.discard
        change(evaluation)
        self.dataChanged.emit(index, index)
        return True


def _side(column: Column) -> int:
    side = Qt.AlignmentFlag.AlignRight if column.figures else Qt.AlignmentFlag.AlignLeft
    return int(side | Qt.AlignmentFlag.AlignVCenter)


def _sorted(cell: Cell, column: Column) -> float | str:
    if column.figures:
        return cell.value if isinstance(cell.value, float | int) else -1.0
    return str(cell.value if cell.value is not None else cell.text).casefold()
