"""Augmentations of a recording of the kinds that the authors use: noise, a stretch in time, another pitch.

Drawn by what is in the recording: the same one always becomes the same.
"""

from collections.abc import Mapping

import numpy as np

from core import audio
from core.audio import RATE, Samples, Waveform
from core.emotion.layer_cache import Change

SNR = (10.0, 20.0)  # dB of white noise
STRETCH = (0.85, 1.15)  # of the speed
PITCH = (-2.0, 2.0)  # semitones
FRAME = 512  # samples of the phase vocoder's window: 32 ms
HOP = FRAME // 4


def noise(waveform: Waveform) -> Waveform:
    """Add white noise."""
    draw = _draw(waveform, 1)
    level = float(np.sqrt(np.square(waveform.samples).mean())) * 10 ** (-draw.uniform(*SNR) / 20)
    hiss = draw.normal(0, level, len(waveform.samples)).astype(np.float32)
    return audio.from_samples(waveform.samples + hiss, RATE)


def stretch(waveform: Waveform) -> Waveform:
    """Slower or faster, at the same pitch."""
    return audio.from_samples(stretched(waveform.samples, _draw(waveform, 2).uniform(*STRETCH)), RATE)


def pitch(waveform: Waveform) -> Waveform:
    """Higher or lower, as fast as before."""
    return audio.from_samples(at_pitch(waveform.samples, 2 ** (_draw(waveform, 3).uniform(*PITCH) / 12)), RATE)


CHANGES: Mapping[str, Change] = {"noise": noise, "stretch": stretch, "pitch": pitch}


def _draw(waveform: Waveform, salt: int) -> np.random.Generator:
    return np.random.default_rng([salt, int(waveform.digest[:12], 16)])


def at_pitch(samples: Samples, factor: float) -> Samples:
    """Samples (n,) at `factor` of their pitch, about as long as before."""
    import soxr

    higher: Samples = soxr.resample(stretched(samples, 1 / factor), RATE * factor, RATE)
    return higher


def stretched(samples: Samples, speed: float) -> Samples:
    """Samples (n,) at another speed and the same pitch.

    A phase vocoder: frames of the spectrum at other times, with the phase that each frequency has by then.
    """
    from scipy.signal import istft, stft

    spectrum = stft(samples, nperseg=FRAME, noverlap=FRAME - HOP)[2]
    times = np.arange(0, spectrum.shape[1] - 1, speed)
    before, share = times.astype(int), times % 1
    after = np.minimum(before + 1, spectrum.shape[1] - 1)
    size = (1 - share) * np.abs(spectrum[:, before]) + share * np.abs(spectrum[:, after])
    usual = 2 * np.pi * HOP * np.arange(FRAME // 2 + 1)[:, None] / FRAME
    step = np.angle(spectrum[:, after]) - np.angle(spectrum[:, before]) - usual
    step = usual + step - 2 * np.pi * np.round(step / (2 * np.pi))
    turned = np.concatenate([np.zeros((len(step), 1)), np.cumsum(step, axis=1)[:, :-1]], axis=1)
    phase = np.angle(spectrum[:, :1]) + turned
    signal = istft(size * np.exp(1j * phase), nperseg=FRAME, noverlap=FRAME - HOP)[1]
    made: Samples = np.ascontiguousarray(signal, np.float32)
    return made
