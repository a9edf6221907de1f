"""The file that keeps a gallery's vectors for searching: a header, the matrix (n, dim) float32, the ids (n,) int64.

It is mapped into memory. It appears by a rename when it is whole, and a damaged one is as good as none.
"""

import json
import time
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core import caches, plain_json, private_files

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
Batches = Iterable[tuple[Ids, Floats]]

HEADER = 4096  # bytes: a page, so that the matrix behind it is aligned
SAMPLED = 256  # rows whose checksum stands in the header: all rows would mean reading gigabytes at each start


def usable(vectors: Floats, dim: int) -> Floats:
    """The batch as (n, dim) float32; a row that is not finite becomes zeros, which is like nothing."""
    batch = np.ascontiguousarray(vectors, np.float32).reshape(len(vectors), dim)
    finite = np.isfinite(batch).all(axis=1, keepdims=True)
    return batch if finite.all() else np.where(finite, batch, np.float32(0))


def write(path: Path, batches: Batches, revision: str, dim: int) -> None:
    """Write the file atomically. OSError."""
    ids: list[Ids] = [np.empty(0, np.int64)]
    with private_files.replacing(path, private=False) as file:
        file.write(bytes(HEADER))
        for batch_ids, vectors in batches:
            ids.append(np.asarray(batch_ids, np.int64))
            file.write(usable(vectors, dim).tobytes())
        all_ids = np.concatenate(ids)
        file.write(all_ids.tobytes())
        file.flush()
        matrix = _map(Path(file.name), len(all_ids), dim)[0]
        header = {"revision": revision, "count": len(all_ids), "dim": dim, "check": _checksum(matrix, all_ids)}
        file.seek(0)
        file.write(json.dumps(header).encode().ljust(HEADER))


def read(path: Path, revision: str, dim: int) -> tuple[Floats, Ids] | None:
    """Matrix (n, dim) and ids (n,); None when there is no such file, it is of another revision, or it is damaged."""
    try:
        with path.open("rb") as file:
            header = plain_json.loads(file.read(HEADER))
        if (header["revision"], header["dim"]) != (revision, dim):
            return None
        matrix, ids = _map(path, header["count"], dim)
        if _checksum(matrix, ids) != header["check"]:
            return None
        caches.touch(path)
        return matrix, ids
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_whole(path: Path) -> bool:
    """Whether the file has the size and the checksum that its header says."""
    try:
        with path.open("rb") as file:
            header = plain_json.loads(file.read(HEADER))
        return bool(_checksum(*_map(path, header["count"], header["dim"])) == header["check"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


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


def remove_others(folder: Path, stem: str, keep: Path) -> None:
    """Older revisions of the same gallery and fingerprint, and what a crash left of writing one."""
    abandoned = time.time() - 3600  # younger ones may be another window's work
    for path in (*folder.glob(f"{stem}*"), *folder.glob(f".{stem}*")):
        with suppress(OSError):  # some systems keep a file that is still mapped
            if path != keep and (path.suffix == ".vectors" or path.stat().st_mtime < abandoned):
                path.unlink()
