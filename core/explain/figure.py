"""An explanation as one picture: the maps on picture, words and voice, and the figures. No torch here."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from core.audio import RATE, Waveform
from core.explain.drawing import painted
from core.explain.maps import FRAMES_A_SECOND, Maps, SoundMap, WordsMap, spread
from core.explain.methods import Floats
from core.explain.placement import Placement

Colour = tuple[int, int, int]
GROUND, CARD, INK, QUIET = (245, 245, 247), (255, 255, 255), (27, 27, 31), (106, 106, 115)
BLUE, ORANGE, LINE = (22, 104, 184), (200, 80, 30), (220, 220, 225)
WIDTH, EDGE, GAP = 1100, 24, 16
PICTURE = 480  # the longest side of the picture
BAR, BAR_GAP, VOICE = 3, 2, 80  # pixels: a bar of the waveform, the gap, its height
PALEST = 0.12  # of the branch's colour, on what has no relevance
FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial.ttf", "Helvetica.ttc")


@dataclass(frozen=True)
class FigureRow:
    """One line of figures: a name on the left, a text on the right."""

    name: str
    text: str


def figure(picture: Image.Image, placement: Placement, maps: Maps, title: str, rows: Sequence[FigureRow],
           waveform: Waveform | None = None) -> Image.Image:
    """The whole explanation as an RGB picture, WIDTH wide and as high as it needs."""
    canvas = Image.new("RGB", (WIDTH, 4000), GROUND)
    draw = ImageDraw.Draw(canvas)
    y = _text(draw, EDGE, EDGE, title, 20, INK, WIDTH - 2 * EDGE) + GAP
    scale = PICTURE / max(picture.size)
    shown = picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
    canvas.paste(painted(shown, maps.picture.relevance, placement), (EDGE, y))
    below = y + shown.height
    if placement.cut:
        below = _text(draw, EDGE, below + 6, "Dark: cut off by the crop", 13, QUIET, PICTURE)
    x, wide = EDGE + PICTURE + GAP, WIDTH - 2 * EDGE - PICTURE - GAP
    if maps.words is not None and maps.words.words:
        y = _words(draw, x, y, maps.words, wide) + GAP
    if maps.sound is not None and waveform is not None:
        y = _voice(draw, x, y, maps.sound, waveform, wide) + GAP
    y = _rows(draw, x, y, rows, wide)
    return canvas.crop((0, 0, WIDTH, max(y, below) + EDGE))


def tint(colour: Colour, relevance: float) -> Colour:
    """A branch's colour on white for relevance 0..1."""
    share = PALEST + (1 - PALEST) * min(max(relevance, 0.0), 1.0)
    red, green, blue = (round(255 + (part - 255) * share) for part in colour)
    return red, green, blue


def bars(waveform: Waveform, frames: Floats, count: int) -> tuple[Floats, Floats]:
    """A waveform as `count` bars: the loudest sample of each, 0..1, and the mean relevance 0..1 of its frames."""
    edges = np.linspace(0, len(waveform.samples), count + 1).astype(int)
    heights = np.array([np.abs(waveform.samples[start:max(stop, start + 1)]).max(initial=0.0)
                        for start, stop in pairwise(edges)], np.float32)
    total = np.concatenate([[0.0], np.cumsum(frames, dtype=np.float64)])
    summed = np.interp(edges / RATE * FRAMES_A_SECOND, np.arange(len(total)), total)
    return heights / max(float(heights.max(initial=0.0)), 1e-9), spread(np.diff(summed).astype(np.float32))


def _words(draw: ImageDraw.ImageDraw, left: int, top: int, words: WordsMap, wide: int) -> int:
    """The transcript, each word on its heat; what was cut is struck through. Where it ends."""
    y = _text(draw, left, top, "Transcript", 13, QUIET, wide) + 6
    font, x = _font(21), left
    heats = spread(np.array([word.relevance for word in words.words], np.float32))
    for word, heat in zip(words.words, heats.tolist(), strict=True):
        long = round(draw.textlength(word.text, font))
        if x > left and x + long + 12 > left + wide:
            x, y = left, y + 36
        dark = heat > 0.6
        if word.read:
            draw.rounded_rectangle((x, y, x + long + 12, y + 31), 5, fill=tint(BLUE, heat))
        ink = QUIET if not word.read else CARD if dark else INK
        draw.text((x + 6, y + 3), word.text, ink, font)
        if word.cut:
            draw.line((x + 4, y + 17, x + long + 8, y + 17), ink, 2)
        x += long + 18
    return y + 36


def _voice(draw: ImageDraw.ImageDraw, left: int, top: int, sound: SoundMap, waveform: Waveform, wide: int) -> int:
    """The waveform in the colour of its relevance, with the words below it where there is room. Where it ends."""
    y = _text(draw, left, top, "Voice", 13, QUIET, wide) + 6
    heights, heats = bars(waveform, sound.frames, wide // (BAR + BAR_GAP))
    middle = y + VOICE // 2
    for place, (height, heat) in enumerate(zip(heights.tolist(), heats.tolist(), strict=True)):
        x, half = left + place * (BAR + BAR_GAP), max(1, round(height * VOICE / 2))
        draw.rectangle((x, middle - half, x + BAR - 1, middle + half), fill=tint(ORANGE, heat))
    font, free = _font(12), left
    for word in sound.words:
        x = left + round(word.start / max(waveform.seconds, 1e-9) * wide)
        if x >= free:
            draw.text((x, y + VOICE + 4), word.text, QUIET, font)
            free = x + round(draw.textlength(word.text, font)) + 6
    return y + VOICE + 22


def _rows(draw: ImageDraw.ImageDraw, left: int, top: int, rows: Sequence[FigureRow], wide: int) -> int:
    font, y = _font(14), top
    for row in rows:
        draw.line((left, y, left + wide, y), LINE)
        draw.text((left, y + 6), row.name, QUIET, font)
        draw.text((left + wide, y + 6), row.text, INK, font, anchor="ra")
        y += 28
    return y


def _text(draw: ImageDraw.ImageDraw, x: int, y: int, text: str, size: int, colour: Colour, wide: int) -> int:
    """One line, shortened to `wide` pixels. Where it ends."""
    font = _font(size)
    shown = text
    while shown and draw.textlength(shown + ("" if shown == text else "…"), font) > wide:
        shown = shown[:-1]
    draw.text((x, y), shown if shown == text else shown + "…", colour, font)
    return y + round(size * 1.3)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font of the system that knows many scripts, else the one inside Pillow, which knows Latin letters."""
    for name in FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)
