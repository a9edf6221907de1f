"""The loop: one step after another, what it says of itself, and how it goes on after a stop.

Everything random of a step is drawn from the seed and the step's number, so that the state is parameters, optimiser
and the number alone. On a CPU a run that was stopped ends with the weights of one that was not, bit for bit.
"""

import math
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from core.errors import TrainingError
from core.models import checkpoints
from core.models.brewclip import BrewCLIP
from core.models.checkpoints import Run
from core.progress import JobCancelled, Report
from core.training.corpus import Batch, Corpus
from core.training.dev import Dev, DevResult, weighed
from core.training.processes import Processes
from core.training.recipe import TrainingOptions, rate_at
from core.training.run_folder import RunFolder, State

LOGGED_EVERY = 10  # steps; the loss is looked at as often, since that waits for a GPU
SAVED_EVERY = 60.0  # seconds
STREAMS = 1_000_003  # seeds of steps and processes lie this far apart


@dataclass(frozen=True)
class Outcome:
    """How a run ended: `why` is finished or patience; `step` steps were done, `best_step` has the best model."""

    why: str
    step: int
    best_step: int
    best: float


@dataclass
class Best:
    """The best score on dev so far, and the looks since."""

    score: float = -math.inf
    step: int = -1
    looks_since: int = 0


class Trainer:
    """Trains a model in a run's folder. `describe` makes a checkpoint's run of a step and its result on dev."""

    def __init__(self, model: BrewCLIP, corpus: Corpus, dev: Dev, folder: RunFolder, options: TrainingOptions,
                 processes: Processes, describe: Callable[[int, DevResult], Run]) -> None:
        self._model, self._corpus, self._dev, self._folder = model, corpus, dev, folder
        self._options, self._processes, self._describe = options, processes, describe
        self._device = model.log_scale.device
        self._trained = model.trained()
        self._optimiser = torch.optim.Adam(self._trained.values(), lr=options.rate, weight_decay=options.weight_decay)
        self._scaler = torch.amp.GradScaler(self._device.type, enabled=self._half)
        self._whole: nn.Module = model if processes.count == 1 else DistributedDataParallel(
            model, broadcast_buffers=False)
        self._best = Best()
        self._meter = Meter(options.batch, self._device)
        self._text = "Training"

    @property
    def _half(self) -> bool:
        return self._options.precision == "float16" and self._device.type == "cuda"

    def run(self, report: Report) -> Outcome:
        """Train to the last step, or until patience is over. JobCancelled by `report`: the state is saved first.

        TrainingError: not_finite (the loss, at a step that the message names; the state before it is kept), full,
        not_written. A GPU's "out of memory" passes through as PyTorch's own.
        """
        start = self._resume()
        why, step = "finished", start
        with ThreadPoolExecutor(1, "batches") as pool:
            ahead = pool.submit(self._corpus.batch, start, *self._place) if start < self._options.steps else None
            saved = time.monotonic()
            while step < self._options.steps:
                self._checked_report(report, step)
                assert ahead is not None
                ahead = self._step(step, ahead, pool)
                step += 1
                whole = step % LOGGED_EVERY == 0 or step == self._options.steps
                if whole:
                    self._log(step)
                looked = step % self._options.evaluate_every == 0 or step == self._options.steps
                if looked:
                    self._look(step)
                if looked or (whole and time.monotonic() - saved > SAVED_EVERY):
                    self._save(step)
                    saved = time.monotonic()
                if self._options.patience and self._best.looks_since >= self._options.patience:
                    why = "patience"
                    break
        report(step, self._options.steps, self._text)
        return Outcome(why, step, self._best.step, self._best.score)

    @property
    def _place(self) -> tuple[int, int]:
        return self._processes.rank, self._processes.count

    def _checked_report(self, report: Report, step: int) -> None:
        """Report; when any process was asked to stop, all save and stop together."""
        stopped: JobCancelled | None = None
        try:
            report(step, self._options.steps, self._text)
        except JobCancelled as cancelled:
            stopped = cancelled
        if self._processes.any(stopped is not None):
            self._meter.check(step)
            self._save(step)
            raise stopped or JobCancelled

    def _step(self, step: int, ahead: "Future[Batch]", pool: ThreadPoolExecutor) -> "Future[Batch]":
        """One step; gives the batch of the next, which is on its way."""
        waiting = time.perf_counter()
        batch = ahead.result()
        following = pool.submit(self._corpus.batch, min(step + 1, self._options.steps - 1), *self._place)
        self._meter.waited(time.perf_counter() - waiting)
        torch.manual_seed((self._options.seed * STREAMS + step) * STREAMS + self._processes.rank)
        self._model.train()
        with self._autocast():
            stems = self._corpus.stems(batch, self._device)
            features = self._whole(stems, batch.speech.to(self._device))
            losses = self._model.loss(features, batch.image_ids.to(self._device))
        for group in self._optimiser.param_groups:
            group["lr"] = rate_at(step, self._options)
        self._optimiser.zero_grad(set_to_none=True)
        self._scaler.scale(losses.total).backward()
        self._scaler.unscale_(self._optimiser)
        if self._options.clip:
            nn.utils.clip_grad_norm_(self._trained.values(), self._options.clip)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        self._meter.add(losses.total, losses.inner, losses.outer)
        return following

    def _autocast(self) -> AbstractContextManager[Any]:
        on_cpu = self._device.type == "cpu"  # which has no float16
        if self._options.precision == "float32" or (on_cpu and self._options.precision == "float16"):
            return nullcontext()
        return torch.autocast(self._device.type, getattr(torch, self._options.precision))

    def _log(self, step: int) -> None:
        """Say how the last steps went. TrainingError ("not_finite") when they went wrong."""
        means = self._meter.read(step)
        self._text = f"Training (loss {means['loss']:.3f})"
        if self._processes.first:
            self._folder.log("step", step=step, rate=rate_at(step - 1, self._options),
                             temperature=round(1 / float(self._model.scale.detach()), 6), **means)

    def _look(self, step: int) -> None:
        """Look at dev, and keep the model if it is the best so far."""
        if self._processes.first:
            started = time.perf_counter()
            result = self._dev.look(self._model)
            better = result.score > self._best.score
            if better:
                weighed(self._model, result.weight)
                checkpoints.save(self._folder.best, self._model, replace(self._describe(step, result),
                                                                         options=self._model.options))
                weighed(self._model, self._plain)
                self._best = Best(result.score, step)
            else:
                self._best = replace(self._best, looks_since=self._best.looks_since + 1)
            self._folder.log("dev", step=step, best=better, seconds=round(time.perf_counter() - started, 3),
                             **result.to_json())
        self._processes.wait()
        self._meter.restart()
        stop = bool(self._options.patience) and self._best.looks_since >= self._options.patience
        if self._processes.any(self._processes.first and stop) and not self._processes.first:
            self._best = replace(self._best, looks_since=self._options.patience)

    def _save(self, step: int) -> None:
        if not self._processes.first:
            return
        tensors: dict[str, Tensor] = {f"parameter.{name}": each for name, each in self._trained.items()}
        for name, each in self._trained.items():
            for kind, value in self._optimiser.state[each].items():
                tensors[f"adam.{kind}.{name}"] = value
        facts = {"best": vars(self._best), "scaler": self._scaler.state_dict()}
        self._folder.save(State(step, tensors, facts))

    def _resume(self) -> int:
        """Go on from the folder's state; the step to begin with. TrainingError ("damaged"): it is of another run."""
        self._plain = self._model.options.acoustic_weight
        state = self._folder.state()
        if state.step == 0:
            return 0
        try:
            for name, each in self._trained.items():
                each.data.copy_(state.tensors[f"parameter.{name}"])
                self._optimiser.state[each] = {
                    kind: self._moved(state.tensors[f"adam.{kind}.{name}"], kind)
                    for kind in ("step", "exp_avg", "exp_avg_sq")}
            self._best = Best(**state.facts["best"])
            self._scaler.load_state_dict(state.facts["scaler"])
        except (KeyError, RuntimeError, TypeError) as error:
            raise TrainingError(f"What was saved in {self._folder.path} is of another model than the recipe says; the "
                                "run cannot go on.", "damaged") from error
        return state.step

    def _moved(self, value: Tensor, kind: str) -> Tensor:
        return value if kind == "step" else value.to(self._device)


class Meter:
    """Means over the steps since they were last read. TrainingError ("not_finite") when a loss is no number."""

    def __init__(self, batch: int, device: torch.device) -> None:
        self._batch, self._device = batch, device
        self.restart()

    def restart(self) -> None:
        """Begin anew: what took the time so far was no step."""
        self._sums, self._steps = torch.zeros(3), 0
        self._waiting, self._since = 0.0, time.perf_counter()

    def waited(self, seconds: float) -> None:
        """Count time in which no model computed."""
        self._waiting += seconds

    def add(self, total: Tensor, inner: Tensor, outer: Tensor) -> None:
        """Count a step's losses; nothing waits for a GPU here."""
        self._sums = self._sums.to(total.device) + torch.stack([total, inner, outer]).detach()
        self._steps += 1

    def check(self, step: int) -> list[float]:
        """The means (loss, inner, outer) so far."""
        found: list[float] = (self._sums / max(1, self._steps)).tolist()
        if not all(math.isfinite(each) for each in found):
            raise TrainingError(f"The loss is no longer a number (between step {step - self._steps} and {step}). The "
                                "best model and the last good state are kept; go on with a lower learning rate or in "
                                "float32.", "not_finite")
        return found

    def read(self, step: int) -> dict[str, float]:
        """The means, throughput, share of time outside the model, memory of the GPU in bytes; then begins anew."""
        loss, inner, outer = self.check(step)
        seconds = time.perf_counter() - self._since
        found = {"loss": round(loss, 6), "inner": round(inner, 6), "outer": round(outer, 6),
                 "pairs_per_second": round(self._steps * self._batch / seconds, 2),
                 "outside": round(self._waiting / seconds, 4)}
        if self._device.type == "cuda":
            found["memory"] = torch.cuda.max_memory_allocated()
        self.restart()
        return found
