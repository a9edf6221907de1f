"""Explanations for print: the maps on picture, words and voice, and the figures. No torch here."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from core.audio import RATE, Waveform
from core.explain.drawing import painted
from core.explain.maps import FRAMES_A_SECOND, Maps, SoundMap, WordsMap, spread
from core.explain.methods import Floats
from core.explain.placement import Placement
from core.plots import text as texts
from core.plots.sheet import Box, Sheet
from core.plots.style import COLOURS, POINTS, SMALL, Width

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = 9.0  # points
GAP, LINE = 0.12, 0.17  # inches between parts, and from row to row
PICTURE, OWN = 3.0, 0.45  # inches: the highest picture; share of a single case's picture of a page
BAR, VOICE = 0.03, 0.4  # inches: from bar to bar of the waveform, its height
DARK = 0.75  # relevance from which on words are white
PALEST = 0.12  # of the branch's colour, on what has no relevance


@dataclass(frozen=True)
class FigureRow:
    """One line of figures: a name on the left, a text on the right."""

    name: str
    text: str


@dataclass(frozen=True, eq=False)
class ExplainedPair:
    """A query and a picture with their maps and figures; `waveform` of a spoken query."""

    picture: Image.Image
    placement: Placement
    maps: Maps
    title: str
    rows: Sequence[FigureRow]
    waveform: Waveform | None = None


def draw_explanations(pairs: Sequence[ExplainedPair], width: Width = "page") -> "Figure":
    """Explanations as a figure: one beside its picture on a page, several side by side; in a column one below another.

    FigureError ("missing") without matplotlib.
    """
    sheet, top = Sheet(width), 0.0
    across = len(pairs) if width == "page" else 1
    wide = (sheet.width - GAP * (across - 1)) / across
    for place, pair in enumerate(pairs):
        below = _pair(sheet, place % across * (wide + GAP), top, wide, pair, beside=width == "page" and across == 1)
        top = below + 2 * GAP if across == 1 else top
    return sheet.figure()


def tint(colour: str, relevance: float) -> str:
    """A branch's colour, a role of `style.COLOURS`, on white for relevance 0..1: "#rrggbb"."""
    share = PALEST + (1 - PALEST) * min(max(relevance, 0.0), 1.0)
    parts = (int(COLOURS[colour][place:place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{round(255 + (part - 255) * share):02x}" for part in parts)


def bars(waveform: Waveform, frames: Floats, count: int) -> tuple[Floats, Floats]:
    """A waveform as `count` bars: the loudest sample of each, 0..1, and the mean relevance 0..1 of its frames."""
    edges = np.linspace(0, len(waveform.samples), count + 1).astype(int)
    heights = np.array([np.abs(waveform.samples[start:max(stop, start + 1)]).max(initial=0.0)
                        for start, stop in pairwise(edges)], np.float32)
    total = np.concatenate([[0.0], np.cumsum(frames, dtype=np.float64)])
    summed = np.interp(edges / RATE * FRAMES_A_SECOND, np.arange(len(total)), total)
    return heights / max(float(heights.max(initial=0.0)), 1e-9), spread(np.diff(summed).astype(np.float32))


def _pair(sheet: Sheet, left: float, top: float, wide: float, pair: ExplainedPair, beside: bool) -> float:
    """One explanation; the place below it."""
    top = sheet.text(left, top, pair.title, wide, 2, TITLE, bold=True) + 0.05
    own = OWN * wide if beside else wide
    place = sheet.picture(Box(left, top, own, min(PICTURE, own)),
                          painted(pair.picture, pair.maps.picture.relevance, pair.placement))
    below = place.bottom
    if pair.placement.cut:
        below = sheet.text(left, below + 0.03, "Dark: cut off by the crop", own, points=SMALL, colour="quiet")
    x, y, rest = (left + own + GAP, top, wide - own - GAP) if beside else (left, below + GAP, wide)
    if pair.maps.words is not None and pair.maps.words.words:
        y = _words(sheet, x, y, pair.maps.words, rest) + GAP
    if pair.maps.sound is not None and pair.waveform is not None:
        y = _voice(sheet, x, y, pair.maps.sound, pair.waveform, rest) + GAP
    return max(_rows(sheet, x, y, pair.rows, rest), below)


def _words(sheet: Sheet, left: float, top: float, words: WordsMap, wide: float) -> float:
    """The transcript, each word on its heat; what was cut is struck through. The place below it."""
    top = sheet.text(left, top, "Transcript", wide, points=SMALL, colour="quiet") + 0.02
    x, high = left, 1.5 * POINTS / 72
    heats = spread(np.array([word.relevance for word in words.words], np.float32))
    for word, heat in zip(words.words, heats.tolist(), strict=True):
        shown = texts.shortened(word.text, wide - 0.08)
        long = texts.width(shown) + 0.08
        if x > left and x + long > left + wide:
            x, top = left, top + high + 0.03
        if word.read:
            sheet.tile(Box(x, top, long, high), tint("transcript", heat))
        sheet.text(x + 0.04, top + 0.02, shown, long, colour="quiet" if not word.read else
                   "card" if heat > DARK else "words")
        if word.cut:
            sheet.rule(top + high / 2, x + 0.03, long - 0.06)
        x += long + 0.03
    return top + high


def _voice(sheet: Sheet, left: float, top: float, sound: SoundMap, waveform: Waveform, wide: float) -> float:
    """The waveform in the colour of its relevance, with the words below it where there is room. The place below."""
    top = sheet.text(left, top, "Voice", wide, points=SMALL, colour="quiet") + 0.02
    heights, heats = bars(waveform, sound.frames, int(wide / BAR))
    for place, (height, heat) in enumerate(zip(heights.tolist(), heats.tolist(), strict=True)):
        high = max(0.01, height * VOICE)
        sheet.tile(Box(left + place * BAR, top + (VOICE - high) / 2, 0.6 * BAR, high), tint("voice", heat))
    below, free = top + VOICE + 0.02, left
    for word in sound.words:
        x = left + word.start / max(waveform.seconds, 1e-9) * wide
        if x >= free and x + texts.width(word.text, SMALL) <= left + wide:
            sheet.text(x, below, word.text, wide, points=SMALL, colour="quiet")
            free = x + texts.width(word.text, SMALL) + 0.05
    return below + SMALL / 72 * 1.3


def _rows(sheet: Sheet, left: float, top: float, rows: Sequence[FigureRow], wide: float) -> float:
    for row in rows:
        sheet.rule(top, left, wide)
        name = texts.shortened(row.name, wide * 0.65)
        shown = texts.shortened(row.text, wide - texts.width(name) - GAP)
        sheet.text(left, top + 0.03, name, wide, colour="quiet")
        sheet.text(left + wide - texts.width(shown), top + 0.03, shown, wide)
        top += LINE
    return top
