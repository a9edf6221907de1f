"""The images of a gallery: records, tags, failures and vectors."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, insert, literal, select, type_coerce
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import NullType

from core import dates
from core.errors import StoreError
from core.galleries.listing import ImageListing, listing_of
from core.galleries.sqlite.part import SqliteGalleryPart
from core.localisation import _
from core.store.records import REMOVED, FailureRecord, Filter, ImageRecord
from core.store.repository import (
    absolute_path,
    below_folder,
    checked_stars,
    checked_tag,
    comparison_key,
    fingerprint_id,
    normalized_tag,
    select_ids,
)
from core.store.schema import (
    ContentRow,
    EmbeddingRow,
    FailureRow,
    GalleryRow,
    ImageRow,
    LenientDateTime,
    RatingRow,
    TagRow,
)

VECTORS_A_BATCH = 2048
VECTOR = np.dtype("<f4")  # as vectors are stored, on machines of any byte order


class SqliteImages(SqliteGalleryPart):
    """Records, tags, failures and vectors of a gallery's images; those missing from disk appear in none of them."""

    def images(self, ids: Sequence[int] | None = None) -> list[ImageRecord]:
        """The gallery's pictures by id, or those of these ids in the order given; ids it does not have are left out."""
        if ids is None:
            return self.listing().records()
        by_id = {record.id: record for record in self._listing(
            [*self._conditions(Filter()), ImageRow.id.in_(select_ids(ids))], ids).records()}
        return [by_id[int(image_id)] for image_id in ids if int(image_id) in by_id]

    def listing(self, chosen: Filter = Filter()) -> ImageListing:
        """The present images of the filter as columns, by id."""
        return self._listing(self._conditions(chosen))

    def _listing(self, which: Sequence[ColumnElement[bool]], ids: Sequence[int] | None = None) -> ImageListing:
        """The images of the conditions; `ids` are theirs where they are few. Values are converted column by column."""
        columns = (ImageRow.id, ImageRow.path, ImageRow.size, ImageRow.mtime_ns, ContentRow.width, ContentRow.height,
                   ContentRow.taken, ContentRow.hash, func.coalesce(RatingRow.stars, 0))
        with self.database.reading() as connection:
            rows = connection.execute(
                select(*(type_coerce(column, NullType()) for column in columns))
                .join(ContentRow, ContentRow.id == ImageRow.content_id)
                .join(RatingRow, RatingRow.image_id == ImageRow.id, isouter=True)
                .where(*which).order_by(ImageRow.id)).all()
            tags = tags_of(connection, self.id, ids)
        image_ids, paths, *numbers, taken, hashes, stars = zip(*rows, strict=True) if rows else [()] * len(columns)
        return listing_of((image_ids, list(map(os.fsdecode, paths)), *numbers, _moments(taken), hashes, stars), tags)

    def failures(self) -> list[FailureRecord]:
        """The files and folders that could not be read, by path."""
        with self.database.reading() as connection:
            rows = connection.execute(select(FailureRow.path, FailureRow.kind, FailureRow.reason)
                                      .where(FailureRow.gallery_id == self.id, FailureRow.kind != REMOVED)
                                      .order_by(FailureRow.path)).all()
        return [FailureRecord(Path(row.path), row.kind, row.reason) for row in rows]

    def filter_ids(self, chosen: Filter = Filter()) -> np.ndarray:
        """The ids, ascending int64 (n,), of the present images of the filter."""
        with self.database.reading() as connection:
            ids = connection.scalars(select(ImageRow.id).where(*self._conditions(chosen))).all()
        return np.sort(np.array(ids, dtype=np.int64))

    def _conditions(self, chosen: Filter) -> list[ColumnElement[bool]]:
        """Conditions of the present images of a filter."""
        which = [ImageRow.gallery_id == self.id, ImageRow.missing.is_(False)]
        if chosen.tag.strip():
            which.append(ImageRow.id.in_(select(TagRow.image_id).where(TagRow.tag == normalized_tag(chosen.tag))))
        if chosen.min_rating:
            which.append(ImageRow.id.in_(select(RatingRow.image_id).where(RatingRow.stars >= chosen.min_rating)))
        if chosen.folder is not None:
            which.append(below_folder(ImageRow.path, absolute_path(chosen.folder)))
        if chosen.name.strip():
            which.append(func.instr(ImageRow.name, comparison_key(chosen.name.strip())) > 0)
        if chosen.since is not None or chosen.until is not None:
            undated = ImageRow.content_id.in_(select(ContentRow.id).where(ContentRow.taken.is_(None)))
            which.append(ImageRow.content_id.in_(_taken(chosen.since, chosen.until))
                         | (undated & _changed(chosen.since, chosen.until)))
        return which

    def tags(self) -> list[tuple[str, int]]:
        """Each tag and how many of the gallery's pictures have it, by tag."""
        with self.database.reading() as connection:
            rows = connection.execute(
                select(func.min(TagRow.tag), func.count()).join(ImageRow, ImageRow.id == TagRow.image_id)
                .where(ImageRow.gallery_id == self.id, ImageRow.missing.is_(False))
                .group_by(TagRow.tag).order_by(TagRow.tag)).all()
        return [(tag, count) for tag, count in rows]

    def add_tag(self, image_ids: Iterable[int], tag: str) -> None:
        """Tag these pictures; those that have the tag keep it. StoreError: `bad_tag` (empty, over 100 characters)."""
        tag = checked_tag(tag)
        with self.database.writing() as connection:
            present = connection.scalars(select(ImageRow.id).where(ImageRow.id.in_(select_ids(image_ids)))).all()
            if present:
                connection.execute(insert(TagRow).prefix_with("OR IGNORE"),
                                   [{"image_id": image_id, "tag": tag} for image_id in present])

    def remove_tag(self, image_ids: Iterable[int], tag: str) -> None:
        """Remove the tag from these images."""
        with self.database.writing() as connection:
            connection.execute(delete(TagRow).where(TagRow.image_id.in_(select_ids(image_ids)),
                                                    TagRow.tag == normalized_tag(tag)))

    def rate(self, image_ids: Iterable[int], stars: int) -> None:
        """Rate these images with 1 to 5 stars; 0 removes the rating. StoreError: `bad_rating`."""
        ids = select_ids(image_ids)
        with self.database.writing() as connection:
            connection.execute(delete(RatingRow).where(RatingRow.image_id.in_(ids)))
            if checked_stars(stars):
                connection.execute(insert(RatingRow).from_select(
                    ["image_id", "stars"], select(ImageRow.id, literal(stars)).where(ImageRow.id.in_(ids))))

    def vectors(self, fingerprint_hash: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Batches of ids, ascending int64 (n,), and vectors, float32 (n, dim) of unit length; present pictures only.

        All batches show the gallery as it was at the first.
        """
        with self.database.reading() as connection:
            rows = connection.execution_options(yield_per=VECTORS_A_BATCH).execute(
                select(ImageRow.id, EmbeddingRow.vector)
                .join(EmbeddingRow, EmbeddingRow.content_id == ImageRow.content_id)
                .where(ImageRow.gallery_id == self.id, ImageRow.missing.is_(False),
                       EmbeddingRow.fingerprint_id == fingerprint_id(fingerprint_hash))
                .order_by(ImageRow.id))
            for part in rows.partitions():
                yield _batch(part)

    def revision(self, fingerprint_hash: str) -> str:
        """Identifier of the present vectors; see `Gallery`. Costs one query.

        It also changes when vectors of another fingerprint were added. StoreError: `no_gallery`.
        """
        with self.database.reading() as connection:
            revision = connection.scalar(select(GalleryRow.revision).where(GalleryRow.id == self.id))
        if revision is None:
            raise StoreError(_("This gallery was deleted. Its pictures on disk are untouched."), "no_gallery")
        return f"{fingerprint_hash}-{revision}"


def _moments(written: Sequence[str | None]) -> Sequence[datetime | str | None]:
    """Dates of the camera as stored; one that is none is read as `UNKNOWN`, as `LenientDateTime` does."""
    try:
        np.array(written, "datetime64[us]")
    except ValueError:
        read = LenientDateTime().result_processor(sqlite.dialect(), None)
        return [read(value) for value in written]
    return written


def _batch(rows: Sequence[Sequence[Any]]) -> tuple[np.ndarray, np.ndarray]:
    ids, blobs = zip(*rows, strict=True)
    vectors = np.frombuffer(b"".join(blobs), VECTOR).astype(np.float32, copy=False)
    return np.array(ids, dtype=np.int64), vectors.reshape(len(ids), -1)


def tags_of(connection: Connection, gallery_id: int, ids: Sequence[int] | None) -> dict[int, tuple[str, ...]]:
    """The tags of a gallery's pictures, or of these, by picture."""
    wanted = select(TagRow.image_id, TagRow.tag).order_by(TagRow.tag)
    if ids is None:
        wanted = wanted.join(ImageRow, ImageRow.id == TagRow.image_id).where(ImageRow.gallery_id == gallery_id)
    else:  # of whatever gallery: a join would make SQLite go through all of this one
        wanted = wanted.where(TagRow.image_id.in_(select_ids(ids)))
    tags: defaultdict[int, tuple[str, ...]] = defaultdict(tuple)
    for image_id, tag in connection.execute(wanted):
        tags[image_id] += (tag,)
    return tags


def _taken(since: datetime | None, until: datetime | None) -> Select[Any]:
    """Contents taken in that time by the camera's clock."""
    contents = select(ContentRow.id)
    if since is not None:
        contents = contents.where(ContentRow.taken >= since)
    return contents if until is None else contents.where(ContentRow.taken < until)


def _changed(since: datetime | None, until: datetime | None) -> ColumnElement[bool]:
    """Condition that a file was changed in that time."""
    conditions = [ImageRow.mtime_ns >= dates.epoch_ns(since)] if since is not None else []
    return and_(*conditions, *([ImageRow.mtime_ns < dates.epoch_ns(until)] if until is not None else []))
