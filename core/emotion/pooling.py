"""Pooling of a voice into one vector: layers side by side, averaged over voiced frames or all frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.emotion.layer_cache import RATE_KEPT, Floats, VoiceLayers

WINDOW = RATE_KEPT  # frames that a probability over time is computed from: 1 s
HOP = RATE_KEPT // 5


@dataclass(frozen=True)
class Pooling:
    """Pooling options: layers, and whether pauses count."""

    layers: tuple[int, ...]
    pauses: bool = False

    def __str__(self) -> str:
        first, last = self.layers[0], self.layers[-1]
        names = f"layer {first}" if first == last else f"layers {first} to {last}"
        return f"{names}, {'all frames' if self.pauses else 'voiced frames'}"


def means(voices: Sequence[VoiceLayers], pauses: bool) -> Floats:
    """(n, layers, width): the mean of each layer over the frames with voice, or over all."""
    return np.stack([_mean(voice, np.ones_like(voice.share) if pauses else voice.share) for voice in voices])


def vectors(of_layers: Floats, view: Pooling) -> Floats:
    """(n, width x layers of the view) of means (n, layers, width)."""
    chosen: Floats = of_layers[:, list(view.layers)].reshape(len(of_layers), -1)
    return chosen


def stretches(voice: VoiceLayers) -> tuple[Floats, list[VoiceLayers]]:
    """Times (k,) in s and the second of the voice around each; seconds without voice are left out."""
    length = len(voice.share)
    starts = [start for start in range(0, max(1, length - WINDOW + 1), HOP) if voice.share[start:start + WINDOW].any()]
    parts = [VoiceLayers(voice.states[:, start:start + WINDOW], voice.share[start:start + WINDOW]) for start in starts]
    times = [(start + len(part.share) / 2) / RATE_KEPT for start, part in zip(starts, parts, strict=True)]
    return np.array(times, np.float32), parts


def windows(voice: VoiceLayers, pauses: bool) -> tuple[Floats, Floats]:
    """Times (k,) in s and means (k, layers, width) over the second around each, as `stretches`."""
    times, parts = stretches(voice)
    return times, means(parts, pauses)


def _mean(voice: VoiceLayers, weights: Floats) -> Floats:
    """(layers, width); numpy's matrix product reads the float16 states once."""
    total: Floats = np.matmul((weights / weights.sum()).astype(np.float32), voice.states.astype(np.float32))
    return total
