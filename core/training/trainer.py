"""Training loop, its log, and how it resumes.

All randomness of a step depends on the seed and the step's number: the state is parameters, optimiser and that number.
On a CPU a resumed run ends with the weights of an uninterrupted one, bit for bit.
"""

import math
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from core.errors import TrainingError
from core.localisation import _
from core.models import checkpoints
from core.models.brewclip import BrewCLIP
from core.models.checkpoints import Run
from core.models.losses import Losses
from core.progress import JobCancelled, Progress, Report, WorkStep
from core.training.dataset import PairBatch
from core.training.distributed import Processes
from core.training.recipe import TrainingOptions, rate_at
from core.training.run_folder import RunFolder, RunState, not_written
from core.training.step import TrainingStep
from core.training.validation import DevResult, Validator, as_chosen

LOGGED_EVERY = 10  # steps; the loss is looked at as often, since that waits for a GPU
SAVED_EVERY = 60.0  # seconds
MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # what Adam keeps of a parameter


@dataclass(frozen=True)
class TrainingResult:
    """End of a run: `why` is finished or patience; `step` steps done, `best_step` of the best model."""

    why: str
    step: int
    best_step: int
    best: float


@dataclass
class Best:
    """Best score on the development split so far, and the validations since."""

    score: float = -math.inf
    step: int = -1
    looks_since: int = 0


class Trainer:
    """Trains the model of `update` in a run's folder. `describe` makes a checkpoint's facts of a step and its
    validation.
    """

    def __init__(self, model: BrewCLIP, update: TrainingStep, dev: Validator, folder: RunFolder,
                 options: TrainingOptions, processes: Processes, describe: Callable[[int, DevResult], Run]) -> None:
        self._model, self._update, self._dev, self._folder = model, update, dev, folder
        self._options, self._processes, self._describe = options, processes, describe
        self._trained = model.trained()
        self._best, self._over = Best(), False
        self._meter = Meter(options.batch, update.device)
        self._loss_words = ""  # the mean loss of the last steps, for the progress

    def run(self, report: Report) -> TrainingResult:
        """Train to the last step, or until patience is over. JobCancelled by `report`: the state is saved first.

        TrainingError: not_finite (between steps that the message names; the state before is kept), damaged, full,
        not_written. A GPU's "out of memory" passes through as PyTorch's own.
        """
        step, saved = self._resume(report), time.monotonic()
        with ThreadPoolExecutor(1, "batches") as pool:
            ahead = self._ahead(pool, step)
            while step < self._options.steps and not self._over:
                self._checked_report(report, step)
                ahead = self._step(step, ahead, pool)
                step += 1
                due = self._due(step)
                if not due and step % LOGGED_EVERY:
                    continue
                self._log(step)
                if due:
                    self._save(step, look=True)
                    self._validate(step, report)
                if due or time.monotonic() - saved > SAVED_EVERY:
                    self._save(step)
                    saved = time.monotonic()
                self._meter.restart()
        report(Progress(WorkStep.TRAINING, step, self._options.steps))
        return TrainingResult("patience" if self._over else "finished", step, self._best.step, self._best.score)

    def _due(self, step: int) -> bool:
        """Whether to validate after so many steps."""
        return step % self._options.evaluate_every == 0 or step == self._options.steps

    def _ahead(self, pool: ThreadPoolExecutor, step: int) -> "Future[tuple[PairBatch, ...]]":
        return pool.submit(self._update.batches, min(step, self._options.steps - 1))

    def _checked_report(self, report: Report, step: int) -> None:
        """Report progress; when any process is asked to stop, all save and stop together."""
        stopped: JobCancelled | None = None
        try:
            report(Progress(WorkStep.TRAINING, step, self._options.steps, detail=self._loss_words))
        except JobCancelled as cancelled:
            stopped = cancelled
        if self._processes.any(stopped is not None):
            self._check(step)
            self._save(step)
            raise stopped or JobCancelled

    def _step(self, step: int, ahead: "Future[tuple[PairBatch, ...]]", pool: ThreadPoolExecutor
              ) -> "Future[tuple[PairBatch, ...]]":
        """One step; returns the next batch, which is being loaded."""
        waiting = time.perf_counter()
        batches = ahead.result()
        following = self._ahead(pool, step + 1)
        self._meter.waited(time.perf_counter() - waiting)
        self._meter.add(self._update(step, batches))
        return following

    def _check(self, step: int) -> list[float]:
        """The mean losses of the last steps. TrainingError ("not_finite") when they or a parameter are no numbers."""
        means = self._meter.means(self._processes)
        finite = torch.stack([torch.isfinite(each.detach()).all() for each in self._trained.values()]).all()
        if not bool(finite) or not all(math.isfinite(each) for each in means):
            raise TrainingError(_("The model is no longer made of numbers (between step {began} and {step}). The best "
                                  "model and the last good state are kept; begin another run with a lower learning "
                                  "rate, or in float32.").format(began=self._meter.began(step), step=step),
                                "not_finite")
        return means

    def _log(self, step: int) -> None:
        """Log the last steps. TrainingError ("not_finite") when they diverged."""
        loss, inner, outer = self._check(step)
        self._loss_words = f"loss {loss:.3f}"
        if self._processes.first:
            self._folder.log("step", step=step, loss=round(loss, 6), inner=round(inner, 6), outer=round(outer, 6),
                             rate=rate_at(step - 1, self._options),
                             temperature=round(1 / float(self._model.scale.detach()), 6), **self._meter.pace())

    def _validate(self, step: int, report: Report) -> None:
        """Validate, and keep the model if it is the best so far. JobCancelled: the validation is made up for later."""
        started = time.perf_counter()
        vectors = self._dev.embed(self._model,
                                  lambda _unused: report(Progress(WorkStep.VALIDATING, step, self._options.steps)))
        if self._processes.first:
            self._judge(step, self._dev.judge(self._model, vectors), started)
        patience = self._options.patience
        self._over = self._processes.any(self._processes.first and 0 < patience <= self._best.looks_since)

    def _judge(self, step: int, result: DevResult, started: float) -> None:
        """Log a validation, and keep the model if it is the best so far."""
        better = result.score > self._best.score
        if better:
            self._keep(step, result)
            self._best = Best(result.score, step)
        else:
            self._best = replace(self._best, looks_since=self._best.looks_since + 1)
        self._folder.log("dev", step=step, best=better, seconds=round(time.perf_counter() - started, 3),
                         **result.to_json())

    def _keep(self, step: int, result: DevResult) -> None:
        """Save the checkpoint. TrainingError: full, not_written."""
        try:
            model = as_chosen(self._model, result)
            checkpoints.save(self._folder.best, model, replace(self._describe(step, result), options=model.options))
        except OSError as error:
            raise not_written(error) from error

    def _save(self, step: int, look: bool = False) -> None:
        """Save the state of the run; `look`: the validation of this step is still to come."""
        if not self._processes.first:
            return
        tensors: dict[str, Tensor] = {f"parameter.{name}": parameter for name, parameter in self._trained.items()}
        for name, parameter in self._trained.items():
            for kind, value in self._update.optimiser.state[parameter].items():
                tensors[f"adam.{kind}.{name}"] = value
        facts = {"best": vars(self._best), "scaler": self._update.scaler.state_dict(), "look": look}
        self._folder.save(RunState(step, tensors, facts))

    def _resume(self, report: Report) -> int:
        """Resume from the folder's state; returns the next step. TrainingError ("damaged"): it is of another run."""
        state = self._folder.state()
        if not self._processes.alike(state.step):
            raise TrainingError(_("The processes do not find the same run in {path}: it must be in a folder that all "
                                  "machines share.").format(path=self._folder.path), "damaged")
        if state.step == 0:
            return 0
        try:
            for name, parameter in self._trained.items():
                parameter.data.copy_(state.tensors[f"parameter.{name}"])
                self._update.optimiser.state[parameter] = self._moments(state, name)
            self._best = Best(**state.facts["best"])
            if state.facts["scaler"]:  # empty after steps in another precision
                self._update.scaler.load_state_dict(state.facts["scaler"])
            look = bool(state.facts.get("look"))
        except (KeyError, RuntimeError, TypeError) as error:
            raise TrainingError(_("What was saved in {path} is of another model than the recipe says; the run cannot "
                                  "go on.").format(path=self._folder.path), "damaged") from error
        self._over = 0 < self._options.patience <= self._best.looks_since
        if look:
            self._validate(state.step, report)
            self._save(state.step)
        return state.step

    def _moments(self, state: RunState, name: str) -> dict[str, Tensor]:
        """Moments that Adam has of a parameter: none before its first step, which a loss scaler may have put off.

        KeyError when only a part of it was saved.
        """
        if not any(f"adam.{kind}.{name}" in state.tensors for kind in MOMENTS):
            return {}
        moments = {kind: state.tensors[f"adam.{kind}.{name}"] for kind in MOMENTS}
        return {kind: tensor if kind == "step" else tensor.to(self._update.device) for kind, tensor in moments.items()}


class Meter:
    """Means over the steps since it was restarted."""

    def __init__(self, batch: int, device: torch.device) -> None:
        self._batch, self._device = batch, device
        self.restart()

    def restart(self) -> None:
        """Restart: the time so far was spent on something else."""
        self._sums, self._steps = torch.zeros(3, device=self._device), 0
        self._waiting, self._since = 0.0, time.perf_counter()

    def waited(self, seconds: float) -> None:
        """Add time spent outside the model."""
        self._waiting += seconds

    def add(self, losses: Losses) -> None:
        """Add a step's losses; this does not wait for the GPU."""
        self._sums += torch.stack([losses.total, losses.inner, losses.outer]).detach()
        self._steps += 1

    def began(self, step: int) -> int:
        """The step after which it was restarted, if this is the present one."""
        return step - self._steps

    def means(self, processes: Processes) -> list[float]:
        """The mean losses (total, inner, outer) over all processes, a collective call; waits for the GPU."""
        means = self._sums / max(1, self._steps)
        processes.average([means])
        return means.tolist()

    def pace(self) -> dict[str, float]:
        """Throughput, share of time outside the model, memory of the GPU in bytes."""
        seconds = time.perf_counter() - self._since
        pace = {"pairs_per_second": round(self._steps * self._batch / seconds, 2),
                "outside": round(self._waiting / seconds, 4)}
        if self._device.type == "cuda":
            pace["memory"] = torch.cuda.max_memory_allocated()
        return pace
