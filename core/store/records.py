"""What the store hands out and takes in: frozen records that may cross threads. Rows of the ORM never leave the store."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

from core.fingerprint import Fingerprint

QuerySource = Literal["speech", "text", "image", "mixed"]


@dataclass(frozen=True)
class GalleryRecord:
    """A named set of indexed images; `folders` are the roots that indexing walks, `created` is in UTC."""

    id: int
    name: str
    created: datetime
    folders: tuple[Path, ...]


@dataclass(frozen=True)
class GalleryState:
    """How far a gallery is indexed. `images` and `indexed` count what is on disk; `missing` what is not any more.

    `fingerprints` gives each fingerprint with vectors here and how many present images have one, most first.
    """

    gallery: GalleryRecord
    images: int
    indexed: int
    failed: int
    missing: int
    fingerprints: tuple[tuple[Fingerprint, int], ...]


@dataclass(frozen=True)
class ImageRecord:
    """A picture of a gallery: `width` and `height` in pixels after EXIF turning, `size` in bytes, `mtime` in seconds."""

    id: int
    path: Path
    width: int
    height: int
    size: int
    mtime: float
    taken: datetime | None
    tags: tuple[str, ...]
    content_hash: str


@dataclass(frozen=True)
class FailureRecord:
    """A file that could not be indexed; `kind` is a short word for programs, `reason` a sentence for the user."""

    path: Path
    kind: str
    reason: str


@dataclass(frozen=True)
class QueryRecord:
    """A query of the history. `terms` is JSON; `recording` is the spoken query's file when one was kept."""

    id: int
    created: datetime
    gallery: str
    text: str
    source: QuerySource
    recording: Path | None
    terms: str


class FileStamp(NamedTuple):
    """What tells, without reading it, that a file is still the same: size in bytes and time of change in nanoseconds."""

    size: int
    mtime_ns: int
