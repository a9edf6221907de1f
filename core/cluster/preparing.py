"""Features of a dataset computed before training, by this computer or by a cluster, into the caches that training
reads.

Only this computer writes. The workers get recordings and images in the groups in which it would take them itself, so
that their results are the same to the last bit; a run that stops goes on with what is not yet kept.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import datasets
from core.cluster.batches import LostItem, WorkerShare
from core.cluster.connection import ClusterOptions, connected
from core.cluster.model_files import FileSet
from core.cluster.pool import Pool
from core.cluster.workers import (
    ImageFeatureWorker,
    ImageJob,
    RecordingTask,
    SpeechJob,
    SpeechWorker,
)
from core.datasets.kinds import kind_of
from core.datasets.records import Dataset
from core.errors import DatasetError, TrainingError
from core.features import image_cache, speech_cache
from core.features.feature_cache import Compute, Computed, Filled, Missing
from core.features.image_cache import ImageFeatureCache
from core.features.noise import Condition
from core.features.prepared_split import Cost, FeaturePreparer, checked_split
from core.features.speech_cache import SpeechFeatureCache
from core.progress import Report, silent, steps
from core.training.dataset import conditions
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.models.vision_language import VisionLanguage

LOST = "Reading it ended the worker that did it, and then the next one too."


@dataclass(frozen=True)
class PrepareRecipe:
    """Request for preparing: `splits` () are all that hold pairs; `noise` as in training; `states`: with the encoder
    states that an acoustic branch reads. `backbone` "auto" is the one that training would take.
    """

    dataset: Path
    kind: str = ""
    splits: tuple[str, ...] = ()
    backbone: str = "auto"
    crop: str = "centre"
    noise: str = ""
    states: bool = True
    max_cache_gb: float = 100.0
    follow_links: bool = False


@dataclass(frozen=True)
class Prepared:
    """Result of preparing: new recordings (under every condition) and images, unreadable files with reasons, and each
    worker's part.
    """

    recordings: int
    images: int
    unreadable: tuple[tuple[str, str], ...]
    workers: tuple[WorkerShare, ...] = ()


class Preparation:
    """One dataset to be prepared. DatasetError (as `checked_split`), WeightsError, ModelError."""

    def __init__(self, workspace: Workspace, recipe: PrepareRecipe, report: Report = silent) -> None:
        self._recipe, self._workspace = recipe, workspace.with_settings({
            "vision.backbone": recipe.backbone, "vision.model": "zero-shot", "vision.crop": recipe.crop})
        self._dataset = datasets.load(recipe.dataset, recipe.kind, follow_links=recipe.follow_links)
        self.splits = recipe.splits or _with_pairs(self._dataset)
        if not self.splits:
            raise DatasetError(f"{self._dataset.folder.name} has no split with pictures and recordings of them: there "
                               "is nothing to prepare.", "no_pairs")
        for name in self.splits:
            checked_split(self._dataset, name)
        self._conditions = conditions(recipe.noise)
        self._backbone: VisionLanguage = self._workspace.backbone(report)

    def cost(self) -> Cost:
        """Disk space that `run` would add; known files are not read."""
        preparing = self._preparing()
        parts = [preparing.cost(self._dataset, self.splits, condition) for condition in self._conditions]
        return Cost(sum(cost.recordings for cost in parts), sum(cost.states for cost in parts), parts[0].pictures)

    def check(self, cost: Cost) -> None:
        """TrainingError ("cache_cap") when that is more than is allowed."""
        cap = self._recipe.max_cache_gb
        if cost.nbytes > cap * 1e9:
            raise TrainingError(f"Preparing this dataset writes {cost.nbytes / 1e9:.1f} GB, more than the {cap:g} GB "
                                "that are allowed. Allow more (--max-cache-gb), or choose a split of it.", "cache_cap")

    def run(self, options: ClusterOptions | None = None, report: Report = silent) -> Prepared:
        """Prepare all of it: here, or by the workers of a cluster. What was kept stays, however it ends.

        ClusterError; StoreError ("full"); JobCancelled by `report`.
        """
        return self._here(report) if options is None else self._by_workers(options, report)

    def _preparing(self) -> FeaturePreparer:
        """Anew each time: it knows what was kept when it was made."""
        return FeaturePreparer(self._workspace, self._backbone, self._recipe.crop, self._recipe.states)

    def _here(self, report: Report) -> Prepared:
        before, images_before = self.cost(), self._new_images()
        preparing, unreadable = self._preparing(), dict[str, str]()
        work = [(condition, split) for condition in self._conditions for split in self.splits]
        for (condition, split), part in zip(work, steps(report, *(len(self._recordings(split)) for _, split in work)),
                                            strict=True):
            unreadable.update(preparing.prepare(self._dataset, split, condition, part).unreadable)
        return Prepared(before.recordings - self.cost().recordings, images_before - self._new_images(),
                        tuple(unreadable.items()))

    def _new_images(self) -> int:
        cache = self._images()
        return sum(len(cache.missing(self._image_paths(split))) for split in self.splits)

    def _recordings(self, split: str) -> list[Path]:
        """In the order in which `FeaturePreparer` takes them."""
        part = self._dataset.of(split)
        image_ids = {image.image_id for image in part.images}
        return [record.recording for record in part.utterances if record.image_id in image_ids and record.recording]

    def _image_paths(self, split: str) -> list[Path]:
        return [image.path for image in self._dataset.of(split).images if image.path]

    def _by_workers(self, options: ClusterOptions, report: Report) -> Prepared:
        with connected(options, report) as ray:
            with Pool(ray, SpeechWorker, self._speech_job(), options) as pool:
                transcribed = [self._transcribed(pool, split, condition, report)
                               for condition in self._conditions for split in self.splits]
            shares = pool.shares()
            with Pool(ray, ImageFeatureWorker, self._image_job(), options) as pool:
                compute = _remotely(pool, str, image_cache.AT_ONCE)
                images = [self._images().fill(self._image_paths(split), compute, report)
                          for split in self.splits]
        reasons = {str(path): reason for filled in (*transcribed, *images) for path, reason in filled.reasons.items()}
        return Prepared(sum(filled.added for filled in transcribed), sum(filled.added for filled in images),
                        tuple(reasons.items()), (*shares, *pool.shares()))

    def _transcribed(self, pool: Pool, split: str, condition: Condition, report: Report) -> Filled[Path]:
        """Have the workers transcribe a split under a condition. StoreError ("full"), ClusterError."""
        recordings = self._recordings(split)
        others = speech_cache.babble(recordings, condition)
        names = tuple(map(str, speech_cache.babble_paths(recordings))) if others else ()
        compute = _remotely(pool, lambda path: RecordingTask(str(path), condition, names), speech_cache.AT_ONCE)
        return self._speech().fill(recordings, others, self._recipe.states, condition, compute, report)

    def _speech(self) -> SpeechFeatureCache:
        return SpeechFeatureCache(self._workspace, kind_of(self._dataset.kind).language)

    def _speech_job(self) -> SpeechJob:
        settings, cache = self._workspace.settings, self._speech()
        name = self._workspace.models.entry(settings).weights
        path = self._workspace.models.weights_path(name, settings)
        files = FileSet.of(path.parent, (path.name,), name)
        return SpeechJob(settings, (files,), cache.options, cache.fingerprint, self._recipe.states)

    def _images(self) -> ImageFeatureCache:
        return ImageFeatureCache(self._workspace, self._backbone, self._recipe.crop)

    def _image_job(self) -> ImageJob:
        settings, models = self._workspace.settings, self._workspace.models
        spec = models.spec(settings)
        return ImageJob.of(spec, models.weights_path(spec.backbone, settings), settings)


def _remotely(pool: Pool, task: Callable[[Path], Any], size: int) -> Compute[Path]:
    """Have workers compute, in groups of so many items."""
    def compute(missing: Missing[Path]) -> Iterator[list[Computed[Path]]]:
        tasks = [task(path) for path in missing.items]
        groups = [tasks[start:start + size] for start in range(0, len(tasks), size)]
        done = 0
        for results in pool.run(groups, len(groups)) if groups else ():
            missing.progress(done, pool.pace())
            for part in results:
                done += len(part)
                yield [Computed(Path(getattr(result.item, "path", result.item)), reason=LOST)
                       if isinstance(result, LostItem) else result for result in part]

    return compute


def _with_pairs(dataset: Dataset) -> tuple[str, ...]:
    names = []
    for name in dataset.splits:
        part = dataset.of(name)
        if part.images and part.utterances:
            names.append(name)
    return tuple(names)
