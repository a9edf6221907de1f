"""Protocols of vectors: `VectorStore`, which a store of vectors alone implements to serve a gallery whose images are in
the SQLite catalog, and `VectorTable`, which search asks of vectors that are searched where they lie.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

import numpy as np

from core.fingerprint import Fingerprint
from core.store.records import Filter


class VectorStore(Protocol):
    """Unit vectors (dim,) float32 of one gallery, by fingerprint and by content (the SHA-256 of an image file).

    A vector belongs to a content, not to a path: images that move or have copies need no change here. Any thread may
    call any method. A store that cannot do what it is asked raises StoreError.
    """

    exact: bool  # whether `search` misses nothing

    def fingerprints(self) -> list[Fingerprint]:
        """The fingerprints under which there are vectors."""

    def add(self, fingerprint: Fingerprint, contents: Sequence[bytes], vectors: np.ndarray) -> None:
        """Store vectors (n, dim) of these contents, in place of earlier ones."""

    def delete(self, contents: Collection[bytes], fingerprint_hash: str = "") -> None:
        """Delete the vectors of these contents under a fingerprint, or under each."""

    def get(self, fingerprint_hash: str, contents: Sequence[bytes]) -> dict[bytes, np.ndarray]:
        """The vectors of those of these contents that have one."""

    def known(self, fingerprint_hash: str, contents: Collection[bytes]) -> set[bytes]:
        """Those of these contents that have a vector."""

    def search(self, fingerprint_hash: str, query: np.ndarray, count: int, contents: Collection[bytes] | None = None
               ) -> list[bytes]:
        """About the `count` contents with the highest cosine, in any order; `contents`: among these alone."""

    def sample(self, fingerprint_hash: str, count: int) -> list[bytes]:
        """Up to `count` contents, always the same ones."""


class VectorTable(Protocol):
    """Vectors of a gallery's images under one fingerprint, searched where they lie (`core.search.table_index`)."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def indexed(self) -> int:
        """Number of vectors in an index that may miss some; 0 where a search misses nothing."""

    def count(self, chosen: Filter = Filter()) -> int:
        """Number of present images of the filter with a vector."""

    def vectors_of(self, ids: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
        """Ids (n,) and vectors (n, dim) of those of these images that are there, in no order."""

    def nearest(self, query: np.ndarray, count: int, chosen: Filter, probes: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids (n,) and vectors (n, dim) of about the nearest; all are compared with `probes` 0."""

    def sample(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids (n,) and vectors (n, dim) of up to `count` images, always the same ones."""
