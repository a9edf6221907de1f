"""The two plots below the tables: hits by word error rate or group, and recall under noise."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QComboBox, QWidget

from brewclip_app.localisation import _
from brewclip_app.panels.evaluate.cells import LEVELS
from brewclip_app.panels.evaluate.controller import PlotChoice
from brewclip_app.panels.evaluate.interval_plot import IntervalPlot
from brewclip_app.widgets.common import row, width_of
from brewclip_app.widgets.elided_combo import ElidedCombo
from brewclip_app.widgets.figure_export import FigureExporter
from core.evaluation.curves import VIEWS
from core.evaluation.records import DIRECTION_TITLES
from core.plots.charts import Chart

if TYPE_CHECKING:
    from brewclip_app.panels.evaluate.controller import EvaluateState

STACKED_HEIGHT = 170  # px, of a plot: the panel scrolls then


class Plots(QWidget):
    """Two plots side by side, or below each other in a narrow panel; `choose` is called for every choice."""

    def __init__(self, choose: Callable[[PlotChoice], object], exporter: FigureExporter) -> None:
        super().__init__()
        self._choice, self._drawn = PlotChoice(), (Chart(), Chart())
        self.quality, self.noise = IntervalPlot(_("Hits")), IntervalPlot(_("Under noise"))
        self._combos: dict[str, QComboBox] = {}
        for name, plot, title, items, widest in (
                ("view", self.quality, _("Group by"), [(title, key) for key, title in VIEWS], _("By speaker")),
                ("level", self.quality, _("Top K"), [(f"R@{at}", at) for at in LEVELS], "R@10"),
                ("direction", self.noise, _("Direction"), [(title, key) for key, title in DIRECTION_TITLES.items()],
                 ""),
                ("noise_level", self.noise, _("Top K under noise"), [(f"R@{at}", at) for at in LEVELS], "R@10")):
            combo = self._combos[name] = _combo(title, items)
            if widest:
                combo.setMinimumWidth(width_of(widest, combo) + 40)
            combo.activated.connect(lambda _unused, name=name, combo=combo: choose(replace(self._choice, **{
                name: combo.currentData()})))
            plot.tools.addWidget(combo)
        for plot, name in ((self.quality, "hits"), (self.noise, "noise")):
            plot.tools.addWidget(exporter.button(name, plot.drawing))
        self.view, self.level, self.direction, self.noise_level = self._combos.values()
        self._box = row(self.quality, self.noise, space=12)
        for place in range(2):
            self._box.setStretch(place, 1)
        self.setLayout(self._box)

    def render_state(self, state: "EvaluateState") -> None:
        """Show the curves and what was chosen."""
        self._choice = state.plots
        for name, combo in self._combos.items():
            combo.setCurrentIndex(combo.findData(getattr(state.plots, name)))
        for plot, chart, before in zip((self.quality, self.noise), (state.quality, state.noise), self._drawn,
                                        strict=True):
            if chart is not before:
                plot.show_chart(chart)
        self._drawn = state.quality, state.noise

    def minimumSizeHint(self) -> QSize:
        """Smallest size: one plot wide, since the plots are stacked where both do not fit."""
        parts = [plot.minimumSizeHint() for plot in (self.quality, self.noise)]
        stacked = self._box.direction() == QBoxLayout.Direction.TopToBottom
        height = sum(part.height() for part in parts) + 12 if stacked else max(part.height() for part in parts)
        return QSize(max(part.width() for part in parts), height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        both = sum(plot.minimumSizeHint().width() for plot in (self.quality, self.noise)) + 12
        direction = QBoxLayout.Direction.LeftToRight if self.width() >= both else QBoxLayout.Direction.TopToBottom
        if direction != self._box.direction():
            self._box.setDirection(direction)
            for plot in (self.quality, self.noise):
                plot.plot.setMinimumHeight(STACKED_HEIGHT if direction == QBoxLayout.Direction.TopToBottom else 80)
            self.updateGeometry()


def _combo(name: str, items: list[tuple[str, Any]]) -> QComboBox:
    combo = ElidedCombo(name, items)
    combo.setProperty("look", "small")
    return combo
