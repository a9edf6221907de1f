"""Mosaic of some pictures of a gallery."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _
from brewclip_app.thumbnails import Thumbnails

if TYPE_CHECKING:
    from core.store.records import ImageRecord

GAP = 2  # px
RADIUS = 7
WALL_TILE = 130  # px, at least


class Mosaic(QWidget):
    """`columns` x `rows` tiles; without pictures a quiet mat with the gallery's icon."""

    clicked = Signal(int)  # id of the picture

    def __init__(self, thumbnails: Thumbnails, columns: int, rows: int, size: QSize) -> None:
        super().__init__()
        self._thumbnails, self.columns, self.rows = thumbnails, columns, rows
        self._size = size
        self._all: tuple[ImageRecord, ...] = ()
        self._images: tuple[ImageRecord, ...] = ()  # those that have a tile
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setMinimumSize(size)
        self.setAccessibleName(_("Some of its pictures"))
        thumbnails.ready.connect(self._look)

    def sizeHint(self) -> QSize:
        return self._size

    def set_size(self, size: QSize) -> None:
        """Resize."""
        self._size = size
        self.setFixedSize(size)

    def set_images(self, images: "Sequence[ImageRecord]") -> None:
        """The pictures to show; of more than there are tiles, some from the whole range."""
        self._all = tuple(images)
        self._spread()
        self.update()

    def image_at(self, point: QPoint) -> "ImageRecord | None":
        """The picture whose tile has a point."""
        return next((image for image, tile in zip(self._images, self.tiles(), strict=False) if tile.contains(point)),
                    None)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        image = self.image_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and image is not None:
            self.clicked.emit(image.id)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        round_corners = QPainterPath()
        round_corners.addRoundedRect(QRectF(self.rect()), RADIUS, RADIUS)
        painter.setClipPath(round_corners)
        painter.fillRect(self.rect(), theme.colour("track"))
        if self._images:
            self._draw_tiles(painter)
        else:
            side = min(28, self.height() // 2)
            place = QRect((self.width() - side) // 2, (self.height() - side) // 2, side, side)
            theme.icon("library", "quiet").paint(painter, place)
        painter.end()

    def tiles(self) -> list[QRect]:
        """Rectangle of each tile, row by row, left to right."""
        columns, rows = self._shape()
        xs = [round(column * (self.width() + GAP) / columns) for column in range(columns + 1)]
        ys = [round(line * (self.height() + GAP) / rows) for line in range(rows + 1)]
        return [QRect(xs[x], ys[y], xs[x + 1] - xs[x] - GAP, ys[y + 1] - ys[y] - GAP)
                for y in range(rows) for x in range(columns)]

    def _spread(self) -> None:
        tiles = self.columns * self.rows
        step = max(1.0, len(self._all) / tiles)
        self._images = tuple(self._all[int(number * step)] for number in range(min(tiles, len(self._all))))

    def _shape(self) -> tuple[int, int]:
        """Fewer tiles, and larger, for a gallery with few pictures."""
        columns, rows = self.columns, self.rows
        while rows > 1 and columns * (rows - 1) >= len(self._images):
            rows -= 1
        return max(1, min(columns, len(self._images))), rows

    def _draw_tiles(self, painter: QPainter) -> None:
        ratio = self.devicePixelRatioF()
        for image, tile in zip(self._images, self.tiles(), strict=False):
            small = self._thumbnails.get(image, round(max(tile.width(), tile.height()) * ratio))
            if small is not None and small.pixmap is not None:
                painter.drawPixmap(QRectF(tile), small.pixmap, covering(small.pixmap, tile))

    def _look(self, image_id: int) -> None:
        if any(image.id == image_id for image in self._images):
            self.update()


class PictureWall(Mosaic):
    """A mosaic that fills the room it gets with tiles of about one size."""

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__(thumbnails, 4, 3, QSize(400, 0))
        self.setMinimumSize(0, 0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        tile = max(WALL_TILE, (self.width() * self.height() / max(1, len(self._all))) ** 0.5)
        self.columns, self.rows = max(1, round(self.width() / tile)), max(1, round(self.height() / tile))
        self._spread()

    def set_images(self, images: "Sequence[ImageRecord]") -> None:
        super().set_images(images)
        self.resizeEvent(QResizeEvent(self.size(), self.size()))


def covering(pixmap: QPixmap, tile: QRect) -> QRectF:
    """The middle part of a picture that fills the tile without distorting it, in the pixmap's own pixels."""
    scale = min(pixmap.width() / tile.width(), pixmap.height() / tile.height())
    width, height = tile.width() * scale, tile.height() * scale
    return QRectF((pixmap.width() - width) / 2, (pixmap.height() - height) / 2, width, height)


