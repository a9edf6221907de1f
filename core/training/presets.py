"""Presets of a recipe: what the paper says, what the authors' code does, and what works on little data."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from core.errors import TrainingError
from core.localisation import _
from core.training.options import APART, OPTIONS, PAPER_CROP, Value, change_in_words, values_of, with_values
from core.training.recipe import Recipe


@dataclass(frozen=True)
class Preset:
    """Values of options by key, where they differ from the defaults, and what of its source cannot be followed."""

    name: str
    title: str
    about: str
    values: Mapping[str, Value]
    differences: tuple[str, ...] = ()

    def apply(self, recipe: Recipe) -> Recipe:
        """The recipe with the preset's values, and with its name."""
        return replace(with_values(recipe, self.values), preset=self.name)

    def value(self, key: str) -> Value:
        """The preset's value of an option."""
        return self.values.get(key, _DEFAULTS[key])


_DEFAULTS: Mapping[str, Value] = MappingProxyType({option.key: option.default for option in OPTIONS})

PRESETS: tuple[Preset, ...] = (
    Preset("paper", _("Paper"),
           _("What the text of the paper says; what it leaves open is as in the authors' code or ours."),
           MappingProxyType({"training.same_image_negatives": True, "training.drop_unheard": True})),
    Preset("authors", _("Authors' code"), _("What the authors' public code does, where it differs from the text."),
           MappingProxyType({
               "training.loss": "authors", "training.replicas": 3, "training.select": "r1",
               "training.drop_unheard": True, "training.evaluate_every": 937, "training.beam": 5,
               "training.padding": "window", "model.inner_weight": 0.0, "model.learn_temperature": False}),
           (_("the authors select the model on the test split; here it is selected on the dev split"),
            _("the authors transcribe with Whisper base.en and cut recordings at pauses with a voice activity "
              "detector; here the recogniser is that of the settings (recogniser whisper-base.en is theirs), without "
              "a detector"),
            _("the authors validate after every epoch; here after every 937 steps, an epoch of Flickr8k"))),
    Preset("small-data", _("Small data"), _("For about a thousand utterances; see docs/train.md."),
           MappingProxyType({
               "training.steps": 1000, "training.rate": 1e-3, "training.evaluate_every": 100,
               "training.choose_weight": True, "training.teach": 30.0, "training.teach_temperature": 0.15,
               "model.prompts": 0, "model.heads": 32, "model.feed_forward": 1024, "model.dropout": 0.2,
               "model.mask_states": 0.3, "model.inner_weight": 0.9})),
)
BY_NAME: Mapping[str, Preset] = MappingProxyType({preset.name: preset for preset in PRESETS})


def preset(name: str) -> Preset:
    """The preset of that name. TrainingError ("preset") when there is none."""
    if name not in BY_NAME:
        raise TrainingError(_("There is no preset {name!r}; choose one of {by_name}.").format(name=name,
                                                                                              by_name=", ".join(
                                                                                                  BY_NAME)), "preset")
    return BY_NAME[name]


def changes(recipe: Recipe) -> tuple[str, ...]:
    """Options that differ from the recipe's preset, or from the defaults, in words: "letterbox", "batch 64"."""
    source, values = BY_NAME.get(recipe.preset), values_of(recipe)
    crop = [recipe.crop] if recipe.crop != PAPER_CROP else []
    return (*crop, *(change_in_words(option, values[option.key]) for option in OPTIONS
                     if option.key not in APART
                     and values[option.key] != (source.value(option.key) if source else option.default)))


def deviations(recipe: Recipe) -> tuple[str, ...]:
    """What differs from the preset that a recipe was begun from, in words; () without a preset."""
    return (*changes(recipe), *preset(recipe.preset).differences) if recipe.preset else ()


def in_short(recipe: Recipe) -> str:
    """Preset and changes of a recipe: "as authors, batch 64"; "" when there are none."""
    return ", ".join((*([_("as {preset}").format(preset=recipe.preset)] if recipe.preset else []), *changes(recipe)))


def left_open() -> tuple[str, ...]:
    """Titles of the options that the paper needs and says nothing of: their values are the authors' or ours."""
    needed = ("training.seed", "training.evaluate_every", "training.select")
    return tuple(option.title for option in OPTIONS
                 if (option.source == "authors" and option.key != "training.same_image_negatives")
                 or option.key in needed)


def to_json(recipe: Recipe) -> dict[str, object]:
    """Preset, deviations and, for the paper's, what it leaves open: for the run's description; {} without a preset."""
    if not recipe.preset:
        return {}
    opened = {"left_open": list(left_open())} if recipe.preset == "paper" else {}
    return {"preset": recipe.preset, "deviations": list(deviations(recipe)), **opened}
