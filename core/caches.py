"""Caches of a home: their size by kind, a limit on all of them, and protection of those in use.

Everything here can be computed again. What was used longest ago goes first. Whoever reads arrays of a folder holds its
marker (`hold`) for as long as it may read them: a folder that any process holds is left alone. Single files may go at
any time, since their readers make them again; those that another program may be showing rest for a while first.
"""

import os
import sys
import time
import weakref
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from core.private_files import FILE
from core.progress import Progress, Report, WorkStep, silent

MARKER = "in-use"  # in a folder of arrays: locked by its readers, its time of change is that of their last use
ARRAYS = (".jsonl", ".bin")  # of one shard (`core.features.array_store`), in the order of deleting
PASSED_OVER = (".lock",)
HOUR, DAY = 3600.0, 86_400.0
RESTING: Mapping[str, float] = {"opened": HOUR, "emotion-folds": HOUR, "cluster": DAY,
                                   "unpacked": DAY}  # seconds after its last use
STAGED = ".new"  # end of the name of a file that is being written
TITLES: Mapping[str, str] = {
    "thumbnails": "Thumbnails", "vectors": "Vectors for searching", "strength": "Calibration of strength",
    "duplicates": "Comparisons of pictures", "opened": "Pictures opened from addresses",
    "states": "Encoder states of recordings",
    "pictures": "Digests of pictures", "recordings": "Digests of recordings",
    "pixels": "Prepared pictures", "stems": "Prepared pictures",
    "views": "Crops for evaluation", "emotion": "Features of voices", "emotion-branches": "Features of voices",
    "emotion-folds": "Probes of voices", "cluster": "Models for a cluster",
    "inference": "Models for ONNX Runtime", "maps": "Maps of pictures and utterances",
    "unpacked": "Files unpacked from datasets"}


@dataclass(frozen=True)
class CacheEntry:
    """Files that are deleted together. `kind` is the first folder below the caches, `used` seconds since 1970."""

    kind: str
    paths: tuple[Path, ...]
    nbytes: int
    used: float
    is_shard: bool


@dataclass(frozen=True)
class Freed:
    """Bytes deleted, and bytes left because they are in use or were used recently."""

    nbytes: int
    kept: int


class Hold:
    """A shared lock on a folder of arrays, for as long as this object lives."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        weakref.finalize(self, _close, descriptor)

    def touch(self) -> None:
        """Update the time of last use."""
        with suppress(OSError, NotImplementedError):
            os.utime(self._descriptor)


def hold(folder: Path) -> Hold | None:
    """Lock a folder of arrays for reading, waiting while it is deleted; None where there is no writable folder."""
    try:
        descriptor = os.open(folder / MARKER, os.O_RDWR | os.O_CREAT, FILE)
    except OSError:
        return None
    with suppress(OSError):  # a file system without locks: nothing is deleted there
        _share(descriptor)
    held = Hold(descriptor)
    held.touch()
    return held


def touch(path: Path) -> None:
    """Update a file's time of last use, twice a day at most."""
    with suppress(OSError):
        if time.time() - path.stat().st_mtime > DAY / 2:
            os.utime(path)


def items(folder: Path, report: Report = silent) -> Iterator[CacheEntry]:
    """Entries of the caches' folder, without locks and markers."""
    count = 0
    for place, folders, names in os.walk(folder):
        folders.sort()
        here = Path(place)
        if here == folder:
            continue
        kind = here.relative_to(folder).parts[0]
        parts: defaultdict[tuple[str, bool], list[Path]] = defaultdict(list)
        for name in names:
            path = here / name
            if name != MARKER and path.suffix not in PASSED_OVER:
                is_shard = path.suffix in ARRAYS
                parts[path.stem if is_shard else name, is_shard].append(path)
        marked = _changed(here / MARKER)
        for (_, is_shard), paths in parts.items():
            item = _item(kind, paths, is_shard, marked)
            if item is not None:
                yield item
        count += len(names)
        report(Progress(WorkStep.MEASURING_CACHES, count))


def usage(folder: Path, report: Report = silent) -> dict[str, int]:
    """Bytes by kind, the largest first."""
    sizes: Counter[str] = Counter()
    for item in items(folder, report):
        sizes[item.kind] += item.nbytes
    return dict(sizes.most_common())


def clear(folder: Path, report: Report = silent) -> Freed:
    """Delete all entries that are not in use."""
    now = time.time()
    return _delete(list(items(folder, report)), 0, lambda item: RESTING.get(item.kind, 0.0), now, report)


def trim(folder: Path, limit: int, report: Report = silent) -> Freed:
    """Delete the least recently used entries until `limit` bytes are left; those used within a day stay."""
    now = time.time()
    return _delete(sorted(items(folder, report), key=lambda item: item.used), limit, lambda item: DAY, now, report)


def _item(kind: str, paths: list[Path], is_shard: bool, marked: float) -> CacheEntry | None:
    size, changed = 0, 0.0
    for path in paths:
        try:
            status = path.lstat()
        except OSError:
            return None
        size, changed = size + status.st_size, max(changed, status.st_mtime)
    ordered = sorted(paths, key=lambda path: ARRAYS.index(path.suffix)) if is_shard else paths
    return CacheEntry(kind, tuple(ordered), size, max(marked, changed) if is_shard else changed, is_shard)


def _delete(entries: list[CacheEntry], limit: int, resting: Callable[[CacheEntry], float], now: float,
            report: Report) -> Freed:
    left, freed = sum(item.nbytes for item in entries), 0
    for number, item in enumerate(entries):
        if left <= limit:
            break
        report(Progress(WorkStep.DELETING_CACHES, number, len(entries)))
        idle = max(resting(item), HOUR if item.paths[0].name.endswith(STAGED) else 0.0)
        if now - item.used >= idle and _remove(item):
            left, freed = left - item.nbytes, freed + item.nbytes
    return Freed(freed, left)


def _remove(item: CacheEntry) -> bool:
    """Whether the files are gone; those of a folder that somebody holds stay."""
    try:
        if not item.is_shard:
            for path in item.paths:
                path.unlink(missing_ok=True)
            return True
        with _alone(item.paths[0].parent) as is_alone:
            for path in item.paths if is_alone else ():
                path.unlink(missing_ok=True)
            return is_alone
    except OSError:  # some systems keep a file that is still mapped
        return False


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _close(descriptor: int) -> None:
    with suppress(OSError):
        os.close(descriptor)


if sys.platform == "win32":
    def _share(descriptor: int) -> None:
        """Nothing: Windows deletes no file that is open."""

    @contextmanager
    def _alone(folder: Path) -> Iterator[bool]:
        """Whether nobody holds the folder."""
        try:
            (folder / MARKER).unlink(missing_ok=True)
        except OSError:
            yield False
        else:
            yield True
else:
    import fcntl

    def _share(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_SH)

    @contextmanager
    def _alone(folder: Path) -> Iterator[bool]:
        """Whether nobody holds the folder; in the block nobody begins to."""
        descriptor = os.open(folder / MARKER, os.O_RDWR | os.O_CREAT, FILE)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)
