"""How each feature is learned and asked: one prober a feature, all used alike by the experiment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.emotion import learned_probes as learned
from core.emotion import pooling, probe
from core.emotion.dataset import ProbeDataset, Statistics, statistics
from core.emotion.features import LAYERS, REFERENCE, Feature
from core.emotion.layer_cache import Floats, VoiceLayers
from core.emotion.learned_probes import Mixture, Restraint
from core.emotion.pooling import Pooling
from core.emotion.probe import Labels, LinearProbe, ProbeSettings
from core.errors import DatasetError
from core.figures import percents
from core.progress import Progress, Report, silent

Places = Sequence[int]
Curve = tuple[Floats, Floats]  # times (k,) in s, probabilities (k, classes)
Kept = Mapping[str, NDArray[Any]]


class Fitted(Protocol):
    """What was learned. `said` tells in words what was chosen; `kept` are arrays to ask it again another day."""

    @property
    def said(self) -> str:
        """In words."""

    @property
    def kept(self) -> Kept:
        """Arrays by name."""

    def probabilities(self, places: Places) -> Floats:
        """(k, classes) of recordings."""

    def curves(self, places: Places, report: Report) -> list[Curve]:
        """The probabilities over the time of recordings."""


class ProbeTrainer(Protocol):
    """Learns one feature."""

    def fit(self, places: Places, seed: int, report: Report) -> Fitted:
        """Learn from the recordings at those places."""

    def vectors(self, seed: int) -> Floats:
        """(n, d): what else may be read from the feature."""

    def differs(self, report: Report) -> bool:
        """Whether the recordings differ in the feature at all."""


def prober(feature: Feature, material: ProbeDataset, speaker_statistics: bool) -> ProbeTrainer:
    """The prober of a feature. DatasetError ("no_feature") when the model lacks that branch."""
    if feature.key in ("weighted", "attention"):
        return MixtureProber(material, feature.key == "attention")
    if feature.needs == "voice":
        return LayersProber(material, _views(feature.key, material.voiced.shape[1]))
    kind = {"paper": "fused", "paper-text": "text"}.get(feature.key, feature.key)
    return BranchProber(material, kind, feature.key.startswith("paper"), speaker_statistics)


def _views(key: str, layers: int) -> tuple[Pooling, ...]:
    if key in LAYERS:
        number = LAYERS.index(key)
        if number >= layers:
            raise DatasetError(f"This recogniser has {layers} layers, 0 to {layers - 1}: there is no {key}.", "feature")
        return (Pooling((number,)),)
    every, inner = tuple(range(layers)), tuple(range(1, layers - 1))
    middle = tuple(range(2, layers - 2))
    several = [Pooling(some) for some in (inner, middle) if len(some) > 1]
    return (Pooling(every), Pooling(every, pauses=True), *several, *(Pooling((number,)) for number in every))


def told(places: Places, report: Report) -> Iterator[int]:
    """The places, one after the other; how far it is, is told."""
    for number, place in enumerate(places):
        report(Progress(None, number, len(places)))
        yield place


def labels_of(material: ProbeDataset, places: Places) -> Labels:
    """Class numbers of recordings."""
    return np.array(material.acted.labels, np.int64)[list(places)]


# --- Whisper's layers under logistic regression ---

@dataclass(frozen=True, eq=False)
class FittedLayers:
    """A linear probe on a view of the layers."""

    material: ProbeDataset
    view: Pooling
    probe: LinearProbe
    said: str

    @property
    def kept(self) -> Kept:
        """As `Fitted`."""
        return {"weights": self.probe.weights, "bias": self.probe.bias, "layers": np.array(self.view.layers),
                "pauses": np.array(self.view.pauses)}

    def probabilities(self, places: Places) -> Floats:
        """As `Fitted`."""
        return self.probe.probabilities(self.material.means(self.view)[list(places)])

    def curves(self, places: Places, report: Report) -> list[Curve]:
        """As `Fitted`."""
        return [layers_curve(self.material.voices[place], self.view, self.probe) for place in told(places, report)]


def layers_curve(voice: VoiceLayers, view: Pooling, found: LinearProbe) -> Curve:
    """What a probe on a view says over the time of a voice."""
    times, means = pooling.windows(voice, view.pauses)
    return times, found.probabilities(pooling.vectors(means, view))


class LayersProber:
    """Chooses a view and a strength among the training speakers, then learns from all of them."""

    def __init__(self, material: ProbeDataset, views: Sequence[Pooling]) -> None:
        self._material, self._views = material, {str(view): view for view in views}
        self._last = next(iter(self._views.values()))

    def fit(self, places: Places, seed: int, report: Report) -> FittedLayers:
        """As `ProbeTrainer`."""
        labels = labels_of(self._material, places)
        vectors = {name: self._material.means(view)[list(places)] for name, view in self._views.items()}
        chosen = probe.choose(vectors, labels, [self._material.speakers[place] for place in places], report)
        self._last = self._views[chosen.view]
        found = probe.fit(vectors[chosen.view], labels, len(self._material.acted.classes), chosen.strength)
        return FittedLayers(self._material, self._last, found, say(chosen))

    def vectors(self, seed: int) -> Floats:
        """As `ProbeTrainer`: of the view that was chosen last."""
        return self._material.means(self._last)

    def differs(self, report: Report) -> bool:
        """As `ProbeTrainer`."""
        material = self._material
        return any(material.differ(material.heard_as_is.means(view), material.own is not None)
                   for view in self._views.values())


def say(chosen: ProbeSettings) -> str:
    """What was chosen, in words."""
    return f"{chosen.view}; C = {chosen.strength:g}"


# --- a learnt mixture of the layers ---

@dataclass(frozen=True, eq=False)
class FittedMixture:
    """A mixture of layers under a linear layer."""

    material: ProbeDataset
    mixture: Mixture
    said: str

    @property
    def kept(self) -> Kept:
        """As `Fitted`."""
        found = self.mixture
        return {"mix": found.mix, "mean": found.mean, "scale": found.scale, "query": found.query,
                "weights": found.probe.weights, "bias": found.probe.bias}

    def probabilities(self, places: Places) -> Floats:
        """As `Fitted`."""
        return np.stack([self.mixture.probabilities(self.material.voices[place]) for place in places])

    def curves(self, places: Places, report: Report) -> list[Curve]:
        """As `Fitted`."""
        return [mixture_curve(self.material.voices[place], self.mixture) for place in told(places, report)]


def mixture_curve(voice: VoiceLayers, mixture: Mixture) -> Curve:
    """What a mixture says over the time of a voice."""
    times, parts = pooling.stretches(voice)
    return times, np.stack([mixture.probabilities(part) for part in parts])


class MixtureProber:
    """Learns how much each layer counts, and where to listen if it may `attend`.

    How far it is held back is chosen among the training speakers.
    """

    def __init__(self, material: ProbeDataset, attend: bool) -> None:
        self._material, self._attend = material, attend
        self._last: Mixture | None = None
        self._chosen: dict[tuple[int, ...], Restraint] = {}  # by what was learned from: seeds share it

    def fit(self, places: Places, seed: int, report: Report) -> FittedMixture:
        """As `ProbeTrainer`."""
        material = self._material
        heard = learned.LayerFeatures([material.voices[place] for place in places], material.voiced[list(places)],
                              labels_of(material, places), len(material.acted.classes))
        if tuple(places) not in self._chosen:
            speakers = [material.speakers[place] for place in places]
            self._chosen[tuple(places)] = learned.choose_restraint(heard, speakers, self._attend, report)
        restraint = self._chosen[tuple(places)]
        found = self._last = learned.fit_mixture(heard, restraint, seed, report)
        shares = " ".join(map(str, percents([float(share) for share in found.mix])))
        return FittedMixture(material, found, f"layers 0 to {len(found.mix) - 1} at {shares} %; {restraint}")

    def vectors(self, seed: int) -> Floats:
        """As `ProbeTrainer`: pooled by the mixture that was learned last."""
        assert self._last is not None
        return np.stack([self._last.pooled(voice) for voice in self._material.voices])

    def differs(self, report: Report) -> bool:
        """As `ProbeTrainer`."""
        return self._material.differs


# --- the branches of a BrewCLIP ---

def unit(vectors: Floats) -> Floats:
    """(n, d) of unit length."""
    found: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found


@dataclass(frozen=True, eq=False)
class FittedBranch:
    """A linear probe on a branch; `prepare` brings raw vectors of a recording (its place) to what the probe reads."""

    source: "BranchProber"
    probe: LinearProbe
    seed: int
    said: str

    @property
    def kept(self) -> Kept:
        """As `Fitted`."""
        return {"weights": self.probe.weights, "bias": self.probe.bias, **self.source.usual(self.seed)}

    def probabilities(self, places: Places) -> Floats:
        """As `Fitted`."""
        return self.probe.probabilities(self.source.vectors(self.seed)[list(places)])

    def curves(self, places: Places, report: Report) -> list[Curve]:
        """As `Fitted`."""
        raw = zip(places, self.source.raw_windows(places, self.seed, report), strict=True)
        return [(times, self.probe.probabilities(self.source.prepared(found, [place] * len(found), self.seed)))
                for place, (times, found) in raw]


class BranchProber:
    """Standardises, chooses a strength and learns; or, `plainly`, does as the paper does."""

    def __init__(self, material: ProbeDataset, kind: str, plainly: bool, speaker_statistics: bool) -> None:
        self._material, self._kind, self._plainly = material, kind, plainly
        self._by_speaker = speaker_statistics and not plainly
        self._own: dict[int, Statistics] = {}
        self._report: Report = silent  # of the fit that goes on
        assert material.branches is not None
        material.branches.check(kind)

    def fit(self, places: Places, seed: int, report: Report) -> FittedBranch:
        """As `ProbeTrainer`."""
        self._report = report
        points, labels = self.vectors(seed)[list(places)], labels_of(self._material, places)
        classes = len(self._material.acted.classes)
        if self._plainly:
            plain = learned.fit_paper(points, labels, classes, seed, report)
            return FittedBranch(self, plain, seed, "nothing is chosen")
        speakers = [self._material.speakers[place] for place in places]
        chosen = probe.choose({self._kind: points}, labels, speakers, report)
        found = probe.fit(points, labels, classes, chosen.strength)
        return FittedBranch(self, found, seed, f"C = {chosen.strength:g}")

    def vectors(self, seed: int) -> Floats:
        """As `ProbeTrainer`."""
        raw = self._of(seed)
        return self.prepared(raw, range(len(raw)), seed)

    def differs(self, report: Report) -> bool:
        """As `ProbeTrainer`; of the first seed."""
        self._report = report
        return self._material.differ(self._of(0), self._by_speaker)

    def prepared(self, raw: Floats, places: Places, seed: int) -> Floats:
        """Vectors of recordings as the probe reads them: of unit length, or standardised by speaker where asked."""
        if not self._by_speaker:
            return unit(raw)
        if seed not in self._own:
            self._own[seed] = statistics(self._of(seed), self._material.speakers)
        return self._own[seed].apply(raw, [self._material.speakers[place] for place in places])

    def usual(self, seed: int) -> Kept:
        """What strangers are standardised by, where speakers were."""
        return self._own[seed].kept if seed in self._own else {}

    def raw_windows(self, places: Places, seed: int, report: Report) -> list[Curve]:
        """Of each recording times, and vectors of the stretches around them."""
        assert self._material.shelf is not None
        found = self._material.shelf.windows(places, seed, report)
        if self._kind != REFERENCE:
            return [(times, vectors.by_kind[self._kind]) for times, vectors in found]
        whole = self._of(seed)
        return [(times, np.repeat(whole[[place]], len(times), axis=0))
                for place, (times, _) in zip(places, found, strict=True)]

    def _of(self, seed: int) -> Floats:
        assert self._material.shelf is not None
        if self._kind == REFERENCE:
            captions = [one.caption for one in self._material.acted.utterances]
            return self._material.shelf.branches.words(captions, seed)
        return self._material.shelf.vectors(seed, self._report).by_kind[self._kind]
