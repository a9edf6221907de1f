"""A gallery as the Annotate panel opens it: its queue, pictures, takes, and the place where it was left."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.store.addresses import is_address

if TYPE_CHECKING:
    from core.annotation.queues import Queue
    from core.annotation.takes import Annotator
    from core.explorer import Explorer
    from core.store.records import AnnotatingRecord, GalleryRecord, ImageRecord, SpeakerRecord, TakeRecord


@dataclass(frozen=True)
class AnnotateView:
    """A gallery as it was opened; `gallery` and `queue` are None when there is no gallery at all."""

    names: tuple[str, ...]
    speakers: "tuple[SpeakerRecord, ...]" = ()
    gallery: "GalleryRecord | None" = None
    offers: tuple[tuple[str, str], ...] = ()
    queue: "Queue | None" = None
    images: "tuple[ImageRecord, ...]" = ()
    takes: "tuple[TakeRecord, ...]" = ()
    place: "AnnotatingRecord | None" = None
    annotator: "Annotator | None" = None


def read_view(explorer: "Explorer", name: str, spec: str) -> AnnotateView:
    """For a job: the gallery of that name, else the first; the queue asked for, else the one it was left in."""
    from core.annotation.queues import offered, open_queue
    from core.annotation.takes import Annotator

    store = explorer.store
    names, speakers = tuple(gallery.name for gallery in store.galleries()), tuple(store.speakers())
    if is_address(name):
        store.gallery(name)  # StoreError: what can be done
    if not names:
        return AnnotateView(names, speakers)
    gallery = store.gallery(name if name in names else names[0])
    store.adopt_takes(gallery.id)
    takes, place = tuple(store.takes(gallery.id)), store.annotating(gallery.id)
    opened = explorer.gallery(gallery)
    queue = open_queue(store, opened, spec or place.queue, takes)
    return AnnotateView(names, speakers, gallery, tuple(offered(store, opened, queue.spec)), queue,
                tuple(opened.images(queue.image_ids)), takes, place, Annotator(explorer.store, explorer.home.takes))
