"""Grey pictures of more than 8 bits or of floats, brought to 8 bits at the scale that their format and values tell.

The ceiling (what becomes white) is what the file says it is: bits per sample, largest sample value. Else it is the
smallest usual one that nearly all values lie under; single outliers, such as an overshoot of 1.02 in a picture of
0 to 1 or a hot pixel, do not count.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

INTEGER_TOPS = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)  # 8, 10, 12, 14 and 16 bits
FLOAT_TOPS = (1.0, *INTEGER_TOPS)
OVERSHOOT = 1.1  # times the ceiling, which resampling and sharpening leave in pictures of floats
NEARLY_ALL = 0.999  # of the values
DARKEST = 1 / 16  # of the usual ceiling; what lies under is a scale of its own, as pictures of high range have
SAMPLED = 1 << 20  # values that statistics are made of
BAND = 1 << 22  # pixels that are converted at once
BITS, PHOTOMETRIC = 258, 262  # TIFF tags
LEAST, MOST = (280, 340), (281, 341)  # TIFF tags for integers, for floats


def eight_bits(image: Image.Image) -> Image.Image:
    """The picture of mode I, I;16 or F as one of mode L. Values that are no numbers become 0."""
    values = np.asarray(image)
    tags: Mapping[int, Any] = getattr(image, "tag_v2", {})
    low, high = _range(values, tags)
    grey = np.empty(values.shape, np.uint8)
    rows = max(1, BAND // max(1, values.shape[1]))
    for start in range(0, len(values), rows):
        part = np.nan_to_num(values[start:start + rows].astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        grey[start:start + rows] = ((part - low) * (255 / (high - low))).round().clip(0, 255)
    return Image.fromarray(255 - grey if tags.get(PHOTOMETRIC) == 0 else grey)


def _range(values: np.ndarray, tags: Mapping[int, Any]) -> tuple[float, float]:
    """The values that become black and white; the second is the greater."""
    sample = values.reshape(-1)[::max(1, values.size // SAMPLED)].astype(np.float64)
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return 0.0, 1.0
    low = float(np.quantile(sample, 1 - NEARLY_ALL, method="lower"))
    high = float(np.quantile(sample, NEARLY_ALL, method="higher"))
    declared = _said(tags, low, high)
    if declared is not None:
        return declared
    top = _top(high, values.dtype.kind == "f")
    if top is None or low < (1 - OVERSHOOT) * top:  # no scale is known: spread what is there
        return low, max(high, low + 1e-9)
    return 0.0, top


def _top(high: float, floats: bool) -> float | None:
    """The usual ceiling for values up to `high`; None when there is none."""
    allowed = OVERSHOOT if floats else 1.0
    top = next((top for top in (FLOAT_TOPS if floats else INTEGER_TOPS) if high <= top * allowed), None)
    return high if top is not None and floats and top > 1 and 0 < high < top * DARKEST else top


def _said(tags: Mapping[int, Any], low: float, high: float) -> tuple[float, float] | None:
    """The range that a TIFF's tags tell, if the values keep to it."""
    bits = _number(tags.get(BITS))
    bottoms, tops = ([_number(tags.get(tag)) for tag in pair] for pair in (LEAST, MOST))
    bottom = next((value for value in bottoms if value is not None), 0.0)
    top = next((value for value in tops if value is not None and value > bottom), None)
    if top is None and bits is not None and 8 < bits < 16:
        top = 2.0**bits - 1
    if top is None or high > bottom + (top - bottom) * OVERSHOOT or low < bottom - (top - bottom) * (OVERSHOOT - 1):
        return None
    return (bottom, top) if bottom < 0 else (0.0, top)


def _number(value: Any) -> float | None:
    if isinstance(value, tuple):
        value = value[0] if value else None
    try:
        return float(value) if value is not None and np.isfinite(float(value)) else None
    except (TypeError, ValueError):
        return None
