"""Copy image files into another folder."""

import errno
import os
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import uuid4

from core import images
from core.errors import ImageError
from core.file_names import readable_name, safe_name
from core.localisation import _
from core.progress import JobCancelled, Progress, Report, WorkStep, silent
from core.remote import is_remote
from core.store.records import ImageRecord

Clash = Literal["keep", "replace", "skip"]  # what becomes of a copy whose name is taken: "name (2).jpg", or these
LONGEST = 255  # bytes of a name
CHUNK = 1 << 20  # bytes between two reports
FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class CopyPlan:
    """Images to copy into a folder; `clashes` counts the names that are taken there by other files."""

    images: tuple[ImageRecord, ...]
    folder: Path
    clashes: int


@dataclass(frozen=True)
class CopiedFiles:
    """Result of copying: `skipped` were there before; `failed` has a sentence on each that could not be copied;
    `stopped`: the others were not tried. `renamed` of the copied ones had names that are not UTF-8, which other
    programs cannot read, and got others (`readable_name`).
    """

    folder: Path
    copied: int
    skipped: int
    failed: tuple[str, ...]
    stopped: bool = False
    renamed: int = 0


def plan_copy(chosen: Sequence[ImageRecord], folder: Path) -> CopyPlan:
    """Check that images can be copied into a folder. ImageError: no_folder, read_only, disk_full."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        kind = "read_only" if folder.is_dir() else "no_folder"
        raise ImageError(_("Nothing can be written into {folder}: {strerror}. Nothing was copied; choose another "
                           "folder.").format(folder=folder, strerror=error.strerror or error), kind) from error
    needed = sum(image.size for image in chosen)
    if needed > free:
        raise ImageError(_("These pictures take {needed:.2f} GB, and {folder} has room for {free:.2f} GB. Nothing was "
                           "copied; make room, or choose another folder.").format(needed=needed / 1000000000.0,
                                                                                  folder=folder,
                                                                                  free=free / 1000000000.0),
                         "disk_full")
    taken = [path for image in chosen if os.path.lexists(path := folder / _name(image))
             and not _is_same(image.path, path)]
    return CopyPlan(tuple(chosen), folder, len(set(taken)))


def copy_files(plan: CopyPlan, clash: Clash = "keep", report: Report = silent) -> CopiedFiles:
    """Copy pictures with their times. Each is written under a temporary name first, so none is ever there in part.

    Images of one name are all kept, whatever `clash` is of the files that were there before. Pictures at addresses
    are fetched. One that fails does not end the others, a full disk does. After a cancellation the result is of what
    was copied until then.
    """
    copier = _Copier(plan, clash, report)
    failed, stopped = [], False
    try:
        for number, image in enumerate(plan.images):
            try:
                copier.copy(image, number)
            except ImageError as error:
                failed.append(str(error))
            except OSError as error:
                failed.append(f"{image.path.name} could not be copied: {error.strerror or error}.")
                if error.errno in FULL:
                    left = len(plan.images) - number - 1
                    failed += [f"{left} more were not copied, since the disk is full."] * (left > 0)
                    break
    except JobCancelled:
        stopped = True
    return CopiedFiles(plan.folder, copier.copied, copier.skipped, tuple(failed), stopped,
                       copier.renamed)


class _Copier:
    """Copies one image after the other, and keeps count."""

    def __init__(self, plan: CopyPlan, clash: Clash, report: Report) -> None:
        self._plan, self._clash, self._report = plan, clash, report
        self._own: set[str] = set()  # names of copies, as file systems without regard to case compare them
        self._sources = {identity for image in plan.images if (identity := _identity(image.path))}
        self._all_bytes = max(1, sum(image.size for image in plan.images))
        self._bytes = 0
        self.copied = self.skipped = self.renamed = 0

    def copy(self, image: ImageRecord, number: int) -> None:
        before = self._bytes
        self._tell(number)
        try:
            name = _name(image)
            target = self._plan.folder / name
            replaced = False
            if os.path.lexists(target):
                chosen = _identity(target) in self._sources and not _is_same(image.path, target)
                mine = chosen or _folded(name) in self._own  # a picture that was chosen too is never replaced
                if not mine and (self._clash == "skip" or (self._clash == "replace" and _is_same(image.path, target))):
                    self.skipped += 1
                    return
                replaced = self._clash == "replace" and not mine
                if not replaced:
                    target = _free(self._plan.folder, name)
            self._write(image, number, target, replaced)
            self._own.add(_folded(target.name))
            self.copied += 1
            self.renamed += readable_name(image.path.name) != image.path.name
        finally:
            self._bytes = before + image.size

    def _write(self, image: ImageRecord, number: int, target: Path, replaced: bool) -> None:
        with _staged(target, replaced) as staged:
            if is_remote(image.path):
                staged.write_bytes(images.fetched(image.path))
                os.utime(staged, (image.mtime, image.mtime))
                return
            with image.path.open("rb") as source, staged.open("wb") as made:
                while chunk := source.read(CHUNK):
                    made.write(chunk)
                    self._bytes += len(chunk)
                    self._tell(number)
            with suppress(OSError):  # a file system without rights of this kind
                shutil.copystat(image.path, staged)

    def _tell(self, number: int) -> None:
        self._report(Progress(WorkStep.COPYING, number, len(self._plan.images),
                              share=min(1.0, self._bytes / self._all_bytes)))


def _name(image: ImageRecord) -> str:
    return safe_name(readable_name(image.path.name), LONGEST)


@contextmanager
def _staged(target: Path, replaced: bool) -> Iterator[Path]:
    """A temporary file that takes the target's name at the end, or is deleted."""
    staged = target.with_name(f".{uuid4().hex}.part")
    try:
        yield staged
        if replaced:
            staged.replace(target)
        else:
            _publish(staged, target)
    finally:
        with suppress(OSError):
            staged.unlink(missing_ok=True)


def _publish(staged: Path, target: Path, link: Callable[[Path, Path], object] = os.link) -> None:
    """Rename a file, and never over one that another program wrote meanwhile, where the file system can do that."""
    try:
        link(staged, target)
    except FileExistsError:
        raise
    except OSError:  # no links there
        staged.rename(target)


def _free(folder: Path, name: str) -> Path:
    plain = Path(name)
    number, made = 1, folder / name
    while os.path.lexists(made):
        number += 1
        made = folder / safe_name(f"{plain.stem} ({number}){plain.suffix}", LONGEST)
    return made


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and number of a file, which tell it whatever its name; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_same(path: Path, other: Path) -> bool:
    try:
        return os.path.samefile(path, other)  # noqa: PTH121
    except OSError:
        return False
