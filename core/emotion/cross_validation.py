"""Cross-validation of the features of one dataset, one after the other, under every seed and fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.emotion import confounds, protocols, scores
from core.emotion.authors_probe import AuthorsProbe
from core.emotion.dataset import ProbeDataset
from core.emotion.features import AUTHORS, Feature
from core.emotion.finetune import fine_tuned_probe_of
from core.emotion.fold_cache import FoldCache, FoldPrediction, Wanted
from core.emotion.probes import Arrays, Curve, Probe, probe_of
from core.emotion.protocols import Fold
from core.emotion.results import Answers, FeatureScore, FoldScore, Options
from core.emotion.scores import Leak
from core.errors import DatasetError
from core.localisation import _
from core.progress import Progress, Report, WorkStep
from core.workspace import Workspace


@dataclass(frozen=True, eq=False)
class Probed:
    """A feature, probed."""

    score: FeatureScore
    answers: Answers
    folds: tuple[Fold, ...]


class CrossValidation:
    """`plan`, then `probe_all`; `notes` name what is left out."""

    def __init__(self, workspace: Workspace, options: Options, dataset: ProbeDataset, report: Report) -> None:
        self._workspace, self._options, self._dataset, self._report = workspace, options, dataset, report
        self._folds = FoldCache.of(workspace.home, options, dataset) if options.mode == "fine-tuned" else None
        self.notes: list[str] = []
        self._done = self._total = 0

    def plan(self, features: Sequence[Feature], protocol: protocols.Protocol) -> None:
        """Count the fits. DatasetError ("too_few") when the protocol cannot be done."""
        folds = protocols.folds(protocol, self._dataset.recordings.utterances, self._dataset.recordings.labels)
        self._total = sum(self._seeds(feature, protocol) for feature in features) * len(folds)

    def possible(self, features: Sequence[Feature]) -> tuple[Feature, ...]:
        """The features that the model has; a note names the others, unless none is left (DatasetError)."""
        there: list[Feature] = []
        for feature in features:
            try:
                self._probe_of(feature)
                there.append(feature)
            except DatasetError as error:
                if error.kind != "no_feature":
                    raise
                self._leave_out(feature, error)
        if not there:
            raise DatasetError(self.notes[0], "no_feature")
        return tuple(there)

    def probe_all(self, features: Sequence[Feature], protocol: protocols.Protocol) -> dict[str, Probed]:
        """Outcome of each feature by its key; a note names those in which all recordings are alike.

        DatasetError ("all_alike") when they are in every one.
        """
        outcomes: dict[str, Probed] = {}
        for feature in features:
            if self._probe_of(feature).differs(self._report_for(feature.title)):
                outcomes[feature.key] = self._probed(feature, protocol)
            else:
                self._leave_out(feature, self._all_alike())
        if not outcomes:
            raise DatasetError(self.notes[-1], "all_alike")
        return outcomes

    def _leave_out(self, feature: Feature, why: DatasetError) -> None:
        self.notes.append(f"{feature.title} is left out: {why}")

    def _all_alike(self) -> DatasetError:
        by_speaker = self._options.speaker_statistics
        advice = "do not standardise by speaker, or add recordings of each speaker" if by_speaker else \
            "probe another feature, or a folder whose recordings differ more"
        return DatasetError(_("all {speakers} recordings are the same in it, so it tells nothing of emotion. What was "
                              "computed is kept; {advice}.").format(speakers=len(self._dataset.speakers),
                                                                    advice=advice), "all_alike")

    def _probed(self, feature: Feature, protocol: protocols.Protocol) -> Probed:
        """Fit and test a feature under every seed and fold."""
        recordings, probe = self._dataset.recordings, self._probe_of(feature)
        parts = [protocols.folds(protocol, recordings.utterances, recordings.labels, seed)
                 for seed in range(self._seeds(feature, protocol))]
        predicted = np.full((len(parts), len(recordings.labels)), -1, np.int64)
        probabilities = np.zeros((len(recordings.labels), len(recordings.classes)), np.float32)
        curves: list[Curve | None] = [None] * len(recordings.labels)
        scored: list[FoldScore] = []
        arrays: Arrays | None = None
        vectors = None
        every = [(seed, fold) for seed, folds in enumerate(parts) for fold in folds]
        for number, (seed, fold) in enumerate(every):
            outputs = Wanted(curves=seed == 0, probe=number == 0,
                             vectors=self._folds is not None and number == len(every) - 1)
            prediction = self._predicted(feature, probe, fold, seed, outputs)
            predicted[seed, list(fold.test)] = prediction.probabilities.argmax(axis=1)
            score = scores.score(self._confusion(predicted[seed], fold.test))
            scored.append(FoldScore(fold.name, seed, len(fold.train), len(fold.test), score, prediction.chosen))
            if seed == 0:
                probabilities[list(fold.test)] = prediction.probabilities
                for row, curve in zip(fold.test, prediction.curves, strict=True):
                    curves[row] = curve
            if number == 0 and (len(parts[0]) == 1 or self._folds is not None):
                arrays = prediction.probe
            vectors = prediction.vectors
            self._done += 1
        leaks = confounds.all_leaks(probe.vectors(0) if vectors is None else vectors, recordings.utterances)
        if feature.key in AUTHORS:
            self.notes.append(f"{feature.title}: {'; '.join(dict.fromkeys(each.chosen for each in scored))}.")
        answers = Answers(predicted, probabilities, tuple(curves), self._for_others(feature, probe, arrays))
        return Probed(self._score(feature, predicted, tuple(scored), leaks), answers, parts[0])

    def _predicted(self, feature: Feature, probe: Probe, fold: Fold, seed: int, outputs: Wanted) -> FoldPrediction:
        """Predictions of a fold: as they were kept, or of a fit now."""
        def compute() -> FoldPrediction:
            report = self._report_for(f"{feature.title}: {fold.name}")
            probe.fit(fold.train, seed, report)
            return FoldPrediction(probe.predict_proba(fold.test), probe.chosen,
                                  tuple(probe.curves(fold.test, report)) if outputs.curves else (),
                                  probe.arrays if outputs.probe else None,
                                  probe.vectors(0) if outputs.vectors else None)

        return compute() if self._folds is None else self._folds.load(feature.key, fold, seed, outputs, compute)

    def _for_others(self, feature: Feature, probe: Probe, arrays: Arrays | None) -> Arrays:
        """Arrays to apply the probe to other voices: those there are, else of a fit on all recordings; with what
        strangers are standardised by where speakers were.
        """
        if arrays is None:
            everyone = range(len(self._dataset.speakers))
            arrays = probe.fit(everyone, 0, self._report_for(f"{feature.title}: all recordings")).arrays
        own = self._dataset.own
        if own is None or feature.needs != "voice":
            return arrays
        shape = self._dataset.voiced.shape[1:]
        return {**arrays, **{name: array.reshape(shape) for name, array in own.typical.items()}}

    def _probe_of(self, feature: Feature) -> Probe:
        if self._folds is not None:
            return fine_tuned_probe_of(self._workspace, feature, self._dataset)
        if feature.key in AUTHORS:
            kind = "fused" if feature.key == AUTHORS[0] else "text"
            return AuthorsProbe(self._workspace, self._dataset, kind, self._options.steps)
        return probe_of(feature, self._dataset, self._options.speaker_statistics)

    def _seeds(self, feature: Feature, protocol: protocols.Protocol) -> int:
        """Repetitions: chance plays a part in some probes, in models that are not trained, and in the random split."""
        branches = self._dataset.branches
        drawn = feature.needs == "branches" and branches is not None and not branches.is_trained
        by_chance = feature.seeded or drawn or protocol.key == "random" or self._folds is not None
        return max(1, self._options.seeds) if by_chance else 1

    def _report_for(self, text: str) -> Report:
        def report(inner: Progress) -> None:
            words = " · ".join(filter(None, (text, inner.title, inner.counts())))
            done, total = inner.bar
            share = (self._done + (done / total if total else 0)) / max(1, self._total)
            self._report(Progress(WorkStep.PROBING, self._done, self._total, words, share=share))

        return report

    def _confusion(self, predicted: NDArray[np.int64], rows: Sequence[int]) -> scores.Counts:
        return scores.confusion(self._dataset.labels(rows).tolist(), predicted[list(rows)].tolist(),
                                self._dataset.classes)

    def _score(self, feature: Feature, predicted: NDArray[np.int64], folds: tuple[FoldScore, ...],
               leaks: Mapping[str, Leak]) -> FeatureScore:
        by_seed = [self._confusion(row, np.flatnonzero(row >= 0).tolist()) for row in predicted]
        spread = (scores.spread([fold.score.accuracy for fold in folds]),
                  scores.spread([fold.score.uar for fold in folds]))
        counts = tuple(tuple(int(count) for count in row) for row in sum(by_seed[1:], by_seed[0]))
        return FeatureScore(feature.key, feature.title, scores.mean([scores.score(counts) for counts in by_seed]),
                            spread, counts, len(predicted), folds, leaks)
