"""Probes learnt by gradient descent: a mixture of Whisper's layers, and the paper's linear layer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.emotion.layer_cache import Floats, VoiceLayers
from core.emotion.probe import Labels, LinearProbe, inner_folds
from core.progress import Progress, Report, WorkStep, silent

STEPS = 120
RATE = 1e-2
STRENGTHS = (3e-3, 1e-2, 3e-2)  # of the linear layer, as scikit-learn's C
COSTS = (10.0, 30.0, 100.0)  # of a query that singles out frames
INNER_FOLDS = 3
PAPER_RATE = 1e-3
PAPER_EPOCHS = 100
PAPER_BATCH = 32
EVEN = 1e-6  # of a deviation: less is rounding
FAR = -1e4  # score of a frame that is not there


@dataclass(frozen=True, eq=False)
class Mixture:
    """`mix` (l,) weighs the layers; a frame's score is `query` . its mixture; `probe` reads what is pooled by scores.

    `mean`, `scale` (l, width) standardise the states. With a query of zeros pooling is the mean over the voice.
    """

    mix: Floats
    mean: Floats
    scale: Floats
    query: Floats
    probe: LinearProbe

    def predict_proba(self, voice: VoiceLayers) -> Floats:
        """(classes,) of one recording, or of a stretch of it."""
        shares: Floats = self.probe.predict_proba(self.pooled(voice)[None])[0]
        return shares

    def predict(self, recordings: "LayerFeatures") -> Labels:
        """Class numbers (n,) of recordings."""
        if not self.query.any():  # the mean over the voice, which is at hand
            vectors = np.einsum("nlw,l->nw", (recordings.means - self.mean) / self.scale, self.mix)
        else:
            vectors = np.stack([self.pooled(voice) for voice in recordings.voices])
        labels: Labels = self.probe.predict_proba(vectors.astype(np.float32)).argmax(axis=1)
        return labels

    def pooled(self, voice: VoiceLayers) -> Floats:
        """(width,): the mixture, averaged over the frames as the query and the pauses have it."""
        frames = self.frames(voice)
        scores = frames @ self.query
        weights = np.exp(scores - scores.max()) * voice.share
        pooled: Floats = (weights / weights.sum()) @ frames
        return pooled

    def frames(self, voice: VoiceLayers) -> Floats:
        """(t, width) float32: the mixture of the standardised layers, frame by frame."""
        weights = (self.mix[:, None] / self.scale).astype(np.float32)
        frames = np.einsum("ltw,lw->tw", voice.states.astype(np.float32), weights)
        mixed: Floats = frames - (self.mean * weights).sum(axis=0)
        return mixed


@dataclass(frozen=True)
class Restraint:
    """Regularisation of a mixture: `strength` of its linear layer, `cost` of its query; None: it does not attend."""

    strength: float = STRENGTHS[1]
    cost: float | None = None

    def __str__(self) -> str:
        return f"C = {self.strength:g}" + ("" if self.cost is None else f", attention held at {self.cost:g}")


@dataclass(frozen=True, eq=False)
class LayerFeatures:
    """Training data of mixtures: n voices, their means (n, layers, width), class numbers (n,) out of `classes`."""

    voices: Sequence[VoiceLayers]
    means: Floats
    labels: Labels
    classes: int

    def part(self, places: Labels) -> "LayerFeatures":
        """Some of the recordings."""
        return LayerFeatures([self.voices[place] for place in places], self.means[places], self.labels[places],
                             self.classes)


def choose_restraint(features: LayerFeatures, groups: Sequence[int], attend: bool, report: Report = silent
                     ) -> Restraint:
    """The restraint under which held-out groups (speakers) are told best; the middle one with one group alone."""
    best = Restraint(cost=COSTS[len(COSTS) // 2] if attend else None)
    folds = inner_folds(features.labels, groups, INNER_FOLDS)
    if not folds:
        return best
    strength = _best([Restraint(one) for one in STRENGTHS], features, folds, report).strength
    if not attend:
        return Restraint(strength)
    return _best([Restraint(strength, cost) for cost in COSTS], features, folds, report)


def _best(options: Sequence[Restraint], features: LayerFeatures, folds: Sequence[tuple[Labels, Labels]], report: Report
          ) -> Restraint:
    if len(options) == 1:
        return options[0]

    def accuracy(option: Restraint) -> float:
        hits = [fit_mixture(features.part(train), option, 0, report).predict(features.part(test))
                == features.labels[test] for train, test in folds]
        return float(np.concatenate(hits).mean())

    return max(options, key=accuracy)


def fit_mixture(features: LayerFeatures, restraint: Restraint, seed: int, report: Report = silent) -> Mixture:
    """The mixture learned from recordings."""
    of_layers, labels, classes = features.means, features.labels, features.classes
    mean, scale = of_layers.mean(axis=0), of_layers.std(axis=0)
    scale = np.where(scale > EVEN, scale, 1).astype(np.float32)
    even = torch.from_numpy((of_layers - mean) / scale)
    draw = torch.Generator().manual_seed(seed)
    head = linear(mean.shape[1], classes, draw)
    odds = nn.Parameter(0.1 * torch.randn(len(mean), generator=draw))

    def pooled_by_mean() -> Tensor:
        return torch.einsum("nlw,l->nw", even, odds.softmax(dim=0))

    targets = torch.from_numpy(labels)
    _descend([odds, *head.parameters()], lambda: _loss(head, pooled_by_mean(), targets, restraint.strength), report,
             WorkStep.TRAINING_MIXTURE)
    mix = odds.detach().softmax(dim=0).numpy()
    mixture = Mixture(mix, mean, scale, np.zeros(mean.shape[1], np.float32), as_probe(head))
    return mixture if restraint.cost is None else _attending(mixture, features.voices, targets, head, restraint, report)


def fit_paper(vectors: Floats, labels: Labels, classes: int, seed: int, report: Report = silent) -> LinearProbe:
    """One linear layer over vectors (n, d) of unit length, as the paper has it: Adam, batches, nothing chosen."""
    points, targets = torch.from_numpy(vectors), torch.from_numpy(labels)
    order = torch.Generator().manual_seed(seed)
    head = linear(points.shape[1], classes, order)
    optimiser = torch.optim.Adam(head.parameters(), PAPER_RATE)
    for epoch in range(PAPER_EPOCHS):
        report(Progress(WorkStep.TRAINING_PROBE, epoch, PAPER_EPOCHS))
        for part in torch.randperm(len(points), generator=order).split(PAPER_BATCH):
            optimiser.zero_grad()
            functional.cross_entropy(head(points[part]), targets[part]).backward()
            optimiser.step()
    return as_probe(head)


def _attending(mixture: Mixture, voices: Sequence[VoiceLayers], targets: Tensor, head: nn.Linear, restraint: Restraint,
               report: Report) -> Mixture:
    """The mixture with attention learnt over its frames, from the mean that it has."""
    longest = max(len(voice.share) for voice in voices)
    frames = torch.zeros(len(voices), longest, len(mixture.query))
    heed = torch.full((len(voices), longest), FAR)
    for row, voice in enumerate(voices):
        frames[row, :len(voice.share)] = torch.from_numpy(mixture.frames(voice))
        heed[row, :len(voice.share)] = torch.from_numpy(np.array(voice.share)).clamp(min=1e-6).log()
    query = nn.Parameter(torch.zeros(frames.shape[2]))

    def loss() -> Tensor:
        weights = (frames @ query + heed).softmax(dim=1)
        pooled = torch.einsum("nt,ntw->nw", weights, frames)
        return _loss(head, pooled, targets, restraint.strength) + query.square().sum() * (restraint.cost or 0.0)

    _descend([query, *head.parameters()], loss, report, WorkStep.TRAINING_ATTENTION)
    return Mixture(mixture.mix, mixture.mean, mixture.scale, query.detach().numpy(), as_probe(head))


def _descend(parameters: Sequence[nn.Parameter], loss: Callable[[], Tensor], report: Report, work: WorkStep) -> None:
    optimiser = torch.optim.Adam(parameters, RATE)
    for step in range(STEPS):
        report(Progress(work, step, STEPS))
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()


def _loss(head: nn.Linear, points: Tensor, targets: Tensor, strength: float) -> Tensor:
    """The loss of logistic regression, large weights held down as there."""
    penalty = head.weight.square().sum() / (2 * strength * len(points))
    return functional.cross_entropy(head(points), targets) + penalty


def as_probe(head: nn.Linear) -> LinearProbe:
    """The probe that a trained layer is."""
    return LinearProbe(head.weight.detach().numpy().copy(), head.bias.detach().numpy().copy())


def linear(width: int, classes: int, draw: torch.Generator) -> nn.Linear:
    """A layer that begins as PyTorch's do, of numbers that are its own: no other thread's are touched."""
    layer = nn.Linear(width, classes)
    for parameter in (layer.weight, layer.bias):
        parameter.data.copy_((torch.rand(parameter.shape, generator=draw) * 2 - 1) * width ** -0.5)
    return layer
