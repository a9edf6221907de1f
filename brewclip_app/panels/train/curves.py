"""A card with curves of one or several runs, chosen by a box in its head."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QComboBox, QPushButton, QSizePolicy, QWidget

from brewclip_app.localisation import _, as_shown
from brewclip_app.panels.train import words as training_words
from brewclip_app.panels.train.curve_plot import CurveLine, CurvePlot, Reference, Swatch
from brewclip_app.widgets.common import Card, ElidedLabel, clear, label, look, row
from brewclip_app.widgets.figure_export import Draw, FigureExporter
from brewclip_app.widgets.flow_layout import FlowLayout
from core import plain_json
from core.plots.charts import draw_chart
from core.plots.style import DrawnFigure
from core.training.runs import CURVES, CurveKind

if TYPE_CHECKING:
    from core.training.runs import RunRecord

BY_KEY = {kind.key: kind for kind in CURVES}
ROLES = ("main", "voice", "transcript", "good", "care", "words")
RUN_DASHES = ("solid", "dash", "dot", "dash-dot")
PARTS = {"outer": "main", "inner": "voice"}  # addends of the loss


@dataclass(frozen=True)
class Choice:
    """A choice of a card: curves that share an axis."""

    key: str
    title: str
    curves: tuple[CurveKind, ...]


def choices(event: str) -> tuple[Choice, ...]:
    """Choices of curves over training steps ("step") or over validations ("dev")."""
    single = [Choice(kind.key, _title(kind), (kind,)) for kind in CURVES
              if kind.event == event and kind.key not in PARTS]
    parts = Choice("parts", _("Loss, outer and inner"), tuple(BY_KEY[key] for key in PARTS))
    return (parts, *single) if event == "step" else tuple(single)


def _title(kind: CurveKind) -> str:
    """Short title that begins with the metric: cards are narrow."""
    direction, _unused, at = kind.key.partition(".")
    return _("Dev {at}, {replace}").format(at=at, replace=direction.replace("_", " ")) if at else kind.title


class CurveCard(Card):
    """Plot of one curve, or of the loss, for each run."""

    def __init__(self, offered: Sequence[Choice], first: str, exporter: FigureExporter | None = None) -> None:
        super().__init__(margin=12, space=4)
        self._offered = {choice.key: choice for choice in offered}
        self._records: tuple[RunRecord, ...] = ()
        self._zero_shot: dict[Path, Mapping[str, Any]] = {}  # zero-shot metrics on dev, by run
        self._names: tuple[tuple[str, str, str], ...] = ()
        self.choice = look(QComboBox(), "heading")
        self.choice.setAccessibleName(_("Curve"))
        self.choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.choice.setMinimumContentsLength(8)
        self.choice.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for choice in offered:
            self.choice.addItem(as_shown(choice.title), choice.key)
        self.choose(first)
        self.legend = QWidget()
        self._legend_box = FlowLayout(self.legend)
        self.plot = CurvePlot()
        self.zoom = look(QPushButton(_("Zoom")), "tick")
        self.zoom.setCheckable(True)
        self.zoom.setToolTip(_("Fit the axis to the values instead of 0 to 100 %"))
        self.zoom.toggled.connect(self.plot.zoom)
        head = row(self.choice, self.zoom, *([exporter.button("curve", self.drawing)] if exporter else []), space=6)
        head.setStretch(0, 1)
        self.body.addLayout(head)
        self.body.addWidget(self.legend)
        self.body.addWidget(self.plot, 1)
        self.limits = label("", "quiet", wrap=True)
        self.body.addWidget(self.limits)
        self.choice.currentIndexChanged.connect(self._show)

    @property
    def key(self) -> str:
        """Key of the current choice."""
        return str(self.choice.currentData())

    def choose(self, key: str) -> None:
        """Show another choice; an unknown key is ignored."""
        if key in self._offered:
            self.choice.setCurrentIndex(self.choice.findData(key))

    def show_runs(self, records: "Sequence[RunRecord]") -> None:
        """Plot the curves of these runs together."""
        self._records = tuple(records)
        self._show()

    def drawing(self) -> Draw | None:
        """Drawing of the plot for print; None while no line has a point."""
        chart = self.plot.chart(self.choice.currentText())
        return (lambda width, report: DrawnFigure(draw_chart(chart, width))) if chart.series else None

    def lines(self) -> list[CurveLine]:
        """The lines of the plot."""
        choice, several = self._offered[self.key], len(self._records) > 1
        names = training_words.names(self._records)
        lines = []
        for number, record in enumerate(self._records):
            for kind in choice.curves:
                curve = record.curve(kind.key)
                if kind.key in PARTS and not any(curve.values):  # variants without the inner loss log zeros
                    continue
                if not curve.steps:
                    continue
                name, role, dash = _appearance(names[record.path], number, kind.key, several, len(choice.curves) > 1)
                lines.append(CurveLine(name, curve.steps, curve.values, role, dash))
        return lines

    def _show(self) -> None:
        lines = self.lines()
        unit = self._offered[self.key].curves[0].unit
        self.zoom.setVisible(unit == "%")
        self.plot.setAccessibleName(self.choice.currentText())
        self.plot.show_lines(lines, unit, self._reference(), self._nothing())
        self._show_legend(lines)
        names = training_words.names(self._records)
        limits = [f"{names[record.path]}: {training_words.dev(record)}" for record in self._records
                  if self._offered[self.key].curves[0].event == "dev" and training_words.dev(record) != "dev"]
        self.limits.setText(" · ".join(limits))
        self.limits.setVisible(bool(limits))

    def _reference(self) -> Reference | None:
        """Zero-shot level on dev, where a run's model has it; of the first of several runs."""
        kind = self._offered[self.key].curves[0]
        if kind.event != "dev" or kind.unit != "%":
            return None
        for record in self._records:
            if record.usable and record.path not in self._zero_shot and (metrics := zero_shot_of(record.path)):
                self._zero_shot[record.path] = metrics
            value = kind.value(self._zero_shot.get(record.path, {}))
            if value is not None:
                return Reference(_("zero-shot {value:.1f}").format(value=value), value)
        return None

    def _nothing(self) -> str:
        if not self._records:
            return _("No run selected")
        if self.key == "memory":
            return _("Measured on a GPU only")
        return _("Nothing yet")

    def _show_legend(self, lines: Sequence[CurveLine]) -> None:
        names = tuple((line.name, line.role, line.dash) for line in lines)
        self.legend.setVisible(len(names) > 1)
        if names == self._names:
            return
        self._names = names
        clear(self._legend_box)
        for name, role, dash in names:
            part = QWidget()
            words = ElidedLabel(name, "quiet")
            words.setMaximumWidth(180)
            part.setLayout(row(Swatch(role, dash), words, space=5))
            self._legend_box.addWidget(part)
        self.legend.updateGeometry()


def zero_shot_of(run: Path) -> Mapping[str, Any]:
    """Zero-shot metrics on dev from the metadata of the run's model; {} where there are none."""
    try:
        metrics = plain_json.read(run / "best" / "run.json")["metrics"]["zero_shot"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return metrics if isinstance(metrics, dict) else {}


def _appearance(name: str, number: int, key: str, several: bool, parts: bool) -> tuple[str, str, str]:
    """Name, colour and dash of a line: a single run has a colour for each part, several runs a colour each."""
    if not several:
        return (BY_KEY[key].title.split(",")[0] if parts else BY_KEY[key].title), PARTS.get(key, "main"), "solid"
    dash = ("dot" if key == "inner" else "solid") if parts else RUN_DASHES[number // len(ROLES) % len(RUN_DASHES)]
    return (f"{name}, {key}" if parts else name), ROLES[number % len(ROLES)], dash
