"""Probes of features: estimators over the recordings of a dataset, used alike by the cross-validation."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from core.emotion import learned_probes as learned
from core.emotion import pooling, probe
from core.emotion.dataset import ProbeDataset, Statistics, statistics
from core.emotion.features import LAYERS, REFERENCE, Feature
from core.emotion.layer_cache import Floats, VoiceLayers
from core.emotion.learned_probes import LayerFeatures, Mixture, Restraint
from core.emotion.pooling import Pooling
from core.emotion.probe import LinearProbe
from core.errors import DatasetError
from core.figures import percents
from core.localisation import _
from core.progress import Progress, Report, silent

Rows = Sequence[int]  # of recordings in the dataset
Curve = tuple[Floats, Floats]  # times (k,) in s, probabilities (k, classes)
Arrays = Mapping[str, NDArray[Any]]


class Probe(Protocol):
    """Estimator of the classes from one feature. Everything but `fit`, `vectors` and `differs` needs a fit before."""

    chosen: str
    """What was chosen among the recordings that were learned from, in words."""

    @property
    def arrays(self) -> Arrays:
        """Arrays by name, to apply the fitted probe to other voices."""

    def fit(self, rows: Rows, seed: int, report: Report) -> Self:
        """Learn from recordings."""

    def predict_proba(self, rows: Rows) -> Floats:
        """(k, classes) of recordings."""

    def curves(self, rows: Rows, report: Report) -> list[Curve]:
        """Probabilities over the time of recordings."""

    def vectors(self, seed: int) -> Floats:
        """(n, d): vectors that confounds are read from."""

    def differs(self, report: Report) -> bool:
        """Whether the recordings differ in the feature at all."""


def probe_of(feature: Feature, dataset: ProbeDataset, by_speaker: bool) -> Probe:
    """The linear probe of a feature, but the authors'. DatasetError ("no_feature") when the model lacks that branch."""
    if feature.key in ("weighted", "attention"):
        return MixtureProbe(dataset, feature.key == "attention")
    if feature.needs == "voice":
        return LayersProbe(dataset, _views(feature.key, dataset.voiced.shape[1]))
    kind = {"paper": "fused", "paper-text": "text"}.get(feature.key, feature.key)
    return BranchProbe(dataset, kind, feature.key.startswith("paper"), by_speaker)


def _views(key: str, layers: int) -> tuple[Pooling, ...]:
    if key in LAYERS:
        number = LAYERS.index(key)
        if number >= layers:
            raise DatasetError(_("This recogniser has {layers} layers, 0 to {layers_2}: there is no {key}.").format(
                layers=layers, layers_2=layers - 1, key=key), "feature")
        return (Pooling((number,)),)
    every, inner = tuple(range(layers)), tuple(range(1, layers - 1))
    middle = tuple(range(2, layers - 2))
    several = [Pooling(some) for some in (inner, middle) if len(some) > 1]
    return (Pooling(every), Pooling(every, pauses=True), *several, *(Pooling((number,)) for number in every))


def progressing(rows: Rows, report: Report) -> Iterator[int]:
    """The rows, one after the other, with progress."""
    for number, row in enumerate(rows):
        report(Progress(None, number, len(rows)))
        yield row


class LayersProbe:
    """Logistic regression on Whisper's layers; view and strength are chosen among the training speakers."""

    def __init__(self, dataset: ProbeDataset, views: Sequence[Pooling]) -> None:
        self._dataset, self._views = dataset, {str(view): view for view in views}
        self._view = views[0]
        self.chosen = ""

    def fit(self, rows: Rows, seed: int, report: Report) -> Self:
        """Learn from recordings."""
        labels = self._dataset.labels(rows)
        vectors = {name: self._dataset.means(view)[list(rows)] for name, view in self._views.items()}
        settings = probe.choose(vectors, labels, self._dataset.speakers_of(rows), report)
        self._view, self.chosen = self._views[settings.view], str(settings)
        self._linear = probe.fit(vectors[settings.view], labels, self._dataset.classes, settings.strength)
        return self

    @property
    def arrays(self) -> Arrays:
        """Arrays by name, to apply the fitted probe to other voices."""
        return {"weights": self._linear.weights, "bias": self._linear.bias, "layers": np.array(self._view.layers),
                "pauses": np.array(self._view.pauses)}

    def predict_proba(self, rows: Rows) -> Floats:
        """Class probabilities of recordings, (k, classes)."""
        return self._linear.predict_proba(self._dataset.means(self._view)[list(rows)])

    def curves(self, rows: Rows, report: Report) -> list[Curve]:
        """Class probabilities over the time of recordings."""
        return [layers_curve(self._dataset.voices[row], self._view, self._linear) for row in progressing(rows, report)]

    def vectors(self, seed: int) -> Floats:
        """Vectors (n, d) of the view chosen last, for confounds."""
        return self._dataset.means(self._view)

    def differs(self, report: Report) -> bool:
        """Whether the recordings differ in the feature."""
        dataset = self._dataset
        return any(dataset.differ(dataset.unstandardised.means(view), dataset.own is not None)
                   for view in self._views.values())


def layers_curve(voice: VoiceLayers, view: Pooling, linear: LinearProbe) -> Curve:
    """Probabilities of a linear probe on a view over the time of a voice."""
    times, means = pooling.windows(voice, view.pauses)
    return times, linear.predict_proba(pooling.vectors(means, view))


class MixtureProbe:
    """Learnt mixture of the layers, pooled by attention if it may `attend`.

    The restraint is chosen among the training speakers.
    """

    def __init__(self, dataset: ProbeDataset, attend: bool) -> None:
        self._dataset, self._attend = dataset, attend
        self._restraints: dict[tuple[int, ...], Restraint] = {}  # by rows: seeds share it
        self.chosen = ""

    def fit(self, rows: Rows, seed: int, report: Report) -> Self:
        """Learn from recordings."""
        dataset = self._dataset
        features = LayerFeatures([dataset.voices[row] for row in rows], dataset.voiced[list(rows)],
                                 dataset.labels(rows), dataset.classes)
        if tuple(rows) not in self._restraints:
            self._restraints[tuple(rows)] = learned.choose_restraint(features, dataset.speakers_of(rows), self._attend,
                                                                     report)
        restraint = self._restraints[tuple(rows)]
        self._mixture = learned.fit_mixture(features, restraint, seed, report)
        shares = percents([float(share) for share in self._mixture.mix])
        self.chosen = f"layers 0 to {len(shares) - 1} at {' '.join(map(str, shares))} %; {restraint}"
        return self

    @property
    def arrays(self) -> Arrays:
        """Arrays by name, to apply the fitted probe to other voices."""
        mixture = self._mixture
        return {"mix": mixture.mix, "mean": mixture.mean, "scale": mixture.scale, "query": mixture.query,
                "weights": mixture.probe.weights, "bias": mixture.probe.bias}

    def predict_proba(self, rows: Rows) -> Floats:
        """Class probabilities of recordings, (k, classes)."""
        return np.stack([self._mixture.predict_proba(self._dataset.voices[row]) for row in rows])

    def curves(self, rows: Rows, report: Report) -> list[Curve]:
        """Class probabilities over the time of recordings."""
        return [mixture_curve(self._dataset.voices[row], self._mixture) for row in progressing(rows, report)]

    def vectors(self, seed: int) -> Floats:
        """Vectors (n, d) pooled by the mixture learned last, for confounds."""
        return np.stack([self._mixture.pooled(voice) for voice in self._dataset.voices])

    def differs(self, report: Report) -> bool:
        """Whether the recordings differ in the feature."""
        return self._dataset.differs


def mixture_curve(voice: VoiceLayers, mixture: Mixture) -> Curve:
    """Probabilities of a mixture over the time of a voice."""
    times, parts = pooling.stretches(voice)
    return times, np.stack([mixture.predict_proba(part) for part in parts])


def unit(vectors: Floats) -> Floats:
    """(n, d) of unit length."""
    normalised: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return normalised


class BranchProbe:
    """Logistic regression on a branch of a BrewCLIP, its strength chosen; or, `as_paper`, the paper's linear layer."""

    def __init__(self, dataset: ProbeDataset, kind: str, as_paper: bool, by_speaker: bool) -> None:
        self._dataset, self._kind, self._as_paper = dataset, kind, as_paper
        self._by_speaker, self._cache = by_speaker and not as_paper, dataset.branch_cache
        self._statistics: dict[int, Statistics] = {}  # by seed
        self._report: Report = silent  # of the fit that goes on
        self._seed, self.chosen = 0, _("nothing is chosen")
        assert dataset.branches is not None
        dataset.branches.check(kind)

    def fit(self, rows: Rows, seed: int, report: Report) -> Self:
        """Learn from recordings."""
        self._report, self._seed = report, seed
        vectors, labels = self.vectors(seed)[list(rows)], self._dataset.labels(rows)
        classes = self._dataset.classes
        if self._as_paper:
            self._linear = learned.fit_paper(vectors, labels, classes, seed, report)
        else:
            settings = probe.choose({self._kind: vectors}, labels, self._dataset.speakers_of(rows), report)
            self._linear = probe.fit(vectors, labels, classes, settings.strength)
            self.chosen = f"C = {settings.strength:g}"
        return self

    @property
    def arrays(self) -> Arrays:
        """Arrays by name, with the statistics that new speakers are standardised by."""
        own = self._statistics.get(self._seed)
        return {"weights": self._linear.weights, "bias": self._linear.bias, **(own.typical if own else {})}

    def predict_proba(self, rows: Rows) -> Floats:
        """Class probabilities of recordings, (k, classes)."""
        return self._linear.predict_proba(self.vectors(self._seed)[list(rows)])

    def curves(self, rows: Rows, report: Report) -> list[Curve]:
        """Class probabilities over the time of recordings."""
        assert self._cache is not None
        curves = []
        for row, (times, windows) in zip(rows, self._cache.windows(rows, self._seed, report), strict=True):
            raw = (np.repeat(self._raw(self._seed)[[row]], len(times), axis=0) if self._kind == REFERENCE
                   else windows.by_kind[self._kind])
            curves.append((times, self._linear.predict_proba(self._prepared(raw, [row] * len(times), self._seed))))
        return curves

    def vectors(self, seed: int) -> Floats:
        """Vectors (n, d) that confounds are read from."""
        raw = self._raw(seed)
        return self._prepared(raw, range(len(raw)), seed)

    def differs(self, report: Report) -> bool:
        """Whether the recordings differ in the feature under the first seed."""
        self._report = report
        return self._dataset.differ(self._raw(0), self._by_speaker)

    def _prepared(self, raw: Floats, rows: Rows, seed: int) -> Floats:
        """Vectors of recordings as the probe reads them: of unit length, or standardised by speaker where asked."""
        if not self._by_speaker:
            return unit(raw)
        if seed not in self._statistics:
            self._statistics[seed] = statistics(self._raw(seed), self._dataset.speakers)
        return self._statistics[seed].apply(raw, self._dataset.speakers_of(rows))

    def _raw(self, seed: int) -> Floats:
        cache = self._cache
        assert cache is not None
        if self._kind == REFERENCE:
            return cache.branches.words([record.caption for record in self._dataset.recordings.utterances], seed)
        return cache.vectors(seed, self._report).by_kind[self._kind]
