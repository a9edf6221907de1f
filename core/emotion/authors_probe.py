"""The linear probe of the authors' code (docs/paper.md): statement and voice at unit length under one linear layer.

The statement of the file's name stands in for the transcript. The layer is trained on the training actors' recordings,
a quarter each with noise, slower, at another pitch and as they are, and **chosen on the test actors**, which the code
takes for validation. Not followed: dropout in the frozen branch, noise that is new at each step (`NOISES` draws are).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch.nn import functional

from core import audio, priority
from core.asr.transcript import EncodedUtterance, Transcript
from core.audio import RATE, Waveform
from core.emotion.augment import at_pitch, stretched
from core.emotion.branch_cache import BranchCache
from core.emotion.dataset import ProbeDataset
from core.emotion.layer_cache import Floats
from core.emotion.learned_probes import as_probe, linear
from core.emotion.probe import Labels, LinearProbe
from core.emotion.probes import BranchProbe, Rows
from core.figures import plain
from core.progress import Progress, Report, WorkStep, steps
from core.search.transcription import TYPED
from core.workspace import Workspace

RATE_OF_LEARNING, FINAL_RATE = 1e-4, 1e-8
WARM = 0.05  # of the steps: 5000 of 100 000
WEIGHT_DECAY = 1e-6
BATCH = 32
CLIP = 4.0  # largest norm of a gradient
NOISE = 0.035  # of the largest sample, times a number between 0 and 1
STRETCH = 0.8  # of the speed
PITCH = 0.7  # semitones
NOISES = 3  # draws of noise for each recording
ENCODING_COSTS = 2  # about what encoding the recordings of a draw costs, in trainings of the probe


def noisy(waveform: Waveform, draw: int) -> Waveform:
    """Add white noise, drawn by what is in the recording."""
    random = np.random.default_rng([draw, int(waveform.digest[:12], 16)])
    amplitude = NOISE * random.uniform() * float(waveform.samples.max())
    hiss = amplitude * random.normal(size=len(waveform.samples))
    return audio.from_samples((waveform.samples + hiss).astype(np.float32), RATE)


def slower(waveform: Waveform) -> Waveform:
    """Stretch in time, at the same pitch."""
    return audio.from_samples(stretched(waveform.samples, STRETCH), RATE)


def higher(waveform: Waveform) -> Waveform:
    """Shift the pitch, as fast as before."""
    return audio.from_samples(at_pitch(waveform.samples, 2 ** (PITCH / 12)), RATE)


# Names and changes of the four quarters; of the noisy one there are several.
QUARTERS: tuple[tuple[tuple[str, Callable[[Waveform], Waveform] | None], ...], ...] = (
    (("", None),), tuple((f"noise-{draw}", partial(noisy, draw=draw)) for draw in range(NOISES)),
    (("slower", slower),), (("higher", higher),))


def rate_at(step: int, steps: int) -> float:
    """Learning rate of a step (from 0): linear to the peak in `WARM` of the steps, then linear to `FINAL_RATE`."""
    warm = round(WARM * steps)
    if step < warm:
        return RATE_OF_LEARNING * (step + 1) / warm
    return RATE_OF_LEARNING - (RATE_OF_LEARNING - FINAL_RATE) * (step + 1 - warm) / (steps - warm)


@dataclass(frozen=True, eq=False)
class BestProbe:
    """The probe of the step with the best accuracy on `validation`; the accuracies are in percent."""

    probe: LinearProbe
    step: int
    best: float
    last: float


def fit_authors(quarters: Sequence[Floats], labels: Labels, classes: int, seed: int, steps: int,
                validation: tuple[Floats, Labels], report: Report) -> BestProbe:
    """One linear layer over vectors of unit length, validated after every epoch.

    `quarters`: (draws, n, d) of each quarter, of which every batch draws for each recording; `labels` (n,). Without
    rows in `validation` the last step is taken.
    """
    random, points = np.random.default_rng(seed), torch.from_numpy(np.concatenate(quarters))
    draws = np.array([len(quarter) for quarter in quarters])
    firsts = np.cumsum(draws) - draws  # place of each quarter's first draw in `points`
    head = linear(points.shape[2], classes, torch.Generator().manual_seed(seed))
    targets, held = torch.from_numpy(labels), torch.from_numpy(validation[0])
    optimiser = torch.optim.Adam(head.parameters(), RATE_OF_LEARNING, weight_decay=WEIGHT_DECAY)
    size = min(BATCH, len(labels))
    best, step, accuracy = BestProbe(as_probe(head), 0, -1.0, 0.0), 0, 0.0
    while step < steps:
        order = random.permutation(len(labels))
        for start in range(0, len(labels) - size + 1, size):
            rows = order[start:start + size]
            chosen = random.integers(len(quarters), size=size)
            batch = points[firsts[chosen] + random.integers(draws[chosen]), rows]
            for group in optimiser.param_groups:
                group["lr"] = rate_at(step, steps)
            optimiser.zero_grad()
            functional.cross_entropy(head(batch), targets[rows]).backward()
            torch.nn.utils.clip_grad_norm_(head.parameters(), CLIP)
            optimiser.step()
            step += 1
            if step == steps:
                break
        report(Progress(WorkStep.TRAINING_PROBE, step, steps))
        with torch.inference_mode():
            right = head(held).argmax(dim=1).numpy() == validation[1]
        accuracy = 100 * float(right.mean()) if len(right) else 0.0
        if accuracy > best.best or not len(right):
            best = BestProbe(as_probe(head), step, accuracy, accuracy)
    return BestProbe(best.probe, best.step, best.best, accuracy)


class StatementUtterances(Sequence[EncodedUtterance]):
    """Recordings under a change, each with its statement as the transcript; encoded when asked for."""

    def __init__(self, workspace: Workspace, dataset: ProbeDataset, change: Callable[[Waveform], Waveform] | None
                 ) -> None:
        self._workspace, self._dataset, self._change = workspace, dataset, change

    def __len__(self) -> int:
        return len(self._dataset.spoken)

    def __getitem__(self, row: Any) -> Any:
        record = self._dataset.recordings.utterances[row]
        said = statement(record.caption)
        if self._change is None:
            return EncodedUtterance(said, self._dataset.spoken[row].states)
        changed = self._change(audio.read(record.recording or Path()))
        with priority.background():
            states = self._workspace.recogniser().states(changed, self._workspace.settings["speech.padding"])
        return EncodedUtterance(said, (states.astype(np.float16),))


def statement(text: str) -> Transcript:
    """A transcript that is certain."""
    return Transcript(text, "en", (), TYPED.avg_logprob, TYPED.no_speech_probability, TYPED.compression_ratio)


class AuthorsProbe(BranchProbe):
    """The authors' probe of F_L or F_T of the statement; `chosen` says that it was chosen on the test actors."""

    def __init__(self, workspace: Workspace, dataset: ProbeDataset, kind: str, steps: int) -> None:
        super().__init__(dataset, kind, as_paper=True, by_speaker=False)
        assert dataset.branches is not None
        paths = [record.recording or Path() for record in dataset.recordings.utterances]
        statements = [record.caption for record in dataset.recordings.utterances]
        self._quarters = [[BranchCache(workspace, dataset.branches, paths,
                                       StatementUtterances(workspace, dataset, change), name, statements)
                           for name, change in quarter] for quarter in QUARTERS]
        self._cache, self._steps = self._quarters[0][0], steps

    def fit(self, rows: Rows, seed: int, report: Report) -> Self:
        """Learn from recordings; all others are the validation."""
        self._seed = seed
        others = [row for row in range(len(self._dataset.speakers)) if row not in set(rows)]
        *encoding, training = steps(report, *(ENCODING_COSTS for quarter in QUARTERS for _ in quarter), 1)
        quarters = [np.stack([self._encoded(cache, seed, encoding.pop(0))[list(rows)] for cache in quarter])
                    for quarter in self._quarters]
        validation = self.vectors(seed)[others], self._dataset.labels(others)
        found = fit_authors(quarters, self._dataset.labels(rows), self._dataset.classes, seed, self._steps, validation,
                            training)
        self._linear = found.probe
        self.chosen = (f"chosen on the test actors, as the authors' code does: {plain(round(found.best, 1))} % at step "
                       f"{found.step}; {plain(round(found.last, 1))} % at the last, which nothing chose"
                       if others else "the last step")
        return self

    def _encoded(self, cache: BranchCache, seed: int, report: Report) -> Floats:
        return self._prepared(cache.vectors(seed, report).by_kind[self._kind], (), seed)
