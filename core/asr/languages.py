"""Language of a recording: weights for the languages of a short query, and pieces in which the language changes."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from core.asr.windows import Window
from core.audio import RATE, Samples

# The languages that weigh more in a short query. Of a word or two Whisper says Welsh, Nynorsk or Maori more often than
# they are spoken.
COMMON = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "tr", "ar", "hi", "ja", "ko", "zh")

MORE_COMMON = float(np.log(10))  # added to the logits of the common languages and the likely ones in a word or two
# And to those of the likely ones. Three is enough for nearly all English words of human voices; ten
# gains no word of them, and makes more of the Spanish and German ones English. See docs/transcription.md.
MORE_LIKELY = float(np.log(3))
SHORT = 2.5  # seconds of sound; in less, languages are often mistaken

FRAME = RATE // 50  # samples
QUIETER = 25.0  # dB under the loud frames, in a pause
PAUSE = 0.3  # seconds of a pause at which the language may change
PIECE = 1.5  # seconds, in which a language is detected well enough
MOST_PIECES = 8
CERTAIN = 0.6  # probability among the common languages


def prior(likely: Collection[str], seconds: float) -> dict[str, float]:
    """Additions to the logits of languages in a query with that many seconds of sound, by code.

    {} where that is long enough to detect the language, and without likely ones.
    """
    if not likely or seconds >= SHORT:
        return {}
    return {**dict.fromkeys(COMMON, MORE_COMMON), **dict.fromkeys(likely, MORE_COMMON + MORE_LIKELY)}


def pieces_of(window: Window) -> list[Window]:
    """The window, cut at its pauses into pieces of at least `PIECE` seconds; itself where it has none."""
    pieces = [window]
    for cut in _pauses(window.samples)[: MOST_PIECES - 1]:
        at = next(index for index, piece in enumerate(pieces) if cut < piece.start - window.start + len(piece.samples))
        piece = pieces[at]
        local = cut - (piece.start - window.start)
        if min(local, len(piece.samples) - local) >= PIECE * RATE:
            pieces[at : at + 1] = [replace(piece, samples=piece.samples[:local]),
                                   replace(piece, start=piece.start + local, samples=piece.samples[local:])]
    return pieces


def _pauses(samples: Samples) -> list[int]:
    """Middles of the pauses of (n,) samples, the longest pause first."""
    count = len(samples) // FRAME
    if not count:
        return []
    power = 10 * np.log10(np.square(samples[: count * FRAME]).reshape(count, FRAME).mean(axis=1) + 1e-12)
    quiet = np.concatenate([[False], power < np.percentile(power, 95) - QUIETER, [False]])
    starts, stops = np.flatnonzero(~quiet[:-1] & quiet[1:]), np.flatnonzero(quiet[:-1] & ~quiet[1:])
    long = sorted((start - stop, (start + stop) // 2) for start, stop in zip(starts, stops, strict=True)
                  if stop - start >= PAUSE * RATE / FRAME)
    return [int(middle) * FRAME for _, middle in long]


def joined(pieces: Sequence[Window], languages: Sequence[tuple[str, float]]) -> list[Window]:
    """Neighbouring pieces of one language as one window again. `languages`: each piece's, with its probability; one
    that is not certain has the language of the piece before it.
    """
    certain = [code if probability >= CERTAIN else "" for code, probability in languages]
    spoken = next((code for code in certain if code), "")
    windows: list[Window] = []
    last = ""
    for piece, code in zip(pieces, certain, strict=True):
        spoken = code or spoken
        if windows and spoken == last:
            windows[-1] = replace(windows[-1], samples=np.concatenate([windows[-1].samples, piece.samples]))
        else:
            windows.append(piece)
        last = spoken
    return windows
