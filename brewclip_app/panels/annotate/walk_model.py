"""The pictures of a queue as a Qt model: which are described, which one is in front."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from brewclip_app.plain_text import plain_tip

if TYPE_CHECKING:
    from core.store.records import ImageRecord

IMAGE_ROLE = Qt.ItemDataRole.UserRole + 1
DONE_ROLE = Qt.ItemDataRole.UserRole + 2
Index = QModelIndex | QPersistentModelIndex


class WalkModel(QAbstractListModel):
    """Pictures in the order of the queue."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._images: tuple[ImageRecord, ...] = ()
        self._done: set[int] = set()

    def show_images(self, images: "Sequence[ImageRecord]", done: set[int]) -> None:
        """Show other pictures; `done` has the ids of those that are described."""
        self.beginResetModel()
        self._images, self._done = tuple(images), set(done)
        self.endResetModel()

    def show_done(self, done: set[int]) -> None:
        """Other pictures are described now."""
        if done != self._done and self._images:
            self._done = set(done)
            self.dataChanged.emit(self.index(0), self.index(len(self._images) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self._images)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not self.checkIndex(index, QAbstractListModel.CheckIndexOption.IndexIsValid):
            return None
        image = self._images[index.row()]
        done = image.id in self._done
        if role == IMAGE_ROLE:
            return image
        if role == DONE_ROLE:
            return done
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(image.path.name)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{image.path.name}, {'described' if done else 'not described yet'}"
        return None
