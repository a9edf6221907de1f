"""Pictures of one group side by side, all at the same zoom and place."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPixmap, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from brewclip_app import theme, wording
from brewclip_app.localisation import _, as_shown
from brewclip_app.thumbnails import SIDES, Thumbnails
from brewclip_app.widgets.common import ElidedLabel, button, column, label, look, row
from core.remote import shown

if TYPE_CHECKING:
    from core.store.records import ImageRecord

CLOSEST = 16.0  # times the size that fits
STEP = 1.25  # of a turn of the wheel


class SharedView(QObject):
    """Zoom and centre that several pictures share: 1 fits, the centre is in shares of width and height."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.zoom, self.centre = 1.0, QPointF(0.5, 0.5)

    def zoom_by(self, factor: float) -> None:
        """Zoom in or out."""
        self.zoom = max(1.0, min(CLOSEST, self.zoom * factor))
        self.move(QPointF())

    def fit(self) -> None:
        """Show the pictures whole."""
        self.zoom_by(0)

    def move(self, by: QPointF) -> None:
        """Move the centre by shares of the picture; what is shown stays in it."""
        half = 0.5 / self.zoom
        centre = self.centre + by
        self.centre = QPointF(*(max(half, min(1 - half, value)) for value in (centre.x(), centre.y())))
        self.changed.emit()


class ComparedPicture(QWidget):
    """One picture under the shared view. The wheel zooms, dragging moves, in all of them; a double click previews."""

    chosen = Signal()
    previewed = Signal()

    def __init__(self, thumbnails: Thumbnails, image: "ImageRecord", view: SharedView) -> None:
        super().__init__()
        self._thumbnails, self._image, self._view = thumbnails, image, view
        self._drag: QPointF | None = None
        self._moved = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(QSize(150, 120))
        self.setAccessibleName(as_shown(image.path.name))
        view.changed.connect(self.update)
        thumbnails.ready.connect(self._show_ready)  # no lambda: it would outlive the widget

    def _show_ready(self, image_id: int) -> None:
        if image_id == self._image.id:
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), theme.colour("track"))
        wanted = round(max(self.width(), self.height()) * self.devicePixelRatioF() * self._view.zoom)
        small = self._thumbnails.get(self._image, min(wanted, SIDES[-1])) or self._thumbnails.best_now(self._image)
        if small is not None and small.pixmap is None:
            painter.setPen(theme.colour("quiet"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, small.problem)
        elif small is not None and small.pixmap is not None:
            self._draw(painter, small.pixmap)
        painter.end()

    def _draw(self, painter: QPainter, pixmap: QPixmap) -> None:
        scale = self._fit() * self._view.zoom
        size = QRectF(0, 0, self._image.width * scale, self._image.height * scale)
        centre = self._view.centre
        size.moveTopLeft(QRectF(self.rect()).center() - QPointF(size.width() * centre.x(), size.height() * centre.y()))
        painter.setClipRect(self.rect())
        painter.drawPixmap(size, pixmap, QRectF(pixmap.rect()))

    def _fit(self) -> float:
        """Scale at which the whole picture fits."""
        return min(self.width() / max(1, self._image.width), self.height() / max(1, self._image.height))

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._view.zoom_by(STEP ** (event.angleDelta().y() / 120))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._drag, self._moved = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is not None and self._view.zoom > 1:
            scale = self._fit() * self._view.zoom
            by = (self._drag - event.position()) / scale
            self._view.move(QPointF(by.x() / self._image.width, by.y() / self._image.height))
            self._drag, self._moved = event.position(), True

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._drag = None  # its release chooses nothing
        self.previewed.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._drag is not None and not self._moved:
            self.chosen.emit()
        self._drag = None


class ComparedCard(QWidget):
    """A picture with its facts, and whether it is kept."""

    kept = Signal()

    def __init__(self, thumbnails: Thumbnails, image: "ImageRecord", view: SharedView, number: int, best: bool) -> None:
        super().__init__()
        self.image = image
        self.picture = ComparedPicture(thumbnails, image, view)
        self.choice = button("", self.kept.emit, tip=_("Keep this one ({number})").format(number=number) if number < 10
                             else _("Keep this one"))
        self.choice.setCheckable(True)
        self.choice.setAccessibleName(_("Keep {name}").format(name=image.path.name))
        self._number = number
        date, source = image.dated
        pixels = f"{wording.count(image.width)} × {wording.count(image.height)}"
        taken = "taken" if source == "taken" else _("file dated")
        self.frame = look(QWidget(), "compared")
        self.frame.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        inner = column(self.picture)
        inner.setContentsMargins(3, 3, 3, 3)
        self.frame.setLayout(inner)
        facts = column(ElidedLabel(image.path.name, "strong", Qt.TextElideMode.ElideMiddle),
                       label(_("{pixels} px · {size} · {upper}").format(pixels=pixels, size=wording.size(image.size),
                                                                        upper=image.path.suffix.lstrip(".").upper())),
                       label(f"{taken} {date:%Y-%m-%d %H:%M}", "quiet"),
                       ElidedLabel(shown(image.path.parent), "quiet", Qt.TextElideMode.ElideLeft),
                       row(self.choice, label(_("Proposed"), "good") if best else None, None), space=3)
        layout = column(self.frame, facts, space=8)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        self.setMinimumWidth(190)
        self.picture.chosen.connect(self.kept)

    def show_kept(self, kept: bool) -> None:
        """Show whether this one is kept."""
        key = f"{self._number}  " if self._number < 10 else ""
        self.choice.setText(f"{key}{'Kept' if kept else 'Keep'}")
        self.choice.setChecked(kept)
        self.frame.setProperty("kept", kept)
        look(self.frame, "compared")
