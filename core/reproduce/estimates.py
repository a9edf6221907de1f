"""Disk and time of the steps of a plan, before it starts: computed from the datasets, or measured on this computer."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from core.cluster.preparing import Preparation, PrepareRecipe
from core.errors import ReproductionError
from core.localisation import _
from core.progress import Report, silent, steps
from core.reproduce.graph import PlanTask, StepGraph
from core.reproduce.records import RUNS, Reproduction
from core.training.estimate import RunEstimate, estimate
from core.training.options import with_values
from core.training.recipe import Recipe
from core.training.runs import RunShelf, pace_of
from core.workspace import Workspace

COPIES = 4  # of the trained parameters, in float32: best checkpoint, state, and Adam's two moments
MARGIN = 1.05


@dataclass(frozen=True)
class Needs:
    """Missing parts of a reproduction: steps, bytes by file system (a folder on each), seconds of those steps whose
    duration is known, and how many are not.
    """

    steps: int
    nbytes: Mapping[Path, int]
    seconds: float
    not_measured: int

    @property
    def total_bytes(self) -> int:
        """Bytes on all file systems."""
        return sum(self.nbytes.values())


def estimated(workspace: Workspace, graph: StepGraph, folder: Path, measure: bool = False, report: Report = silent
              ) -> StepGraph:
    """The graph with the bytes and seconds of its steps, as far as they are known.

    Loads the backbone. Seconds of a training run come from runs like it on this computer; with `measure` they are
    measured, and those of preparing its dataset (`core.training.estimate`). WeightsError, ModelError, StoreError;
    JobCancelled by `report`.
    """
    runs = (*RunShelf(folder / RUNS).read(), *RunShelf(workspace.home.runs).read())
    estimates: dict[Recipe, RunEstimate] = {}
    seconds: dict[str, float] = {}
    for task, part in zip(graph.tasks, steps(report, *(1 for _unused in graph.tasks)), strict=True):
        if isinstance(task.work, Recipe):
            unseeded = with_values(task.work, {"training.seed": 0})
            if measure and unseeded not in estimates:
                estimates[unseeded] = estimate(workspace, unseeded, part)
            if measured := estimates.get(unseeded):
                seconds[task.step.key] = measured.seconds - measured.preparing_seconds
                if measured.recordings:
                    seconds[task.step.needs[0]] = measured.preparing_seconds / measured.recordings
            elif pace := pace_of([run for run in runs if run.recipe is not None
                                  and _same_model(run.recipe, task.work)], lambda run: True):
                seconds[task.step.key] = task.work.training.steps * task.work.training.batch / pace
    return replace(graph, tasks=tuple(_estimated(workspace, task, seconds.get(task.step.key), report)
                                      for task in graph.tasks))


def needed(workspace: Workspace, graph: StepGraph, state: Reproduction, folder: Path) -> Needs:
    """Needs of the steps that are not done."""
    missing = [task.step for task in graph.tasks if state.record(task.step.key).state != "done"]
    nbytes: dict[Path, int] = {}
    for step in missing:
        place = workspace.home.caches if step.kind == "prepare" else folder
        mount = next((other for other in nbytes if _device(other) == _device(place)), place)
        nbytes[mount] = nbytes.get(mount, 0) + (step.nbytes or 0)
    return Needs(len(missing), nbytes, sum(step.seconds or 0.0 for step in missing),
                 sum(step.seconds is None for step in missing))


def check_disk(needs: Needs) -> None:
    """ReproductionError ("full") where a file system has less room than the missing steps need."""
    for folder, nbytes in needs.nbytes.items():
        free = shutil.disk_usage(_existing(folder)).free
        if nbytes * MARGIN > free:
            raise ReproductionError(_("The missing steps write {nbytes:.1f} GB to {folder}, which has {free:.1f} GB "
                                      "left. Nothing was begun; make room, or choose another folder.").format(
                                          nbytes=nbytes / 1000000000.0, folder=folder, free=free / 1000000000.0),
                                    "full")


def _estimated(workspace: Workspace, task: PlanTask, seconds: float | None, report: Report) -> PlanTask:
    """A task with its bytes; `seconds` are those of a training run, or of one recording that is prepared."""
    nbytes = 0
    match task.work:
        case PrepareRecipe() as recipe:
            cost = Preparation(workspace, recipe, report).cost()
            nbytes = cost.nbytes
            seconds = None if cost.recordings and seconds is None else (seconds or 0.0) * cost.recordings
        case Recipe() as recipe:
            nbytes = _checkpoint_bytes(workspace, recipe)
    return replace(task, step=replace(task.step, nbytes=nbytes, seconds=seconds))


def _same_model(one: Recipe, other: Recipe) -> bool:
    """Whether a step of both takes as long."""
    return ((one.variant, one.backbone, one.crop, one.model, one.training.batch, one.training.precision)
            == (other.variant, other.backbone, other.crop, other.model, other.training.batch, other.training.precision))


def _checkpoint_bytes(workspace: Workspace, recipe: Recipe) -> int:
    """Bytes that a run keeps of its parameters."""
    from core.models.brewclip import BrewCLIP

    model = BrewCLIP(workspace.with_settings({"vision.backbone": recipe.backbone}).backbone().built, recipe.variant,
                     recipe.model, workspace.recogniser().width)
    return COPIES * 4 * sum(parameter.numel() for parameter in model.trained().values())


def _device(path: Path) -> int:
    return _existing(path).stat().st_dev


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())
