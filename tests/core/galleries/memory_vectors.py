"""A vector store that keeps everything in memory: what a new one needs beside its row in `BACKENDS`."""

from collections.abc import Collection, Sequence

import numpy as np

from core.fingerprint import Fingerprint
from core.store.store import Store


class MemoryVectors:
    """A `core.galleries.vector_store.VectorStore` of dictionaries."""

    exact = True

    def __init__(self) -> None:
        self.stored: dict[Fingerprint, dict[bytes, np.ndarray]] = {}
        self.searches = 0

    def fingerprints(self) -> list[Fingerprint]:
        return [fingerprint for fingerprint, vectors in self.stored.items() if vectors]

    def add(self, fingerprint: Fingerprint, contents: Sequence[bytes], vectors: np.ndarray) -> None:
        self.stored.setdefault(fingerprint, {}).update(zip(contents, vectors, strict=True))

    def delete(self, contents: Collection[bytes], fingerprint_hash: str = "") -> None:
        for fingerprint, vectors in self.stored.items():
            if fingerprint_hash in ("", fingerprint.hash):
                for content in contents:
                    vectors.pop(content, None)

    def get(self, fingerprint_hash: str, contents: Sequence[bytes]) -> dict[bytes, np.ndarray]:
        vectors = self._of(fingerprint_hash)
        return {content: vectors[content] for content in contents if content in vectors}

    def known(self, fingerprint_hash: str, contents: Collection[bytes]) -> set[bytes]:
        return set(contents) & self._of(fingerprint_hash).keys()

    def search(self, fingerprint_hash: str, query: np.ndarray, count: int, contents: Collection[bytes] | None = None
               ) -> list[bytes]:
        self.searches += 1
        vectors = self._of(fingerprint_hash)
        allowed = vectors.keys() if contents is None else vectors.keys() & set(contents)
        return sorted(allowed, key=lambda content: -float(vectors[content] @ query))[:count]

    def sample(self, fingerprint_hash: str, count: int) -> list[bytes]:
        return sorted(self._of(fingerprint_hash))[:count]

    def _of(self, fingerprint_hash: str) -> dict[bytes, np.ndarray]:
        return next((vectors for one, vectors in self.stored.items() if one.hash == fingerprint_hash), {})


OPENED: dict[str, MemoryVectors] = {}


def open_vectors(store: Store, address: str) -> MemoryVectors:
    """The vectors of an address, as long as the process lives."""
    return OPENED.setdefault(address, MemoryVectors())
