"""Whisper's states by layer of each recording, computed once and kept: what all probes read.

Kept are means over a tenth of a second: 270 kB for a recording of RAVDESS in place of 1.3 MB, and no probe was found to
lose by it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core import audio, priority
from core.audio import RATE, Waveform
from core.errors import AudioError
from core.features.array_store import ArrayStore
from core.features.content_hashes import Digests
from core.fingerprint import Fingerprint
from core.progress import Progress, Report, WorkStep, silent

if TYPE_CHECKING:
    from core.explorer import Explorer

Floats = NDArray[np.float32]
STEP = 5  # encoder frames in one that is kept
RATE_KEPT = 10  # frames a second
FRAME = RATE // 50  # samples of an encoder frame
SMOOTHED = 5  # encoder frames that the loudness is a mean of
VOICED = 10 ** (-30 / 20)  # of the loudest: quieter frames are pauses
PADDING = "own"  # heard better than 30 s: 83 against 75 % (layer 3, paper's protocol, eight actors)
LAYOUT = 1  # of what is kept


@dataclass(frozen=True, eq=False)
class VoiceLayers:
    """One recording: `states` (layers, t, width) float16, ten a second; `share` (t,) float32, how much of each of these
    frames is voice and no pause, 0..1."""

    states: NDArray[np.float16]
    share: Floats


Change = Callable[[Waveform], Waveform]


class Voices:
    """Makes and keeps voices with an Explorer's recogniser."""

    def __init__(self, explorer: "Explorer", report: Report = silent) -> None:
        self._recogniser = explorer.recogniser(report)
        self._store = ArrayStore(explorer.home.caches / "emotion")
        self._digests = Digests(explorer.home.caches / "recordings")
        facts = self._recogniser.fingerprint.facts()
        self._suffix = Fingerprint.of({"weights": facts["weights"], "precision": facts["precision"],
                                       "padding": PADDING, "layout": LAYOUT}).hash

    def of(self, waveform: Waveform) -> VoiceLayers:
        """The voice of an utterance, which is not kept."""
        return _voice(self._recogniser.layers(waveform, PADDING), waveform)

    def all(self, recordings: Sequence[Path], report: Report = silent, name: str = "", change: Change | None = None
            ) -> list[VoiceLayers | str]:
        """The voices of recordings, or why one cannot be read. What is computed is kept: stopping loses nothing.

        `change` is applied to a recording before it is heard; `name` stands for it. StoreError, ModelError.
        """
        keys = [self._known(path, name) for path in recordings]
        new = [place for place, key in enumerate(keys) if key is None or key not in self._store]
        reasons: dict[int, str] = {}
        done = len(recordings) - len(new)
        with self._store.writer() as writer, self._digests.writer() as remember:
            for number, place in enumerate(new):
                report(Progress(WorkStep.READING_CHANGED_VOICES if name else WorkStep.READING_VOICES, done + number,
                                len(recordings), name))
                try:
                    waveform = audio.read(recordings[place])
                except AudioError as error:
                    reasons[place] = str(error)
                    continue
                remember(recordings[place], waveform.digest)
                key = keys[place] = self._key(waveform.digest, name)
                if key not in self._store:
                    with priority.background():
                        voice = self.of(change(waveform) if change else waveform)
                    writer.add(key, [voice.states, voice.share])
        return [reasons[place] if place in reasons else self._kept(key) for place, key in enumerate(keys)]

    def _kept(self, key: str | None) -> VoiceLayers:
        assert key is not None
        states, share = self._store.get(key)
        return VoiceLayers(states, share)

    def _known(self, path: Path, name: str) -> str | None:
        try:
            digest = self._digests.of(path)
        except OSError:
            return None
        return self._key(digest, name) if digest else None

    def _key(self, digest: str, name: str) -> str:
        return f"{digest[:32]}+{name}+{self._suffix}"


def _voice(layers: Floats, waveform: Waveform) -> VoiceLayers:
    """Means over `STEP` frames of (layers, frames, width)."""
    frames = layers.shape[1]
    starts = np.arange(0, frames, STEP)
    lengths = np.diff([*starts, frames])
    states = np.add.reduceat(layers, starts, axis=1) / lengths[:, None]
    share = np.add.reduceat(voiced(waveform, frames), starts) / lengths
    return VoiceLayers(states.astype(np.float16), share.astype(np.float32))


def voiced(waveform: Waveform, frames: int) -> Floats:
    """(frames,) of 20 ms each: 1 where there is voice, else 0."""
    padded = np.zeros(frames * FRAME, np.float32)
    padded[:len(waveform.samples)] = waveform.samples[:len(padded)]
    power = np.square(padded.reshape(frames, FRAME)).mean(axis=1)
    level = np.convolve(np.sqrt(power), np.ones(SMOOTHED) / SMOOTHED, "same")
    found: Floats = (level >= VOICED * level.max()).astype(np.float32)
    return found
