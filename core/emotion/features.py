"""Table of the features to probe. Command line, panel and documents iterate over it; no torch here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from core.errors import DatasetError
from core.localisation import _

MODES = ("linear", "fine-tuned")
SEEDS = 3  # how often what depends on chance is done, unless told
PROTOCOL_KEYS = ("paper", "folds", "speakers", "statement", "random")  # of core.emotion.protocols
CLASS_COUNTS = (4, 8)  # of core.emotion.classes
TABLE_SUFFIXES = (".csv", ".md")  # of core.emotion.tables
Needs = Literal["voice", "branches"]


@dataclass(frozen=True)
class Feature:
    """One thing to probe. `needs`: Whisper's states by layer, or the branches of a BrewCLIP.

    `tone` is the colour that stands for it everywhere: "main" (both branches), "voice", "transcript". `paper` are the
    figures of the paper's Table 3 that stand beside it: linear, fine-tuned.
    """

    key: str
    title: str
    about: str
    needs: Needs
    tone: str
    paper: tuple[float, float] | None = None
    seeded: bool = False  # whether chance takes part in learning it


PUBLISHED = (56.0, 78.0)
PUBLISHED_WORDS = (33.0, 33.0)
REFERENCE = "text-reference"
LAYERS = tuple(f"layer-{number}" for number in range(7))
FEATURES: tuple[Feature, ...] = (
    Feature("layers", _("Layers, chosen"),
            _("Means over the voice of the layers that tell held-out training speakers apart best: one, some or all "
              "side by side."), "voice", "voice"),
    Feature("weighted", _("Layers, weighed"), _("One mean over the voice of a learnt mixture of all layers."),
            "voice", "voice", seeded=True),
    Feature("attention", _("Layers, attended to"),
            _("The learnt mixture, pooled by learnt attention in place of the mean."), "voice", "voice", seeded=True),
    Feature("fused", _("Both branches"), _("F_L, what pictures are searched with."), "branches", "main", PUBLISHED),
    Feature("acoustic", _("Acoustic branch"), _("F_A, what the model makes of the sound."), "branches", "voice"),
    Feature("text", _("Transcript alone"),
            _("F_T of the transcript: words as the recogniser heard them, with its mistakes and exclamation marks: "
              "the voice has a part in them."), "branches", "transcript",
            PUBLISHED_WORDS),
    Feature(REFERENCE, _("Caption alone"),
            _("F_T of the sentence that was to be said. Every emotion has the same two: nothing can be told by them."),
            "branches", "transcript", PUBLISHED_WORDS),
    Feature("paper", _("Both, as in the paper"),
            _("F_L as it is under one linear layer, trained by Adam for 100 epochs (ours): nothing standardised, "
              "nothing chosen."), "branches", "main", PUBLISHED, seeded=True),
    Feature("paper-text", _("Transcript, as in the paper"),
            _("F_T of what was heard, under one linear layer, trained by Adam."), "branches", "transcript",
            PUBLISHED_WORDS, seeded=True),
    Feature("authors", _("Both, as the authors' code"),
            _("F_L of the statement in place of the transcript, under one linear layer that is trained with "
              "augmentation and chosen on the test actors."), "branches", "main",
            PUBLISHED, seeded=True),
    Feature("authors-text", _("Statement, as the authors' code"),
            _("F_T of the statement alone, probed likewise: the same in all emotions."), "branches", "transcript",
            PUBLISHED_WORDS, seeded=True),
    *(Feature(key, _("Whisper's layer {number}").format(number=number),
              _("The mean over the voice of this layer alone."), "voice", "voice")
      for number, key in enumerate(LAYERS)),
)
BY_KEY: Mapping[str, Feature] = {each.key: each for each in FEATURES}
AUTHORS = ("authors", "authors-text")
USUAL = tuple(each.key for each in FEATURES if each.key not in (*LAYERS, *AUTHORS))
AS_AUTHORS = (*AUTHORS, "fused", "text")  # the last two are ours, for comparison
AUTHORS_STEPS = 100_000


def feature(key: str) -> Feature:
    """The feature of that name; DatasetError ("feature")."""
    if key not in BY_KEY:
        raise DatasetError(_("There is no feature {key!r}; choose among {by_key}.").format(key=key,
                                                                                           by_key=", ".join(BY_KEY)),
                           "feature")
    return BY_KEY[key]
