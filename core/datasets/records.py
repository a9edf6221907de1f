"""Records of a loaded dataset: frozen, with ids and the problems met."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.datasets.problems import Problem

# Pictures named in several splits go to the first of these, so that no picture of a test is trained on.
SPLIT_ORDER = ("test", "val", "dev", "train")
WHOLE = "all"  # the one split of a dataset that has none


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """One picture of a dataset. `path` is None when the file is missing; `split` is "" when no list names it."""

    image_id: str
    path: Path | None
    split: str


@dataclass(frozen=True, slots=True)
class Utterance:
    """One spoken description. `recording` is None when its file is missing; `speaker` "" when it is not known."""

    utterance_id: str
    image_id: str
    speaker: str
    caption: str
    recording: Path | None
    split: str


@dataclass(frozen=True)
class Dataset:
    """A folder read as a dataset. Ids are unique; matching goes by `image_id` alone.

    `utterances` are the captions that have a recording named for them, `unspoken` those that have none. `notes` tells
    how the folder was understood; `problems` what was wrong with it, as far as reading the lists shows it.
    `follow_links`: links out of the folder were followed. `relevance` gives the class of each picture by id where any
    picture of the class of an utterance's own is as right as that; empty where its own alone is.
    """

    kind: str
    folder: Path
    images: tuple[ImageEntry, ...]
    utterances: tuple[Utterance, ...]
    unspoken: tuple[Utterance, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    follow_links: bool = False
    relevance: Mapping[str, str] = field(default_factory=dict)

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits: train, dev, val, test, then others by name."""
        named = {image.split for image in self.images} | {utterance.split for utterance in self.utterances}
        ordered = [split for split in reversed(SPLIT_ORDER) if split in named]
        return (*ordered, *sorted(named - {*SPLIT_ORDER, ""}))

    def of(self, split: str) -> "Dataset":
        """The records of one split; the notes and problems stay those of the whole."""
        return replace(
            self,
            images=tuple(image for image in self.images if image.split == split),
            utterances=tuple(utterance for utterance in self.utterances if utterance.split == split),
            unspoken=tuple(utterance for utterance in self.unspoken if utterance.split == split),
        )
