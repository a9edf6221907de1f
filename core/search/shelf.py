"""Galleries that are open for searching: their vectors, and hits out of them."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import QueryError
from core.fingerprint import Fingerprint
from core.search import background, queries, vector_index
from core.search.background import Background
from core.search.queries import Floats, Hit, Term
from core.search.strength import strengths
from core.search.vector_file import Ids
from core.search.vector_index import ExactIndex
from core.store.records import GalleryRecord
from core.store.store import Store

OPEN = 4  # galleries whose vectors stay mapped


@dataclass(frozen=True, eq=False)
class OpenGallery:
    """A gallery's vectors as of one revision; `images` counts its pictures, indexed or not."""

    id: int
    revision: str
    index: ExactIndex
    images: int
    pictures: tuple[Floats, Ids]  # of the background

    def find(self, store: Store, terms: Sequence[Term], top: int, allowed: Ids | None,
             descriptions: Floats) -> tuple[Hit, ...]:
        """The `top` hits, best first, among the `allowed` ids if given. QueryError as in `queries.combine`.

        `descriptions` (n, dim) are the background's. A picture that was deleted a moment ago is left out.
        """
        ids, scores = self.index.search(queries.combine(terms), top, allowed)
        records = {record.id: record for record in store.images(self.id, ids.tolist())}
        there = np.array([image_id in records for image_id in ids.tolist()], bool)
        ids, scores = ids[there], scores[there]
        vectors = self.index.vectors_of(ids)
        found = strengths(terms, ids, vectors, scores, Background(descriptions, *self.pictures))
        parts = zip(ids.tolist(), scores.tolist(), found, queries.shares(terms, vectors), strict=True)
        return tuple(Hit(rank, records[image_id], score, strength, shares)
                     for rank, (image_id, score, strength, shares) in enumerate(parts, 1))

    def compared(self, allowed: Ids | None) -> int:
        """How many pictures a search looks at."""
        return len(self.index) if allowed is None else int(np.isin(self.index.ids, allowed).sum())


class Shelf:
    """Keeps the galleries that were searched last open. Any thread may call any method."""

    def __init__(self, cache_folder: Path) -> None:
        self._folder = cache_folder
        self._lock = threading.Lock()
        self._open: dict[tuple[int, str], OpenGallery] = {}

    def check(self, store: Store, record: GalleryRecord, fingerprint: Fingerprint) -> None:
        """QueryError ("empty_gallery", "not_indexed") when there is nothing to search in; needs no model."""
        with self._lock:
            if self._current(store, record, fingerprint) is None:
                _indexed(store, record, fingerprint)

    def open(self, store: Store, record: GalleryRecord, fingerprint: Fingerprint, dim: int) -> OpenGallery:
        """The gallery's vectors (n, dim), as open before when nothing has changed. QueryError as in `check`."""
        key = record.id, fingerprint.hash
        with self._lock:
            found = self._current(store, record, fingerprint)
            if found is None:
                revision = store.revision(*key)  # before the vectors: what changes meanwhile is seen next time
                present = _indexed(store, record, fingerprint)
                index = vector_index.open_index(store, *key, dim, self._folder)
                found = OpenGallery(record.id, revision, index, present, background.pictures(index))
            self._open.pop(key, None)
            self._open[key] = found
            while len(self._open) > OPEN:
                self._open.pop(next(iter(self._open)))
        return found

    def clear(self) -> None:
        """Close them all."""
        with self._lock:
            self._open.clear()

    def _current(self, store: Store, record: GalleryRecord, fingerprint: Fingerprint) -> OpenGallery | None:
        found = self._open.get((record.id, fingerprint.hash))
        fresh = found is not None and found.revision == store.revision(record.id, fingerprint.hash)
        return found if fresh else None


def _indexed(store: Store, record: GalleryRecord, fingerprint: Fingerprint) -> int:
    """How many pictures the gallery has; QueryError when none can be searched."""
    state = store.state(record.id, fingerprint.hash)
    if not state.images:
        raise QueryError(f"The gallery {record.name} has no pictures yet. Index a folder into it first.",
                         "empty_gallery")
    if not state.indexed:
        raise QueryError(f"None of the {state.images} pictures of {record.name} are indexed with the present model. "
                         "Index the gallery again; what was indexed with another model stays.", "not_indexed")
    return state.images
