"""Exact cosine search over a gallery's vectors, behind a small protocol.

The vectors of one gallery and fingerprint lie in one file of the caches folder, mapped into memory. The file's name
holds the store's revision, so a changed gallery is another file. A damaged one is written again, and on a full disk the
index lives in memory.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np

from core import private_files
from core.errors import QueryError
from core.localisation import _
from core.search import vector_file
from core.search.vector_file import Batches, Floats, Ids

CHUNK = 1 << 12  # rows multiplied at once
THREADS = min(8, os.cpu_count() or 1)  # a few saturate the memory
ROUNDING = 2e-5  # above the error of a float32 dot product of two unit vectors of up to 2048 numbers


class VectorSource(Protocol):
    """The part of a gallery that an index is built from."""

    @property
    def id(self) -> int:
        """Its id, which names the file."""

    def vectors(self, fingerprint_hash: str) -> Iterator[tuple[Ids, Floats]]:
        """Batches of ids (n,) and unit vectors (n, dim) of the present pictures."""

    def revision(self, fingerprint_hash: str) -> str:
        """A text that changes whenever `vectors` would."""


class VectorIndex(Protocol):
    """The interface of an index, wherever its vectors lie. Scores are cosines; ids are image ids."""

    def __len__(self) -> int: ...

    def __contains__(self, image_id: int) -> bool: ...

    def sample(self, count: int) -> tuple[Floats, Ids]:
        """Vectors (m, dim) and ids (m,) of up to `count` pictures, drawn alike each time."""

    def scores_of(self, query: Floats, ids: Sequence[int] | Ids) -> Floats:
        """The scores (n,) of these pictures, NaN for one that is not in the index."""

    def vectors_of(self, ids: Sequence[int] | Ids) -> Floats:
        """The unit vectors (n, dim) of these pictures; QueryError (kind "not_indexed") when one is not in the index."""


@dataclass(frozen=True, eq=False)
class ExactIndex:
    """Exact search: one pass over the matrix (n, dim) at memory bandwidth, then the candidates again in float64.

    The second look makes scores independent of how the rows were grouped, so equal pictures score equally and
    ties are true ties. `note` says why the index is not kept on disk, "" when it is.
    """

    matrix: Floats
    ids: Ids
    note: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_order", np.argsort(self.ids, kind="stable"))

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, image_id: int) -> bool:
        return bool(self._rows([image_id])[0] >= 0)

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return int(self.matrix.shape[1])

    def sample(self, count: int) -> tuple[Floats, Ids]:
        """Vectors (m, dim) and ids (m,) of up to `count` pictures, always the same ones."""
        order: Ids = self.__dict__["_order"]
        rows = order[np.sort(np.random.default_rng(0).permutation(len(self))[:count])]
        return np.asarray(self.matrix[rows]), self.ids[rows]

    def search(self, query: Floats, k: int, allowed: Sequence[int] | Ids | None = None) -> tuple[Ids, Floats]:
        """The ids (k,) and scores (k,) of the best by cosine, best first, ties by id; fewer where there are fewer.

        `query` (dim,) has unit length. `allowed`: only these ids; those not in the index are passed over.
        QueryError (kind "not_finite", "wrong_size") for a query that is not one of this index.
        """
        query = checked(query, self.dim)
        rows = None if allowed is None else self._rows(np.unique(np.asarray(allowed, np.int64)))
        if rows is not None:
            rows = rows[rows >= 0]
        count = min(max(k, 0), len(self) if rows is None else len(rows))
        if not count:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        rough = self._rough(query, rows)
        near = _candidates(rough, count)
        near = near if rows is None else rows[near]
        scores = self._fine(query, near)
        best = np.lexsort((self.ids[near], -scores))[:count]
        return self.ids[near][best], scores[best]

    def scores_of(self, query: Floats, ids: Sequence[int] | Ids) -> Floats:
        """The scores (n,) of these pictures, NaN for one that is not in the index; errors as in `search`."""
        query = checked(query, self.dim)
        rows = self._rows(ids)
        scores = np.full(len(rows), np.nan, np.float32)
        scores[rows >= 0] = self._fine(query, rows[rows >= 0])
        return scores

    def vectors_of(self, ids: Sequence[int] | Ids) -> Floats:
        """The unit vectors (n, dim) of these pictures; QueryError (kind "not_indexed") when one is not in the index."""
        rows = self._rows(ids)
        if (rows < 0).any():
            raise QueryError(_("That picture is not indexed with this model yet. Index its gallery again."),
                             "not_indexed")
        return np.asarray(self.matrix[rows], np.float32)

    def rank_of(self, query: Floats, image_id: int) -> int:
        """The rank of a picture among all, 1 is the best, ties by id; QueryError (kind "not_indexed")."""
        query = checked(query, self.dim)
        self.vectors_of([image_id])
        score = self.scores_of(query, [image_id])[0]
        rough = self._rough(query, None)
        close = np.flatnonzero(np.abs(rough - score) <= ROUNDING)
        fine = self._fine(query, close)
        ahead = (fine > score) | ((fine == score) & (self.ids[close] < image_id))
        return 1 + int(np.count_nonzero(rough > score + ROUNDING)) + int(np.count_nonzero(ahead))

    def _rows(self, ids: Sequence[int] | Ids) -> Ids:
        """The row of each id, -1 for a strange one."""
        wanted = np.asarray(ids, np.int64).reshape(-1)
        if not len(self):
            return np.full(len(wanted), -1, np.int64)
        order: Ids = self.__dict__["_order"]
        places = np.minimum(np.searchsorted(self.ids, wanted, sorter=order), len(self) - 1)
        rows = order[places]
        return np.where(self.ids[rows] == wanted, rows, -1)

    def _rough(self, query: Floats, rows: Ids | None) -> Floats:
        """Scores of all rows, or of `rows`, correct to ROUNDING."""
        if rows is not None and len(rows) * 4 < len(self):
            return _products(query, len(rows), lambda start, stop: self.matrix[rows[start:stop]])
        scores = _products(query, len(self), lambda start, stop: self.matrix[start:stop])
        return scores if rows is None else scores[rows]

    def _fine(self, query: Floats, rows: Ids) -> Floats:
        """Scores of `rows`, added up in float64 in the same order for every row."""
        parts = [fine(self.matrix[rows[start:start + 4096]], query) for start in range(0, len(rows), 4096)]
        return np.concatenate(parts) if parts else np.empty(0, np.float32)


def checked(query: Floats, dim: int) -> Floats:
    """The query (dim,); QueryError (kind "not_finite", "wrong_size") for one that is none of an index of `dim`."""
    query = np.ascontiguousarray(query, np.float32)
    if query.shape != (dim,):
        raise QueryError(_("The query has {size} numbers and the gallery {dim}: they are of different models. Index "
                           "the gallery with the model in use.").format(size=query.size, dim=dim), "wrong_size")
    if not np.isfinite(query).all():
        raise QueryError(_("The model gave no usable numbers for this query (not finite)."), "not_finite")
    return query


def fine(vectors: Floats, query: Floats) -> Floats:
    """Scores (n,) of vectors (n, dim), added up in float64 in the same order for every row."""
    scores: Floats = np.einsum("ij,j->i", vectors.astype(np.float64), query.astype(np.float64)).astype(np.float32)
    return scores


def open_index(gallery: VectorSource, fingerprint_hash: str, dim: int, cache_folder: Path) -> ExactIndex:
    """The index of a gallery: from the caches folder when it is current and whole, else built from the store.

    An empty gallery gives an empty index. When the cache cannot be written, the index is in memory and its `note` says
    why.
    """
    revision = gallery.revision(fingerprint_hash)
    stem = f"{gallery.id}-{fingerprint_hash}-"
    path = cache_folder / f"{stem}{hashlib.sha256(revision.encode()).hexdigest()[:12]}.vectors"
    stored = vector_file.read(path, revision, dim)
    if stored is not None:
        return ExactIndex(*stored)
    try:
        private_files.make_folder(cache_folder, private=False)
        vector_file.write(path, gallery.vectors(fingerprint_hash), revision, dim)
        vector_file.remove_others(cache_folder, stem, path)
        stored = vector_file.read(path, revision, dim)
        note = "the cache cannot be read back"
    except OSError as error:
        note = error.strerror or str(error)
    if stored is not None:
        return ExactIndex(*stored)
    return _in_memory(gallery.vectors(fingerprint_hash), dim,
                      f"The search runs from memory because its cache could not be kept: {note}.")


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, "exact-search")


def _products(query: Floats, count: int, part: Callable[[int, int], Floats]) -> Floats:
    """Dot products (count,) of the query and the rows that `part` gives from start to stop.

    Not by BLAS: its threads wait for each other by spinning, which on a busy machine made it four times as slow as
    reading the memory; einsum on threads of our own stays at memory bandwidth.
    """
    scores = np.empty(count, np.float32)

    def work(start: int) -> None:
        np.einsum("ij,j->i", part(start, start + CHUNK), query, out=scores[start:start + CHUNK])

    starts = range(0, count, CHUNK)
    for _unused in map(work, starts) if len(starts) < 2 * THREADS else _pool().map(work, starts):
        pass
    return scores


def _candidates(rough: Floats, count: int) -> Ids:
    """Rows that may be among the best `count`, with all that rounding could have put behind them."""
    if count == len(rough):
        return np.arange(len(rough))
    least = np.partition(rough, len(rough) - count)[len(rough) - count]
    return np.flatnonzero(rough >= least - ROUNDING)


def _in_memory(batches: Batches, dim: int, note: str) -> ExactIndex:
    ids: list[Ids] = [np.empty(0, np.int64)]
    parts: list[Floats] = [np.empty((0, dim), np.float32)]
    for batch_ids, vectors in batches:
        ids.append(np.asarray(batch_ids, np.int64))
        parts.append(vector_file.usable(vectors, dim))
    return ExactIndex(np.concatenate(parts), np.concatenate(ids), note)
