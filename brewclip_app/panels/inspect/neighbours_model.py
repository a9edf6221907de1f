"""The pictures around one in a ranking, for a strip."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from brewclip_app.plain_text import plain_tip

if TYPE_CHECKING:
    from core.explain.neighbours import Neighbour

NEIGHBOUR_ROLE = Qt.ItemDataRole.UserRole
Index = QModelIndex | QPersistentModelIndex


class NeighboursModel(QAbstractListModel):
    """Frozen records, replaced as a whole."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[Neighbour, ...] = ()

    @property
    def rows(self) -> "tuple[Neighbour, ...]":
        """What is shown."""
        return self._rows

    def show(self, rows: "Sequence[Neighbour]") -> None:
        """Show others."""
        self.beginResetModel()
        self._rows = tuple(rows)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        found = self._rows[index.row()]
        if role == NEIGHBOUR_ROLE:
            return found
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{found.rank} · {found.score:.2f}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(f"Rank {found.rank}, score {found.score:.3f}: {found.image.path.name}")
        return None
