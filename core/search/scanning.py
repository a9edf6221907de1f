"""Finding the picture files of a folder, without reading any."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from core.images import IMAGE_SUFFIXES
from core.progress import Report, silent
from core.store.records import FileStamp

REPORT_EVERY = 1000  # files


@dataclass(frozen=True)
class Scan:
    """What a folder holds: picture files by path, and folders that could not be looked into with the system's reason.

    Paths are absolute, as the system gives them (str with surrogate escapes where a name is not UTF-8). `whole`: those
    are all of the folder's pictures; else others may be in it, of which nothing is known. `absent` are paths that a
    list names and that are not there.
    """

    folder: str
    files: dict[str, FileStamp]
    unread: dict[str, str]
    whole: bool = True
    absent: tuple[str, ...] = ()


def scan(folder: Path, report: Report = silent) -> Scan:
    """The pictures in the folder at any depth. Hidden files and folders are passed over.

    Links to folders are followed last, and to none that was visited or that the folder lies in: no picture is found
    twice over a link, and no loop is walked. An unreadable folder is listed in `unread`, the top one too.
    """
    found = Scan(str(folder), {}, {})
    visited = {place for parent in folder.parents if (place := _place(str(parent)))}
    waiting: list[str] = [str(folder)]
    links: list[str] = []
    reported = 0
    while waiting or links:
        current = waiting.pop() if waiting else links.pop(0)
        place = _place(current)
        if place is not None and place in visited:
            continue
        if place is not None:
            visited.add(place)
        inner, linked = _look_into(current, found)
        waiting += inner
        links += linked
        if len(found.files) >= reported + REPORT_EVERY or not reported:
            reported = len(found.files) + 1
            report(0, 0, f"Looking for pictures: {len(found.files)} found")
    return found


def _look_into(folder: str, found: Scan) -> tuple[list[str], list[str]]:
    """Add the folder's pictures; its folders and its links to folders."""
    try:
        with os.scandir(folder) as entries:
            seen = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        found.unread[folder] = error.strerror or str(error)
        return [], []
    inner: list[str] = []
    links: list[str] = []
    for entry in seen:
        if entry.is_dir():
            (links if entry.is_symlink() else inner).append(entry.path)
        elif os.path.splitext(entry.name)[1].lower() in IMAGE_SUFFIXES:  # noqa: PTH122  (a Path costs more than all else)
            stamp = stamp_of(entry)
            if stamp is not None:
                found.files[entry.path] = stamp
    return sorted(inner, reverse=True), sorted(links)


def stamp_of(file: "os.DirEntry[str] | str") -> FileStamp | None:
    """The stamp of a regular file, links followed; None when there is none."""
    try:
        known = file.stat() if isinstance(file, os.DirEntry) else os.stat(file)  # noqa: PTH116  (may hold surrogates)
    except OSError:
        return None
    return FileStamp(known.st_size, known.st_mtime_ns) if stat.S_ISREG(known.st_mode) else None


def _place(folder: str) -> tuple[int, int] | None:
    try:
        known = os.stat(folder)  # noqa: PTH116
    except OSError:
        return None
    return known.st_dev, known.st_ino
