"""Files that lie in others (Parquet, tar), unpacked once into the caches, where they are files like any.

The rows of a container are kept beside its files, so that it is opened once. A container is known by its size, its time
of change and its two ends; a folder that was moved is not unpacked again. Files are named by their content: a picture
that is repeated for each of its captions lies there once.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import caches, plain_json, private_files
from core.datasets.draft import RECORDING_SUFFIXES
from core.datasets.problems import Problems
from core.errors import DatasetError
from core.home import find_home
from core.images import IMAGE_SUFFIXES
from core.localisation import _
from core.progress import Progress, Report, WorkStep

KIND = "unpacked"  # folder below the caches
ROWS = "rows.json"
FORMAT = 1
END = 1 << 16  # bytes at each end of a container that its key is made of
DIGITS = 32
RESERVE = 1 << 28  # bytes of the disk that are left free
MAGIC = ((0, b"\xff\xd8\xff", ".jpg"), (0, b"\x89PNG", ".png"), (0, b"GIF8", ".gif"), (8, b"WEBP", ".webp"),
         (8, b"WAVE", ".wav"), (0, b"fLaC", ".flac"), (0, b"OggS", ".ogg"), (0, b"ID3", ".mp3"),
         (0, b"\xff\xfb", ".mp3"), (8, b"avif", ".avif"), (8, b"heic", ".heic"), (4, b"ftyp", ".m4a"),
         (0, b"II*\0", ".tif"), (0, b"MM\0*", ".tif"), (8, b"AIFF", ".aiff"), (0, b"\x1aE\xdf\xa3", ".webm"),
         (0, b"BM", ".bmp"))


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file in a container: its name there ("" without one) and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class PackedRow:
    """One row or sample of a container. `where` names it in problems."""

    where: str
    values: Mapping[str, str]
    files: Mapping[str, PackedFile]


@dataclass(frozen=True, slots=True)
class UnpackedFile:
    """A file in the caches, and its name in the container."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class UnpackedRow:
    """One row or sample of a container whose files lie in the caches."""

    where: str
    values: Mapping[str, str]
    files: Mapping[str, UnpackedFile]


@dataclass(frozen=True)
class Container:
    """A file that holds others: `nbytes` is what it takes unpacked; `rows` reads it and notes what is wrong."""

    path: Path
    nbytes: int
    rows: Callable[[Problems], Iterator[PackedRow]]


def unpack(container: Container, problems: Problems, report: Report) -> Iterator[UnpackedRow]:
    """The container's rows; its files are written into the caches unless they are there.

    DatasetError: space (the disk has no room), not_unpacked (the caches cannot be written).
    """
    try:
        folder = find_home().caches / KIND / _key(container.path)
        kept = _kept(folder)
        if kept is None:
            _make_room(container, folder)
            private_files.make_folder(folder)
            kept = _write(container, folder, report)
    except OSError as error:
        raise DatasetError(_("{name} could not be unpacked into the caches: {strerror}. The dataset is as it was; "
                             "free some space or choose another folder for the caches, and open it again.").format(
                                 name=container.path.name, strerror=error.strerror or error), "not_unpacked") from error
    for key, item in kept["problems"]:
        problems.add(key, item)
    for where, values, files in kept["rows"]:
        yield UnpackedRow(where, values, {column: UnpackedFile(name, folder / own)
                                          for column, (name, own) in files.items()})


def keep(file: PackedFile, folder: Path) -> Path:
    """The file in a folder that is there, named by its content; written unless it is there. OSError."""
    path = folder / (hashlib.sha256(file.content).hexdigest()[:DIGITS] + suffix_of(file))
    if not path.exists():
        private_files.write_atomically(path, file.content, durable=False)
    return path


def suffix_of(file: PackedFile) -> str:
    """The suffix that a packed file's name or first bytes give it; ".bin" where neither is known."""
    named = Path(file.name.replace("\\", "/")).suffix.lower()
    if named in IMAGE_SUFFIXES or named in RECORDING_SUFFIXES:
        return named
    return next((suffix for start, magic, suffix in MAGIC if file.content[start:start + len(magic)] == magic), ".bin")


def media(files: Mapping[str, UnpackedFile], order: Mapping[str, tuple[str, ...]]) -> dict[str, UnpackedFile]:
    """The file that is the "image" and the one that is the "recording", by their suffixes.

    Of several of a sort the first of `order` counts, else the first.
    """
    chosen = {}
    for purpose, suffixes in (("image", IMAGE_SUFFIXES), ("recording", RECORDING_SUFFIXES)):
        fitting = {column.lower(): file for column, file in files.items() if file.path.suffix in suffixes}
        if fitting:
            column = next((name for name in order[purpose] if name in fitting), next(iter(fitting)))
            chosen[purpose] = fitting[column]
    return chosen


def _key(path: Path) -> str:
    """Hash of a container's size, time of change and ends. OSError."""
    status = path.stat()
    digest = hashlib.sha256(f"{FORMAT} {status.st_size} {status.st_mtime_ns}".encode())
    with path.open("rb") as file:
        digest.update(file.read(END))
        file.seek(max(0, status.st_size - END))
        digest.update(file.read(END))
    return digest.hexdigest()[:DIGITS]


def _kept(folder: Path) -> dict[str, Any] | None:
    """The rows of a container that was unpacked, if all of its files are still there; they count as used now."""
    try:
        kept: dict[str, Any] = plain_json.loads((folder / ROWS).read_bytes())
        needed = {own for _unused, _unused, files in kept["rows"] for _unused, own in files.values()}
        if not needed <= {path.name for path in folder.iterdir()}:
            return None
        for name in (ROWS, *needed):
            caches.touch(folder / name)
    except (OSError, *plain_json.DAMAGE):
        return None
    return kept


def _make_room(container: Container, folder: Path) -> None:
    """DatasetError ("space") where the disk of the caches has no room for the container's files."""
    place = next(path for path in folder.parents if path.exists())
    free = shutil.disk_usage(place).free - RESERVE
    if container.nbytes > free:
        raise DatasetError(_("Unpacking {name} takes {nbytes:.1f} GB, and the disk of the caches ({place}) has "
                             "{max:.1f} GB to spare. Nothing was unpacked; free some space there, and open the "
                             "dataset again.").format(name=container.path.name, nbytes=container.nbytes / 1000000000.0,
                                                      place=place, max=max(free, 0) / 1000000000.0), "space")


def _write(container: Container, folder: Path, report: Report) -> dict[str, Any]:
    problems, rows = Problems(), []
    for done, row in enumerate(container.rows(problems)):
        if done % 100 == 0:
            report(Progress(WorkStep.UNPACKING_DATASET, done, subject=container.path.name))
        files = {}
        for column, file in row.files.items():
            files[column] = (file.name, keep(file, folder).name)
        rows.append((row.where, dict(row.values), files))
    kept = {"problems": [(problem.key, item) for problem in problems.found() for item in problem.items], "rows": rows}
    private_files.write_atomically(folder / ROWS, json.dumps(kept).encode(), durable=False)
    return kept
