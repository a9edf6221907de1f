"""The tables.

A *content* is what is in a picture's file, known by its hash; an *image* is a path of a gallery that holds a content.
Embeddings belong to contents, so the same picture in another gallery, at another path or returned after a deletion is
never embedded twice. Tags belong to images: an image keeps its row when its file is moved or edited, and with it its
id and its tags, and a tag given in one gallery does not turn up in another.

Paths are stored as the bytes of the file system: a name need not be UTF-8, and SQLite's TEXT must be.
Ids of galleries, images and queries are never given twice (AUTOINCREMENT): caches may name one long after it went.
"""

import os
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Dialect,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.dialects.sqlite import DATETIME
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

APPLICATION_ID = 0x42524557  # "BREW", in the file's header: another program's SQLite file is never taken for a store
SCHEMA_REVISION = "0006"  # the last of migrations/versions


UNKNOWN = datetime(1970, 1, 1)


class FileName(TypeDecorator[str]):
    """A path as `os` gives it (str with surrogate escapes), stored as its bytes."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """The bytes to store."""
        return None if value is None else os.fsencode(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """The path as str."""
        return None if value is None else os.fsdecode(value)


class LenientDateTime(DATETIME):
    """A date that is read as `UNKNOWN` where what is stored is none: one damaged row never hides the others."""

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """The function that reads a stored value."""
        read = super().result_processor(dialect, coltype)

        def process(value: Any) -> datetime | None:
            try:
                moment: datetime | None = read(value) if read else value
            except (ValueError, TypeError):
                return UNKNOWN
            return moment

        return process


class Moment(TypeDecorator[datetime]):
    """A point in time, stored as UTC."""

    impl = LenientDateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Without its time zone, for SQLite has none."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Set the time zone UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """All tables; every constraint has a name, so that a migration can change it."""

    metadata = MetaData(naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s", "pk": "pk_%(table_name)s",
    })


class GalleryRow(Base):
    """A gallery. `key` is the name as it is compared; `revision` is a new random word after every change of vectors.

    Random, not counted: a counter that goes back with a restored backup would name other vectors with an old number.
    """

    __tablename__ = "gallery"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text, unique=True)
    created: Mapped[datetime] = mapped_column(Moment)
    revision: Mapped[str] = mapped_column(Text)


class FolderRow(Base):
    """A root that a gallery's indexing walks. The roots of a gallery never lie in one another."""

    __tablename__ = "folder"
    gallery_id: Mapped[int] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(FileName, primary_key=True)


class ContentRow(Base):
    """Content of one or more picture files; `hash` is the SHA-256 of the bytes."""

    __tablename__ = "content"
    id: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    width: Mapped[int]
    height: Mapped[int]
    taken: Mapped[datetime | None] = mapped_column(LenientDateTime)  # the camera's clock


class ImageRow(Base):
    """A picture of a gallery; `name` is the file's name as filters compare it.

    The index on (gallery_id, missing) yields the rows in the order of their ids, so vectors stream without sorting.
    """

    __tablename__ = "image"
    id: Mapped[int] = mapped_column(primary_key=True)
    gallery_id: Mapped[int] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"))
    path: Mapped[str] = mapped_column(FileName)
    name: Mapped[str] = mapped_column(Text)
    content_id: Mapped[int] = mapped_column(ForeignKey("content.id"))
    size: Mapped[int]
    mtime_ns: Mapped[int]
    missing: Mapped[bool]
    __table_args__ = (
        UniqueConstraint("gallery_id", "path"),
        Index(None, "gallery_id", "missing"),
        Index(None, "content_id", "gallery_id"),
        {"sqlite_autoincrement": True},
    )


class FingerprintRow(Base):
    """A fingerprint under which vectors are kept."""

    __tablename__ = "fingerprint"
    id: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(Text, unique=True)
    description: Mapped[str] = mapped_column(Text)
    dim: Mapped[int]


class EmbeddingRow(Base):
    """The unit vector of a content under a fingerprint: little endian float32.

    No index on fingerprint_id alone: SQLite would prefer it to the few contents that are asked for, and read all.
    """

    __tablename__ = "embedding"
    id: Mapped[int] = mapped_column(primary_key=True)
    content_id: Mapped[int] = mapped_column(ForeignKey("content.id", ondelete="CASCADE"))
    fingerprint_id: Mapped[int] = mapped_column(ForeignKey("fingerprint.id", ondelete="CASCADE"))
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (UniqueConstraint("content_id", "fingerprint_id"),)


class FailureRow(Base):
    """A file or folder that could not be read, as it was then."""

    __tablename__ = "failure"
    gallery_id: Mapped[int] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(FileName, primary_key=True)
    size: Mapped[int]
    mtime_ns: Mapped[int]
    kind: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    max_megapixels: Mapped[float] = mapped_column(Float)


class TagRow(Base):
    """A tag of an image; tags that differ only in the case of ASCII letters are one."""

    __tablename__ = "tag"
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(String(100, collation="NOCASE"), primary_key=True, index=True)


class RatingRow(Base):
    """Rating of an image, 1 to 5 stars; an image without a row has none. It belongs to the image, as tags do."""

    __tablename__ = "rating"
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id", ondelete="CASCADE"), primary_key=True)
    stars: Mapped[int]


class TranscriptRow(Base):
    """Transcript (JSON) by the recogniser's fingerprint and the utterance's digest.

    `created` is when it was heard last, NULL in transcripts of releases that kept no date.
    """

    __tablename__ = "transcript"
    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(Text, primary_key=True)
    body: Mapped[str] = mapped_column(Text)
    created: Mapped[datetime | None] = mapped_column(Moment)


class QueryRow(Base):
    """A query of the history; `recording` is relative to the store's folder where it lies in it."""

    __tablename__ = "query"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: Mapped[int] = mapped_column(primary_key=True)
    created: Mapped[datetime] = mapped_column(Moment)
    gallery: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    recording: Mapped[str | None] = mapped_column(FileName)
    terms: Mapped[str] = mapped_column(Text)


class SavedSearchRow(Base):
    """A query that was saved under a name; `key` is the name as it is compared, the rest as in `QueryRow`."""

    __tablename__ = "saved_search"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text, unique=True)
    created: Mapped[datetime] = mapped_column(Moment)
    gallery: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    terms: Mapped[str] = mapped_column(Text)


class SavedRecordingRow(Base):
    """Recording of one spoken term of a saved search; `term` is its index, `recording` as in `QueryRow`."""

    __tablename__ = "saved_recording"
    search_id: Mapped[int] = mapped_column(ForeignKey("saved_search.id", ondelete="CASCADE"), primary_key=True)
    term: Mapped[int] = mapped_column(primary_key=True)
    recording: Mapped[str] = mapped_column(FileName)
    digest: Mapped[str] = mapped_column(Text, index=True)


class SpeakerRow(Base):
    """Speaker of takes; `key` is the name as it is compared, `consent` a note in the user's words.

    `source` is the kind of dataset that the speaker came with, "" for who speaks here.
    """

    __tablename__ = "speaker"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text, unique=True)
    language: Mapped[str] = mapped_column(Text)
    consent: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    created: Mapped[datetime] = mapped_column(Moment)


class TakeRow(Base):
    """One recorded description of a picture; `binned` is when it was thrown away, NULL while it is kept.

    A take outlives its gallery: `image_id` then becomes NULL, and `picture`, the SHA-256 of the picture's file when it
    was described, finds it again wherever the same picture is indexed. `heard` is a transcript as JSON, NULL until it
    was recognised; `recording` is relative to the store's folder where it lies in it.
    """

    __tablename__ = "take"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: Mapped[int] = mapped_column(primary_key=True)
    image_id: Mapped[int | None] = mapped_column(ForeignKey("image.id", ondelete="SET NULL"), index=True)
    picture: Mapped[bytes] = mapped_column(LargeBinary, index=True)
    speaker_id: Mapped[int] = mapped_column(ForeignKey("speaker.id"))
    created: Mapped[datetime] = mapped_column(Moment)
    recording: Mapped[str] = mapped_column(FileName)
    digest: Mapped[str] = mapped_column(Text, index=True)
    seconds: Mapped[float] = mapped_column(Float)
    warning: Mapped[str] = mapped_column(Text)
    heard: Mapped[str | None] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    binned: Mapped[datetime | None] = mapped_column(Moment)


class AnnotatingRow(Base):
    """Position in the annotation of a gallery: the queue, its current picture, and the speaker."""

    __tablename__ = "annotating"
    gallery_id: Mapped[int] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"), primary_key=True)
    queue: Mapped[str] = mapped_column(Text)
    image_id: Mapped[int | None] = mapped_column(ForeignKey("image.id", ondelete="SET NULL"))
    speaker_id: Mapped[int | None] = mapped_column(ForeignKey("speaker.id", ondelete="SET NULL"))


class EvaluationRow(Base):
    """Stored evaluation: `summary` is JSON, `queries` a compressed blob (core.evaluation.archive)."""

    __tablename__ = "evaluation"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: Mapped[int] = mapped_column(primary_key=True)
    created: Mapped[datetime] = mapped_column(Moment)
    summary: Mapped[str] = mapped_column(Text)
    queries: Mapped[bytes] = mapped_column(LargeBinary)


class DiagnosisRow(Base):
    """Why the queries of an evaluation failed whose right item is beyond the first `at`: compressed JSON."""

    __tablename__ = "diagnosis"
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[int] = mapped_column(primary_key=True)
    created: Mapped[datetime] = mapped_column(Moment)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class FailureLabelRow(Base):
    """One change of what a failure is called; the newest of a query holds, those before it are there for undoing."""

    __tablename__ = "failure_label"
    id: Mapped[int] = mapped_column(primary_key=True)
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id", ondelete="CASCADE"))
    way: Mapped[str] = mapped_column(Text)
    query: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)
    changed: Mapped[datetime] = mapped_column(Moment)
    __table_args__ = (Index(None, "evaluation_id", "way", "query"), {"sqlite_autoincrement": True})
