"""Training runs: begin, follow, pause, end. A run continues when the window closes."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, Signal

from brewclip_app.jobs import Job
from brewclip_app.wording import SpeedMeter
from core.errors import TrainingError
from core.progress import Estimate, Progress, Report

if TYPE_CHECKING:
    from brewclip_app.base_context import BaseContext
    from brewclip_app.services.run_library import Shelves
    from core.training.process import Process
    from core.training.recipe import Recipe
    from core.training.runs import RunRecord

T = TypeVar("T")
KEY = "train:"  # before a run's folder: the key of the job that follows it
FOLDERS = "training/folders"  # state: folders with runs beside the home's own
HEARING = "training/hearing"  # state: recordings a second that were last heard
FOLLOWED = 3  # runs that are followed each by a thread; more of them at once would only share one computer
LISTENED_S = 300.0  # recordings are logged by the dozen: shorter times tell nothing


class Training(QObject):
    """All training runs, worked on in jobs. On the GUI thread."""

    changed = Signal()         # `records` are others
    began = Signal(object)     # Path of a new run's folder
    ended = Signal(object)     # RunRecord of one that was going on
    failed = Signal(object, str)
    _told = Signal(object)     # RunRecord; crosses from the thread that follows

    def __init__(self, context: "BaseContext") -> None:
        super().__init__(context)
        self._context = context
        self._shelves: Shelves | None = None
        self.is_read = False  # whether the folders were looked at yet
        self._records: dict[Path, RunRecord] = {}
        self._processes: dict[Path, Process] = {}
        self._asked: dict[Path, str] = {}  # what a run was asked for: "pause" or "stop"
        self._paces: dict[Path, SpeedMeter] = {}
        self._estimates: dict[Path, Estimate] = {}
        self._known_better: set[Path] = set()  # ended while the folders were read: what was read there is older
        self._told.connect(self._take_told)

    @property
    def records(self) -> "tuple[RunRecord, ...]":
        """All runs: those of the home's folder first, the newest first."""
        return tuple(self._records.values())

    @property
    def folders(self) -> tuple[Path, ...]:
        """Folders with runs that the user added."""
        found = self._context.state.get(FOLDERS, [])
        return tuple(Path(str(each)) for each in found) if isinstance(found, list) else ()

    def record(self, path: Path | None) -> "RunRecord | None":
        """One run."""
        return self._records.get(path) if path else None

    def asked(self, path: Path) -> str:
        """Pending request to a run: "pause", "stop" or ""."""
        return self._asked.get(path, "")

    def left_of_preparing(self, path: Path) -> float | None:
        """Seconds until a run's dataset is prepared; None while unknown."""
        estimate = self._estimates.get(path)
        return estimate.left() if estimate else None

    def look(self) -> None:
        """Read the folders again."""
        folders, alive = (self._context.home.runs, *self.folders), frozenset(self._processes)

        def read(report: Report) -> "tuple[RunRecord, ...]":
            from brewclip_app.services.run_library import Shelves
            if self._shelves is None or self._shelves.folders != folders:
                self._shelves = Shelves(folders)
            return self._shelves.read(alive)

        if self._context.jobs.of_key("runs") is None:
            self._known_better.clear()
            self._context.jobs.submit("Looking for runs", read, key="runs", on_done=self._take, quiet=True,
                                      on_failed=lambda error: self.failed.emit(error, ""))

    def add_folder(self, folder: Path) -> None:
        """Show the runs of another folder too, or the run that it is."""
        if folder not in (self._context.home.runs, *self.folders):
            self._context.state.keep(FOLDERS, [str(each) for each in (*self.folders, folder)])
        self.look()

    def begin(self, recipe: "Recipe") -> None:
        """Begin a run of the home with this recipe."""
        folder = self._context.home.runs

        def work(report: Report) -> Path:
            from brewclip_app.services.run_library import begin
            report(Progress())
            return begin(folder, recipe)

        self._submit("Beginning a run", work, self._begun)

    def go_on(self, path: Path) -> None:
        """Resume a run from its last save."""
        if self._context.jobs.of_key(f"{KEY}{path}") is not None:
            return
        if len(self._followed()) >= FOLLOWED:
            self.failed.emit(TrainingError(f"{len(self._followed())} runs are going on. Pause one of them first.",
                                           "too_many"), "")
            return
        home = self._context.home

        def work(report: Report) -> "Process":
            from core.training import process as training_process
            return training_process.start(path, home)

        self._submit("Starting the run", work, lambda process: self._follow(path, process))

    def pause(self, path: Path) -> None:
        """Ask a run to save and end at its next step; it can be resumed."""
        self._ask(path, "pause")

    def stop(self, path: Path) -> None:
        """End a run for good; its best model stays."""
        record = self._records.get(path)
        if record is not None and record.live:
            self._ask(path, "stop")
            return

        def close(report: Report) -> None:
            from core.training import process as training_process
            training_process.close_run(path)

        self._submit("Ending the run", close, lambda _: self.look())

    def kill(self, path: Path) -> None:
        """End a run's process now; it can be resumed from its last save."""
        process = self._processes.get(path)

        def work(report: Report) -> None:
            from core.training import process as training_process
            training_process.kill(path, process)

        self._submit("Ending the run", work)

    def delete(self, path: Path) -> None:
        """Put a run's folder into the bin."""
        def work(report: Report) -> None:
            from brewclip_app.services.run_library import discard
            discard(path)

        self._submit("Deleting the run", work, lambda _: self._deleted(path))

    def _deleted(self, path: Path) -> None:
        self._records.pop(path, None)
        self.changed.emit()
        self.look()

    def _submit(self, name: str, work: Callable[[Report], T], done: Callable[[T], Any] = lambda _: None) -> None:
        self._context.jobs.submit(name, work, on_done=done, quiet=True,
                                  on_failed=lambda error: self.failed.emit(error, ""))

    def _ask(self, path: Path, what: str) -> None:
        self._asked[path] = what
        process = self._processes.get(path)

        def work(report: Report) -> None:
            from core.training import process as training_process
            training_process.ask_to_pause(path, process)

        def failed(error: BaseException) -> None:
            self._asked.pop(path, None)
            self.failed.emit(error, "")
            self.changed.emit()

        self._context.jobs.submit("Asking the run to end", work, on_failed=failed, quiet=True)
        self.changed.emit()

    def _begun(self, path: Path) -> None:
        self.began.emit(path)
        self.go_on(path)

    def _followed(self) -> list[Job]:
        return [job for job in self._context.jobs.running() if job.key.startswith(KEY)]

    def _follow(self, path: Path, process: "Process | None") -> None:
        if process is not None:
            self._processes[path] = process
            self._asked.pop(path, None)

        def work(report: Report) -> "RunRecord":
            from core.training import process as training_process
            return training_process.watch(path, process, self._told.emit, report,
                                          lambda: self._asked.get(path) == "stop")

        name = f"Training {path.name}" if not path.name.isdecimal() else f"Training run {path.name}"
        self._context.jobs.submit(name, work, key=f"{KEY}{path}", on_done=self._ended,
                                  on_failed=lambda error: self._lost(path, error),
                                  on_cancelled=lambda: self._let_go(path))

    def _let_go(self, path: Path) -> None:
        """Pause a run whose job was stopped in the status bar; closing the window leaves it alone."""
        if not self._context.jobs.is_closing:
            self.pause(path)
            self._follow(path, self._processes.get(path))

    def _ended(self, record: "RunRecord") -> None:
        self._processes.pop(record.path, None)
        self._asked.pop(record.path, None)
        self._paces.pop(record.path, None)
        self._estimates.pop(record.path, None)
        self._records[record.path] = record
        self._known_better.add(record.path)
        self.changed.emit()
        self.ended.emit(record)

    def _lost(self, path: Path, error: BaseException) -> None:
        self._processes.pop(path, None)
        self.failed.emit(error, "The run itself was left as it is.")
        self.look()

    def _take_told(self, record: "RunRecord") -> None:
        if self._context.jobs.of_key(f"{KEY}{record.path}") is None:  # said last, and overtaken by its end
            return
        if record.path not in self._records:
            self.look()
        self._records[record.path] = record
        self._listen(record)
        self.changed.emit()

    def _listen(self, record: "RunRecord") -> None:
        """Measure how fast recordings are transcribed: it estimates the time for this dataset and the next."""
        if record.prepared[1]:
            self._estimates.setdefault(record.path, Estimate()).add(*record.prepared[:2])
        else:
            self._estimates.pop(record.path, None)
        done, total = record.hearing
        if not total:
            self._paces.pop(record.path, None)
            return
        pace = self._paces.setdefault(record.path, SpeedMeter(LISTENED_S))
        pace.add(done)
        if pace.a_second > 0:
            self._context.state.keep(HEARING, pace.a_second)

    def _take(self, found: "tuple[RunRecord, ...]") -> None:
        followed = {job.key.removeprefix(KEY) for job in self._followed()}
        before, self.is_read = self._records, True
        newer = self._known_better | {each.path for each in found if str(each.path) in followed}
        self._records = {each.path: before.get(each.path, each) if each.path in newer else each for each in found}
        for each in self._records.values():
            if each.live and str(each.path) not in followed and len(self._followed()) < FOLLOWED:
                self._follow(each.path, self._processes.get(each.path))
        self.changed.emit()
