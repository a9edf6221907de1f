"""Queries: the weighted sum of encoded terms, and what each term adds to a score.

The query of plus terms with unit vectors v and weights w is q = normalise(w1 v1 + w2 v2 + ...). As their score of a
picture x is the cosine q . x, it falls exactly into one share for each term, w (v . x) / |w1 v1 + w2 v2 + ...|. The
vector of a spoken term is itself a sum, of what its words and what its voice give, and so its share falls into two.

A minus term takes away |w| max(0, v . x - m) / |w1 v1 + w2 v2 + ...|, m being the mean cosine of the gallery's pictures
with it: a picture that is more like it than the gallery's average is lowered, and none is ever raised. Measured against
adding the vector with its sign in docs/significance.md. A query of minus terms alone is that sum.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import QueryError
from core.localisation import _
from core.search.terms import BY_KIND, Branch, Kind
from core.store.records import ImageRecord

Floats = NDArray[np.float32]
Level = Literal["strong", "fair", "weak"]

VANISHING = 1e-3  # a sum this short is what rounding left of terms that took each other away


@dataclass(frozen=True, eq=False)
class EncodedTerm:
    """A query term with its embedding `vector` (dim,) of unit length. `weight` is negative for a minus term.

    `voice` (dim,) is the part of `vector` that the acoustic branch gave, the rest being that of the words; None where
    the acoustic branch had no part.
    """

    kind: Kind
    label: str
    vector: Floats
    weight: float = 1.0
    voice: Floats | None = None

    @property
    def parts(self) -> tuple[tuple[Branch, NDArray[np.float64]], ...]:
        """The branches that `vector` comes from, and what each gives; they add up to it."""
        whole = np.asarray(self.vector, np.float64)
        if self.voice is None:
            return ((BY_KIND[self.kind].branch, whole),)
        voice = np.asarray(self.voice, np.float64)
        if np.array_equal(voice, whole):  # a model that does not use the words
            return (("acoustic", whole),)
        return ("text", whole - voice), ("acoustic", voice)


@dataclass(frozen=True)
class ScoreShare:
    """One term's addition to the score of a hit through one branch; the shares of a hit add up to its score."""

    label: str
    branch: Branch
    value: float


@dataclass(frozen=True)
class MatchSignificance:
    """Significance of a hit: how many of the compared pictures are expected to score as high by chance, >= 0."""

    level: Level
    expected: float


@dataclass(frozen=True)
class Hit:
    """One picture of a result: `rank` from 1, `score` the sum of `shares`.

    `files` are the files of the filter that hold this very picture, byte for byte, this one included; () for it alone.
    """

    rank: int
    image: ImageRecord
    score: float
    strength: MatchSignificance
    shares: tuple[ScoreShare, ...]
    files: tuple[ImageRecord, ...] = ()

    @property
    def copies(self) -> int:
        """Number of files that hold this picture, this one included."""
        return max(1, len(self.files))


def unit(vector: NDArray[np.floating]) -> Floats:
    """The vector (dim,) at unit length, float32. QueryError (kind "not_finite") when it has none."""
    wide = np.asarray(vector, np.float64)
    length = float(np.linalg.norm(wide))
    if not np.isfinite(length) or length == 0:
        raise QueryError(_("The model gave no usable numbers for this query."), "not_finite")
    return (wide / length).astype(np.float32)


def combine(terms: Sequence[EncodedTerm]) -> Floats:
    """The query (dim,) of the terms, unit length, float32.

    QueryError with kind "empty" (no terms), "weight" (a weight that is not a finite number), "not_finite" (a vector
    that is none), "zero" (the terms take each other away).
    """
    total = _total(terms)
    length = float(np.linalg.norm(total))
    if length < VANISHING * sum(abs(term.weight) for term in terms) or length == 0:
        raise QueryError(_("The terms of this query take each other away, so nothing is left to search for. Change or "
                           "remove one of them."), "zero")
    return (total / length).astype(np.float32)


class QueryScorer:
    """Scores of pictures for a query; `sample` (m, dim, unit length) are pictures of the gallery, for its mean cosines.

    `vector` (dim,) is the query of the plus terms: no score exceeds the cosine with it. Errors as in `combine`.
    """

    def __init__(self, terms: Sequence[EncodedTerm], sample: Floats) -> None:
        combine(terms)
        self._terms = terms
        plus = [term for term in terms if term.weight > 0] or terms
        self.minus = tuple(term for term in terms if term not in plus)
        self.vector = combine(plus)
        self._length = float(np.linalg.norm(_total(plus)))
        self._means = [float(_cosines(sample, term.vector).mean()) if len(sample) else 0.0 for term in self.minus]

    def scores(self, vectors: Floats) -> Floats:
        """The scores (n,) of pictures (n, dim, unit length)."""
        return self.lowered(_cosines(vectors, self.vector).astype(np.float32), vectors)

    def lowered(self, cosines: Floats, vectors: Floats) -> Floats:
        """The scores (n,) of pictures (n, dim, unit length) whose cosines (n,) with `vector` are known."""
        if not self.minus:
            return cosines
        return (cosines - sum(self._taken(term, mean, vectors)
                              for term, mean in zip(self.minus, self._means, strict=True))).astype(np.float32)

    def shares(self, vectors: Floats) -> tuple[tuple[ScoreShare, ...], ...]:
        """For each picture (n, dim, unit length) the shares of each term, in their order."""
        means = dict(zip(map(id, self.minus), self._means, strict=True))
        names = [(term.label, branch) for term in self._terms for branch, _unused in term.parts]
        columns = [column for term in self._terms for column in (
            self._minus_shares(term, means[id(term)], vectors) if id(term) in means
            else [term.weight * _cosines(vectors, part) / self._length for _unused, part in term.parts])]
        return tuple(tuple(ScoreShare(label, branch, float(value)) for (label, branch),
                           value in zip(names, row, strict=True))
                     for row in np.stack(columns, axis=1))

    def _taken(self, term: EncodedTerm, mean: float, vectors: Floats) -> NDArray[np.float64]:
        """Reduction (n,) of each picture's score by a minus term, >= 0."""
        over: NDArray[np.float64] = np.maximum(0, _cosines(vectors, term.vector) - mean)
        return -term.weight * over / self._length

    def _minus_shares(self, term: EncodedTerm, mean: float, vectors: Floats) -> list[NDArray[np.float64]]:
        """The share of each branch of a minus term, <= 0: a branch that is unlike the picture takes nothing."""
        likes = [np.maximum(0, _cosines(vectors, part)) for _unused, part in term.parts]
        total = np.sum(likes, axis=0)
        parts = [np.where(total > 0, like / np.where(total > 0, total, 1), 1 / len(likes)) for like in likes]
        return [0.0 - self._taken(term, mean, vectors) * part for part in parts]


def units(vectors: NDArray[np.floating]) -> Floats:
    """Rows (n, dim) at unit length, float32; a row of zeros stays one."""
    wide = np.asarray(vectors, np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return (wide / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def _cosines(vectors: Floats, vector: NDArray[np.floating]) -> NDArray[np.float64]:
    """Products (n,) of vectors (n, dim) with one (dim,), added up in float64 in the same order for every row."""
    products: NDArray[np.float64] = np.einsum("ij,j->i", vectors.astype(np.float64), vector.astype(np.float64))
    return products


def _weighted(terms: Sequence[EncodedTerm]) -> NDArray[np.float64]:
    """The weighted vectors (terms, dim), checked."""
    if not terms:
        raise QueryError(_("There is nothing to search for: say, type or show something."), "empty")
    weights = np.array([term.weight for term in terms], np.float64)
    if not np.isfinite(weights).all():
        raise QueryError(_("A weight in this query is not a number."), "weight")
    vectors = np.stack([np.asarray(term.vector, np.float64) for term in terms])
    if not np.isfinite(vectors).all():
        raise QueryError(_("The model gave no usable numbers for this query."), "not_finite")
    weighted: NDArray[np.float64] = vectors * weights[:, None]
    return weighted


def _total(terms: Sequence[EncodedTerm]) -> NDArray[np.float64]:
    total: NDArray[np.float64] = _weighted(terms).sum(axis=0)
    return total
