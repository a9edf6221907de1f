"""Takes: recorded to disk and store, transcribed, and changed in steps that can be undone."""

import json
import os
import threading
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from core import audio
from core.annotation.captions import caption_of, heard_words, tidy, transcript_of
from core.errors import AnnotationError, AudioError
from core.localisation import _
from core.progress import Report, silent
from core.store.records import NewTake, TakeRecord, TakeState

if TYPE_CHECKING:
    from core.asr.recogniser import Recogniser
    from core.asr.transcript import TranscriptionOptions
    from core.audio import Waveform
    from core.store.store import Store

MOST_STEPS = 500


def write(waveform: "Waveform", folder: Path) -> tuple[Path, "Waveform"]:
    """Write a recording into the folder as FLAC, named by what can be read from it again; both are given back.

    It is on the disk when this returns. AudioError ("not_saved").
    """
    staged = folder / f".{uuid.uuid4().hex}.flac"
    try:
        audio.write_flac(waveform, staged)
        written = audio.read(staged)
        path = staged.replace(folder / f"{written.digest}.flac")
        _sync_folder(folder)
    except OSError as error:
        raise AudioError(_("The recording could not be saved in {folder}: {strerror}.").format(folder=folder,
                                                                                               strerror=error.strerror
                                                                                               or error),
                         "not_saved") from error
    finally:
        with suppress(OSError):
            staged.unlink(missing_ok=True)
    return path, written


def transcribe(take: TakeRecord, store: "Store", recogniser: "Recogniser", options: "TranscriptionOptions",
               report: Report = silent) -> TakeRecord:
    """Transcribe a take in its speaker's language, never translated, and store that; see `TakeRecord.with_heard`.

    `options` are those of a query: the words of a clear voice are kept as doubtful where a dataset's would be refused.
    AudioError when the recording cannot be read; ModelError, StoreError, AnnotationError ("gone").
    """
    options = replace(options, language=take.speaker.language or options.language, translate=False)
    transcript = recogniser.transcribe([audio.read(take.recording)], options, report)[0].transcript
    store.keep_heard(take.id, json.dumps(transcript.to_json(), ensure_ascii=False), tidy(transcript.text))
    return _stored(store, take.id)


@dataclass(frozen=True)
class Step:
    """A step that can be undone: takes as they were before, and ids of takes that it made.

    `after`: all of them as of undoing it, for redoing it.
    """

    what: str
    image_id: int | None  # the picture that was in front
    before: tuple[TakeRecord, ...] = ()
    made: tuple[int, ...] = ()
    after: tuple[TakeRecord, ...] = ()

    @property
    def skips(self) -> bool:
        """Whether the take only skips a picture."""
        return not self.before and not self.made


class Annotator:
    """Records and changes takes. Each method is one transaction of the store and one step to undo.

    Any thread may call any method; steps are in the order of the calls. `folder`: where recordings are written.
    """

    def __init__(self, store: "Store", folder: Path) -> None:
        self._store, self._folder = store, folder
        self._steps: deque[Step] = deque(maxlen=MOST_STEPS)
        self._undone: deque[Step] = deque(maxlen=MOST_STEPS)
        self._lock = threading.Lock()

    def record(self, image_id: int, speaker_id: int, waveform: "Waveform", warning: str = "",
               instead_of: TakeRecord | None = None) -> TakeRecord:
        """Store a new take; on disk and in the store when this returns. The one that it replaces goes into the bin.

        AudioError ("not_saved"), StoreError: nothing changed then, and a FLAC that was written stays.
        """
        path, stored = write(waveform, self._folder)
        new = NewTake(image_id, speaker_id, path, stored.digest, stored.seconds, warning)
        [take] = self._store.add_takes([new])
        before = self._change([instead_of], _binned) if instead_of is not None else ()
        self._did(Step(_("the recording"), image_id, before, (take.id,)))
        return take

    def confirm(self, take: TakeRecord, text: str, state: TakeState = "done") -> TakeRecord:
        """Keep the caption of a take and say how far it is. AnnotationError ("no_words") when it has none."""
        words = tidy(text)
        if not words:
            raise AnnotationError(_("A caption needs words: say it again, or type what was said."), "no_words")
        before = self._change([take], lambda now: replace(now, text=words, state=state))
        self._did(Step(_("the caption"), take.image_id, before))
        return _stored(self._store, take.id)

    def confirm_unheard(self, take: TakeRecord) -> TakeRecord:
        """Confirm a take before its transcript is there, which is to be confirmed in the review.

        One that was transcribed meanwhile, without words, stays a draft. AnnotationError ("gone").
        """
        before = _stored(self._store, take.id)
        if not self._store.confirm_unheard(take.id):
            now = _stored(self._store, take.id)
            if not heard_words(now):
                return now
            self._store.keep_takes([replace(now, text="", state="done")])
        self._did(Step(_("the caption"), take.image_id, (before,)))
        return _stored(self._store, take.id)

    def judge(self, takes: Sequence[TakeRecord], state: TakeState) -> None:
        """Accept or reject takes in the review, or take that back.

        Words that nobody confirmed become the caption, unless they are rejected. What has no words is left as it is.
        """
        if state == "rejected":
            before = self._change(takes, lambda now: replace(now, state=state))
        else:
            takes = [take for take in takes if caption_of(take)]
            before = self._change(takes, lambda now: replace(now, text=caption_of(now), state=state))
        if before:
            self._did(Step(_("the decision"), _place(takes), before))

    def throw_away(self, takes: Sequence[TakeRecord]) -> None:
        """Put takes into the bin, from where they can be brought back."""
        self._did(Step(_("throwing away"), _place(takes), self._change(takes, _binned)))

    def bring_back(self, takes: Sequence[TakeRecord]) -> None:
        """Take takes out of the bin."""
        self._did(Step(_("bringing back"), _place(takes), self._change(takes, lambda now: replace(now, binned=None))))

    def return_unheard(self, take: TakeRecord) -> bool:
        """Make a take that was confirmed before its words a draft again, as they cannot be had; whether it was one.

        It is no step: what the user did is undone as before.
        """
        return self._store.return_unheard(take.id)

    def skipped(self, image_id: int) -> None:
        """The picture was passed over; undoing goes back to it."""
        self._did(Step("skipping", image_id))

    def undo(self) -> Step | None:
        """Undo the last step; None when there is none. Takes that came go to the bin; words are never lost to it."""
        return self._move(self._steps, self._undone, self._take_back)

    def redo(self) -> Step | None:
        """Do again what was undone last; None when there is nothing, or something else was done since."""
        return self._move(self._undone, self._steps, self._do_again)

    def _move(self, source: deque[Step], target: deque[Step], write: Callable[[Step], Step]) -> Step | None:
        with self._lock:
            if not source:
                return None
            step = write(source[-1])  # StoreError: it can be tried again
            source.pop()
            target.append(step)
        return step

    def _take_back(self, step: Step) -> Step:
        now = self._now([*(take.id for take in step.before), *step.made])
        back = [_as_before(take, now[take.id]) for take in step.before if take.id in now]
        gone = [_binned(now[one]) for one in step.made if one in now]
        self._store.keep_takes([*back, *gone])
        return replace(step, after=tuple(now.values()))

    def _do_again(self, step: Step) -> Step:
        now = self._now([take.id for take in step.after])
        self._store.keep_takes([_as_before(take, now[take.id]) for take in step.after if take.id in now])
        return step

    def _now(self, ids: Sequence[int]) -> dict[int, TakeRecord]:
        return {take.id: take for take in self._store.takes_by_id(ids)}

    def _change(self, takes: Sequence[TakeRecord], new: Callable[[TakeRecord], TakeRecord]) -> tuple[TakeRecord, ...]:
        """Change takes as they are now in the store; returns them as they were."""
        before = self._store.takes_by_id([take.id for take in takes])
        self._store.keep_takes([new(take) for take in before])
        return tuple(before)

    def _did(self, step: Step) -> None:
        with self._lock:
            self._steps.append(step)
            self._undone.clear()


def _binned(take: TakeRecord) -> TakeRecord:
    return replace(take, binned=datetime.now(UTC))


def _as_before(take: TakeRecord, now: TakeRecord) -> TakeRecord:
    """The take as it was, with the words that came since: they are no part of a step."""
    if take.state == "draft":
        return replace(take, text=take.text or now.text or heard_words(now))
    if now.heard is None or transcript_of(now) is None:
        return take
    return take.with_heard(now.heard, heard_words(now))


def _place(takes: Sequence[TakeRecord]) -> int | None:
    return takes[0].image_id if takes else None


def _stored(store: "Store", take_id: int) -> TakeRecord:
    """The take as it is now. AnnotationError ("gone")."""
    takes = store.takes_by_id([take_id])
    if not takes:
        raise AnnotationError(_("This recording was deleted meanwhile."), "gone")
    return takes[0]


def _sync_folder(folder: Path) -> None:
    """Have the file's name on the disk too; where folders cannot be opened (Windows), the system sees to it."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
