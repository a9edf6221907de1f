"""Pixel comparison of two images that may be one: resized, squashed, compressed again, or cropped.

A perceptual hash of the whole image misses crops, and one of parts calls two dogs on one meadow the same. So the
smaller content is searched inside the larger one at several scales by normalised cross-correlation (Lewis, "Fast
normalized cross-correlation", 1995), and every block of the place found must agree.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core import images

SIDE = 96  # px of the long side of an outline
COARSE = 48  # px, for the search over scales
LEAST_SHARE = 0.6  # side of a crop in the whole, in shares of the largest that fits
COARSE_STEP, FINE_STEP = 0.04, 0.01  # of that share
FINE_STEPS = 3  # to each side of the best coarse scale
PROMISING = 0.8  # correlation at the coarse scale from which on the search is refined
SAME = 0.95  # correlation of one image with itself, after all that is allowed
BLOCKS = 8  # to a side, of the place found
BLUR = 3  # px, averaged before images are compared: a place is found to half a pixel
WORST_BLOCK = 0.5  # mean difference within a block, in standard deviations of the image, that is still allowed
FLAT = 3.0  # grey levels: an image with a lower standard deviation has nothing to compare

Grey = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Outline:
    """A small grey copy of an image, (height, width) uint8, its long side SIDE pixels."""

    pixels: NDArray[np.uint8]

    @property
    def grey(self) -> Grey:
        """The pixels as float32."""
        return self.pixels.astype(np.float32)


@dataclass(frozen=True)
class PixelAgreement:
    """PixelAgreement of two images: their correlation, -1 to 1, and the largest mean difference within a block."""

    correlation: float
    worst_block: float

    @property
    def same(self) -> bool:
        """Whether both show the same image."""
        return self.correlation >= SAME and self.worst_block <= WORST_BLOCK


def outline(path: Path, max_megapixels: float = images.MAX_MEGAPIXELS) -> Outline:
    """The outline of a file. ImageError as `core.images.read`."""
    picture = images.read(path, max_megapixels, at_least=2 * SIDE).rgb.convert("L")
    scale = SIDE / max(picture.size)
    size = max(8, round(picture.width * scale)), max(8, round(picture.height * scale))
    small = picture.resize(size, Image.Resampling.BOX, reducing_gap=2.0) if picture.size != size else picture
    return Outline(np.asarray(small, np.uint8))


def agreement(first: Outline, second: Outline) -> PixelAgreement:
    """The best agreement of two images: as wholes, or of one with a part of the other."""
    one, other = first.grey, second.grey
    if min(one.std(), other.std()) < FLAT:  # one colour all over: nothing can be compared
        return PixelAgreement(0.0, np.inf)
    best = _compare(one, _resized(other, one.shape))
    for whole, part in ((one, other), (other, one)):
        if best.same:
            break
        best = max(best, _as_part(whole, part), key=lambda each: (each.same, each.correlation))
    return best


def _as_part(whole: Grey, part: Grey) -> PixelAgreement:
    """The agreement of `part` with the place in `whole` that it fits best."""
    shrink = COARSE / SIDE
    small = _Whole(_resized(whole, tuple(max(6, round(side * shrink)) for side in whole.shape)))
    scale, (_, _, correlation) = max(
        ((scale, small.place(_fitted(part, small.grey, scale)))
         for scale in np.arange(LEAST_SHARE, 1.001, COARSE_STEP)), key=lambda found: found[1][2])
    if correlation < PROMISING:
        return PixelAgreement(correlation, np.inf)
    large = _Whole(whole)
    tries = []
    for step in range(-FINE_STEPS, FINE_STEPS + 1):
        fitted = _fitted(part, whole, min(1.0, float(scale) + step * FINE_STEP))
        tries.append((large.place(fitted), fitted))
    (top, left, _), fitted = max(tries, key=lambda found: found[0][2])
    height, width = fitted.shape
    return _compare(whole[top:top + height, left:left + width], fitted)


def _fitted(part: Grey, whole: Grey, scale: float) -> Grey:
    """`part` in its proportions at a share of the largest size that fits into `whole`."""
    largest = min(whole.shape[0] / part.shape[0], whole.shape[1] / part.shape[1])
    shape = [min(limit, max(4, round(side * largest * scale)))
             for side, limit in zip(part.shape, whole.shape, strict=True)]
    return _resized(part, (shape[0], shape[1]))


class _Whole:
    """An image (height, width) in which places of others are looked for."""

    def __init__(self, grey: Grey) -> None:
        self.grey = grey
        self._spectrum = np.fft.rfft2(grey)
        self._sums, self._squares = _cumulated(grey), _cumulated(grey**2)

    def place(self, part: Grey) -> tuple[int, int, float]:
        """Top, left and correlation of the place that is most like `part` (h, w)."""
        (rows, columns), (height, width) = self.grey.shape, part.shape
        centred = part - part.mean()
        products = np.fft.irfft2(self._spectrum * np.conj(np.fft.rfft2(centred, self.grey.shape)), self.grey.shape)
        sums, squares = _windows(self._sums, height, width), _windows(self._squares, height, width)
        spread = np.sqrt(np.maximum(squares - sums**2 / part.size, 0.0) * float((centred**2).sum()))
        scores = products[:rows - height + 1, :columns - width + 1] / np.maximum(spread, FLAT**2 * part.size)
        top, left = np.unravel_index(int(scores.argmax()), scores.shape)
        return int(top), int(left), float(scores[top, left])


def _cumulated(values: Grey) -> NDArray[np.float64]:
    """Sums of `values` over all rectangles from the top left corner."""
    return np.pad(values.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))


def _windows(sums: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Sums over all windows of that size, from cumulated ones."""
    return np.asarray(sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width])


def _compare(first: Grey, second: Grey) -> PixelAgreement:
    """The agreement of two images of the same shape, whatever their brightness and contrast."""
    if first.std() < FLAT or second.std() < FLAT:
        return PixelAgreement(0.0, np.inf)
    soft = [_windows(_cumulated(grey), BLUR, BLUR) for grey in (first, second)]
    one, other = ((sums - sums.mean()) / sums.std() for sums in soft)
    difference = np.abs(one - other)
    edges = [np.linspace(0, side, min(BLOCKS, side) + 1).astype(int) for side in difference.shape]
    blocks = [difference[top:bottom, left:right].mean() for top, bottom in itertools.pairwise(edges[0])
              for left, right in itertools.pairwise(edges[1])]
    return PixelAgreement(float((one * other).mean()), float(max(blocks)))


def _resized(grey: Grey, shape: tuple[int, ...]) -> Grey:
    """`grey` at another shape (height, width), averaged over areas where it shrinks."""
    if grey.shape == shape:
        return grey
    picture = Image.fromarray(grey)
    return np.asarray(picture.resize((shape[1], shape[0]), Image.Resampling.BICUBIC), np.float32)
