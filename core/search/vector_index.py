"""Exact cosine search over a gallery's vectors, behind a small protocol.

The vectors of one gallery and fingerprint lie in one file of the caches folder, mapped into memory: a header, the
matrix (n, dim) float32, the ids (n,) int64. The file's name holds the store's revision, so a changed gallery is
another file; it appears by a rename when it is whole. A damaged one is written again, and on a full disk the index
lives in memory.
"""

import hashlib
import json
import os
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from core.errors import QueryError

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
Batches = Iterable[tuple[Ids, Floats]]

HEADER = 4096  # bytes: a page, so that the matrix behind it is aligned
CHUNK = 1 << 14  # rows multiplied at once
ROUNDING = 2e-5  # above the error of a float32 dot product of two unit vectors of up to 2048 numbers
SAMPLED = 256  # rows whose checksum stands in the header: all rows would mean reading gigabytes at each start


class VectorSource(Protocol):
    """The part of the store that an index is built from."""

    def vectors(self, gallery_id: int, fingerprint_hash: str) -> Iterator[tuple[Ids, Floats]]:
        """Batches of ids (n,) and unit vectors (n, dim) of the present pictures."""

    def revision(self, gallery_id: int, fingerprint_hash: str) -> str:
        """A text that changes whenever `vectors` would."""


class VectorIndex(Protocol):
    """What a search needs. Scores are cosines; ids are image ids."""

    def __len__(self) -> int: ...

    def search(self, query: Floats, k: int, allowed: Sequence[int] | Ids | None = None) -> tuple[Ids, Floats]:
        """The ids (k,) and scores (k,) of the best, best first, ties by id; fewer where there are fewer."""

    def scores_of(self, query: Floats, ids: Sequence[int] | Ids) -> Floats:
        """The scores (n,) of these pictures, NaN for one that is not in the index."""

    def vectors_of(self, ids: Sequence[int] | Ids) -> Floats:
        """The unit vectors (n, dim) of these pictures; QueryError (kind "not_indexed") when one is not in the index."""

    def rank_of(self, query: Floats, image_id: int) -> int:
        """The rank of a picture among all, 1 is the best; QueryError (kind "not_indexed")."""


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

    def search(self, query: Floats, k: int, allowed: Sequence[int] | Ids | None = None) -> tuple[Ids, Floats]:
        """The ids (k,) and scores (k,) of the best by cosine, best first, ties by id; fewer where there are fewer.

        `query` (dim,) has unit length. `allowed`: only these ids; those not in the index are passed over.
        QueryError (kind "not_finite", "wrong_size") for a query that is not one of this index.
        """
        query = self._checked(query)
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
        query = self._checked(query)
        rows = self._rows(ids)
        scores = np.full(len(rows), np.nan, np.float32)
        scores[rows >= 0] = self._fine(query, rows[rows >= 0])
        return scores

    def vectors_of(self, ids: Sequence[int] | Ids) -> Floats:
        """The unit vectors (n, dim) of these pictures; QueryError (kind "not_indexed") when one is not in the index."""
        rows = self._rows(ids)
        if (rows < 0).any():
            raise QueryError("That picture is not indexed with this model yet. Index its gallery again.", "not_indexed")
        return np.asarray(self.matrix[rows], np.float32)

    def rank_of(self, query: Floats, image_id: int) -> int:
        """The rank of a picture among all, 1 is the best, ties by id; QueryError (kind "not_indexed")."""
        query = self._checked(query)
        self.vectors_of([image_id])
        score = self.scores_of(query, [image_id])[0]
        rough = self._rough(query, None)
        close = np.flatnonzero(np.abs(rough - score) <= ROUNDING)
        fine = self._fine(query, close)
        ahead = (fine > score) | ((fine == score) & (self.ids[close] < image_id))
        return 1 + int(np.count_nonzero(rough > score + ROUNDING)) + int(np.count_nonzero(ahead))

    def _checked(self, query: Floats) -> Floats:
        query = np.ascontiguousarray(query, np.float32)
        if query.shape != (self.dim,):
            raise QueryError(f"The query has {query.size} numbers and the gallery {self.dim}: they are of different "
                             "models. Index the gallery with the model in use.", "wrong_size")
        if not np.isfinite(query).all():
            raise QueryError("The model gave no usable numbers for this query (not finite).", "not_finite")
        return query

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
            parts = [self.matrix[rows[start:start + CHUNK]] @ query for start in range(0, len(rows), CHUNK)]
            return np.concatenate(parts)
        scores = np.empty(len(self), np.float32)
        for start in range(0, len(self), CHUNK):
            np.dot(self.matrix[start:start + CHUNK], query, out=scores[start:start + CHUNK])
        return scores if rows is None else scores[rows]

    def _fine(self, query: Floats, rows: Ids) -> Floats:
        """Scores of `rows`, added up in float64 in the same order for every row."""
        wide = query.astype(np.float64)
        parts = [np.einsum("ij,j->i", self.matrix[rows[start:start + 4096]].astype(np.float64), wide)
                 for start in range(0, len(rows), 4096)]
        return np.concatenate(parts).astype(np.float32) if parts else np.empty(0, np.float32)


def open_index(store: VectorSource, gallery_id: int, fingerprint_hash: str, dim: int, cache_folder: Path) -> ExactIndex:
    """The index of a gallery: from the caches folder when it is current and whole, else built from the store.

    An empty gallery gives an empty index. When the cache cannot be written, the index is in memory and its `note` says
    why.
    """
    revision = store.revision(gallery_id, fingerprint_hash)
    stem = f"{gallery_id}-{fingerprint_hash}-"
    path = cache_folder / f"{stem}{hashlib.sha256(revision.encode()).hexdigest()[:12]}.vectors"
    found = _read(path, revision, dim)
    if found is not None:
        return found
    try:
        cache_folder.mkdir(parents=True, exist_ok=True)
        _write(path, store.vectors(gallery_id, fingerprint_hash), revision, dim)
        _remove_others(cache_folder, stem, path)
        found = _read(path, revision, dim)
        note = "the cache cannot be read back"
    except OSError as error:
        note = error.strerror or str(error)
    if found is not None:
        return found
    return _in_memory(store.vectors(gallery_id, fingerprint_hash), dim,
                      f"The search runs from memory because its cache could not be kept: {note}.")


def _candidates(rough: Floats, count: int) -> Ids:
    """Where the best `count` may be, with all that rounding could have put behind them."""
    if count == len(rough):
        return np.arange(len(rough))
    least = np.partition(rough, len(rough) - count)[len(rough) - count]
    return np.flatnonzero(rough >= least - ROUNDING)


def _usable(vectors: Floats, dim: int) -> Floats:
    """The batch as (n, dim) float32; a row that is not finite becomes zeros, which is like nothing."""
    batch = np.ascontiguousarray(vectors, np.float32).reshape(len(vectors), dim)
    finite = np.isfinite(batch).all(axis=1, keepdims=True)
    return batch if finite.all() else np.where(finite, batch, np.float32(0))


def _write(path: Path, batches: Batches, revision: str, dim: int) -> None:
    """Write the file beside its place, then rename; OSError when the disk does not take it."""
    staged = path.with_name(f"{path.name}.{uuid4().hex}.new")
    try:
        with staged.open("wb") as file:
            _write_parts(file, batches, revision, dim)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise


def _write_parts(file: BinaryIO, batches: Batches, revision: str, dim: int) -> None:
    file.write(bytes(HEADER))
    ids: list[Ids] = [np.empty(0, np.int64)]
    for batch_ids, vectors in batches:
        ids.append(np.asarray(batch_ids, np.int64))
        file.write(_usable(vectors, dim).tobytes())
    all_ids = np.concatenate(ids)
    file.write(all_ids.tobytes())
    file.flush()
    matrix = _map(Path(file.name), len(all_ids), dim)[0]
    header = {"revision": revision, "count": len(all_ids), "dim": dim, "check": _checksum(matrix, all_ids)}
    file.seek(0)
    file.write(json.dumps(header).encode().ljust(HEADER))


def _read(path: Path, revision: str, dim: int) -> ExactIndex | None:
    """The index in the file, None when there is none, it is of another revision, or it is damaged."""
    try:
        with path.open("rb") as file:
            header = json.loads(file.read(HEADER))
        if (header["revision"], header["dim"]) != (revision, dim):
            return None
        matrix, ids = _map(path, header["count"], dim)
        return ExactIndex(matrix, ids) if _checksum(matrix, ids) == header["check"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _map(path: Path, count: int, dim: int) -> tuple[Floats, Ids]:
    """Matrix (count, dim), mapped, and ids (count,), read; ValueError when the file has another size."""
    if path.stat().st_size != HEADER + count * (dim * 4 + 8):
        raise ValueError("another size")
    if not count:
        return np.empty((0, dim), np.float32), np.empty(0, np.int64)
    matrix = np.memmap(path, np.float32, "r", HEADER, (count, dim))
    # a plain array over the mapping: slices of np.memmap cost more than small products
    return np.asarray(matrix).view(np.ndarray), np.fromfile(path, np.int64, count, offset=HEADER + count * dim * 4)


def _checksum(matrix: Floats, ids: Ids) -> int:
    """Over all ids and some rows spread over the matrix."""
    rows = np.unique(np.linspace(0, len(ids) - 1, SAMPLED).astype(np.int64)) if len(ids) else np.empty(0, np.int64)
    return zlib.crc32(np.ascontiguousarray(matrix[rows]).tobytes(), zlib.crc32(ids.tobytes()))


def _remove_others(folder: Path, stem: str, keep: Path) -> None:
    """Older revisions of the same gallery and fingerprint, and what a crash left of writing one."""
    abandoned = time.time() - 3600  # younger ones may be another window's work
    for path in folder.glob(f"{stem}*"):
        with suppress(OSError):  # some systems keep a file that is still mapped
            if path != keep and (path.suffix == ".vectors" or path.stat().st_mtime < abandoned):
                path.unlink()


def _in_memory(batches: Batches, dim: int, note: str) -> ExactIndex:
    ids: list[Ids] = [np.empty(0, np.int64)]
    parts: list[Floats] = [np.empty((0, dim), np.float32)]
    for batch_ids, vectors in batches:
        ids.append(np.asarray(batch_ids, np.int64))
        parts.append(_usable(vectors, dim))
    return ExactIndex(np.concatenate(parts), np.concatenate(ids), note)
