"""Many points drawn into one picture with numpy: discs for pictures, triangles for utterances.

Each pixel of the sign is set for all points at once, so that the time hardly depends on the number of points: what
Qt's painter and pyqtgraph's scatter plot draw one by one (docs/map.md has both times).
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

FINE = 4  # parts of a pixel's side, for the share of it that a sign covers
FULL, SOME = 0.6, 0.15  # share of a pixel that takes the colour, and that takes half of it
HALVES = np.uint32(0x7F7F7F)  # of each colour after a shift by one bit
OPAQUE = np.uint32(0xFF000000)
Offsets = NDArray[np.int64]


def radius_of(count: int) -> float:
    """Radius of a point's sign in px, smaller the more points are seen."""
    return float(np.clip(4.4 - 1.15 * np.log10(max(count, 200) / 200), 1.2, 4.4))


@cache
def _sign(radius: float, triangle: bool) -> tuple[Offsets, Offsets]:
    """Offsets (dx, dy) of a sign's pixels: those of its rim, and those within it."""
    side = int(np.ceil(radius * 1.3)) + 1
    fine = (np.arange((2 * side + 1) * FINE) + 0.5) / FINE - side - 0.5
    x, y = np.meshgrid(fine, fine)
    if triangle:
        reach = radius * 1.2
        within = (y < 0.6 * reach) & (y > -reach) & (np.abs(x) < (y + reach) / 1.6)
    else:
        within = x * x + y * y < radius * radius
    cover = within.reshape(2 * side + 1, FINE, 2 * side + 1, FINE).mean(axis=(1, 3))

    def offsets(chosen: NDArray[np.bool_]) -> Offsets:
        rows, columns = np.nonzero(chosen)
        return np.stack([columns - side, rows - side], axis=1)

    return offsets((cover >= SOME) & (cover < FULL)), offsets(cover >= FULL)


def mixed(inks: NDArray[np.uint32], ground: np.uint32) -> NDArray[np.uint32]:
    """The mean of colours (0xAARRGGBB) and a ground, opaque."""
    return (((inks >> np.uint32(1)) & HALVES) + ((ground >> np.uint32(1)) & HALVES)) | OPAQUE


def draw_points(size: tuple[int, int], places: NDArray[np.floating], colours: NDArray[np.uint32],
                spoken: NDArray[np.bool_], radius: float, ground: int) -> NDArray[np.uint32]:
    """A picture (height, width) of 0xAARRGGBB with a sign at each of the places (n, 2), px; later points are on top.

    `size` is width and height. Places outside are left out; the signs of those at the edge are cut off.
    """
    width, height = size
    margin = int(np.ceil(radius * 1.3)) + 2
    stride = width + 2 * margin
    canvas = np.full((height + 2 * margin, stride), ground, np.uint32)
    whole = np.rint(places).astype(np.int64)
    seen = ((whole >= 0) & (whole < (width, height))).all(axis=1)
    flat = canvas.reshape(-1)
    base = (whole[seen, 1] + margin) * stride + whole[seen, 0] + margin
    inks, of_utterance = colours[seen], spoken[seen]
    pale = mixed(inks, np.uint32(ground))
    parts: list[tuple[Any, Any]] = [(~of_utterance, _sign(round(radius, 1), False)),
                                    (of_utterance, _sign(round(radius, 1), True))]
    for layer, paint in ((0, pale), (1, inks)):  # rims first: none lies over another sign's inside
        for chosen, sign in parts:
            if not chosen.any():
                continue
            places_of, ink = base[chosen], paint[chosen]
            for dx, dy in sign[layer].tolist():
                flat[places_of + (dy * stride + dx)] = ink
    return canvas[margin:-margin, margin:-margin]
