"""The queue as a strip of thumbnails: described ones have a tick, the one in front a frame."""

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _
from brewclip_app.plain_text import plain_tip
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.tables import of_cards_in_a_row

if TYPE_CHECKING:
    from brewclip_app.panels.annotate.state import AnnotateState
    from core.store.records import ImageRecord

IMAGE_ROLE = Qt.ItemDataRole.UserRole + 1
DESCRIBED_ROLE = Qt.ItemDataRole.UserRole + 2
Index = QModelIndex | QPersistentModelIndex

CARD = QSize(76, 56)
GAP = 8
RADIUS = 6
TICK = 16


class QueueModel(QAbstractListModel):
    """The images of the queue, in its order."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._images: tuple[ImageRecord, ...] = ()
        self._described: set[int] = set()

    def show_state(self, state: "AnnotateState") -> None:
        """Show the images of a state, and which of them are described."""
        if state.images is not self._images:
            self.beginResetModel()
            self._images, self._described = state.images, state.described
            self.endResetModel()
        elif state.described != self._described and self._images:
            self._described = state.described
            self.dataChanged.emit(self.index(0), self.index(len(self._images) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self._images)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not self.checkIndex(index, QAbstractListModel.CheckIndexOption.IndexIsValid):
            return None
        image = self._images[index.row()]
        described = image.id in self._described
        if role == IMAGE_ROLE:
            return image
        if role == DESCRIBED_ROLE:
            return described
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(image.path.name)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{image.path.name}, {'described' if described else 'not described yet'}"
        return None


class FilmStrip(QListView):
    """A list without focus: the keyboard belongs to the panel."""

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self.images = QueueModel(self)
        self._shown: tuple[object, int] | None = None  # the queue's images and the row in front
        self.setModel(self.images)
        self.setItemDelegate(ThumbnailDelegate(thumbnails, self))
        of_cards_in_a_row(self)
        self.setGridSize(CARD + QSize(GAP, GAP))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFixedHeight(CARD.height() + GAP)
        self.setStyleSheet("FilmStrip { background: transparent; }")
        self.setAccessibleName(_("Pictures of the queue"))
        thumbnails.ready.connect(lambda image_id: self.viewport().update())

    def show_state(self, state: "AnnotateState") -> None:
        """Show a state's queue; scroll only when another picture is in front."""
        self.images.show_state(state)
        if state.image is not None and self._shown != (state.images, state.row):
            self._shown = state.images, state.row
            index = self.images.index(state.row)
            self.setCurrentIndex(index)
            self.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)


class ThumbnailDelegate(QStyledItemDelegate):
    """Paints one thumbnail, cropped to the card's shape."""

    def __init__(self, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return CARD + QSize(GAP, GAP)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        card = QRect(option.rect.x() + GAP // 2, option.rect.y() + GAP // 2, CARD.width(), CARD.height())
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        self._draw_picture(painter, card, index.data(IMAGE_ROLE))
        if index.data(DESCRIBED_ROLE):
            _draw_tick(painter, card)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.colour("main"), 2.5))
            painter.drawRoundedRect(QRectF(card).adjusted(-2, -2, 2, 2), RADIUS + 2, RADIUS + 2)
        painter.restore()

    def _draw_picture(self, painter: QPainter, card: QRect, image: "ImageRecord") -> None:
        shape = QPainterPath()
        shape.addRoundedRect(QRectF(card), RADIUS, RADIUS)
        painter.save()
        painter.setClipPath(shape, Qt.ClipOperation.IntersectClip)
        painter.fillRect(card, theme.colour("track"))
        small = self._thumbnails.get(image, round(CARD.width() * painter.device().devicePixelRatioF()))
        if small is not None and small.pixmap is not None:
            whole = small.pixmap.size().scaled(card.size(), Qt.AspectRatioMode.KeepAspectRatioByExpanding)
            place = QRect(card.topLeft(), whole)
            place.moveCenter(card.center())
            painter.drawPixmap(place, small.pixmap)
        painter.restore()


def _draw_tick(painter: QPainter, card: QRect) -> None:
    """Draw the tick on a dark disc, so that it shows on any picture."""
    place = QRectF(card.right() - TICK - 3, card.bottom() - TICK - 3, TICK, TICK)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(20, 20, 24, 190))
    painter.drawEllipse(place)
    theme.icon("check", "on_record").paint(painter, place.toRect().adjusted(2, 2, -2, -2))
