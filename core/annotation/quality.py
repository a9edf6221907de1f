"""Warnings about a recording, measured from its samples."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from core.audio import Waveform

QUIET = 0.05  # peak, 0..1: -26 dB; below, words drown in the noise of a room
FULL_SCALE = 0.999
CLIPPED_SHARE = 0.001  # of the samples at full scale, above which words suffer
SHORT = 1.0  # seconds


def warning_of(waveform: "Waveform") -> str:
    """A sentence about what may have hurt the recording; "" for none."""
    size = np.abs(waveform.samples)
    if float(np.mean(size >= FULL_SCALE)) > CLIPPED_SHARE:
        return "Too loud: the recording is clipped. Turn the microphone down, or step back."
    if float(size.max(initial=0.0)) < QUIET:
        return "Quiet: come closer, or turn the microphone up."
    if waveform.seconds < SHORT:
        return "Short: a description takes longer than a second."
    return ""
