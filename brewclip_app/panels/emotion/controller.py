"""Controller of the Emotion screen: reads, opens and deletes probing runs, and makes new ones."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject

from brewclip_app.controller import Controller
from brewclip_app.jobs import JobProgress
from brewclip_app.localisation import _
from core.progress import JobCancelled, Progress, Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.emotion.results import Options
    from core.emotion.run_store import KeptRun, Runs

T = TypeVar("T")
JOB = "emotion"
FEATURES_KEPT = _("The computed features are kept.")
STARTING = JobProgress(0, 0, _("Reading the folder"), stopping=False)


@dataclass(frozen=True, eq=False)
class EmotionState:
    """State of the Emotion screen."""

    runs: "tuple[KeptRun, ...] | None" = None  # newest first; None until they were read
    run: "KeptRun | None" = None  # the one that is shown, with its predictions
    probing: bool = False
    progress: JobProgress = STARTING
    status: str = ""


class EmotionController(Controller[EmotionState]):
    """Reads and changes the stored runs."""

    def __init__(self, context: "Context", parent: QObject | None = None) -> None:
        super().__init__(EmotionState(), parent)
        self._context = context
        self.wanted = ""  # name of the run to open once the list is read

    def reload(self) -> None:
        """Read the list of runs, and open one if none is open."""
        self._start(self._reload(), "")

    def open(self, name: str) -> None:
        """Show a run."""
        self._start(self._open(name), _("The other runs are unchanged."))

    def delete(self, name: str) -> None:
        """Delete a run; when it is the one that is shown, the newest one follows."""
        async def delete() -> None:
            await self._with_runs(_("Deleting the run"), lambda runs: runs.delete(name))
            if self.state.run is not None and self.state.run.name == name:
                self._set(run=None)
            self.wanted = ""
            await self._reload()

        self._start(delete(), "")

    def start(self, options: "Options | None") -> None:
        """Run an experiment, store it and show it; None and a second experiment at a time are ignored."""
        if options is not None and not self.state.probing:
            self._set(probing=True, progress=STARTING)
            self._start(self._probe(options), FEATURES_KEPT)

    def cancel(self) -> None:
        """Stop the experiment."""
        job = self._context.jobs.of_key(JOB)
        if job is not None:
            job.cancel()
            self._set(progress=job.snapshot())

    async def _probe(self, options: "Options") -> None:
        def work(report: Report) -> "KeptRun":
            from core.emotion import experiment
            from core.emotion.run_store import Runs

            return Runs(self._context.home).keep(experiment.run(self._context.explorer.workspace, options, report))

        def show_progress(progress: Progress) -> None:
            job = self._context.jobs.of_key(JOB)
            if job is not None:
                self._set(progress=job.snapshot())

        try:
            run = await self._context.jobs.run(_("Probing the recordings"), work, key=JOB, on_progress=show_progress)
        except JobCancelled:
            self._set(probing=False, status=_("Stopped. {features_kept}").format(features_kept=FEATURES_KEPT))
            raise
        except Exception:
            self._set(probing=False)
            raise
        self._set(probing=False, runs=(run, *(self.state.runs or ())))
        self._show(run)

    async def _reload(self) -> None:
        runs = await self._with_runs(_("Reading the runs"), lambda store: tuple(store.all()), key="emotion-runs")
        self._set(runs=runs)
        if self.state.run is None and runs:
            names = [run.name for run in runs]
            await self._open(self.wanted if self.wanted in names else names[0])

    async def _open(self, name: str) -> None:
        self._show(await self._with_runs(_("Reading the run"), lambda runs: runs.read(name), key="emotion-run"))

    def _show(self, run: "KeptRun") -> None:
        self.wanted = run.name
        self._set(run=run)

    async def _with_runs(self, name: str, work: "Callable[[Runs], T]", key: str = "") -> T:
        def with_runs(report: Report) -> T:
            from core.emotion.run_store import Runs

            return work(Runs(self._context.home))

        return await self._context.jobs.run(name, with_runs, key=key, quiet=True)
