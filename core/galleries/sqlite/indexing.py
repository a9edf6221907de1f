"""Indexing's access to a gallery: known files, and batches of files that were read."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from core.fingerprint import Fingerprint
from core.galleries.gallery import pop_moved
from core.galleries.sqlite.images import VECTOR, tags_of
from core.galleries.sqlite.part import SqliteGalleryPart
from core.store.records import (
    REMOVED,
    DecodedImageFacts,
    FailedEntry,
    FileStamp,
    IndexedFile,
    KnownFailure,
    KnownImage,
    RecordResult,
    StoredImage,
)
from core.store.repository import (
    below_folder,
    bump_revisions,
    comparison_key,
    fingerprint_id,
    folders_of,
    is_in_folder,
    purge_contents,
    select_ids,
    storable,
)
from core.store.schema import ContentRow, EmbeddingRow, FailureRow, FingerprintRow, ImageRow, RatingRow

STORED_A_BATCH = 1000


class SqliteIndexing(SqliteGalleryPart):
    """What indexing reads and writes. Several processes may index the same gallery at once: each batch is one short
    transaction that looks at what is there now.
    """

    def known_images(self, fingerprint_hash: str, folder: Path) -> dict[str, KnownImage]:
        """The gallery's pictures below the folder by path, missing ones too."""
        embedding = (EmbeddingRow.content_id == ImageRow.content_id) & (
            EmbeddingRow.fingerprint_id == fingerprint_id(fingerprint_hash))
        with self.database.reading() as connection:
            rows = connection.execute(
                select(ImageRow.path, ImageRow.id, ImageRow.size, ImageRow.mtime_ns, ImageRow.missing, EmbeddingRow.id)
                .join(EmbeddingRow, embedding, isouter=True)
                .where(ImageRow.gallery_id == self.id, below_folder(ImageRow.path, str(folder)))).all()
        return {path: KnownImage(id_, FileStamp(size, mtime_ns), missing, embedded is not None)
                for path, id_, size, mtime_ns, missing, embedded in rows}

    def known_failures(self, folder: Path) -> dict[str, KnownFailure]:
        """The failures of earlier runs by path: the folder itself and all below it."""
        with self.database.reading() as connection:
            rows = connection.execute(
                select(FailureRow.path, FailureRow.size, FailureRow.mtime_ns, FailureRow.kind,
                       FailureRow.max_megapixels)
                .where(FailureRow.gallery_id == self.id,
                       below_folder(FailureRow.path, str(folder)) | (FailureRow.path == str(folder)))).all()
        return {row.path: KnownFailure(FileStamp(row.size, row.mtime_ns), row.kind, row.max_megapixels)
                for row in rows}

    def embedded_contents(self, hashes: Collection[bytes], fingerprint_hash: str) -> set[bytes]:
        """Those of these contents (SHA-256; some hundred) that have a vector of that fingerprint, in any gallery."""
        with self.database.reading() as connection:
            return set(connection.scalars(
                select(ContentRow.hash).join(EmbeddingRow, EmbeddingRow.content_id == ContentRow.id)
                .where(ContentRow.hash.in_(hashes),
                       EmbeddingRow.fingerprint_id == fingerprint_id(fingerprint_hash))))

    def fingerprints(self) -> list[Fingerprint]:
        """Those that the gallery's pictures have vectors of, missing pictures too."""
        used = (select(EmbeddingRow.fingerprint_id).join(ImageRow, ImageRow.content_id == EmbeddingRow.content_id)
                .where(ImageRow.gallery_id == self.id))
        with self.database.reading() as connection:
            rows = connection.execute(select(FingerprintRow.hash, FingerprintRow.description)
                                      .where(FingerprintRow.id.in_(used)).order_by(FingerprintRow.id)).all()
        return [Fingerprint(row.hash, row.description) for row in rows]

    def stored_images(self, vectors: bool = True) -> Iterator[list[StoredImage]]:
        """Batches of all pictures, missing ones too, with their vectors of every fingerprint if `vectors`.

        All batches show the gallery as it was at the first.
        """
        with self.database.reading() as connection:
            rows = connection.execution_options(yield_per=STORED_A_BATCH).execute(
                select(ImageRow.id, ImageRow.path, ImageRow.size, ImageRow.mtime_ns, ImageRow.missing,
                       ImageRow.content_id, ContentRow.hash, ContentRow.width, ContentRow.height, ContentRow.taken,
                       RatingRow.stars)
                .join(ContentRow, ContentRow.id == ImageRow.content_id)
                .join(RatingRow, RatingRow.image_id == ImageRow.id, isouter=True)
                .where(ImageRow.gallery_id == self.id).order_by(ImageRow.id))
            for part in rows.partitions():
                tags = tags_of(connection, self.id, [row.id for row in part])
                by_content = _vectors(connection, {row.content_id for row in part}) if vectors else {}
                yield [StoredImage(row.id, row.path, FileStamp(row.size, row.mtime_ns), row.hash,
                            DecodedImageFacts(row.width, row.height, row.taken), row.missing, tags.get(row.id, ()),
                            by_content.get(row.content_id, {}), row.stars or 0) for row in part]

    def mark(self, image_ids: Collection[int], missing: bool) -> None:
        """Mark these images as missing from disk, or as present again."""
        if not image_ids:
            return
        with self.database.writing() as connection:
            connection.execute(update(ImageRow).where(ImageRow.id.in_(select_ids(image_ids))).values(missing=missing))
            bump_revisions(connection, [self.id])

    def drop_failures(self, paths: Collection[str]) -> None:
        """Delete failures of files that are gone."""
        if paths:
            with self.database.writing() as connection:
                _drop_failures(connection, self.id, paths)

    def record(self, fingerprint: Fingerprint, entries: Sequence[IndexedFile],
               failures: Sequence[FailedEntry] = ()) -> RecordResult:
        """Store a batch of files that were read or could not be, all of it or nothing.

        Files of folders that were taken out of the gallery meanwhile are left out; so are files whose content the store
        has forgotten since it was asked: the next run reads them. StoreError: `no_gallery`, `disk_full`, `busy`.
        """
        with self.database.writing() as connection:
            folders = folders_of(connection, self.id)
            batch = _Batch(connection, self.id)
            batch.contents([entry for entry in entries if _in_any(entry.path, folders)])
            batch.embeddings(fingerprint)
            recorded = batch.images()
            batch.failures([failure for failure in failures if _in_any(failure.path, folders)])
            batch.finish()
            return recorded


@dataclass(frozen=True)
class _Row:
    """An image's row before the batch."""

    id: int
    content_id: int
    missing: bool


class _Batch:
    """The steps of one batch in its transaction."""

    def __init__(self, connection: Connection, gallery_id: int) -> None:
        self._connection = connection
        self._gallery_id = gallery_id
        self._entries: list[IndexedFile] = []
        self._content_ids: dict[bytes, int] = {}
        self._left: set[int] = set()  # contents that an image of the batch held before
        self._galleries = {gallery_id}  # whose vectors change

    def contents(self, entries: Sequence[IndexedFile]) -> None:
        """Insert the missing contents; keep the entries that have one."""
        rows = [{"hash": entry.content_hash, "width": entry.facts.width, "height": entry.facts.height,
                 "taken": entry.facts.taken} for entry in entries if entry.facts is not None]
        if rows:
            self._connection.execute(insert(ContentRow).prefix_with("OR IGNORE"), rows)
        hashes = {entry.content_hash for entry in entries}
        contents = self._connection.execute(select(ContentRow.hash, ContentRow.id).where(ContentRow.hash.in_(hashes)))
        self._content_ids = {row.hash: row.id for row in contents}
        self._entries = [entry for entry in entries if entry.content_hash in self._content_ids]

    def embeddings(self, fingerprint: Fingerprint) -> None:
        """Store the vectors; one that another process has stored meanwhile stays."""
        vectors = {self._content_ids[entry.content_hash]: entry.vector for entry in self._entries
                   if entry.vector is not None}
        if not vectors:
            return
        dim = next(iter(vectors.values())).shape[0]
        self._connection.execute(insert(FingerprintRow).prefix_with("OR IGNORE").values(
            hash=fingerprint.hash, description=fingerprint.description, dim=dim))
        row_id = self._connection.scalar(select(fingerprint_id(fingerprint.hash)))
        self._connection.execute(insert(EmbeddingRow).prefix_with("OR IGNORE"), [
            {"content_id": content_id, "fingerprint_id": row_id, "vector": vector.astype(VECTOR).tobytes()}
            for content_id, vector in vectors.items()])
        self._galleries |= set(self._connection.scalars(
            select(ImageRow.gallery_id).where(ImageRow.content_id.in_(select_ids(vectors))).distinct()))

    def images(self) -> RecordResult:
        """Write a row for every path: its own, that of a missing image with the same content, or a new one."""
        old_rows = self._rows(ImageRow.path.in_([entry.path for entry in self._entries]))
        gone = self._gone()
        updates: list[dict[str, Any]] = []
        inserts: list[dict[str, Any]] = []
        moved: list[int] = []
        same: list[str] = []
        for entry in self._entries:
            values = self._values(entry)
            if entry.path in old_rows:
                old = old_rows[entry.path]
                self._left.add(old.content_id)
                updates.append({"row": old.id, **values})
                if old.content_id == values["content_id"] and not old.missing:
                    same.append(entry.path)
            elif gone[values["content_id"]]:
                moved.append(pop_moved(gone[values["content_id"]], entry.path).id)
                updates.append({"row": moved[-1], **values})
            else:
                inserts.append(values)
        if updates:
            self._connection.execute(update(ImageRow).where(ImageRow.id == bindparam("row")), updates)
        if inserts:
            self._connection.execute(insert(ImageRow), inserts)
        _drop_failures(self._connection, self._gallery_id, [entry.path for entry in self._entries])
        return RecordResult(len(self._entries), tuple(moved), tuple(same))

    def failures(self, failures: Sequence[FailedEntry]) -> None:
        """Store the failures; images at these paths become missing."""
        if not failures:
            return
        statement = upsert(FailureRow)
        values = ("size", "mtime_ns", "kind", "reason", "max_megapixels")
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=["gallery_id", "path"],
                                            set_={name: statement.excluded[name] for name in values}),
            [{"gallery_id": self._gallery_id, "path": failure.path, "size": failure.stamp.size,
              "mtime_ns": failure.stamp.mtime_ns, "kind": failure.kind, "reason": storable(failure.reason),
              "max_megapixels": failure.max_megapixels} for failure in failures])
        self._connection.execute(update(ImageRow).where(
            ImageRow.gallery_id == self._gallery_id, ImageRow.path.in_([failure.path for failure in failures]),
        ).values(missing=True))

    def finish(self) -> None:
        """Delete contents without images, and change the revision of galleries."""
        purge_contents(self._connection, self._left)
        bump_revisions(self._connection, self._galleries)

    def _values(self, entry: IndexedFile) -> dict[str, Any]:
        return {"gallery_id": self._gallery_id, "path": entry.path, "name": comparison_key(Path(entry.path).name),
                "content_id": self._content_ids[entry.content_hash], "size": entry.stamp.size,
                "mtime_ns": entry.stamp.mtime_ns, "missing": False}

    def _gone(self) -> defaultdict[int, dict[str, _Row]]:
        """The gallery's missing pictures with contents of the batch, but for removed ones: content -> path -> row."""
        gone: defaultdict[int, dict[str, _Row]] = defaultdict(dict)
        removed = select(FailureRow.path).where(FailureRow.gallery_id == self._gallery_id, FailureRow.kind == REMOVED)
        for path, row in self._rows(ImageRow.content_id.in_(select_ids(self._content_ids.values())),
                                    ImageRow.path.not_in(removed)).items():
            if row.missing:  # not asked for in SQL, which would go through all that are missing for each batch
                gone[row.content_id][path] = row
        for entry in self._entries:  # a picture that is back at its own place has not moved to another
            gone[self._content_ids[entry.content_hash]].pop(entry.path, None)
        return gone

    def _rows(self, *where: ColumnElement[bool]) -> dict[str, _Row]:
        rows = self._connection.execute(
            select(ImageRow.path, ImageRow.id, ImageRow.content_id, ImageRow.missing)
            .where(ImageRow.gallery_id == self._gallery_id, *where).order_by(ImageRow.id))
        return {row.path: _Row(row.id, row.content_id, row.missing) for row in rows}


def _vectors(connection: Connection, contents: Collection[int]) -> dict[int, dict[str, np.ndarray]]:
    """The vectors of these contents by content and fingerprint's hash."""
    vectors: defaultdict[int, dict[str, np.ndarray]] = defaultdict(dict)
    for content, fingerprint, vector in connection.execute(
            select(EmbeddingRow.content_id, FingerprintRow.hash, EmbeddingRow.vector)
            .join(FingerprintRow, FingerprintRow.id == EmbeddingRow.fingerprint_id)
            .where(EmbeddingRow.content_id.in_(select_ids(contents)))):
        vectors[content][fingerprint] = np.frombuffer(vector, VECTOR).astype(np.float32, copy=False)
    return vectors


def _drop_failures(connection: Connection, gallery_id: int, paths: Iterable[str]) -> None:
    rows = [{"failed": path} for path in paths]
    if rows:
        connection.execute(delete(FailureRow).where(
            FailureRow.gallery_id == gallery_id, FailureRow.path == bindparam("failed")), rows)


def _in_any(path: str, folders: Iterable[str]) -> bool:
    return any(is_in_folder(path, folder) for folder in folders)
