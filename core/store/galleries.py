"""The table of galleries: list, create, rename, look up by name. `core.galleries` has what a gallery holds."""

import difflib
import secrets
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.expression import ColumnElement

from core.errors import StoreError
from core.localisation import _
from core.store.addresses import LONGEST_NAME, is_address, name_fault
from core.store.records import GalleryRecord
from core.store.repository import Repository, comparison_key, folders_of, storable
from core.store.schema import GalleryRow


class Galleries(Repository):
    """The store's methods for galleries."""

    def galleries(self) -> list[GalleryRecord]:
        """All galleries of this computer, by name; those at addresses are not among them."""
        with self.database.reading() as connection:
            return [record for record in gallery_records(connection) if not is_address(record.name)]

    def gallery(self, name: str) -> GalleryRecord:
        """The gallery of that name, in any case of its letters; StoreError (no_gallery) names those that are near.

        StoreError (elsewhere): an address, for what is done in galleries of this computer alone.
        """
        if is_address(name):
            raise StoreError(_("This is done in galleries of this computer. `brewclip gallery copy {name} NAME` "
                               "brings this one here.").format(name=name), "elsewhere")
        with self.database.reading() as connection:
            records = gallery_records(connection, GalleryRow.key == comparison_key(name.strip()))
            if records:
                return records[0]
            names = list(connection.scalars(select(GalleryRow.name).order_by(GalleryRow.key)))
        raise StoreError(_("There is no gallery {storable!r}. {hint}").format(storable=storable(name.strip()),
                                                                              hint=_hint(name, names)), "no_gallery")

    def create_gallery(self, name: str) -> GalleryRecord:
        """A new, empty gallery. StoreError: `exists`, `bad_name` (empty, over 100 characters, control characters)."""
        name = _checked(name)
        with self.database.writing() as connection:
            if not _insert(connection, name):
                raise StoreError(_("There is a gallery {name!r} already.").format(name=name), "exists")
            return gallery_records(connection, GalleryRow.key == comparison_key(name))[0]

    def ensure_gallery(self, name: str) -> GalleryRecord:
        """The gallery of that name, made if there is none. StoreError: `bad_name`."""
        try:
            return self.create_gallery(name)
        except StoreError as error:
            if error.kind != "exists":
                raise
        return self.gallery(name)

    def catalogued(self, address: str, create: bool = False) -> GalleryRecord:
        """The record of a gallery whose images are in this store and whose vectors are at an address.

        StoreError: `no_gallery` when there is none and not `create`.
        """
        with self.database.writing() as connection:
            if create:
                _insert(connection, address)
            records = gallery_records(connection, GalleryRow.key == comparison_key(address))
        if not records:
            raise StoreError(_("There is no gallery at {address}. `brewclip index FOLDER --gallery {address}` makes "
                               "one.").format(address=address), "no_gallery")
        return records[0]

    def rename_gallery(self, gallery_id: int, name: str) -> None:
        """Give the gallery another name. StoreError: `exists`, `bad_name`, `no_gallery`."""
        name = _checked(name)
        with self.database.writing() as connection:
            folders_of(connection, gallery_id)
            try:
                connection.execute(update(GalleryRow).where(GalleryRow.id == gallery_id)
                                   .values(name=name, key=comparison_key(name)))
            except IntegrityError as error:
                raise StoreError(_("There is a gallery {name!r} already.").format(name=name), "exists") from error


def _insert(connection: Connection, name: str) -> bool:
    """Add a gallery; False when there is one of that name."""
    values = {"name": name, "key": comparison_key(name), "created": datetime.now(UTC), "revision": secrets.token_hex(8)}
    return bool(connection.execute(insert(GalleryRow).values(**values).prefix_with("OR IGNORE")).rowcount)


def gallery_records(connection: Connection, *where: ColumnElement[bool]) -> list[GalleryRecord]:
    """The galleries of these conditions, by name."""
    rows = connection.execute(
        select(GalleryRow.id, GalleryRow.name, GalleryRow.created).where(*where).order_by(GalleryRow.key)).all()
    return [GalleryRecord(row.id, row.name, row.created, tuple(map(Path, folders_of(connection, row.id))))
            for row in rows]


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if name_fault(name):
        raise StoreError(_("A gallery's name has 1 to {longest_name} characters that can be seen.").format(
            longest_name=LONGEST_NAME), "bad_name")
    if is_address(name):
        raise StoreError(_("{name} is an address, not a name. A gallery at an address is opened by it.").format(
            name=name), "bad_name")
    return name


def _hint(name: str, names: list[str]) -> str:
    if not names:
        return "There is none yet: index a folder first."
    by_key = {comparison_key(name): name for name in names}
    near = [by_key[key] for key in difflib.get_close_matches(comparison_key(name), by_key, n=3)]
    return f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(names)}."
