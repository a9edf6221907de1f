"""Windows of recordings for the encoder: at most 30 s each, batched by padded length."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.audio import RATE, Samples, Waveform

LONGEST = 30 * RATE  # samples: the encoder's whole context
PART = 26 * RATE  # a longer recording is cut into parts of about this, so that a cut may move by `SEARCH`
HALVED = 10 * RATE  # samples; see `Window.can_be_halved`
SEARCH = 2 * RATE  # how far from its place a cut may move, in samples, to fall between words
QUIET = RATE // 5  # samples: a pause of this length is looked for
# Samples; with less the decoder misses the end and loops: with 4 s never on clear synthetic voices, but on a third of
# RAVDESS' human ones; with 6 s on one of those in twenty.
SILENCE_AFTER = 6 * RATE
SILENCE_AFTER_PART = 2 * RATE  # samples, of an utterance that goes on: its partial transcript has to be there soon
STEP = RATE // 2  # padded lengths are multiples of this: equal ones can share a batch


@dataclass(frozen=True, eq=False)
class Window:
    """A stretch of one recording: `samples` (n,) with n <= 30 s, which begin at sample `start`."""

    recording: int
    start: int
    samples: Samples

    @property
    def seconds(self) -> float:
        """Its duration."""
        return len(self.samples) / RATE

    @property
    def frames(self) -> int:
        """Encoder states that its sound fills, 50 a second."""
        return max(1, -(-len(self.samples) // (RATE // 50)))

    @property
    def can_be_halved(self) -> bool:
        """Whether it is long enough for its halves to hold whole sentences."""
        return len(self.samples) >= HALVED

    def halves(self) -> list["Window"]:
        """Two windows, cut at the quietest place near the middle."""
        cut = _quietest(self.samples, len(self.samples) // 2)
        return [Window(self.recording, self.start, self.samples[:cut]),
                Window(self.recording, self.start + cut, self.samples[cut:])]


def windows_of(waveforms: Sequence[Waveform]) -> list[Window]:
    """All recordings as windows, in order, none dropped."""
    return [Window(index, start, waveform.samples[start:stop])
            for index, waveform in enumerate(waveforms) for start, stop in cuts(waveform.samples)]


def cuts(samples: Samples) -> list[tuple[int, int]]:
    """(start, stop) of the windows of (n,) samples: one up to 30 s; else equal parts, each cut at the quietest place
    near its end."""
    if len(samples) <= LONGEST:
        return [(0, len(samples))]
    parts = -(-len(samples) // PART)
    edges = [0]
    for part in range(1, parts):
        edges.append(_quietest(samples, round(part * len(samples) / parts)))
    return list(zip(edges, [*edges[1:], len(samples)], strict=True))


def padded_length(samples: int, padding: str) -> int:
    """Samples that the encoder sees for a window of `samples`: for "own" its length and 6 s, else 30 s."""
    if padding != "own":
        return LONGEST
    return min(LONGEST, -(-(samples + SILENCE_AFTER) // STEP) * STEP)


def batches(windows: Sequence[Window], padding: str, most: int) -> Iterator[tuple[int, list[int]]]:
    """(padded length, indices of windows of that length), shortest first, at most `most` samples in one batch.

    A window's padding never depends on its neighbours: the same recording always gives the same states.
    """
    lengths: dict[int, list[int]] = {}
    for index, window in enumerate(windows):
        lengths.setdefault(padded_length(len(window.samples), padding), []).append(index)
    for length, indices in sorted(lengths.items()):
        rows = max(1, most // length)
        for first in range(0, len(indices), rows):
            yield length, indices[first : first + rows]


def _quietest(samples: Samples, place: int) -> int:
    """The middle of the quietest `QUIET` samples around `place`."""
    low = place - SEARCH
    power = np.square(samples[low : place + SEARCH], dtype=np.float64)
    sums = np.concatenate([[0.0], np.cumsum(power)])
    return low + int(np.argmin(sums[QUIET:] - sums[:-QUIET])) + QUIET // 2
