"""Requests and results of evaluations: frozen records that the window, the command line and tables share.

A query is an utterance (speech to image) or an image (image to speech). Matching is by id.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from core.evaluation.metrics import Metrics
from core.features.noise import CLEAN, Condition
from core.models.spec import ModelSpec

Direction = Literal["speech_to_image", "image_to_speech"]
DIRECTIONS: tuple[Direction, ...] = ("speech_to_image", "image_to_speech")
IMPORTED = "imported"  # variant of models whose embeddings another program computed (core.evaluation.imported)
DIRECTION_TITLES: Mapping[Direction, str] = {"speech_to_image": "Speech to image", "image_to_speech": "Image to speech"}


@dataclass(frozen=True)
class DataChoice:
    """A split of a dataset; `kind` where the folder could be of several, `follow_links` where links may lead out."""

    folder: Path
    split: str = "test"
    kind: str = ""
    follow_links: bool = False


@dataclass(frozen=True)
class Request:
    """Every model on every split, with every option: one stored evaluation for each combination.

    `captions`: the reference in place of the transcript ("GT"). `crops`: "" is what the model was trained with.
    `drop_unreadable`: leave out what cannot be read; else it counts as missed.
    """

    models: tuple[ModelSpec, ...]
    data: tuple[DataChoice, ...]
    captions: tuple[bool, ...] = (False,)
    conditions: tuple[Condition, ...] = (CLEAN,)
    crops: tuple[str, ...] = ("",)
    drop_unreadable: bool = False

    def __len__(self) -> int:
        return len(self.models) * len(self.data) * len(self.captions) * len(self.conditions) * len(self.crops)


@dataclass(frozen=True)
class Setup:
    """Setup of one evaluation. `checkpoint` is None for zero-shot; `trained_on` is the kind of dataset, or "".

    `trained_name` is the name of that dataset's folder. `drop_unreadable` as in `Request`.
    """

    folder: Path
    kind: str
    split: str
    model: str  # a title for people
    variant: str
    checkpoint: Path | None
    backbone: str  # name of its weights
    whisper: str
    crop: str
    condition: Condition = CLEAN
    captions: bool = False
    drop_unreadable: bool = False
    trained_on: str = ""
    trained_name: str = ""
    follow_links: bool = False
    deviations: tuple[str, ...] | None = None  # of a trained model from the paper's recipe; None: not recorded

    @property
    def title(self) -> str:
        """In a list: "flickr8k test · BrewCLIP (runs/a) · babble 5 dB"."""
        parts = [f"{self.folder.name} {self.split}", self.model]
        parts += ["captions"] if self.captions else []
        parts += [str(self.condition)] if self.condition != CLEAN else []
        parts += [self.crop] if self.crop not in ("centre", "") else []
        return " · ".join(parts)

    @property
    def is_imported(self) -> bool:
        """Whether the vectors were imported: there is no model here, nor words, crop and backbone."""
        return self.variant == IMPORTED

    @property
    def spec(self) -> ModelSpec:
        """The model, to be loaded again."""
        return ModelSpec(self.backbone, self.checkpoint)

    @property
    def apart_from_noise(self) -> "Setup":
        """The same under no noise: evaluations that share it are points of one noise curve."""
        return replace(self, condition=CLEAN, deviations=None)

    def to_json(self) -> dict[str, Any]:
        """A plain dict for `from_json`."""
        return {**asdict(self), "folder": _text(self.folder),
                "checkpoint": None if self.checkpoint is None else _text(self.checkpoint),
                "condition": [self.condition.noise, self.condition.snr]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Setup":
        """The setup of `to_json`. KeyError, TypeError when damaged."""
        checkpoint, deviations = values["checkpoint"], values.get("deviations")
        return cls(**{**values, "deviations": None if deviations is None else tuple(deviations),
                      "folder": _path(values["folder"]), "condition": Condition(*values["condition"]),
                      "checkpoint": None if checkpoint is None else _path(checkpoint)})


@dataclass(frozen=True)
class WordErrors:
    """Word errors of all utterances that have a caption, after Whisper's English normaliser."""

    errors: int
    words: int
    utterances: int

    @property
    def rate(self) -> float:
        """Errors over words of the captions; may exceed 1."""
        return self.errors / self.words if self.words else 0.0


@dataclass(frozen=True)
class Unseen:
    """Queries whose picture was not in the training data, among all items; `images` counts those pictures."""

    speech_to_image: Metrics
    image_to_speech: Metrics
    images: int


@dataclass(frozen=True)
class Summary:
    """Summary of an evaluation.

    `words` is None where no caption is known. `unseen` is None for a model that was not trained, or where it is not
    known what on: `unseen_note` then says why. `unreadable` and `nothing_heard` count pictures and utterances.
    """

    setup: Setup
    speech_to_image: Metrics
    image_to_speech: Metrics
    words: WordErrors | None
    n_images: int
    n_utterances: int
    unreadable: int
    nothing_heard: int
    unseen: Unseen | None
    unseen_note: str
    seconds: float  # that it took

    def metrics(self, direction: Direction) -> Metrics:
        """The figures of one direction."""
        return self.speech_to_image if direction == "speech_to_image" else self.image_to_speech


@dataclass(frozen=True, kw_only=True)
class EvaluationRecord(Summary):
    """One stored evaluation, as lists and tables show it."""

    id: int
    created: datetime


@dataclass(frozen=True)
class SplitImage:
    """A picture of the split; `reason` says why it could not be read, else ""."""

    image_id: str
    path: Path | None
    reason: str = ""


@dataclass(frozen=True)
class UtteranceFacts:
    """An utterance of the split. `picture` is its place in `Evaluation.pictures`.

    `transcript` is what was heard under the evaluation's condition, whatever words the model was given; `wer` is None
    without a caption. `cut` counts tokens of the words given that did not fit into the text tower.
    """

    utterance_id: str
    picture: int
    speaker: str
    caption: str
    transcript: str
    recording: Path | None
    seconds: float
    wer: float | None
    cut: int
    reason: str = ""


@dataclass(frozen=True)
class EvaluatedQuery:
    """One query and its outcome. `number` is its row in `Evaluation.queries(direction)`; `picture` and `utterance` are
    rows of the evaluation's lists: of an image-to-speech query `utterance` is its best-scored own one (-1: none).

    `rank` from 1 is that of the right item; 0 means that the query counts for nothing (no utterance, or dropped). What
    cannot be read, or has no vector, ranks behind all: `reason` says why. `text_rank` and `acoustic_rank` are those
    under one branch alone, None where the model lacks one of the two. `score` is the right item's cosine, None
    where there is none.
    """

    direction: Direction
    number: int
    query_id: str
    picture: int
    utterance: int
    rank: int
    text_rank: int | None
    acoustic_rank: int | None
    score: float | None
    reason: str = ""


@dataclass(frozen=True)
class EvaluationHit:
    """One of the best items of a query, `rank` from 1; `utterance` is -1 in speech to image. `own`: a right one."""

    rank: int
    score: float
    picture: int
    utterance: int
    own: bool


def _text(path: Path) -> str:
    return str(path)  # lone surrogates survive in JSON, which escapes them


def _path(text: str) -> Path:
    return Path(text)
