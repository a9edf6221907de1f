"""Table of the features to probe. Command line, panel and documents iterate over it; no torch here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from core.errors import DatasetError

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
    Feature("layers", "Layers, chosen", "Means over the voice of the layers that tell held-out training "
            "speakers apart best: one, some or all side by side.", "voice", "voice"),
    Feature("weighted", "Layers, weighed", "One mean over the voice of a learnt mixture of all layers.",
            "voice", "voice", seeded=True),
    Feature("attention", "Layers, attended to", "The learnt mixture, pooled by learnt attention in place of "
            "the mean.", "voice", "voice", seeded=True),
    Feature("fused", "Both branches", "F_L, what pictures are searched with.", "branches", "main", PUBLISHED),
    Feature("acoustic", "Acoustic branch", "F_A, what the model makes of the sound.", "branches", "voice"),
    Feature("text", "Transcript alone", "F_T of the transcript: words as the recogniser heard them, with its "
            "mistakes and exclamation marks: the voice has a part in them.", "branches", "transcript",
            PUBLISHED_WORDS),
    Feature(REFERENCE, "Caption alone", "F_T of the sentence that was to be said. Every emotion has the same "
            "two: nothing can be told by them.", "branches", "transcript", PUBLISHED_WORDS),
    Feature("paper", "Both, as in the paper", "F_L as it is under one linear layer, trained by Adam for 100 "
            "epochs (ours): nothing standardised, nothing chosen.", "branches", "main", PUBLISHED, seeded=True),
    Feature("paper-text", "Transcript, as in the paper", "F_T of what was heard, under one linear layer, trained by "
            "Adam.", "branches", "transcript", PUBLISHED_WORDS, seeded=True),
    Feature("authors", "Both, as the authors' code", "F_L of the statement in place of the transcript, under one "
            "linear layer that is trained with augmentation and chosen on the test actors.", "branches", "main",
            PUBLISHED, seeded=True),
    Feature("authors-text", "Statement, as the authors' code", "F_T of the statement alone, probed likewise: the same "
            "in all emotions.", "branches", "transcript", PUBLISHED_WORDS, seeded=True),
    *(Feature(key, f"Whisper's layer {number}", "The mean over the voice of this layer alone.", "voice", "voice")
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
        raise DatasetError(f"There is no feature {key!r}; choose among {', '.join(BY_KEY)}.", "feature")
    return BY_KEY[key]
