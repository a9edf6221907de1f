"""Controller of the Evaluate screen: reads, plans, evaluates and draws in jobs. No widgets here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from brewclip_app import tasks
from brewclip_app.controller import Controller
from brewclip_app.localisation import _, localised, ngettext
from brewclip_app.panels.evaluate.choices import (
    FIRST,
    DataOption,
    EvaluateOptions,
    read_dataset,
    read_models,
    still_ticked,
)
from core.errors import EvaluationError
from core.evaluation import curves
from core.plots.charts import Chart
from core.progress import JobCancelled, Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from brewclip_app.jobs import Job, JobProgress
    from core.evaluation.evaluate import Plan
    from core.evaluation.paired import Comparison
    from core.evaluation.records import Direction, EvaluationRecord, Request
    from core.evaluation.tables import ResultTable

T = TypeVar("T")
EVALUATE, PLAN = "evaluate:run", "evaluate:plan"  # keys of jobs
PLAN_MS = 600  # after the last change
KEPT = _("Evaluations that were finished before are kept.")
NOT_AGAIN = _("Finished transcripts are kept too.")


@dataclass(frozen=True)
class PlotChoice:
    """Choices of the two plots."""

    view: str = "wer"  # hits by word error rate, speaker or length
    level: int = 10
    direction: "Direction" = "speech_to_image"  # of the plot under noise
    noise_level: int = 10


@dataclass(frozen=True, eq=False)
class EvaluateState:
    """All that the panel renders. `front` is the current evaluation, `table` a table of the paper (0: ours)."""

    options: EvaluateOptions = field(default_factory=EvaluateOptions)
    plan: "Plan | None" = None
    plan_error: str = ""
    progress: "JobProgress | None" = None  # of the evaluation; None while none runs
    records: "tuple[EvaluationRecord, ...]" = ()
    front: int = 0
    ticked: tuple[int, ...] = ()
    table: int = 0
    as_one: bool = False  # runs that differ only in their seed are one row of a table
    comparison: "Comparison | None" = None  # of exactly two that are ticked
    comparison_error: str = ""
    plots: PlotChoice = PlotChoice()
    quality: Chart = curves.NO_CHART
    noise: Chart = curves.NO_CHART

    @property
    def record(self) -> "EvaluationRecord | None":
        """The evaluation in front."""
        return next((record for record in self.records if record.id == self.front), None)

    @property
    def compared(self) -> tuple[int, ...]:
        """The ticked evaluations, else the one in front."""
        return self.ticked or ((self.front,) if self.front else ())

    def result_table(self) -> "ResultTable":
        """The table in front; of our own the ticked evaluations, or all."""
        from core.evaluation import tables

        ticked = [record for record in self.records if record.id in self.ticked]
        return (tables.fill(self.table, self.records, self.as_one) if self.table else
                tables.metrics_table(ticked or self.records, self.as_one))


class EvaluateController(Controller[EvaluateState]):
    """Holds the state; methods change it at once or start a coroutine. One evaluation job at a time."""

    notified = Signal(str, str)  # a sentence and its kind, for the banner; "" dismisses it

    def __init__(self, context: "Context", parent: QObject | None = None) -> None:
        super().__init__(EvaluateState(), parent)
        self._context, self._jobs = context, context.jobs
        self._planned: Request | None = None
        self._later = QTimer(self, singleShot=True, interval=PLAN_MS)
        self._later.timeout.connect(lambda: tasks.start(self._plan()))
        for signal in (self._jobs.job_started, self._jobs.job_progress):
            signal.connect(lambda job: self._set(progress=job.snapshot()) if job.key == EVALUATE else None)

    # ---- choices

    def set_options(self, **changes: Any) -> None:
        """Change choices; the plan follows."""
        options = replace(self.state.options, **changes)
        if options == self.state.options:
            return
        self._set(options=options, plan=None, plan_error="")
        if not options.missing():
            self._later.start()

    def restore_options(self, state: dict[str, Any]) -> None:
        """Take the choices of a saved state and read its folders."""
        options = EvaluateOptions.of_json(state)
        self.set_options(**{**vars(options), "models": self.state.options.models, "datasets": {}})
        for folder in state.get("folders", []):
            self.add_folder(Path(folder), tick=False)

    def add_folder(self, folder: Path, tick: bool = True) -> None:
        """Add a dataset's folder and read it; its test split is ticked."""
        options = self.state.options
        if folder not in options.datasets:
            self.set_options(datasets={**options.datasets, folder: None})
            tasks.start(self._read_folder(folder, tick))

    def remove_folder(self, folder: Path) -> None:
        """Remove a dataset's folder from the list."""
        options = self.state.options
        self.set_options(datasets={key: data for key, data in options.datasets.items() if key != folder},
                         linked=options.linked - {folder},
                         splits=frozenset(row for row in options.splits if row[0] != str(folder)))

    def follow_links(self, folder: Path, on: bool) -> None:
        """Follow links that lead out of a folder, or not; it is read again."""
        options = self.state.options
        self.set_options(linked=options.linked | {folder} if on else options.linked - {folder},
                         datasets={**options.datasets, folder: None})
        tasks.start(self._read_folder(folder, tick=not any(row[0] == str(folder) for row in options.splits)))

    def tick_split(self, folder: str, split: str, on: bool) -> None:
        """Tick a split, or not."""
        splits = self.state.options.splits
        self.set_options(splits=splits | {(folder, split)} if on else splits - {(folder, split)})

    def tick_model(self, key: str, on: bool) -> None:
        """Tick a model, or not."""
        ticked = self.state.options.ticked
        self.set_options(ticked=ticked | {key} if on else ticked - {key})

    def add_model(self, folder: Path, alone: bool = False) -> None:
        """Tick the model of a folder, `alone` or beside the others, and read the models again."""
        options, key = self.state.options, str(folder)
        same = next((model.key for model in options.models if alone
                     and model.checkpoint in (key, str(folder.parent))), "")
        others = options.others if same or key in options.others else (*options.others, key)
        ticked = frozenset({same or key})
        self.set_options(others=others, ticked=ticked if alone else options.ticked | ticked)
        self.read_models()

    def read_models(self) -> None:
        """Read the models that can be evaluated."""
        tasks.start(self._read_models())

    # ---- evaluating

    @property
    def job(self) -> "Job | None":
        """The running evaluation."""
        return self._jobs.of_key(EVALUATE)

    def start(self) -> None:
        """Evaluate what is chosen; each finished evaluation is stored."""
        request = self.state.options.request()
        if request is None or self.state.options.missing() or self.job is not None:
            return
        planning = self._jobs.of_key(PLAN)
        if planning is not None:
            planning.cancel()
        self.notified.emit("", "")  # an earlier message is of an earlier evaluation
        tasks.start(self._evaluate(request))

    def stop(self) -> None:
        """Stop evaluating."""
        if self.job is not None:
            self.job.cancel()
            self._set(progress=self.job.snapshot())

    # ---- results

    def read(self) -> None:
        """Read the stored evaluations."""
        tasks.start(self._read())

    def choose(self, front: int | None = None, ticked: Sequence[int] | None = None, table: int | None = None,
               as_one: bool | None = None) -> None:
        """Choose the evaluation in front, those to compare, a table of the paper, and whether seeds are one row."""
        state = self.state
        chosen = (state.front if front is None else front, state.ticked if ticked is None else tuple(ticked),
                  state.table if table is None else table, state.as_one if as_one is None else as_one)
        if chosen != (state.front, state.ticked, state.table, state.as_one):
            self._set(front=chosen[0], ticked=chosen[1], table=chosen[2], as_one=chosen[3])
            if chosen[:2] != (state.front, state.ticked) and state.records:
                self._draw()
            if chosen[1] != state.ticked and state.records:
                tasks.start(self._compare())

    def choose_plots(self, plots: PlotChoice) -> None:
        """Choose what the plots show."""
        self._set(plots=plots)
        self._draw()

    async def delete(self, ids: Sequence[int]) -> None:
        """Delete stored evaluations."""
        from core.evaluation import archive

        store = self._context.explorer.store
        try:
            await self._jobs.run(_("Deleting"), lambda report: archive.delete(store, list(ids)), quiet=True)
        except JobCancelled:
            return
        except Exception as error:
            self.failed.emit(error, _("Nothing was deleted."))
        self.read()

    async def save_table(self, path: Path, form: str) -> None:
        """Write the table in front to a file."""
        from core.evaluation import table_formats

        text = table_formats.export(self.state.result_table(), form)

        def work(report: Report) -> None:
            staged = path.with_name(path.name + ".new")
            staged.write_text(text, encoding="utf-8")
            staged.replace(path)

        try:
            await self._jobs.run(_("Saving the table"), work, quiet=True)
        except JobCancelled:
            return
        except Exception as error:
            self.notified.emit(_("{name} could not be written: {error}. The old file is unchanged.").format(
                name=path.name, error=error), "error")
        else:
            self.notified.emit(_("Saved as {path}.").format(path=path), "good")

    async def export_queries(self, folder: Path, form: str) -> None:
        """Write the queries of the evaluation in front into a folder, in a form of `QUERY_EXPORTS`."""
        workspace, front = self._context.explorer.workspace, self.state.front

        def work(report: Report) -> list[Path]:
            from core.evaluation.query_exports import export_evaluation

            return export_evaluation(workspace, front, form, folder, report)

        try:
            written = await self._jobs.run(_("Exporting"), work, key="evaluate:export")
        except JobCancelled:
            return
        except Exception as error:
            self.failed.emit(error, _("The evaluation is unchanged."))
        else:
            names = ", ".join(path.name for path in written)
            self.notified.emit(_("Written to {folder}: {names}.").format(folder=folder, names=names), "good")

    # ---- coroutines

    async def _read_folder(self, folder: Path, tick: bool) -> None:
        follow = folder in self.state.options.linked
        try:
            data = await self._jobs.run(_("Reading {name}").format(name=folder.name),
                                        lambda report: read_dataset(folder, follow_links=follow),
                                        key=f"evaluate:data:{folder}", quiet=True)
        except JobCancelled:
            return
        except Exception as error:
            self.failed.emit(error, "")
            data = DataOption(folder, "", "", (),
                              _("{name} could not be read: {error}").format(name=folder.name, error=error))
        options = self.state.options
        if folder not in options.datasets:
            return
        names = [split for split, _unused, _unused in data.splits]
        first = next((name for name in FIRST if name in names), next(iter(names), ""))
        ticks = {(str(folder), first)} if tick and first else set()
        self.set_options(datasets={**options.datasets, folder: data}, splits=options.splits | ticks)

    async def _read_models(self) -> None:
        home, others = self._context.home, self.state.options.others
        models = await self._attempt(_("Reading the models"), lambda report: read_models(home, others),
                                     "evaluate:models")
        if models is not None:
            self.set_options(models=tuple(models), ticked=still_ticked(self.state.options.ticked, models))

    async def _read(self) -> None:
        from core.evaluation import archive

        store = self._context.explorer.store
        records = await self._attempt(_("Reading the evaluations"), lambda report: archive.evaluations(store),
                                      "evaluate:list")
        if records is None:
            return
        ids = [record.id for record in records]
        state = self.state
        self._set(records=tuple(records), front=state.front if state.front in ids else next(iter(ids), 0),
                  ticked=tuple(evaluation_id for evaluation_id in state.ticked if evaluation_id in ids))
        self._draw()
        await self._compare()

    async def _plan(self) -> None:
        request = self.state.options.request()
        if request is None or request == self._planned or self.job is not None:
            return
        explorer = self._context.explorer

        def work(report: Report) -> "Plan":
            from core.evaluation.evaluate import plan

            return plan(explorer.workspace, request, report)

        try:
            plan = await self._jobs.run(_("Planning"), work, key=PLAN, quiet=True)
        except JobCancelled:
            return
        except Exception as error:
            self._set(plan=None, plan_error=localised(error))
        else:
            self._planned = request
            self._set(plan=plan, plan_error="")

    async def _evaluate(self, request: "Request") -> None:
        explorer = self._context.explorer

        def work(report: Report) -> "list[EvaluationRecord]":
            from core.evaluation.evaluate import evaluate

            return evaluate(explorer.workspace, request, report)

        try:
            records = await self._jobs.run(_("Evaluating"), work, key=EVALUATE)
        except JobCancelled:
            self._end()
            self.notified.emit(_("Stopped. {kept} {not_again}").format(kept=KEPT, not_again=NOT_AGAIN), "care")
        except Exception as error:
            self._end()
            self.failed.emit(error, KEPT)
        else:
            self._end()
            if records:
                number = len(records)
                self._set(front=records[0].id)
                self.notified.emit(ngettext("{number} evaluation is done.", "{number} evaluations are done.",
                                            number).format(number=number), "good")
            self.choose(table=0)
        await self._read()

    async def _compare(self) -> None:
        """Compare the two that are ticked; with any other number nothing is compared."""
        store, ticked = self._context.explorer.store, self.state.ticked
        self._set(comparison=None, comparison_error="")
        if len(ticked) != 2:
            return

        def work(report: Report) -> "Comparison":
            from core.evaluation import archive
            from core.evaluation.paired import compare

            first, second = (archive.open_evaluation(store, number) for number in sorted(ticked))
            return compare(first, second, report=report)

        try:
            comparison = await self._jobs.run(_("Comparing"), work, key="evaluate:compare", quiet=True)
        except JobCancelled:
            return
        except EvaluationError as error:
            if self.state.ticked == ticked:
                self._set(comparison_error=localised(error))
        else:
            if self.state.ticked == ticked:
                self._set(comparison=comparison)

    async def _draw_quality(self) -> None:
        store, ids, plots = self._context.explorer.store, self.state.compared, self.state.plots
        if not ids:
            self._set(quality=curves.NO_CHART)
            return
        drawn = await self._attempt(_("Reading the evaluation"),
                                    lambda report: curves.quality(store, ids, plots.view, plots.level),
                                    "evaluate:quality")
        if drawn is not None:
            self._set(quality=drawn)

    async def _draw_noise(self) -> None:
        store, records, front, plots = (self._context.explorer.store, self.state.records, self.state.front,
                                        self.state.plots)
        if not front:
            self._set(noise=curves.NO_CHART)
            return
        drawn = await self._attempt(
            _("Reading the evaluations"),
            lambda report: curves.noise(store, records, front, plots.direction, plots.noise_level), "evaluate:noise")
        if drawn is not None:
            self._set(noise=drawn)

    async def _attempt(self, name: str, work: Callable[[Report], T], key: str) -> T | None:
        """Await a quiet job; None where it failed, which the window says, or was stopped."""
        try:
            return await self._jobs.run(name, work, key=key, quiet=True)
        except JobCancelled:
            pass
        except Exception as error:
            self.failed.emit(error, "")
        return None

    # ---- helpers

    def _draw(self) -> None:
        tasks.start(self._draw_quality())
        tasks.start(self._draw_noise())

    def _end(self) -> None:
        self._planned = None
        self._set(progress=None, plan=None)
        self._later.start()
