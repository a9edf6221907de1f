"""Stamps of files: size and time of change, by which an unchanged file is known without being opened."""

import os
import stat

from core import remote
from core.store.records import FileStamp

LATEST_NS = 2**63 - 1  # what a store's integer holds: the year 2262, and 1677 before 1970


def stamp_of(file: str) -> FileStamp | None:
    """The stamp of a regular file, links followed; None when there is none. OSError when it cannot be reached."""
    try:
        status = os.stat(file)  # noqa: PTH116  (may hold surrogates)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a zero byte in a path out of a list
        return None
    return file_stamp(status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


def remote_stamp(address: str) -> FileStamp | None:
    """The stamp of a file at an address; None when there is none. Errors as `core.remote.stamp`."""
    file = remote.stamp(address)
    return file_stamp(file.size, file.mtime_ns) if file is not None else None


def file_stamp(size: int, mtime_ns: int) -> FileStamp:
    """A stamp that every store can hold: times beyond the years 1677 to 2262 become the nearest that fits."""
    return FileStamp(min(size, LATEST_NS), max(-LATEST_NS, min(mtime_ns, LATEST_NS)))
