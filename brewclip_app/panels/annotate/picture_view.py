"""One picture, as large as fits."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _
from brewclip_app.plain_text import plain_tip
from brewclip_app.thumbnails import Thumbnails, draw_fitted

if TYPE_CHECKING:
    from core.store.records import ImageRecord

RADIUS = 10


class PictureView(QWidget):
    """The whole picture on a mat with round corners, or the reason why it cannot be shown."""

    def __init__(self, thumbnails: Thumbnails, smallest: QSize) -> None:
        super().__init__()
        self._thumbnails = thumbnails
        self._image: ImageRecord | None = None
        self.setMinimumSize(smallest)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        thumbnails.ready.connect(lambda image_id: self.update())
        theme.changed.connect(self.update)

    @property
    def image(self) -> "ImageRecord | None":
        """The picture that is shown."""
        return self._image

    def show_image(self, image: "ImageRecord | None") -> None:
        """Show another picture."""
        self._image = image
        self.setAccessibleName(_("Picture {name}").format(name=image.path.name) if image else _("No picture"))
        self.setToolTip(plain_tip(str(image.path) if image else ""))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        shape = QPainterPath()
        shape.addRoundedRect(QRectF(self.rect()), RADIUS, RADIUS)
        painter.setClipPath(shape)
        painter.fillRect(self.rect(), theme.colour("track"))
        if self._image is not None:
            side = round(max(self.width(), self.height()) * self.devicePixelRatioF())
            small = self._thumbnails.get(self._image, side) or self._thumbnails.best_now(self._image)
            draw_fitted(painter, self.rect(), small)
        painter.end()
