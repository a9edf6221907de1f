"""Record button: a red circle with the microphone's level as a ring around it."""

from collections.abc import Mapping

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _, as_shown
from brewclip_app.plain_text import plain_tip

SIDE = 72  # px with the ring
DISC = 30  # px radius
SEARCHING = {  # what pressing does, by the microphone's state
    "off": _("Record a spoken query (Space)"),
    "ready": _("Record a spoken query (Space)"),
    "opening": _("Opening the microphone. Speak when it turns red."),
    "recording": _("Recording. Let go, or press again, to search; Esc cancels."),
    "stopping": _("Taking the last word"),
}


class RecordButton(QAbstractButton):
    """Emits presses and releases; the owner tells held from tapped."""

    pressed_down = Signal()
    let_go = Signal()

    def __init__(self, parent: QWidget | None = None, texts: Mapping[str, str] = SEARCHING) -> None:
        super().__init__(parent)
        self.state = "off"
        self._missing = ""
        self._texts = texts
        self._level = 0.0
        self.setFixedSize(SIDE, SIDE)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(_("Record"))
        self.show_state("off")
        theme.changed.connect(self.update)

    def show_state(self, state: str) -> None:
        """One of the microphone's states: off, opening, ready, recording, stopping."""
        self.state = state
        if state not in ("recording", "stopping"):
            self._level = 0.0
        self._tell()

    def show_missing(self, problem: str) -> None:
        """Why no microphone can be used, "" when one can: the button is grey then. Pressing it tries again."""
        self._missing = problem
        self._tell()

    def _tell(self) -> None:
        text = self._missing if self.missing else self._texts[self.state]
        self.setToolTip(plain_tip(text))
        self.setAccessibleDescription(as_shown(text))
        self.update()

    @property
    def missing(self) -> bool:
        """Whether nothing can be recorded now, for want of a microphone."""
        return bool(self._missing) and self.state in ("off", "ready")

    def show_level(self, peak: float) -> None:
        """The newest peak, 0..1; the ring falls slower than it rises."""
        if self.state in ("recording", "stopping"):
            self._level = max(min(1.0, peak), self._level * 0.8)
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(SIDE, SIDE)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.isEnabled():
            self.setDown(True)
            self.pressed_down.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.isDown():
            self.setDown(False)
            self.let_go.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.isAutoRepeat():
            self.pressed_down.emit()
            self.let_go.emit()
            return
        event.ignore()  # Space is the panel's, wherever the focus is

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = QPointF(SIDE / 2, SIDE / 2)
        self._draw_ring(painter, middle)
        self._draw_disc(painter, middle)
        if self.state in ("recording", "stopping"):
            self._draw_stop(painter, middle)
        else:
            side = 28.0
            theme.icon("microphone", "on_record").paint(
                painter, QRectF(middle.x() - side / 2, middle.y() - side / 2, side, side).toRect())
        painter.end()

    def _draw_ring(self, painter: QPainter, middle: QPointF) -> None:
        halo = QColor(theme.colour("record"))
        halo.setAlphaF(0.22)
        grown = DISC + 4 + (SIDE / 2 - DISC - 5) * self._level ** 0.5
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(halo)
        painter.drawEllipse(middle, grown, grown)
        if self.hasFocus() and self.state != "recording":
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.colour("main"), 2))
            painter.drawEllipse(middle, DISC + 4.5, DISC + 4.5)

    def _draw_disc(self, painter: QPainter, middle: QPointF) -> None:
        fill = QColor(theme.colour("record"))
        if self.state in ("opening", "stopping") or self.missing or not self.isEnabled():
            fill = theme.colour("quiet")
        elif self.isDown() or self.underMouse():
            fill = fill.darker(112)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawEllipse(middle, DISC, DISC)

    def _draw_stop(self, painter: QPainter, middle: QPointF) -> None:
        side = 20.0
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("on_record"))
        painter.drawRoundedRect(QRectF(middle.x() - side / 2, middle.y() - side / 2, side, side), 4, 4)
