"""A sequence of pictures for the preview: ids in an order, and a function that reads one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from brewclip_app.thumbnails import record_of

if TYPE_CHECKING:
    from core.search.queries import Hit
    from core.store.records import ImageRecord


def _no_hit(image_id: int) -> "Hit | None":
    return None


@dataclass(frozen=True, eq=False)
class PictureSequence:
    """Pictures in an order. Only those near the one in front are read, so `ids` may be as long as a gallery.

    `read` gives the record of an id, None if it has gone from the gallery; it is called on a worker thread and may
    raise BrewclipError. `hit` gives the hit of an id on the GUI thread, None where no query was made.
    """

    ids: Sequence[int]
    read: "Callable[[int], ImageRecord | None]"
    hit: "Callable[[int], Hit | None]" = _no_hit


def sequence_of_files(paths: Sequence[Path]) -> PictureSequence:
    """Sequence of files that need not be in a gallery; the ids are their places."""
    return PictureSequence(range(len(paths)), lambda at: record_of(paths[at]))
