"""Files behind paths: links, hard links and folders indexed twice give one file several paths."""

import os
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path

from core.duplicates.groups import DuplicateGroup, best_first, ordered
from core.remote import is_remote
from core.store.records import ImageRecord


def one_per_file(groups: Iterable[DuplicateGroup]) -> tuple[DuplicateGroup, ...]:
    """The groups with one path of each file, and without groups of one file; the real path goes before a link."""
    parts = (_distinct(group.images) for group in groups)
    return ordered(DuplicateGroup(part) for part in parts if len(part) > 1)


def identity(path: Path) -> Hashable:
    """Identity of a file that all its paths share, links followed; the path itself where there is no file."""
    if is_remote(path):
        return path
    try:
        status = path.stat()
    except (OSError, ValueError):
        return path
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)  # 0: a system without numbers


def _distinct(images: Sequence[ImageRecord]) -> tuple[ImageRecord, ...]:
    kept: dict[Hashable, ImageRecord] = {}
    for image in images:
        file = identity(image.path)
        if file not in kept or (_is_link(kept[file].path) and not _is_link(image.path)):
            kept[file] = image
    return best_first(list(kept.values()))


def _is_link(path: Path) -> bool:
    """Whether the path leads over a link, of the file or of a folder."""
    return os.path.realpath(path) != os.path.abspath(path)  # noqa: PTH100  (resolve() would follow it)
