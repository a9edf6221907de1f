"""Item model of the pictures around one in a ranking."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from brewclip_app.plain_text import plain_tip

if TYPE_CHECKING:
    from core.explain.neighbours import Neighbour

NEIGHBOUR_ROLE = Qt.ItemDataRole.UserRole
Index = QModelIndex | QPersistentModelIndex


class NeighboursModel(QAbstractListModel):
    """List of `Neighbour`, replaced as a whole."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[Neighbour, ...] = ()

    @property
    def rows(self) -> "tuple[Neighbour, ...]":
        """The pictures by rank."""
        return self._rows

    def show(self, rows: "Sequence[Neighbour]") -> None:
        """Replace all pictures."""
        self.beginResetModel()
        self._rows = tuple(rows)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        neighbour = self._rows[index.row()]
        if role == NEIGHBOUR_ROLE:
            return neighbour
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{neighbour.rank} · {neighbour.score:.2f}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(f"Rank {neighbour.rank}, score {neighbour.score:.3f}: {neighbour.image.path.name}")
        return None
