"""Noise conditions of utterances: as they were recorded, or with noise at a signal-to-noise ratio.

The noise of an utterance depends on the utterance alone, so that a condition gives the same samples on every machine
and in every order.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.audio import RATE, Waveform
from core.errors import DatasetError
from core.localisation import _

NOISES = {"white": "the same power at every frequency, as a hiss",
          "pink": "less towards high frequencies, as rain or a fan",
          "babble": "four other utterances of the dataset at once, as a busy room"}
LOWEST, HIGHEST = -20.0, 60.0  # dB
VOICES = 4
FRAME = RATE // 50
QUIET = 1e-3  # of the loudest frame's power: quieter frames are pauses and count for no level


@dataclass(frozen=True, order=True)
class Condition:
    """Noise condition of utterances. `snr`: power of speech (without pauses) over that of noise, dB; None: clean."""

    noise: str = ""
    snr: float | None = None

    def __str__(self) -> str:
        return "clean" if self.snr is None else f"{self.noise} {self.snr:g} dB"

    @classmethod
    def of(cls, text: str) -> "Condition":
        """The condition of "clean", "10" (white noise at 10 dB), "babble:0". DatasetError ("condition")."""
        if text.strip() in ("", "clean"):
            return CLEAN
        noise, _unused, number = text.strip().rpartition(":")
        try:
            snr = float(number)
        except ValueError:
            snr = float("nan")
        if (noise or "white") not in NOISES or not LOWEST <= snr <= HIGHEST:
            raise DatasetError(_("{text!r} is no condition: give a ratio from {lowest:g} to {highest:g} dB, with "
                                 "{noises} and a colon before it if you like, as in babble:5.").format(
                                 text=text, lowest=LOWEST, highest=HIGHEST, noises=", ".join(NOISES)), "condition")
        return cls(noise or "white", snr)


CLEAN = Condition()


def noisy(waveform: Waveform, condition: Condition, others: Sequence[Waveform] = ()) -> Waveform:
    """The utterance under a condition; `others` are the utterances that babble is made of (white noise if none)."""
    if condition.snr is None:
        return waveform
    speech = waveform.samples.astype(np.float64)
    draw = np.random.default_rng(int(hashlib.sha256(f"{waveform.digest}{condition}".encode()).hexdigest()[:16], 16))
    noise = _noise(condition.noise, len(speech), draw, others)
    level = np.sqrt(_power(speech) / max(float(np.mean(noise**2)), 1e-12) / 10 ** (condition.snr / 10))
    mixed = speech + level * noise
    peak = np.abs(mixed).max()
    return Waveform(np.ascontiguousarray(mixed / max(peak, 1.0), np.float32))


def _noise(kind: str, length: int, draw: np.random.Generator, others: Sequence[Waveform]) -> np.ndarray:
    """Noise (length,) of any power."""
    if kind == "babble" and others:
        return _babble(length, draw, others)
    white = draw.standard_normal(length)
    if kind != "pink":
        return white
    spectrum = np.fft.rfft(white)
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))  # power falls as 1 / f
    spectrum[0] = 0
    return np.fft.irfft(spectrum, length)


def _babble(length: int, draw: np.random.Generator, others: Sequence[Waveform]) -> np.ndarray:
    total = np.zeros(length)
    for number in draw.choice(len(others), min(VOICES, len(others)), replace=False):
        voice = others[number].samples.astype(np.float64)
        total += np.resize(voice, length + len(voice))[draw.integers(len(voice)):][:length] / np.sqrt(_power(voice))
    return total


def _power(samples: np.ndarray) -> float:
    """Mean power of the frames that are no pauses."""
    frames = np.resize(samples, (max(1, len(samples) // FRAME), FRAME))
    power = np.mean(frames**2, axis=1)
    return float(power[power >= QUIET * power.max()].mean()) + 1e-12

