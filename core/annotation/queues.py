"""Queues of pictures to be described: one table of their kinds.

A queue is written as its kind's key, a colon and an argument: "unlabelled:", "tag:beach". Another source of pictures is
one more row: `find` gives ids of the gallery's pictures, wherever it has them from.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.annotation import failed
from core.store.records import AnnotatingRecord, Filter, TakeRecord

if TYPE_CHECKING:
    from core.galleries.gallery import Gallery
    from core.store.store import Store

DESCRIBED = ("done", "accepted")  # states of a take that make its picture a described one


@dataclass(frozen=True)
class QueueKind:
    """One kind of queue.

    `choices` gives each argument it can have in a gallery, with its words for the user. `find` gives the pictures of
    the gallery (ids, ascending) for an argument, by default all. `leaves_out_done`: without described pictures.
    `speaker` gives the speaker whose descriptions count, None when everyone's do. `unlisted` gives the words of an
    argument that is not among the choices but may be asked for; "" where it may not.
    """

    key: str
    choices: "Callable[[Store, Gallery], Sequence[tuple[str, str]]]"
    find: "Callable[[Store, Gallery, str], Sequence[int]]" = (
        lambda store, gallery, argument: [int(one) for one in gallery.filter_ids()])
    leaves_out_done: bool = False
    speaker: Callable[[str], int | None] = lambda argument: None
    unlisted: "Callable[[Store, Gallery, str], str]" = lambda store, gallery, argument: ""


@dataclass(frozen=True)
class Queue:
    """Pictures to walk through. `before` counts those that were described already and are therefore left out.

    `leaves_out_done`: pictures that are described meanwhile are passed over.
    """

    spec: str
    title: str
    image_ids: tuple[int, ...]
    before: int
    leaves_out_done: bool = False
    speaker_id: int | None = None  # whose descriptions count; None: everyone's

    def after(self, place: AnnotatingRecord) -> int:
        """The index to go on at: the picture of the place, else the next one behind it, else the first."""
        if place.image_id is None or not self.image_ids:
            return 0
        if place.image_id in self.image_ids:
            return self.image_ids.index(place.image_id)
        ordered = sorted(self.image_ids)
        at = bisect_left(ordered, place.image_id)
        return self.image_ids.index(ordered[at]) if at < len(ordered) else 0


QUEUES: tuple[QueueKind, ...] = (
    QueueKind("unlabelled", lambda store, gallery: [("", "Without a caption")], leaves_out_done=True),
    QueueKind("all", lambda store, gallery: [("", "All pictures")]),
    QueueKind("speaker", lambda store, gallery: [(str(speaker.id), f"Not yet described by {speaker.name}")
                                                 for speaker in store.speakers()],
              leaves_out_done=True, speaker=lambda argument: int(argument) if argument.isdecimal() else None),
    QueueKind("tag", lambda store, gallery: [(tag, f"Tagged “{tag}”") for tag, _ in gallery.tags()],
              lambda store, gallery, tag: [int(one) for one in gallery.filter_ids(Filter(tag=tag))] if tag else []),
    QueueKind("failures", failed.failures, failed.failed, unlisted=failed.beyond),
    QueueKind("labelled", failed.labels, failed.labelled),
)


def offered(store: "Store", gallery: "Gallery", queue: str = "") -> list[tuple[str, str]]:
    """Every queue of the gallery as (spec, words for the user), and the one that is wanted where it can be had."""
    choices = [(f"{kind.key}:{argument}", title) for kind in QUEUES
             for argument, title in kind.choices(store, gallery)]
    key, _, argument = queue.partition(":")
    title = next((listed.unlisted(store, gallery, argument) for listed in QUEUES if listed.key == key), "")
    return choices if not title or queue in dict(choices) else [*choices, (queue, title)]


def open_queue(store: "Store", gallery: "Gallery", spec: str, takes: Iterable[TakeRecord]) -> Queue:
    """The queue as it is now; `takes` are those of the gallery. One that is not offered any more is the first queue."""
    titles = dict(offered(store, gallery, spec))
    if spec not in titles:
        spec = next(iter(titles))
    key, _, argument = spec.partition(":")
    kind = next(queue for queue in QUEUES if queue.key == key)
    image_ids = kind.find(store, gallery, argument)
    done = described(takes, kind.speaker(argument)) if kind.leaves_out_done else set()
    left = tuple(image_id for image_id in image_ids if image_id not in done)
    return Queue(spec, titles[spec], left, len(image_ids) - len(left), kind.leaves_out_done, kind.speaker(argument))


def described(takes: Iterable[TakeRecord], speaker_id: int | None = None) -> set[int]:
    """The pictures that have a confirmed description, by anyone or by that speaker."""
    return {take.image_id for take in takes if take.state in DESCRIBED and take.image_id is not None
            and take.binned is None and speaker_id in (None, take.speaker.id)}
