"""Differences between a gallery and its folders, found without reading a picture: what the next indexing would do."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from core.galleries.gallery import Gallery
from core.indexing.exclusions import Exclusions
from core.indexing.scan import scan
from core.progress import Report, silent
from core.remote import is_remote
from core.store.records import REMOVED, FileStamp
from core.store.repository import is_in_folder

SETTLED_S = 2.0  # a file that changed later may be half-written
MANY_GONE = 20  # pictures; that many and half of the gallery look like a drive that is away


@dataclass(frozen=True)
class FolderChanges:
    """Numbers of pictures that are new, changed and gone since the gallery was indexed.

    `settling` counts files that changed within the last seconds and may be half-written; they are not among the others.
    `away` are folders that cannot be reached or are empty now: what the gallery holds of them counts as there.
    `digest` differs for other pictures or stamps; `revision` is the gallery's at that moment.
    """

    new: int = 0
    changed: int = 0
    gone: int = 0
    settling: int = 0
    away: tuple[Path, ...] = ()
    images: int = 0
    digest: str = ""
    revision: str = ""

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.gone)

    @property
    def many_gone(self) -> bool:
        """Whether so many are gone that a person should look first."""
        return self.gone >= MANY_GONE and 2 * self.gone >= self.images


def pending_changes(gallery: Gallery, exclude: Exclusions = Exclusions(), report: Report = silent,
                    now: float | None = None) -> FolderChanges:
    """Compare the gallery with its folders on this computer. Files that failed and are unchanged count as known,
    and so do removed ones.

    StoreError; JobCancelled.
    """
    revision = gallery.revision("")
    state = gallery.state()
    latest = int(((time.time() if now is None else now) - SETTLED_S) * 1e9)
    new: dict[str, FileStamp] = {}
    changed: dict[str, FileStamp] = {}
    gone: set[str] = set()
    away, settling = [], 0
    for folder in local_folders(state.gallery.folders):
        found = scan(folder, report, exclude)
        known = gallery.known_images("", folder)
        failures = gallery.known_failures(folder)
        present = {path for path, image in known.items() if not image.missing}
        if found.folder in found.unread or (present and not found.files):
            away.append(folder)
            continue
        for path, stamp in found.files.items():
            if path in failures and (failures[path].stamp == stamp or failures[path].kind == REMOVED):
                continue
            if path in present and known[path].stamp == stamp:
                continue
            if latest < stamp.mtime_ns < latest + 10 * SETTLED_S * 1e9:  # later ones are of another clock
                settling += 1
            else:
                (changed if path in present else new)[path] = stamp
        gone |= {path for path in present - found.files.keys()
                 if not any(is_in_folder(path, unread) for unread in found.unread)}
    return FolderChanges(len(new), len(changed), len(gone), settling, tuple(away), state.images,
                         _digest(new | changed, gone), revision)


def local_folders(folders: Iterable[Path]) -> list[Path]:
    """Those of the folders that are on this computer's file systems."""
    return [folder for folder in folders if not is_remote(folder)]


def _digest(files: dict[str, FileStamp], gone: set[str]) -> str:
    content = repr((sorted(files.items()), sorted(gone)))
    return blake2b(content.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
