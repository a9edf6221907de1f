"""What the Annotate panel knows and does: the opened gallery, its queue, takes and changes. Nothing here draws."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from brewclip_app.panels.annotate_line import Line
from brewclip_app.panels.annotate_view import View, read_view
from core.progress import Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.annotation.takes import Step
    from core.audio import Waveform
    from core.store.records import ImageRecord, SpeakerRecord, TakeRecord, TakeState

WAITS = "It waits in memory: make room, then press Enter to keep it. Delete forgets it."
NOT_KEPT = "This recording is not on the disk yet: Enter tries again, Delete forgets it."


@dataclass(frozen=True)
class Aim:
    """Where the next recording belongs: which picture, who speaks, and the take that it replaces."""

    image_id: int
    speaker_id: int
    replaces: "TakeRecord | None" = None


@dataclass(frozen=True)
class Unkept:
    """A recording that could not be written; it waits in memory."""

    aim: Aim
    waveform: "Waveform"
    warning: str


class Session(QObject):
    """The state of one opened gallery. Changes go through the line; what they gave comes back as signals."""

    opened = Signal()
    moved = Signal()  # another picture is in front, or none is left
    changed = Signal()  # takes changed
    said = Signal(str, str)  # a sentence, "quiet" or "care"
    failed = Signal(object, str)  # an exception for the banner, and what is safe or to do

    def __init__(self, context: "Context", parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self.view = View(())
        self.row = 0
        self.finished = False  # nothing is left in the queue
        self.speaker: SpeakerRecord | None = None
        self.hearing: set[int] = set()  # ids of takes
        self.saving = 0  # recordings on their way to the disk
        self.unkept: Unkept | None = None
        self._aim: Aim | None = None
        self._return_to: int | None = None  # a picture to open the queue at
        self._takes: dict[int, list[TakeRecord]] = {}
        self._words: dict[int, TakeRecord] = {}  # heard here: a list that was read meanwhile may not have it yet
        self.line = Line(context, self)
        self.line.failed.connect(lambda error: self.failed.emit(error, "All takes are kept."))

    # ---- what there is

    @property
    def image(self) -> "ImageRecord | None":
        """The picture in front."""
        images = self.view.images
        return images[self.row] if images and not self.finished else None

    def takes(self) -> "list[TakeRecord]":
        """All kept takes of the gallery."""
        return [take for takes in self._takes.values() for take in takes]

    def here(self) -> "list[TakeRecord]":
        """The takes of the picture in front."""
        return self.here_of(self.image.id) if self.image else []

    def here_of(self, image_id: int | None) -> "list[TakeRecord]":
        """The kept takes of any picture."""
        return list(self._takes.get(image_id or 0, []))

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

    def _take_view(self, view: View, same_pictures: bool) -> None:
        again = self.view.gallery is not None and view.gallery is not None and self.view.gallery.id == view.gallery.id
        if same_pictures and again and self.view.queue is not None:
            view = replace(view, queue=self.view.queue, images=self.view.images)
        before, self._return_to = self._return_to or (self.image.id if again and self.image else None), None
        if again and self.view.annotator is not None:  # it knows what can be undone
            view = replace(view, annotator=self.view.annotator)
        self.view = view
        self._take_all(view.takes)
        place = view.place
        self.speaker = self._known_speaker(place.speaker_id if place else None) or self._only_speaker()
        if view.queue is not None and place is not None:
            ids = [image.id for image in view.images]
            self.row = ids.index(before) if before in ids else min(view.queue.after(place), max(0, len(ids) - 1))
        self.finished = not view.images
        self.opened.emit()
        self._arrived()

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

    def _go_next(self) -> None:
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
            self._hear(current)
            self.changed.emit()

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
        annotator, aim = self.view.annotator, new.aim
        if annotator is None:
            return
        self.saving += 1

        def work() -> "TakeRecord":
            from core.annotation.quality import warning_of

            return annotator.record(aim.image_id, aim.speaker_id, new.waveform, new.warning or warning_of(new.waveform),
                                    aim.replaces)

        self.line.add("Keeping the recording", work, partial(self._recorded, new), partial(self._not_kept, new))
        self.changed.emit()

    def _recorded(self, new: Unkept, take: "TakeRecord") -> None:
        self.saving -= 1
        self.unkept = None
        gone = new.aim.replaces.id if new.aim.replaces else None
        kept = [each for each in self.here_of(take.image_id) if each.id != gone]
        self._takes[take.image_id or 0] = [*kept, take]
        self._hear(take)
        self.changed.emit()

    def _not_kept(self, new: Unkept, error: BaseException) -> None:
        self.saving -= 1
        self.unkept = new
        self.changed.emit()
        self.failed.emit(error, WAITS)

    def finish(self) -> None:
        """The window closes: do what waits, and try once more to write what could not be written."""
        new, self.unkept = self.unkept, None  # closing may be asked for twice
        if new is not None:
            self._keep(new)
        self.line.finish()

    def forget(self) -> None:
        """Let a recording go that could not be written."""
        self.unkept = None
        self.changed.emit()

    def _hear(self, take: "TakeRecord") -> None:
        if take.id in self.hearing:
            return
        self.hearing.add(take.id)

        def work(report: Report) -> "TakeRecord":
            from core.annotation.takes import hear

            return hear(self._context.explorer, take, report)

        self._context.jobs.submit("Recognising the words", work, on_done=self._heard, quiet=True,
                                  on_failed=lambda error: self._not_heard(take, error),
                                  on_cancelled=lambda: self.hearing.discard(take.id))

    def _heard(self, take: "TakeRecord") -> None:
        self.hearing.discard(take.id)
        self._words[take.id] = take
        self._take_all(self.takes())
        self.changed.emit()

    def _not_heard(self, take: "TakeRecord", error: BaseException) -> None:
        self.hearing.discard(take.id)
        self.changed.emit()
        self.said.emit(f"{error} The recording is kept: type what was said.", "care")

    def confirm(self, text: str, stay: bool = False) -> None:
        """Keep the caption and go on; `stay` for another description of the same picture."""
        if self.unkept is not None:
            self._keep(self.unkept)
            return
        take, annotator, words = self.current(), self.view.annotator, " ".join(text.split())
        if self.saving or (take is not None and not words):
            waits = self.saving or (take is not None and take.id in self.hearing)
            self.said.emit("Wait for the words, or type them." if waits else
                           "A caption needs words: press R to say it again, or type what was said.", "care")
        elif take is None or annotator is None:
            self.said.emit("Nothing is recorded yet: hold Space and describe the picture.", "care")
        else:
            state: TakeState = take.state if take.text == words and take.state in ("done", "accepted") else "done"
            self.change("Keeping the caption", lambda: annotator.confirm(take, words, state),
                        None if stay else self._go_next)

    def keep_words(self, text: str) -> None:
        """Words that were typed and not confirmed stay with the take as it is."""
        take, annotator, words = self.current(), self.view.annotator, " ".join(text.split())
        if take is not None and annotator is not None and words and words != take.text:
            self.change("Keeping the words", lambda: annotator.confirm(take, words, take.state))

    def throw_away(self, takes: "Sequence[TakeRecord]") -> None:
        """Put takes into the bin."""
        annotator = self.view.annotator
        if takes and annotator is not None:
            self.change("Throwing away", lambda: annotator.throw_away(takes))

    def undo(self) -> None:
        """Take back the last change, and go to its picture."""
        annotator = self.view.annotator
        if annotator is not None:
            self.change("Undoing", annotator.undo, undone=True)

    def change(self, name: str, work: Callable[[], object], then: Callable[[], object] | None = None,
               undone: bool = False) -> None:
        """Change takes by way of the annotator, read them again, then tell."""
        gallery = self.view.gallery
        if gallery is None:
            return

        def whole() -> "tuple[object, list[TakeRecord]]":
            return work(), self._context.explorer.store.takes(gallery.id)

        self.line.add(name, whole, lambda both: self._take_changes(*both, then, undone))

    def _take_changes(self, result: object, takes: "list[TakeRecord]", then: Callable[[], object] | None,
                      undone: bool) -> None:
        self._take_all(takes)
        self.changed.emit()
        if then is not None:
            then()
        if undone:
            self._tell_undone(result)  # type: ignore[arg-type]

    def _take_all(self, takes: "Iterable[TakeRecord]") -> None:
        self._takes = {}
        for take in takes:
            words = self._words.get(take.id)
            if words is not None and take.heard is None:
                take = replace(take, heard=words.heard, text=take.text or words.text)
            self._takes.setdefault(take.image_id or 0, []).append(take)

    def _tell_undone(self, step: "Step | None") -> None:
        ids = [image.id for image in self.view.images]
        if step is not None and step.image_id in ids:
            if self.finished or ids[self.row] != step.image_id:
                self.go(ids.index(step.image_id))
        elif step is not None and step.image_id is not None and self.view.queue is not None:
            self._return_to = step.image_id  # it was left out when the queue was opened: now it belongs to it again
            self.open(self.view.queue.spec)
        self.said.emit("Nothing to undo." if step is None else f"Undone: {step.what}.", "quiet")
