"""The queue as a strip of small pictures: described ones have a tick, the one in front a frame."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from brewclip_app import theme
from brewclip_app.panels.annotate.walk_model import DONE_ROLE, IMAGE_ROLE, Index, WalkModel
from brewclip_app.thumbnails import Thumbnails

if TYPE_CHECKING:
    from core.store.records import ImageRecord

CARD = QSize(76, 56)
GAP = 8
RADIUS = 6
TICK = 16


class FilmStrip(QListView):
    """A click chooses; the keyboard belongs to the panel."""

    chosen = Signal(int)  # row

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self.walk = WalkModel(self)
        self.setModel(self.walk)
        self.setItemDelegate(_Frames(thumbnails, self))
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)  # together with setGridSize: else every card is asked for its size
        self.setGridSize(CARD + QSize(GAP, GAP))
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setFixedHeight(CARD.height() + GAP)
        self.setStyleSheet("FilmStrip { background: transparent; }")
        self.viewport().setAutoFillBackground(False)
        self.setAccessibleName("Pictures of the queue")
        self.clicked.connect(lambda index: self.chosen.emit(index.row()))
        thumbnails.ready.connect(lambda image_id: self.viewport().update())

    def show_row(self, row: int) -> None:
        """The picture in front."""
        index = self.walk.index(row)
        self.setCurrentIndex(index)
        self.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)


class _Frames(QStyledItemDelegate):
    """Paints one small picture, cut to the card's shape."""

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
        if index.data(DONE_ROLE):
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
    """On a dark disc, so that it is seen on any picture."""
    place = QRectF(card.right() - TICK - 3, card.bottom() - TICK - 3, TICK, TICK)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(20, 20, 24, 190))
    painter.drawEllipse(place)
    theme.icon("check", "on_record").paint(painter, place.toRect().adjusted(2, 2, -2, -2))
