"""Points of a map, and those of a gallery: its pictures with their embeddings."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import MapError
from core.fingerprint import Fingerprint
from core.galleries.gallery import Gallery
from core.localisation import _
from core.mapping.groups import Grouping, group
from core.progress import Progress, Report, WorkStep, silent
from core.store.records import ImageRecord

FEWEST = 3  # points of a map
MOST = 250_000  # points; of more, evenly spaced ones are shown
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MapItem:
    """Item that a point stands for: a picture (`image`) or an utterance (`recording`, None where its file is missing).

    `image.id` is the gallery's, or the point's row for a picture that is in no gallery. `text` is the caption.
    """

    name: str
    image: ImageRecord | None = None
    recording: Path | None = None
    text: str = ""
    transcript: str = ""
    speaker: str = ""


@dataclass(frozen=True, eq=False)
class MapPoints:
    """n points. `vectors` (n, dim) float32 of unit length, `spoken` (n,) whether a point is an utterance, `pair_of`
    (n,) the row of an utterance's picture, -1 without one. `total` counts the pictures of a gallery of which these are
    a part; `gallery` is "" for a dataset. `groupings` are those that tell points apart.
    """

    title: str
    vectors: Floats
    spoken: Bools
    pair_of: Ints
    items: tuple[MapItem, ...]
    groupings: tuple[Grouping, ...]
    total: int
    gallery: str = ""

    def __len__(self) -> int:
        return len(self.items)


def of_gallery(gallery: Gallery, fingerprint: Fingerprint, report: Report = silent) -> MapPoints:
    """Points of the pictures that are indexed under a fingerprint. MapError: not_indexed, few; StoreError."""
    state = gallery.state(fingerprint.hash)
    if not state.indexed and state.images:
        raise MapError(_("The pictures of {name} are not indexed with the present model. Nothing was changed; update "
                         "the gallery in Library, then come back.").format(name=gallery.name), "not_indexed")
    step = max(1, math.ceil(state.indexed / MOST))
    ids: list[NDArray[np.int64]] = []
    rows: list[Floats] = []
    done = 0
    for batch_ids, batch in gallery.vectors(fingerprint.hash):
        report(Progress(WorkStep.READING_EMBEDDINGS, done, state.indexed))
        chosen = slice(-done % step, None, step)
        ids.append(batch_ids[chosen])
        rows.append(batch[chosen].astype(np.float32))
        done += len(batch_ids)
    check_enough(sum(map(len, ids)))
    by_id = {image.id: image for image in gallery.images()}
    known = np.concatenate(ids)
    present = np.array([image_id in by_id for image_id in known.tolist()])
    images = [by_id[image_id] for image_id in known[present].tolist()]
    groupings = (group("folder", _("Folder"), _folders([image.path for image in images])),
                 group("tag", _("Tag"), [image.tags[0] if image.tags else "" for image in images]))
    count = len(images)
    return MapPoints(gallery.name, np.concatenate(rows)[present], np.zeros(count, bool), np.full(count, -1, np.int64),
                     tuple(MapItem(image.path.name, image) for image in images), tuple(filter(None, groupings)),
                     state.indexed, gallery.name)


def check_enough(count: int) -> None:
    """MapError ("few") where there are fewer than `FEWEST` points."""
    if count < FEWEST:
        raise MapError(_("A map needs {fewest} points or more, and there are {count}. Add pictures, or choose another "
                         "gallery or dataset.").format(fewest=FEWEST, count=count), "few")


def _folders(paths: Sequence[Path]) -> list[str]:
    """Folders of pictures, below the folder that all share."""
    parents = [path.parent for path in paths]
    shared = min((len(parent.parts) for parent in parents), default=0)
    for depth in range(shared):
        if len({parent.parts[:depth + 1] for parent in parents}) > 1:
            shared = depth
            break
    return ["/".join(parent.parts[shared:]) or parent.name for parent in parents]
