"""Restoring of a home from a backup (`core.maintenance.backup`).

An archive is data from outside: only regular files of known names are taken from it, each compared with its SHA-256.
All of it is unpacked and checked before anything in the home changes.
"""

import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from core import plain_json, private_files
from core.errors import StoreError
from core.home import Home
from core.maintenance.backup import ADDRESSES, FORMAT, MANIFEST, RECORDINGS, SETTINGS, STORE, WORK, verify
from core.progress import Progress, Report, WorkStep, silent
from core.store.store import Store

BESIDE = ("", "-wal", "-shm")  # files of a SQLite store by the ends of their names
LARGEST_MANIFEST = 64 << 20  # bytes


@dataclass(frozen=True)
class Restored:
    """Result of a restore: number of files, galleries, and the folder with what was there before, if anything was."""

    files: int
    galleries: int
    before: Path | None


def restore(home: Home, path: Path, report: Report = silent, replace: bool = False) -> Restored:
    """Put a backup into the home. With `replace`, a store and settings that are there move to a folder of their own.

    StoreError: `no_backup`, `damaged_backup`, `newer` (of a later release), `exists` (there is a store, and not
    `replace`), `in_use`, `not_written`. The home is unchanged after an error. JobCancelled by `report`.
    """
    if not path.is_file():
        raise StoreError(f"There is no file {path}. Nothing was changed.", "no_backup")
    if home.store.exists() and not replace:
        raise StoreError(f"{home.root} has a store already, and nothing was changed. Add --replace to move it aside, "
                         "or choose another folder with BREWCLIP_HOME.", "exists")
    digests = _digests(path)
    verify(path, digests, report)
    try:
        private_files.make_folder(home.root)
        with tempfile.TemporaryDirectory(prefix="restore-", suffix=".new", dir=home.root) as folder:
            staged = Path(folder)
            _unpack(path, staged, digests, report)
            galleries = _opened(staged / STORE)
            before = _move_aside(home)
            try:
                _put(staged, digests, home)
            except OSError as error:
                error.strerror = f"{error.strerror}; what was there before is in {before}" if before else error.strerror
                raise
    except OSError as error:
        raise StoreError(f"The backup could not be put into {home.root} ({error.strerror or error}). Make room or give "
                         "yourself the right to write there, then try again.", "not_written") from error
    return Restored(len(digests), galleries, before)


def _digests(path: Path) -> dict[str, str]:
    """Names and digests of an archive's manifest, each name one that a backup may have."""
    try:
        with tarfile.open(path, "r:") as archive:
            entry = archive.getmember(MANIFEST)
            content = archive.extractfile(entry) if entry.size <= LARGEST_MANIFEST else None
            values = plain_json.loads(content.read() if content else b"")
            digests = {str(name): str(digest) for name, digest in values["files"].items()}
            version = values["format"]
    except (OSError, tarfile.TarError, *plain_json.DAMAGE) as error:
        raise StoreError(f"{path} is damaged or not a backup of BrewCLIP Explorer. Nothing was changed.",
                         "damaged_backup") from error
    if version != FORMAT:
        raise StoreError(f"{path} was written by a newer release of BrewCLIP Explorer. Nothing was changed; install "
                         "that release.", "newer")
    if STORE not in digests or not all(map(is_allowed, digests)):
        raise StoreError(f"{path} holds files that no backup has. Nothing was changed.", "damaged_backup")
    return digests


def is_allowed(name: str) -> bool:
    """Whether a backup may hold a file of that name; never one outside the home."""
    parts = PurePosixPath(name).parts
    if not parts or "\\" in name or "\0" in name or any(part in ("..", "/") or part[:1] == "/" for part in parts):
        return False
    return name in (STORE, SETTINGS, ADDRESSES) if len(parts) == 1 else parts[0] in (*RECORDINGS, *WORK)


def _unpack(path: Path, folder: Path, digests: Mapping[str, str], report: Report) -> None:
    """Unpack the verified members, owner-only."""
    with tarfile.open(path, "r:") as archive:
        for number, name in enumerate(digests, 1):
            report(Progress(WorkStep.RESTORING, number, len(digests), "files"))
            content = archive.extractfile(name)
            assert content is not None  # verified: a regular file
            target = folder / name
            private_files.make_folder(target.parent)
            with private_files.replacing(target, durable=name == STORE) as file:
                shutil.copyfileobj(content, file)


def _opened(store: Path) -> int:
    """Number of galleries of the unpacked store, which is brought up to date; StoreError."""
    with closing(Store.open(store)) as opened:
        count = len(opened.galleries())
        opened.database.empty_wal()
    return count


def _move_aside(home: Home) -> Path | None:
    """Move the present store, settings and addresses to a folder of their own; None where there are none."""
    _release(home.store)
    present = [path for end in BESIDE if (path := home.store.with_name(home.store.name + end)).exists()]
    present += [path for path in (home.settings, home.addresses) if path.exists()]
    if not present:
        return None
    folder = home.root / f"replaced-{datetime.now():%Y%m%d-%H%M%S-%f}"
    private_files.make_folder(folder)
    for path in present:
        shutil.move(path, folder / path.name)
    return folder


def _release(store: Path) -> None:
    """Make the store one file; a damaged one stays as it is. StoreError ("in_use") while others have it open."""
    if not store.exists():
        return
    try:
        with closing(sqlite3.connect(store, timeout=0, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise StoreError(f"{store} is in use by another window or command, and nothing was changed. Close it and "
                             "restore again.", "in_use") from error
    except sqlite3.DatabaseError:
        return


def _put(staged: Path, names: Mapping[str, str], home: Home) -> None:
    """Move unpacked files to their places, the store last. Recordings and runs that are there stay."""
    for name in sorted(names, key=lambda name: name == STORE):
        target = home.settings if name == SETTINGS else home.root / name
        if not target.exists():
            private_files.make_folder(target.parent)
            shutil.move(staged / name, target)
