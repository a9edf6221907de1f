"""Private files and folders, and atomic replacement of files."""

import contextlib
import errno
import itertools
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO
from uuid import uuid4

FOLDER, FILE = 0o700, 0o600
OTHERS = 0o077  # rights of the group and of everybody


def make_folder(path: Path, private: bool = True) -> None:
    """Make a folder, and those above it, if missing. OSError.

    The folder itself is its owner's alone if `private`; so is each that is made in a folder of which that is true.
    """
    missing = list(itertools.takewhile(lambda folder: not folder.exists(), (path, *path.parents)))
    for folder in reversed(missing):
        alone = (private and folder == path) or is_private(folder.parent)
        with contextlib.suppress(FileExistsError):  # another process made it just now
            folder.mkdir(FOLDER if alone else 0o777)
    if not path.is_dir():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def is_private(folder: Path) -> bool:
    """Whether a folder is its owner's alone; False where that cannot be known, or means nothing (Windows)."""
    try:
        return not folder.stat().st_mode & OTHERS
    except OSError:
        return False


def inherit(path: Path) -> None:
    """Make a new file its owner's alone if its folder is; else its rights stay as the umask made them."""
    with contextlib.suppress(OSError):
        mode = path.lstat().st_mode
        if mode & OTHERS and not stat.S_ISLNK(mode) and is_private(path.parent):
            path.chmod(stat.S_IMODE(mode) & ~OTHERS)


def lock_mode(folder: Path) -> int:
    """Rights of a lock's file in a folder, which may be made later: its owner's alone if the folder is."""
    existing = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    return FILE if is_private(existing) else 0o644


@contextlib.contextmanager
def replacing(path: Path, private: bool = True, durable: bool = True) -> Iterator[IO[bytes]]:
    """Write `path` atomically: yields a binary file that replaces it at the end; after an error the old one stays.

    `private`: readable by its owner alone, else as `inherit` says. `durable`: on the disk before it takes the
    place. Its temporary name is unique, so that several writers never share one. OSError.
    """
    staged = path.with_name(f".{path.name[:100]}.{uuid4().hex}.new")
    mode = FILE if private else 0o666
    file = open(staged, "xb", opener=lambda name, flags: os.open(name, flags, mode))  # noqa: SIM115
    try:
        if not private:
            inherit(staged)
        with file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        staged.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            staged.unlink(missing_ok=True)
        raise


def write_atomically(path: Path, content: bytes, private: bool = True, durable: bool = True) -> None:
    """Write a whole file with `replacing`. OSError."""
    with replacing(path, private, durable) as file:
        file.write(content)


@contextlib.contextmanager
def locked(path: Path, seconds: float, mode: int = FILE) -> Iterator[None]:
    """Hold the lock in a file of those rights. TimeoutError: another process held it for so long. OSError."""
    from filelock import FileLock  # imports asyncio and ssl, which a search on the command line does without

    with FileLock(path, seconds, mode):
        yield


@contextlib.contextmanager
def alone(lock: Path, seconds: float) -> Iterator[None]:
    """While no other process holds that lock, waiting so long at most; without it where none can be had."""
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):
            held.enter_context(locked(lock, seconds))
        yield


def tighten(folder: Path, own: Callable[[str], bool]) -> bool:
    """Take a folder's rights from others and, where others had some, those of all that is in it; whether it did so.

    `own` says by its name whether an entry is the program's. Where there are others beside, the folder is somebody's
    for more than this program: it and the others stay as they are. So does a file system without permissions.
    """
    try:
        status = folder.stat()
        if not stat.S_ISDIR(status.st_mode) or not status.st_mode & OTHERS:
            return False
        entries = list(folder.iterdir())
        if not all(own(entry.name) for entry in entries):
            for entry in entries:
                if own(entry.name) and not entry.is_symlink():
                    _tighten_one(entry)
                    _tighten_below(entry)
            return False
        folder.chmod(stat.S_IMODE(status.st_mode) & ~OTHERS)
        if not folder.stat().st_mode & OTHERS:
            _tighten_below(folder)
            return True
    except OSError:
        pass
    return False


def _tighten_below(folder: Path) -> None:
    """Links are not followed: what lies elsewhere is not this folder's to change."""
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            _tighten_one(Path(place) / name)


def _tighten_one(path: Path) -> None:
    with contextlib.suppress(OSError):
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode) and mode & OTHERS:
            path.chmod(stat.S_IMODE(mode) & ~OTHERS)
