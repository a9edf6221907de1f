"""Duplicates that go to the bin, each checked right before: its kept file is another one, and both are as indexed."""

import hashlib
import stat
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.duplicates.files import identity
from core.galleries import removal
from core.galleries.gallery import Gallery
from core.galleries.removal import Bin, BinResult
from core.progress import Report, silent
from core.remote import is_remote
from core.store.records import ImageRecord

MTIME_S = 1e-5  # difference of two equal times, kept as floats
_one_at_a_time = threading.Lock()  # a check and its move: two jobs never take each other's kept file


@dataclass(frozen=True)
class GroupChoice:
    """Choice for a group: the file to keep, and the spare ones."""

    kept: ImageRecord
    spare: tuple[ImageRecord, ...]

    @property
    def ids(self) -> frozenset[int]:
        """Ids of all files of the group."""
        return frozenset(image.id for image in (self.kept, *self.spare))


@dataclass(frozen=True)
class Cleared:
    """Result of clearing groups: what became of the spare files, and how many were `left` by the check."""

    result: BinResult
    left: int


def clear(gallery: Gallery, choices: Sequence[GroupChoice], to_bin: Bin, report: Report = silent) -> Cleared:
    """Move the spare files to the bin as `removal.move_to_bin`, but for those that fail the check.

    The kept file must be another file, and both must have the size, the time and the SHA-256 that were indexed.
    """
    checked = _CheckedBin(choices, to_bin)
    result = removal.move_to_bin(gallery, [image for choice in choices for image in choice.spare], checked, report)
    return Cleared(result, checked.left)


class _CheckedBin:
    """A bin that takes spare files after a check, and counts those that are `left`."""

    def __init__(self, choices: Sequence[GroupChoice], to_bin: Bin) -> None:
        self.left = 0
        self._pairs = {image.path: (image, choice.kept) for choice in choices for image in choice.spare}
        self._to_bin = to_bin
        self._whole: tuple[int, ...] = ()  # the kept file that was read last, unless it changed since

    def __call__(self, path: Path) -> Path | None:
        image, kept = self._pairs[path]
        with _one_at_a_time:
            problem = self._problem(image, kept)
            if not problem:
                return self._to_bin(path)
        self.left += 1
        raise OSError(problem)

    def _problem(self, image: ImageRecord, kept: ImageRecord) -> str:
        """Why the image must not go; "" if it may."""
        if identity(image.path) == identity(kept.path):
            return "it is the same file as the one to keep"
        if not _facts(image) or not _is_whole(image):
            return "it changed since it was indexed"
        facts = _facts(kept)
        if not facts or (facts != self._whole and not _is_whole(kept)):
            return f"the one to keep, {kept.path.name}, changed since it was indexed, or is gone"
        self._whole = facts
        return ""


def _facts(image: ImageRecord) -> tuple[int, ...]:
    """Stamp of the image's file; () when it is not there with the size and the time of its record."""
    if is_remote(image.path):
        return ()
    try:
        status = image.path.stat()
    except (OSError, ValueError):
        return ()
    same = (stat.S_ISREG(status.st_mode) and status.st_size == image.size
            and abs(status.st_mtime - image.mtime) < MTIME_S)
    return (image.id, status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns) if same else ()


def _is_whole(image: ImageRecord) -> bool:
    """Whether the file has the content that was indexed."""
    try:
        with image.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == image.content_hash
    except OSError:
        return False
