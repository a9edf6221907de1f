"""Frozen records that the store takes and returns; they may cross threads, ORM rows never do."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from core.dates import file_date
from core.fingerprint import Fingerprint
from core.remote import shown

QuerySource = Literal["speech", "text", "image", "mixed"]
DateSource = Literal["taken", "file"]
REMOVED = "removed"  # kind of a file that the user removed from a gallery
TakeState = Literal["draft", "done", "accepted", "rejected"]


@dataclass(frozen=True)
class GalleryRecord:
    """A named set of indexed images; `folders` are the roots that indexing walks, `created` is in UTC."""

    id: int
    name: str
    created: datetime
    folders: tuple[Path, ...]


@dataclass(frozen=True)
class GalleryState:
    """State of a gallery's index. `images` and `indexed` count what is on disk; `missing` what is not any more, and
    `removed` what the user removed from the gallery.

    `fingerprints` gives each fingerprint with vectors here and how many present images have one, most first.
    """

    gallery: GalleryRecord
    images: int
    indexed: int
    failed: int
    missing: int
    fingerprints: tuple[tuple[Fingerprint, int], ...]
    removed: int = 0


@dataclass(frozen=True)
class ImageRecord:
    """A picture of a gallery.

    `width` and `height` are pixels after EXIF turning, `size` bytes, `mtime` seconds since 1970, `taken` the camera's
    own clock (no time zone), `content_hash` the SHA-256 of the file in hex, `rating` 1 to 5 stars or 0 for none.
    """

    id: int
    path: Path
    width: int
    height: int
    size: int
    mtime: float
    taken: datetime | None
    tags: tuple[str, ...]
    content_hash: str
    rating: int = 0

    @property
    def dated(self) -> tuple[datetime, DateSource]:
        """The picture's one date, without a time zone, and where it is from: `taken` by the camera's clock, else the
        time of change of its file, in local time. Shown, sorted by and filtered by.
        """
        if self.taken is not None:
            return self.taken.replace(tzinfo=None), "taken"
        return file_date(round(self.mtime * 1e9)), "file"


@dataclass(frozen=True)
class Filter:
    """Filter of a search; empty fields do not restrict. `name` is part of the file's name.

    `since` and `until` are of `ImageRecord.dated`: from the one on and before the other. `min_rating` is in stars.
    """

    tag: str = ""
    folder: Path | None = None
    name: str = ""
    since: datetime | None = None
    until: datetime | None = None
    min_rating: int = 0


@dataclass(frozen=True)
class FailureRecord:
    """A file that could not be indexed; `kind` is a short word for programs, `reason` a sentence for the user.

    In a gallery's store, and there alone, the kind REMOVED is of a picture that the user removed from the gallery: it
    is left out of it as a damaged file is, but whether or not the file changes, and is no failure to show or count.
    """

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

    @property
    def recordings(self) -> Mapping[int, Path]:
        """Recordings of the spoken terms by their index, as in `SavedSearch`: that of the first term alone."""
        return {} if self.recording is None else {0: self.recording}


@dataclass(frozen=True)
class SavedSearch:
    """A query that was saved under a name. `terms` is JSON; `recordings` are files of spoken terms by their index."""

    id: int
    name: str
    created: datetime
    gallery: str
    text: str
    source: QuerySource
    terms: str
    recordings: Mapping[int, Path]


@dataclass(frozen=True)
class HistoryContent:
    """A part of the history: queries, their recordings that the program keeps, and transcripts of any recording.

    `recordings` are files that exist; `recording_bytes` and `transcript_bytes` is what they take.
    """

    queries: int
    recordings: tuple[Path, ...]
    recording_bytes: int
    transcripts: int
    transcript_bytes: int

    @property
    def nbytes(self) -> int:
        """Bytes of all of it, without what the database takes for the queries themselves."""
        return self.recording_bytes + self.transcript_bytes

    def __bool__(self) -> bool:
        return bool(self.queries or self.recordings or self.transcripts)


class FileStamp(NamedTuple):
    """Size in bytes and modification time in nanoseconds; a file with the same stamp is taken as unchanged."""

    size: int
    mtime_ns: int


class KnownImage(NamedTuple):
    """Facts that indexing needs of a picture in the gallery; `embedded` under the fingerprint asked for."""

    id: int
    stamp: FileStamp
    missing: bool
    embedded: bool


class KnownFailure(NamedTuple):
    """A failure of an earlier run: tried again when the file has changed, or the limit if it was too large."""

    stamp: FileStamp
    kind: str
    max_megapixels: float


@dataclass(frozen=True)
class DecodedImageFacts:
    """Facts of a decoded image: size in pixels after EXIF rotation, and when it was taken."""

    width: int
    height: int
    taken: datetime | None


@dataclass(frozen=True)
class IndexedFile:
    """A file that was read. `facts` and `vector` are None when the store held that content and its embedding already.

    `path` is absolute, as the file system gives it (surrogate escapes and all); `content_hash` are the 32 bytes of the
    SHA-256; `vector` is (dim,) float32 of unit length.
    """

    path: str
    stamp: FileStamp
    content_hash: bytes
    facts: DecodedImageFacts | None = None
    vector: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class StoredImage:
    """All that a gallery holds of a picture, whether its file is there or not; `vectors` by the fingerprint's hash."""

    id: int
    path: str
    stamp: FileStamp
    content_hash: bytes
    facts: DecodedImageFacts
    missing: bool
    tags: tuple[str, ...]
    vectors: Mapping[str, np.ndarray]
    rating: int = 0


@dataclass(frozen=True)
class FailedEntry:
    """A file or folder that could not be read; `max_megapixels` is the limit that held."""

    path: str
    stamp: FileStamp
    kind: str
    reason: str
    max_megapixels: float


def removal_of(path: str, stamp: FileStamp) -> FailedEntry:
    """The entry of a picture that the user removed from the gallery."""
    return FailedEntry(path, stamp, REMOVED, f"{shown(path)} was removed from the gallery.", 0)


@dataclass(frozen=True)
class RecordResult:
    """Result of a batch of files: how many are stored, the ids of pictures that moved to their paths, and the
    paths that held the same content before.
    """

    stored: int
    moved: tuple[int, ...]
    same: tuple[str, ...]


@dataclass(frozen=True)
class SpeakerRecord:
    """A speaker: a name or code, a language's code ("" for any), a note on their consent.

    `source` is the kind of dataset that the speaker came with, "" for who speaks here.
    """

    id: int
    name: str
    language: str
    consent: str
    source: str
    created: datetime


@dataclass(frozen=True)
class TakeRecord:
    """One recorded description of a picture.

    `state`: draft (recorded, its words not yet confirmed), done (confirmed by whoever recorded it, perhaps before its
    words were there: then `text` is ""), accepted or rejected (in the review). `heard` is a transcript as JSON, None
    until it was recognised; `text` the caption as it stands. `digest` names the waveform, `seconds` is its length,
    `warning` a sentence on its quality or "". `source` is "" for what was recorded here, else the kind of dataset it
    came from. `image_id` is None while no gallery has the picture; `binned` is when it was thrown away, None while it
    is kept.
    """

    id: int
    image_id: int | None
    speaker: SpeakerRecord
    created: datetime
    recording: Path
    digest: str
    seconds: float
    warning: str
    heard: str | None
    text: str
    state: TakeState
    source: str
    binned: datetime | None

    def with_heard(self, transcript: str, words: str) -> "TakeRecord":
        """The take once it was recognised: `heard` as JSON, and its words on one line.

        They become the caption of a draft that has none. A take that was confirmed without words keeps none until
        somebody has seen them; if nothing was heard it is a draft again.
        """
        new = replace(self, heard=transcript)
        if self.text or self.state not in ("draft", "done"):
            return new
        if self.state == "draft":
            return replace(new, text=words)
        return new if words else replace(new, state="draft")


@dataclass(frozen=True)
class NewTake:
    """A take to be stored; the fields are those of `TakeRecord`."""

    image_id: int
    speaker_id: int
    recording: Path
    digest: str
    seconds: float
    warning: str = ""
    text: str = ""
    state: TakeState = "draft"
    source: str = ""


@dataclass(frozen=True)
class AnnotatingRecord:
    """Position of the annotation of a gallery; `queue` is as `core.annotation.queues` writes it."""

    queue: str = ""
    image_id: int | None = None
    speaker_id: int | None = None


@dataclass(frozen=True)
class KeptEvaluation:
    """An evaluation as it is stored; `summary` is plain JSON that `core.evaluation.archive` reads."""

    id: int
    created: datetime
    summary: Mapping[str, Any]


@dataclass(frozen=True)
class KeptDiagnosis:
    """A diagnosis as it is stored; `body` is for `core.evaluation.archive` to read."""

    created: datetime
    body: bytes


@dataclass(frozen=True)
class FailureLabel:
    """A person's label of a failure: `label` is a key, "" for none; `query_id` names the query of that direction."""

    evaluation_id: int
    direction: str
    query_id: str
    label: str
    note: str
    changed: datetime
