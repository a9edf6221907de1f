"""Options and results of an experiment as frozen records."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.emotion.features import AUTHORS_STEPS, SEEDS, feature
from core.emotion.scores import Leak, Score

if TYPE_CHECKING:  # they import torch: lists of runs are shown without it
    from core.emotion.probes import Arrays, Curve


@dataclass(frozen=True)
class Options:
    """Options of an experiment. `features` () are the usual ones of the mode; `seeds`: repetitions under chance;
    `steps` of the authors' probe.

    `speaker_statistics`: each speaker's recordings are standardised by themselves; no label is used, several
    recordings of a speaker are needed.
    """

    folder: Path
    protocol: str = "paper"
    mode: str = "linear"
    classes: int = 4
    features: tuple[str, ...] = ()
    checkpoint: Path | None = None
    speaker_statistics: bool = False
    seeds: int = SEEDS
    follow_links: bool = False
    steps: int = AUTHORS_STEPS

    def to_json(self) -> dict[str, Any]:
        """A plain dict for `from_json`."""
        return {**asdict(self), "folder": str(self.folder), "features": list(self.features),
                "checkpoint": str(self.checkpoint) if self.checkpoint else None}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Options":
        """The options of `to_json`. KeyError, TypeError when it is none."""
        stored = {"follow_links": False, "steps": AUTHORS_STEPS, **stored}  # older runs do not say
        values = {option.name: stored[option.name] for option in fields(cls)}
        checkpoint = stored["checkpoint"]
        return cls(**{**values, "folder": Path(stored["folder"]), "features": tuple(stored["features"]),
                      "checkpoint": Path(checkpoint) if checkpoint else None})


@dataclass(frozen=True)
class FoldScore:
    """One fold under one seed: sizes of training and test, and what was `chosen` on the training part."""

    fold: str
    seed: int
    train: int
    test: int
    score: Score
    chosen: str


@dataclass(frozen=True)
class FeatureScore:
    """Outcome of a feature. `score` is of all tested recordings, the mean of the seeds; `spread` are standard
    deviations of accuracy and recall over folds and seeds (0 with one of each). `confusion` adds up over the seeds.
    """

    feature: str
    title: str
    score: Score
    spread: tuple[float, float]
    confusion: tuple[tuple[int, ...], ...]
    seeds: int
    folds: tuple[FoldScore, ...]
    leaks: Mapping[str, Leak]


@dataclass(frozen=True, eq=False)
class Answers:
    """Predictions of a feature's probes for n recordings: `predicted` (seeds, n) class numbers, -1 where not tested.

    `probabilities` (n, classes) and `curves` (n) are of the first seed; `probe` is kept for other voices, as arrays.
    """

    predicted: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    curves: "tuple[Curve | None, ...]"
    probe: "Arrays"


@dataclass(frozen=True)
class Acting:
    """One recording of an experiment."""

    path: Path
    actor: int
    sex: str
    emotion: str
    intensity: str
    words: str
    label: int


@dataclass(frozen=True, eq=False)
class Result:
    """A whole experiment. `learned_from`: the actors behind the probes that are kept for other voices."""

    options: Options
    classes: tuple[str, ...]
    train_files: int
    test_files: int
    majority: float
    chance: float
    leaking: str
    model: str
    notes: tuple[str, ...]
    learned_from: tuple[int, ...]
    scores: tuple[FeatureScore, ...]
    recordings: tuple[Acting, ...] = ()
    answers: Mapping[str, Answers] = field(default_factory=dict)


def to_json(result: Result) -> dict[str, Any]:
    """JSON of `brewclip emotion --json`; figures in percent."""
    options = result.options
    return {
        "protocol": options.protocol, "mode": options.mode, "classes": list(result.classes),
        "train_files": result.train_files, "test_files": result.test_files, "majority": result.majority,
        "chance": result.chance, "speaker_statistics": options.speaker_statistics, "leaking": result.leaking,
        "model": result.model, "folder": str(options.folder), "notes": list(result.notes),
        "results": [_score_json(score) for score in result.scores]}


def _score_json(score: FeatureScore) -> dict[str, Any]:
    paper = feature(score.feature).paper
    return {
        "feature": score.feature, "title": score.title, **asdict(score.score),
        "spread": {"accuracy": score.spread[0], "uar": score.spread[1]}, "seeds": score.seeds,
        "confusion": [list(row) for row in score.confusion],
        "leaks": {name: asdict(fold) for name, fold in score.leaks.items()},
        "paper": {"linear": paper[0], "fine-tuned": paper[1]} if paper else None,
        "folds": [{"fold": fold.fold, "seed": fold.seed, "train": fold.train, "test": fold.test, **asdict(fold.score),
                   "chosen": fold.chosen} for fold in score.folds]}
