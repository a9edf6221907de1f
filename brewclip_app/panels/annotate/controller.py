"""Controller of the Annotate screen: opens galleries, saves recordings, transcribes them and changes takes."""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, Signal

from brewclip_app import tasks
from brewclip_app.controller import Controller
from brewclip_app.localisation import _, localised
from brewclip_app.panels.annotate.serial_jobs import SerialJobs
from brewclip_app.panels.annotate.state import AnnotateState, Target, UnsavedRecording, read_gallery
from core.progress import JobCancelled, Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.annotation.agreement import Agreement
    from core.annotation.takes import Annotator, Step
    from core.audio import Waveform
    from core.store.records import ImageRecord, SpeakerRecord, TakeRecord, TakeState

T = TypeVar("T")
ALL_SAVED = _("All takes are saved.")
IN_MEMORY = _("The recording is kept in memory: free some space, then press Enter to save it. Delete discards it.")
NOT_SAVED = _("This recording is not saved yet. Press Enter to try again or Delete to discard it.")
LATER = _("Accepted without a transcript. Confirm it in Review (Ctrl+R) when it is there.")
NEEDS_WORDS = _("A caption needs words: press R to record again, or type it.")
NOTHING_RECORDED = _("Nothing is recorded yet: hold Space and describe the picture.")
LAST_PICTURE = _("This is the last picture of the queue.")
BINNED = _("Recording moved to the bin. Press Ctrl+Shift+Z to restore it.")


class AnnotateController(Controller[AnnotateState]):
    """Holds the state. Changes of the store are serial jobs, queued in the moment in which the user asks for them."""

    message = Signal(str, str)  # a sentence, "quiet" or "care"

    def __init__(self, context: "Context", parent: QObject | None = None) -> None:
        super().__init__(AnnotateState(), parent)
        self._context = context
        self.serial = SerialJobs(context.jobs)
        self._annotator: Annotator | None = None
        self._target: Target | None = None
        self._confirming = False
        self._return_to: int | None = None  # id of the image at which the queue is opened again
        self._last_saved: list[TakeRecord] = []  # the take of the latest recording; empty until it is on the disk
        self._to_transcribe: dict[int, TakeRecord] = {}  # by id, oldest first
        self._transcribing = False
        self._transcribed: dict[int, TakeRecord] = {}  # by id; a list read before must not take transcripts away

    def _start(self, coroutine: Coroutine[Any, Any, object], safe: str = ALL_SAVED) -> None:
        super()._start(coroutine, safe)

    # ---- the queue

    def open(self, spec: str = "", same_pictures: bool = False) -> None:
        """Read the current gallery and a queue of it; "" is the one that its user left.

        `same_pictures`: the queue is neither read again nor sorted anew.
        """
        name = self._context.gallery
        reading = self.serial.add(_("Reading the gallery"), lambda: read_gallery(self._context.explorer, name, spec))

        async def show() -> None:
            from core.annotation.takes import Annotator

            state, place = await reading
            before = self.state
            same = before.gallery is not None and state.gallery is not None and before.gallery.id == state.gallery.id
            if not same or self._annotator is None:  # else it knows what can be undone
                self._annotator = Annotator(self._context.explorer.store, self._context.home.takes)
            if same and same_pictures and before.queue is not None:
                state = replace(state, queue=before.queue, images=before.images, ended=not before.images)
            image_id = self._return_to or (before.image.id if same and before.image else None)
            self._return_to = None
            row = 0
            if state.queue is not None and place is not None:
                ids = [image.id for image in state.images]
                row = ids.index(image_id) if image_id in ids else min(state.queue.after(place), max(0, len(ids) - 1))
            own = [speaker for speaker in state.speakers if not speaker.source]
            speaker = next((row for row in state.speakers if place is not None and row.id == place.speaker_id),
                           own[0] if len(own) == 1 else None)
            self.state = replace(
                state, row=row, speaker=speaker, takes=self._with_transcripts(state.takes), awaited=before.awaited,
                saving=before.saving, unsaved=before.unsaved, reviewing=before.reviewing,
                take_images=before.take_images, binned=before.binned if same else (),
                agreement=before.agreement if same else "")
            if state.gallery is not None and self._context.gallery not in state.gallery_names:
                self._context.set_gallery(state.gallery.name)
            self._arrive()
            self._transcribe_awaited()
            if self.state.reviewing:
                self._start(self._read_review())

        self._start(show(), "")

    def reopen(self) -> None:
        """Read the current gallery again; the queue stays as long as the gallery does."""
        gallery, queue = self.state.gallery, self.state.queue
        same = queue is not None and gallery is not None and gallery.name == self._context.gallery
        self.open(queue.spec if queue is not None and same else "")

    def go(self, row: int) -> None:
        """Bring a picture of the queue to the front, once the recording of this one is on the disk."""
        if not 0 <= row < len(self.state.images):
            return
        if self.state.unsaved is not None:
            self.message.emit(NOT_SAVED, "care")
        elif self.state.saving:
            saved = self.serial.add(_("Saving the recording"), lambda: None)

            async def follow() -> None:
                await saved
                self.go(row)

            self._start(follow())
        else:
            self._arrive(row=row, ended=False)

    def skip(self) -> None:
        """Pass over the picture in front."""
        image, row = self.state.image, self.state.next_row
        if image is None:
            return
        if row is None or row == self.state.row:
            self.message.emit(LAST_PICTURE, "quiet")
            return
        if self._annotator is not None and self.state.unsaved is None:
            self._annotator.skipped(image.id)
        self.go(row)

    def _go_next(self) -> None:
        row = self.state.next_row
        self._arrive(row=self.state.row if row is None else row, ended=row is None)

    def _arrive(self, **changes: Any) -> None:
        """Show another picture, store the place, and transcribe what a crash left without a transcript."""
        from core.store.records import AnnotatingRecord

        self._set(**changes)
        state = self.state
        if state.gallery is None or state.queue is None:
            return
        gallery_id = state.gallery.id
        place = AnnotatingRecord(state.queue.spec, state.image.id if state.image else None,
                                 state.speaker.id if state.speaker else None)
        self._start(self.serial.add(_("Saving the place"),
                                    lambda: self._context.explorer.store.keep_annotating(gallery_id, place)))
        current = state.current_take
        if current is not None and current.state == "draft" and current.heard is None:
            self._transcribe(current)

    def _bring(self, image_id: int | None) -> None:
        """Bring the picture of a change to the front; back into the queue if it was left out."""
        ids = [image.id for image in self.state.images]
        if image_id in ids:
            if self.state.ended or ids[self.state.row] != image_id:
                self.go(ids.index(image_id))
        elif image_id is not None and self.state.queue is not None:
            self._return_to = image_id
            self.open(self.state.queue.spec)

    # ---- speakers

    def choose_speaker(self, speaker_id: int) -> None:
        """Record another speaker from now on."""
        self._arrive(speaker=next((candidate for candidate in self.state.speakers if candidate.id == speaker_id), None))

    def save_speaker(self, speaker: "SpeakerRecord | None", name: str, language: str, consent: str) -> None:
        """Store a new profile (None), or changes of one, and record that speaker from now on."""
        def work() -> "SpeakerRecord":
            store = self._context.explorer.store
            if speaker is None:
                return store.add_speaker(name, language, consent)
            store.change_speaker(speaker.id, name, language, consent)
            return next(stored for stored in store.speakers() if stored.id == speaker.id)

        saving = self.serial.add(_("Saving the speaker"), work)

        async def choose() -> None:
            self._arrive(speaker=await saving)
            self.open(self.state.queue.spec if self.state.queue else "", same_pictures=True)

        self._start(choose())

    # ---- recordings

    def aim(self, again: bool = False) -> bool:
        """Make the picture in front the target of the next recording; whether there is one, and a speaker.

        A draft is replaced; with `again` also a confirmed take.
        """
        image, speaker, current = self.state.image, self.state.speaker, self.state.current_take
        if image is None or speaker is None:
            return False
        replaced = current if current is not None and (again or current.state == "draft") else None
        self._target = Target(image.id, speaker.id, replaced)
        return True

    def record(self, waveform: "Waveform", warning: str = "") -> None:
        """Save a recording for its target, and transcribe it."""
        if self._target is None and not self.aim():
            return
        assert self._target is not None
        new, self._target = UnsavedRecording(self._target, waveform, warning), None
        self._save(new)

    def _save(self, new: UnsavedRecording) -> None:
        annotator, target = self._annotator, new.target
        if annotator is None:
            return
        self._last_saved = last_saved = []

        def work() -> "TakeRecord":
            from core.annotation.quality import warning_of

            warning = new.warning or warning_of(new.waveform)
            last_saved.append(annotator.record(target.image_id, target.speaker_id, new.waveform, warning,
                                               target.replaces))
            return last_saved[0]

        saving = self.serial.add(_("Saving the recording"), work)
        self._set(saving=self.state.saving + 1)

        async def finish() -> None:
            try:
                take = await saving
            except JobCancelled:
                raise
            except Exception as error:
                self._set(saving=self.state.saving - 1, unsaved=new)
                self.failed.emit(error, IN_MEMORY)
                return
            replaced = target.replaces.id if target.replaces is not None else None
            takes = (*(old for old in self.state.takes if old.id != replaced), take)
            self._set(saving=self.state.saving - 1, unsaved=None, takes=takes)
            self._transcribe(take)

        self._start(finish())

    def discard(self) -> None:
        """Discard the recording that could not be saved."""
        self._set(unsaved=None)

    def finish(self) -> None:
        """Do what is queued and try once more to save what is in memory: the window closes."""
        unsaved = self.state.unsaved
        self.state = replace(self.state, unsaved=None)  # closing may be asked for twice
        if unsaved is not None:
            self._save(unsaved)
        self.serial.finish()

    # ---- transcripts

    def _with_transcripts(self, takes: "Iterable[TakeRecord]") -> "tuple[TakeRecord, ...]":
        from core.annotation.captions import heard_words

        def with_transcript(take: "TakeRecord") -> "TakeRecord":
            transcribed = self._transcribed.get(take.id)
            if transcribed is None or transcribed.heard is None or take.heard is not None:
                return take
            return take.with_heard(transcribed.heard, heard_words(transcribed))

        return tuple(with_transcript(take) for take in takes)

    def _transcribe_awaited(self) -> None:
        """Transcribe takes that were confirmed before, and that closing or a crash left without a transcript."""
        from core.annotation.captions import stage_of

        for take in self.state.takes:
            if stage_of(take) == "awaited":
                self._transcribe(take)

    def _transcribe(self, take: "TakeRecord") -> None:
        if take.id in self.state.awaited:
            return
        self._to_transcribe[take.id] = take
        self._set(awaited=self.state.awaited | {take.id})
        if not self._transcribing:
            self._transcribing = True
            tasks.start(self._transcribe_all())

    async def _transcribe_all(self) -> None:
        """One take after the other, so that threads stay free for saving; the take in front is the next one."""
        while self._to_transcribe:
            current = self.state.current_take
            first = current.id if current is not None and current.id in self._to_transcribe else None
            await self._transcribe_one(self._to_transcribe.pop(first or next(iter(self._to_transcribe))))
        self._transcribing = False

    async def _transcribe_one(self, take: "TakeRecord") -> None:
        def work(report: Report) -> "TakeRecord":
            from core.annotation.takes import transcribe

            explorer = self._context.explorer
            return transcribe(take, explorer.store, explorer.recogniser(report), explorer.query_options(), report)

        try:
            transcribed = await self._context.jobs.run(_("Transcribing the recording"), work, quiet=True)
        except JobCancelled:
            self._set(awaited=self.state.awaited - {take.id})
        except Exception as error:
            self._set(awaited=self.state.awaited - {take.id})
            self._not_transcribed(take, error)
        else:
            from core.annotation.captions import caption_of, transcript_of

            self._transcribed[take.id] = transcribed
            self._set(awaited=self.state.awaited - {take.id}, takes=self._with_transcripts(self.state.takes))
            current, transcript = self.state.current_take, transcript_of(transcribed)
            if not caption_of(transcribed) and (current is None or current.id != take.id):
                self._came_back(take, transcript.reason if transcript else "")

    def _not_transcribed(self, take: "TakeRecord", error: BaseException) -> None:
        now = self.state.take(take.id)
        if now is None or now.text:
            return  # it was deleted meanwhile, or its caption was typed
        self.message.emit(_("{error} The recording is saved: type the caption.").format(error=error), "care")
        changing = self._change(_("Returning the take to a draft"), lambda annotator: annotator.return_unheard(take))

        async def finish() -> None:
            if await changing:
                self._came_back(take, localised(error))

        self._start(finish())

    def _came_back(self, take: "TakeRecord", reason: str) -> None:
        """A take that was accepted before its transcript has none: its picture is to be described again."""
        if self.state.take(take.id) is None:
            return  # of another gallery, or deleted
        image = next((image for image in self.state.images if image.id == take.image_id), None)
        self.message.emit(_("{name}: {reason} The take is a draft again: record it again, or type the caption.").format(
            name=image.path.name if image else _("An earlier picture"), reason=reason or _("No words were found.")),
                          "care")
        if image is None and self.state.queue is not None:
            self.open(self.state.queue.spec)  # it was left out as a described one

    # ---- captions

    def confirm(self, text: str, stay: bool = False) -> None:
        """Store the caption and go on; with `stay`, to another description of the same picture.

        A transcript that is not there yet is not waited for: it is confirmed in the review.
        """
        state = self.state
        take, caption = state.current_take, " ".join(text.split())
        if state.unsaved is not None:
            self._save(state.unsaved)
        elif self._confirming:
            return  # Enter twice: the next picture is not meant
        elif state.saving:
            self._confirm(self._last_saved, caption, "done", stay)
        elif take is None:
            self.message.emit(NOTHING_RECORDED, "care")
        elif caption:
            same = take.text == caption and take.state in ("done", "accepted")
            self._confirm([take], caption, take.state if same else "done", stay)
        elif take.id in state.awaited:
            self._confirm([take], "", "done", stay)
        else:
            self.message.emit(NEEDS_WORDS, "care")

    def _confirm(self, takes: "list[TakeRecord]", caption: str, state: "TakeState", stay: bool) -> None:
        """Confirm the take of a list that is filled when its recording is saved; it stays empty if that fails."""
        if self._annotator is None:
            return
        self._confirming = True

        def work(annotator: "Annotator") -> "TakeRecord | None":
            if not takes:
                return None
            return annotator.confirm(takes[0], caption, state) if caption else annotator.confirm_unheard(takes[0])

        changing = self._change(_("Saving the caption"), work)

        async def finish() -> None:
            try:
                confirmed = await changing
            finally:
                self._confirming = False
            take = self.state.take(confirmed.id) if confirmed is not None else None
            if take is None:
                return
            if take.state == "draft":  # transcribed meanwhile, and no words were found
                self.message.emit(NEEDS_WORDS, "care")
                return
            if not stay:
                self._go_next()
            if not take.text:
                self.message.emit(LATER, "quiet")

        self._start(finish())

    def save_typed(self, text: str) -> None:
        """Store a caption that was typed and not confirmed with its take; one without a caption becomes a draft."""
        current, caption = self.state.current_take, " ".join(text.split())
        if not caption or (not self.state.saving and (current is None or caption == current.text)):
            return
        takes = self._last_saved if self.state.saving else [current] if current is not None else []

        def work(annotator: "Annotator") -> None:
            for take in takes:
                annotator.confirm(take, caption, take.state if take.text else "draft")

        self._start(self._change(_("Saving the caption"), work))

    # ---- changes of takes

    def undo(self) -> None:
        """Undo the last change and go to its picture."""
        undoing = self._change(_("Undoing"), lambda annotator: annotator.undo())

        async def finish() -> None:
            step = await undoing
            if step is not None:
                self._bring(step.image_id)
            self.message.emit(_("Nothing to undo.") if step is None else BINNED if step.made
                              else _("Undone: {what}.").format(what=step.what),
                              "quiet")

        self._start(finish())

    def redo(self) -> None:
        """Redo what was undone last and go to its picture."""
        redoing = self._change(_("Redoing"), lambda annotator: annotator.redo())

        async def finish() -> None:
            step: Step | None = await redoing
            if step is not None:
                self._bring(step.image_id)
                if step.skips and self.state.image is not None and self.state.image.id == step.image_id:
                    self._go_next()
            self.message.emit(_("Nothing to redo.") if step is None else _("Redone: {what}.").format(what=step.what),
                              "quiet")

        self._start(finish())

    def move_to_bin(self, takes: "Sequence[TakeRecord]") -> None:
        """Put takes into the bin."""
        if takes:
            self._start(self._change(_("Moving to the bin"), lambda annotator: annotator.throw_away(takes)))

    def restore(self, takes: "Sequence[TakeRecord]") -> None:
        """Take takes out of the bin."""
        self._start(self._change(_("Restoring"), lambda annotator: annotator.bring_back(takes)))

    def judge(self, takes: "Sequence[TakeRecord]", state: "TakeState", caption: str = "") -> None:
        """Set the state of takes in the review; with a caption, that of one take as well."""
        if caption:
            self._start(self._change(_("Saving the caption"), lambda annotator: annotator.confirm(takes[0], caption,
                                                                                               state)))
        else:
            self._start(self._change(_("Saving the decision"), lambda annotator: annotator.judge(takes, state)))

    def erase_bin(self, takes: "Sequence[TakeRecord]") -> None:
        """Delete takes of the bin and their recordings for good."""
        ids = [take.id for take in takes if take.binned is not None]
        erasing = self._change(_("Deleting"), lambda annotator: self._context.explorer.store.erase_takes(ids))

        async def finish() -> None:
            await erasing
            self.message.emit(_("{ids} deleted.").format(ids=len(ids)), "quiet")

        self._start(finish())

    def _change(self, name: str, work: "Callable[[Annotator], T]") -> Coroutine[Any, Any, T]:
        """Queue a change of takes at once; await what is returned for its result, the takes read again."""
        gallery, annotator = self.state.gallery, self._annotator

        def change_and_read() -> "tuple[T | None, list[TakeRecord]]":
            if gallery is None or annotator is None:
                return None, []
            return work(annotator), self._context.explorer.store.takes(gallery.id)

        changing = self.serial.add(name, change_and_read)

        async def read() -> T:
            result, takes = await changing
            if self.state.gallery is None or gallery is None or self.state.gallery.id != gallery.id:  # another by now
                return result  # type: ignore[return-value]
            self._set(takes=self._with_transcripts(takes))
            if self.state.reviewing:
                self._start(self._read_review())
            return result  # type: ignore[return-value]  # None without a gallery, where nothing can be asked for

        return read()

    # ---- the review

    def show_review(self, reviewing: bool) -> None:
        """Show the review of all takes, or the picture in front."""
        self._set(reviewing=reviewing)
        if reviewing:
            self._start(self._read_review())

    async def _read_review(self) -> None:
        """Read the images of all takes and the bin, then measure how much speakers agree."""
        gallery, takes = self.state.gallery, self.state.takes
        if gallery is None:
            return

        def read(report: Report) -> "tuple[dict[int, ImageRecord], tuple[TakeRecord, ...]]":
            explorer = self._context.explorer
            binned = tuple(explorer.store.takes(gallery.id, binned=True))
            ids = {take.image_id for take in (*takes, *binned) if take.image_id is not None}
            return {image.id: image for image in explorer.gallery(gallery).images(sorted(ids))}, binned

        def measure(report: Report) -> "Agreement":
            from core.annotation.agreement import measure

            return measure(takes, partial(self._context.explorer.backbone, report), report)

        jobs = self._context.jobs
        images, binned = await jobs.run(_("Reading the takes"), read, key="annotate-review", quiet=True)
        self._set(take_images=images, binned=binned)
        agreement: Agreement | str
        try:
            agreement = await jobs.run(_("Comparing captions"), measure, key="annotate-agreement", quiet=True)
        except JobCancelled:
            raise
        except Exception as error:
            agreement = localised(error)
        self._set(agreement=agreement)
