"""The best hits of every query, and the score of its right item: an evaluation is shown with them, not computed again.

Scores are cosines of units (`ranks.units`). Among equals the right item stands last, as in its rank.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.evaluation.ranks import CHUNK, TIED, Floats, Ints, between

KEPT = 10
NOTHING = -1  # in the place of a hit where there is none


@dataclass(frozen=True, eq=False)
class Hits:
    """For q queries the rows of their best items, (q, k) int32, best first, and their scores (q, k) float32.

    Where there are fewer items, or the query has no vector, the row is `NOTHING` and the score NaN.
    """

    rows: NDArray[np.int32]
    scores: Floats


@dataclass(frozen=True, eq=False)
class DirectionResult:
    """One direction of an evaluation, over q queries: ranks (q,), best hits, scores (q,) of the right items.

    `text` and `acoustic` are ranks (q,) under one branch alone, None where the model lacks one of the two. `best` (q,)
    is the row of the right item that scored best: the picture, or one of a picture's utterances (-1: none).
    """

    ranks: Ints
    hits: Hits
    scores: Floats
    best: Ints
    text: Ints | None = None
    acoustic: Ints | None = None


def of_utterances(spoken: Floats, images: Floats, image_of: Ints, count: int = KEPT) -> Hits:
    """Best hits of m utterances: unit vectors `spoken` (m, dim) and `images` (n, dim); `image_of` (m,)."""
    def own(start: int, stop: int) -> NDArray[np.bool_]:
        own_pairs: NDArray[np.bool_] = image_of[start:stop, None] == np.arange(len(images))
        return own_pairs

    return _hits(spoken, images, own, count)


def of_pictures(spoken: Floats, images: Floats, image_of: Ints, count: int = KEPT) -> Hits:
    """Best hits of n pictures among utterances; arguments as in `of_utterances`."""
    def own(start: int, stop: int) -> NDArray[np.bool_]:
        own_pairs: NDArray[np.bool_] = np.arange(start, stop)[:, None] == image_of
        return own_pairs

    return _hits(images, spoken, own, count)


def own_scores(spoken: Floats, images: Floats, image_of: Ints) -> tuple[Floats, Floats, Ints]:
    """Scores of the right items: (m,) of each utterance's picture; (n,) and row (n,) of each picture's best utterance.

    NaN and -1 where there is none.
    """
    of_pairs = np.einsum("ij,ij->i", spoken, images[image_of]).astype(np.float32)
    best = np.full(len(images), np.nan, np.float32)
    rows = np.full(len(images), NOTHING, np.int64)
    order = np.argsort(-of_pairs, kind="stable")  # NaN comes last
    order = order[np.isfinite(of_pairs[order])][::-1]
    rows[image_of[order]] = order  # of several the last to be written stays: the best
    best[image_of[order]] = of_pairs[order]
    return of_pairs, best, rows


def blocks(queries: int, items: int) -> Iterator[slice]:
    """Slices of the queries whose scores fit into memory at once."""
    rows = max(1, CHUNK // max(1, items))
    for start in range(0, queries, rows):
        yield slice(start, min(queries, start + rows))


def _hits(queries: Floats, items: Floats, own: Any, limit: int) -> Hits:
    count = min(limit, len(items))
    rows = np.full((len(queries), limit), NOTHING, np.int32)
    scores = np.full((len(queries), limit), np.nan, np.float32)
    for part in blocks(len(queries), 3 * len(items)):  # beside the scores there are the places, twice as wide
        cosines = between(queries[part], items)
        last = np.where(own(part.start, part.stop), cosines - np.float32(TIED), cosines)
        best = np.argpartition(-last, count - 1, axis=1)[:, :count] if count else np.empty((len(cosines), 0), np.int64)
        best = np.sort(best, axis=1)
        best = np.take_along_axis(best, np.argsort(-np.take_along_axis(last, best, 1), axis=1, kind="stable"), 1)
        reached = np.take_along_axis(cosines, best, 1)
        rows[part, :count] = np.where(np.isfinite(reached), best, NOTHING)
        scores[part, :count] = np.where(np.isfinite(reached), reached, np.nan)
    return Hits(rows, scores)
