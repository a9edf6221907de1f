"""Probes the features of one material, one after the other, under every seed and fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.emotion import confounds as leaks
from core.emotion import protocols, scores
from core.emotion.dataset import ProbeDataset
from core.emotion.features import Feature
from core.emotion.finetune import tuned_prober
from core.emotion.fold_cache import FoldAnswer, KeptFolds
from core.emotion.probes import Curve, Kept, ProbeTrainer, prober
from core.emotion.protocols import Fold
from core.emotion.results import Answers, FeatureScore, FoldScore, Options
from core.emotion.scores import Leak
from core.errors import DatasetError
from core.progress import Progress, Report, WorkStep

if TYPE_CHECKING:
    from core.explorer import Explorer


@dataclass(frozen=True, eq=False)
class Probed:
    """A feature, probed."""

    score: FeatureScore
    answers: Answers
    folds: tuple[Fold, ...]


class CrossValidation:
    """`plan`, then `probe_all`; `notes` tell of what is left out."""

    def __init__(self, explorer: "Explorer", options: Options, heard: ProbeDataset, report: Report) -> None:
        self._explorer, self._options, self._material, self._report = explorer, options, heard, report
        self._tuned = options.mode == "fine-tuned"
        self._folds = KeptFolds.of(explorer.home, options, heard) if self._tuned else None
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
                self._leave_out(one, error)
        if not there:
            raise DatasetError(self.notes[0], "no_feature")
        return tuple(there)

    def probe_all(self, chosen: Sequence[Feature], protocol: protocols.Protocol) -> dict[str, Probed]:
        """What each feature tells, by its key; a note tells of those in which all recordings are alike.

        DatasetError ("all_alike") when they are in every one.
        """
        found: dict[str, Probed] = {}
        for one in chosen:
            if self._prober(one).differs(self._telling(one.title)):
                found[one.key] = self._probe(one, protocol)
            else:
                self._leave_out(one, self._all_alike())
        if not found:
            raise DatasetError(self.notes[-1], "all_alike")
        return found

    def _leave_out(self, one: Feature, why: DatasetError) -> None:
        self.notes.append(f"{one.title} is left out: {why}")

    def _all_alike(self) -> DatasetError:
        by_speaker = self._options.speaker_statistics
        advice = "do not standardise by speaker, or add recordings of each speaker" if by_speaker else \
            "probe another feature, or a folder whose recordings differ more"
        return DatasetError(f"all {len(self._material.acted.labels)} recordings are the same in it, so it tells "
                            f"nothing of emotion. What was heard is kept; {advice}.", "all_alike")

    def _probe(self, one: Feature, protocol: protocols.Protocol) -> Probed:
        """Learn and test a feature under every seed and fold."""
        acted, found = self._material.acted, self._prober(one)
        parts = [protocols.folds(protocol, acted.utterances, acted.labels, seed)
                 for seed in range(self._seeds(one, protocol))]
        heard = np.full((len(parts), len(acted.labels)), -1, np.int64)
        probabilities = np.zeros((len(acted.labels), len(acted.classes)), np.float32)
        curves: list[Curve | None] = [None] * len(acted.labels)
        folds: list[FoldScore] = []
        kept: Kept | None = None
        vectors = None
        whole = [(seed, fold) for seed, some in enumerate(parts) for fold in some]
        for number, (seed, fold) in enumerate(whole):
            answer = self._answer(one, found, fold, seed, number == 0, number == len(whole) - 1)
            heard[seed, list(fold.test)] = answer.probabilities.argmax(axis=1)
            folds.append(self._fold_score(fold, seed, heard[seed], answer.said))
            if seed == 0:
                probabilities[list(fold.test)] = answer.probabilities
                for place, curve in zip(fold.test, answer.curves, strict=True):
                    curves[place] = curve
                kept = kept or (answer.probe if len(parts[0]) == 1 or self._tuned else None)
            vectors = answer.vectors
            self._done += 1
        told = leaks.all_leaks(found.vectors(0) if vectors is None else vectors, acted.utterances)
        answers = Answers(heard, probabilities, tuple(curves), self._for_others(one, found, kept))
        return Probed(self._score(one, heard, tuple(folds), told), answers, parts[0])

    def _answer(self, one: Feature, found: ProbeTrainer, fold: Fold, seed: int, first: bool, last: bool) -> FoldAnswer:
        """What is said of a fold: as it was kept, or learned now. Of the `first` one the probe is wanted too, of the
        `last` one, where it is not at hand any more, the feature's vectors.
        """
        last = last and self._tuned
        if self._folds is not None:
            known = self._folds.get(one.key, fold, seed, seed == 0, first, last)
            if known is not None:
                return known
        tell = self._telling(f"{one.title}: {fold.name}")
        fitted = found.fit(fold.train, seed, tell)
        curves = fitted.curves(fold.test, tell) if seed == 0 else []
        answer = FoldAnswer(fitted.probabilities(fold.test), fitted.said, tuple(curves),
                            fitted.kept if first else None, found.vectors(0) if last else None)
        if self._folds is not None:
            self._folds.keep(one.key, fold, seed, answer)
        return answer

    def _for_others(self, one: Feature, found: ProbeTrainer, kept: Kept | None) -> Kept:
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

    def _prober(self, one: Feature) -> ProbeTrainer:
        if self._tuned:
            return tuned_prober(self._explorer, one, self._material)
        return prober(one, self._material, self._options.speaker_statistics)

    def _seeds(self, one: Feature, protocol: protocols.Protocol) -> int:
        """How often: chance plays a part in some probes, in models that are not trained, and in the random split."""
        branches = self._material.branches
        drawn = one.needs == "branches" and branches is not None and not branches.is_trained
        by_chance = one.seeded or drawn or protocol.key == "random" or self._tuned
        return max(1, self._options.seeds) if by_chance else 1

    def _telling(self, text: str) -> Report:
        def report(inner: Progress) -> None:
            subject = f"{text} · {inner.title}" if inner.title else text
            self._report(Progress(WorkStep.PROBING, self._done, self._total, subject))

        return report

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
