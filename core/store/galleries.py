"""Galleries and their folders: made, named, found, deleted. Nothing here touches a picture on disk."""

import difflib
import secrets
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.expression import ColumnElement

from core.errors import StoreError
from core.fingerprint import Fingerprint
from core.store.addresses import LONGEST_NAME, is_address, name_fault
from core.store.records import GalleryRecord, GalleryState
from core.store.room import (
    Repository,
    absolute,
    below,
    changed,
    compared,
    fingerprint_id,
    folders_of,
    is_below,
    plain,
    purge_contents,
)
from core.store.schema import EmbeddingRow, FailureRow, FingerprintRow, FolderRow, GalleryRow, ImageRow


class Galleries(Repository):
    """The store's methods for galleries."""

    def galleries(self) -> list[GalleryRecord]:
        """All galleries, by name."""
        with self._database.reading() as connection:
            return _records(connection)

    def gallery(self, name: str) -> GalleryRecord:
        """The gallery of that name, in any case of its letters; StoreError (no_gallery) names those that are near.

        StoreError (elsewhere): an address, for what is done in galleries of this computer alone.
        """
        if is_address(name):
            raise StoreError(f"This is done in galleries of this computer. `brewclip gallery copy {name} NAME` brings "
                             "this one here.", "elsewhere")
        with self._database.reading() as connection:
            found = _records(connection, GalleryRow.key == compared(name.strip()))
            if found:
                return found[0]
            names = list(connection.scalars(select(GalleryRow.name).order_by(GalleryRow.key)))
        raise StoreError(f"There is no gallery {plain(name.strip())!r}. {_hint(name, names)}", "no_gallery")

    def create_gallery(self, name: str) -> GalleryRecord:
        """A new, empty gallery. StoreError: `exists`, `bad_name` (empty, over 100 characters, control characters)."""
        name = _checked(name)
        with self._database.writing() as connection:
            created = connection.execute(insert(GalleryRow).values(
                name=name, key=compared(name), created=datetime.now(UTC), revision=secrets.token_hex(8),
            ).prefix_with("OR IGNORE"))
            if not created.rowcount:
                raise StoreError(f"There is a gallery {name!r} already.", "exists")
            return _records(connection, GalleryRow.key == compared(name))[0]

    def ensure_gallery(self, name: str) -> GalleryRecord:
        """The gallery of that name, made if there is none. StoreError: `bad_name`."""
        try:
            return self.create_gallery(name)
        except StoreError as error:
            if error.kind != "exists":
                raise
        return self.gallery(name)

    def rename_gallery(self, gallery_id: int, name: str) -> None:
        """Give the gallery another name. StoreError: `exists`, `bad_name`, `no_gallery`."""
        name = _checked(name)
        with self._database.writing() as connection:
            folders_of(connection, gallery_id)
            try:
                connection.execute(update(GalleryRow).where(GalleryRow.id == gallery_id)
                                   .values(name=name, key=compared(name)))
            except IntegrityError as error:
                raise StoreError(f"There is a gallery {name!r} already.", "exists") from error

    def delete_gallery(self, gallery_id: int) -> None:
        """Forget the gallery with its tags and embeddings; those that another gallery uses stay. Files stay."""
        with self._database.deleting(erase=False) as connection:
            contents = _contents(connection, ImageRow.gallery_id == gallery_id)
            connection.execute(delete(GalleryRow).where(GalleryRow.id == gallery_id))
            purge_contents(connection, contents)

    def add_folder(self, gallery_id: int, folder: Path) -> None:
        """Have the gallery's indexing walk that folder too, which need not be reachable now.

        One inside a folder that the gallery has already changes nothing; one around such folders takes their place.
        StoreError: `no_gallery`.
        """
        path = absolute(folder)
        with self._database.writing() as connection:
            known = folders_of(connection, gallery_id)
            if any(is_below(path, one) for one in known):
                return
            inner = [one for one in known if is_below(one, path)]
            connection.execute(delete(FolderRow).where(FolderRow.gallery_id == gallery_id, FolderRow.path.in_(inner)))
            connection.execute(insert(FolderRow).values(gallery_id=gallery_id, path=path))

    def remove_folder(self, gallery_id: int, folder: Path) -> None:
        """Take the folder out of the gallery and forget its pictures there, tags and all. Files stay."""
        path = absolute(folder)
        with self._database.deleting(erase=False) as connection:
            here = (ImageRow.gallery_id == gallery_id, below(ImageRow.path, path) | (ImageRow.path == path))
            contents = _contents(connection, *here)
            connection.execute(delete(FolderRow).where(FolderRow.gallery_id == gallery_id, FolderRow.path == path))
            connection.execute(delete(ImageRow).where(*here))
            connection.execute(delete(FailureRow).where(
                FailureRow.gallery_id == gallery_id, below(FailureRow.path, path) | (FailureRow.path == path)))
            purge_contents(connection, contents)
            changed(connection, [gallery_id])

    def state(self, gallery_id: int, fingerprint_hash: str = "") -> GalleryState:
        """How far the gallery is indexed under that fingerprint. StoreError: `no_gallery`."""
        with self._database.reading() as connection:
            folders_of(connection, gallery_id)
            present = (ImageRow.gallery_id == gallery_id, ImageRow.missing.is_(False))
            fingerprints = _fingerprints(connection, *present)
            return GalleryState(
                gallery=_records(connection, GalleryRow.id == gallery_id)[0],
                images=connection.scalar(select(func.count()).where(*present)) or 0,
                indexed=next((count for one, count in fingerprints if one.hash == fingerprint_hash), 0),
                failed=connection.scalar(select(func.count()).where(FailureRow.gallery_id == gallery_id)) or 0,
                missing=_missing(connection, gallery_id),
                fingerprints=fingerprints)

    def forget_fingerprint(self, gallery_id: int, fingerprint_hash: str) -> int:
        """Delete the gallery's vectors under that fingerprint, save those that another gallery uses; how many."""
        here = select(ImageRow.content_id).where(ImageRow.gallery_id == gallery_id)
        elsewhere = select(ImageRow.content_id).where(ImageRow.gallery_id != gallery_id)
        with self._database.writing() as connection:
            changed(connection, [gallery_id])
            return connection.execute(delete(EmbeddingRow).where(
                EmbeddingRow.fingerprint_id == fingerprint_id(fingerprint_hash),
                EmbeddingRow.content_id.in_(here), EmbeddingRow.content_id.not_in(elsewhere))).rowcount


def _records(connection: Connection, *where: ColumnElement[bool]) -> list[GalleryRecord]:
    rows = connection.execute(
        select(GalleryRow.id, GalleryRow.name, GalleryRow.created).where(*where).order_by(GalleryRow.key)).all()
    return [GalleryRecord(row.id, row.name, row.created, tuple(map(Path, folders_of(connection, row.id))))
            for row in rows]


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if name_fault(name):
        raise StoreError(f"A gallery's name has 1 to {LONGEST_NAME} characters that can be seen.", "bad_name")
    if is_address(name):
        raise StoreError(f"{name} is an address, not a name. A gallery at an address is opened by it.", "bad_name")
    return name


def _hint(name: str, names: list[str]) -> str:
    if not names:
        return "There is none yet: index a folder first."
    by_key = {compared(one): one for one in names}
    near = [by_key[key] for key in difflib.get_close_matches(compared(name), by_key, n=3)]
    return f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(names)}."


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
    """How many pictures left the disk; one whose file is there but broken now is among the failures instead."""
    failed = select(FailureRow.path).where(FailureRow.gallery_id == gallery_id)
    return connection.scalar(select(func.count()).where(
        ImageRow.gallery_id == gallery_id, ImageRow.missing.is_(True), ImageRow.path.not_in(failed))) or 0
