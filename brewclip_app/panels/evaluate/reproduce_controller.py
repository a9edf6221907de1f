"""Controller of the Reproduce page: plans the steps, does them in one job, follows their records. No widgets here."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from brewclip_app import tasks
from brewclip_app.controller import Controller
from brewclip_app.localisation import _, localised
from core.errors import BrewclipError, ReproductionError
from core.progress import JobCancelled, Report
from core.reproduce.plans import PLANS
from core.reproduce.records import Reproduction, load
from core.reproduce.table import DATASETS

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from brewclip_app.jobs import Job, JobProgress
    from core.reproduce.estimates import Needs
    from core.reproduce.graph import StepGraph

REPRODUCE, PLAN, READ = "reproduce:run", "reproduce:plan", "reproduce:read"  # keys of jobs
KEPT = _("What is done is kept; start again to go on.")
SEEDS = _("Seeds are whole numbers separated by commas, such as 0, 1, 2.")


@dataclass(frozen=True)
class ReproduceForm:
    """Choices: folder of results, plan, datasets by kind, preset ("": the plan's), seeds as typed ("": the plan's)."""

    out: Path | None = None
    plan: str = PLANS[-1].name
    datasets: dict[str, Path] = field(default_factory=dict)
    preset: str = ""
    seeds: str = ""
    follow_links: bool = False

    def seed_numbers(self) -> tuple[int, ...]:
        """The seeds. ReproductionError ("seeds")."""
        parts = [part.strip() for part in self.seeds.split(",") if part.strip()]
        if not all(part.isdecimal() for part in parts):
            raise ReproductionError(SEEDS, "seeds")
        return tuple(dict.fromkeys(map(int, parts)))

    def to_json(self) -> dict[str, Any]:
        """A plain dict for `of_json`."""
        return {"out": str(self.out or ""), "plan": self.plan, "preset": self.preset, "seeds": self.seeds,
                "datasets": {kind: str(folder) for kind, folder in self.datasets.items()},
                "follow_links": self.follow_links}

    @classmethod
    def of_json(cls, stored: dict[str, Any]) -> "ReproduceForm":
        """The form of a saved state; what is not usable in it is left out."""
        datasets = stored.get("datasets")
        plan = str(stored.get("plan", ""))
        return cls(Path(str(stored["out"])) if stored.get("out") else None,
                   plan if plan in {each.name for each in PLANS} else cls.plan,
                   {kind: Path(str(folder)) for kind, folder in datasets.items() if kind in DATASETS}
                   if isinstance(datasets, dict) else {},
                   str(stored.get("preset", "")), str(stored.get("seeds", "")), bool(stored.get("follow_links")))


@dataclass(frozen=True, eq=False)
class ReproduceState:
    """All that the page renders. `state` is what the folder has, or what the plan would do; `needs` what is missing."""

    form: ReproduceForm = field(default_factory=ReproduceForm)
    state: Reproduction | None = None
    needs: "Needs | None" = None
    planning: bool = False
    progress: "JobProgress | None" = None  # None while no reproduction runs
    problem: str = ""

    @property
    def report(self) -> Path | None:
        """The report, once there is one."""
        from core.reproduce.report import HTML

        path = self.form.out / HTML if self.form.out else None
        return path if path is not None and path.is_file() else None


class ReproduceController(Controller[ReproduceState]):
    """Holds the state; one reproduction at a time."""

    notified = Signal(str, str)  # a sentence and its kind, for the banner; "" dismisses it

    def __init__(self, context: "Context", parent: QObject | None = None) -> None:
        super().__init__(ReproduceState(), parent)
        self._context, self._jobs = context, context.jobs
        for signal in (self._jobs.job_started, self._jobs.job_progress):
            signal.connect(lambda job: self._set(progress=job.snapshot()) if job.key == REPRODUCE else None)

    @property
    def job(self) -> "Job | None":
        """The running reproduction."""
        return self._jobs.of_key(REPRODUCE)

    def set_form(self, **changes: Any) -> None:
        """Change choices; what was planned with others is no longer shown."""
        form = replace(self.state.form, **changes)
        if form == self.state.form or self.job is not None:
            return
        self._set(form=form, state=None, needs=None, problem="")
        if form.out is not None:
            tasks.start(self._read(form))

    def restore(self, stored: dict[str, Any]) -> None:
        """Take the choices of a saved state."""
        self.set_form(**vars(ReproduceForm.of_json(stored)))

    def check(self) -> None:
        """Compute steps, disk and time of the plan."""
        if self.job is None:
            tasks.start(self._plan())

    def start(self) -> None:
        """Do what is missing of the plan."""
        if self.job is None and self.state.form.out is not None:
            self.notified.emit("", "")
            tasks.start(self._reproduce())

    def stop(self) -> None:
        """Stop after the current piece of work."""
        if self.job is not None:
            self.job.cancel()
            self._set(progress=self.job.snapshot())

    # ---- coroutines

    async def _read(self, form: ReproduceForm) -> None:
        """Show the reproduction that the folder has, if it is of this plan."""
        def work(report: Report) -> Reproduction | None:
            try:
                return load(form.out or Path())
            except ReproductionError as error:
                if error.kind == "none":
                    return None
                raise

        try:
            kept = await self._jobs.run(_("Reading the reproduction"), work, key=READ, quiet=True)
        except JobCancelled:
            return
        except BrewclipError as error:
            self._set(problem=localised(error))
            return
        if kept is not None and kept.plan == form.plan and form == self.state.form:
            self._set(state=kept)

    async def _plan(self) -> None:
        form = self.state.form

        def work(report: Report) -> "tuple[Reproduction, Needs]":
            return self._planned(form, report)[1:]

        self._set(planning=True, problem="")
        try:
            state, needs = await self._jobs.run(_("Planning the reproduction"), work, key=PLAN)
        except JobCancelled:
            self._set(planning=False)
        except BrewclipError as error:
            self._set(planning=False, problem=localised(error))
        else:
            self._set(planning=False, **({"state": state, "needs": needs} if form == self.state.form else {}))

    def _planned(self, form: ReproduceForm, report: Report) -> "tuple[StepGraph, Reproduction, Needs]":
        from core.reproduce import estimates, graph, plans, runner

        workspace, out = self._context.explorer.workspace, form.out or Path()
        choices = graph.Choices(form.datasets, form.preset, form.seed_numbers(), follow_links=form.follow_links)
        steps = estimates.estimated(workspace, graph.build(workspace, plans.plan(form.plan), choices, out), out,
                                    report=report)
        state = runner.begun(workspace, steps, out)
        return steps, state, estimates.needed(workspace, steps, state, out)

    async def _reproduce(self) -> None:
        form, loop = self.state.form, tasks.loop()

        def work(report: Report) -> Reproduction:
            from core.reproduce import estimates, runner
            from core.reproduce.environment import gpus

            steps, _unused, needs = self._planned(form, report)
            estimates.check_disk(needs)
            return runner.Runner(self._context.explorer.workspace, steps, form.out or Path(), gpus(),
                                 lambda state: loop.call_soon_threadsafe(self._show, state)).run(report)

        try:
            state = await self._jobs.run(_("Reproducing the paper"), work, key=REPRODUCE)
        except JobCancelled:
            self._set(progress=None)
            self.notified.emit(_("Stopped. {kept}").format(kept=KEPT), "care")
        except Exception as error:
            self._set(progress=None)
            self.failed.emit(error, KEPT)
        else:
            self._set(progress=None, state=state, needs=None)
            failed = sum(record.state in ("failed", "skipped") for record in state.records)
            self.notified.emit(*((_("{failed} steps are not done; choose one to see why.").format(failed=failed),
                                  "care") if failed else
                                 (_("All steps are done. The report is written."), "good")))

    def _show(self, state: Reproduction) -> None:
        if self.job is not None:
            self._set(state=state)
