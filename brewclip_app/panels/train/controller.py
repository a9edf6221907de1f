"""Controller of the Train screen: the dataset, the recipe with its cost, and the runs. No widgets here."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from brewclip_app import tasks, wording
from brewclip_app.controller import Controller
from brewclip_app.jobs import JobReplaced
from brewclip_app.localisation import _, localised
from brewclip_app.panels.train import words
from brewclip_app.services.runs import HEARING
from core.errors import BrewclipError, DatasetError, SettingsError, TrainingError
from core.progress import JobCancelled, Progress, Report
from core.training.options import FACTS, with_values
from core.training.recipe import Recipe, TrainingOptions
from core.training.runs import pace_of

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from brewclip_app.panels.train.option_row import Value
    from core.datasets.reports import DatasetReport
    from core.training.estimate import RunEstimate
    from core.training.run import Preview
    from core.training.runs import RunRecord

RECENT = "training/datasets"  # key of the window's state: folders, the last one first
MOST_RECENT = 8
COST_MS = 500  # after the last change
MEASURING = "train-estimate"  # key of the job that measures steps
AUTO = (("auto", _("Fastest available")),)


@dataclass(frozen=True, eq=False)
class TrainState:
    """All that the panel renders, but what is typed into the form.

    Dataset: `folder`, what its reading said (`dataset_text`; `dataset_problem`: it failed) and its `report`. Run to
    come: `recipe`, None while it cannot begin, and the text below the form. Runs: all `records`, the `current` one's
    folder and the ticked ones.
    """

    folder: Path | None = None
    kind: str = ""  # as it was read; "" while unknown
    follow_links: bool = False
    has_links: bool = False
    several_kinds: bool = False
    report: "DatasetReport | None" = None
    dataset_text: str = ""
    dataset_problem: bool = False
    recent: tuple[Path, ...] = ()
    devices: tuple[tuple[str, str], ...] = AUTO
    recipe: Recipe | None = None
    cost: str = ""
    cost_problem: bool = False
    measuring: bool = False  # whether steps of a recipe are being measured
    records: "tuple[RunRecord, ...]" = ()
    is_read: bool = False  # whether the folders of runs were read
    requests: Mapping[Path, str] = field(default_factory=dict)  # "pause" or "stop", of runs that are asked to
    preparing_left: Mapping[Path, float | None] = field(default_factory=dict)  # seconds until a dataset is prepared
    current: Path | None = None
    ticked: frozenset[Path] = frozenset()
    search_model: str = "auto"  # the setting
    status: tuple[str, str, str] = ("", "", "")  # text, words of a link behind it, the panel that it leads to

    @property
    def run(self) -> "RunRecord | None":
        """The current run."""
        return next((record for record in self.records if record.path == self.current), None)

    @property
    def ticked_runs(self) -> "list[RunRecord]":
        """The ticked runs, in their order."""
        return [record for record in self.records if record.path in self.ticked]

    @property
    def drawn_runs(self) -> "list[RunRecord]":
        """The runs whose curves are shown: the ticked ones, else the current one."""
        return self.ticked_runs or ([self.run] if self.run else [])


class TrainController(Controller[TrainState]):
    """Holds the state; methods change it at once or start a coroutine. Runs are those of `context.training`."""

    def __init__(self, context: "Context", parent: QObject | None = None) -> None:
        recent = context.state.get(RECENT, [])
        super().__init__(TrainState(recent=tuple(map(Path, recent)) if isinstance(recent, list) else (),
                                    status=(_("Runs are stored in {runs}").format(runs=context.home.runs), "", "")),
                         parent)
        self.training = context.training
        self._context, self._jobs = context, context.jobs
        self._values: Mapping[str, Value] = {}
        self._problems: list[str] = []
        self._device = "auto"
        self._previews: dict[tuple[object, ...], Preview] = {}
        self._measured: dict[Recipe, RunEstimate] = {}  # by `_pace_key`
        self._ended = self.training.state.ended
        self._later = QTimer(self, singleShot=True, interval=COST_MS)
        self._later.timeout.connect(lambda: tasks.start(self._estimate()))
        self.training.changed.connect(self._follow_training)
        context.settings_changed.connect(lambda _unused: self._follow_training())
        self._follow_training()

    # ---- dataset

    def choose_folder(self, folder: Path, kind: str = "", follow_links: bool = False) -> None:
        """Read a dataset; `kind` where it could be of several, `follow_links` where links may lead out of it."""
        self._previews.clear()
        self._set(folder=folder, kind="", follow_links=follow_links, has_links=follow_links, several_kinds=False,
                  report=None, dataset_text=_("Reading"), dataset_problem=False)
        self._follow()
        tasks.start(self._read(folder, kind, follow_links))

    def read_again(self, kind: str | None = None, follow_links: bool | None = None) -> None:
        """Read the dataset again, as another kind or with other links."""
        state = self.state
        if state.folder is not None:
            self.choose_folder(state.folder, state.kind if kind is None else kind,
                               state.follow_links if follow_links is None else follow_links)

    # ---- recipe

    def set_form(self, values: "Mapping[str, Value]", problems: list[str], device: str) -> None:
        """Take the options of the form; with problems no run can begin."""
        self._values, self._problems, self._device = values, problems, device
        self._follow()

    async def find_devices(self) -> None:
        """Find out, once, what there is to compute on."""
        if self.state.devices is AUTO:
            try:
                self._set(devices=await self._jobs.run(_("Looking for a GPU"), _devices, key="train-devices",
                                                       quiet=True))
            except Exception:  # logged by the job; the fastest is chosen when the run begins
                return

    def start(self) -> None:
        """Begin the run."""
        if self.state.recipe is not None:
            self._start(self._begin(self.state.recipe))

    def measure_or_cancel(self) -> None:
        """Measure some steps of the recipe, or end the measurement."""
        job = self._jobs.of_key(MEASURING)
        if job is not None:
            job.cancel()
        elif self.state.recipe is not None:
            self._start(self._measure(self.state.recipe))

    # ---- runs

    def choose_run(self, path: Path) -> None:
        """Make a run the current one, now or as soon as it is read."""
        if path != self.state.current:
            self._set(current=path)

    def tick(self, paths: frozenset[Path]) -> None:
        """Tick the runs whose curves are drawn together."""
        self._set(ticked=paths)

    def pause_or_continue(self) -> None:
        """Pause the current run, or continue it."""
        run = self.state.run
        if run is not None and run.live and run.path not in self.state.requests:
            self.training.pause(run.path)
        elif run is not None and can_continue(run):
            self.training.resume(run.path)

    def delete(self, path: Path) -> None:
        """Move a run to the trash; Search no longer uses its model."""
        if self._context.settings["vision.model"] == str(path / "best"):
            self._context.change("vision.model", "auto")
        self.training.delete(path)

    def use_in_search(self) -> None:
        """Have Search use the best model of the current run."""
        run = self.state.run
        if run is None or not run.usable:
            return
        try:
            self._context.change("vision.model", str(run.path / "best"))
        except SettingsError as error:
            self.failed.emit(error, _("Search uses the same model as before."))
            return
        self._set(status=(_("Search uses {name} now; pictures that were indexed before need").format(name=run.name),
                          _("indexing again"),
                          "library"))

    # ---- coroutines

    async def _begin(self, recipe: Recipe) -> None:
        self.choose_run(await self.training.begin(recipe))

    async def _read(self, folder: Path, kind: str, follow_links: bool) -> None:
        def work(report: Report) -> "DatasetReport":
            from core.datasets.reports import inspect
            return inspect(folder, kind, report, follow_links)

        def show(progress: Progress) -> None:
            self._set(dataset_text=progress.text(wording.count) or _("Reading"))

        try:
            report = await self._jobs.run(_("Reading {name}").format(name=folder.name), work, key="train-dataset",
                                          on_progress=show)
        except JobReplaced:
            return
        except JobCancelled:
            self._set(dataset_text=_("Not read"))
        except DatasetError as error:
            self._set(dataset_text=localised(error), dataset_problem=True, several_kinds=error.kind == "several_kinds",
                      has_links=self.state.has_links or error.kind == "links")
        except Exception as error:
            self._set(dataset_text=localised(error), dataset_problem=True)
            self.failed.emit(error, _("The dataset is unchanged."))
        else:
            links = self.state.has_links or any(problem.key == "links_out" for problem in report.problems)
            others = [path for path in self.state.recent if path not in (report.folder, folder)]
            recent = (folder, *others)[:MOST_RECENT]
            self._context.state.set(RECENT, [str(path) for path in recent])
            self._set(report=report, kind=report.kind, has_links=links, recent=recent, dataset_text="")
        self._follow()

    async def _estimate(self) -> None:
        recipe, home, settings = self.state.recipe, self._context.home, self._context.settings
        if recipe is None or _cost_key(recipe) in self._previews:
            return

        def work(report: Report) -> "Preview":
            from core.explorer import Explorer
            from core.training import run as job
            explorer = Explorer(home, settings)  # one of its own: the window's models stay as they are
            try:
                return job.preview(explorer.workspace, recipe, report)
            finally:
                explorer.close()

        try:
            self._previews[_cost_key(recipe)] = await self._jobs.run(_("Estimating the cost of a run"), work,
                                                                     key="train-cost", quiet=True)
        except JobCancelled:
            return
        except Exception as error:
            if self.state.recipe is not None and _cost_key(self.state.recipe) == _cost_key(recipe):
                self._set_cost(localised(error) if isinstance(error, BrewclipError)
                               else _("The cost could not be estimated."),
                               problem=isinstance(error, BrewclipError))
        else:
            self._follow()

    async def _measure(self, recipe: Recipe) -> None:
        def work(report: Report) -> "RunEstimate":
            from core.training import process

            return process.measure(recipe, self._context.home, report)

        self._set(measuring=True)
        try:
            self._measured[_pace_key(recipe)] = await self._jobs.run(_("Measuring steps of a run"), work, key=MEASURING)
        except JobCancelled:
            return
        except TrainingError as error:
            self.failed.emit(error, _("No run was begun."))
        finally:
            self._set(measuring=False)
            self._previews.clear()  # some features were computed
            self._follow()

    # ---- helpers

    def _follow(self) -> None:
        """Update recipe and cost after a change of the dataset or of an option."""
        state = self.state
        self._later.stop()
        if state.folder is None:
            self._set_cost(_("Choose a dataset first."))
        elif state.report is None:
            self._set_cost("")
        elif self._problems:
            self._set_cost(_("Correct the marked options to begin."), problem=True)
        else:
            try:
                recipe = make_recipe(self._values, self._device, state.folder, state.kind, state.follow_links)
            except BrewclipError as error:
                self._set_cost(localised(error), problem=True)
            else:
                self._show_cost(recipe)

    def _show_cost(self, recipe: Recipe) -> None:
        preview = self._previews.get(_cost_key(recipe))
        if preview is None:
            self._set_cost(_("Estimating the cost…"), recipe)
            self._later.start()
            return
        pace = pace_of(self.state.records, lambda run: run.recipe is not None and _same_pace(run.recipe, recipe))
        text = words.cost(preview, recipe, pace, float(self._context.state.get(HEARING, 0.0)),
                          self._measured.get(_pace_key(recipe)))
        if preview.cost.nbytes > recipe.training.max_cache_gb * 1e9:
            self._set_cost(_("{text} That exceeds the maximum cache size: raise it in the options.").format(text=text),
                           problem=True)
        else:
            self._set_cost(text, recipe)

    def _set_cost(self, text: str, recipe: Recipe | None = None, problem: bool = False) -> None:
        self._set(cost=text, recipe=recipe, cost_problem=problem)

    def _follow_training(self) -> None:
        training, current = self.training.state, self.state.current
        if training.records and training.record(current) is None:
            current = training.records[0].path
        self._set(records=training.records, is_read=training.is_read, current=current, requests=training.requests,
                  preparing_left=training.preparing_left, search_model=str(self._context.settings["vision.model"]))
        if training.ended is not None and training.ended is not self._ended:
            self._ended = training.ended
            self._show_end(training.ended)

    def _show_end(self, run: "RunRecord") -> None:
        text = f"{run.name}: {words.state(run)}"
        self._set(status=(f"{text}. {run.message}" if run.message else text, "", ""))
        self._previews.clear()  # what was transcribed need not be again
        self._follow()


def make_recipe(values: "Mapping[str, Value]", device: str, folder: Path, kind: str, follow_links: bool = False
                ) -> Recipe:
    """The recipe of a form's values on a dataset. BrewclipError when a value is not valid."""
    facts = {key: str(values[key]) for key in FACTS if key != "dataset"}
    plain = replace(Recipe(folder, kind=kind, follow_links=follow_links),
                    **facts)  # type: ignore[arg-type]  # strings all
    options = {key: value for key, value in values.items() if key not in FACTS}
    return with_values(plain, {**options, "training.device": device})


def can_continue(run: "RunRecord") -> bool:
    """Whether a run can be continued."""
    return not run.live and run.state != "finished" and run.recipe is not None


def _cost_key(recipe: Recipe) -> tuple[object, ...]:
    """The parts of a recipe that decide its preview."""
    return (recipe.dataset, recipe.kind, recipe.variant, recipe.backbone, recipe.crop, recipe.train, recipe.dev,
            *(getattr(recipe.training, option.name) for option in fields(recipe.training)
              if option.metadata["prepares"]))


def _pace_key(recipe: Recipe) -> Recipe:
    """The recipe without what changes neither the time nor the memory of a step."""
    usual, free = TrainingOptions(), ("steps", "evaluate_every", "patience", "rate", "warmup", "final_rate")
    return replace(recipe, preset="",
                   training=replace(recipe.training, **{name: getattr(usual, name) for name in free}))


def _same_pace(left: Recipe, right: Recipe) -> bool:
    """Whether two recipes take about as long a pair."""
    comparable = "auto" not in (left.backbone, right.backbone)  # "auto" is the best here, and so most likely the same
    return (not comparable or left.backbone == right.backbone) and (
        left.variant, left.training.batch, left.training.device, left.training.precision) == (
        right.variant, right.training.batch, right.training.device, right.training.precision)


def _devices(report: Report) -> tuple[tuple[str, str], ...]:
    """Devices to compute on as (key, name)."""
    import torch

    from core.devices import choose

    best = choose("auto").name
    devices = [("cpu", "CPU")]
    if choose("cuda").name == "cuda":
        devices.insert(0, ("cuda", torch.cuda.get_device_name(0)))
    if choose("mps").name == "mps":
        devices.insert(0, ("mps", _("Apple GPU")))
    return (("auto", f"{AUTO[0][1]} ({dict(devices)[best]})"), *devices)
