"""A picture with the square that the model sees: what the centre crop cuts off is dark."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _
from brewclip_app.plain_text import plain_tip
from brewclip_app.thumbnails import Thumbnail, Thumbnails, draw_fitted

if TYPE_CHECKING:
    from core.store.records import ImageRecord

DARK = QColor(0, 0, 0, 150)  # over a picture: the same in both themes
CUT = _("cut off")
EVEN = 0.02  # pictures whose sides differ by less lose nothing visible


class CroppedPicture(QWidget):
    """The whole picture. Under a crop policy that cuts, what the model does not see is dark."""

    activated = Signal(Path)  # a double click

    def __init__(self, thumbnails: Thumbnails, smallest: QSize = QSize(140, 110)) -> None:
        super().__init__()
        self._thumbnails = thumbnails
        self._image: ImageRecord | None = None
        self._crop = ""
        self.setMinimumSize(smallest)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        thumbnails.ready.connect(lambda _unused: self.update())
        theme.changed.connect(self.update)

    @property
    def image(self) -> "ImageRecord | None":
        """The picture that is shown."""
        return self._image

    @property
    def cut(self) -> bool:
        """Whether the parts outside the crop are marked."""
        return self._image is not None and self._crop == "centre"

    def show_image(self, image: "ImageRecord | None", crop: str = "") -> None:
        """Show another picture; `crop` is the crop policy, "" to mark nothing."""
        self._image, self._crop = image, crop
        self.setAccessibleName(_("Picture {name}").format(name=image.path.name) if image else _("No picture"))
        self.setToolTip(plain_tip(str(image.path) if image else ""))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(300, 200)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._image is not None:
            self.activated.emit(self._image.path)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("track"))
        painter.drawRoundedRect(self.rect(), 7, 7)
        if self._image is not None:
            side = round(max(self.width(), self.height()) * self.devicePixelRatioF())
            small = self._thumbnails.get(self._image, side) or self._thumbnails.best_now(self._image)
            draw_fitted(painter, self.rect(), small)
            if self.cut and small is not None and small.pixmap is not None:
                self._draw_cut(painter, small)
        painter.end()

    def placed(self, small: Thumbnail) -> QRect:
        """Rectangle of the picture in the widget."""
        assert small.pixmap is not None
        size = small.pixmap.size().scaled(self.rect().size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRect(QPoint(0, 0), size)
        place.moveCenter(self.rect().center())
        return place

    def _draw_cut(self, painter: QPainter, small: Thumbnail) -> None:
        from core.images import crop_box

        place = QRectF(self.placed(small))
        left, top, right, bottom = crop_box(round(place.width()), round(place.height()), self._crop)
        if left < EVEN and top < EVEN:
            return
        visible = QRectF(place.left() + left * place.width(), place.top() + top * place.height(),
                      (right - left) * place.width(), (bottom - top) * place.height())
        for part in (QRectF(place.left(), place.top(), visible.left() - place.left(), place.height()),
                     QRectF(visible.right(), place.top(), place.right() - visible.right(), place.height()),
                     QRectF(visible.left(), place.top(), visible.width(), visible.top() - place.top()),
                     QRectF(visible.left(), visible.bottom(), visible.width(), place.bottom() - visible.bottom())):
            painter.fillRect(part, DARK)
        self._describe_cut(painter, place, visible)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for style, ink in ((Qt.PenStyle.SolidLine, QColor(0, 0, 0, 160)), (Qt.PenStyle.DashLine, QColor("white"))):
            painter.setPen(QPen(ink, 1, style))
            painter.drawRect(visible.adjusted(0.5, 0.5, -0.5, -0.5))

    def _describe_cut(self, painter: QPainter, place: QRectF, visible: QRectF) -> None:
        """Write "cut off" into the dark part, where there is room for it."""
        font = theme.font("quiet")
        painter.setFont(font)
        painter.setPen(QColor("white"))
        words = QFontMetricsF(font).boundingRect(CUT).adjusted(-6, -3, 6, 3)
        part = QRectF(place.left(), place.top(), visible.left() - place.left(), place.height())
        if part.width() < 1:
            part = QRectF(place.left(), place.top(), place.width(), visible.top() - place.top())
        if part.width() >= words.width() and part.height() >= words.height():
            painter.drawText(part.adjusted(0, 0, 0, -4), int(Qt.AlignmentFlag.AlignHCenter
                                                             | Qt.AlignmentFlag.AlignBottom), CUT)
