"""Score shares of the branches, and ranks of pictures under any mix of the two. No torch here.

The query is F_L = a F_T + b F_A (a = b = 1 in the paper; the options `acoustic_weight` and `gate` change them). The
score of a picture with unit vector v is the cosine F_L . v / |F_L|, so it falls exactly into a F_T . v / |F_L| and b
F_A . v / |F_L|.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import QueryError
from core.localisation import _

Doubles = NDArray[np.float64]
Numbers = NDArray[np.floating]
ROWS = 4096  # pictures multiplied at once: the copy in float64 stays small


@dataclass(frozen=True, eq=False)
class BranchVectors:
    """A query's vectors, each (dim,) float64 and not normalised, and their weights in the sum.

    A branch that the model lacks, or without words, is None and its weight 0.
    """

    text: Doubles | None
    acoustic: Doubles | None
    text_weight: float
    acoustic_weight: float

    def __post_init__(self) -> None:
        total = self.fused
        if not np.isfinite(total).all() or not np.any(total):
            raise QueryError(_("The model gave no usable numbers for this query."), "not_finite")

    @property
    def fused(self) -> Doubles:
        """F_L (dim,), not normalised."""
        parts = [weight * vector for vector, weight in ((self.text, self.text_weight),
                                                        (self.acoustic, self.acoustic_weight)) if vector is not None]
        if not parts:
            raise QueryError(_("There is nothing to explain: the query has neither words nor a voice."), "empty")
        total: Doubles = np.sum(parts, axis=0)
        return total


@dataclass(frozen=True, eq=False)
class Shares:
    """Scores (n,) of n pictures and the addends of each branch, (n,) each: text + acoustic = score."""

    score: Doubles
    text: Doubles
    acoustic: Doubles


@dataclass(frozen=True)
class BranchRanks:
    """A picture's rank among all, from 1: under the model's own sum and each branch alone; None without the branch."""

    both: int
    text: int | None
    acoustic: int | None


@dataclass(frozen=True, eq=False)
class Mix:
    """Pictures' dot products with each branch, computed once so that every mix of the two is a sum of two columns.

    `mixed` at t: 2 (1 - t) a F_T + 2 t b F_A. 0 is text alone, 1 acoustic alone, 0.5 the model's own sum. Where there
    is only one branch, t changes nothing.
    """

    ids: NDArray[np.int64]  # (n,), of the pictures; equal scores rank by it, as in a gallery
    text: Doubles  # (n,): a F_T . v
    acoustic: Doubles  # (n,): b F_A . v
    products: tuple[float, float, float]  # a F_T . a F_T, a F_T . b F_A, b F_A . b F_A
    has_text: bool
    has_acoustic: bool

    def shares(self) -> Shares:
        """The scores under the model's own sum, in parts."""
        length = self._length(0.5)
        return Shares((self.text + self.acoustic) / length, self.text / length, self.acoustic / length)

    def scores(self, t: float) -> Doubles:
        """Cosines (n,) of the pictures with the mix at t (0..1). QueryError ("zero") where the branches cancel."""
        length = self._length(t)
        if length == 0:
            raise QueryError(_("At this mix the two branches take each other away."), "zero")
        return self._mixed(t) / length

    def rank(self, row: int, t: float) -> int:
        """The rank from 1 of the picture in that row, at t."""
        mixed = self._mixed(t)
        own = mixed[row]
        equal = (mixed == own) & (self.ids < self.ids[row])
        return 1 + int(np.count_nonzero(mixed > own)) + int(np.count_nonzero(equal))

    def curve(self, row: int, ts: Sequence[float]) -> list[int]:
        """The rank of one picture at each t."""
        return [self.rank(row, t) for t in ts]

    def ranks(self, t: float) -> NDArray[np.int64]:
        """The ranks (n,) from 1 of all pictures at t."""
        order = np.lexsort((self.ids, -self._mixed(t)))
        ranks = np.empty(len(order), np.int64)
        ranks[order] = np.arange(1, len(order) + 1)
        return ranks

    def best(self, t: float, count: int) -> NDArray[np.int64]:
        """The rows of the `count` best pictures at t, best first."""
        mixed = self._mixed(t)
        count = min(max(count, 0), len(mixed))
        if not count:
            return np.empty(0, np.int64)
        near = np.flatnonzero(mixed >= np.partition(mixed, len(mixed) - count)[len(mixed) - count])
        return near[np.lexsort((self.ids[near], -mixed[near]))][:count]

    def branch_ranks(self, row: int) -> BranchRanks:
        """The rank of one picture under both branches and each alone."""
        return BranchRanks(self.rank(row, 0.5), self.rank(row, 0.0) if self.has_text else None,
                     self.rank(row, 1.0) if self.has_acoustic else None)

    def _weights(self, t: float) -> tuple[float, float]:
        if not 0 <= t <= 1:
            raise ValueError(f"t is {t}, not in 0..1")
        return (2 * (1 - t), 2 * t) if self.has_text and self.has_acoustic else (1.0, 1.0)

    def _mixed(self, t: float) -> Doubles:
        text, acoustic = self._weights(t)
        return text * self.text + acoustic * self.acoustic

    def _length(self, t: float) -> float:
        (text, acoustic), (tt, ta, aa) = self._weights(t), self.products
        return math.sqrt(max(text * text * tt + 2 * text * acoustic * ta + acoustic * acoustic * aa, 0.0))


def mix(branches: BranchVectors, vectors: Numbers, ids: NDArray[np.int64] | None = None) -> Mix:
    """The mix over pictures' vectors (n, dim), of unit length as a gallery keeps them; `ids` (n,), else 0 to n - 1."""
    zeros = np.zeros(vectors.shape[1])
    text = zeros if branches.text is None else branches.text_weight * branches.text
    acoustic = zeros if branches.acoustic is None else branches.acoustic_weight * branches.acoustic
    products = float(text @ text), float(text @ acoustic), float(acoustic @ acoustic)
    dots = _dots(vectors, np.stack([text, acoustic]))
    numbers = np.arange(len(vectors)) if ids is None else np.asarray(ids, np.int64)
    return Mix(numbers, dots[:, 0], dots[:, 1], products, branches.text is not None, branches.acoustic is not None)


def shares(branches: BranchVectors, vectors: Numbers) -> Shares:
    """The scores of pictures' unit vectors (n, dim), in parts."""
    return mix(branches, vectors).shares()


def _dots(vectors: Numbers, queries: Doubles) -> Doubles:
    """Dot products (n, queries), added up in the same order for every picture: equal pictures score equally."""
    parts = [np.einsum("ij,kj->ik", vectors[start:start + ROWS].astype(np.float64), queries)
             for start in range(0, len(vectors), ROWS)]
    return np.concatenate(parts) if parts else np.empty((0, len(queries)))
