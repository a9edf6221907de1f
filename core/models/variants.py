"""The variants of BrewCLIP and its options, declared: command line, Train panel, documents and tests iterate over them.

No torch here, so that the window can show them at once. Each option says where its default comes from: the paper
(section 3.3, appendix A), the authors' code where the paper says nothing, or this program (docs/paper.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from core.errors import ModelError
from core.localisation import _


@dataclass(frozen=True)
class Variant:
    """Parts of a model: the text branch (F_T), the acoustic branch (F_A), prompts."""

    name: str
    title: str
    about: str
    text: bool
    acoustic: bool
    prompts: bool


VARIANTS: tuple[Variant, ...] = (
    Variant("zero-shot", _("Zero-shot"), _("The words alone, with the backbone as it came. Nothing is trained."),
            text=True, acoustic=False, prompts=False),
    Variant("prompted", _("Prompted"), _("The words alone, with learnt prompts in both towers."),
            text=True, acoustic=False, prompts=True),
    Variant("e2e", _("End to end"), _("The sound of the voice alone, with prompts; the words are not used."),
            text=False, acoustic=True, prompts=True),
    Variant("full", "BrewCLIP", _("The words and the sound of the voice, added, with prompts shared by all."),
            text=True, acoustic=True, prompts=True),
)
BY_NAME: Mapping[str, Variant] = {each.name: each for each in VARIANTS}


def variant(name: str) -> Variant:
    """The variant of that name; ModelError ("unknown") when there is none."""
    if name not in BY_NAME:
        raise ModelError(_("There is no variant {name!r}; choose one of {by_name}.").format(name=name,
                                                                                            by_name=", ".join(BY_NAME)),
                         "unknown")
    return BY_NAME[name]


Source = Literal["paper", "authors", "ours"]
SOURCES: Mapping[Source, str] = {"paper": "paper", "authors": _("authors' code"), "ours": "ours"}


def declare(default: Any, about: str, low: float = 0, high: float = 1, source: Source = "paper",
            choices: tuple[str, ...] = (), later: bool = False, prepares: bool = False) -> Any:
    """A field of a record of options, with its metadata.

    `source`: where the default comes from; "ours" also for an option that neither the paper nor the authors' code has.
    `later`: options added after the first format; they are stored only where they differ from the default.
    `prepares`: whether it decides which features are computed before the first step.
    """
    return field(default=default, metadata={"about": about, "low": low, "high": high, "source": source,
                                            "choices": choices, "later": later, "prepares": prepares})


def stored(options: Any) -> dict[str, Any]:
    """A record of options as a plain dict: every option, but `later` ones at their default."""
    return {option.name: getattr(options, option.name) for option in fields(options)
            if not option.metadata["later"] or getattr(options, option.name) != option.default}


@dataclass(frozen=True)
class BrewClipOptions:
    """Options of a model's shape and loss; each field's metadata has its description, range and source.

    ModelError ("options") on a value out of its range or of another type.
    """

    prompts: int = declare(4, _("Number of prompts M: learnt vectors after the start token."), 0, 32)
    prompt_std: float = declare(0.02, _("Initial standard deviation of the prompts."), 0, 1, source="authors")
    cls_std: float = declare(1.0, _("Initial standard deviation of the acoustic CLS vector."), 0, 2, source="authors")
    heads: int = declare(8, _("Attention heads of the acoustic layer; they must divide the text tower's width."), 1, 64,
                         source="authors")
    feed_forward: int = declare(4096, _("Width of the acoustic layer's feed-forward part."), 1, 65536, source="authors")
    dropout: float = declare(0.1, _("Dropout in the acoustic layer."), 0, 0.9, source="authors")
    temperature: float = declare(0.07, _("Temperature of the loss; its initial value if it is learnt."), 0.01, 1,
                                 source="authors")
    learn_temperature: bool = declare(True, _("Learn the temperature; the authors' code keeps it fixed."))
    inner_weight: float = declare(0.1, _("Alpha: share of the inner loss between voice and transcript."), 0, 1)
    gate: bool = declare(False, _("Weight the branches per utterance by the recogniser's confidence."), source="ours")
    acoustic_weight: float = declare(1.0, _("Weight of the acoustic branch in the sum; choose it on the dev split."),
                                     0, 100, source="ours")
    learn_words: bool = declare(False,
                                _("End to end: use the inner loss with the transcript in training nevertheless."),
                                source="ours")
    mask_states: float = declare(0.0, _("Maximum share of the encoder states that training masks, in spans of 0.3 s."),
                                 0, 0.9, source="ours")
    pool_sentences: bool = declare(False, _("Average long texts over their sentences instead of cutting them off."),
                                   source="ours")

    layers: int = declare(0,
                          _("Layers of the recogniser's encoder that the acoustic branch reads, as a learnt mixture "
                            "of so many last ones (7: all of Whisper base); 0: the last alone, as in the paper."), 0,
                          64,
                          source="ours", later=True, prepares=True)

    def __post_init__(self) -> None:
        for option in fields(self):
            value, kind = getattr(self, option.name), type(option.default)
            fits = type(value) is kind or (kind is float and type(value) is int)
            if not fits or not option.metadata["low"] <= value <= option.metadata["high"]:
                raise ModelError(_("The option {name} cannot be {value!r}; it goes from {low} to {high}.").format(
                    name=option.name, value=value, low=option.metadata["low"], high=option.metadata["high"]), "options")

    def to_json(self) -> dict[str, int | float | bool]:
        """A plain dict for `from_json`, with every option."""
        return stored(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "BrewClipOptions":
        """The options of `to_json`; missing ones at their defaults. ModelError: newer (an option of a later release),
        options.
        """
        unknown = set(values) - {option.name for option in fields(cls)}
        if unknown:
            raise ModelError(_("The model uses {sorted}, which this release does not know. Update BrewCLIP Explorer "
                               "to use it.").format(sorted=", ".join(sorted(unknown))), "newer")
        return cls(**values)
