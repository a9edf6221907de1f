"""One run that fills a gallery, whoever reads and embeds: what is known is compared with what is there, and all that
becomes of the files is stored in batches.

What a run has stored is stored: cancelled, killed or out of disk, the next run goes on from there. It compares stamps
(path, size, time of change) with the gallery, so an unchanged file costs a look at its folder and is not opened.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from core.errors import StoreError
from core.fingerprint import Fingerprint
from core.galleries.gallery import Gallery
from core.indexing.rate import RateMeter
from core.indexing.reader import NO_STAMP, UnreadFile
from core.indexing.scan import Scan
from core.localisation import _
from core.progress import Progress, Report, WorkStep
from core.remote import shown
from core.store.records import (
    REMOVED,
    FailedEntry,
    FailureRecord,
    FileStamp,
    IndexedFile,
    KnownFailure,
    removal_of,
)
from core.store.repository import is_in_folder, storable

BATCH = 32  # pictures that the model sees at once, and that one transaction stores
READY = 256  # pictures that need no model are stored at the latest when so many wait
RETRIED = ("unreadable", "missing", "no_embedding", "worker")  # failures that need no change of the file to go away

T = TypeVar("T")
Done = IndexedFile | FailedEntry | UnreadFile
Work = Callable[[Sequence[str]], Iterator[Sequence[Done]]]
"""Reads and embeds the files of these paths: what became of each, once, in any order. A copy that comes without a
vector comes after the file whose content it shares."""


@dataclass(frozen=True)
class IndexResult:
    """Result of an indexing run. `images` are the gallery's present images; `indexed` became searchable in this run and
    `embedded` of them went through the model (the others' content was known); `missing` left the disk since the last
    run; `failed` lists all that cannot be read in the folders of this run, old and new. `passed` counts pictures of
    kinds that are not read here, by suffix; `excluded` folders and pictures that were left out, by pattern.
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
    passed: tuple[tuple[str, int], ...] = ()
    excluded: tuple[tuple[str, int], ...] = ()


def unreachable(folders: Iterable[str | Path]) -> StoreError:
    """None of these folders is there."""
    names = storable(", ".join(map(str, folders)))
    return StoreError(_("There is no folder {names}, or it cannot be reached: is its drive there? What the gallery "
                        "holds of it stays as it is.").format(names=names), "no_folder")


@dataclass
class _Plan:
    """Plan of a run."""

    read: list[str] = field(default_factory=list)
    unchanged: int = 0
    returned: list[int] = field(default_factory=list)  # ids whose files are there again, as they were
    gone: dict[str, int] = field(default_factory=dict)  # path -> id of pictures whose files are not there
    settled: list[str] = field(default_factory=list)  # paths of failures that are none any more
    unread: list[FailedEntry] = field(default_factory=list)  # folders
    ids: dict[str, int] = field(default_factory=dict)  # path -> id of the known pictures to be read
    searchable: set[str] = field(default_factory=set)  # those of them that are embedded, if they are still the same
    removed: dict[int, str] = field(default_factory=dict)  # id -> path of removed pictures whose files are not there
    asked: set[str] = field(default_factory=set)  # paths of pictures that were asked for by name


@dataclass
class _Tally:
    """Counts of a run so far."""

    done: int = 0
    indexed: int = 0
    embedded: int = 0
    unchanged: int = 0
    moved: set[int] = field(default_factory=set)
    vanished: set[int] = field(default_factory=set)


@dataclass
class _Waiting:
    """Entries and failures that wait for the next write."""

    entries: list[IndexedFile] = field(default_factory=list)
    failures: list[FailedEntry] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.entries) + len(self.failures)

    @property
    def embedded(self) -> int:
        return sum(entry.vector is not None for entry in self.entries)


class GalleryReconciler:
    """One run of indexing. `detail` is added to the text of `report`; `count` is called with the number of pictures
    that the gallery will have when the run has ended, those that turn out to be unreadable included.
    """

    def __init__(self, gallery: Gallery, fingerprint: Fingerprint, max_megapixels: float, report: Report,
                 detail: Callable[[], str] = lambda: "", count: Callable[[int], object] = lambda number: None) -> None:
        self._gallery = gallery
        self._fingerprint = fingerprint
        self._limit = max_megapixels
        self._report = report
        self._detail = detail
        self._found = count
        self._tally = _Tally()
        self._waiting = _Waiting()
        self._removed: dict[bytes, list[str]] = {}  # content -> paths of removed pictures whose files are not there
        self._renamed: set[str] = set()  # those of them that turned up at another path

    def run(self, scans: Sequence[Scan], work: Work) -> IndexResult:
        """Bring the gallery into line with the scans; `work` reads and embeds new and changed files."""
        started = time.perf_counter()
        if all(scan.folder in scan.unread for scan in scans):
            raise unreachable(scan.folder for scan in scans)
        plan = _Plan()
        for scan in scans:
            self._compare(scan, plan)
        self._settle(plan)
        self._find_removed(plan)
        new = sum(path not in plan.ids for path in plan.read)
        self._found(self._gallery.state(self._fingerprint.hash).images + new)
        self._read(plan, work)
        return self._result(plan, scans, time.perf_counter() - started)

    def _compare(self, scan: Scan, plan: _Plan) -> None:
        """Add a folder's differences to the plan."""
        folder, single = Path(scan.folder), scan.folder in scan.files
        if single:  # one picture: what lies below its folder is asked for, and it alone used
            folder = folder.parent
            plan.asked.add(scan.folder)
        images = self._gallery.known_images(self._fingerprint.hash, folder)
        failures = self._gallery.known_failures(folder)
        if str(folder) != scan.folder:
            images, failures = _only(images, scan.folder), _only(failures, scan.folder)
        for path, stamp in scan.files.items():
            image, failure = images.get(path), failures.get(path)
            if failure is not None and self._is_left_out(failure, stamp, single):
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
        plan.unread += [FailedEntry(path, NO_STAMP, "folder", f"{shown(path)} cannot be looked into ({reason}). What "
                                    "the gallery holds of it stays as it is.", self._limit)
                        for path, reason in scan.unread.items()]
        plan.unread += [FailedEntry(path, NO_STAMP, "missing", f"{Path(path).name} is in the list, and is not there.",
                                    self._limit) for path in scan.absent]
        if not scan.whole:
            return
        away = [path for path in (images.keys() | failures.keys()) - scan.files.keys()
                if not any(is_in_folder(path, folder_path) for folder_path in scan.unread)]
        plan.gone |= {path: images[path].id for path in away if path in images and not images[path].missing}
        plan.settled += [path for path in away if path in failures and failures[path].kind != REMOVED]
        plan.removed |= {images[path].id: path for path in away
                         if path in images and path in failures and failures[path].kind == REMOVED}

    def _is_left_out(self, failure: KnownFailure, stamp: FileStamp, single: bool) -> bool:
        """Whether it fails as before, or was removed from the gallery and is not the `single` picture asked for."""
        if failure.kind == REMOVED:
            return not single
        allowed_now = failure.kind == "too_large" and self._limit > failure.max_megapixels
        return failure.stamp == stamp and failure.kind not in RETRIED and not allowed_now

    def _settle(self, plan: _Plan) -> None:
        """Store what needs no reading. Pictures that are gone come first: they may turn up again at another path."""
        self._gallery.mark(list(plan.gone.values()), missing=True)
        self._gallery.mark(plan.returned, missing=False)
        self._gallery.drop_failures(plan.settled)
        if plan.unread:
            self._gallery.record(self._fingerprint, [], plan.unread)

    def _find_removed(self, plan: _Plan) -> None:
        """Read the contents of removed pictures that are not at their paths: the file may have been renamed."""
        if plan.removed and plan.read:
            for batch in self._gallery.stored_images(vectors=False):
                for image in batch:
                    if image.id in plan.removed:
                        self._removed.setdefault(image.content_hash, []).append(image.path)

    def _read(self, plan: _Plan, work: Work) -> None:
        paths = sorted(plan.read)
        pace = RateMeter("pictures")
        self._report(Progress(WorkStep.INDEXING, 0, len(paths)))
        for batch in work(paths):
            for result in batch:
                self._sort(result, plan)
            if self._waiting.embedded >= max(BATCH, self._gallery.rows_a_write) or (
                    len(self._waiting) >= max(READY, self._gallery.rows_a_write)):
                self._flush(plan.searchable)
            self._report_progress(len(paths), pace)
        if self._waiting:
            self._flush(plan.searchable)
        self._gallery.mark(self._tally.vanished, missing=True)
        self._report(Progress(WorkStep.INDEXING, len(paths), len(paths), detail=pace.text(len(paths), len(paths))))

    def _report_progress(self, total: int, pace: RateMeter) -> None:
        text, detail = pace.text(self._tally.done, total), self._detail()
        detail = f"{text} ({detail})" if text and detail else text or detail
        self._report(Progress(WorkStep.INDEXING, self._tally.done, total, detail=detail))

    def _sort(self, result: Done, plan: _Plan) -> None:
        """Queue the outcome of a file for the next write."""
        ids = plan.ids
        match result:
            case FailedEntry():
                self._waiting.failures.append(result)
            case UnreadFile():
                self._tally.done += 1
                if result.vanished and result.path in ids:
                    self._tally.vanished.add(ids[result.path])
            case IndexedFile():
                self._waiting.entries.append(result)
                if result.path not in ids and result.path not in plan.asked:
                    self._keep_removed(result)

    def _keep_removed(self, file: IndexedFile) -> None:
        """Leave a picture that was removed out under its new name too: its row moves there, and stays removed."""
        before = self._removed.get(file.content_hash)
        if before:
            self._renamed.add(before.pop())
            self._waiting.failures.append(removal_of(file.path, file.stamp))

    def _flush(self, searchable: set[str]) -> None:
        """Store everything that waits."""
        waiting, self._waiting = self._waiting, _Waiting()
        self._gallery.drop_failures(self._renamed)  # so that their rows can move
        self._renamed = set()
        kept_out = {failure.path for failure in waiting.failures if failure.kind == REMOVED}
        recorded = self._gallery.record(self._fingerprint, waiting.entries, waiting.failures)
        self._tally.done += len(waiting) - len(kept_out)
        self._tally.embedded += waiting.embedded
        unchanged = len(searchable.intersection(recorded.same))
        self._tally.indexed += recorded.stored - len(recorded.moved) - unchanged
        self._tally.unchanged += unchanged
        self._tally.moved.update(recorded.moved)

    def _result(self, plan: _Plan, scans: Sequence[Scan], seconds: float) -> IndexResult:
        state = self._gallery.state(self._fingerprint.hash)
        failed = [failure for failure in self._gallery.failures()
                  if any(is_in_folder(str(failure.path), scan.folder) for scan in scans)]
        left = (set(plan.gone.values()) | self._tally.vanished) - self._tally.moved
        return IndexResult(state.gallery.name, state.images, self._tally.indexed, self._tally.embedded,
                           plan.unchanged + self._tally.unchanged, len(self._tally.moved), len(left), tuple(failed),
                           seconds, _most_common(scan.passed for scan in scans),
                           _most_common(scan.excluded for scan in scans))


def _only(by_path: "dict[str, T]", path: str) -> "dict[str, T]":
    return {path: by_path[path]} if path in by_path else {}


def _most_common(counters: "Iterable[Counter[str]]") -> tuple[tuple[str, int], ...]:
    """The sum of the counters, most first."""
    total: Counter[str] = Counter()
    for counter in counters:
        total.update(counter)
    return tuple(sorted(total.items(), key=lambda item: (-item[1], item[0])))
