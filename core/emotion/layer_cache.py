"""Whisper's states by layer of each recording, computed once and kept for all probes.

Kept are means over a tenth of a second: 270 kB for a recording of RAVDESS in place of 1.3 MB, and no probe was found to
lose by it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core import audio, priority
from core.audio import RATE, Waveform
from core.errors import AudioError
from core.features.array_store import ArrayStore
from core.features.content_hashes import Digests
from core.features.feature_cache import Computed, FeatureCache, Missing
from core.fingerprint import Fingerprint
from core.progress import Report, WorkStep, silent
from core.workspace import Workspace

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


class VoiceLayerCache:
    """Encoder states by layer under a workspace's recogniser."""

    def __init__(self, workspace: Workspace, report: Report = silent) -> None:
        self._recogniser = workspace.recogniser(report)
        self._store = ArrayStore(workspace.home.caches / "emotion")
        self._digests = Digests(workspace.home.caches / "recordings")
        facts = self._recogniser.fingerprint.facts()
        self._suffix = Fingerprint.of({"weights": facts["weights"], "precision": facts["precision"],
                                       "padding": PADDING, "layout": LAYOUT}).hash

    def of(self, waveform: Waveform) -> VoiceLayers:
        """The states of an utterance, which are not kept."""
        return _pooled(self._recogniser.layers(waveform, PADDING), waveform)

    def load(self, recordings: Sequence[Path], report: Report = silent, name: str = "", change: Change | None = None
             ) -> list[VoiceLayers | str]:
        """The states of recordings, or why one cannot be read. What is computed is kept: stopping loses nothing.

        `change` is applied to a recording before it is encoded; `name` stands for it. StoreError, ModelError.
        """
        def known(path: Path) -> str | None:
            digest = self._digests.known(path)
            return digest and self._key(digest, name)

        def compute(missing: Missing[Path]) -> Iterator[list[Computed[Path]]]:
            for _, paths in missing.groups(1):
                yield [self._computed(path, name, change, missing) for path in paths]

        step = WorkStep.READING_CHANGED_VOICES if name else WorkStep.READING_VOICES
        filled = FeatureCache(self._store, known, self._digests).fill(recordings, compute, step, name, report)
        return [VoiceLayers(*self._store.get(filled.keys[path])) if path in filled.keys else filled.reasons[path]
                for path in recordings]

    def _computed(self, path: Path, name: str, change: Change | None, missing: Missing[Path]) -> Computed[Path]:
        try:
            waveform = audio.read(path)
        except AudioError as error:
            return Computed(path, reason=str(error))
        key = self._key(waveform.digest, name)
        if missing.present([key]):
            return Computed(path, key, digest=waveform.digest)
        with priority.background():
            voice = self.of(change(waveform) if change else waveform)
        return Computed(path, key, [voice.states, voice.share], waveform.digest)

    def _key(self, digest: str, name: str) -> str:
        return f"{digest[:32]}+{name}+{self._suffix}"


def _pooled(layers: Floats, waveform: Waveform) -> VoiceLayers:
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
    share: Floats = (level >= VOICED * level.max()).astype(np.float32)
    return share
