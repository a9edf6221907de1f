"""Controller of the Failures screen: reads, labels, diagnoses and exports in jobs. No widgets here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from PySide6.QtCore import QObject, Signal

from brewclip_app import tasks, wording
from brewclip_app.controller import Controller
from brewclip_app.jobs import JobProgress
from brewclip_app.localisation import _, localised, ngettext
from brewclip_app.panels.failures.misses import FailureCase, Misses, case_of, read_misses
from core.progress import JobCancelled, Report

if TYPE_CHECKING:
    import asyncio

    from brewclip_app.context import Context
    from brewclip_app.jobs import Job
    from core.audio import Waveform
    from core.evaluation.records import Direction, EvaluationRecord
    from core.store.records import FailureLabel

T = TypeVar("T")
DIAGNOSE = "failures:diagnose"  # key of the job


@dataclass(frozen=True, eq=False)
class FailuresState:
    """All that the panel renders. `evaluations` is None until they are read; `case` is the failure in front."""

    evaluations: "tuple[EvaluationRecord, ...] | None" = None
    evaluation: int = 0
    direction: "Direction" = "speech_to_image"
    at: int = 10
    misses: Misses | None = None
    front: int | None = None  # number of the query in front; None: the first of the list
    case: FailureCase | None = None
    waveform: "Waveform | None" = None  # of the case, once it is read
    unreadable: str = ""  # why it cannot be
    progress: JobProgress | None = None  # of the diagnosis of this list


class FailuresController(Controller[FailuresState]):
    """Holds the state; methods change it at once or start a coroutine. Labels are written in the order given."""

    notified = Signal(str, str)  # a sentence and its kind, for the banner

    def __init__(self, context: "Context", parent: QObject | None = None) -> None:
        super().__init__(FailuresState(), parent)
        self._context, self._jobs = context, context.jobs
        self._diagnosed: tuple[int, int] = (0, 0)  # evaluation and K of the running diagnosis
        self._undone: dict[int, list[FailureLabel]] = {}  # by evaluation, until something else is labelled
        self._writes = 0  # labels that are not in the store yet
        self._stored: Mapping[tuple[Direction, str], FailureLabel] = {}  # the labels of the shown evaluation
        self._reading: asyncio.Task[None] | None = None  # of the waveform in front

    # ---- which failures

    def read_evaluations(self) -> None:
        """Read the stored evaluations, then the failures of the chosen one."""
        tasks.start(self._read_evaluations())

    def choose(self, evaluation: int = 0, direction: str = "", at: int = 0) -> None:
        """Choose an evaluation, a direction or K; nothing is read yet."""
        state = self.state
        self._set(evaluation=evaluation or state.evaluation, direction=direction or state.direction, at=at or state.at)

    def read(self) -> None:
        """Read the failures of what is chosen."""
        if self.state.evaluation:
            tasks.start(self._read())

    def show(self, number: int | None) -> None:
        """Bring a query to the front and read its recording; None the first of the list, once it is there."""
        misses, before = self.state.misses, self.state.case
        query = misses.query(number) if misses is not None and number is not None else None
        if misses is None or query is None:
            self._set(front=number)
            return
        case = case_of(misses, query)
        if before is not None and before.key == case.key:
            self._set(front=number, case=case)
            return
        self._set(front=number, case=case, waveform=None, unreadable="")
        if case.recording is not None:
            self._reading = tasks.start(self._read_front(case, case.recording))

    async def waveform(self) -> "Waveform | None":
        """The recording in front, as soon as it is read; None where it cannot be."""
        if self._reading is not None:
            await self._reading
        return self.state.waveform

    async def read_recording(self, recording: Path) -> "Waveform | None":
        """Read another recording, under the noise of the evaluation; the banner says why where that fails."""
        try:
            return await self._jobs.run(_("Reading the recording"), self._reader(recording), key="failures:other",
                                        quiet=True)
        except JobCancelled:
            pass
        except Exception as error:
            self.notified.emit(localised(error), "care")
        return None

    # ---- labels

    def label(self, key: str) -> None:
        """Label the failure in front; "" removes the label."""
        note = self._label_in_front()
        self._write(key, note.note if note else "")

    def set_note(self, note: str) -> None:
        """Set the note on the failure in front."""
        label = self._label_in_front()
        self._write(label.label if label else "", note)

    async def undo(self) -> "FailureLabel | None":
        """Undo the newest change of the evaluation: the label that it undid; None where there is none."""
        def work(evaluation: int) -> "FailureLabel | None":
            from core.evaluation import labelling

            undone = labelling.undo(self._context.explorer.store, evaluation)
            if undone is not None:
                self._undone.setdefault(evaluation, []).append(undone)
            return undone

        return await self._change(work)

    async def redo(self) -> "FailureLabel | None":
        """Apply what was undone last; None where nothing was, or something else was labelled since."""
        def work(evaluation: int) -> "FailureLabel | None":
            from core.evaluation import labelling

            undone = self._undone.get(evaluation)
            if not undone:
                return None
            last = undone[-1]
            label = labelling.label(self._context.explorer.store, evaluation, cast("Direction", last.direction),
                                    last.query_id, last.label, last.note)
            undone.pop()
            return label

        return await self._change(work)

    # ---- long work

    @property
    def job(self) -> "Job | None":
        """The running diagnosis."""
        return self._jobs.of_key(DIAGNOSE)

    def diagnose(self) -> None:
        """Rank the failures again with one change each; a diagnosis that runs is stopped."""
        if self.state.misses is not None:
            tasks.start(self._diagnose(self.state.misses.record.id, self.state.misses.at))

    def stop_diagnosis(self) -> None:
        """Stop the diagnosis; what was stored before stays."""
        if self.job is not None:
            self.job.cancel()
            self._set()

    async def export(self, folder: Path) -> None:
        """Write the failures of both directions into a folder."""
        misses = self.state.misses
        if misses is None:
            return

        def work(report: Report) -> int:
            from core.evaluation import exports

            return exports.export_failures(self._context.explorer.store, misses.record.id, misses.at, folder, report)

        number = await self._attempt(_("Exporting failures"), work, "failures:export", _("Nothing here was changed."))
        if number is not None:
            self.notified.emit(ngettext("{number} failure of both directions written to {folder}, with their pictures.",
                                        "{number} failures of both directions written to {folder}, with their "
                                        "pictures.", number).format(number=wording.count(number), folder=folder),
                               "good")

    async def choose_gallery(self) -> bool:
        """Choose a gallery that has the pictures of these failures; the banner says where there is none."""
        misses, store, first = self.state.misses, self._context.explorer.store, self._context.gallery
        if misses is None or not misses.queries:
            return False

        def work(report: Report) -> str:
            from core.annotation.failed import home_of

            return home_of(store, f"{misses.record.id}/{misses.at}", first) or ""

        gallery = await self._attempt(_("Finding the pictures"), work, "failures:annotate")
        if gallery:
            self._context.set_gallery(gallery)
        elif gallery is not None:
            self.notified.emit(_("No gallery has these pictures. Index {folder} in Library first.").format(
                folder=misses.record.setup.folder), "care")
        return bool(gallery)

    # ---- coroutines

    async def _read_evaluations(self) -> None:
        from core.evaluation import archive

        explorer = self._context.explorer
        records = await self._attempt(_("Reading the evaluations"), lambda report: archive.evaluations(explorer.store),
                                      "failures:list")
        if records is None:
            return
        ids = [record.id for record in records]
        chosen = self.state.evaluation if self.state.evaluation in ids else next(iter(ids), 0)
        if not chosen:
            self._set(evaluations=(), evaluation=0, misses=None, case=None)
        else:
            self._set(evaluations=tuple(records), evaluation=chosen)
            await self._read()

    async def _read(self) -> None:
        explorer, state, before = self._context.explorer, self.state, self.state.misses
        try:
            misses = await self._jobs.run(
                _("Reading the failures"),
                lambda report: read_misses(explorer, state.evaluation, state.direction, state.at),
                key="failures:read", quiet=True)
        except JobCancelled:
            return
        except Exception as error:
            self._set(misses=None, case=None)
            self.failed.emit(error, "")
            if getattr(error, "kind", "") == "gone":  # deleted in Evaluate, or by another process
                self.read_evaluations()
            return
        self._stored = misses.labels
        front = self.state.front if before is None or before.key == misses.key else None
        self._set(misses=misses, front=front)

    async def _read_front(self, case: FailureCase, recording: Path) -> None:
        try:
            waveform = await self._jobs.run(_("Reading the recording"), self._reader(recording), key="failures:voice",
                                            quiet=True)
        except JobCancelled:
            return
        except Exception as error:
            waveform, unreadable = None, localised(error)
        else:
            unreadable = ""
        if self.state.case is not None and self.state.case.key == case.key:
            self._set(waveform=waveform, unreadable=unreadable)

    async def _diagnose(self, evaluation: int, at: int) -> None:
        explorer = self._context.explorer

        def work(report: Report) -> None:
            from core.evaluation import diagnosis

            diagnosis.diagnose(explorer.workspace, evaluation, at, report)

        self._diagnosed = evaluation, at
        try:
            await self._jobs.run(_("Diagnosing failures"), work, key=DIAGNOSE, on_progress=lambda *_unused: self._set(),
                                 loss=_("Transcripts are kept; the failures are diagnosed from the beginning the next "
                                        "time."))
        except JobCancelled:
            self._set()
        except Exception as error:
            self._set()
            self.failed.emit(error, _("The list and your labels are kept."))
        else:
            self.read()

    async def _change(self, work: "Callable[[int], FailureLabel | None]", safe: str = _("The label was not saved.")
                      ) -> "FailureLabel | None":
        """Change labels in the store, after the changes before; its result. The stored labels are shown then.

        JobCancelled: it failed, which the window says, or was stopped.
        """
        if self.state.misses is None:
            return None
        evaluation, store = self.state.misses.record.id, self._context.explorer.store

        def change(report: Report) -> Any:
            from core.evaluation import labelling

            return work(evaluation), labelling.labels(store, evaluation)

        self._writes += 1
        try:
            async with self._lock:
                label, labels = await self._jobs.run(_("Saving the label"), change, quiet=True)
            self._stored = labels
        except JobCancelled:
            raise
        except Exception as error:
            self.failed.emit(error, safe)
            raise JobCancelled from error  # nothing follows, and the banner has said why
        finally:
            self._writes -= 1
            misses = self.state.misses
            if not self._writes and misses is not None and misses.record.id == evaluation:  # else a newer one follows
                self._set(misses=replace(misses, labels=self._stored))
        return cast("FailureLabel | None", label)

    async def _attempt(self, name: str, work: Callable[[Report], T], key: str, safe: str = "") -> T | None:
        """Await a job; None where it failed, which the window says, or was stopped."""
        try:
            return await self._jobs.run(name, work, key=key, quiet=not safe)
        except JobCancelled:
            pass
        except Exception as error:
            self.failed.emit(error, safe)
        return None

    # ---- helpers

    def _write(self, key: str, note: str) -> None:
        """Show a label at once and write it to the store."""
        from core.store.records import FailureLabel

        misses, case = self.state.misses, self.state.case
        if misses is None or case is None:
            return
        direction, query_id = case.query.direction, case.query.query_id
        label = FailureLabel(misses.record.id, direction, query_id, key, note, datetime.now(UTC))
        self._set(misses=replace(misses, labels={**misses.labels, (direction, query_id): label}))

        def work(evaluation: int) -> "FailureLabel":
            from core.evaluation import labelling

            written = labelling.label(self._context.explorer.store, evaluation, direction, query_id, key, note)
            self._undone.pop(evaluation, None)
            return written

        before = self._stored.get((direction, query_id))
        lost = (_("The note was not saved. It reads: {note}").format(note=note)
                if note != (before.note if before else "") else "")

        async def write() -> None:
            await (self._change(work, lost) if lost else self._change(work))

        tasks.start(write())

    def _label_in_front(self) -> "FailureLabel | None":
        misses, case = self.state.misses, self.state.case
        return misses.label(case.query) if misses is not None and case is not None else None

    def _reader(self, recording: Path) -> "Callable[[Report], Waveform]":
        """Job that reads a recording as the evaluation did, with its noise."""
        misses = self.state.misses
        assert misses is not None
        others = [utterance.recording for utterance in misses.evaluation.utterances if utterance.recording]

        def read(report: Report) -> "Waveform":
            from core.features.speech_cache import read_under

            return read_under(recording, misses.record.setup.condition, others)

        return read

    @cached_property
    def _lock(self) -> "asyncio.Lock":
        import asyncio

        return asyncio.Lock()

    def _set(self, **changes: Any) -> None:
        job, shown = self.job, changes.get("misses", self.state.misses)
        follows = job is not None and shown is not None and self._diagnosed == (shown.record.id, shown.at)
        super()._set(**changes, progress=job.snapshot() if job is not None and follows else None)
