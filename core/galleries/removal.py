"""Remove pictures from a gallery, or move their files to the bin; both can be undone.

A removed picture keeps its row, tags, rating and embeddings, and its file stays: the gallery leaves it out, also when
it is indexed again, until it is restored or indexed by its own path. A picture whose file went to the bin is missing,
as one that was deleted elsewhere: it is there again when its file is.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import BrewclipError, StoreError
from core.fingerprint import Fingerprint
from core.galleries.gallery import Gallery
from core.progress import JobCancelled, Progress, Report, WorkStep, silent
from core.remote import is_remote, shown
from core.store.file_stamps import remote_stamp, stamp_of
from core.store.records import REMOVED, FileStamp, ImageRecord, removal_of

BATCH = 1000  # images of one write
Bin = Callable[[Path], Path | None]
"""Moves a file to the system's bin: its path there, None where the system does not tell. OSError with a sentence."""


@dataclass(frozen=True)
class BinnedPicture:
    """A picture whose file is in the bin: its record as it was, and the path of the file there, if known."""

    image: ImageRecord
    place: Path | None


@dataclass(frozen=True)
class BinResult:
    """Result of moving files to the bin: `failed` has a sentence on each that stayed; `stopped`: not all were tried."""

    binned: tuple[BinnedPicture, ...]
    failed: tuple[str, ...]
    stopped: bool = False


@dataclass(frozen=True)
class PutBackResult:
    """Result of putting files back: the ids of the images that are in the gallery again, what is `left` in the bin, and
    a sentence on each file that could not be put back.
    """

    image_ids: tuple[int, ...]
    left: tuple[BinnedPicture, ...]
    failed: tuple[str, ...]


@dataclass(frozen=True)
class RestoreResult:
    """Result of taking removed images back: how many are in the gallery again, and how many `changed` meanwhile, which
    its next update reads.
    """

    restored: int
    changed: int = 0

    @property
    def words(self) -> str:
        """A sentence on the changed ones; "" without any."""
        if not self.changed:
            return ""
        one = self.changed == 1
        return (f"{'1 file' if one else f'{self.changed} files'} changed meanwhile: update the gallery to read "
                f"{'it' if one else 'them'}.")


def remove(gallery: Gallery, images: Sequence[ImageRecord]) -> None:
    """Remove images from the gallery; their files stay."""
    for start in range(0, len(images), BATCH):
        gallery.record(Fingerprint("", ""), [], [
            removal_of(str(image.path), FileStamp(image.size, round(image.mtime * 1e9)))
            for image in images[start:start + BATCH]])


def removed(gallery: Gallery) -> list[str]:
    """Paths of the removed images, sorted."""
    return sorted(path for folder in gallery.state().gallery.folders
                  for path, failure in gallery.known_failures(folder).items() if failure.kind == REMOVED)


def restore(gallery: Gallery, paths: Sequence[str]) -> RestoreResult:
    """Take removed images back into the gallery.

    One whose file is gone stays missing. One whose file has changed since it was indexed stays missing too, for its
    embedding is of the old file: the gallery's next update reads it.
    """
    wanted = set(paths)
    known = {path: image for folder in gallery.state().gallery.folders
             for path, image in gallery.known_images("", folder).items() if path in wanted and image.missing}
    stamps = {path: _stamp(path) for path in known}
    there = [image.id for path, image in known.items() if stamps[path] == image.stamp]
    changed = sum(stamps[path] not in (None, image.stamp) for path, image in known.items())
    gallery.drop_failures(paths)
    gallery.mark(there, missing=False)
    return RestoreResult(len(there), changed)


def _stamp(path: str) -> FileStamp | None:
    """Stamp of a file; None where there is none, or it cannot be reached."""
    try:
        return remote_stamp(path) if is_remote(path) else stamp_of(path)
    except (OSError, BrewclipError):
        return None


def move_to_bin(gallery: Gallery, images: Sequence[ImageRecord], to_bin: Bin, report: Report = silent) -> BinResult:
    """Move the files of images to the bin; the images become missing in the gallery, with their tags and ratings.

    The gallery comes first: one that cannot be written to loses no file (StoreError). A file that cannot be moved
    stays, in the gallery too. After a cancellation the result is of what was moved until then.
    """
    failed = [f"{image.path.name} is stored at {shown(image.path.parent)}, where there is no bin. It can be removed "
              "from the gallery." for image in images if is_remote(image.path)]
    here = [image for image in images if not is_remote(image.path)]
    gallery.mark([image.id for image in here], missing=True)
    binned: list[BinnedPicture] = []
    gone: set[int] = set()
    stopped = False
    try:
        for number, image in enumerate(here):
            report(Progress(WorkStep.BINNING, number, len(here)))
            if not os.path.lexists(image.path):
                gone.add(image.id)
                failed.append(f"{image.path.name} is not in {image.path.parent} any more.")
                continue
            try:
                binned.append(BinnedPicture(image, to_bin(image.path)))
            except OSError as error:
                failed.append(f"{image.path.name} stays where it is: {error.strerror or error}.")
    except JobCancelled:
        stopped = True
    finally:
        left = {image.id for image in here} - gone - {one.image.id for one in binned}
        failed += _marked(gallery, sorted(left))
    return BinResult(tuple(binned), tuple(failed), stopped)


def put_back(gallery: Gallery, binned: Sequence[BinnedPicture], report: Report = silent) -> PutBackResult:
    """Move files from the bin to where they were, without overwriting any, and their images into the gallery again.

    After a cancellation the result is of what was put back until then. A gallery that cannot be written to is among
    what `failed`: its next update finds the files.
    """
    back: dict[int, None] = {}
    failed: list[str] = []
    try:
        for number, one in enumerate(binned):
            report(Progress(WorkStep.PUTTING_BACK, number, len(binned)))
            try:
                _put_back(one)
                back[one.image.id] = None
            except OSError as error:
                failed.append(f"{one.image.path.name} was not put back: {error.strerror or error}.")
    except JobCancelled:
        pass
    finally:
        elsewhere = {image.id for image in gallery.images(list(back))  # its row went to a file of the same content
                     if image.path != next(one.image.path for one in binned if one.image.id == image.id)}
        failed += [f"{one.image.path.name} is at its place; update the gallery to see it there." for one in binned
                   if one.image.id in elsewhere]
        failed += _marked(gallery, [image_id for image_id in back if image_id not in elsewhere])
    return PutBackResult(tuple(back), tuple(one for one in binned if one.image.id not in back), tuple(failed))


def _marked(gallery: Gallery, image_ids: Sequence[int]) -> list[str]:
    """Mark images as there; a sentence where that failed: what was done with the files must not be lost."""
    try:
        gallery.mark(image_ids, missing=False)
    except StoreError as error:
        return [f"The gallery {gallery.name} could not be written to: {error} Its next update finds these pictures."]
    return []


def _put_back(binned: BinnedPicture) -> None:
    path, place = binned.image.path, binned.place
    if place is None or not place.is_absolute() or (place.is_dir() and not place.is_symlink()):
        raise OSError("where the bin has it is not known; put it back by hand")
    if not os.path.lexists(place):
        raise OSError("it is not in the bin any more")
    if os.path.lexists(path):
        raise OSError(f"another file is at {path} now")
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(place, path)
    if place.parent.name == "files":  # a bin of freedesktop.org: what it noted of the file
        (place.parent.parent / "info" / f"{place.name}.trashinfo").unlink(missing_ok=True)
    elif place.name.startswith("$R"):  # of Windows
        place.with_name(f"$I{place.name[2:]}").unlink(missing_ok=True)
