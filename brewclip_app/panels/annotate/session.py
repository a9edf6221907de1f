"""What the Annotate panel knows and does: the opened gallery, its queue, takes and changes. Nothing here draws."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from brewclip_app.panels.annotate.line import SerialJobs
from brewclip_app.panels.annotate.saving import Aim, Saving, Unkept
from brewclip_app.panels.annotate.takes import KeptTakes
from brewclip_app.panels.annotate.transcribing import Transcribing
from brewclip_app.panels.annotate.view import AnnotateView, read_view

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.audio import Waveform
    from core.store.records import ImageRecord, SpeakerRecord, TakeRecord, TakeState

WAITS = "It waits in memory: make room, then press Enter to keep it. Delete forgets it."
NOT_KEPT = "This recording is not on the disk yet: Enter tries again, Delete forgets it."
LATER = "Accepted before its words were there. Confirm them in Review (Ctrl+R) when they have arrived."
NEEDS_WORDS = "A caption needs words: press R to say it again, or type what was said."


class AnnotateSession(QObject):
    """The state of one opened gallery. Changes go through the line; what they gave comes back as signals."""

    opened = Signal()
    moved = Signal()  # another picture is in front, or none is left
    changed = Signal()  # takes changed
    said = Signal(str, str)  # a sentence, "quiet" or "care"
    failed = Signal(object, str)  # an exception for the banner, and what is safe or to do

    def __init__(self, context: "Context", parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self.view = AnnotateView(())
        self.row = 0
        self.finished = False  # nothing is left in the queue
        self.speaker: SpeakerRecord | None = None
        self._confirming = False
        self._aim: Aim | None = None
        self._return_to: int | None = None  # a picture to open the queue at
        self._takes = KeptTakes()
        self.line = SerialJobs(context, self)
        self.line.failed.connect(lambda error: self.failed.emit(error, "All takes are kept."))
        self._saving = Saving(self.line, self)
        self._saving.began.connect(self.changed)
        self._saving.kept.connect(self._recorded)
        self._saving.failed.connect(self._not_kept)
        self.transcribing = Transcribing(context, self.current, self)
        self.transcribing.heard.connect(self._heard)
        self.transcribing.failed.connect(self._not_heard)

    # ---- what there is

    @property
    def image(self) -> "ImageRecord | None":
        """The picture in front."""
        images = self.view.images
        return images[self.row] if images and not self.finished else None

    @property
    def saving(self) -> int:
        """Recordings on their way to the disk."""
        return self._saving.count

    @property
    def unkept(self) -> Unkept | None:
        """The recording that could not be written."""
        return self._saving.unkept

    @property
    def hearing(self) -> set[int]:
        """The takes (ids) whose words are awaited."""
        return self.transcribing.ids

    def takes(self) -> "list[TakeRecord]":
        """All kept takes of the gallery."""
        return self._takes.all()

    def here(self) -> "list[TakeRecord]":
        """The takes of the picture in front."""
        return self.here_of(self.image.id) if self.image else []

    def here_of(self, image_id: int | None) -> "list[TakeRecord]":
        """The kept takes of any picture."""
        return self._takes.of(image_id)

    def current(self) -> "TakeRecord | None":
        """The take that is worked on: the speaker's draft of this picture, else the speaker's latest take of it."""
        own = [take for take in self.here() if self.speaker is not None and take.speaker.id == self.speaker.id]
        drafts = [take for take in own if take.state == "draft"]
        return next(reversed(drafts or own), None)

    def others(self) -> "list[TakeRecord]":
        """What else was said of this picture."""
        current = self.current()
        return [take for take in self.here() if take is not current]

    def done(self) -> set[int]:
        """The pictures that are described, as the queue counts."""
        from core.annotation.queues import described

        queue = self.view.queue
        return described(self.takes(), queue.speaker_id if queue else None)

    def left(self) -> int:
        """How many pictures of the queue are not described."""
        done = self.done()
        return sum(image.id not in done for image in self.view.images)

    # ---- opening and walking

    def open(self, spec: str = "", same_pictures: bool = False) -> None:
        """Read the context's gallery; a queue, else the one that it was left in.

        `same_pictures`: none leaves the queue or comes into it.
        """
        name = self._context.gallery
        self.line.add("Reading the pictures to describe", lambda: read_view(self._context.explorer, name, spec),
                      lambda view: self._take_view(view, same_pictures), lambda error: self.failed.emit(error, ""))

    def _take_view(self, view: AnnotateView, same_pictures: bool) -> None:
        again = self.view.gallery is not None and view.gallery is not None and self.view.gallery.id == view.gallery.id
        if same_pictures and again and self.view.queue is not None:
            view = replace(view, queue=self.view.queue, images=self.view.images)
        before, self._return_to = self._return_to or (self.image.id if again and self.image else None), None
        if again and self.view.annotator is not None:  # it knows what can be undone
            view = replace(view, annotator=self.view.annotator)
        self.view = view
        self._takes.show(view.takes)
        place = view.place
        self.speaker = self._known_speaker(place.speaker_id if place else None) or self._only_speaker()
        if view.queue is not None and place is not None:
            ids = [image.id for image in view.images]
            self.row = ids.index(before) if before in ids else min(view.queue.after(place), max(0, len(ids) - 1))
        self.finished = not view.images
        self.opened.emit()
        self._arrived()
        self._hear_awaited()

    def go(self, row: int) -> None:
        """Bring a picture of the queue to the front, once the recording of this one is on the disk."""
        if not 0 <= row < len(self.view.images):
            return
        if self.unkept is not None:
            self.said.emit(NOT_KEPT, "care")
        elif self.saving:
            self.line.add("Going on", lambda: None, lambda _: self.go(row))
        else:
            self.row, self.finished = row, False
            self._arrived()

    def next_row(self) -> int | None:
        """The row to go on at: the next one that is to be described; None when none is left."""
        queue, images = self.view.queue, self.view.images
        if queue is None or not images:
            return None
        if not queue.leaves_out_done:
            return self.row + 1 if self.row + 1 < len(images) else None
        done = self.done()
        order = [*range(self.row + 1, len(images)), *range(self.row + 1)]
        return next((row for row in order if images[row].id not in done), None)

    def skip(self) -> None:
        """Pass over the picture in front."""
        image, row = self.image, self.next_row()
        if image is None:
            return
        if row is None or row == self.row:
            self.said.emit("This is the last picture of the queue.", "quiet")
            return
        if self.view.annotator is not None and self.unkept is None:
            self.view.annotator.skipped(image.id)
        self.go(row)

    def go_next(self) -> None:
        """Go on to the next picture that is to be described, or to the end."""
        row = self.next_row()
        self.finished = row is None
        if row is not None:
            self.row = row
        self._arrived()

    def _arrived(self) -> None:
        """Another picture is in front: remember it, and hear what a crash left unheard."""
        self.moved.emit()
        self._keep_place()
        current = self.current()
        if current is not None and current.state == "draft" and current.heard is None:
            self.transcribing.add(current)
            self.changed.emit()

    def _hear_awaited(self) -> None:
        """Takes that were confirmed before their words, and whose words a crash or closing prevented."""
        from core.annotation.captions import stage_of

        for take in self.takes():
            if stage_of(take) == "awaited":
                self.transcribing.add(take)

    def _keep_place(self) -> None:
        from core.store.records import AnnotatingRecord

        gallery, queue = self.view.gallery, self.view.queue
        if gallery is None or queue is None:
            return
        place = AnnotatingRecord(queue.spec, self.image.id if self.image else None,
                                 self.speaker.id if self.speaker else None)
        self.line.add("Keeping the place", lambda: self._context.explorer.store.keep_annotating(gallery.id, place),
                      lambda _: None)

    # ---- speakers

    def choose_speaker(self, speaker_id: int) -> None:
        """Someone else speaks now."""
        self.speaker = self._known_speaker(speaker_id)
        self._arrived()

    def take_speaker(self, speaker: "SpeakerRecord") -> None:
        """A profile is new or was changed; that person speaks now."""
        self.speaker = speaker
        self._keep_place()
        self.open(self.view.queue.spec if self.view.queue else "", same_pictures=True)

    def _known_speaker(self, speaker_id: int | None) -> "SpeakerRecord | None":
        return next((each for each in self.view.speakers if each.id == speaker_id), None)

    def _only_speaker(self) -> "SpeakerRecord | None":
        """Who speaks at this computer, as long as it is one person."""
        own = [each for each in self.view.speakers if not each.source]
        return own[0] if len(own) == 1 else None

    # ---- takes

    def aim(self, again: bool = False) -> bool:
        """The next recording is of the picture in front; a draft, or (`again`) whatever there is, gives way to it.

        Whether there is a picture, and someone who speaks.
        """
        image, speaker, current = self.image, self.speaker, self.current()
        if image is None or speaker is None:
            return False
        replaced = current if current is not None and (again or current.state == "draft") else None
        self._aim = Aim(image.id, speaker.id, replaced)
        return True

    def record(self, waveform: "Waveform", warning: str) -> None:
        """Keep what was recorded, where it was aimed at."""
        if self._aim is None and not self.aim():
            return
        assert self._aim is not None
        new, self._aim = Unkept(self._aim, waveform, warning), None
        self._keep(new)

    def _keep(self, new: Unkept) -> None:
        if self.view.annotator is not None:
            self._saving.keep(new, self.view.annotator)

    def _recorded(self, take: "TakeRecord", aim: Aim) -> None:
        self._takes.add(take, aim.replaces)
        self.transcribing.add(take)
        self.changed.emit()

    def _not_kept(self, error: BaseException) -> None:
        self.changed.emit()
        self.failed.emit(error, WAITS)

    def finish(self) -> None:
        """The window closes: do what waits, and try once more to write what could not be written."""
        new, self._saving.unkept = self.unkept, None  # closing may be asked for twice
        if new is not None:
            self._keep(new)
        self.line.finish()

    def forget(self) -> None:
        """Let a recording go that could not be written."""
        self._saving.unkept = None
        self.changed.emit()

    def _heard(self, take: "TakeRecord") -> None:
        from core.annotation.captions import caption_of, transcript_of

        self._takes.take_words(take)
        self.changed.emit()
        current, transcript = self.current(), transcript_of(take)
        if not caption_of(take) and (current is None or current.id != take.id):
            self._came_back(take, transcript.reason if transcript else "")

    def _not_heard(self, take: "TakeRecord", error: BaseException) -> None:
        self.changed.emit()
        now, annotator = self._takes.one(take.id), self.view.annotator
        if now is None or now.text or annotator is None:
            return  # it was thrown away meanwhile, or its words were typed
        self.said.emit(f"{error} The recording is kept: type what was said.", "care")
        self.change("Going back to a draft", lambda: annotator.return_unheard(take),
                    lambda back: self._came_back(take, str(error)) if back else None)

    def _came_back(self, take: "TakeRecord", why: str) -> None:
        """A take that was gone on from before its words were there has none: its picture is to be described again."""
        if self._takes.one(take.id) is None:
            return  # of another gallery, or thrown away
        images, queue = {image.id: image for image in self.view.images}, self.view.queue
        image = images.get(take.image_id or 0)
        self.said.emit(f"{image.path.name if image else 'A picture before'}: {why or 'No words were found.'} The take "
                       "is a draft: say it again, or type what was said.", "care")
        if image is None and queue is not None:
            self.open(queue.spec)  # it was left out as a described one

    def confirm(self, text: str, stay: bool = False) -> None:
        """Keep the caption and go on; `stay` for another description of the same picture.

        Words that are still to be recognised are not waited for: they are confirmed in the review.
        """
        take, words = self.current(), " ".join(text.split())
        if self.unkept is not None:
            self._keep(self.unkept)
        elif self._confirming:
            return  # Enter twice: the picture that comes is another
        elif self.saving:
            kept = self._saving.latest
            self._confirm(lambda: kept[0] if kept else None, words, "done", stay)
        elif take is None:
            self.said.emit("Nothing is recorded yet: hold Space and describe the picture.", "care")
        elif words:
            same = take.text == words and take.state in ("done", "accepted")
            self._confirm(lambda: take, words, take.state if same else "done", stay)
        elif take.id in self.hearing:
            self._confirm(lambda: take, "", "done", stay)
        else:
            self.said.emit(NEEDS_WORDS, "care")

    def _confirm(self, which: "Callable[[], TakeRecord | None]", words: str, state: "TakeState", stay: bool) -> None:
        annotator = self.view.annotator
        if annotator is None:
            return
        self._confirming = True

        def work() -> "TakeRecord | None":
            take = which()
            if take is None:
                return None
            return annotator.confirm(take, words, state) if words else annotator.confirm_unheard(take)

        self.change("Keeping the caption", work, lambda take: self._confirmed(take, stay), self._not_confirmed)

    def _confirmed(self, take: "TakeRecord | None", stay: bool) -> None:
        self._confirming = False
        now = self._takes.one(take.id) if take is not None else None
        if now is None:
            return  # it could not be written, which was said
        if now.state == "draft":
            self.said.emit(NEEDS_WORDS, "care")  # heard meanwhile, and nothing was found
            return
        if not stay:
            self.go_next()
        if not now.text:
            self.said.emit(LATER, "quiet")

    def _not_confirmed(self, error: BaseException) -> None:
        self._confirming = False
        self.line.failed.emit(error)

    def keep_words(self, text: str) -> None:
        """Words that were typed and not confirmed stay with the take as it is; one without words is a draft then."""
        current, annotator, words = self.current(), self.view.annotator, " ".join(text.split())
        kept: Sequence[TakeRecord | None] = self._saving.latest if self.saving else [current]
        if annotator is None or not words or (not self.saving and (current is None or words == current.text)):
            return

        def work() -> None:
            take = next(iter(kept), None)
            if take is not None:
                annotator.confirm(take, words, take.state if take.text else "draft")

        self.change("Keeping the words", work)

    def throw_away(self, takes: "Sequence[TakeRecord]") -> None:
        """Put takes into the bin."""
        annotator = self.view.annotator
        if takes and annotator is not None:
            self.change("Throwing away", lambda: annotator.throw_away(takes))

    def change(self, name: str, work: Callable[[], object], then: Callable[[Any], object] | None = None,
               failed: Callable[[BaseException], object] | None = None) -> None:
        """Change takes by way of the annotator, read them again, then tell what the work gave."""
        gallery = self.view.gallery
        if gallery is None:
            return

        def whole() -> "tuple[object, list[TakeRecord]]":
            return work(), self._context.explorer.store.takes(gallery.id)

        self.line.add(name, whole, lambda both: self._take_changes(*both, then), failed)

    def _take_changes(self, result: object, takes: "list[TakeRecord]", then: Callable[[Any], object] | None) -> None:
        self._takes.show(takes)
        self.changed.emit()
        if then is not None:
            then(result)

    def bring(self, image_id: int | None) -> None:
        """Bring the picture to the front that a change was about; back into the queue if it was left out."""
        ids = [image.id for image in self.view.images]
        if image_id in ids:
            if self.finished or ids[self.row] != image_id:
                self.go(ids.index(image_id))
        elif image_id is not None and self.view.queue is not None:
            self._return_to = image_id
            self.open(self.view.queue.spec)
