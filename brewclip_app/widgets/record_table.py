"""Table model of frozen records with declared columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from brewclip_app import theme
from brewclip_app.plain_text import plain_tip

T = TypeVar("T")
Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
ROOT = QModelIndex()
RECORD_ROLE = Role.UserRole + 1
SORT_ROLE = Role.UserRole + 2


@dataclass(frozen=True)
class TableColumn(Generic[T]):
    """A column: heading with its tip, and what it shows of a record. It sorts by the text where `sort` is None."""

    title: str
    text: Callable[[T], str]
    about: str = ""
    number: bool = False  # right-aligned
    sort: Callable[[T], float | str] | None = None
    tip: Callable[[T], str] = lambda record: ""
    colour: Callable[[T], str] = lambda record: ""  # a name of the theme

    @property
    def alignment(self) -> int:
        """Alignment of heading and cells."""
        side = Qt.AlignmentFlag.AlignRight if self.number else Qt.AlignmentFlag.AlignLeft
        return int(side | Qt.AlignmentFlag.AlignVCenter)


class RecordTable(QAbstractTableModel, Generic[T]):
    """A row for each record; `key` names a record, so that selection and scroll position outlive a change of it."""

    def __init__(self, columns: Sequence[TableColumn[T]], key: Callable[[T], object],
                 parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns, self.records = tuple(columns), tuple[T, ...]()
        self._key = key

    def show(self, records: Sequence[T]) -> None:
        """Show these records; the same ones in the same order are updated in place."""
        before, after = self.records, tuple(records)
        if list(map(self._key, before)) != list(map(self._key, after)):
            self.beginResetModel()
            self.records = after
            self.endResetModel()
            return
        self.records = after
        for row, (old, new) in enumerate(zip(before, after, strict=True)):
            if old != new:
                self.dataChanged.emit(self.index(row, 0), self.index(row, len(self.columns) - 1))

    def row_of(self, key: object) -> int:
        """The row of a record by its key; -1 when it is not there."""
        return next((row for row, record in enumerate(self.records) if self._key(record) == key), -1)

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.records)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        column = self.columns[section]
        return {Role.DisplayRole: column.title, Role.ToolTipRole: column.about or None,
                Role.TextAlignmentRole: column.alignment}.get(Role(role))

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        if not self.checkIndex(index, QAbstractTableModel.CheckIndexOption.IndexIsValid):
            return None
        record, column = self.records[index.row()], self.columns[index.column()]
        if role == RECORD_ROLE:
            return record
        if role == Role.DisplayRole:
            return column.text(record)
        if role == SORT_ROLE:
            return (column.sort or column.text)(record)
        if role == Role.ToolTipRole:
            return plain_tip(column.tip(record)) or None
        if role == Role.TextAlignmentRole:
            return column.alignment
        if role == Role.ForegroundRole and column.colour(record):
            return theme.colour(column.colour(record))
        return None
