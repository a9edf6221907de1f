"""Length of sound that the header of a WAV, RF64, W64, AIFF or CAF file declares, and repairs where it is unknown.

A recorder that writes into a pipe, or that died, leaves a placeholder in the header: 0, the largest number there is, or
the length of its last save. The sound then reaches to the end of the file. libsndfile believes the header, so it is
shown a file whose header has been put right; the file on the disk stays as it is.
"""

import io
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

UNKNOWN = 0x7FFFF000  # bytes; a header that promises as much and does not hold it promised nothing
SLACK = 1600  # bytes that may be missing: broken off in the last 0.05 s is not worth a word
MOST_CHUNKS = 1000  # before the sound; a header of more is no header
TAGS = (b"LIST", b"ID3", b"id3 ", b"TAG", b"APP", b"APIC")  # what may follow the sound, even cut off
W64_GUID = bytes.fromhex("f3acd3118cd100c04f8edb8a")  # ends the names of W64's chunks but the first


@dataclass(frozen=True)
class Lengths:
    """Bytes of sound that the header declares and that the file holds.

    `repairs` are the bytes, by their place in the file, that the header should have; {} when it can be believed.
    """

    promised: int
    held: int
    repairs: Mapping[int, bytes] = field(default_factory=dict)

    @property
    def cut_off(self) -> bool:
        """Whether the file ends before the sound that its header promises."""
        return not self.repairs and self.promised > self.held + SLACK


@dataclass(frozen=True)
class _Layout:
    """Chunk layout of a file format: a name, then a length in `size` format that counts `counted` too."""

    first: int  # where the first chunk begins
    name: int  # bytes of a chunk's name, of which four tell
    size: str
    align: int
    counted: int = 0  # bytes of the chunk's head within its length
    sound: bytes = b"data"
    lead: int = 0  # bytes between the chunk's head and the sound, within its length


_LAYOUTS = {
    b"RIFF": _Layout(12, 4, "<I", 2), b"RF64": _Layout(12, 4, "<I", 2), b"riff": _Layout(40, 16, "<q", 8, 24),
    b"FORM": _Layout(12, 4, ">I", 2, 0, b"SSND", 8), b"caff": _Layout(8, 4, ">q", 1, 0, b"data", 4),
}


def lengths_of(path: Path) -> Lengths | None:
    """Lengths of a file's sound; None for other formats, or without sound. OSError."""
    with path.open("rb") as file:
        layout = _LAYOUTS.get(file.read(4))
        return _lengths(file, layout) if layout else None


class Repaired(io.RawIOBase):
    """A file, read with some of its bytes replaced."""

    def __init__(self, path: Path, repairs: Mapping[int, bytes]) -> None:
        self._file = path.open("rb")
        self._repairs = repairs

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a place in the file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Position of the next byte."""
        return self._file.tell()

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer with bytes as they should be; how many there were."""
        start = self._file.tell()
        found = self._file.readinto(buffer)
        view = memoryview(buffer).cast("B")
        for place, right in self._repairs.items():
            for at, byte in enumerate(right, place - start):
                if 0 <= at < found:
                    view[at] = byte
        return int(found)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def _lengths(file: BinaryIO, layout: _Layout) -> Lengths | None:
    end = os.fstat(file.fileno()).st_size
    wide, frames = 0, 0  # where RF64 keeps the true length, and AIFF the count of frames
    at = layout.first
    for _ in range(MOST_CHUNKS):
        name, size = _chunk(file, layout, at)
        body = at + layout.name + struct.calcsize(layout.size)
        if name == b"ds64":
            wide = body + 8
        elif name == b"COMM":
            frames = body + 2
        elif name == layout.sound:
            return _judged(file, layout, body, end, wide, frames)
        if not name or size < 0 or body >= end:
            return None
        at = body + size + -size % layout.align
    return None


def _judged(file: BinaryIO, layout: _Layout, body: int, end: int, wide: int, frames: int) -> Lengths:
    """The lengths of the sound whose chunk's content begins at `body`."""
    size_at, kind = body - struct.calcsize(layout.size), layout.size
    _, promised = _chunk(file, layout, size_at - layout.name)
    if wide and promised == 0xFFFFFFFF:
        size_at, kind = wide, "<q"
        file.seek(wide)
        promised, = struct.unpack("<q", file.read(8))
    held = end - body
    placeholder = (promised < 0 or (promised > held and promised >= UNKNOWN)
                   or (promised < held and not _explained(file, layout, body + promised, end)))
    if not placeholder or held <= layout.lead:
        return Lengths(promised, held)
    largest = 2 ** (8 * struct.calcsize(kind) - ("q" in kind)) - 1
    repairs = {size_at: struct.pack(kind, min(held + layout.counted, largest))}
    if frames:
        repairs[frames] = bytes(4)  # libsndfile then counts them itself
    return Lengths(promised, held, repairs)


def _chunk(file: BinaryIO, layout: _Layout, at: int) -> tuple[bytes, int]:
    """The name of the chunk at a place, and the bytes of its content; (b"", 0) past the end."""
    file.seek(at)
    width = struct.calcsize(layout.size)
    head = file.read(layout.name + width)
    if len(head) < layout.name + width:
        return b"", 0
    size, = struct.unpack(layout.size, head[layout.name :])
    return head[:4], int(size) - layout.counted


def _explained(file: BinaryIO, layout: _Layout, at: int, end: int) -> bool:
    """Whether what follows the sound is a chunk, a tag or padding, and not more of the sound."""
    if end - at <= SLACK // 10:
        return True
    for start in {at, at + -at % layout.align}:
        name, size = _chunk(file, layout, start)
        if name.startswith(TAGS):
            return True
        if name.isascii() and name.decode("latin-1").isprintable() and 0 <= size <= end - start:
            return True
    return False
