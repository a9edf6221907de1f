"""The card of options: splits, models, words, noise, crops; the plan and the start."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QPushButton, QVBoxLayout, QWidget

from brewclip_app import wording
from brewclip_app.localisation import _, as_shown, ngettext
from brewclip_app.panels.evaluate.cells import CROP_TITLES
from brewclip_app.panels.evaluate.choices import NOISES, RATIOS, WORDS, EvaluateOptions, ModelOption
from brewclip_app.panels.evaluate.data import DataChoices
from brewclip_app.plain_text import plain_caption, plain_tip
from brewclip_app.widgets.common import (
    Card,
    ProgressRow,
    button,
    clear,
    column,
    label,
    look,
    row,
    scrolling,
    tab_before,
)
from brewclip_app.widgets.elided_combo import ElidedCombo
from brewclip_app.widgets.file_dialogs import ask_folder
from brewclip_app.widgets.flow_layout import FlowLayout

if TYPE_CHECKING:
    from brewclip_app.panels.evaluate.controller import EvaluateController, EvaluateState
LONGEST = 34  # characters of a title


class OptionsCard(Card):
    """Renders the options and the plan; every change goes to the controller."""

    def __init__(self, controller: "EvaluateController") -> None:
        super().__init__(_("What to evaluate"), margin=14, space=8)
        self._controller = controller
        self.data, self.models = DataChoices(controller), ModelChoices(controller)
        self.words = ElidedCombo(_("Words"), [(title, key) for key, title, _unused in WORDS], characters=12)
        self.noise = ElidedCombo(_("Kind of noise"),
                                 [(_("{title} noise").format(title=title), key) for key, title in NOISES],
                                 characters=12)
        self.clean = _chip("none")
        self.ratios = {ratio: _chip(f"{ratio} dB".replace("-", "\N{MINUS SIGN}")) for ratio in RATIOS}
        self.crops = {key: _chip(title) for key, title in {"": "as trained", **CROP_TITLES}.items()}
        self.drop = QCheckBox(_("Leave out unreadable files"))
        self.drop.setToolTip(_("Otherwise a picture or recording that cannot be read counts as a miss"))
        self.plan = label("", "quiet", wrap=True)
        self.plan.setMinimumHeight(2 * self.plan.fontMetrics().height() + 2)  # what is above it stays in place
        self.plan.setAlignment(Qt.AlignmentFlag.AlignBottom)
        self.start = button(_("Evaluate"), controller.start, "main")
        self.progress = ProgressRow(_("Evaluating"))
        self.progress.cancelled.connect(controller.stop)
        self._lay_out()
        self.words.currentIndexChanged.connect(lambda: controller.set_options(words=self.words.currentData()))
        self.noise.currentIndexChanged.connect(lambda: controller.set_options(noise=self.noise.currentData()))
        for chip in (self.clean, self.drop, *self.ratios.values(), *self.crops.values()):
            chip.toggled.connect(self._choose_splits)
        self.render_state(controller.state)

    def _lay_out(self) -> None:
        inner = QWidget()
        box = column(label(_("Datasets"), "heading"), self.data, 4, label(_("Models"), "heading"), self.models, 4,
                     label(_("Words"), "heading"), self.words, 4, label(_("Noise, signal to noise"), "heading"),
                     _flow(self.clean, *self.ratios.values()), self.noise, 4,
                     label(_("Image crop"), "heading"), _flow(*self.crops.values()), 2, self.drop, None, space=6)
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

    def _choose_splits(self) -> None:
        self._controller.set_options(
            clean=self.clean.isChecked(), drop=self.drop.isChecked(),
            ratios=frozenset(ratio for ratio, chip in self.ratios.items() if chip.isChecked()),
            crops=frozenset(key for key, chip in self.crops.items() if chip.isChecked()))


def _plan_text(state: "EvaluateState") -> str:
    request, plan = state.options.request(), state.plan
    number = plan.setups if plan else len(request) if request else 0
    text = ngettext("{number} evaluation", "{number} evaluations", number).format(number=number) if number else ""
    if plan is None:
        return text
    return (text
            + (_("; {recordings} recordings to transcribe first, {nbytes} of cache").format(
                recordings=wording.count(plan.recordings), nbytes=wording.size(plan.nbytes)) if plan.recordings
               else _("; all recordings are transcribed already")))


def _chip(text: str) -> QPushButton:
    chip = QPushButton(text)
    chip.setCheckable(True)
    chip.setAutoDefault(False)
    chip.setProperty("look", "tick")
    return chip


def _flow(*parts: QWidget) -> QWidget:
    widget = QWidget()
    flow = FlowLayout(widget)
    for part in parts:
        flow.addWidget(part)
    return widget


class ModelChoices(QWidget):
    """Renders the models of the options and calls the controller."""

    def __init__(self, controller: "EvaluateController") -> None:
        super().__init__()
        self._controller = controller
        self._boxes: dict[str, QCheckBox] = {}
        self._models: tuple[ModelOption, ...] = ()
        self.rows = QVBoxLayout()
        self.rows.setSpacing(4)
        self._add_button = button(_("Add a model folder…"), self._ask, icon="plus")
        self.setLayout(column(self.rows, row(self._add_button, None), space=6))

    def render_options(self, options: EvaluateOptions) -> None:
        """Show the models and which are ticked."""
        if options.models != self._models:
            self._models, self._boxes = options.models, {}
            clear(self.rows)
            rows = [self._row(model) for model in options.models]
            for part in rows:
                self.rows.addWidget(part)
            tab_before(self._add_button, *rows)
        for model in options.models:
            self._boxes[model.key].setChecked(model.key in options.ticked and not model.problem)

    def _ask(self) -> None:
        ask_folder(self, "model", _("Folder of a run or a checkpoint"), self._controller.add_model)

    def _row(self, model: ModelOption) -> QWidget:
        title = model.title if len(model.title) <= LONGEST else f"{model.title[:LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
        box = self._boxes[model.key] = QCheckBox(plain_caption(title))
        box.setAccessibleName(f"{as_shown(model.title)}, {as_shown(model.about)}")
        box.setToolTip(plain_tip(model.checkpoint or model.title))
        box.setEnabled(not model.problem)
        box.clicked.connect(lambda on: self._controller.tick_model(model.key, on))
        about = label(model.problem or model.about, "care" if model.problem else "quiet", wrap=True)
        about.setContentsMargins(26, 0, 0, 0)
        widget = QWidget()
        widget.setLayout(column(box, about, space=0))
        about.setVisible(bool(about.text()))  # once it has a parent: it would flash as a window and take the focus
        return widget
