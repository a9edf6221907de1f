"""Plot of curves with their intervals; a caption below describes the point near the pointer."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _, as_shown
from brewclip_app.widgets.common import Card, ElidedLabel, clear, label, row
from brewclip_app.widgets.figure_export import Draw
from core.plots.charts import Chart, Series, draw_chart
from core.plots.style import DrawnFigure

NEAR = 40.0  # px from the pointer
BAND = 46    # opacity of an interval, of 255
MARK = 8     # px
FAR = QPointF(-1e6, -1e6)


class IntervalPlot(Card):
    """A title, a legend, the plot and a caption."""

    def __init__(self, title: str) -> None:
        super().__init__(margin=12, space=4)
        self.chart = Chart()
        self.title = label(title, "heading")
        self.legend = row(space=10)
        self.tools = row(space=6)
        self.plot: Any = self._make_plot()
        self._ring: Any = None
        self.words = ElidedLabel("", "quiet", Qt.TextElideMode.ElideRight)
        self.nothing = label("", "quiet-body", wrap=True)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setMinimumHeight(3 * self.nothing.fontMetrics().height())  # in a plot's smallest width
        self.nothing.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        head = row(self.title, self.tools)
        head.setStretch(0, 1)
        self.body.addLayout(head)
        self.body.addLayout(self.legend)
        self.body.addWidget(self.plot, 1)
        self.body.addWidget(self.nothing, 1)
        self.body.addWidget(self.words)
        self.plot.scene().sigMouseMoved.connect(lambda at: self.show_near(QPointF(at)) if self.chart.series else None)
        theme.changed.connect(self._draw)
        self._draw()

    def show_chart(self, chart: Chart) -> None:
        """Replace the curves, or show a sentence in place of the plot; the chart's note is the caption at rest."""
        self.chart = chart
        self.nothing.setText(chart.nothing)
        self._draw()

    def drawing(self) -> Draw | None:
        """Drawing of the plot for print; None while there are no curves."""
        chart = replace(self.chart, title=self.title.text())
        return (lambda width, report: DrawnFigure(draw_chart(chart, width))) if chart.series else None

    def show_near(self, at: QPointF) -> str:
        """Mark the point nearest to a place in the scene and return its tip; the caption at rest when none is near."""
        nearest = self._nearest(at)
        self.plot.removeItem(self._ring)
        words = self._rest()
        if nearest is not None:
            series, place = nearest
            self._ring.setData([series.x[place]], [series.y[place]])
            self.plot.addItem(as_shown(self._ring))
            words = series.tips[place]
        self.words.setText(words)
        return words

    def _rest(self) -> str:
        return self.chart.note or _("Point at a dot for its values.")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave and self.chart.series:
            self.show_near(FAR)
        if event.type() == QEvent.Type.Wheel:  # scrolls the page
            event.ignore()
            return True
        return False

    def _make_plot(self) -> Any:
        pg.setConfigOptions(antialias=True)
        plot = pg.PlotWidget()
        plot.setMinimumSize(180, 80)
        plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        plot.setMenuEnabled(False)
        plot.setMouseEnabled(x=False, y=False)
        plot.hideButtons()
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        plot.setFrameShape(plot.Shape.NoFrame)
        plot.viewport().installEventFilter(self)
        plot.getViewBox().sigResized.connect(lambda _unused: self._fit_height())
        return plot

    def _draw(self) -> None:
        has_series = bool(self.chart.series)
        for part in (self.plot, self.words):
            part.setVisible(has_series)
        self.nothing.setVisible(not has_series)
        clear(self.legend)
        self.plot.clear()
        self.plot.setBackground(theme.colour("card"))
        self._ring = pg.ScatterPlotItem(size=MARK + 6, brush=None, pen=pg.mkPen(theme.colour("words"), width=1.5))
        self._set_up()
        named = [series for series in self.chart.series if series.named]
        for series in named if len(named) > 1 else ():
            self.legend.addWidget(Key(series))
        for series in self.chart.series:
            self._draw_series(series)
        self.words.setText(self._rest())
        self.plot.setAccessibleName(self.title.text())
        self.plot.setAccessibleDescription("\n".join(tip for series in self.chart.series for tip in series.tips))

    def _set_up(self) -> None:
        quiet, line = theme.colour("quiet"), theme.colour("line")
        for side, axis in (("bottom", self.chart.across), ("left", self.chart.up)):
            item = self.plot.getAxis(side)
            item.setPen(line)
            item.setTextPen(quiet)
            item.setTickFont(theme.font("quiet"))
            item.setStyle(tickLength=0, tickTextOffset=5)
            item.enableAutoSIPrefix(False)
            item.setLabel(axis.title, **{"color": quiet.name(), "font-size": f"{theme.points('quiet')}pt"})
            item.setTicks([list(axis.ticks)] if axis.ticks else None)
        self.plot.showGrid(x=False, y=True, alpha=0.18)
        self.plot.enableAutoRange()
        if self.chart.across.ends:
            self.plot.setXRange(*self.chart.across.ends, padding=0.03)
        self._fit_height()

    def _fit_height(self) -> None:
        """Leave room for whole dots at both ends of the upright axis."""
        if self.chart.up.ends:
            radius = 1 + max((size for series in self.chart.series for size in series.sizes), default=MARK) / 2
            height = self.plot.getViewBox().height()
            self.plot.setYRange(*self.chart.up.ends, padding=max(0.04, radius / max(radius, height - 2 * radius)))

    def _draw_series(self, series: Series) -> None:
        ink = theme.colour(series.colour)
        x, y, low, high = (np.asarray(values, float) for values in (series.x, series.y, series.low, series.high))
        dots = series.style == "dots"
        if len(low) and dots:
            self.plot.addItem(pg.ErrorBarItem(x=x, y=(low + high) / 2, height=high - low,
                                              pen=pg.mkPen(ink, width=1)))
        elif len(low):
            faint = QColor(ink)
            faint.setAlpha(BAND)
            ends = [pg.PlotCurveItem(x, values, pen=None) for values in (low, high)]
            self.plot.addItem(pg.FillBetweenItem(*ends, brush=faint))
        if not dots:
            self.plot.addItem(pg.PlotCurveItem(x, y, pen=pg.mkPen(ink, width=2)))
        if series.style != "line":
            self.plot.addItem(pg.ScatterPlotItem(x, y, size=list(series.sizes) or MARK, brush=ink,
                                                 pen=pg.mkPen(theme.colour("card"), width=1)))

    def _nearest(self, at: QPointF) -> tuple[Series, int] | None:
        view = self.plot.getViewBox()
        best: tuple[float, Series, int] | None = None
        for series in self.chart.series:
            for place in range(len(series.tips)):
                point = view.mapViewToScene(QPointF(series.x[place], series.y[place]))
                away = (point - at).manhattanLength()
                if away < NEAR and (best is None or away < best[0]):
                    best = (away, series, place)
        return (best[1], best[2]) if best else None


class Key(QWidget):
    """Legend entry: colour and name of a curve."""

    def __init__(self, series: Series) -> None:
        super().__init__()
        dot = QLabel()
        dot.setFixedSize(10, 10)
        dot.setStyleSheet(f"background: {theme.colour(series.colour).name()}; border-radius: 5px;")
        name = ElidedLabel(series.name, "quiet")
        name.setMinimumWidth(40)
        box = row(dot, name, space=5)
        box.setStretch(1, 1)
        self.setLayout(box)
