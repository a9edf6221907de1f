"""Heat and shade as RGBA pictures to lay over a picture. No torch here."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.explain.maps import spread
from core.explain.methods import Floats
from core.explain.placement import Box, Placement

Pixels = NDArray[np.uint8]
STOPS = (0.0, 0.5, 1.0)
COLOURS = ((22, 104, 184), (245, 200, 60), (217, 45, 32))  # blue, yellow, red
OPACITY = 0.65  # of the hottest place
CLEAR_BELOW = 0.05  # of the hottest: there the picture stays as it is
SHADE = (10, 10, 12, 165)
EDGE = (255, 255, 255, 220)
DASH = 6  # pixels of line and of gap


def heat_colours(values: Floats, opacity: float = OPACITY) -> Pixels:
    """Colours of values 0..1 of any shape: (..., 4) uint8, blue over yellow to red, more opaque the hotter."""
    values = np.clip(np.nan_to_num(values), 0, 1)
    channels = [np.interp(values, STOPS, [colour[channel] for colour in COLOURS]) for channel in range(3)]
    alpha = np.clip((values - CLEAR_BELOW) / (0.5 - CLEAR_BELOW), 0, 1) * opacity * 255
    return np.stack([*channels, alpha], axis=-1).round().astype(np.uint8)


def heat(relevance: Floats, placement: Placement, opacity: float = OPACITY) -> Pixels:
    """Relevance (rows, columns) as RGBA (height, width, 4) over the picture; transparent outside of what the model saw.

    For a copy of the picture of another size take `placement.scaled`. Between the centres of the cells it is bicubic.
    """
    grid = Image.fromarray(np.ascontiguousarray(spread(relevance), np.float32))
    left, top, right, bottom = placement.box
    over = np.zeros((placement.height, placement.width, 4), np.uint8)
    x0, y0, x1, y1 = _whole(placement.visible)
    if x1 > x0 and y1 > y0:
        rows, columns = relevance.shape
        across, down = columns / (right - left), rows / (bottom - top)
        part = (x0 - left) * across, (y0 - top) * down, (x1 - left) * across, (y1 - top) * down
        inside = _within(part, columns, rows)
        values = np.asarray(grid.resize((x1 - x0, y1 - y0), Image.Resampling.BICUBIC, box=inside))
        over[y0:y1, x0:x1] = heat_colours(values, opacity)
    return over


def shade(placement: Placement) -> Pixels:
    """Shade over the cut-off parts as RGBA (height, width, 4), with a dashed line along the cut."""
    over = np.zeros((placement.height, placement.width, 4), np.uint8)
    for box in placement.cut:
        x0, y0, x1, y1 = _whole(box)
        over[y0:y1, x0:x1] = SHADE
    x0, y0, x1, y1 = _whole(placement.visible)
    dashes = np.arange(max(placement.width, placement.height)) // DASH % 2 == 0
    for x in {x0, x1 - 1} if x0 > 0 or x1 < placement.width else ():
        over[:, x][dashes[:placement.height]] = EDGE
    for y in {y0, y1 - 1} if y0 > 0 or y1 < placement.height else ():
        over[y][dashes[:placement.width]] = EDGE
    return over


def painted(picture: Image.Image, relevance: Floats, placement: Placement, opacity: float = OPACITY) -> Image.Image:
    """An RGB picture with its map and its cut-off parts shaded, of the same size."""
    fitted = placement.scaled(*picture.size)
    whole = picture.convert("RGBA")
    for layer in (heat(relevance, fitted, opacity), shade(fitted)):
        whole.alpha_composite(Image.fromarray(layer))
    return whole.convert("RGB")


def _whole(box: Box) -> tuple[int, int, int, int]:
    left, top, right, bottom = box
    return round(left), round(top), round(right), round(bottom)


def _within(box: Box, width: int, height: int) -> Box:
    """The box without what rounding to pixels put outside a picture of that size."""
    left, top, right, bottom = box
    return max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height))
