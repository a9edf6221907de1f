"""Training runs: begin, follow, pause, end. A run continues when the window closes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from brewclip_app import tasks
from brewclip_app.controller import Controller
from brewclip_app.localisation import _
from brewclip_app.wording import SpeedMeter
from core.errors import TrainingError
from core.progress import Estimate, JobCancelled, Progress, Report

if TYPE_CHECKING:
    from brewclip_app.base_context import BaseContext
    from brewclip_app.services.run_library import Shelves
    from core.training.process import Process
    from core.training.recipe import Recipe
    from core.training.runs import RunRecord

KEY = "train:"  # before a run's folder: the key of the job that follows it
FOLDERS = "training/folders"  # state: folders with runs beside the home's own
HEARING = "training/hearing"  # state: recordings transcribed a second, as last measured
MOST_FOLLOWED = 3  # each takes a thread; more runs at once would only share one computer
MEASURED_S = 300.0  # transcribed recordings are logged by the dozen: a shorter time says nothing of the speed


@dataclass(frozen=True, eq=False)
class TrainingState:
    """All training runs: those of the home's folder first, the newest first."""

    records: "tuple[RunRecord, ...]" = ()
    is_read: bool = False  # whether the folders were read
    requests: Mapping[Path, str] = field(default_factory=dict)  # "pause" or "stop", of runs that are asked to
    preparing_left: Mapping[Path, float | None] = field(default_factory=dict)  # seconds until a dataset is prepared
    ended: "RunRecord | None" = None  # the run whose process ended last

    def record(self, path: Path | None) -> "RunRecord | None":
        """One run."""
        return next((record for record in self.records if record.path == path), None)


class Training(Controller[TrainingState]):
    """All training runs, worked on in jobs. On the GUI thread."""

    def __init__(self, context: "BaseContext") -> None:
        super().__init__(TrainingState(), context)
        self._context = context
        self._shelves: Shelves | None = None
        self._processes: dict[Path, Process] = {}
        self._followed: set[Path] = set()
        self._speeds: dict[Path, SpeedMeter] = {}
        self._estimates: dict[Path, Estimate] = {}
        self._ended_while_reading: set[Path] = set()  # what was read of them is older

    @property
    def folders(self) -> tuple[Path, ...]:
        """Folders with runs that the user added."""
        folders = self._context.state.get(FOLDERS, [])
        return tuple(Path(str(folder)) for folder in folders) if isinstance(folders, list) else ()

    def reload(self) -> None:
        """Read the folders again, unless that is going on."""
        self._start(self._reload())

    def add_folder(self, folder: Path) -> None:
        """Show the runs of another folder too, or the run that it is."""
        if folder not in (self._context.home.runs, *self.folders):
            self._context.state.set(FOLDERS, [str(path) for path in (*self.folders, folder)])
        self.reload()

    async def begin(self, recipe: "Recipe") -> Path:
        """Begin a run of the home with this recipe; its folder. TrainingError, DatasetError: nothing is left of it."""
        folder = self._context.home.runs

        def work(report: Report) -> Path:
            from brewclip_app.services.run_library import begin
            report(Progress())
            return begin(folder, recipe)

        path = await self._context.jobs.run(_("Beginning a run"), work, quiet=True)
        self.resume(path)
        return path

    def resume(self, path: Path) -> None:
        """Resume a run from its last save."""
        if path not in self._followed:
            self._start(self._resume(path))

    def pause(self, path: Path) -> None:
        """Ask a run to save and end at its next step; it can be resumed."""
        self._start(self._request(path, "pause"))

    def stop(self, path: Path) -> None:
        """End a run for good; its best model stays."""
        async def close() -> None:
            def work(report: Report) -> None:
                from core.training import process as training_process
                training_process.close_run(path)

            await self._context.jobs.run(_("Ending the run"), work, quiet=True)
            self.reload()

        record = self.state.record(path)
        self._start(self._request(path, "stop") if record is not None and record.live else close())

    def kill(self, path: Path) -> None:
        """End a run's process now; it can be resumed from its last save."""
        process = self._processes.get(path)

        def work(report: Report) -> None:
            from core.training import process as training_process
            training_process.kill(path, process)

        self._start(self._context.jobs.run(_("Ending the run"), work, quiet=True))

    def delete(self, path: Path) -> None:
        """Put a run's folder into the bin."""
        async def delete() -> None:
            def work(report: Report) -> None:
                from brewclip_app.services.run_library import discard
                discard(path)

            await self._context.jobs.run(_("Deleting the run"), work, quiet=True)
            self._set(records=tuple(record for record in self.state.records if record.path != path))
            self.reload()

        self._start(delete())

    # ---- coroutines

    async def _reload(self) -> None:
        if self._context.jobs.of_key("runs") is not None:
            return
        folders, alive = (self._context.home.runs, *self.folders), frozenset(self._processes)

        def read(report: Report) -> "tuple[RunRecord, ...]":
            from brewclip_app.services.run_library import Shelves
            if self._shelves is None or self._shelves.folders != folders:
                self._shelves = Shelves(folders)
            return self._shelves.read(alive)

        self._ended_while_reading.clear()
        records = await self._context.jobs.run(_("Looking for runs"), read, key="runs", quiet=True)
        newer = self._ended_while_reading | self._followed
        records = tuple((self.state.record(record.path) if record.path in newer else None) or record
                        for record in records)
        for record in records:
            if record.live and record.path not in self._followed and len(self._followed) < MOST_FOLLOWED:
                self._follow(record.path)
        self._set(records=records, is_read=True)

    async def _resume(self, path: Path) -> None:
        home = self._context.home

        def work(report: Report) -> "Process":
            from core.training import process as training_process
            return training_process.start(path, home)

        if len(self._followed) >= MOST_FOLLOWED:
            raise TrainingError(_("{followed} runs are going on. Pause one of them first.").format(
                followed=len(self._followed)), "too_many")
        self._processes[path] = await self._context.jobs.run(_("Starting the run"), work, quiet=True)
        self._set_request(path, "")
        self._follow(path)

    async def _request(self, path: Path, request: str) -> None:
        process = self._processes.get(path)

        def work(report: Report) -> None:
            from core.training import process as training_process
            training_process.ask_to_pause(path, process)

        self._set_request(path, request)
        try:
            await self._context.jobs.run(_("Asking the run to end"), work, quiet=True)
        except Exception:
            self._set_request(path, "")
            raise

    def _follow(self, path: Path) -> None:
        if path not in self._followed:
            self._followed.add(path)
            self._start(self._watch(path), _("The run itself was left as it is."))

    async def _watch(self, path: Path) -> None:
        """Follow a run until it ends. Stopping the job pauses the run; closing the window leaves it alone."""
        name = (_("Training {name}").format(name=path.name) if not path.name.isdecimal()
                else _("Training run {name}").format(name=path.name))
        loop = tasks.loop()

        def work(report: Report) -> "RunRecord":
            from core.training import process as training_process
            return training_process.watch(
                path, self._processes.get(path),
                lambda record: loop.call_soon_threadsafe(self._set_record, record),
                report, lambda: self.state.requests.get(path) == "stop")

        while True:
            try:
                record = await self._context.jobs.run(name, work, key=f"{KEY}{path}")
            except JobCancelled:
                if self._context.jobs.is_closing:
                    return
                self.pause(path)
            except Exception:
                self._release(path)
                self.reload()
                raise
            else:
                break
        self._release(path)
        self._ended_while_reading.add(path)
        self._set_request(path, "")
        self._set(records=self._with(record), ended=record)

    # ---- records

    def _release(self, path: Path) -> None:
        """Forget a run whose process ended."""
        self._followed.discard(path)
        for values in (self._processes, self._speeds, self._estimates):
            values.pop(path, None)

    def _set_request(self, path: Path, request: str) -> None:
        others = {key: value for key, value in self.state.requests.items() if key != path}
        self._set(requests={**others, path: request} if request else others)

    def _set_record(self, record: "RunRecord") -> None:
        """Take a new record of a run that is followed."""
        if record.path not in self._followed:  # sent last, and overtaken by its end
            return
        if self.state.record(record.path) is None:
            self.reload()
        self._measure(record)
        self._set(records=self._with(record),
                  preparing_left={path: estimate.left() for path, estimate in self._estimates.items()})

    def _with(self, record: "RunRecord") -> "tuple[RunRecord, ...]":
        """The records with a new one of a run."""
        records = {old.path: old for old in self.state.records}
        return tuple({**records, record.path: record}.values())

    def _measure(self, record: "RunRecord") -> None:
        """Measure how fast recordings are transcribed: it estimates the time for this dataset and the next."""
        if record.prepared[1]:
            self._estimates.setdefault(record.path, Estimate()).add(*record.prepared[:2])
        else:
            self._estimates.pop(record.path, None)
        done, total = record.hearing
        if not total:
            self._speeds.pop(record.path, None)
            return
        speed = self._speeds.setdefault(record.path, SpeedMeter(MEASURED_S))
        speed.add(done)
        if speed.a_second > 0:
            self._context.state.set(HEARING, speed.a_second)
