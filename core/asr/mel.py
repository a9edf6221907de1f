"""Log-mel spectrograms as openai-whisper computes them, in NumPy."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from core.asr.tokenizer import package_file
from core.audio import Samples

WINDOW = 400  # samples of a frame
HOP = 160  # samples between frames
SMALLEST = 1e-10  # power
RANGE = 8.0  # decades below the largest power that are kept


def log_mel(samples: Samples, bands: int) -> NDArray[np.float32]:
    """(bands, n // 160) log-mel spectrogram of (n,) samples at 16 kHz, n > 200."""
    padded = np.pad(samples.astype(np.float32, copy=False), WINDOW // 2, mode="reflect")
    count, sounding = len(samples) // HOP, np.flatnonzero(padded)
    audible = min(count, int(sounding[-1]) // HOP + 1 if len(sounding) else 0)  # all later frames are of zeros
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:audible]
    spectrum = np.fft.rfft(frames * _hann(), axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    mel = np.log10(np.maximum(_filters(bands) @ power.T, np.float32(SMALLEST)))
    if audible < count:
        mel = np.pad(mel, ((0, 0), (0, count - audible)), constant_values=np.log10(np.float32(SMALLEST)))
    scaled: NDArray[np.float32] = (np.maximum(mel, mel.max() - np.float32(RANGE)) + np.float32(4)) / np.float32(4)
    return scaled


@cache
def _hann() -> NDArray[np.float32]:
    """A periodic Hann window."""
    return np.hanning(WINDOW + 1)[:-1].astype(np.float32)


@cache
def _filters(bands: int) -> NDArray[np.float32]:
    """(bands, WINDOW / 2 + 1) mel filters of the whisper package."""
    with np.load(package_file("assets/mel_filters.npz")) as filters:
        loaded: NDArray[np.float32] = filters[f"mel_{bands}"].astype(np.float32)
    return loaded
