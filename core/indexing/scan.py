"""Find the picture files of a folder, without reading any.

One entry that cannot be reached (a loop of links, a locked folder, a share that went away) never ends a scan: it is
listed in `Scan.unread` with the system's reason, and what the gallery holds of it stays as it is.
"""

import os
import stat
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from core.images import IMAGE_SUFFIXES, OTHER_SUFFIXES
from core.indexing.exclusions import Exclusions
from core.progress import Progress, Report, WorkStep, silent
from core.store.file_stamps import file_stamp, stamp_of
from core.store.records import FileStamp

REPORT_EVERY = 1000  # files


@dataclass(frozen=True)
class Scan:
    """Image files of a folder by path; `unread`: folders and files that cannot be reached, with the reason.

    Paths are absolute, as the system gives them (str with surrogate escapes where a name is not UTF-8). `whole`: those
    are all of the folder's pictures; else others may be in it, of which nothing is known. `absent` are paths that a
    list names and that are not there. `passed` counts pictures of kinds that are not read here, by suffix; `excluded`
    folders and pictures that a pattern left out, by pattern.
    """

    folder: str
    files: dict[str, FileStamp]
    unread: dict[str, str]
    whole: bool = True
    absent: tuple[str, ...] = ()
    passed: Counter[str] = field(default_factory=Counter)
    excluded: Counter[str] = field(default_factory=Counter)


def scan(folder: Path, report: Report = silent, exclude: Exclusions = Exclusions()) -> Scan:
    """The pictures in the folder at any depth. Hidden files and folders are passed over, and those of a pattern.

    The folder may be a picture's file, which then is all that there is.

    Links to folders are followed last, and to none that was visited or that the folder lies in: no picture is found
    twice over a link, and no loop is walked. An unreadable folder is listed in `unread`, the top one too.
    """
    result = Scan(str(folder), {}, {})
    if is_picture(folder):
        return single(folder)
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
        inner, linked = _look_into(current, result, exclude)
        waiting += inner
        links += linked
        if len(result.files) >= reported + REPORT_EVERY or not reported:
            reported = len(result.files) + 1
            report(Progress(WorkStep.SCANNING, len(result.files)))
    return result


def _look_into(folder: str, result: Scan, exclude: Exclusions) -> tuple[list[str], list[str]]:
    """Add the folder's pictures; its folders and its links to folders."""
    inner: list[str] = []
    links: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    _sort_entry(entry, result, inner, links, exclude)
    except OSError as error:  # at once, or half-way: what was seen until then is kept
        result.unread[folder] = error.strerror or str(error)
    return sorted(inner, reverse=True), sorted(links)


def _sort_entry(entry: "os.DirEntry[str]", result: Scan, inner: list[str], links: list[str],
                exclude: Exclusions) -> None:
    """Add the entry to the folders, the links to folders or the pictures; to `unread` when it cannot be reached."""
    suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122  (a Path costs more than all else)
    pattern = exclude.match(entry.path[len(result.folder.rstrip(os.sep)) + 1:]) if exclude.patterns else ""
    try:
        is_folder = entry.is_dir()
        if pattern and (is_folder or suffix in IMAGE_SUFFIXES):
            result.excluded[pattern] += 1
        elif is_folder:
            (links if entry.is_symlink() else inner).append(entry.path)
        elif suffix in IMAGE_SUFFIXES:
            status = entry.stat()
            if stat.S_ISREG(status.st_mode):
                result.files[entry.path] = file_stamp(status.st_size, status.st_mtime_ns)
        elif suffix in OTHER_SUFFIXES:
            result.passed[suffix] += 1
    except FileNotFoundError:  # a broken link, or gone since the folder was listed
        return
    except OSError as error:
        if not pattern:
            result.unread[entry.path] = error.strerror or str(error)


def is_picture(path: Path) -> bool:
    """Whether that is a file that is read as a picture, by its suffix."""
    try:
        return path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()
    except OSError:
        return False


def single(picture: Path) -> Scan:
    """One picture, as if it were a folder of its own."""
    try:
        stamp = stamp_of(str(picture))
    except OSError as error:
        return Scan(str(picture), {}, {str(picture): error.strerror or str(error)})
    return Scan(str(picture), {str(picture): stamp} if stamp is not None else {}, {})


def _place(folder: str) -> tuple[int, int] | None:
    try:
        stat = os.stat(folder)  # noqa: PTH116
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
