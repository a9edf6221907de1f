"""The picture of the preview: painted at its zoom and rotation, dragged, and zoomed with the wheel."""

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QFocusEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _
from brewclip_app.thumbnails import Thumbnail, draw_fitted
from brewclip_app.widgets.preview.controller import PreviewController
from brewclip_app.widgets.preview.loading import LoadedPicture
from brewclip_app.widgets.preview.state import PreviewState

READING = _("Reading the picture…")
NOTCH = 120  # eighths of a degree of one step of the wheel
PIXELS_SEEN = 4.0  # scale from which pixels are drawn as squares
LONGEST_SIDE = 32_000  # px of an image that Qt draws a part of; of a longer one the part is copied first
WIDEST_WORDS = 560  # px of the sentence in place of a picture


class PictureCanvas(QWidget):
    """Draws the picture of a state; mouse and wheel go to the controller."""

    def __init__(self, controller: PreviewController) -> None:
        super().__init__()
        self._controller = controller
        self._state = PreviewState()
        self._dragged_from: QPointF | None = None
        self._cursor_shown = True
        self.stand_in: Callable[[int], Thumbnail | None] = lambda image_id: None  # while a picture is being read
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        theme.changed.connect(self.update)

    def render_state(self, state: PreviewState) -> None:
        """Draw another state."""
        self._state = state
        self._set_cursor()
        self.update()

    def show_cursor(self, shown: bool) -> None:
        """Show or hide the mouse, and the frame that marks the keyboard's focus."""
        self._cursor_shown = shown
        self._set_cursor()
        self.update()

    def _set_cursor(self) -> None:
        shapes = Qt.CursorShape
        hand = shapes.ClosedHandCursor if self._dragged_from is not None else shapes.OpenHandCursor
        self.setCursor((hand if self._state.view.movable else shapes.ArrowCursor) if self._cursor_shown
                       else shapes.BlankCursor)

    def sizeHint(self) -> QSize:
        return QSize(640, 480)

    # ---- painting

    def transform(self) -> QTransform:
        """From pixels of the upright picture to device pixels of the view, from a whole one on: 100 % stays sharp."""
        view, picture = self._state.view, self._state.view.picture
        left, top, width, height = view.place
        turned = QTransform().translate(round(left) + width / 2, round(top) + height / 2)
        return turned.rotate(view.rotation).scale(view.scale, view.scale).translate(-picture[0] / 2, -picture[1] / 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.colour("ground"))
        picture = self._state.picture
        if picture is not None and picture.problem:
            self._draw_problem(painter, picture.problem)
        elif picture is not None:
            self._draw_picture(painter, picture)
        else:
            self._draw_stand_in(painter)
        if self.hasFocus() and self._cursor_shown:
            painter.resetTransform()
            painter.setPen(QPen(theme.colour("main"), 2))
            painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))
        painter.end()

    def _draw_picture(self, painter: QPainter, picture: LoadedPicture) -> None:
        view, ratio = self._state.view, self.devicePixelRatioF()
        level = picture.levels[picture.level(view.scale)]
        share = level.width() / picture.size[0]
        seen = self.transform().inverted()[0].mapRect(QRectF(0, 0, *view.view))
        part = QRectF(seen.left() * share, seen.top() * share, seen.width() * share, seen.height() * share)
        whole = part.toAlignedRect().adjusted(-1, -1, 1, 1).intersected(level.rect())
        if max(level.width(), level.height()) > LONGEST_SIDE:
            level, source = level.copy(whole), QRect(0, 0, whole.width(), whole.height())
        else:
            source = whole
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform,
                              view.scale < PIXELS_SEEN and view.scale != 1)
        painter.setTransform(self.transform() * QTransform.fromScale(1 / ratio, 1 / ratio), combine=True)
        painter.drawImage(QRectF(whole.left() / share, whole.top() / share, whole.width() / share,
                                 whole.height() / share), level, QRectF(source))
        painter.restore()

    def _draw_stand_in(self, painter: QPainter) -> None:
        """A thumbnail, until the picture is read."""
        small = self.stand_in(self._controller.current_id) if self._state.opened else None
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        draw_fitted(painter, self.rect(), small or Thumbnail(None, READING))

    def _draw_problem(self, painter: QPainter, problem: str) -> None:
        room = self.rect().adjusted(60, 20, -60, -20)
        width = min(WIDEST_WORDS, room.width())
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
        painter.setFont(theme.font())
        words = painter.boundingRect(QRect(room.center().x() - width // 2, room.top(), width, room.height()), flags,
                                     problem)
        words.moveCenter(room.center())
        painter.setPen(theme.colour("words"))
        painter.drawText(words.adjusted(0, 24, 0, 24), flags, problem)
        icon = QRect(words.center().x() - 20, words.top() - 32, 40, 40)
        theme.icon("warning", "quiet").paint(painter, icon)

    # ---- mouse

    def _device(self, at: QPointF) -> tuple[float, float]:
        ratio = self.devicePixelRatioF()
        return at.x() * ratio, at.y() * ratio

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if event.button() == Qt.MouseButton.LeftButton and self._state.view.movable:
            self._dragged_from = event.position()
            self._set_cursor()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        event.ignore()  # the preview shows its buttons
        if self._dragged_from is not None:
            moved, self._dragged_from = event.position() - self._dragged_from, event.position()
            self._controller.pan(*self._device(moved))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragged_from = None
        self._set_cursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._controller.toggle_actual_size(self._device(event.position()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._controller.zoom(event.angleDelta().y() / NOTCH, self._device(event.position()))
        event.accept()

    # ---- size and focus

    def _tell_size(self) -> None:
        ratio = self.devicePixelRatioF()
        self._controller.resize((max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio))))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._tell_size()

    def showEvent(self, event: QShowEvent) -> None:
        self._tell_size()  # the window may have come to another screen

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()
