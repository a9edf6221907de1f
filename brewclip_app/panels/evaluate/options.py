"""What is to be evaluated: splits, models, words, noise, crops; what it comes to, and the start."""

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QPushButton, QSizePolicy, QWidget

from brewclip_app import wording
from brewclip_app.panels.evaluate.data import DataChoices
from brewclip_app.panels.evaluate.models import ModelChoices
from brewclip_app.panels.evaluate.view import CROP_TITLES
from brewclip_app.widgets.common import Card, ProgressRow, button, column, label, look, row, scrolling
from brewclip_app.widgets.elided_combo import ElidedCombo
from brewclip_app.widgets.flow_layout import FlowLayout

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from brewclip_app.jobs import Job
    from core.evaluation.evaluate import Plan
    from core.evaluation.records import Request

WORDS = (("transcripts", "What was heard", (False,)), ("captions", "The captions in its place", (True,)),
         ("both", "Both, one after the other", (False, True)))
RATIOS = (20, 10, 5, 0, -5)  # dB
NOISES = (("white", "white"), ("pink", "pink"), ("babble", "voices"))
STOPPING = "Stopping as soon as the present step is done."
PLAN_MS = 600  # after the last change


class OptionsCard(Card):
    """Choices in, `request` out; plans nothing itself."""

    changed = Signal()   # another request, a moment after the last choice
    started = Signal()
    cancelled = Signal()

    def __init__(self, context: "Context") -> None:
        super().__init__("What to evaluate", margin=14, space=8)
        self.data, self.models = DataChoices(context), ModelChoices()
        self.words = _combo("Words", [(title, key) for key, title, _ in WORDS])
        self.noise = _combo("Kind of noise", [(f"{title} noise", key) for key, title in NOISES])
        self.clean = _chip("none")
        self.ratios = {each: _chip(f"{each} dB".replace("-", "\N{MINUS SIGN}")) for each in RATIOS}
        self.crops = {key: _chip(title) for key, title in {"": "as trained", **CROP_TITLES}.items()}
        self.drop = QCheckBox("Leave out what cannot be read")
        self.drop.setToolTip("Else a picture or recording that cannot be read counts as missed")
        self.plan = label("", "quiet", wrap=True)
        self.plan.setMinimumHeight(2 * self.plan.fontMetrics().height() + 2)  # what it says changes, the rest stays
        self.plan.setAlignment(Qt.AlignmentFlag.AlignBottom)
        self.start = button("Evaluate", self.started.emit, "main")
        self.progress = ProgressRow("Evaluating")
        self._later = QTimer(self, singleShot=True, interval=PLAN_MS)
        self._later.timeout.connect(self.changed.emit)
        self._running = False
        self._lay_out()
        self._connect()
        for each in (self.clean, self.crops[""]):
            each.setChecked(True)

    def _lay_out(self) -> None:
        inner = QWidget()
        box = column(label("Datasets", "heading"), self.data, 4, label("Models", "heading"), self.models, 4,
                     label("Words", "heading"), self.words, 4, label("Noise, signal to noise", "heading"),
                     _flow(self.clean, *self.ratios.values()), self.noise, 4,
                     label("Image crop", "heading"), _flow(*self.crops.values()), 2, self.drop, None,
                     space=6)
        box.setContentsMargins(0, 0, 6, 0)
        inner.setLayout(box)
        scroll = scrolling(inner)
        self.body.addWidget(scroll, 1)
        self.body.addWidget(self.plan)
        self.body.addLayout(row(None, self.start))
        self.body.addWidget(self.progress)
        self.progress.hide()
        self.setMinimumWidth(280)

    def _connect(self) -> None:
        self.progress.cancelled.connect(self.cancelled)
        for part in (self.data, self.models):
            part.changed.connect(self._follow)
        for combo in (self.words, self.noise):
            combo.currentIndexChanged.connect(lambda _: self._follow())
        for chip in (self.clean, *self.ratios.values(), *self.crops.values(), self.drop):
            chip.toggled.connect(lambda _: self._follow())

    def request(self) -> "Request | None":
        """What is chosen; None while it comes to nothing."""
        from core.evaluation.records import DataChoice, ModelChoice, Request
        from core.features.noise import CLEAN, Condition

        models = tuple(ModelChoice(_path(each.checkpoint), each.backbone) for each in self.models.chosen())
        data = tuple(DataChoice(folder, split, kind, folder in self.data.linked)
                     for folder, split, kind in self.data.chosen())
        conditions = (*([CLEAN] if self.clean.isChecked() else []),
                      *(Condition(str(self.noise.currentData()), float(ratio)) for ratio, chip in self.ratios.items()
                        if chip.isChecked()))
        crops = tuple(key for key, chip in self.crops.items() if chip.isChecked())
        captions = next(found for key, _, found in WORDS if key == self.words.currentData())
        found = Request(models, data, captions, conditions, crops, self.drop.isChecked())
        return found if len(found) else None

    def missing(self) -> str:
        """What is still to be chosen, in a sentence; "" when nothing is."""
        if not self.data.folders():
            return "Add a dataset to begin with."
        for there, words in ((self.data.chosen(), "a split"), (self.models.chosen(), "a model"),
                             (self.request(), "at least one noise and one view of the pictures")):
            if not there:
                return f"Tick {words}."
        return ""

    def say_plan(self, plan: "Plan | None", words: str = "", wrong: bool = False) -> None:
        """What the request comes to, or why it cannot be."""
        if plan is not None:
            words = f"{plan.setups} {'evaluation' if plan.setups == 1 else 'evaluations'}"
            words += (f"; {wording.count(plan.recordings)} recordings are heard first, {wording.size(plan.nbytes)} of "
                      "cache" if plan.recordings else "; everything is heard already")
        look(self.plan, "care" if wrong else "quiet")
        self.plan.setText(words)
        self.start.setEnabled(not wrong and not self._running and not self.missing())

    def show_job(self, job: "Job | None") -> None:
        """How far the evaluation is."""
        self._running = job is not None
        self.progress.setVisible(self._running)
        self.start.setVisible(not self._running)
        self.start.setEnabled(not self._running and not self.missing())
        if job is not None:
            self.progress.set_progress(*job.progress.bar)
            look(self.plan, "quiet")
            self.plan.setText(STOPPING if job.cancelled else job.words() or "Loading the model")
            self.progress.cancel.setEnabled(not job.cancelled)
        elif not self.missing():
            self.plan.setText("")

    def save(self) -> dict[str, Any]:
        """All choices, to be remembered."""
        return {"folders": [str(each) for each in self.data.folders()], "splits": self.data.ticked(),
                "linked": [str(each) for each in sorted(self.data.linked)],
                "models": self.models.ticked(), "others": self.models.others, "words": self.words.currentData(),
                "noise": self.noise.currentData(), "clean": self.clean.isChecked(), "drop": self.drop.isChecked(),
                "ratios": [ratio for ratio, chip in self.ratios.items() if chip.isChecked()],
                "crops": [key for key, chip in self.crops.items() if chip.isChecked()]}

    def restore(self, state: dict[str, Any]) -> None:
        """What was remembered, or any part of it."""
        self.models.restore([str(each) for each in state.get("models", [])],
                            [str(each) for each in state.get("others", [])])
        for combo, key in ((self.words, "words"), (self.noise, "noise")):
            combo.setCurrentIndex(max(0, combo.findData(state.get(key))))
        self.clean.setChecked(bool(state.get("clean", True)))
        self.drop.setChecked(bool(state.get("drop", False)))
        for ratio, chip in self.ratios.items():
            chip.setChecked(ratio in state.get("ratios", []))
        for key, chip in self.crops.items():
            chip.setChecked(key in state.get("crops", [""]))
        self.data.restore(state.get("folders", []), state.get("splits", []), state.get("linked", []))
        self._follow()

    def _follow(self) -> None:
        self.noise.setEnabled(any(chip.isChecked() for chip in self.ratios.values()))
        missing = self.missing()
        self.say_plan(None, missing)
        if not missing:
            self._later.start()


def _path(text: str) -> Any:
    from pathlib import Path

    return Path(text) if text else None


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
