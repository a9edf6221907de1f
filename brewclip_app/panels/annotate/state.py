"""State of the Annotate screen: the opened gallery, its queue and takes, and the picture in front."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from core.store.addresses import is_address

if TYPE_CHECKING:
    from core.annotation.agreement import Agreement
    from core.annotation.queues import Queue
    from core.audio import Waveform
    from core.explorer import Explorer
    from core.store.records import AnnotatingRecord, GalleryRecord, ImageRecord, SpeakerRecord, TakeRecord


@dataclass(frozen=True, eq=False)
class Target:
    """Target of the next recording: an image, a speaker, and the take that it replaces."""

    image_id: int
    speaker_id: int
    replaces: "TakeRecord | None" = None


@dataclass(frozen=True, eq=False)
class UnsavedRecording:
    """A recording that is not on the disk yet, or could not be written and is kept in memory."""

    target: Target
    waveform: "Waveform"
    warning: str


@dataclass(frozen=True, eq=False)
class AnnotateState:
    """Everything that the screen shows; `gallery` and `queue` are None while there is no gallery at all."""

    gallery_names: tuple[str, ...] = ()
    speakers: "tuple[SpeakerRecord, ...]" = ()
    gallery: "GalleryRecord | None" = None
    queues: tuple[tuple[str, str], ...] = ()  # (specification, title) of all that the gallery offers
    queue: "Queue | None" = None
    images: "tuple[ImageRecord, ...]" = ()  # of the queue
    row: int = 0  # of the picture in front
    ended: bool = False  # nothing is left in the queue
    speaker: "SpeakerRecord | None" = None
    takes: "tuple[TakeRecord, ...]" = ()  # all of the gallery but those in the bin
    awaited: frozenset[int] = frozenset()  # ids of takes that wait for their transcript
    saving: int = 0  # recordings on their way to the disk
    unsaved: UnsavedRecording | None = None  # the one that could not be written
    reviewing: bool = False
    take_images: "Mapping[int, ImageRecord]" = field(default_factory=dict)  # of all takes, read for the review
    binned: "tuple[TakeRecord, ...]" = ()
    agreement: "Agreement | str" = ""  # between speakers, or why it could not be measured

    @property
    def image(self) -> "ImageRecord | None":
        """The picture in front."""
        return self.images[self.row] if self.images and not self.ended else None

    def take(self, take_id: int) -> "TakeRecord | None":
        """The take of an id; None when it is not in this gallery or in the bin."""
        return next((take for take in self.takes if take.id == take_id), None)

    def takes_of(self, image_id: int | None) -> "list[TakeRecord]":
        """The takes of one picture."""
        return [take for take in self.takes if take.image_id == image_id] if image_id is not None else []

    @cached_property
    def image_takes(self) -> "list[TakeRecord]":
        """The takes of the picture in front."""
        return self.takes_of(self.image.id if self.image else None)

    @cached_property
    def current_take(self) -> "TakeRecord | None":
        """The take that is worked on: the speaker's draft of this picture, else the speaker's latest take of it."""
        own = [take for take in self.image_takes if self.speaker is not None and take.speaker.id == self.speaker.id]
        drafts = [take for take in own if take.state == "draft"]
        return next(reversed(drafts or own), None)

    @property
    def other_takes(self) -> "list[TakeRecord]":
        """The takes of the picture in front but for the current one."""
        return [take for take in self.image_takes if take is not self.current_take]

    @cached_property
    def described(self) -> set[int]:
        """Ids of the pictures that have a confirmed caption, as the queue counts."""
        from core.annotation.queues import described

        return described(self.takes, self.queue.speaker_id if self.queue else None)

    @property
    def left(self) -> int:
        """Number of pictures of the queue without a confirmed caption."""
        return sum(image.id not in self.described for image in self.images)

    @property
    def first_left(self) -> int | None:
        """Row of the first picture without a confirmed caption."""
        return next((row for row, image in enumerate(self.images) if image.id not in self.described), None)

    @property
    def next_row(self) -> int | None:
        """Row of the next picture to describe; None when none is left."""
        if self.queue is None or not self.images:
            return None
        if not self.queue.leaves_out_done:
            return self.row + 1 if self.row + 1 < len(self.images) else None
        order = (*range(self.row + 1, len(self.images)), *range(self.row + 1))
        return next((row for row in order if self.images[row].id not in self.described), None)


def read_gallery(explorer: "Explorer", name: str, spec: str) -> "tuple[AnnotateState, AnnotatingRecord | None]":
    """Read a gallery (for a job), and where its user left off; "" as `spec` is the queue that it was left in.

    The first gallery is read when there is none of that name. StoreError when an address cannot be opened.
    """
    from core.annotation.queues import offered, open_queue

    store = explorer.store
    names, speakers = tuple(gallery.name for gallery in store.galleries()), tuple(store.speakers())
    if is_address(name):
        store.gallery(name)
    if not names:
        return AnnotateState(names, speakers), None
    gallery = store.gallery(name if name in names else names[0])
    store.adopt_takes(gallery.id)
    takes, place = tuple(store.takes(gallery.id)), store.annotating(gallery.id)
    opened = explorer.gallery(gallery)
    queue = open_queue(store, opened, spec or place.queue, takes)
    images = tuple(opened.images(queue.image_ids))
    queues = tuple(offered(store, opened, queue.spec))
    return AnnotateState(names, speakers, gallery, queues, queue, images, takes=takes, ended=not images), place
