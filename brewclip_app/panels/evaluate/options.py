"""The card of options: splits, models, words, noise, crops; the plan and the start."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QComboBox, QPushButton, QSizePolicy, QWidget

from brewclip_app import wording
from brewclip_app.panels.evaluate.cells import CROP_TITLES
from brewclip_app.panels.evaluate.choices import NOISES, RATIOS, WORDS
from brewclip_app.panels.evaluate.data import DataChoices
from brewclip_app.panels.evaluate.models import ModelChoices
from brewclip_app.widgets.common import Card, ProgressRow, button, column, label, look, row, scrolling
from brewclip_app.widgets.elided_combo import ElidedCombo
from brewclip_app.widgets.flow_layout import FlowLayout

if TYPE_CHECKING:
    from brewclip_app.panels.evaluate.controller import EvaluateController, EvaluateState


class OptionsCard(Card):
    """Renders the options and the plan; every change goes to the controller."""

    def __init__(self, controller: "EvaluateController") -> None:
        super().__init__("What to evaluate", margin=14, space=8)
        self._controller = controller
        self.data, self.models = DataChoices(controller), ModelChoices(controller)
        self.words = _combo("Words", [(title, key) for key, title, _ in WORDS])
        self.noise = _combo("Kind of noise", [(f"{title} noise", key) for key, title in NOISES])
        self.clean = _chip("none")
        self.ratios = {ratio: _chip(f"{ratio} dB".replace("-", "\N{MINUS SIGN}")) for ratio in RATIOS}
        self.crops = {key: _chip(title) for key, title in {"": "as trained", **CROP_TITLES}.items()}
        self.drop = QCheckBox("Leave out unreadable files")
        self.drop.setToolTip("Otherwise a picture or recording that cannot be read counts as a miss")
        self.plan = label("", "quiet", wrap=True)
        self.plan.setMinimumHeight(2 * self.plan.fontMetrics().height() + 2)  # what is above it stays in place
        self.plan.setAlignment(Qt.AlignmentFlag.AlignBottom)
        self.start = button("Evaluate", controller.start, "main")
        self.progress = ProgressRow("Evaluating")
        self.progress.cancelled.connect(controller.stop)
        self._lay_out()
        self.words.currentIndexChanged.connect(lambda: controller.set_options(words=self.words.currentData()))
        self.noise.currentIndexChanged.connect(lambda: controller.set_options(noise=self.noise.currentData()))
        for chip in (self.clean, self.drop, *self.ratios.values(), *self.crops.values()):
            chip.toggled.connect(self._take_chips)
        self.render_state(controller.state)

    def _lay_out(self) -> None:
        inner = QWidget()
        box = column(label("Datasets", "heading"), self.data, 4, label("Models", "heading"), self.models, 4,
                     label("Words", "heading"), self.words, 4, label("Noise, signal to noise", "heading"),
                     _flow(self.clean, *self.ratios.values()), self.noise, 4,
                     label("Image crop", "heading"), _flow(*self.crops.values()), 2, self.drop, None, space=6)
        box.setContentsMargins(0, 0, 6, 0)
        inner.setLayout(box)
        self.body.addWidget(scrolling(inner), 1)
        self.body.addWidget(self.plan)
        self.body.addLayout(row(None, self.start))
        self.body.addWidget(self.progress)
        self.setMinimumWidth(280)

    def render_state(self, state: "EvaluateState") -> None:
        """Show the options, and the plan or the progress."""
        options, progress, missing = state.options, state.progress, state.options.missing()
        self.data.render_options(options)
        self.models.render_options(options)
        for combo, value in ((self.words, options.words), (self.noise, options.noise)):
            combo.setCurrentIndex(combo.findData(value))
        chips: dict[QAbstractButton, bool] = {
            self.clean: options.clean, self.drop: options.drop,
            **{chip: ratio in options.ratios for ratio, chip in self.ratios.items()},
            **{chip: key in options.crops for key, chip in self.crops.items()}}
        for chip, on in chips.items():
            chip.blockSignals(True)  # all of them are read at every change
            chip.setChecked(on)
            chip.blockSignals(False)
        self.noise.setEnabled(bool(options.ratios))
        self.progress.setVisible(progress is not None)
        self.start.setVisible(progress is None)
        self.start.setEnabled(not missing and not state.plan_error)
        if progress is not None:
            self.progress.set_progress(progress.done, progress.total)
            self.progress.cancel.setEnabled(not progress.stopping)
        look(self.plan, "care" if state.plan_error and progress is None else "quiet")
        self.plan.setText(progress.detail if progress else missing or state.plan_error or _plan_text(state))

    def _take_chips(self) -> None:
        self._controller.set_options(
            clean=self.clean.isChecked(), drop=self.drop.isChecked(),
            ratios=frozenset(ratio for ratio, chip in self.ratios.items() if chip.isChecked()),
            crops=frozenset(key for key, chip in self.crops.items() if chip.isChecked()))


def _plan_text(state: "EvaluateState") -> str:
    request, plan = state.options.request(), state.plan
    number = plan.setups if plan else len(request) if request else 0
    text = f"{number} {'evaluation' if number == 1 else 'evaluations'}" if number else ""
    if plan is None:
        return text
    return text + (f"; {wording.count(plan.recordings)} recordings to transcribe first, {wording.size(plan.nbytes)} of "
                   "cache" if plan.recordings else "; all recordings are transcribed already")


def _combo(name: str, items: list[tuple[str, str]]) -> QComboBox:
    made = ElidedCombo()
    made.setAccessibleName(name)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(12)
    for title, key in items:
        made.addItem(title, key)
    return made


def _chip(text: str) -> QPushButton:
    made = QPushButton(text)
    made.setCheckable(True)
    made.setAutoDefault(False)
    made.setProperty("look", "tick")
    return made


def _flow(*parts: QWidget) -> QWidget:
    made = QWidget()
    flow = FlowLayout(made)
    for part in parts:
        flow.addWidget(part)
    return made
