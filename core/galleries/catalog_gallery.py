"""A gallery whose images, tags and failures are in the SQLite catalog and whose vectors are in any `VectorStore`."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from sqlalchemy import ColumnElement, select

from core.fingerprint import Fingerprint
from core.galleries.sqlite.gallery import SqliteGallery
from core.galleries.sqlite.images import VECTORS_A_BATCH
from core.galleries.vector_store import VectorStore
from core.store.database import Database
from core.store.records import (
    FailedEntry,
    Filter,
    GalleryRecord,
    GalleryState,
    IndexedFile,
    KnownImage,
    RecordResult,
    StoredImage,
)
from core.store.repository import below_folder, bump_revisions, select_ids
from core.store.schema import ContentRow, ImageRow

PRESENT = ImageRow.missing.is_(False)


class CatalogGallery(SqliteGallery):
    """The catalog decides which images there are; a vector whose content no image has is deleted or never read."""

    def __init__(self, database: Database, info: GalleryRecord, store: VectorStore) -> None:
        super().__init__(database, info)
        self.store = store

    def vectors(self, fingerprint_hash: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """See `Gallery`."""
        contents = list(self._contents(PRESENT).items())
        for start in range(0, len(contents), VECTORS_A_BATCH):
            part = contents[start:start + VECTORS_A_BATCH]
            vectors = self.store.get(fingerprint_hash, [content for _, content in part])
            rows = [(image_id, vectors[content]) for image_id, content in part if content in vectors]
            if rows:
                yield np.array([image_id for image_id, _ in rows], np.int64), np.stack([vector for _, vector in rows])

    def vector_table(self, fingerprint_hash: str) -> "CatalogVectorTable | None":
        """See `Gallery`."""
        return CatalogVectorTable(self, fingerprint_hash)

    def state(self, fingerprint_hash: str = "") -> GalleryState:
        """See `Gallery`."""
        images = Counter(self._contents(PRESENT).values())
        counts = {fingerprint: sum(images[content] for content in self.store.known(fingerprint.hash, images))
                  for fingerprint in self.store.fingerprints()}
        ordered = tuple(sorted(((fingerprint, count) for fingerprint, count in counts.items() if count),
                               key=lambda item: -item[1]))
        indexed = next((count for fingerprint, count in ordered if fingerprint.hash == fingerprint_hash), 0)
        return replace(super().state(), indexed=indexed, fingerprints=ordered)

    def known_images(self, fingerprint_hash: str, folder: Path) -> dict[str, KnownImage]:
        """See `Gallery`."""
        contents = self._contents(below_folder(ImageRow.path, str(folder)))
        embedded = self.store.known(fingerprint_hash, set(contents.values()))
        return {path: image._replace(embedded=contents.get(image.id) in embedded)
                for path, image in super().known_images("", folder).items()}

    def embedded_contents(self, hashes: Collection[bytes], fingerprint_hash: str) -> set[bytes]:
        """Those of these contents that have a vector of that fingerprint and facts in the catalog."""
        with self.database.reading() as connection:
            described = set(connection.scalars(select(ContentRow.hash).where(ContentRow.hash.in_(hashes))))
        return self.store.known(fingerprint_hash, described)

    def fingerprints(self) -> list[Fingerprint]:
        """See `Gallery`."""
        contents = set(self._contents().values())
        return [fingerprint for fingerprint in self.store.fingerprints()
                if self.store.known(fingerprint.hash, contents)]

    def stored_images(self, vectors: bool = True) -> Iterator[list[StoredImage]]:
        """See `Gallery`."""
        fingerprints = [fingerprint_hash.hash for fingerprint_hash in self.store.fingerprints()] if vectors else []
        for batch in super().stored_images(vectors=False):
            contents = [image.content_hash for image in batch]
            parts = {fingerprint: self.store.get(fingerprint, contents) for fingerprint in fingerprints}
            yield [replace(image, vectors={fingerprint: part[image.content_hash] for fingerprint, part in parts.items()
                                           if image.content_hash in part}) for image in batch]

    def record(self, fingerprint: Fingerprint, entries: Sequence[IndexedFile],
               failures: Sequence[FailedEntry] = ()) -> RecordResult:
        """See `Gallery`. The vectors first: the catalog's new revision says that they are there."""
        new = {entry.content_hash: entry.vector for entry in entries if entry.vector is not None}
        if new:
            self.store.add(fingerprint, list(new), np.stack(list(new.values())))
        before = set(self._contents(ImageRow.path.in_([entry.path for entry in entries])).values())
        recorded = super().record(fingerprint, [replace(entry, vector=None) for entry in entries], failures)
        self._drop_unused(before | new.keys())
        return recorded

    def remove_folder(self, folder: Path) -> None:
        """See `Gallery`."""
        before = set(self._contents().values())
        super().remove_folder(folder)
        self._drop_unused(before)

    def forget_fingerprint(self, fingerprint_hash: str) -> int:
        """See `Gallery`."""
        contents = self.store.known(fingerprint_hash, set(self._contents().values()))
        self.store.delete(contents, fingerprint_hash)
        with self.database.writing() as connection:
            bump_revisions(connection, [self.id])
        return len(contents)

    def delete(self) -> None:
        """See `Gallery`."""
        contents = set(self._contents().values())
        super().delete()
        self.store.delete(contents)

    def _contents(self, *where: ColumnElement[bool]) -> dict[int, bytes]:
        """The content of each image of the gallery, by id, ascending."""
        with self.database.reading() as connection:
            rows = connection.execute(
                select(ImageRow.id, ContentRow.hash).join(ContentRow, ContentRow.id == ImageRow.content_id)
                .where(ImageRow.gallery_id == self.id, *where).order_by(ImageRow.id))
            return {row.id: row.hash for row in rows}

    def _drop_unused(self, contents: set[bytes]) -> None:
        """Delete the vectors of those of these contents that no image of the gallery has any more."""
        where = (ContentRow.hash.in_(contents),) if len(contents) <= VECTORS_A_BATCH else ()
        unused = contents - set(self._contents(*where).values())
        if unused:
            self.store.delete(unused)


class CatalogVectorTable:
    """The vectors of one fingerprint, searched in the store."""

    def __init__(self, gallery: CatalogGallery, fingerprint_hash: str) -> None:
        self._gallery, self._hash = gallery, fingerprint_hash

    @property
    def indexed(self) -> int:
        """0 where a search misses nothing; else how many vectors there are."""
        return 0 if self._gallery.store.exact else self.count()

    @property
    def dim(self) -> int:
        """Length of a vector."""
        vectors = self._gallery.store.get(self._hash, self._gallery.store.sample(self._hash, 1))
        return len(next(iter(vectors.values())))

    def count(self, chosen: Filter = Filter()) -> int:
        """Number of present images of the filter with a vector."""
        contents = Counter(self._chosen(chosen).values())
        return sum(contents[content] for content in self._gallery.store.known(self._hash, contents))

    def vectors_of(self, ids: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
        """Ids (n,) and vectors (n, dim) of those of these images that are there."""
        return self._rows(self._gallery._contents(PRESENT, ImageRow.id.in_(select_ids(ids))))

    def sample(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids (n,) and vectors (n, dim) of images of up to `count` contents."""
        return self._of_contents(self._gallery.store.sample(self._hash, count), self._gallery._contents(PRESENT))

    def nearest(self, query: np.ndarray, count: int, chosen: Filter, probes: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids (n,) and vectors (n, dim) of images of about the `count` nearest contents."""
        images = self._chosen(chosen)
        return self._of_contents(self._gallery.store.search(self._hash, query, count, set(images.values())), images)

    def _chosen(self, chosen: Filter) -> dict[int, bytes]:
        ids = self._gallery.filter_ids(chosen)
        return self._gallery._contents(PRESENT, ImageRow.id.in_(select_ids(ids)))

    def _of_contents(self, contents: Collection[bytes], images: dict[int, bytes]) -> tuple[np.ndarray, np.ndarray]:
        wanted = set(contents)
        return self._rows({image_id: content for image_id, content in images.items() if content in wanted})

    def _rows(self, images: dict[int, bytes]) -> tuple[np.ndarray, np.ndarray]:
        vectors = self._gallery.store.get(self._hash, list(images.values()))
        rows = [(image_id, vectors[content]) for image_id, content in images.items() if content in vectors]
        if not rows:
            return np.empty(0, np.int64), np.empty((0, self.dim), np.float32)
        return np.array([image_id for image_id, _ in rows], np.int64), np.stack([vector for _, vector in rows])
