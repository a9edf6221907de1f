"""Pairs of images whose embeddings are nearly equal, found by blocked matrix products."""

import numpy as np
from numpy.typing import NDArray

from core.search.vector_file import Floats, Ids

COLUMNS = 8192  # of one product
MOST = 12  # candidates of one image, the nearest: a thousand pictures of one scene would be half a million pairs


def near_pairs(matrix: Floats, order: Ids, start: int, stop: int, least: float) -> NDArray[np.int64]:
    """Pairs (m, 2) of places in `order`, the second before the first, whose cosine is at least `least`.

    `order` are rows of the matrix (n, dim) of unit vectors. The places from `start` to `stop` are compared with all
    before them; each gives the MOST nearest. The nearest pairs come first.
    """
    block = matrix[order[start:stop]]
    parts = []
    for begin in range(0, stop, COLUMNS):
        places = np.arange(begin, min(begin + COLUMNS, stop))
        cosines = block @ matrix[order[places]].T
        cosines[places[None, :] >= np.arange(start, stop)[:, None]] = -1.0
        parts.append(_nearest(cosines, places, least))
    rows, others, cosine = (np.concatenate(column) for column in zip(*parts, strict=True))
    by_row = np.lexsort((-cosine, rows))
    first = np.searchsorted(rows[by_row], np.arange(stop - start))
    kept = by_row[np.arange(len(by_row)) - first[rows[by_row]] < MOST]
    kept = kept[np.argsort(-cosine[kept], kind="stable")]
    return np.stack([start + rows[kept], others[kept]], axis=1)


def _nearest(cosines: Floats, places: Ids, least: float) -> tuple[Ids, Ids, Floats]:
    """Rows of the block, places and cosines of all that reach `least`; MOST of each row where there are many."""
    rows, columns = np.nonzero(cosines >= least)
    if len(rows) > MOST * len(cosines):
        columns = np.argpartition(-cosines, MOST, axis=1)[:, :MOST].ravel()
        rows = np.repeat(np.arange(len(cosines)), MOST)
        reached = cosines[rows, columns] >= least
        rows, columns = rows[reached], columns[reached]
    return rows, places[columns], cosines[rows, columns]
