"""Word times: Whisper's cross-attention, aligned to the tokens by dynamic time warping.

The method of `whisper.timing`, without its second decoder pass (the scores are kept while decoding) and without numba,
whose compiler costs seconds at the first word.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FRAMES_PER_SECOND = 50
MEDIAN_WIDTH = 7  # frames, as in openai-whisper
BEFORE = "\"'“¿([{-"  # joined to the word that follows
AFTER = "\"'.。,，!！?？:：”)]}、"  # joined to the word before
LONGEST_WORD = 2.0  # seconds; a word that seems longer holds a pause


def align(scores: NDArray[np.float32], frames: int) -> NDArray[np.float64]:
    """(tokens + 1,) seconds at which each token begins, and the last ends.

    `scores` (tokens + 1, heads, all frames): raw cross-attention of the alignment heads, the row of a token being that
    which decided it; only the first `frames` (>= 1), 50 a second, hold sound.
    """
    sounding = scores[:, :, :frames]
    weights = np.exp(sounding - sounding.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    deviation = weights.std(axis=0).clip(min=1e-8)
    weights = _median((weights - weights.mean(axis=0)) / deviation)
    path = warp(-weights.mean(axis=1, dtype=np.float64))
    return path / FRAMES_PER_SECOND


def warp(cost: NDArray[np.float64]) -> NDArray[np.int64]:
    """(rows,) the first column of each row on the cheapest path from the first to the last corner of (rows, columns).

    A path goes right, down, or both. The costs are summed along anti-diagonals, each of them at once.
    """
    rows, columns = cost.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0.0
    for diagonal in range(2, rows + columns + 1):
        i = np.arange(max(1, diagonal - columns), min(rows, diagonal - 1) + 1)
        j = diagonal - i
        before = np.minimum(np.minimum(total[i - 1, j - 1], total[i - 1, j]), total[i, j - 1])
        total[i, j] = cost[i - 1, j - 1] + before
    first = np.zeros(rows, dtype=np.int64)
    i, j = rows, columns
    while i > 0 and j > 0:
        first[i - 1] = j - 1
        both, down, right = total[i - 1, j - 1], total[i - 1, j], total[i, j - 1]
        if both < down and both < right:
            i, j = i - 1, j - 1
        elif down < both and down < right:
            i -= 1
        else:
            j -= 1
    return first


def words_of(pieces: Sequence[str], counts: Sequence[int], starts: NDArray[np.float64], logprobs: Sequence[float],
             spaced: bool = True) -> list[tuple[str, float, float, float]]:
    """(text, start, end, probability) of each word, in seconds, punctuation joined to its word.

    `pieces` are the words as the tokenizer splits them, of `counts` tokens each; `starts` (tokens + 1,) from `align`.
    In a language that is written with spaces ("spaced") the words, joined by spaces, are the text again.
    """
    edges = np.concatenate([[0], np.cumsum(counts)])
    words: list[tuple[str, float, float, float]] = []
    opening = ""
    for piece, low, high in zip(pieces, edges[:-1], edges[1:], strict=True):
        text, attached = piece.strip(), not piece.startswith(" ")
        start, end = float(starts[low]), float(starts[high])
        probability = float(np.exp(np.mean(logprobs[low:high])))
        if words and not opening and attached and all(mark in AFTER for mark in text):
            words[-1] = (words[-1][0] + text, *words[-1][1:])  # a pause is no part of the word before it
        elif words and not opening and attached and spaced:
            before = words[-1]
            words[-1] = (before[0] + text, before[1], end, min(before[3], probability))
        elif text and all(mark in BEFORE for mark in text):
            opening += text
        elif text:
            words.append((opening + text, max(start, end - LONGEST_WORD), end, probability))
            opening = ""
    return words


def _median(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The median over `MEDIAN_WIDTH` neighbours along the last dimension, mirrored at the ends."""
    side = MEDIAN_WIDTH // 2
    if x.shape[-1] <= side:
        return x
    padded = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(side, side)], mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, MEDIAN_WIDTH, axis=-1)
    middle: NDArray[np.float32] = np.sort(windows, axis=-1)[..., side]
    return middle
