"""Content hashes of a dataset's files, known by path, size and time of change without reading a file again."""

import errno
import hashlib
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from core.features.array_store import ArrayStore, Writer


class Digests:
    """Digests of files, kept by the path, size and mtime that each had when it was read."""

    def __init__(self, folder: Path) -> None:
        self._store = ArrayStore(folder)

    def of(self, path: Path) -> str | None:
        """The digest in hex, None when the file is new or has changed. OSError when it is not there."""
        key = _key(path)
        return bytes(self._store.get(key)[0]).hex() if key in self._store else None

    def known(self, path: Path) -> str | None:
        """The digest as `of`; None also when the file is not there."""
        try:
            return self.of(path)
        except OSError:
            return None

    def read(self, path: Path | None) -> str:
        """The digest, computed where it is not known; "" for a file that cannot be read, and for None."""
        try:
            return (self.of(path) or content_digest(path)) if path is not None else ""
        except OSError:
            return ""

    @contextmanager
    def writer(self) -> Iterator["DigestWriter"]:
        """A context in which digests of files are added. StoreError as `ArrayStore.writer`."""
        with self._store.writer() as writer:
            yield DigestWriter(writer)


class DigestWriter:
    """Adds digests of files. StoreError: full, not_written."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def __call__(self, path: Path, digest: str) -> None:
        """Keep the digest (hex) of a file as it is now; nothing is kept of one that is gone meanwhile."""
        try:
            key = _key(path)
        except OSError:
            return
        self._writer.add(key, [np.frombuffer(bytes.fromhex(digest), np.uint8)])

    def flush(self) -> None:
        """Have on disk what was added."""
        self._writer.flush()


def content_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex. OSError; also of a pipe or a device, which could wait for ever."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "It is a folder, a pipe or a device, not a file", str(path))
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _key(path: Path) -> str:
    status = path.stat()
    facts = f"{path.resolve()}\0{status.st_size}\0{status.st_mtime_ns}"
    return hashlib.sha256(facts.encode(errors="surrogateescape")).hexdigest()[:32]
