"""Plot of curves over steps with a dashed reference and a readout under the mouse."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from brewclip_app import theme, wording
from brewclip_app.localisation import _, as_shown
from brewclip_app.widgets.common import label, look
from core.figures import plain
from core.plots.charts import Axis, Chart, Series

DOTS_UP_TO = 30  # points of a line that are marked one by one
DASHES = {"solid": Qt.PenStyle.SolidLine, "dash": Qt.PenStyle.DashLine, "dot": Qt.PenStyle.DotLine,
          "dash-dot": Qt.PenStyle.DashDotLine}
GROUPS = 150  # of a long line's points: more of them take Qt seconds to draw
WIDTH = 2  # px of a line
TICKS = 10  # of the left axis at most
BESIDE_TICK = 8  # px between a number and its axis
WHOLE = 1e-6  # from a whole step, up to which a tick is one
ROOM = 0.08  # of the values' range above and below them


@dataclass(frozen=True)
class CurveLine:
    """One line: `role` is a colour of the theme, `dash` one of `DASHES`."""

    name: str
    steps: tuple[int, ...]
    values: tuple[float, ...]
    role: str = "main"
    dash: str = "solid"

    def at(self, step: float) -> tuple[int, float] | None:
        """The point nearest to a step."""
        if not self.steps:
            return None
        place = int(np.abs(np.asarray(self.steps) - step).argmin())
        return self.steps[place], self.values[place]


@dataclass(frozen=True)
class Reference:
    """A named level, drawn dashed."""

    name: str
    value: float


def number(value: float, unit: str = "") -> str:
    """A value in three or four digits with its unit."""
    text = f"{value:.1f}" if unit else plain(value, 4)
    return f"{text} {unit}".strip()


class CurvePlot(QWidget):
    """Plot of lines, with a readout under the mouse."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: tuple[CurveLine, ...] = ()
        self.reference: Reference | None = None
        self._unit = ""
        self._zoomed = False
        self._drawn: list[Any] = []
        self.plot = pyqtgraph.PlotWidget()
        self._item = self.plot.getPlotItem()
        self._dress_plot()
        self._cursor = pyqtgraph.InfiniteLine(angle=90, movable=False)
        self._cursor.hide()
        self._item.addItem(as_shown(self._cursor), ignoreBounds=True)
        self.readout = look(label(""), "readout")
        self.readout.setParent(self)
        self.readout.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.readout.hide()
        self.nothing = label("", "quiet")
        self.nothing.setParent(self)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.plot)
        self.nothing.raise_()
        self.setMinimumSize(QSize(160, 90))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.plot.scene().sigMouseMoved.connect(self._hover)
        theme.changed.connect(self._apply_theme)
        self._apply_theme()

    def show_lines(self, lines: Sequence[CurveLine], unit: str = "", reference: Reference | None = None,
                   nothing: str = "") -> None:
        """Replace the lines; `nothing` is shown when no line has a point."""
        drawn = tuple(line for line in lines if line.steps)
        if drawn and (drawn, unit, reference) == (self._lines, self._unit, self.reference):
            return
        self._lines, self._unit, self.reference = drawn, unit, reference
        self.nothing.setText("" if self._lines else nothing)
        self._draw()
        self.setAccessibleDescription(self.read_at(None) or nothing)

    def chart(self, title: str) -> Chart:
        """The plot for print."""
        series = tuple(Series(line.name, line.role, tuple(map(float, line.steps)), line.values, style="both",
                              dash=line.dash) for line in self._lines)
        levels = ((self.reference.name, self.reference.value),) if self.reference is not None else ()
        whole = (0.0, 100.0) if self._unit == "%" and not self._zoomed else None
        return Chart(series, Axis("step"), Axis(self._unit, whole), title, levels=levels)

    def zoom(self, zoomed: bool) -> None:
        """Fit an axis in percent to the values, or show 0 to 100."""
        self._zoomed = zoomed
        self._set_range()

    def read_at(self, step: float | None) -> str:
        """Values of the lines at a step, one a line; at None the last ones."""
        texts = []
        for line in self._lines:
            point = line.at(line.steps[-1] if step is None else step)
            if point is not None:
                texts.append(_("{name}: {number} at step {point}").format(name=line.name,
                                                                          number=number(point[1], self._unit),
                                                                          point=wording.count(point[0])))
        return "\n".join(texts)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self.nothing.setGeometry(self.rect())

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._cursor.hide()
        self.readout.hide()

    def _dress_plot(self) -> None:
        self.plot.setMenuEnabled(False)
        self.plot.setMouseEnabled(False, False)
        self.plot.setFrameShape(self.plot.Shape.NoFrame)
        self.plot.setAntialiasing(True)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._item.hideButtons()
        self._item.disableAutoRange()
        self._item.showGrid(x=False, y=True, alpha=0.35)
        left, bottom = self._item.getAxis("left"), self._item.getAxis("bottom")
        left.enableAutoSIPrefix(False)
        bottom.enableAutoSIPrefix(False)
        left.setStyle(tickLength=0, maxTickLevel=0)
        bottom.setStyle(tickLength=0, maxTickLevel=0)
        left.tickStrings = lambda values, scale, spacing: [
            f"{value:.{max(0, math.ceil(-math.log10(spacing)))}f}" for value in values]  # no exponents
        bottom.tickStrings = lambda values, scale, spacing: [
            wording.count(round(value)) if abs(value - round(value)) < WHOLE else "" for value in values]

    def _apply_theme(self) -> None:
        self.plot.setBackground(theme.colour("card"))
        for name in ("left", "bottom"):
            axis = self._item.getAxis(name)
            axis.setPen(pyqtgraph.mkPen(theme.colour("line")))
            axis.setTextPen(theme.colour("quiet"))
            axis.setTickFont(theme.font("quiet"))
        self._cursor.setPen(pyqtgraph.mkPen(theme.colour("quiet"), width=1))
        self._draw()

    def _draw(self) -> None:
        for item in self._drawn:
            self._item.removeItem(item)
        self._drawn = [self._curve(line) for line in self._lines]
        if self.reference is not None and self._lines:
            self._drawn.append(self._level(self.reference))
        for item in self._drawn:
            self._item.addItem(as_shown(item))
        self._set_range()

    def _curve(self, line: CurveLine) -> Any:
        ink, few = theme.colour(line.role), len(line.steps) <= DOTS_UP_TO
        steps, values = thinned(np.asarray(line.steps, float), np.asarray(line.values, float))
        return pyqtgraph.PlotDataItem(
            steps, values, pen=pen(ink, line.dash, WIDTH * self.devicePixelRatioF()),
            symbol="o" if few else None, symbolSize=5, symbolBrush=ink, symbolPen=None)

    def _level(self, reference: Reference) -> Any:
        quiet = theme.colour("quiet")
        thin = pen(quiet, "dash", self.devicePixelRatioF())
        return pyqtgraph.InfiniteLine(reference.value, 0, pen=thin, label=reference.name, labelOpts={
            "position": 0.97, "color": quiet, "anchors": [(1, 1), (1, 0)]})

    def _set_range(self) -> None:
        values = [value for line in self._lines for value in line.values]
        if self.reference is not None:
            values.append(self.reference.value)
        last = max((line.steps[-1] for line in self._lines), default=1)
        low, high = (min(values), max(values)) if values else (0.0, 1.0)
        room = (high - low) * ROOM or abs(high) * ROOM or 1.0
        bottom, top = max(0.0, low - room) if low >= 0 else low - room, high + room
        if self._unit == "%":  # a part of 0 to 100 would make small differences look large
            bottom, top = (bottom, min(top, 101.0)) if self._zoomed else (0.0, 101.0)
        self.plot.setXRange(0, max(1, last), padding=0.02)
        self.plot.setYRange(bottom, top, padding=0)
        for name in ("left", "bottom"):
            axis = self._item.getAxis(name)
            (axis.show if self._lines else axis.hide)()  # `setVisible` keeps the width that it has
        self._fit_left(bottom, top)

    def _fit_left(self, bottom: float, top: float) -> None:
        """Give the left axis the width of its numbers: pyqtgraph draws none that do not fit."""
        axis = self._item.getAxis("left")
        texts = axis.tickStrings([bottom, top], 1.0, (top - bottom) / TICKS)
        metrics = QFontMetrics(theme.font("quiet"))
        axis.setWidth(max(map(metrics.horizontalAdvance, texts)) + BESIDE_TICK)

    def _hover(self, place: QPointF) -> None:
        view = self._item.getViewBox()
        if not self._lines or not view.sceneBoundingRect().contains(place):
            self._cursor.hide()
            self.readout.hide()
            return
        step = view.mapSceneToView(place).x()
        points = [point for line in self._lines if (point := line.at(step))]
        nearest = min(points, key=lambda point: abs(point[0] - step))
        self._cursor.setValue(nearest[0])
        self._cursor.show()
        self._show_readout(nearest[0], place)

    def _show_readout(self, step: int, place: QPointF) -> None:
        self.readout.setText(self.read_at(step))
        self.readout.adjustSize()
        right = place.x() + 12 + self.readout.width() <= self.width()
        x = place.x() + 12 if right else place.x() - 12 - self.readout.width()
        y = min(max(0.0, place.y() - self.readout.height() / 2), max(0, self.height() - self.readout.height()))
        self.readout.move(round(max(0.0, x)), round(y))
        self.readout.show()
        self.readout.raise_()


def thinned(steps: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Thin a long line: of each group of points the lowest and the highest, in the order of steps."""
    size = -(-len(steps) // GROUPS)
    if size <= 2:
        return steps, values
    length = len(steps) // size * size
    groups = values[:length].reshape(-1, size)
    first = np.arange(0, length, size)
    chosen = np.unique(np.concatenate([first + groups.argmin(1), first + groups.argmax(1), [len(steps) - 1]]))
    return steps[chosen], values[chosen]


def pen(ink: QColor, dash: str, width: float) -> QPen:
    """Pen of a line in plot and legend; `width` in device pixels."""
    drawing_pen: QPen = pyqtgraph.mkPen(ink, width=width)
    drawing_pen.setStyle(DASHES[dash])
    return drawing_pen


class Swatch(QWidget):
    """Sample of a line for the legend."""

    def __init__(self, role: str, dash: str) -> None:
        super().__init__()
        self._role, self._dash = role, dash
        self.setFixedSize(22, 10)
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(pen(theme.colour(self._role), self._dash, WIDTH * self.devicePixelRatioF()))
        place = QRectF(self.rect())
        painter.drawLine(QPointF(1, place.center().y()), QPointF(place.right() - 1, place.center().y()))
        painter.end()
