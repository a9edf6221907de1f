"""Table of all options of a recipe, for the Train panel's form, comparisons of runs and `docs/train.md`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Literal

from core.errors import ModelError, TrainingError
from core.figures import plain
from core.localisation import _
from core.models.variants import BrewClipOptions, Source
from core.training.recipe import Recipe, TrainingOptions, check

Value = str | int | float | bool

TITLES: Mapping[str, str] = MappingProxyType({  # where the field's own name is not a title
    "rate": _("Learning rate"), "warmup": _("Warm-up"), "final_rate": _("Final learning rate"),
                                              "clip": _("Gradient clipping"),
    "evaluate_every": _("Validate every"), "noise": _("Noise"), "choose_weight": _("Choose the acoustic weight"),
    "drop_unheard": _("Drop empty transcripts"), "max_cache_gb": _("Maximum cache growth"),
    "prompt_std": _("Prompt initialisation"), "cls_std": _("CLS initialisation"), "inner_weight": _("Inner loss α"),
    "learn_temperature": _("Learn temperature"), "acoustic_weight": _("Acoustic weight"), "gate": _("Gate"),
    "teach": _("Text distillation"), "loss": _("Form of the loss"), "same_image_negatives": _("Same-picture negatives"),
    "select": _("Model selection"), "captions": _("Captions as text"), "micro_batch": _("Micro-batch"),
    "dev_limit": _("Dev pictures"), "compile": _("Compile"),
    "beam": _("Beam size"),
})
FIRST = ("training.steps", "training.batch", "training.rate", "model.prompts", "model.inner_weight",
         "model.temperature")  # changed most often; the others are folded away
APART = ("training.device",)  # chosen at the start: it belongs to the machine, not to the recipe


@dataclass(frozen=True)
class Option:
    """One option: `key` is "training." or "model." and its field's name; `source`: where its default comes from."""

    key: str
    title: str
    about: str
    low: float
    high: float
    source: Source
    choices: tuple[str, ...]
    default: Value
    declared: Any = field(repr=False, compare=False)  # the dataclass field

    @property
    def name(self) -> str:
        """The field's name, as the command line and the recipe's file have it."""
        return self.key.partition(".")[2]

    @property
    def flag(self) -> str:
        """The argument of `brewclip train`."""
        return f"--{self.name.replace('_', '-')}"

    def check(self, value: object) -> None:
        """TrainingError ("options") when the option cannot have that value."""
        check(self.declared, value)

    def read(self, text: str) -> Value:
        """The value that a text names, spaces between digits left out. TrainingError ("options")."""
        if isinstance(self.default, str):
            self.check(text.strip())
            return text.strip()
        kind = type(self.default)
        try:
            value = kind("".join(text.split()))
        except ValueError:
            number = _("a whole number") if kind is int else _("a number")
            raise TrainingError(_("{title} is {number} from {low} to {high}.").format(title=self.title, number=number,
                                                                                      low=plain(self.low),
                                                                                      high=plain(self.high)),
                                "options") from None
        self.check(value)
        return value


def _options(group: Literal["training", "model"], record: Any) -> tuple[Option, ...]:
    return tuple(_option(group, declared) for declared in fields(record))


def _option(group: str, declared: Any) -> Option:
    facts, name = declared.metadata, declared.name
    return Option(f"{group}.{name}", TITLES.get(name, name.replace("_", " ").capitalize()), facts["about"],
                  facts["low"], facts["high"], facts["source"], facts["choices"], declared.default, declared)


OPTIONS: tuple[Option, ...] = (*_options("training", TrainingOptions), *_options("model", BrewClipOptions))
BY_KEY: Mapping[str, Option] = MappingProxyType({each.key: each for each in OPTIONS})

FACTS: Mapping[str, str] = MappingProxyType({  # of a run beside the options
    "preset": _("Preset"), "dataset": _("Dataset"), "variant": _("Variant"), "backbone": _("Backbone"),
                                             "crop": _("Image crop"),
    "train": _("Training split"),
    "dev": _("Development split")})
PAPER_CROP = Recipe.__dataclass_fields__["crop"].default


def values_of(recipe: Recipe) -> dict[str, Value]:
    """Every option's value by key."""
    return {option.key: getattr(getattr(recipe, option.key.partition(".")[0]), option.name) for option in OPTIONS}


def with_values(recipe: Recipe, values: Mapping[str, Value]) -> Recipe:
    """The recipe with some options changed. TrainingError ("options"): one cannot have its value."""
    parts: dict[str, dict[str, Any]] = {"training": {}, "model": {}}
    for key, value in values.items():
        BY_KEY[key].check(value)
        group, _unused, name = key.partition(".")
        parts[group][name] = value
    try:
        return replace(recipe, training=replace(recipe.training, **parts["training"]),
                       model=replace(recipe.model, **parts["model"]))
    except ModelError as error:
        raise TrainingError(str(error), "options") from error


def changed(recipe: Recipe) -> dict[str, Value]:
    """The options that are not at their default, by key, without the device."""
    values = values_of(recipe)
    return {option.key: values[option.key] for option in OPTIONS
            if values[option.key] != option.default and option.key not in APART}


def change_in_words(option: Option, value: Value) -> str:
    """An option and its value: "batch size 64"."""
    return f"{option.title[0].lower()}{option.title[1:]} {in_words(value)}"


def in_words(value: Value) -> str:
    """A value as people write it: on, off, none, 100000, 0.00000001."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return plain(value) if isinstance(value, float) else str(value) or "none"


def differences(recipes: Sequence[Recipe]) -> list[tuple[str, tuple[str, ...]]]:
    """Options in which recipes differ: title, and each recipe's value in words. [] for fewer than two."""
    found = []
    for title, values in _rows(recipes):
        if len(set(values)) > 1:
            found.append((title, tuple(values)))
    return found


def _rows(recipes: Sequence[Recipe]) -> Iterable[tuple[str, list[str]]]:
    for name, title in FACTS.items():
        yield title, [str(getattr(recipe, name)) or ("none" if name == "preset" else "automatic")
                      for recipe in recipes]
    tables = [values_of(recipe) for recipe in recipes]
    for option in OPTIONS:
        yield option.title, [in_words(table[option.key]) for table in tables]
