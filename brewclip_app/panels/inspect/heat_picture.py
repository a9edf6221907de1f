"""A picture with its relevance map on it (blue, yellow, red); what the crop cut off is dark."""

from PySide6.QtCore import QRect, QRectF, QSize, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from brewclip_app import theme
from brewclip_app.localisation import as_shown

RADIUS = 7
SMALLEST = QSize(180, 150)


class HeatPicture(QWidget):
    """The whole picture, as large as there is room; heat and shade are images of any size over all of it."""

    activated = Signal()  # a double click

    def __init__(self, smallest: QSize = SMALLEST) -> None:
        super().__init__()
        self._layers: tuple[QImage, QImage, QImage] | None = None
        self._opacity = 0.65
        self._tallest = 16_777_215  # Qt's own "no limit"
        self.setMinimumSize(smallest)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        theme.changed.connect(self.update)

    @property
    def opacity(self) -> float:
        """Opacity of the map at its maximum, 0..1."""
        return self._opacity

    def show_layers(self, picture: QImage, heat: QImage, shade: QImage, name: str) -> None:
        """Show a picture, its heat (fully opaque at the maximum) and the shade on what was cut off."""
        self._layers = picture, heat, shade
        self.setAccessibleName(as_shown(name))
        self._fit()
        self.update()

    def set_opacity(self, opacity: float) -> None:
        """Set the opacity of the map, 0..1; the shade stays."""
        self._opacity = min(1.0, max(0.0, opacity))
        self.update()

    def set_tallest(self, height: int) -> None:
        """Limit the height, px, so that what is below stays visible."""
        self._tallest = height
        self._fit()

    def place(self) -> QRect:
        """Rectangle of the picture in the widget."""
        if self._layers is None:
            return QRect()
        size = self._layers[0].size()
        fitted = QRectF(0, 0, size.width(), size.height())
        scale = min(self.width() / max(1, size.width()), self.height() / max(1, size.height()))
        fitted.setSize(fitted.size() * scale)
        fitted.moveCenter(QRectF(self.rect()).center())
        return fitted.toRect()

    def sizeHint(self) -> QSize:
        return QSize(400, self._wanted_height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Height of the picture at a width."""
        self.setMaximumHeight(self._wanted_height())
        self.updateGeometry()

    def _wanted_height(self) -> int:
        if self._layers is None or not self._layers[0].width():
            return 330
        shape = self._layers[0].height() / self._layers[0].width()
        return max(self.minimumHeight(), min(self._tallest, round(self.width() * shape)))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.activated.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        shape = QPainterPath()
        if self._layers is None:
            shape.addRoundedRect(QRectF(self.rect()), RADIUS, RADIUS)
            painter.fillPath(shape, theme.colour("track"))
            return
        place = self.place()
        shape.addRoundedRect(QRectF(place), RADIUS, RADIUS)
        painter.setClipPath(shape)
        picture, heat, shade = self._layers
        painter.drawImage(place, picture)
        painter.setOpacity(self._opacity)
        painter.drawImage(place, heat)
        painter.setOpacity(1.0)
        painter.drawImage(place, shade)
        painter.end()
