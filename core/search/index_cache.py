"""Galleries that are open for searching: their embeddings, and the hits among them."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.errors import QueryError
from core.fingerprint import Fingerprint
from core.galleries.gallery import Gallery
from core.localisation import _
from core.search import background, table_index, vector_index
from core.search.background import Background
from core.search.queries import EncodedTerm, Floats, Hit, QueryScorer
from core.search.significance import significances
from core.search.table_index import TableIndex
from core.search.vector_file import Ids
from core.search.vector_index import ExactIndex
from core.store.records import Filter, GalleryState, ImageRecord

OPEN = 4  # galleries whose vectors stay mapped
SPARE_COPIES = 32  # hits that are asked for beyond those wanted, for there may be copies among them
ROUNDING = 1e-5  # of a score, between copies
MOST_LOWERED = 20_000  # pictures of a large table whose scores minus terms lower, about, unless all are compared


@dataclass(frozen=True)
class SearchHits:
    """Hits, best first; `compared` counts the pictures of the filter; `approximate`: a hit may be missing."""

    hits: tuple[Hit, ...]
    compared: int
    approximate: bool = False


Row = tuple[ImageRecord, float, tuple[ImageRecord, ...]]  # a picture, its score, all files that hold it


@dataclass(frozen=True, eq=False)
class LoadedIndex:
    """A gallery's embeddings as of one revision; `images` counts its pictures, indexed or not."""

    gallery: Gallery
    revision: str
    index: ExactIndex | TableIndex
    images: int
    pictures: tuple[Floats, Ids]  # of the background

    def find(self, terms: Sequence[EncodedTerm], top: int, chosen: Filter, descriptions: Floats, exact: bool = False,
             all_copies: bool = False) -> SearchHits:
        """The `top` hits among the pictures of the filter, of identical files the first alone unless `all_copies`.

        `descriptions` (n, dim) are the background's. Significance is that among all pictures of the gallery: the filter
        chooses among the hits and changes none. A picture that was deleted a moment ago is left out. QueryError as
        in `queries.combine`.
        """
        scorer = QueryScorer(terms, self.pictures[0])
        rows, compared, approximate = self._rows(scorer, top, chosen, exact, all_copies)
        vectors = self.index.vectors_of([record.id for record, _score, _copies in rows])
        scores = np.array([score for _record, score, _copies in rows], np.float32)
        significance = significances(terms, scores, Background(descriptions, *self.pictures), len(self.index))
        parts = zip(rows, significance, scorer.shares(vectors), strict=True)
        return SearchHits(tuple(Hit(rank, record, score, strength, shares, files)
                                for rank, ((record, score, files), strength, shares) in enumerate(parts, 1)),
                          compared, approximate)

    def _rows(self, scorer: QueryScorer, top: int, chosen: Filter, exact: bool,
              all_copies: bool) -> tuple[list[Row], int, bool]:
        """The best pictures; the rest as in `_best`. More and more are asked for until the copies of the last one are
        among them, which have its score but for rounding.
        """
        asked = top + SPARE_COPIES
        while True:
            (ids, scores), compared, approximate = self._best(scorer, asked, chosen, exact)
            records = {record.id: record for record in self.gallery.images(ids.tolist())}
            rows = [(records[image_id], score) for image_id, score in zip(ids.tolist(), scores.tolist(), strict=True)
                    if image_id in records]
            same: dict[str, list[ImageRecord]] = {}
            for record, _unused in rows:
                same.setdefault(record.content_hash, []).append(record)
            kept = list({record.content_hash: (record, score) for record, score in reversed(rows)}.values())[::-1]
            files = {digest: tuple(group) for digest, group in same.items()}
            listed = rows if all_copies else kept
            if not len(ids) or len(ids) < asked or asked >= compared or (
                    len(listed) > top and scores[-1] < listed[top - 1][1] - ROUNDING):
                return ([(record, score, files[record.content_hash]) for record, score in listed[:top]], compared,
                        approximate)
            asked *= 4

    def _best(self, scorer: QueryScorer, top: int, chosen: Filter, exact: bool
              ) -> tuple[tuple[Ids, Floats], int, bool]:
        """Ids and scores, how many pictures were compared, and whether a better one may have been missed.

        A minus term only lowers, so the cosine with the plus terms bounds the score: more and more of the nearest are
        asked for until no other can reach the last of the best.
        """
        asked = top
        while True:
            (ids, cosines), compared, approximate = self._nearest(scorer.vector, asked, chosen, exact)
            if not scorer.minus or not len(ids):
                return (ids, cosines), compared, approximate
            scores = scorer.lowered(cosines, self.index.vectors_of(ids))
            best = np.lexsort((ids, -scores))[:top]
            whole = len(ids) < asked or bool(cosines[-1] < scores[best[-1]])
            if whole or (asked >= MOST_LOWERED and isinstance(self.index, TableIndex) and not exact):
                return (ids[best], scores[best]), compared, approximate or not whole
            asked *= 4

    def _nearest(self, query: Floats, top: int, chosen: Filter, exact: bool
                 ) -> tuple[tuple[Ids, Floats], int, bool]:
        """Ids and cosines, how many pictures were compared, and whether a nearer one may have been missed."""
        index = self.index
        if isinstance(index, TableIndex):
            compared = len(index) if chosen == Filter() else index.table.count(chosen)
            return index.search(query, top, chosen, exact), compared, index.approximate and not exact
        if chosen == Filter():
            return index.search(query, top), len(index), False
        allowed = self.gallery.filter_ids(chosen)
        return index.search(query, top, allowed), int(np.isin(index.ids, allowed).sum()), False


class IndexCache:
    """The galleries that were searched last, kept open. Any thread may call any method."""

    def __init__(self, cache_folder: Path) -> None:
        self._folder = cache_folder
        self._lock = threading.Lock()
        self._open: dict[tuple[int, str], LoadedIndex] = {}

    def check(self, gallery: Gallery, fingerprint: Fingerprint) -> None:
        """QueryError ("empty_gallery", "not_indexed") when there is nothing to search in; needs no model."""
        with self._lock:
            if self._current(gallery, fingerprint) is None:
                _indexed(gallery, fingerprint)

    def open(self, gallery: Gallery, fingerprint: Fingerprint, dim: int) -> LoadedIndex:
        """The gallery's vectors (n, dim), as open before when nothing has changed. QueryError as in `check`."""
        key = gallery.id, fingerprint.hash
        with self._lock:
            loaded = self._current(gallery, fingerprint)
            if loaded is None:
                revision = gallery.revision(fingerprint.hash)  # before the vectors are read
                state = _indexed(gallery, fingerprint)
                index = self._index(gallery, state, fingerprint, dim)
                loaded = LoadedIndex(gallery, revision, index, state.images, background.pictures(index))
            self._open.pop(key, None)
            self._open[key] = loaded
            while len(self._open) > OPEN:
                self._open.pop(next(iter(self._open)))
        return replace(loaded, gallery=gallery)

    def clear(self) -> None:
        """Close them all."""
        with self._lock:
            self._open.clear()

    def _index(self, gallery: Gallery, state: GalleryState, fingerprint: Fingerprint, dim: int
               ) -> ExactIndex | TableIndex:
        """The embeddings where they lie when there are too many to be read here and they can be searched there."""
        table = gallery.vector_table(fingerprint.hash) if state.indexed > table_index.EXACT_UP_TO else None
        if table is not None:
            return TableIndex(table)
        return vector_index.open_index(gallery, fingerprint.hash, dim, self._folder)

    def _current(self, gallery: Gallery, fingerprint: Fingerprint) -> LoadedIndex | None:
        loaded = self._open.get((gallery.id, fingerprint.hash))
        fresh = loaded is not None and loaded.revision == gallery.revision(fingerprint.hash)
        return loaded if fresh else None


def _indexed(gallery: Gallery, fingerprint: Fingerprint) -> GalleryState:
    """The gallery's counts. QueryError when nothing can be searched."""
    state = gallery.state(fingerprint.hash)
    if not state.images:
        raise QueryError(_("The gallery {name} has no pictures yet. Index a folder into it first.").format(
            name=gallery.name),
                         "empty_gallery")
    if not state.indexed:
        raise QueryError(_("None of the {images} pictures of {name} are indexed with the present model. Index the "
                           "gallery again; what was indexed with another model stays.").format(images=state.images,
                                                                                               name=gallery.name),
                         "not_indexed")
    return state
