"""Files that cannot be read, of each kind that people have: one of them never costs its neighbours."""

import errno
import os
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

Bad = Callable[[Path], None]
RATE = 16_000


def empty(path: Path) -> None:
    path.write_bytes(b"")


def folder(path: Path) -> None:
    path.mkdir()


def pipe(path: Path) -> None:
    """Opening it would wait for ever."""
    os.mkfifo(path)


def loop(path: Path) -> None:
    """A link to itself."""
    path.symlink_to(path)


def gone(path: Path) -> None:
    """It is listed, and not there."""


def unknown_coding(path: Path) -> None:
    """A WAV in a coding that no reader knows."""
    _write_sound(path)
    content = bytearray(path.read_bytes())
    content[20:22] = (190).to_bytes(2, "little")  # the format tag
    path.write_bytes(content)


def cut_sound(path: Path) -> None:
    """The header promises more than there is."""
    _write_sound(path)
    path.write_bytes(path.read_bytes()[:9000])


def cut_picture(path: Path) -> None:
    """The half of a picture."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path, format="PNG")
    path.write_bytes(path.read_bytes()[:5000])


def strip(path: Path) -> None:
    """A PNG of a few bytes that says it is 200 000 000 pixels wide and one high."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", 200_000_000, 1, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(1000))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(each) - 4) + each + struct.pack(">I", zlib.crc32(each)) for each in (chunk, data)))


def locked_sound(path: Path) -> None:
    _write_sound(path)
    path.chmod(0)


def locked_picture(path: Path) -> None:
    Image.new("RGB", (40, 40), "red").save(path, format="PNG")
    path.chmod(0)


ANY: Mapping[str, Bad] = {each.__name__: each for each in (empty, folder, pipe, loop, gone)}
SOUNDS: Mapping[str, Bad] = {**ANY, **{each.__name__: each for each in (unknown_coding, cut_sound, locked_sound)}}
PICTURES: Mapping[str, Bad] = {**ANY, **{each.__name__: each for each in (cut_picture, strip, locked_picture)}}
CASES = [("recording", name) for name in SOUNDS] + [("picture", name) for name in PICTURES]


def spoil(path: Path, kind: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a bad "recording" or "picture" in the place of a file; a lock holds for root as well."""
    path.unlink()
    (SOUNDS if kind == "recording" else PICTURES)[name](path)
    if name.startswith("locked"):
        _refuse(path, monkeypatch)


def _refuse(locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def refusing(self: Path, *args: object, **more: object) -> object:
        if self == locked:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))
        return opened(self, *args, **more)

    monkeypatch.setattr(Path, "open", refusing)


def _write_sound(path: Path) -> None:
    soundfile.write(path, 0.3 * np.sin(np.arange(RATE) / 9), RATE, format="WAV")
