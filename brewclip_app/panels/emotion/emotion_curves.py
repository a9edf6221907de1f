"""Probabilities of classes over a recording: two in colour, the others faint."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _

NAMES = 84  # px at the right for the names of the classes
DOT = 2.5
STYLES = (("voice", Qt.PenStyle.SolidLine), ("good", Qt.PenStyle.DashLine))  # of the two in colour


class EmotionCurves(QWidget):
    """Shows (k,) times in s and (k, classes) probabilities over `seconds`; names are at the ends of the lines."""

    def __init__(self) -> None:
        super().__init__()
        self._times: Sequence[float] = ()
        self._shares: Any = None
        self._classes: tuple[str, ...] = ()
        self._strong: tuple[int, ...] = ()
        self._seconds = 0.0
        self._cursor: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_curves(self, times: Sequence[float], shares: Any, classes: Sequence[str], strong: Sequence[int],
                    seconds: float) -> None:
        """Show the curves of one recording; `strong` are the one or two classes in colour."""
        self._times, self._shares, self._classes = times, shares, tuple(classes)
        self._strong, self._seconds = tuple(dict.fromkeys(strong))[:2], max(seconds, 0.1)
        means = ", ".join(f"{classes[number]} {100 * float(shares[:, number].mean()):.0f} %" for number in self._strong)
        self.setAccessibleName(_("Probabilities over time, on average {means}").format(means=means))
        self.update()

    def clear(self) -> None:
        """Show nothing."""
        self._shares = None
        self.update()

    def set_cursor(self, seconds: float | None) -> None:
        """Show the playback position; None hides the cursor."""
        if seconds != self._cursor:
            self._cursor = seconds
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(420, 96)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 96)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._shares is None or not len(self._times):
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font("quiet"))
        room = QRectF(0, 4, self.width() - NAMES, self.height() - 10)
        painter.setPen(QPen(theme.colour("line"), 1))
        for level in (0.0, 0.5, 1.0):
            height = room.bottom() - level * room.height()
            painter.drawLine(QPointF(room.left(), height), QPointF(room.right(), height))
        faint = [number for number in range(len(self._classes)) if number not in self._strong]
        for number in (*faint, *self._strong):
            self._draw(painter, room, number)
        self._draw_names(painter, room)
        if self._cursor is not None:
            painter.setPen(QPen(theme.colour("words"), 1.4))
            x = room.left() + room.width() * min(1.0, self._cursor / self._seconds)
            painter.drawLine(QPointF(x, room.top()), QPointF(x, room.bottom()))
        painter.end()

    def _draw(self, painter: QPainter, room: QRectF, number: int) -> None:
        points = [QPointF(room.left() + room.width() * float(time) / self._seconds,
                          room.bottom() - float(share) * room.height())
                  for time, share in zip(self._times, self._shares[:, number], strict=True)]
        painter.setPen(self._pen(number))
        if len(points) == 1:
            painter.drawEllipse(points[0], DOT, DOT)
            return
        path = QPainterPath(points[0])
        for point in points[1:]:
            path.lineTo(point)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)

    def _pen(self, number: int) -> QPen:
        if number in self._strong:
            role, style = STYLES[self._strong.index(number)]
            return QPen(theme.colour(role), 2, style)
        ink = QColor(theme.colour("quiet"))
        ink.setAlphaF(0.45)
        return QPen(ink, 1)

    def _draw_names(self, painter: QPainter, room: QRectF) -> None:
        """Draw the names of the strong classes at the ends of their lines, without overlap."""
        metrics = QFontMetricsF(painter.font())
        ends = sorted((room.bottom() - float(self._shares[-1, number]) * room.height(), number)
                      for number in self._strong)
        line, last = metrics.height(), 0.0
        for place, (height, number) in enumerate(ends):
            below = len(ends) - place  # lines that must fit from here to the bottom
            top = min(height - line / 2, self.height() - below * line)
            top = max(top, last + line) if place else max(0.0, top)
            last = top
            role = STYLES[self._strong.index(number)][0]
            painter.setPen(theme.colour(f"{role}_words"))
            spot = QRectF(room.right() + 8, top, NAMES - 8, line)
            shown = metrics.elidedText(self._classes[number], Qt.TextElideMode.ElideRight, spot.width())
            painter.drawText(spot, Qt.AlignmentFlag.AlignVCenter, shown)
