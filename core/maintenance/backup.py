"""Backup of a home in one file, while the program is in use.

The file is a tar archive: the store as it was at one moment (SQLite's backup), the recordings that the store names,
settings and addresses, and `backup.json` with a SHA-256 of each. Caches, weights and exports are left out, and so are
training runs and probes unless they are asked for. Pictures are the user's and never in it.
"""

import hashlib
import io
import json
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from core import __version__, private_files
from core.errors import StoreError
from core.home import Home
from core.maintenance.check import integrity_faults, recordings_of
from core.progress import Progress, Report, WorkStep, silent
from core.store.database import as_store_errors
from core.store.store import Store

FORMAT = 1
MANIFEST = "backup.json"
STORE = "store.sqlite"
SETTINGS = "settings.json"
ADDRESSES = "addresses.json"
RECORDINGS = ("recordings", "takes")  # folders of a home
WORK = ("runs", "probes")  # folders of a home that may be large
PAGES = 256  # copied between two looks at cancellation: 4 MB
BLOCK = 1 << 20  # bytes


@dataclass(frozen=True)
class Backup:
    """Result of a backup: its file, size in bytes, number of recordings, and recordings that were not there."""

    path: Path
    nbytes: int
    recordings: int
    absent: tuple[Path, ...]


def back_up(home: Home, path: Path, report: Report = silent, with_runs: bool = False) -> Backup:
    """Write a backup and read it again to check it. The file is readable by its owner alone.

    StoreError: `no_store`, `exists` (a file of that name, left as it is), `not_written`, `not_a_store` (the store is
    damaged). JobCancelled by `report`. After an error there is no file of that name.
    """
    if not home.store.exists():
        raise StoreError(f"There is no store in {home.root} to back up. Nothing was written.", "no_store")
    if path.exists():
        raise StoreError(f"{path} exists and was left as it is. Choose another name.", "exists")
    try:
        with tempfile.TemporaryDirectory(prefix=".brewclip-", suffix=".new", dir=path.absolute().parent) as folder:
            snapshot = Path(folder) / STORE
            _copy_store(home.store, snapshot, report)
            recordings = _recordings_of(snapshot, home)
            absent = tuple(file for file in recordings if not file.is_file())
            files = {STORE: snapshot, **_small_files(home)}
            files |= {_member(file, home): file for file in recordings if file.is_file()}
            files |= dict(_work(home)) if with_runs else {}
            with private_files.replacing(path) as file:
                manifest = _write(file, files, report)
                file.flush()
                verify(Path(file.name), manifest, report)
    except OSError as error:
        raise StoreError(f"The backup could not be written to {path} ({error.strerror or error}). The store is as it "
                         "was; choose another place.", "not_written") from error
    return Backup(path, path.stat().st_size, len(recordings) - len(absent), absent)


def _copy_store(source: Path, target: Path, report: Report) -> None:
    """Copy the store as it is at this moment, in steps, while others write to it; then check the copy."""
    with as_store_errors(source), closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on, one state of the store
        private_files.write_atomically(target, b"")
        with closing(sqlite3.connect(target, isolation_level=None)) as copy:
            reader.backup(copy, pages=PAGES, progress=lambda status, left, total: report(
                Progress(WorkStep.BACKING_UP, total - left, total, "the store")))
            copy.execute("PRAGMA journal_mode=DELETE")
            faults = integrity_faults(copy, lambda: report(Progress(WorkStep.CHECKING, subject="the copy")))
    if faults:
        raise StoreError(f"{source} is damaged: {faults[0]}. No backup was written; see `brewclip check`.",
                         "not_a_store")


def _recordings_of(snapshot: Path, home: Home) -> tuple[Path, ...]:
    """Recordings in the home that the copied store names."""
    with closing(Store.open(snapshot)) as store:
        inside = (path.relative_to(store.folder) for path in recordings_of(store) if path.is_relative_to(store.folder))
        return tuple(home.root / path for path in inside if path.parts[0] in RECORDINGS and ".." not in path.parts)


def _member(file: Path, home: Home) -> str:
    return file.relative_to(home.root).as_posix()


def _small_files(home: Home) -> dict[str, Path]:
    return {name: path for name, path in ((SETTINGS, home.settings), (ADDRESSES, home.addresses)) if path.is_file()}


def _work(home: Home) -> Iterator[tuple[str, Path]]:
    """Files of training runs and probes by their names in the archive, links left out."""
    for folder in WORK:
        for file in sorted((home.root / folder).rglob("*")):
            if file.is_file() and not file.is_symlink():
                yield _member(file, home), file


def _write(file: IO[bytes], files: dict[str, Path], report: Report) -> dict[str, str]:
    """Write the archive; the SHA-256 of each member by its name."""
    digests: dict[str, str] = {}
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for number, (name, path) in enumerate(files.items(), 1):
            report(Progress(WorkStep.BACKING_UP, number, len(files), "files"))
            with path.open("rb") as source:
                content = _DigestReader(source)
                archive.addfile(_entry(name, path.stat().st_size), content)
                digests[name] = content.digest
        body = json.dumps({"format": FORMAT, "program": __version__, "created": datetime.now(UTC).isoformat(),
                           "files": digests}, indent=1).encode()
        archive.addfile(_entry(MANIFEST, len(body)), io.BytesIO(body))
    return digests


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, private_files.FILE
    return entry


class _DigestReader:
    """A file that is read once, with the SHA-256 of what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Read bytes."""
        block = self._file.read(size)
        self._digest.update(block)
        return block

    @property
    def digest(self) -> str:
        """SHA-256 in hex."""
        return self._digest.hexdigest()


def verify(path: Path, digests: dict[str, str], report: Report = silent) -> None:
    """Read an archive and compare each member with its SHA-256. StoreError ("damaged_backup"), OSError."""
    checked = set[str]()
    try:
        with tarfile.open(path, "r:") as archive:
            for entry in archive:
                report(Progress(WorkStep.CHECKING, len(checked), len(digests), "the backup"))
                content = archive.extractfile(entry) if entry.isreg() else None
                if content is None or (entry.name != MANIFEST and digest_of(content) != digests.get(entry.name)):
                    raise StoreError(f"{path.name} is damaged: {entry.name} is not what was written.", "damaged_backup")
                checked.add(entry.name)
    except tarfile.TarError as error:
        raise StoreError(f"{path.name} is damaged or not a backup ({error}).", "damaged_backup") from error
    if missing := set(digests) - checked:
        raise StoreError(f"{path.name} is damaged: {min(missing)} is not in it.", "damaged_backup")


def digest_of(content: IO[bytes]) -> str:
    """SHA-256 of the rest of a file, in hex."""
    digest = hashlib.sha256()
    while block := content.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()
