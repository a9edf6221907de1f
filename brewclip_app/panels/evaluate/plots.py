"""The two plots below the tables: what word errors cost, and what noise costs."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QWidget

from brewclip_app.panels.evaluate import curves as evaluate_curves
from brewclip_app.panels.evaluate.curves import VIEWS, Curves
from brewclip_app.panels.evaluate.interval_plot import IntervalPlot
from brewclip_app.panels.evaluate.view import LEVELS, WAYS
from brewclip_app.widgets.common import row, width_of
from brewclip_app.widgets.elided_combo import ElidedCombo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from brewclip_app.context import Context
    from core.evaluation.records import EvaluationRecord

NO_ROOM = "Choose an evaluation."


class Plots(QWidget):
    """Reads in jobs what it draws."""

    failed = Signal(object)

    def __init__(self, context: "Context") -> None:
        super().__init__()
        self._context = context
        self._records: tuple[EvaluationRecord, ...] = ()
        self._compared: list[int] = []
        self._front = 0
        self.quality = IntervalPlot("Found")
        self.noise = IntervalPlot("Under noise")
        self.view = _combo("What to group by", [(title, key) for key, title in VIEWS])
        self.level = _combo("Among the first", [(f"R@{at}", at) for at in LEVELS])
        self.way = _combo("Direction", [(title, key) for key, title in WAYS])
        self.noise_level = _combo("Among the first, under noise", [(f"R@{at}", at) for at in LEVELS])
        for combo in (self.level, self.noise_level):
            combo.setCurrentIndex(len(LEVELS) - 1)
            combo.setMinimumWidth(width_of("R@10", combo) + 40)
        self.view.setMinimumWidth(width_of("By speaker", self.view) + 40)
        for plot, tools in ((self.quality, (self.view, self.level)), (self.noise, (self.way, self.noise_level))):
            for tool in tools:
                plot.tools.addWidget(tool)
        box = row(self.quality, self.noise, space=12)
        box.setStretch(0, 1)
        box.setStretch(1, 1)
        self.setLayout(box)
        for combo in (self.view, self.level):
            combo.activated.connect(lambda _: self._draw_quality())
        for combo in (self.way, self.noise_level):
            combo.activated.connect(lambda _: self._draw_noise())
        self.show_records((), [], 0)

    def show_records(self, records: "Sequence[EvaluationRecord]", compared: list[int], front: int) -> None:
        """Draw other evaluations."""
        self._records, self._compared, self._front = tuple(records), compared, front
        self._draw_quality()
        self._draw_noise()

    def _draw_quality(self) -> None:
        ids, view, at = list(self._compared), str(self.view.currentData()), int(self.level.currentData())
        if not ids:
            self.quality.show_nothing(NO_ROOM)
            return
        self._context.jobs.submit("Reading the evaluation",
                                  lambda report: evaluate_curves.quality(self._context.explorer, ids, view, at),
                                  key="evaluate:quality", quiet=True, on_failed=self._fail,
                                  on_done=lambda found: _show(self.quality, found))

    def _draw_noise(self) -> None:
        records, front, at = self._records, self._front, int(self.noise_level.currentData())
        way = "speech_to_image" if self.way.currentIndex() == 0 else "image_to_speech"
        if not front:
            self.noise.show_nothing(NO_ROOM)
            return
        self._context.jobs.submit("Reading the evaluations",
                                  lambda report: evaluate_curves.noise(self._context.explorer, records, front,
                                                                       way, at),  # type: ignore[arg-type]
                                  key="evaluate:noise", quiet=True, on_failed=self._fail,
                                  on_done=lambda found: _show(self.noise, found))

    def _fail(self, error: BaseException) -> None:
        self.failed.emit(error)


def _show(plot: IntervalPlot, found: Curves) -> None:
    if found.series:
        plot.show_series(found.series, found.across, found.up, found.rest)
    else:
        plot.show_nothing(found.nothing)


def _combo(name: str, items: list[tuple[str, object]]) -> QComboBox:
    made = ElidedCombo()
    made.setProperty("look", "small")
    made.setAccessibleName(name)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    for title, key in items:
        made.addItem(title, key)
    return made
