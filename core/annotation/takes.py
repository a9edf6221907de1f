"""Takes: recorded to disk and store, heard, and changed in steps that can be undone."""

import json
import os
import threading
import uuid
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from core import audio, plain_json
from core.errors import AnnotationError, AudioError
from core.models.transcripts import HearingOptions, Transcript
from core.progress import Report, silent
from core.store.records import NewTake, TakeRecord, TakeState

if TYPE_CHECKING:
    from core.audio import Waveform
    from core.explorer import Explorer

MOST_STEPS = 500


def transcript_of(take: TakeRecord) -> Transcript | None:
    """What was heard in a take; None until it was recognised, or when that is damaged."""
    try:
        return None if take.heard is None else Transcript.kept(plain_json.loads(take.heard))
    except ValueError:
        return None


def tidy(text: str) -> str:
    """A caption on one line, without needless blanks."""
    return " ".join(text.split())


def write(waveform: "Waveform", folder: Path) -> tuple[Path, "Waveform"]:
    """Write a recording into the folder as FLAC, named by what can be read from it again; both are given back.

    It is on the disk when this returns. AudioError ("not_saved").
    """
    staged = folder / f".{uuid.uuid4().hex}.flac"
    try:
        audio.write_flac(waveform, staged)
        kept = audio.read(staged)
        path = staged.replace(folder / f"{kept.digest}.flac")
        _sync_folder(folder)
    except OSError as error:
        raise AudioError(f"The recording could not be saved in {folder}: {error.strerror or error}.",
                         "not_saved") from error
    finally:
        with suppress(OSError):
            staged.unlink(missing_ok=True)
    return path, kept


def hear(explorer: "Explorer", take: TakeRecord, report: Report = silent) -> TakeRecord:
    """Have a take recognised in its speaker's language, never translated; its words become the caption if it has none.

    AudioError when the recording cannot be read; WeightsError, ModelError, StoreError.
    """
    settings = explorer.settings
    options = HearingOptions(settings["speech.padding"], take.speaker.language or settings["speech.language"],
                             translate=False)
    waveform = audio.read(take.recording)
    heard = explorer.recogniser(report).hear([waveform], options, report)[0].transcript
    explorer.store.keep_heard(take.id, json.dumps(heard.to_json(), ensure_ascii=False), tidy(heard.text))
    return _one(explorer, take.id)


@dataclass(frozen=True)
class Step:
    """Something that was done and can be undone: takes as they were before, and ids of takes that came with it."""

    what: str
    image_id: int | None  # the picture that was in front
    before: tuple[TakeRecord, ...] = ()
    made: tuple[int, ...] = ()


class Annotator:
    """Records and changes takes. Each method is one transaction of the store and one step to undo.

    Any thread may call; whoever wants steps in the order of the user's doings calls one after the other.
    """

    def __init__(self, explorer: "Explorer") -> None:
        self._explorer = explorer
        self._steps: deque[Step] = deque(maxlen=MOST_STEPS)
        self._lock = threading.Lock()

    def record(self, image_id: int, speaker_id: int, waveform: "Waveform", warning: str = "",
               instead_of: TakeRecord | None = None) -> TakeRecord:
        """Store a new take; on disk and in the store when this returns. The one that it replaces goes into the bin.

        AudioError ("not_saved"), StoreError: nothing changed then, and a FLAC that was written stays.
        """
        path, kept = write(waveform, self._explorer.home.takes)
        new = NewTake(image_id, speaker_id, path, kept.digest, kept.seconds, warning)
        [take] = self._explorer.store.add_takes([new])
        before = self._change([instead_of], binned=datetime.now(UTC)) if instead_of is not None else ()
        self._did(Step("the recording", image_id, before, (take.id,)))
        return take

    def confirm(self, take: TakeRecord, text: str, state: TakeState = "done") -> TakeRecord:
        """Keep the caption of a take and say how far it is. AnnotationError ("no_words") when it has none."""
        words = tidy(text)
        if not words:
            raise AnnotationError("A caption needs words: say it again, or type what was said.", "no_words")
        self._did(Step("the caption", take.image_id, self._change([take], text=words, state=state)))
        return _one(self._explorer, take.id)

    def judge(self, takes: Sequence[TakeRecord], state: TakeState) -> None:
        """Accept or reject takes in the review, or take that back. Those without words cannot be accepted."""
        if state != "rejected":
            takes = [take for take in takes if take.text]
        self._did(Step("the decision", _place(takes), self._change(takes, state=state)))

    def throw_away(self, takes: Sequence[TakeRecord]) -> None:
        """Put takes into the bin, from where they can be brought back."""
        self._did(Step("throwing away", _place(takes), self._change(takes, binned=datetime.now(UTC))))

    def bring_back(self, takes: Sequence[TakeRecord]) -> None:
        """Take takes out of the bin."""
        self._did(Step("bringing back", _place(takes), self._change(takes, binned=None)))

    def skipped(self, image_id: int) -> None:
        """The picture was passed over; undoing goes back to it."""
        self._did(Step("skipping", image_id))

    def undo(self) -> Step | None:
        """Undo the last step; None when there is none. Takes that came go to the bin; words are never lost to it."""
        with self._lock:
            step = self._steps.pop() if self._steps else None
        if step is None:
            return None
        store = self._explorer.store
        now = {take.id: take for take in store.takes_by_id([take.id for take in step.before] + list(step.made))}
        # heard meanwhile: the words came after the step and are no part of it
        back = [replace(take, text=take.text or now[take.id].text) for take in step.before if take.id in now]
        gone = [replace(now[one], binned=datetime.now(UTC)) for one in step.made if one in now]
        store.keep_takes([*back, *gone])
        return step

    def _change(self, takes: Sequence[TakeRecord], **values: object) -> tuple[TakeRecord, ...]:
        """Change takes as they are now in the store; how they were."""
        store = self._explorer.store
        before = store.takes_by_id([take.id for take in takes])
        store.keep_takes([replace(take, **values) for take in before])  # type: ignore[arg-type]
        return tuple(before)

    def _did(self, step: Step) -> None:
        with self._lock:
            self._steps.append(step)


def _place(takes: Sequence[TakeRecord]) -> int | None:
    return takes[0].image_id if takes else None


def _one(explorer: "Explorer", take_id: int) -> TakeRecord:
    found = explorer.store.takes_by_id([take_id])
    if not found:
        raise AnnotationError("This recording was deleted meanwhile.", "gone")
    return found[0]


def _sync_folder(folder: Path) -> None:
    """Have the file's name on the disk too; where folders cannot be opened (Windows), the system sees to it."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
