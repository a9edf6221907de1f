"""Time, memory and disk of a run before it begins, measured with its own options on a few of its pairs."""

import statistics
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.datasets.records import Dataset
from core.errors import TrainingError
from core.features.prepared_split import Cost, FeaturePreparer, Split
from core.localisation import _
from core.progress import Progress, Report, WorkStep, silent, steps
from core.training.dataset import PairDataset, check_enough, usable
from core.training.distributed import together
from core.training.recipe import Recipe
from core.training.run import TrainingJob, is_memory, paired, wants_gpu
from core.workspace import Workspace

if TYPE_CHECKING:
    import torch

    from core.models.brewclip import BrewCLIP
    from core.training.step import TrainingStep

SAMPLE = 32  # pairs that are prepared; a larger batch repeats them
WARM_UP = 2  # steps that are not measured
MEASURED, LONGEST = 5, 60.0  # steps that are, fewer once they took so many seconds
NO_MEMORY = (_("A step does not fit into the memory. Nothing was begun; choose micro-batches, activation "
               "checkpointing, a smaller batch, or float16 or bfloat16."))


@dataclass(frozen=True)
class RunEstimate:
    """Time, memory and disk of a run on this computer.

    `step_seconds`: median of the measured steps; `steps` and `validations` of the recipe. `preparing_seconds` of
    features that are not cached. `memory`: peak bytes of the GPU's allocator on CUDA, else the peak resident bytes of
    the measuring process; 0 where the system does not say. `cache_bytes`: growth of the caches; `recordings` to
    transcribe. `device`, `precision`: what was measured on; `processes` share the batch.
    """

    step_seconds: float
    steps: int
    validation_seconds: float
    validations: int
    preparing_seconds: float
    memory: int
    cache_bytes: int
    recordings: int
    pairs: int
    device: str
    precision: str
    processes: int

    @property
    def seconds(self) -> float:
        """The whole run: features, steps, validations."""
        return self.preparing_seconds + self.steps * self.step_seconds + self.validations * self.validation_seconds


def estimate(workspace: Workspace, recipe: Recipe, report: Report = silent) -> RunEstimate:
    """Measure steps of a recipe, on `SAMPLE` of its pairs, whose features are computed and stay cached.

    No run is begun and nothing is trained that is kept. Started by torchrun, the processes share the batch; each gets
    the estimate. A batch larger than `SAMPLE` repeats pairs, which changes neither time nor memory. The peak of a
    process that did other work before includes that work. JobCancelled by `report`; TrainingError ("memory") and the
    other errors of `run.train`.
    """
    try:
        with together(wants_gpu(recipe)) as processes:
            return _Measuring(TrainingJob(workspace, recipe, processes), recipe).run(report)
    except (RuntimeError, MemoryError) as error:
        if not is_memory(error):
            raise
        raise TrainingError(NO_MEMORY, "memory") from error


class _Measuring:
    """The measurement of one recipe."""

    def __init__(self, job: TrainingJob, recipe: Recipe) -> None:
        self._job, self._recipe, self._options = job, recipe, recipe.training

    def run(self, report: Report) -> RunEstimate:
        from core.training.step import TrainingStep

        job, options = self._job, self._options
        preparing_report, stepping = steps(report, SAMPLE, SAMPLE)
        backbone = job.workspace.backbone(report)
        model, preparing = job.model(backbone), job.preparing(backbone)
        cost, pairs = job.cost(preparing), len(job.conditions) * len(paired(job.dataset.of(self._recipe.train)))
        check_enough(pairs, options.batch)
        split, preparing_seconds = self._prepared(preparing, cost, preparing_report)
        count = sum(usable(split, row, options.drop_unheard or not model.variant.acoustic)
                    for row in range(len(split.utterances)))
        if not count:
            raise TrainingError(_("None of the pairs that were measured can be learnt from: their recordings cannot "
                                  "be read or have no words. Nothing was begun; check the dataset."), "too_few")
        corpus = PairDataset([split] * -(-options.batch // count), preparing.images, model, options.batch, options.seed,
                             options.drop_unheard)
        corpus.settle()
        update = TrainingStep(model, corpus, options, job.processes, job.lesson(backbone, split))
        step_seconds = self._stepped(update, stepping)
        memory = peak_memory(update.device)
        validation = self._validated(model, split, preparing)
        return RunEstimate(step_seconds, options.steps, validation, -(-options.steps // options.evaluate_every),
                           preparing_seconds, memory, cost.nbytes, cost.recordings, pairs, backbone.device,
                           update.precision, job.processes.count)

    def _prepared(self, preparing: FeaturePreparer, missing: Cost, report: Report) -> tuple[Split, float]:
        """A few pairs with their features, and the seconds that all that is missing will take."""
        sample = self._sample()
        new, start = preparing.cost(sample, (self._recipe.train,)), time.perf_counter()
        if not self._job.processes.first:  # one process computes, the others read
            self._job.processes.wait()
        split = preparing.prepare(sample, self._recipe.train, report=report)
        if self._job.processes.first:
            self._job.processes.wait()
        seconds = time.perf_counter() - start
        if new.recordings:  # beside them, pictures take next to no time
            return split, seconds * missing.recordings / new.recordings
        return split, seconds * missing.nbytes / new.nbytes if new.nbytes else 0.0

    def _sample(self) -> Dataset:
        """A few pairs of the training split, drawn by the seed."""
        part = self._job.dataset.of(self._recipe.train)
        pairs = paired(part)
        drawn = np.random.default_rng(self._options.seed).permutation(len(pairs))[:SAMPLE]
        chosen = tuple(pairs[row] for row in sorted(drawn))
        named = {utterance.image_id for utterance in chosen}
        return replace(part, utterances=chosen,
                       images=tuple(image for image in part.images if image.image_id in named))

    def _stepped(self, update: "TrainingStep", report: Report) -> float:
        """Seconds of a step, its batch included."""
        times: list[float] = []
        for step in range(WARM_UP + MEASURED):
            report(Progress(WorkStep.MEASURING_STEPS, step, WARM_UP + MEASURED))
            if step == WARM_UP:
                forget_peak(update.device)
            start = time.perf_counter()
            losses = update(step, update.batches(step))
            losses.total.item()  # waits for a GPU
            times.append(time.perf_counter() - start)
            if self._job.processes.any(step > WARM_UP and sum(times) > LONGEST):
                break
        return statistics.median(times[WARM_UP:])

    def _validated(self, model: "BrewCLIP", split: Split, preparing: FeaturePreparer) -> float:
        """Seconds of one validation, from one of the few pairs."""
        job, start = self._job, time.perf_counter()
        job.validator([split], preparing).evaluate(model)
        looked_at = len(job.dataset.of(job.dev).utterances) * len(job.looked_at)
        return (time.perf_counter() - start) * looked_at / len(split.utterances) / job.processes.count


def forget_peak(device: "torch.device") -> None:
    """Begin to measure the peak anew, where that can be done: on CUDA."""
    if device.type == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: "torch.device") -> int:
    """Peak bytes; see `RunEstimate`."""
    if device.type == "cuda":
        import torch

        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
