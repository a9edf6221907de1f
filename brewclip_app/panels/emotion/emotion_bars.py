"""Bar charts: probabilities of classes, and a figure for each layer."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _
from core.figures import percents

LINE = 22  # px a class
BAR = 12  # px high
FIGURE = 52  # px for "100 %"


class ShareBars(QWidget):
    """One bar for each class, 0..1, the largest in full colour."""

    def __init__(self) -> None:
        super().__init__()
        self._shares: list[tuple[str, float]] = []
        self._percents: list[int] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_shares(self, classes: Sequence[str], shares: Sequence[float] | None) -> None:
        """Show probabilities of classes; None for empty bars."""
        values = shares or [0.0] * len(classes)
        self._shares = [(name, float(share)) for name, share in zip(classes, values, strict=True)]
        self._percents = percents(values)
        self.setAccessibleName(", ".join(f"{name} {percent} %" for name, percent in
                                         zip(classes, self._percents, strict=True))
                               if shares else _("No recording yet"))
        self.updateGeometry()
        self.update()

    def shares(self) -> list[tuple[str, float]]:
        """The classes and probabilities that are shown."""
        return list(self._shares)

    def sizeHint(self) -> QSize:
        return QSize(300, LINE * max(1, len(self._shares)))

    def minimumSizeHint(self) -> QSize:
        return QSize(200, LINE * max(1, len(self._shares)))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = QFontMetricsF(self.font())
        left = max((metrics.horizontalAdvance(name) for name, _unused in self._shares), default=0) + 12
        highest = max((share for _unused, share in self._shares), default=0)
        for number, (name, share) in enumerate(self._shares):
            top = number * LINE
            painter.setPen(theme.colour("words"))
            painter.drawText(QRectF(0, top, left, LINE), Qt.AlignmentFlag.AlignVCenter, name)
            room = QRectF(left, top + (LINE - BAR) / 2, self.width() - left - FIGURE, BAR)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("track"))
            painter.drawRoundedRect(room, 4, 4)
            fill = QColor(theme.colour("voice"))
            fill.setAlphaF(1.0 if share == highest else 0.5)
            painter.setBrush(fill)
            if share > 0:
                painter.drawRoundedRect(QRectF(room.left(), room.top(), max(4.0, room.width() * share), BAR), 4, 4)
                painter.setPen(theme.colour("quiet"))
                painter.drawText(QRectF(room.right(), top, FIGURE - 2, LINE),
                                 Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                                 f"{self._percents[number]} %")
        painter.end()


class ColumnBars(QWidget):
    """Figures in percent as columns, with a dashed line at `floor`, the most frequent class."""

    def __init__(self) -> None:
        super().__init__()
        self._bars: tuple[tuple[str, float], ...] = ()
        self._floor = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_bars(self, bars: Sequence[tuple[str, float]], floor: float) -> None:
        """Show named figures."""
        self._bars, self._floor = tuple(bars), floor
        self.setAccessibleName(", ".join(f"{name}: {value:.0f}" for name, value in bars))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(420, 124)

    def minimumSizeHint(self) -> QSize:
        return QSize(220, 120)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        draw_columns(painter, QRectF(self.rect()), self._bars, self._floor)
        painter.end()


def draw_columns(painter: QPainter, room: QRectF, bars: Sequence[tuple[str, float]], floor: float) -> None:
    """Draw columns of 0 to 100 into a rectangle; their figures above, their names below them."""
    if not bars:
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(theme.font("quiet"))
    high = QFontMetricsF(painter.font()).height() + 3
    base, top = room.bottom() - high, room.top() + high
    step = room.width() / len(bars)
    best = max(value for _unused, value in bars)
    for number, (name, value) in enumerate(bars):
        left = room.left() + number * step
        height = (base - top) * value / 100
        fill = QColor(theme.colour("voice"))
        fill.setAlphaF(1.0 if value == best else 0.55)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawRoundedRect(QRectF(left + step * 0.2, base - height, step * 0.6, height), 3, 3)
        painter.setPen(theme.colour("words"))
        painter.drawText(QRectF(left, base - height - high, step, high), Qt.AlignmentFlag.AlignCenter, f"{value:.0f}")
        painter.setPen(theme.colour("quiet"))
        painter.drawText(QRectF(left, base, step, high), Qt.AlignmentFlag.AlignCenter, name)
    pen = painter.pen()
    pen.setStyle(Qt.PenStyle.DashLine)
    painter.setPen(pen)
    level = base - (base - top) * floor / 100
    painter.drawLine(round(room.left()), round(level), round(room.right()), round(level))
