"""Upkeep of a home: limits of history and caches, leftovers of killed processes, disk usage.

And what a person wants to know and to do about it: the space that each part of the home takes, clearing it.
Takes, galleries, runs and weights are never touched.
"""

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core import caches, private_files
from core.caches import DAY, HOUR, Freed
from core.home import Home
from core.pretrained.weight_files import alone
from core.progress import Progress, Report, silent
from core.settings import Settings
from core.store.records import HistoryContent
from core.store.store import Store

GB = 10**9
RESUMED_WITHIN = 30 * DAY  # a download that was broken off goes on within that time; then what came of it is deleted
LONGEST = 36_500  # days; dates begin with the year 1
PARTIAL, LOCK = ".partial", ".lock"


@dataclass(frozen=True)
class Usage:
    """Disk use: content and bytes of the history, and bytes of caches by kind."""

    history: HistoryContent
    caches: Mapping[str, int]


@dataclass(frozen=True)
class Tidied:
    """Deletions at a start: history that is too old, leftovers of killed processes, caches beyond the limit."""

    history: HistoryContent | None
    leftovers: tuple[Path, ...]
    caches: Freed | None


def usage(home: Home, store: Store, report: Report = silent) -> Usage:
    """Measure the disk usage; 100 000 files take a second or two. StoreError."""
    return Usage(store.history_content(), caches.usage(home.caches, report))


def clear_history(home: Home, store: Store, days: int | None = None) -> HistoryContent:
    """Delete the history, or what is older than so many days; what was deleted. StoreError.

    With all of it go recordings that no query names, unless they are of this hour.
    """
    content = store.clear_history(None if days is None else moment(days))
    store.delete_stray_recordings(home.recordings, time.time() - HOUR)
    return content


def moment(days: int) -> datetime:
    """The moment `days` ago, in UTC."""
    return datetime.now(UTC) - timedelta(days=min(days, LONGEST))


def tidy(home: Home, store: Store, settings: Settings, report: Report = silent) -> Tidied:
    """Do all upkeep of a start, by the settings. StoreError; JobCancelled leaves the rest to the next start."""
    history = keep_within_limit(store, settings)
    leftovers = sweep(home, store)
    limit = settings["caches.limit_gb"]
    return Tidied(history, leftovers, caches.trim(home.caches, limit * GB, report) if limit else None)


def keep_within_limit(store: Store, settings: Settings) -> HistoryContent | None:
    """Delete the part of the history that the settings do not want kept; None where they want all of it. StoreError."""
    days = settings["search.history_days"]
    return store.clear_history(moment(days)) if days else None


def sweep(home: Home, store: Store) -> tuple[Path, ...]:
    """Delete what killed processes left in the home; which. What may belong to a running process stays. StoreError.

    Recordings whose query was never stored, files that were being written a day ago, exports nobody works on, and
    downloads that nobody went on with for a month.
    """
    now = time.time()
    gone = [*store.delete_stray_recordings(home.recordings, now - HOUR)]
    for path in (*_staged_files(home, now), *_abandoned_downloads(home, now), *_abandoned_exports(home, now)):
        with suppress(OSError):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            gone.append(path)
    return tuple(gone)


def _staged_files(home: Home, now: float) -> Iterator[Path]:
    """Files that `core.private_files.replacing` did not bring to their end."""
    folders = dict.fromkeys((home.root, home.settings.parent, home.log.parent, home.recordings, home.takes))
    staged = [path for folder in folders for path in folder.glob(f".*{caches.STAGED}")]
    for path in (*staged, *home.takes.glob(".*.flac")):
        with suppress(OSError):  # it was brought to its end meanwhile
            if _newest(path) < now - DAY:
                yield path


def _abandoned_downloads(home: Home, now: float) -> Iterator[Path]:
    """Staging folders of weights (`core.weights`); the lock beside one is held while its download runs."""
    for folder in home.weights.glob("fetching/*/"):
        with suppress(OSError, TimeoutError):
            if _newest(folder) < now - RESUMED_WITHIN:
                with alone(folder.with_name(folder.name + LOCK), _impatient):
                    yield folder


def _abandoned_exports(home: Home, now: float) -> Iterator[Path]:
    """Folders of exports into the home (`core.annotation.exports`); the lock beside one is held while it is written."""
    for folder in home.root.glob(f".*{PARTIAL}"):
        with suppress(OSError):
            if _newest(folder) < now - DAY:
                with private_files.locked(folder.with_suffix(LOCK), 0, 0o644):
                    yield folder
                folder.with_suffix(LOCK).unlink(missing_ok=True)


def _impatient(progress: Progress) -> None:
    raise TimeoutError


def _newest(path: Path) -> float:
    """Time of the last change in a folder, or of a file. OSError."""
    return max(float(inner.lstat().st_mtime) for inner in (path, *(path.rglob("*") if path.is_dir() else ())))
