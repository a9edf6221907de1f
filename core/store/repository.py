"""Base of the store's repositories, and conversion of ids, texts and paths to what is stored and compared."""

import json
import os
import secrets
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, ScalarSelect, Select, delete, func, select, update
from sqlalchemy.orm import InstrumentedAttribute

from core import remote
from core.errors import StoreError
from core.home import expanded
from core.localisation import _
from core.store.addresses import LONGEST_NAME
from core.store.database import Database
from core.store.schema import ContentRow, FingerprintRow, FolderRow, GalleryRow, ImageRow

MOST_STARS = 5  # of a rating; 0 is none


class Repository:
    """Methods of the store on one subject; `Store` has all of them."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @property
    def folder(self) -> Path:
        """The folder of the store's file."""
        return self.database.path.parent

    def relative(self, recording: Path) -> str:
        """The path as it is stored: relative to the store's folder when it lies in it, so that the folder may move."""
        path = recording.absolute()
        return path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else str(path)


def select_ids(ids: Iterable[int]) -> Select[tuple[int]]:
    """A SELECT of these ids, for `IN`: as one JSON parameter, since SQLite takes 32 766 parameters at most."""
    values = func.json_each(json.dumps([int(value) for value in ids])).table_valued("value")
    return select(values.c.value)


def select_texts(words: Iterable[str]) -> Select[tuple[str]]:
    """A SELECT of these words, for `IN`: as one JSON parameter, however many they are."""
    return select(func.json_each(json.dumps([storable(word) for word in words])).table_valued("value").c.value)


def storable(text: str) -> str:
    """The text without what UTF-8 cannot hold: lone surrogates, as in the names of some files, become "?"."""
    return text.encode("utf-8", "replace").decode()


def comparison_key(text: str) -> str:
    """The text as names are compared: without regard to case, or to how accents are composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", storable(text)).casefold())


def normalized_tag(tag: str) -> str:
    """The tag as it is stored: what UTF-8 can hold, with single spaces."""
    return " ".join(storable(tag).split())


def checked_tag(tag: str) -> str:
    """The tag as it is stored. StoreError: `bad_tag` (empty, over 100 characters)."""
    tag = normalized_tag(tag)
    if not tag or len(tag) > LONGEST_NAME:
        raise StoreError(_("A tag has 1 to {longest_name} characters.").format(longest_name=LONGEST_NAME), "bad_tag")
    return tag


def checked_stars(stars: int) -> int:
    """A rating as it is stored. StoreError: `bad_rating` (below 0, above 5)."""
    if not 0 <= stars <= MOST_STARS:
        raise StoreError(_("A rating has 0 to {most_stars} stars. Nothing was changed.").format(most_stars=MOST_STARS),
                         "bad_rating")
    return stars


def tag_key(tag: str) -> str:
    """A tag as tags are compared: without regard to the case of ASCII letters, as SQLite's NOCASE does."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in tag)


def absolute_path(folder: Path) -> str:
    """The folder as the store names it: absolute, without "..", links left as they are; an address stays one."""
    here = remote.local(folder)
    if here is None:
        return str(folder)
    return os.path.abspath(expanded(here))  # noqa: PTH100  (Path has nothing that takes ".." out but not links)


def below_folder(column: InstrumentedAttribute[str], folder: str) -> ColumnElement[bool]:
    """The condition that a path lies in the folder, at any depth. A range, so that an index serves it."""
    inside = folder.rstrip(os.sep) + os.sep
    return (column >= inside) & (column < inside[:-1] + chr(ord(os.sep) + 1))


def is_in_folder(path: str, folder: str) -> bool:
    """Whether the path is the folder or lies in it, at any depth."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def folders_of(connection: Connection, gallery_id: int) -> list[str]:
    """The roots of the gallery, sorted; StoreError (no_gallery) when it was deleted."""
    paths = connection.execute(
        select(FolderRow.path).select_from(GalleryRow).join(FolderRow, isouter=True)
        .where(GalleryRow.id == gallery_id).order_by(FolderRow.path)).scalars().all()
    if not paths:
        raise StoreError(_("This gallery was deleted. Its pictures on disk are untouched."), "no_gallery")
    return [path for path in paths if path is not None]


def bump_revisions(connection: Connection, galleries: Iterable[int]) -> None:
    """Give these galleries a new revision: their vectors are about to change in this transaction."""
    for gallery_id in set(galleries):
        connection.execute(update(GalleryRow).where(GalleryRow.id == gallery_id).values(revision=secrets.token_hex(8)))


def fingerprint_id(fingerprint_hash: str) -> ScalarSelect[int]:
    """The id of that fingerprint's row, NULL when nothing was embedded under it, as part of a statement."""
    return select(FingerprintRow.id).where(FingerprintRow.hash == fingerprint_hash).scalar_subquery()


def purge_contents(connection: Connection, contents: Iterable[int]) -> None:
    """Delete those of these contents, and their embeddings, that no image of any gallery holds any more."""
    connection.execute(delete(ContentRow).where(
        ContentRow.id.in_(select_ids(contents)),
        ~select(ImageRow.id).where(ImageRow.content_id == ContentRow.id).exists()))
