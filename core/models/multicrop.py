"""Pictures seen in several crops (beyond the paper): one vector from the mean of what each crop gives."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def encode_views(encode: Callable[[NDArray[np.uint8]], Floats], views: Sequence[NDArray[np.uint8]]) -> Floats:
    """Unit vectors (n, dim) of pictures, at least one, from their crops (k, size, size, 3) of `core.images.views`.

    `encode` takes (n, size, size, 3) uint8 to (n, dim), as `VisionLanguage.encode_images`. Each crop counts the same.
    """
    return mean_views(encode(np.concatenate(views)), [len(each) for each in views])


def mean_views(vectors: Floats, counts: Sequence[int]) -> Floats:
    """Unit vectors (n, dim) of pictures, from those of all their crops (sum of `counts`, dim), one after the other."""
    units = vectors.astype(np.float64)
    owners = np.repeat(np.arange(len(counts)), counts)
    units /= np.maximum(np.linalg.norm(units, axis=1, keepdims=True), 1e-12)
    total = np.zeros((len(counts), units.shape[1]))
    np.add.at(total, owners, units)
    mean: Floats = (total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)).astype(np.float32)
    return mean
