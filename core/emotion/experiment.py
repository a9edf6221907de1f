"""One experiment: recordings, a protocol, features; what each feature tells of the emotion, and what else it tells."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.emotion import leaks, material, protocols, scores
from core.emotion.features import MODES, SEEDS, USUAL, Feature, feature
from core.emotion.material import Material
from core.emotion.probers import Curve, Kept, Prober, prober
from core.emotion.protocols import Fold
from core.emotion.scores import Leak, Score
from core.emotion.tuning import TUNED, tuned_prober
from core.emotion.voices import Floats
from core.errors import DatasetError
from core.progress import Report, silent

if TYPE_CHECKING:
    from core.explorer import Explorer


@dataclass(frozen=True)
class Options:
    """What is asked for. `features` () are the usual ones of the mode; `seeds` is how often chance is let in again.

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

    def to_json(self) -> dict[str, Any]:
        """A plain dict for `from_json`."""
        return {**asdict(self), "folder": str(self.folder), "features": list(self.features),
                "checkpoint": str(self.checkpoint) if self.checkpoint else None}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Options":
        """The options of `to_json`. KeyError, TypeError when it is none."""
        known = {each.name: found[each.name] for each in fields(cls)}
        checkpoint = found["checkpoint"]
        return cls(**{**known, "folder": Path(found["folder"]), "features": tuple(found["features"]),
                      "checkpoint": Path(checkpoint) if checkpoint else None})


@dataclass(frozen=True)
class FoldScore:
    """One fold under one seed: how many were learned from and tested, and what was chosen among the former."""

    fold: str
    seed: int
    train: int
    test: int
    score: Score
    said: str


@dataclass(frozen=True)
class FeatureScore:
    """What a feature tells. `score` is of all tested recordings, the mean of the seeds; `spread` are standard
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
    """What a feature's probes said of n recordings: `heard` (seeds, n) class numbers, -1 where not tested.

    `probabilities` (n, classes) and `curves` (n) are of the first seed; `probe` is kept for other voices, as arrays.
    """

    heard: NDArray[np.int64]
    probabilities: Floats
    curves: tuple[Curve | None, ...]
    probe: Kept


@dataclass(frozen=True)
class Acting:
    """One recording of an experiment, in plain words."""

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


def run(explorer: "Explorer", options: Options, report: Report = silent) -> Result:
    """Do the experiment. Hearing is kept whenever it stops, so that it need not be done again.

    DatasetError: as `recordings.load`, protocol, classes, feature, no_feature, too_few; WeightsError, ModelError,
    StoreError.
    """
    chosen, protocol = wanted(options), protocols.protocol(options.protocol)
    if options.mode not in MODES:
        raise DatasetError(f"There is no mode {options.mode!r}; choose linear or fine-tuned.", "mode")
    needs = frozenset(one.needs for one in chosen) | ({"voice"} if options.mode == "fine-tuned" else set())
    heard = material.gather(explorer, options.folder, options.classes, needs, options.checkpoint, report)
    heard = heard.by_speaker() if options.speaker_statistics else heard
    bench = _Bench(explorer, options, heard, report)
    possible = bench.possible(chosen)
    bench.plan(possible, protocol)
    with _one_thread(options.mode == "linear"):
        found = {one.key: bench.probe(one, protocol) for one in possible}
    return _result(options, heard, bench, found)


@contextmanager
def _one_thread(wanted: bool) -> Iterator[None]:
    """Thousands of small products: threads that wait for each other take three times as long as one alone."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1 if wanted else None):
        yield


def wanted(options: Options) -> tuple[Feature, ...]:
    """The features of the options. DatasetError ("feature")."""
    usual = USUAL if options.mode == "linear" else TUNED
    keys = tuple(dict.fromkeys(options.features or usual))
    wrong = [key for key in keys if options.mode == "fine-tuned" and key not in TUNED]
    if wrong:
        raise DatasetError(f"{wrong[0]} cannot be fine-tuned; choose among {', '.join(TUNED)}.", "feature")
    return tuple(feature(key) for key in keys)


@dataclass(frozen=True, eq=False)
class _Probed:
    """A feature, probed."""

    score: FeatureScore
    answers: Answers
    folds: tuple[Fold, ...]


class _Bench:
    """Probes features of one material, one after the other."""

    def __init__(self, explorer: "Explorer", options: Options, heard: Material, report: Report) -> None:
        self._explorer, self._options, self._material, self._report = explorer, options, heard, report
        self.notes: list[str] = []
        self._done = self._total = 0

    def plan(self, chosen: Sequence[Feature], protocol: protocols.Protocol) -> None:
        """Count what is to be learned. DatasetError ("too_few") when the protocol cannot be done."""
        folds = protocols.folds(protocol, self._material.acted.utterances, self._material.acted.labels)
        self._total = sum(self._seeds(one, protocol) for one in chosen) * len(folds)

    def possible(self, chosen: Sequence[Feature]) -> tuple[Feature, ...]:
        """The features that the model has; a note tells of the others, unless none is left (DatasetError)."""
        there: list[Feature] = []
        for one in chosen:
            try:
                self._prober(one)
                there.append(one)
            except DatasetError as error:
                if error.kind != "no_feature":
                    raise
                self.notes.append(f"{one.title} is left out: {error}")
        if not there:
            raise DatasetError(self.notes[0], "no_feature")
        return tuple(there)

    def probe(self, one: Feature, protocol: protocols.Protocol) -> _Probed:
        """Learn and test a feature under every seed and fold."""
        acted, found = self._material.acted, self._prober(one)
        seeds = self._seeds(one, protocol)
        heard = np.full((seeds, len(acted.labels)), -1, np.int64)
        probabilities = np.zeros((len(acted.labels), len(acted.classes)), np.float32)
        curves: list[Curve | None] = [None] * len(acted.labels)
        folds: list[FoldScore] = []
        first: tuple[Fold, ...] = ()
        kept: Kept | None = None
        for seed in range(seeds):
            parts = protocols.folds(protocol, acted.utterances, acted.labels, seed)
            first = first or parts
            for fold in parts:
                tell = self._telling(f"{one.title}: {fold.name}")
                last = found.fit(fold.train, seed, tell)
                said = last.probabilities(fold.test)
                heard[seed, list(fold.test)] = said.argmax(axis=1)
                folds.append(self._fold_score(fold, seed, heard[seed], last.said))
                if seed == 0:
                    probabilities[list(fold.test)] = said
                    for recording in fold.test:
                        tell(0, 0, "")
                        curves[recording] = last.curve(recording)
                    kept = kept or (last.kept if len(parts) == 1 or self._options.mode == "fine-tuned" else None)
                self._done += 1
        told = leaks.all_leaks(found.vectors(0), acted.utterances)
        answers = Answers(heard, probabilities, tuple(curves), self._for_others(one, found, kept))
        return _Probed(self._score(one, heard, tuple(folds), told), answers, first)

    def _for_others(self, one: Feature, found: Prober, kept: Kept | None) -> Kept:
        """The probe that is kept for other voices: the one there is, else learned from all recordings; and what
        strangers are standardised by where speakers were."""
        if kept is None:
            everyone = range(len(self._material.acted.labels))
            kept = found.fit(everyone, 0, self._telling(f"{one.title}: all recordings")).kept
        own = self._material.own
        if own is None or one.needs != "voice":
            return kept
        shape = self._material.voiced.shape[1:]
        return {**kept, **{name: array.reshape(shape) for name, array in own.kept.items()}}

    def _prober(self, one: Feature) -> Prober:
        if self._options.mode == "fine-tuned":
            return tuned_prober(self._explorer, one, self._material)
        return prober(one, self._material, self._options.speaker_statistics)

    def _seeds(self, one: Feature, protocol: protocols.Protocol) -> int:
        """How often: chance plays a part in some probes, in models that are not trained, and in the random split."""
        branches = self._material.branches
        drawn = one.needs == "branches" and branches is not None and not branches.is_trained
        by_chance = one.seeded or drawn or protocol.key == "random" or self._options.mode == "fine-tuned"
        return max(1, self._options.seeds) if by_chance else 1

    def _telling(self, text: str) -> Report:
        def tell(done: int, total: int, detail: str) -> None:
            self._report(self._done, self._total, f"{text} · {detail}" if detail else text)

        return tell

    def _fold_score(self, fold: Fold, seed: int, heard: NDArray[np.int64], said: str) -> FoldScore:
        score = scores.score(self._confusion(heard, fold.test))
        return FoldScore(fold.name, seed, len(fold.train), len(fold.test), score, said)

    def _confusion(self, heard: NDArray[np.int64], places: Sequence[int]) -> scores.Counts:
        acted = self._material.acted
        return scores.confusion([acted.labels[place] for place in places], heard[list(places)].tolist(),
                                len(acted.classes))

    def _score(self, one: Feature, heard: NDArray[np.int64], folds: tuple[FoldScore, ...], told: Mapping[str, Leak]
               ) -> FeatureScore:
        by_seed = [self._confusion(row, np.flatnonzero(row >= 0).tolist()) for row in heard]
        each = [scores.score(counts) for counts in by_seed]
        told_by = [fold.score for fold in folds]
        spread = scores.spread([each.accuracy for each in told_by]), scores.spread([each.uar for each in told_by])
        counts = tuple(tuple(int(count) for count in row) for row in sum(by_seed[1:], by_seed[0]))
        return FeatureScore(one.key, one.title, scores.mean(each), spread, counts, len(heard), folds, told)


def _result(options: Options, heard: Material, bench: _Bench, found: Mapping[str, _Probed]) -> Result:
    acted = heard.acted
    folds = next(iter(found.values())).folds
    tested = sorted({place for fold in folds for place in fold.test})
    trained = {place for fold in folds for place in fold.train}
    learned_from = folds[0].train if len(folds) == 1 or options.mode == "fine-tuned" else range(len(acted.labels))
    return Result(
        options, acted.classes, len(trained), len(tested), scores.majority([acted.labels[place] for place in tested]),
        round(100 / len(acted.classes), 2), protocols.protocol(options.protocol).leaks,
        heard.branches.title if heard.branches else "", (*acted.notes, *bench.notes),
        tuple(sorted({acted.utterances[place].actor for place in learned_from})),
        tuple(each.score for each in found.values()), tuple(_actings(heard)),
        {key: each.answers for key, each in found.items()})


def _actings(heard: Material) -> list[Acting]:
    return [Acting(one.recording or Path(), one.actor, one.sex, one.emotion, one.intensity, one.caption, label)
            for one, label in zip(heard.acted.utterances, heard.acted.labels, strict=True)]


def to_json(result: Result) -> dict[str, Any]:
    """What `brewclip emotion --json` prints; figures in percent."""
    options = result.options
    return {
        "protocol": options.protocol, "mode": options.mode, "classes": list(result.classes),
        "train_files": result.train_files, "test_files": result.test_files, "majority": result.majority,
        "chance": result.chance, "speaker_statistics": options.speaker_statistics, "leaking": result.leaking,
        "model": result.model, "folder": str(options.folder), "notes": list(result.notes),
        "results": [_score_json(each) for each in result.scores]}


def _score_json(found: FeatureScore) -> dict[str, Any]:
    paper = feature(found.feature).paper
    return {
        "feature": found.feature, "title": found.title, **asdict(found.score),
        "spread": {"accuracy": found.spread[0], "uar": found.spread[1]}, "seeds": found.seeds,
        "confusion": [list(row) for row in found.confusion],
        "leaks": {name: asdict(one) for name, one in found.leaks.items()},
        "paper": {"linear": paper[0], "fine-tuned": paper[1]} if paper else None,
        "folds": [{"fold": one.fold, "seed": one.seed, "train": one.train, "test": one.test, **asdict(one.score),
                   "chosen": one.said} for one in found.folds]}
