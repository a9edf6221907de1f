"""Texts measured as they will be drawn: shortened to a width, or broken into lines."""

import functools
from collections.abc import Callable
from typing import Any

from core.plots.style import POINTS, clean

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
DPI = 300  # of the measure
HINTED = 1.01  # letters that are fitted to pixels may be wider than measured


def width(text: str, points: float = POINTS, bold: bool = False) -> float:
    """Width of a line of text in inches, in the fonts that stand in for missing letters too."""
    if not text:
        return 0.0
    renderer, font = _renderer(), _font(points, bold)
    return float(renderer.get_text_width_height_descent(text, font, False)[0]) * HINTED / DPI


def shortened(text: str, inches: float, points: float = POINTS, bold: bool = False) -> str:
    """A cleaned text that fits; a longer one loses its middle, since titles and paths differ at their end."""
    text = clean(text)
    return text if width(text, points, bold) <= inches else _longest(
        text, lambda kept: f"{text[:kept // 3]}{ELLIPSIS}{text[len(text) - (kept - kept // 3):]}", inches, points, bold)


def lines(text: str, inches: float, most: int, points: float = POINTS, bold: bool = False) -> list[str]:
    """A cleaned text in up to `most` lines that fit, broken at spaces where there are some; the last may be cut."""
    rest = clean(text)
    broken: list[str] = []
    while rest and len(broken) < most:
        if width(rest, points, bold) <= inches:
            return [*broken, rest]
        if len(broken) == most - 1:
            cut = functools.partial(_beginning, rest, ELLIPSIS)
            return [*broken, _longest(rest, cut, inches, points, bold)]
        line = _longest(rest, functools.partial(_beginning, rest, ""), inches, points, bold)
        space = line.rfind(" ") if not rest[len(line):].startswith(" ") else len(line)
        line = line[:space] if space > 0 else line
        broken.append(line)
        rest = rest[len(line):].lstrip()
    return broken


def _beginning(text: str, end: str, kept: int) -> str:
    return text[:kept] + end


def _longest(text: str, make: Callable[[int], str], inches: float, points: float, bold: bool) -> str:
    """The longest of `make(kept characters)` that fits; one character where none does."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width(make(middle), points, bold) <= inches:
            low = middle
        else:
            high = middle - 1
    return make(low)


@functools.cache
def _renderer() -> Any:
    from matplotlib.backends.backend_agg import RendererAgg

    return RendererAgg(1, 1, DPI)


@functools.cache
def _font(points: float, bold: bool) -> Any:
    from matplotlib.font_manager import FontProperties

    return FontProperties(size=points, weight="bold" if bold else "normal")
