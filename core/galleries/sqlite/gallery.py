"""A gallery in the SQLite store: its folders, its state, and how it is deleted. No image on disk is touched."""

from pathlib import Path

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.sql.expression import ColumnElement

from core.fingerprint import Fingerprint
from core.galleries.sqlite.images import SqliteImages
from core.galleries.sqlite.indexing import SqliteIndexing
from core.galleries.vector_store import VectorTable
from core.progress import Report, silent
from core.store.galleries import gallery_records
from core.store.records import REMOVED, GalleryState
from core.store.repository import (
    absolute_path,
    below_folder,
    bump_revisions,
    fingerprint_id,
    folders_of,
    is_in_folder,
    purge_contents,
)
from core.store.schema import EmbeddingRow, FailureRow, FingerprintRow, FolderRow, GalleryRow, ImageRow


class SqliteGallery(SqliteImages, SqliteIndexing):
    """One gallery of the store. Each call is one transaction; StoreError as `core.store.store.Store`."""

    rows_a_write = 1  # a write of one image costs little more than its share of a larger one

    def vector_table(self, fingerprint_hash: str) -> VectorTable | None:
        """None: vectors in SQLite are read into an exact index."""

    def optimize(self, report: Report = silent) -> None:
        """Do nothing: SQLite needs no maintenance here."""

    def delete(self) -> None:
        """Delete the gallery with its tags and embeddings, and return their room to the disk. Files stay, and so do
        embeddings that another gallery uses.
        """
        with self.database.deleting(erase=False) as connection:
            contents = _contents(connection, ImageRow.gallery_id == self.id)
            connection.execute(delete(GalleryRow).where(GalleryRow.id == self.id))
            purge_contents(connection, contents)
        self.database.shrink()

    def add_folder(self, folder: Path) -> None:
        """Add a root folder to be indexed, which need not be reachable now.

        One inside a folder that the gallery has already changes nothing; one around such folders takes their place.
        StoreError: `no_gallery`.
        """
        path = absolute_path(folder)
        with self.database.writing() as connection:
            folders = folders_of(connection, self.id)
            if any(is_in_folder(path, folder_path) for folder_path in folders):
                return
            inner = [folder_path for folder_path in folders if is_in_folder(folder_path, path)]
            connection.execute(delete(FolderRow).where(FolderRow.gallery_id == self.id, FolderRow.path.in_(inner)))
            connection.execute(insert(FolderRow).values(gallery_id=self.id, path=path))

    def remove_folder(self, folder: Path) -> None:
        """Remove a root folder with its images and their tags. Files stay."""
        path = absolute_path(folder)
        with self.database.deleting(erase=False) as connection:
            here = (ImageRow.gallery_id == self.id, below_folder(ImageRow.path, path) | (ImageRow.path == path))
            contents = _contents(connection, *here)
            connection.execute(delete(FolderRow).where(FolderRow.gallery_id == self.id, FolderRow.path == path))
            connection.execute(delete(ImageRow).where(*here))
            connection.execute(delete(FailureRow).where(
                FailureRow.gallery_id == self.id, below_folder(FailureRow.path, path) | (FailureRow.path == path)))
            purge_contents(connection, contents)
            bump_revisions(connection, [self.id])

    def state(self, fingerprint_hash: str = "") -> GalleryState:
        """State of the gallery under a fingerprint. StoreError: `no_gallery`."""
        with self.database.reading() as connection:
            folders_of(connection, self.id)
            present = (ImageRow.gallery_id == self.id, ImageRow.missing.is_(False))
            fingerprints = _fingerprints(connection, *present)
            failed = connection.scalar(select(func.count()).where(FailureRow.gallery_id == self.id)) or 0
            removed = connection.scalar(select(func.count()).where(
                FailureRow.gallery_id == self.id, FailureRow.kind == REMOVED)) or 0
            return GalleryState(
                gallery=gallery_records(connection, GalleryRow.id == self.id)[0],
                images=connection.scalar(select(func.count()).where(*present)) or 0,
                indexed=next((count for fingerprint, count in fingerprints if fingerprint.hash == fingerprint_hash), 0),
                failed=failed - removed, missing=_missing(connection, self.id), fingerprints=fingerprints,
                removed=removed)

    def forget_fingerprint(self, fingerprint_hash: str) -> int:
        """Delete the gallery's vectors of a fingerprint, except those that another gallery uses; returns how many."""
        here = select(ImageRow.content_id).where(ImageRow.gallery_id == self.id)
        elsewhere = select(ImageRow.content_id).where(ImageRow.gallery_id != self.id)
        with self.database.writing() as connection:
            bump_revisions(connection, [self.id])
            deleted: int = connection.execute(delete(EmbeddingRow).where(
                EmbeddingRow.fingerprint_id == fingerprint_id(fingerprint_hash),
                EmbeddingRow.content_id.in_(here), EmbeddingRow.content_id.not_in(elsewhere))).rowcount
            return deleted


def _contents(connection: Connection, *where: ColumnElement[bool]) -> list[int]:
    return list(connection.scalars(select(ImageRow.content_id).where(*where).distinct()))


def _fingerprints(connection: Connection, *where: ColumnElement[bool]) -> tuple[tuple[Fingerprint, int], ...]:
    counted = (select(EmbeddingRow.fingerprint_id.label("id"), func.count().label("images"))
               .join(ImageRow, ImageRow.content_id == EmbeddingRow.content_id)
               .where(*where).group_by(EmbeddingRow.fingerprint_id).subquery())
    rows = connection.execute(
        select(FingerprintRow.hash, FingerprintRow.description, counted.c.images)
        .join(counted, counted.c.id == FingerprintRow.id).order_by(counted.c.images.desc(), FingerprintRow.id))
    return tuple((Fingerprint(row.hash, row.description), row.images) for row in rows)


def _missing(connection: Connection, gallery_id: int) -> int:
    """Number of images that left the disk; one whose file is broken counts as a failure instead."""
    failed = select(FailureRow.path).where(FailureRow.gallery_id == gallery_id)
    return connection.scalar(select(func.count()).where(
        ImageRow.gallery_id == gallery_id, ImageRow.missing.is_(True), ImageRow.path.not_in(failed))) or 0
