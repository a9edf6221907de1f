"""The recipe of the next run as a form: made from the table of options, with what it costs and the start below."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QSizePolicy, QWidget

from brewclip_app.panels.train import words as training_words
from brewclip_app.panels.train.option_row import Field, OptionRow, Value
from brewclip_app.widgets.common import Card, button, column, label, look, row, scrolling
from core.models.variants import VARIANTS, variant
from core.training.options import APART, FACTS, FIRST, OPTIONS, PAPER_CROP, SMALL_DATA, Option, with_values
from core.training.options import BY_KEY as BY_OPTION
from core.training.recipe import Recipe

if TYPE_CHECKING:
    from core.datasets.reports import DatasetReport

PAPER_BACKBONE = "ViT-L-14/openai"
TRAINED = tuple((each.name, each.name) for each in VARIANTS if each.prompts or each.acoustic)
DEVICES = BY_OPTION["training.device"].choices
SMALL = 5000  # utterances to learn from; below it the small recipe is offered
CROPS = {"centre": "centre crop", "letterbox": "letterbox", "squash": "squashed"}  # short, for a narrow field
BY_ITSELF = "automatic"
WHY_SMALL = ("{count} utterances are few for the paper's recipe, which was made for ten times as many and more. The "
             "recipe for small data lets the words teach the voice, over 1000 steps at a higher rate, without prompts, "
             "and chooses the weight of the voice on dev.")


class TrainForm(Card):
    """Holds the recipe as it would be started. `changed` comes with every edit."""

    changed = Signal()
    start = Signal()

    def __init__(self) -> None:
        super().__init__(margin=16)
        self.rows: dict[str, OptionRow] = {}
        self._report: DatasetReport | None = None
        self.all_back = button("All as in the paper", self.reset, "quiet-link")
        self.variant_words = label("", "quiet", wrap=True)
        self.small_words = label("", "quiet", wrap=True)
        self.small = button("Small-data recipe", self.take_small, "chip")
        self.small_box = _box(self.small, self.small_words)
        self.fold = button("", self._turn_fold, "quiet-link")
        self.more = QWidget()
        self.cost = label("", "quiet", wrap=True)
        self.device = QComboBox()
        self.device.setAccessibleName("Device")
        self.device.setToolTip("Where the run computes")
        self.device.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.device.setMinimumContentsLength(8)
        self.device.addItem("The fastest there is", "auto")
        self.device.currentIndexChanged.connect(lambda _: self.changed.emit())
        self.start_button = button("Start", self.start.emit, "main", tip="Begin the run (Ctrl+Return)")
        self._make_rows()
        self._lay_out()
        self.open_fold(False)
        self._follow()

    # --- what it holds ---

    def values(self) -> dict[str, Value]:
        """All values by key."""
        return {key: line.value for key, line in self.rows.items()}

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Take up values by key; keys and values of another release are left out."""
        for key, value in values.items():
            line = self.rows.get(key)
            if line is not None and _fits(line.field, value):
                line.set_value(value)
        self._follow()
        self.changed.emit()

    def recipe(self, folder: Path, kind: str, follow_links: bool = False) -> Recipe:
        """The recipe on a dataset. BrewclipError when a value cannot be one."""
        values = self.values()
        facts = {key: str(values[key]) for key in FACTS if key != "dataset"}
        plain = replace(Recipe(folder, kind=kind, follow_links=follow_links), **facts)  # type: ignore[arg-type]  # strings all
        options = {key: value for key, value in values.items() if key not in FACTS}
        return with_values(plain, {**options, "training.device": str(self.device.currentData() or "auto")})

    def problems(self) -> list[str]:
        """What must be put right before a run can begin."""
        return [line.problem for line in self.rows.values() if line.problem]

    def reset(self) -> None:
        """All options as in the paper."""
        for line in self.rows.values():
            if line.field.paper is not None:
                line.set_value(line.field.paper)
        self._follow()
        self.changed.emit()

    def take_small(self) -> None:
        """The options for about a thousand utterances."""
        self.set_values(SMALL_DATA)

    # --- what it is told ---

    def show_dataset(self, report: "DatasetReport | None") -> None:
        """Offer the dataset's splits; a training split that is not there must be chosen."""
        self._report = report
        names = [split.name for split in report.splits] if report else []
        self.rows["train"].set_choices(tuple((name, name) for name in names or ["train"]))
        self.rows["dev"].set_choices((("", BY_ITSELF), *((name, name) for name in names)))
        if report is not None and self.rows["dev"].value not in ("", *names):
            self.rows["dev"].set_value("")
        self._check_split()
        self._follow()

    def show_backbones(self, names: tuple[str, ...]) -> None:
        """Offer the backbones on this computer, the best one first; it is the choice until there is another."""
        line = self.rows["backbone"]
        line.set_choices(tuple((name, training_words.backbone(name)) for name in names))
        if line.value not in names and names:
            line.set_value(names[0])
            self.changed.emit()

    def show_devices(self, devices: tuple[tuple[str, str], ...]) -> None:
        """Offer devices as (key, name)."""
        chosen = self.device.currentData()
        self.device.blockSignals(True)
        self.device.clear()
        for key, name in devices:
            self.device.addItem(name, key)
        self.device.setCurrentIndex(max(0, self.device.findData(chosen)))
        self.device.blockSignals(False)

    def choose_device(self, key: str) -> None:
        """Choose a device, as soon as it is offered."""
        if self.device.findData(key) < 0 and key in DEVICES:
            self.device.addItem(key, key)
        self.device.setCurrentIndex(max(0, self.device.findData(key)))

    def say_cost(self, words: str, wrong: bool = False) -> None:
        """What the run would take, or why it cannot begin."""
        look(self.cost, "problem" if wrong else "quiet")
        self.cost.setText(words)
        self.cost.setVisible(bool(words))

    def open_fold(self, is_open: bool) -> None:
        """Show the rarer options, or hide them."""
        self.more.setVisible(is_open)
        hidden = [line for line in self.rows.values() if line.parent() is self.more]
        changed = sum(line.is_changed for line in hidden)
        words = "Fewer options" if is_open else f"{len(hidden)} more options" + (
            f", {changed} changed" if changed else "")
        self.fold.setText(f"{'▾' if is_open else '▸'} {words}")

    @property
    def is_open(self) -> bool:
        """Whether the rarer options are shown."""
        return not self.more.isHidden()

    def _turn_fold(self) -> None:
        self.open_fold(not self.is_open)

    # --- how it is made ---

    def _make_rows(self) -> None:
        crops = tuple(CROPS.items())
        for field in (
                Field("variant", "Variant", "Which parts are trained.", None, "full", TRAINED),
                Field("backbone", "Backbone", f"The CLIP model underneath, which stays as it is. The paper's is "
                      f"{training_words.backbone(PAPER_BACKBONE)}.", None, "auto", (("auto", "the best here"),)),
                *(_field(each) for each in OPTIONS if each.key in FIRST),
                Field("crop", FACTS["crop"], "Image crop.", str(PAPER_CROP), str(PAPER_CROP), crops),
                Field("train", FACTS["train"], "The split that is learnt from.", None, "train", (("train", "train"),)),
                Field("dev", FACTS["dev"], "The split on which the best model is chosen.", None, "",
                      (("", BY_ITSELF),)),
                *(_field(each) for each in OPTIONS if each.key not in (*FIRST, *APART))):
            line = self.rows[field.key] = OptionRow(field)
            line.changed.connect(self._edited)

    def _lay_out(self) -> None:
        first = [self.rows[key] for key in ("variant", "backbone", *FIRST, "crop")]
        later = [line for line in self.rows.values() if line not in first]
        plain, beyond = ([line for line in later if line.field.beyond is which] for which in (False, True))
        more = column(*plain, label("Beyond the paper", "heading"), *beyond, space=8)
        self.more.setLayout(more)
        inner = QWidget()
        rows = column(*first[:1], self.variant_words, *first[1:], self.small_box, row(self.fold, None), self.more, None,
                      space=8)
        rows.setContentsMargins(0, 0, 6, 0)
        inner.setLayout(rows)
        scroll = scrolling(inner)
        self.hint = label("(the paper's; changed ones are marked)", "quiet")
        head = row(label("Options", "heading"), self.hint, None, self.all_back)
        foot = row(self.device, self.start_button, space=8)
        foot.setStretch(0, 1)
        self.body.addLayout(head)
        self.body.addWidget(scroll, 1)
        self.body.addWidget(self.cost)
        self.body.addLayout(foot)

    # --- what follows from an edit ---

    def _edited(self, key: str) -> None:
        if key == "train":
            self._check_split()
        self._follow()
        self.changed.emit()

    def _check_split(self) -> None:
        line, report = self.rows["train"], self._report
        names = [split.name for split in report.splits] if report else []
        gone = report is not None and line.value not in names
        line.say("Choose the split to learn from: this dataset has none of that name." if gone else "")
        if gone:
            self.open_fold(True)

    def _follow(self) -> None:
        self.variant_words.setText(variant(str(self.rows["variant"].value)).about)
        changed = any(line.is_changed or line.problem for line in self.rows.values())
        self.all_back.setVisible(changed)
        self.hint.setVisible(not changed)
        self.open_fold(self.is_open)
        count = self._learnt_from()
        small = all(self.rows[key].value == value for key, value in SMALL_DATA.items() if key != "training.steps")
        self.small_box.setVisible(0 < count < SMALL and not small)
        self.small_words.setText(WHY_SMALL.format(count=count))

    def _learnt_from(self) -> int:
        splits = self._report.splits if self._report else ()
        return next((each.utterances for each in splits if each.name == self.rows["train"].value), 0)


def _field(option: Option) -> Field:
    return Field(option.key, option.title, option.about, option.default, option.default,
                 tuple((each, each) for each in option.choices), option.beyond, option.read)


def _fits(field: Field, value: object) -> bool:
    kind = type(field.first)
    if type(value) is not kind and not (kind is float and type(value) is int):
        return False
    try:
        return isinstance(value, str | bool) or field.read(str(value)) == value
    except Exception:
        return False


def _box(chip: QWidget, words: QWidget) -> QWidget:
    made = QWidget()
    chip.setMinimumHeight(24)  # lower, its round ends would be drawn square
    inner = column(row(chip, None), words, space=4)
    inner.setContentsMargins(0, 4, 0, 4)
    made.setLayout(inner)
    return made
