"""Files that could not be read, as a table: name, reason, folder."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from brewclip_app.plain_text import plain_tip

if TYPE_CHECKING:
    from core.store.records import FailureRecord

Index = QModelIndex | QPersistentModelIndex
COLUMNS = ("File", "Reason", "Folder")
ROOT = QModelIndex()


class FailuresModel(QAbstractTableModel):
    """Rows over frozen records; replaced as a whole."""

    def __init__(self) -> None:
        super().__init__()
        self._records: tuple[FailureRecord, ...] = ()

    def show(self, records: "Sequence[FailureRecord]") -> None:
        """Show failures."""
        self.beginResetModel()
        self._records = tuple(records)
        self.endResetModel()

    def record(self, line: int) -> "FailureRecord":
        """The failure of a row."""
        return self._records[line]

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._records)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        record = self._records[index.row()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(f"{record.path}\n{record.reason}")
        return (record.path.name, reason_of(record), str(record.path.parent))[index.column()]


def reason_of(record: "FailureRecord") -> str:
    """The reason without the file's name, which stands beside it: "x.jpg is empty." as "Empty."."""
    rest = record.reason.removeprefix(record.path.name).strip()
    rest = rest.removeprefix("is ")
    return rest[:1].upper() + rest[1:]
