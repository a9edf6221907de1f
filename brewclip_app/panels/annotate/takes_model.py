"""Takes as a table: picture, speaker, caption, state, length."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from brewclip_app import wording
from brewclip_app.plain_text import plain_tip

if TYPE_CHECKING:
    from core.store.records import ImageRecord, TakeRecord

COLUMNS = ("Picture", "Speaker", "Caption", "State", "Length")
STAGES = {"draft": "draft", "awaited": "transcribing", "late": "to confirm", "done": "to review",
          "accepted": "accepted", "rejected": "rejected"}
LENGTH = 4
Index = QModelIndex | QPersistentModelIndex


class TakesModel(QAbstractTableModel):
    """Frozen takes in the order given."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.takes: tuple[TakeRecord, ...] = ()
        self._images: Mapping[int, ImageRecord] = {}

    def show_takes(self, takes: "Sequence[TakeRecord]", images: "Mapping[int, ImageRecord]") -> None:
        """Show takes, with the images by id; the selection stays when the takes are the same."""
        same = bool(takes) and [take.id for take in takes] == [take.id for take in self.takes]
        if not same:
            self.beginResetModel()
        self.takes, self._images = tuple(takes), images
        if same:
            self.dataChanged.emit(self.index(0, 0), self.index(len(takes) - 1, len(COLUMNS) - 1))
        else:
            self.endResetModel()

    def take(self, index: Index) -> "TakeRecord | None":
        """The take of a row; None for an invalid index."""
        return self.takes[index.row()] if index.isValid() else None

    def row_of(self, take_id: int) -> int:
        """The row of a take; -1 when it is not shown."""
        return next((row for row, take in enumerate(self.takes) if take.id == take_id), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self.takes)

    def columnCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not self.checkIndex(index, QAbstractTableModel.CheckIndexOption.IndexIsValid):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._cells(self.takes[index.row()])[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(self._cells(self.takes[index.row()])[index.column()])
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() == LENGTH:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def _cells(self, take: "TakeRecord") -> tuple[str, ...]:
        from core.annotation.captions import caption_of, stage_of

        image = self._images.get(take.image_id or 0)
        stage = STAGES[stage_of(take)]
        return (image.path.name if image else "picture missing", take.speaker.name,
                caption_of(take) or "no transcript yet", f"{stage}, in the bin" if take.binned else stage,
                wording.duration(take.seconds))
