"""Arrays on disk by key, appended and memory-mapped: what is computed once and read often.

A folder of shards, held (`core.caches.hold`) by whoever reads or writes it. Each writer has a shard of its own,
`NAME.bin` with the numbers and `NAME.jsonl` with one line an entry, so that any number of processes may write at once
and a killed one loses only what it had not yet flushed: an entry counts once its whole line is there and its numbers
are. Nothing is ever changed in place.
"""

import json
import mmap
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import caches, plain_json, private_files
from core.errors import StoreError
from core.localisation import _

ALIGNED = 64  # bytes: where each entry begins
FLUSHED_EVERY = 16  # entries: what a kill may cost
Arrays = tuple[NDArray[Any], ...]


@dataclass(frozen=True, slots=True)
class _EntryLocation:
    """Location of an entry's arrays: shard, first byte, and the type and shape of each array."""

    shard: str
    start: int
    kinds: tuple[tuple[str, tuple[int, ...]], ...]


class ArrayStore:
    """Arrays by key in one folder. Reading is thread-safe; `refresh` finds what other processes have written since."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._places: dict[str, _EntryLocation] = {}
        self._maps: dict[str, mmap.mmap] = {}
        self._read_to: dict[str, int] = {}
        self._hold: caches.Hold | None = None
        self.refresh()

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    @property
    def nbytes(self) -> int:
        """Bytes of all shards on disk."""
        return sum(path.stat().st_size for path in self.folder.glob("*.bin"))

    def get(self, key: str) -> Arrays:
        """The arrays of an entry, read-only and mapped: nothing is read before it is used. KeyError."""
        place = self._places[key]
        parts, offset = [], place.start
        for kind, shape in place.kinds:
            size = int(np.prod(shape)) * np.dtype(kind).itemsize
            parts.append(np.frombuffer(self._mapped(place.shard, offset + size), np.dtype(kind),
                                       int(np.prod(shape)), offset).reshape(shape))
            offset = _aligned(offset + size)
        return tuple(parts)

    def shape(self, key: str) -> tuple[tuple[int, ...], ...]:
        """The shapes of an entry's arrays. KeyError."""
        return tuple(shape for _unused, shape in self._places[key].kinds)

    def present(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys that have an entry."""
        return {key for key in keys if key in self._places}

    def refresh(self) -> None:
        """Read the lines that were added since. A line that is not whole, or whose numbers are missing, is left."""
        self._hold = self._hold or caches.hold(self.folder)
        if self._hold is not None:
            self._hold.touch()
        for path in sorted(self.folder.glob("*.jsonl")):
            start = self._read_to.get(path.stem, 0)
            if _size(path) <= start:
                continue
            with path.open("rb") as file:
                file.seek(start)
                added = file.read()
            whole = added[:added.rfind(b"\n") + 1]
            self._read_to[path.stem] = start + len(whole)
            size = _size(path.with_suffix(".bin"))
            for line in whole.splitlines():
                self._add(path.stem, line, size)

    @contextmanager
    def writer(self) -> "Iterator[Writer]":
        """A writer with a shard of its own; what it added is there when the block ends, however it ends.

        StoreError ("full", "not_written") when it cannot be written; what was flushed before stays.
        """
        writer = Writer(self.folder)
        try:
            yield writer
        finally:
            try:
                writer.close()
            finally:
                self.refresh()

    def _add(self, shard: str, line: bytes, size: int) -> None:
        try:
            entry = plain_json.loads(line)
            place = _EntryLocation(shard, entry["start"],
                                   tuple((kind, tuple(shape)) for kind, shape in entry["arrays"]))
            if entry["end"] <= size:
                self._places.setdefault(entry["key"], place)
        except plain_json.DAMAGE:  # a line of a crash, or of another program
            return

    def _mapped(self, shard: str, end: int) -> mmap.mmap:
        mapped = self._maps.get(shard)
        if mapped is None or len(mapped) < end:
            with (self.folder / f"{shard}.bin").open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._maps[shard] = mapped
        return mapped


class Writer:
    """Adds entries to one new shard. The shard's files come with the first entry."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._name = folder, uuid.uuid4().hex
        self._numbers: Any = None
        self._lines: list[str] = []
        self._written: set[str] = set()
        self._hold: caches.Hold | None = None

    def add(self, key: str, arrays: Sequence[NDArray[Any]]) -> None:
        """Append an entry, unless this writer has added one of that key. StoreError: full, not_written."""
        if key in self._written:
            return
        try:
            if self._numbers is None:
                private_files.make_folder(self._folder, private=False)
                self._hold = caches.hold(self._folder)
                self._numbers = (self._folder / f"{self._name}.bin").open("wb")
                private_files.inherit(self._folder / f"{self._name}.bin")
            start = self._numbers.tell()
            for array in arrays:
                self._numbers.write(np.ascontiguousarray(array).tobytes())
                self._numbers.write(b"\0" * (_aligned(self._numbers.tell()) - self._numbers.tell()))
            kinds = [(array.dtype.str, array.shape) for array in arrays]
            self._lines.append(json.dumps({"key": key, "start": start, "end": self._numbers.tell(), "arrays": kinds}))
            self._written.add(key)
            if len(self._lines) >= FLUSHED_EVERY:
                self.flush()
        except OSError as error:
            raise _not_written(error) from error

    def flush(self) -> None:
        """Have all that was added on disk: first the numbers, then the lines that name them. StoreError as `add`."""
        if self._numbers is None or not self._lines:
            return
        try:
            self._numbers.flush()
            os.fsync(self._numbers.fileno())
            with (self._folder / f"{self._name}.jsonl").open("a", encoding="utf-8") as file:
                private_files.inherit(self._folder / f"{self._name}.jsonl")
                file.write("".join(f"{line}\n" for line in self._lines))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _not_written(error) from error
        self._lines.clear()

    def close(self) -> None:
        """Flush and close. StoreError as `add`."""
        try:
            self.flush()
        finally:
            if self._numbers is not None:
                with _ignored_full_disk():
                    self._numbers.close()
                self._numbers = None


@contextmanager
def _ignored_full_disk() -> Iterator[None]:
    """Closing a file flushes what a full disk refused before; that has been told already."""
    try:
        yield
    except OSError:
        return


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNED) * ALIGNED


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _not_written(error: OSError) -> StoreError:
    kind = "full" if error.errno == 28 else "not_written"
    return StoreError(_("The cache could not be written: {strerror}. What was computed before is kept; make room, "
                        "then go on.").format(strerror=error.strerror or error), kind)
