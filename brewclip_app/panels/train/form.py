"""The recipe of the next run as a form made from the table of options, with the cost and Start below."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QComboBox, QSizePolicy, QWidget

from brewclip_app.localisation import _, as_shown
from brewclip_app.panels.train import words as training_words
from brewclip_app.panels.train.option_row import Field, OptionRow, Value
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import Card, button, column, label, look, row, scrolling
from core.models.variants import VARIANTS, variant
from core.training import presets
from core.training.options import APART, FACTS, FIRST, OPTIONS, PAPER_CROP, Option
from core.training.options import BY_KEY as BY_OPTION

if TYPE_CHECKING:
    from brewclip_app.panels.train.controller import TrainState
    from core.datasets.reports import DatasetReport

PAPER_BACKBONE = "ViT-L-14/openai"
TRAINED = tuple((variant.name, variant.name) for variant in VARIANTS if variant.prompts or variant.acoustic)
DEVICES = BY_OPTION["training.device"].choices
SMALL = 5000  # utterances to learn from; below it the small recipe is offered
CROPS = {"centre": _("centre crop"), "letterbox": "letterbox", "squash": "squashed"}  # short, for a narrow field
PRESETS = (("", _("none: the defaults")), *((preset.name, preset.title) for preset in presets.PRESETS))
AUTOMATIC = "automatic"
WHY_SMALL = (_("{count} utterances are few for the paper's recipe, which was made for ten times as many and more. The "
               "recipe for small data adds text distillation, trains 1000 steps at a higher learning rate without "
               "prompts, and chooses the acoustic weight on dev."))


class TrainForm(Card):
    """Holds the options. `changed` is called with the values, the problems and the device after every edit."""

    def __init__(self, changed: "Callable[[dict[str, Value], list[str], str], object]") -> None:
        super().__init__(margin=16)
        self._report_change = changed
        self._devices: tuple[tuple[str, str], ...] = ()
        self.rows: dict[str, OptionRow] = {}
        self._report: DatasetReport | None = None
        self.all_back = button(_("Reset all"), self.reset, "quiet-link")
        self.preset_about = label("", "quiet", wrap=True)
        self.variant_about = label("", "quiet", wrap=True)
        self.small_about = label("", "quiet", wrap=True)
        self.small = button(_("Small-data recipe"), lambda: self.choose_preset("small-data"), "chip")
        self.small_box = _box(self.small, self.small_about)
        self.fold = button("", lambda: self.open_fold(not self.is_open), "quiet-link")
        self.more = QWidget()
        self.cost = label("", "quiet", wrap=True)
        self.device = QComboBox()
        self.device.setAccessibleName(_("Device"))
        self.device.setToolTip(_("Device of the run"))
        self.device.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.device.setMinimumContentsLength(8)
        self.device.addItem(_("Fastest available"), "auto")
        self.device.currentIndexChanged.connect(lambda _unused: self._emit())
        self.start_button = button(_("Start"), name="main", tip=_("Begin the run (Ctrl+Return)"))
        self.estimate_button = button(_("Estimate…"),
                                      tip=_("Measure some steps with these options: time and memory of the run; no "
                                            "run is begun (Ctrl+T)"))
        self._make_rows()
        self._lay_out()
        self.open_fold(False)
        self._follow()

    # ---- values

    def values(self) -> dict[str, Value]:
        """All values by key."""
        return {key: line.value for key, line in self.rows.items()}

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Set values by key; keys and values of another release are left out."""
        for key, value in values.items():
            line = self.rows.get(key)
            if line is not None and _fits(line.field, value):
                line.set_value(value)
        self._compare_with_preset()
        self._follow()
        self._emit()

    def problems(self) -> list[str]:
        """Sentences on values that are not valid."""
        return [line.problem for line in self.rows.values() if line.problem]

    def reset(self) -> None:
        """Set all options to the values of the preset, or to the defaults."""
        for line in self.rows.values():
            if line.reference is not None:
                line.set_value(line.reference)
        self._follow()
        self._emit()

    def choose_preset(self, name: str) -> None:
        """Set all options to the values of a preset; "" to the defaults."""
        self.rows["preset"].set_value(name)
        self._compare_with_preset()
        self.reset()

    def _compare_with_preset(self) -> None:
        """Mark options against the preset that is chosen."""
        preset = presets.BY_NAME.get(str(self.rows["preset"].value))
        for option in OPTIONS:
            if option.key in self.rows:
                value = option.default if preset is None else preset.value(option.key)
                self.rows[option.key].set_reference(value, "" if preset is None else preset.title.lower())

    # ---- state

    def render_state(self, state: "TrainState") -> None:
        """Show the splits of the dataset, the devices, the cost, and whether a run can begin."""
        if state.report is not self._report:
            self.show_dataset(state.report)  # which changes the state: the rest is rendered by then
            return
        if state.devices != self._devices:
            self.show_devices(state.devices)
        look(self.cost, "problem" if state.cost_problem else "quiet")
        self.cost.setText(state.cost)
        self.cost.setVisible(bool(state.cost))
        self.start_button.setEnabled(state.recipe is not None)
        self.estimate_button.setText(_("Cancel") if state.measuring else _("Estimate…"))
        self.estimate_button.setEnabled(state.recipe is not None or state.measuring)

    def show_dataset(self, report: "DatasetReport | None") -> None:
        """Offer the splits of the dataset; a missing training split must be chosen."""
        self._report = report
        names = [split.name for split in report.splits] if report else []
        self.rows["train"].set_choices(tuple((name, name) for name in names or ["train"]))
        self.rows["dev"].set_choices((("", AUTOMATIC), *((name, name) for name in names)))
        if report is not None and self.rows["dev"].value not in ("", *names):
            self.rows["dev"].set_value("")
        self._check_split()
        self._follow()
        self._emit()

    def show_backbones(self, names: tuple[str, ...]) -> None:
        """Offer the backbones on this computer, the best one first, which is the default."""
        line = self.rows["backbone"]
        line.set_choices(tuple((name, training_words.backbone(name)) for name in names))
        if line.value not in names and names:
            line.set_value(names[0])
            self._emit()

    def show_devices(self, devices: tuple[tuple[str, str], ...]) -> None:
        """Offer devices as (key, name)."""
        chosen, self._devices = self.device.currentData(), devices
        self.device.blockSignals(True)
        self.device.clear()
        for key, name in devices:
            self.device.addItem(as_shown(name), key)
        self.device.setCurrentIndex(max(0, self.device.findData(chosen)))
        self.device.blockSignals(False)

    def choose_device(self, key: str) -> None:
        """Choose a device, as soon as it is offered."""
        if self.device.findData(key) < 0 and key in DEVICES:
            self.device.addItem(as_shown(key), key)
        self.device.setCurrentIndex(max(0, self.device.findData(key)))

    def open_fold(self, is_open: bool) -> None:
        """Show the less common options, or hide them."""
        self.more.setVisible(is_open)
        hidden = [line for line in self.rows.values() if line.parent() is self.more]
        changed = sum(line.is_changed for line in hidden)
        words = _("Fewer options") if is_open else _("{hidden} more options").format(hidden=len(hidden)) + (
            _(", {changed} changed").format(changed=changed) if changed else "")
        self.fold.setText(f"{'▾' if is_open else '▸'} {words}")

    @property
    def is_open(self) -> bool:
        """Whether the less common options are shown."""
        return not self.more.isHidden()

    # ---- layout

    def _make_rows(self) -> None:
        crops = tuple(CROPS.items())
        for field in (
                Field("preset", FACTS["preset"],
                      _("Values of all options: those of the paper, of the authors' code, or for small data."), None,
                      "", PRESETS),
                Field("variant", _("Variant"), _("Parts that are trained."), None, "full", TRAINED),
                Field("backbone", _("Backbone"),
                      _("The frozen CLIP model; the paper's is {backbone}.").format(
                          backbone=training_words.backbone(PAPER_BACKBONE)), None, "auto",
                      (("auto", _("best available")),)),
                *(_field(option) for option in OPTIONS if option.key in FIRST),
                Field("crop", FACTS["crop"], _("Part of the picture that the model sees."), str(PAPER_CROP),
                      str(PAPER_CROP), crops, "paper"),
                Field("train", FACTS["train"], _("Split to train on."), None, "train", (("train", "train"),)),
                Field("dev", FACTS["dev"], _("Split on which the best model is chosen."), None, "",
                      (("", AUTOMATIC),)),
                *(_field(option) for option in OPTIONS if option.key not in (*FIRST, *APART))):
            self.rows[field.key] = OptionRow(field, self._edited)

    def _lay_out(self) -> None:
        first = [self.rows[key] for key in ("preset", "variant", "backbone", *FIRST, "crop")]
        later = [line for line in self.rows.values() if line not in first]
        own = [line for line in later if line.field.source == "ours" and line.field.key in BY_OPTION]
        more = column(*(line for line in later if line not in own),
                      label(_("This program's own"), "heading"), *own, space=8)
        self.more.setLayout(more)
        inner = QWidget()
        rows = column(first[0], self.preset_about, first[1], self.variant_about, *first[2:], self.small_box,
                      row(self.fold, None), self.more, None, space=8)
        rows.setContentsMargins(0, 0, 6, 0)
        inner.setLayout(rows)
        scroll = scrolling(inner)
        self.hint = label(_("(changes are marked)"), "quiet")
        head = row(label(_("Options"), "heading"), self.hint, None, self.all_back)
        foot = row(self.device, self.estimate_button, self.start_button, space=8)
        foot.setStretch(0, 1)
        self.body.addLayout(head)
        self.body.addWidget(scroll, 1)
        self.body.addWidget(self.cost)
        self.body.addLayout(foot)

    # ---- edits

    def _edited(self, key: str) -> None:
        if key == "train":
            self._check_split()
        if key == "preset":
            self._compare_with_preset()
            self.reset()
            return
        self._follow()
        self._emit()

    def _emit(self) -> None:
        self._report_change(self.values(), self.problems(), str(self.device.currentData() or "auto"))

    def _check_split(self) -> None:
        line, report = self.rows["train"], self._report
        names = [split.name for split in report.splits] if report else []
        gone = report is not None and line.value not in names
        line.set_problem(_("Choose the split to train on: this dataset has none of that name.") if gone else "")
        if gone:
            self.open_fold(True)

    def _follow(self) -> None:
        self.variant_about.setText(variant(str(self.rows["variant"].value)).about)
        preset = presets.BY_NAME.get(str(self.rows["preset"].value))
        differences = () if preset is None else preset.differences
        self.preset_about.setText("" if preset is None else preset.about + (
            _(" {differences} points cannot be followed (docs/paper.md).").format(differences=len(differences))
                                                                            if differences else ""))
        self.preset_about.setToolTip(plain_tip("\n".join(f"{text[0].upper()}{text[1:]}." for text in differences)))
        self.preset_about.setVisible(preset is not None)
        changed = any(line.is_changed or line.problem for line in self.rows.values())
        self.all_back.setVisible(changed)
        self.hint.setVisible(not changed)
        self.open_fold(self.is_open)
        count = self._training_utterances()
        small = all(self.rows[key].value == value for key, value in presets.preset("small-data").values.items()
                    if key != "training.steps")
        self.small_box.setVisible(0 < count < SMALL and not small)
        self.small_about.setText(WHY_SMALL.format(count=count))

    def _training_utterances(self) -> int:
        splits = self._report.splits if self._report else ()
        return next((split.utterances for split in splits if split.name == self.rows["train"].value), 0)


def _field(option: Option) -> Field:
    return Field(option.key, option.title, option.about, option.default, option.default,
                 tuple((each, each) for each in option.choices), option.source, option.read)


def _fits(field: Field, value: object) -> bool:
    kind = type(field.first)
    if type(value) is not kind and not (kind is float and type(value) is int):
        return False
    try:
        return isinstance(value, str | bool) or field.read(str(value)) == value
    except Exception:
        return False


def _box(chip: QWidget, words: QWidget) -> QWidget:
    widget = QWidget()
    chip.setMinimumHeight(24)  # lower, its round ends would be drawn square
    inner = column(row(chip, None), words, space=4)
    inner.setContentsMargins(0, 4, 0, 4)
    widget.setLayout(inner)
    return widget
