"""Probes learnt by descent: a mixture of Whisper's layers, averaged or attended to, and the paper's linear layer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.emotion.probe import Labels, LinearProbe
from core.emotion.voices import Floats, Voice
from core.progress import Report, silent

STEPS = 120
RATE = 1e-2
STRENGTH = 1e-2  # of the linear layer, as scikit-learn's C
PAPER_RATE = 1e-3
PAPER_EPOCHS = 100
PAPER_BATCH = 32
EVEN = 1e-6  # of a deviation: less is rounding
ATTENTION = 30.0  # how much a query that singles out frames costs
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

    def probabilities(self, voice: Voice) -> Floats:
        """(classes,) of one recording, or of a stretch of it."""
        shares: Floats = self.probe.probabilities(self.pooled(voice)[None])[0]
        return shares

    def pooled(self, voice: Voice) -> Floats:
        """(width,): the mixture, averaged over the frames as the query and the pauses have it."""
        frames = self.frames(voice)
        scores = frames @ self.query
        weights = np.exp(scores - scores.max()) * voice.share
        found: Floats = (weights / weights.sum()) @ frames
        return found

    def frames(self, voice: Voice) -> Floats:
        """(t, width) float32: the mixture of the standardised layers, frame by frame."""
        weights = (self.mix[:, None] / self.scale).astype(np.float32)
        found = np.einsum("ltw,lw->tw", voice.states.astype(np.float32), weights)
        mixed: Floats = found - (self.mean * weights).sum(axis=0)
        return mixed


def fit_mixture(voices: Sequence[Voice], of_layers: Floats, labels: Labels, classes: int, seed: int, attend: bool,
                report: Report = silent) -> Mixture:
    """Learn from recordings: their voices, the means of these (n, layers, width), class numbers (n,)."""
    mean, scale = of_layers.mean(axis=0), of_layers.std(axis=0)
    scale = np.where(scale > EVEN, scale, 1).astype(np.float32)
    even = torch.from_numpy((of_layers - mean) / scale)
    draw = torch.Generator().manual_seed(seed)
    head = _linear(mean.shape[1], classes, draw)
    odds = nn.Parameter(0.1 * torch.randn(len(mean), generator=draw))

    def pooled_by_mean() -> Tensor:
        return torch.einsum("nlw,l->nw", even, odds.softmax(dim=0))

    targets = torch.from_numpy(labels)
    _descend([odds, *head.parameters()], lambda: _loss(head, pooled_by_mean(), targets), report, "Weighing the layers")
    mix = odds.detach().softmax(dim=0).numpy()
    found = Mixture(mix, mean, scale, np.zeros(mean.shape[1], np.float32), _as_probe(head))
    return _attending(found, voices, targets, head, report) if attend else found


def fit_paper(vectors: Floats, labels: Labels, classes: int, seed: int, report: Report = silent) -> LinearProbe:
    """One linear layer over vectors (n, d) of unit length, as the paper has it: Adam, batches, nothing chosen."""
    points, targets = torch.from_numpy(vectors), torch.from_numpy(labels)
    order = torch.Generator().manual_seed(seed)
    head = _linear(points.shape[1], classes, order)
    optimiser = torch.optim.Adam(head.parameters(), PAPER_RATE)
    for epoch in range(PAPER_EPOCHS):
        report(epoch, PAPER_EPOCHS, "Training the paper's probe")
        for part in torch.randperm(len(points), generator=order).split(PAPER_BATCH):
            optimiser.zero_grad()
            functional.cross_entropy(head(points[part]), targets[part]).backward()
            optimiser.step()
    return _as_probe(head)


def _attending(found: Mixture, voices: Sequence[Voice], targets: Tensor, head: nn.Linear, report: Report) -> Mixture:
    """The mixture with attention learnt over its frames, from the mean that it has."""
    longest = max(len(voice.share) for voice in voices)
    frames = torch.zeros(len(voices), longest, len(found.query))
    heed = torch.full((len(voices), longest), FAR)
    for row, voice in enumerate(voices):
        frames[row, :len(voice.share)] = torch.from_numpy(found.frames(voice))
        heed[row, :len(voice.share)] = torch.from_numpy(np.array(voice.share)).clamp(min=1e-6).log()
    query = nn.Parameter(torch.zeros(frames.shape[2]))

    def loss() -> Tensor:
        weights = (frames @ query + heed).softmax(dim=1)
        return _loss(head, torch.einsum("nt,ntw->nw", weights, frames), targets) + query.square().sum() * ATTENTION

    _descend([query, *head.parameters()], loss, report, "Learning to attend")
    return Mixture(found.mix, found.mean, found.scale, query.detach().numpy(), _as_probe(head))


def _descend(parameters: Sequence[nn.Parameter], loss: Callable[[], Tensor], report: Report, text: str) -> None:
    optimiser = torch.optim.Adam(parameters, RATE)
    for step in range(STEPS):
        report(step, STEPS, text)
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()


def _loss(head: nn.Linear, points: Tensor, targets: Tensor) -> Tensor:
    """The loss of logistic regression, large weights held down as there."""
    penalty = head.weight.square().sum() / (2 * STRENGTH * len(points))
    return functional.cross_entropy(head(points), targets) + penalty


def _as_probe(head: nn.Linear) -> LinearProbe:
    return LinearProbe(head.weight.detach().numpy().copy(), head.bias.detach().numpy().copy())


def _linear(width: int, classes: int, draw: torch.Generator) -> nn.Linear:
    """A layer that begins as PyTorch's do, of numbers that are its own: no other thread's are touched."""
    made = nn.Linear(width, classes)
    for each in (made.weight, made.bias):
        each.data.copy_((torch.rand(each.shape, generator=draw) * 2 - 1) * width ** -0.5)
    return made
