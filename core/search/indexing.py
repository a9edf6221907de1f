"""Filling a gallery: find the pictures of its folders, read what is new, embed it, and store every batch.

What a run has stored is stored: cancelled, killed or out of disk, the next run goes on from there. It compares stamps
(path, size, time of change) with the store, so an unchanged file costs a look at its folder and is not opened.
"""

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from core.errors import StoreError
from core.fingerprint import Fingerprint
from core.progress import Report, silent
from core.search.pace import Pace
from core.search.reading import Gone, Outcome, Reader, ReadFile
from core.search.scanning import Scan, scan
from core.store.records import Entry, FailedEntry, FailureRecord, FileStamp, KnownFailure
from core.store.room import absolute, is_below, plain
from core.store.store import Store

BATCH = 32  # pictures that the model sees at once, and that one transaction stores
READY = 256  # pictures that need no model are stored at the latest when so many wait
RETRIED = ("unreadable", "missing", "no_embedding")  # failures that need no change of the file to go away
NO_STAMP = FileStamp(-1, -1)  # of a folder


class Backbone(Protocol):
    """What indexing asks of a model: `core.models.vision_language.VisionLanguage`, or a test's own."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def image_size(self) -> int:
        """Side of the square that the model sees, in pixels."""

    def encode_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """(n, size, size, 3) uint8 to (n, dim) float32, of any length."""

    def fingerprint(self, crop: str) -> Fingerprint:
        """The fingerprint of its embeddings under that crop policy."""


@dataclass(frozen=True)
class IndexResult:
    """What a run did. `images` are the gallery's present pictures; `indexed` became searchable in this run and
    `embedded` of them went through the model (the others' content was known); `missing` left the disk since the last
    run; `failed` lists all that cannot be read in the folders of this run, old and new.
    """

    gallery: str
    images: int
    indexed: int
    embedded: int
    unchanged: int
    moved: int
    missing: int
    failed: tuple[FailureRecord, ...]
    seconds: float


def index_folder(store: Store, gallery_id: int, folder: Path, backbone: Backbone, crop: str,
                 max_megapixels: float = 200, report: Report = silent) -> IndexResult:
    """Add the folder to the gallery and index what is in it, at any depth.

    `report` counts the files to read and its text tells the pace. StoreError: `no_folder`, `no_gallery`, and what every
    method of the store may raise. JobCancelled and errors of the model pass through; what was stored stays.
    """
    path = Path(absolute(folder))
    if not path.is_dir():
        raise _unreachable([path])
    store.add_folder(gallery_id, path)
    return _Indexing(store, gallery_id, backbone, crop, max_megapixels, report).run([path])


def index_gallery(store: Store, gallery_id: int, backbone: Backbone, crop: str, max_megapixels: float = 200,
                  report: Report = silent) -> IndexResult:
    """Index all folders of the gallery again; the same as `index_folder` else.

    A folder that cannot be reached is listed among the failures and its pictures stay as they are; StoreError
    (no_folder) when none can be reached, or there is none.
    """
    folders = store.state(gallery_id).gallery.folders
    if not folders:
        raise StoreError("This gallery has no folder yet; add one first.", "no_folder")
    return _Indexing(store, gallery_id, backbone, crop, max_megapixels, report).run(folders)


def _unreachable(folders: Iterable[Path]) -> StoreError:
    names = plain(", ".join(map(str, folders)))
    return StoreError(f"There is no folder {names}, or it cannot be reached: is its drive there? What the gallery "
                      "holds of it stays as it is.", "no_folder")


@dataclass
class _Plan:
    """What is to be done about the files of a run."""

    read: list[str] = field(default_factory=list)
    unchanged: int = 0
    returned: list[int] = field(default_factory=list)  # ids whose files are there again, as they were
    gone: dict[str, int] = field(default_factory=dict)  # path -> id of pictures whose files are not there
    settled: list[str] = field(default_factory=list)  # paths of failures that are none any more
    unread: list[FailedEntry] = field(default_factory=list)  # folders
    ids: dict[str, int] = field(default_factory=dict)  # path -> id of the known pictures to be read
    searchable: set[str] = field(default_factory=set)  # those of them that are embedded, if they are still the same


@dataclass
class _Tally:
    """What a run has done so far."""

    done: int = 0
    indexed: int = 0
    embedded: int = 0
    unchanged: int = 0
    moved: set[int] = field(default_factory=set)
    vanished: set[int] = field(default_factory=set)


@dataclass
class _Waiting:
    """What was read and is not stored yet."""

    to_embed: list[ReadFile] = field(default_factory=list)
    ready: list[Entry] = field(default_factory=list)
    failures: list[FailedEntry] = field(default_factory=list)


class _Indexing:
    """One run."""

    def __init__(self, store: Store, gallery_id: int, backbone: Backbone, crop: str, max_megapixels: float,
                 report: Report) -> None:
        self._store = store
        self._gallery_id = gallery_id
        self._backbone = backbone
        self._fingerprint = backbone.fingerprint(crop)
        self._limit = max_megapixels
        self._report = report
        self._reader = Reader(crop, backbone.image_size, max_megapixels, self._embedded)
        self._tally = _Tally()
        self._waiting = _Waiting()
        self._seen: set[bytes] = set()  # contents that this run embeds: copies read at the same time need it once

    def run(self, folders: Sequence[Path]) -> IndexResult:
        """Index these folders."""
        started = time.perf_counter()
        scans = [scan(folder, self._report) for folder in folders]
        if all(one.folder in one.unread for one in scans):
            raise _unreachable(folders)
        plan = _Plan()
        for one in scans:
            self._compare(one, plan)
        self._settle(plan)
        self._read(plan)
        return self._result(plan, folders, time.perf_counter() - started)

    def _compare(self, found: Scan, plan: _Plan) -> None:
        """Add to the plan what the folder's files ask for."""
        folder = Path(found.folder)
        known = self._store.known_images(self._gallery_id, self._fingerprint.hash, folder)
        failures = self._store.known_failures(self._gallery_id, folder)
        for path, stamp in found.files.items():
            image, failure = known.get(path), failures.get(path)
            if failure is not None and self._still_fails(failure, stamp):
                continue
            if image is not None and image.embedded and image.stamp == stamp:
                plan.unchanged += 1
                if image.missing:
                    plan.returned.append(image.id)
                if failure is not None:
                    plan.settled.append(path)
            else:
                plan.read.append(path)
                if image is not None:
                    plan.ids[path] = image.id
                    if image.embedded:
                        plan.searchable.add(path)
        away = [path for path in (known.keys() | failures.keys()) - found.files.keys()
                if not any(is_below(path, one) for one in found.unread)]
        plan.gone |= {path: known[path].id for path in away if path in known and not known[path].missing}
        plan.settled += [path for path in away if path in failures]
        plan.unread += [FailedEntry(path, NO_STAMP, "folder", _folder_reason(path, reason), self._limit)
                        for path, reason in found.unread.items()]

    def _still_fails(self, failure: KnownFailure, stamp: FileStamp) -> bool:
        allowed_now = failure.kind == "too_large" and self._limit > failure.max_megapixels
        return failure.stamp == stamp and failure.kind not in RETRIED and not allowed_now

    def _settle(self, plan: _Plan) -> None:
        """Store what needs no reading. Pictures that are gone come first: they may turn up again at another path."""
        self._store.mark(self._gallery_id, list(plan.gone.values()), missing=True)
        self._store.mark(self._gallery_id, plan.returned, missing=False)
        self._store.drop_failures(self._gallery_id, plan.settled)
        if plan.unread:
            self._store.record(self._gallery_id, self._fingerprint, [], plan.unread)

    def _read(self, plan: _Plan) -> None:
        paths = sorted(plan.read)
        pace = Pace("images")
        self._report(0, len(paths), "")
        for outcomes in self._reader.read_ahead(paths):
            for outcome in outcomes:
                self._sort(outcome, plan.ids)
            while len(self._waiting.to_embed) >= BATCH or len(self._waiting.ready) >= READY:
                self._flush(plan.searchable)
            self._report(self._tally.done, len(paths), pace.text(self._tally.done, len(paths)))
        while self._waiting.to_embed or self._waiting.ready or self._waiting.failures:
            self._flush(plan.searchable)
        self._store.mark(self._gallery_id, self._tally.vanished, missing=True)
        self._report(len(paths), len(paths), pace.text(len(paths), len(paths)))

    def _sort(self, outcome: Outcome, ids: dict[str, int]) -> None:
        """Put what became of a file where it waits to be stored."""
        match outcome:
            case FailedEntry():
                self._waiting.failures.append(outcome)
            case Gone():
                self._tally.done += 1
                if outcome.vanished and outcome.path in ids:
                    self._tally.vanished.add(ids[outcome.path])
            case ReadFile() if outcome.pixels is not None and outcome.content_hash not in self._seen:
                self._seen.add(outcome.content_hash)
                self._waiting.to_embed.append(outcome)
            case ReadFile():
                self._waiting.ready.append(_entry(outcome))

    def _flush(self, searchable: set[str]) -> None:
        """Embed a batch of what waits for it, and store everything that is ready."""
        waiting = self._waiting
        self._waiting = _Waiting(to_embed=waiting.to_embed[BATCH:])
        entries = self._embed(waiting.to_embed[:BATCH], waiting.failures)
        recorded = self._store.record(self._gallery_id, self._fingerprint, entries + waiting.ready, waiting.failures)
        self._tally.done += len(entries) + len(waiting.ready) + len(waiting.failures)
        self._tally.embedded += len(entries)
        unchanged = len(searchable.intersection(recorded.same))
        self._tally.indexed += recorded.stored - len(recorded.moved) - unchanged
        self._tally.unchanged += unchanged
        self._tally.moved.update(recorded.moved)

    def _embed(self, files: Sequence[ReadFile], failures: list[FailedEntry]) -> list[Entry]:
        """The pictures with their vectors; those that the model makes nothing of go to the failures."""
        pixels = [file.pixels for file in files if file.pixels is not None]
        if not pixels:
            return []
        vectors = np.asarray(self._backbone.encode_pixels(np.stack(pixels)), dtype=np.float32)
        entries = []
        for file, vector, length in zip(files, vectors, np.linalg.norm(vectors, axis=1), strict=True):
            if np.isfinite(length) and length > 0:
                entries.append(_entry(file, vector / length))
            else:
                reason = f"The model gave no usable embedding for {Path(file.path).name}."
                failures.append(FailedEntry(file.path, file.stamp, "no_embedding", reason, self._limit))
        return entries

    def _embedded(self, hashes: Collection[bytes]) -> set[bytes]:
        return self._store.embedded_contents(hashes, self._fingerprint.hash)

    def _result(self, plan: _Plan, folders: Sequence[Path], seconds: float) -> IndexResult:
        state = self._store.state(self._gallery_id, self._fingerprint.hash)
        failed = [one for one in self._store.failures(self._gallery_id)
                  if any(is_below(str(one.path), str(folder)) for folder in folders)]
        left = (set(plan.gone.values()) | self._tally.vanished) - self._tally.moved
        return IndexResult(state.gallery.name, state.images, self._tally.indexed, self._tally.embedded,
                           plan.unchanged + self._tally.unchanged, len(self._tally.moved), len(left), tuple(failed),
                           seconds)


def _entry(file: ReadFile, vector: np.ndarray | None = None) -> Entry:
    return Entry(file.path, file.stamp, file.content_hash, file.facts, vector)


def _folder_reason(path: str, reason: str) -> str:
    return f"The folder {path} cannot be looked into ({reason}). What the gallery holds of it stays as it is."
