"""Inputs of the gate, as PyTorch's model and the exported one feed it. No torch here."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from core.asr.transcript import Transcript

UNLIKELIEST = -5.0  # mean log probability, at which the gate's input is clipped


def gate_inputs(transcripts: Iterable[Transcript], cuts: Iterable[int], lengths: Iterable[int]) -> NDArray[np.float32]:
    """(n, 3): mean log probability, no-speech probability, share of the words that was cut.

    `cuts`, `lengths`: tokens of each text that were cut, and all its tokens, start and end included.
    """
    return np.array([[max(transcript.avg_logprob, UNLIKELIEST), transcript.no_speech_probability, cut / length]
                     for transcript, cut, length in zip(transcripts, cuts, lengths, strict=True)],
                    np.float32).reshape(-1, 3)
