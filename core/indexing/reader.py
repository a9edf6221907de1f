"""Reading picture files for indexing, ahead of the model, on threads of their own."""

import hashlib
import os
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core import images, remote
from core.errors import ImageError, StoreError
from core.store.file_stamps import file_stamp, stamp_of
from core.store.records import DecodedImageFacts, FailedEntry, FileStamp

CHUNK = 8  # files that a thread takes at once, and asks the store about in one go
NO_STAMP = FileStamp(-1, -1)  # of what has none
AHEAD = 8  # chunks that are read or wait for the model: 64 pictures, some 10 MB as a model takes them
WAITED = 0.5  # seconds, after which whoever waits for a chunk is asked whether to go on
THREADS = max(2, min(8, os.cpu_count() or 2))


@dataclass(frozen=True)
class ReadFile:
    """A file that was read; `facts`, and `pixels` (k, size, size, 3) uint8 of k looks at it, unless its content is
    embedded already.

    `content` are the bytes of a file from an address, until they are decoded.
    """

    path: str
    stamp: FileStamp
    content_hash: bytes
    facts: DecodedImageFacts | None = None
    pixels: np.ndarray | None = None
    content: bytes | None = None


@dataclass(frozen=True)
class UnreadFile:
    """A file that was gone when its turn came (`vanished`), or was being written to: the next run reads it."""

    path: str
    vanished: bool


Outcome = ReadFile | FailedEntry | UnreadFile


@dataclass(frozen=True)
class Reader:
    """Reader of image files: preprocessing, and `embedded`, which returns contents that need no decoding.

    A path may be an address: its file is fetched once, and kept until it is decoded.
    """

    crop: str
    image_size: int
    max_megapixels: float
    embedded: Callable[[Collection[bytes]], set[bytes]]
    threads: int = THREADS

    def read_ahead(self, paths: Sequence[str]) -> Iterator[list[Outcome]]:
        """Results of the files in order, a chunk at a time, while the next are being read.

        While nothing is ready, empty lists come twice a second, so that whoever waits can be stopped.
        """
        chunks = iter([paths[start:start + CHUNK] for start in range(0, len(paths), CHUNK)])
        waiting: deque[Future[list[Outcome]]] = deque()
        stopped = threading.Event()
        with ThreadPoolExecutor(self.threads, "read-pictures") as pool:
            try:
                for chunk in chunks:
                    waiting.append(pool.submit(self.read, chunk, stopped))
                    if len(waiting) >= AHEAD:
                        yield from _awaited(waiting.popleft())
                while waiting:
                    yield from _awaited(waiting.popleft())
            finally:
                stopped.set()
                for future in waiting:
                    future.cancel()

    def read(self, paths: Sequence[str], stopped: threading.Event | None = None) -> list[Outcome]:
        """Read these files: hash all, query the store once, decode new contents. No more after `stopped`."""
        stopped = stopped or threading.Event()
        outcomes = [self._fetched(path) if remote.is_remote(path) else self._hashed(path) for path in paths
                    if not stopped.is_set()]
        embedded = self.embedded({outcome.content_hash for outcome in outcomes if isinstance(outcome, ReadFile)})
        return [outcome if not isinstance(outcome, ReadFile) else
                replace(outcome, content=None) if outcome.content_hash in embedded else self._decoded(outcome)
                for outcome in outcomes if not stopped.is_set()]

    def _fetched(self, address: str) -> Outcome:
        """The file at an address with its bytes. StoreError without keys, which no other file would be read with."""
        try:
            current = remote.stamp(address)
            if current is None:
                return UnreadFile(address, vanished=True)
            stamp = file_stamp(current.size, current.mtime_ns)
            content = remote.read(address)
        except StoreError as error:
            if error.kind in ("no_credentials", "no_extra"):
                raise
            if error.kind == "not_there":
                return UnreadFile(address, vanished=True)
            return self._failed(address, NO_STAMP, "unreadable", str(error))
        if len(content) != stamp.size:  # another was put there meanwhile
            return UnreadFile(address, vanished=False)
        return ReadFile(address, stamp, hashlib.sha256(content).digest(), content=content)

    def _hashed(self, path: str) -> Outcome:
        stamp: FileStamp | None = NO_STAMP
        try:
            stamp = stamp_of(path)
            if stamp is None:
                return UnreadFile(path, vanished=True)
            with Path(path).open("rb") as file:
                content_hash = hashlib.file_digest(file, "sha256").digest()
            if stamp_of(path) != stamp:
                return UnreadFile(path, vanished=False)
            return ReadFile(path, stamp, content_hash)
        except FileNotFoundError:
            return UnreadFile(path, vanished=True)
        except OSError as error:
            return self._failed(path, stamp or NO_STAMP, "unreadable",
                                f"{Path(path).name} cannot be read: {error.strerror}.")

    def _decoded(self, file: ReadFile) -> Outcome:
        path = Path(file.path)
        try:
            picture, looks = images.read_looks(path, self.crop, self.image_size, self.max_megapixels, file.content)
            outcome: Outcome = ReadFile(file.path, file.stamp, file.content_hash,
                                        DecodedImageFacts(picture.width, picture.height, picture.taken), looks)
        except ImageError as error:
            outcome = self._failed(file.path, file.stamp, error.kind, str(error))
        if file.content is not None:  # those bytes are what was decoded
            return outcome
        try:
            after = stamp_of(file.path)
        except OSError:  # the share went away after it was read
            return UnreadFile(file.path, vanished=False)
        return outcome if after == file.stamp else UnreadFile(file.path, vanished=after is None)

    def _failed(self, path: str, stamp: FileStamp, kind: str, reason: str) -> FailedEntry:
        return FailedEntry(path, stamp, kind, reason, self.max_megapixels)


def _awaited(chunk: "Future[list[Outcome]]") -> Iterator[list[Outcome]]:
    """Empty lists until the chunk is read, then what became of it."""
    while not wait((chunk,), WAITED).done:
        yield []
    yield chunk.result()
