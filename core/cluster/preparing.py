"""A dataset heard and seen before it is trained on, by this computer or by a cluster, into the caches that training
reads.

Only this computer writes. The workers get the recordings and pictures in the groups in which it would take them itself,
so that what they give is the same to the last bit; a run that stops goes on with what is not yet kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import datasets
from core.asr.recogniser import RECOGNISERS
from core.cluster.batches import Lost, WorkerShare
from core.cluster.connection import ClusterOptions, connected
from core.cluster.model_files import FileSet
from core.cluster.pool import Pool
from core.cluster.workers import (
    HeardFile,
    HearingJob,
    HearingWorker,
    RecordingTask,
    SeeingJob,
    SeeingWorker,
    SeenFile,
)
from core.datasets.kinds import kind_of
from core.datasets.records import Dataset
from core.errors import DatasetError, TrainingError
from core.explorer import Explorer
from core.features import image_cache as pictures
from core.features import speech_cache as hearing
from core.features.image_cache import ImageFeatureCache
from core.features.noise import Condition
from core.features.prepared_split import Cost, FeaturePreparer
from core.features.speech_cache import SpeechFeatureCache
from core.models.registry import ModelRegistry
from core.progress import Progress, Report, WorkStep, silent
from core.training.dataset import conditions

if TYPE_CHECKING:
    from core.models.vision_language import VisionLanguage

LOST = "Reading it ended the worker that did it, and then the next one too."


@dataclass(frozen=True)
class PrepareRecipe:
    """What is prepared: `splits` () are all that hold pairs; `noise` as training takes it; `states` of the encoder are
    what an acoustic branch reads. `backbone` "auto" is the one that training would take.
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
    """What was done: recordings (under every condition) and pictures that were new, those that could not be read with
    the reason, and each worker's part.
    """

    heard: int
    seen: int
    unreadable: tuple[tuple[str, str], ...]
    workers: tuple[WorkerShare, ...] = ()


@dataclass
class _Counted:
    """What came of the files so far."""

    new: int = 0
    reasons: dict[str, str] = field(default_factory=dict)


class Preparation:
    """One dataset to be prepared. DatasetError (no_split, no_pairs, ...), WeightsError, ModelError."""

    def __init__(self, explorer: Explorer, recipe: PrepareRecipe, report: Report = silent) -> None:
        self._explorer, self._recipe = explorer, recipe
        settings = explorer.settings.with_value("vision.backbone", recipe.backbone)
        explorer.use_settings(settings.with_value("vision.model", "zero-shot").with_value("vision.crop", recipe.crop))
        self._dataset = datasets.load(recipe.dataset, recipe.kind, follow_links=recipe.follow_links)
        self.splits = recipe.splits or _with_pairs(self._dataset)
        self._check_splits()
        self._conditions = conditions(recipe.noise)
        self._backbone: VisionLanguage = explorer.backbone(report)

    def cost(self) -> Cost:
        """What `run` would add to the disk; files that are known are not read."""
        preparing = self._preparing()
        parts = [preparing.cost(self._dataset, self.splits, each) for each in self._conditions]
        return Cost(sum(each.recordings for each in parts), sum(each.states for each in parts), parts[0].pictures)

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
        return FeaturePreparer(self._explorer, self._backbone, self._recipe.crop, self._recipe.states)

    def _check_splits(self) -> None:
        for name in self.splits:
            if name not in self._dataset.splits:
                raise DatasetError(f"{self._dataset.folder.name} has no split {name!r}; it has "
                                   f"{', '.join(self._dataset.splits)}.", "no_split")
        if not self.splits:
            raise DatasetError(f"{self._dataset.folder.name} has no split with pictures and recordings of them: there "
                               "is nothing to prepare.", "no_pairs")

    def _here(self, report: Report) -> Prepared:
        before = self.cost()
        pictures_before = self._unseen()
        preparing, unreadable = self._preparing(), dict[str, str]()
        for condition in self._conditions:
            for split in self.splits:
                unreadable.update(preparing.prepare(self._dataset, split, condition, report).unreadable)
        return Prepared(before.recordings - self.cost().recordings, pictures_before - self._unseen(),
                        tuple(unreadable.items()))

    def _unseen(self) -> int:
        seeing = self._seeing()
        return sum(len(seeing.unseen(self._pictures(split))) for split in self.splits)

    def _recordings(self, split: str) -> list[Path]:
        """In the order in which `FeaturePreparer` hears them."""
        part = self._dataset.of(split)
        known = {image.image_id for image in part.images}
        return [one.recording for one in part.utterances if one.image_id in known and one.recording]

    def _pictures(self, split: str) -> list[Path]:
        return [image.path for image in self._dataset.of(split).images if image.path]

    def _by_workers(self, options: ClusterOptions, report: Report) -> Prepared:
        states = self._recipe.states
        with connected(options, report) as ray:
            with Pool(ray, HearingWorker, self._hearing_job(), options) as pool:
                heard = [self._hearing().by_workers(pool, self._recordings(split), condition, states, report)
                         for condition in self._conditions for split in self.splits]
            shares = pool.shares()
            with Pool(ray, SeeingWorker, self._seeing_job(), options) as pool:
                seen = [self._seeing().by_workers(pool, self._pictures(split), report) for split in self.splits]
        reasons = {path: reason for one in (*heard, *seen) for path, reason in one.reasons.items()}
        return Prepared(sum(one.new for one in heard), sum(one.new for one in seen), tuple(reasons.items()),
                        (*shares, *pool.shares()))

    def _hearing(self) -> "_Hearing":
        return _Hearing(self._explorer, kind_of(self._dataset.kind).language)

    def _hearing_job(self) -> HearingJob:
        settings = self._explorer.settings
        path = ModelRegistry(self._explorer.home).weights_path(RECOGNISERS[0].weights, settings)
        files = FileSet.of(path.parent, (path.name,), RECOGNISERS[0].weights)
        return self._hearing().job((files,), settings["device"], self._recipe.states)

    def _seeing(self) -> "_Seeing":
        return _Seeing(self._explorer, self._backbone, self._recipe.crop)

    def _seeing_job(self) -> SeeingJob:
        settings = self._explorer.settings
        models = ModelRegistry(self._explorer.home)
        backbone = models.spec(settings).backbone
        path = models.weights_path(backbone, settings)
        files = FileSet.of(path.parent, (path.name,), backbone)
        return SeeingJob(backbone, (files,), settings["device"], self._recipe.crop, settings["images.max_megapixels"])


class _Hearing(SpeechFeatureCache):
    """`SpeechFeatureCache` whose recordings are read and heard by workers. What is known and kept is the same."""

    def job(self, files: tuple[FileSet, ...], device: str, states: bool) -> HearingJob:
        """What the workers must know."""
        return HearingJob(files, device, self._options, self.fingerprint, states)

    def by_workers(self, pool: Pool, recordings: Sequence[Path], condition: Condition, states: bool, report: Report
                   ) -> _Counted:
        """Have every recording heard that is not. StoreError ("full"), ClusterError."""
        fingerprint, counted = self.fingerprint, _Counted()
        store, others = self._states(fingerprint), self._others(recordings, condition)
        keys = self._known(recordings, condition, others)
        done = self._done(keys, fingerprint, store, states)
        made_of = tuple(map(str, hearing.babbling(recordings))) if others else ()
        missing = [RecordingTask(str(path), condition, made_of)
                   for path, key in zip(recordings, keys, strict=True) if key not in done]
        told = _from(report, len(recordings), len(missing), WorkStep.TRANSCRIBING_RECORDINGS, str(condition))
        with store.writer() as writer, self._files.writer() as remember:
            for part in _results(pool, missing, hearing.AT_ONCE, counted, told):
                good = [one for one in part if isinstance(one, HeardFile) and not one.reason]
                named = {hearing.key_of(one.digest, condition, others): one for one in good}
                new = {key: one for key, one in named.items() if key not in done}
                for key, one in new.items() if states else ():
                    if key not in store:
                        writer.add(key, one.states)
                writer.flush()  # states first, so that a kept transcript has states
                self._explorer.store.keep_transcripts({key: one.transcript for key, one in new.items()}, fingerprint)
                for one in good:
                    remember(Path(one.path), one.digest)
                remember.flush()
                done |= new.keys()
                counted.new += len(good)
        return counted


class _Seeing(ImageFeatureCache):
    """`ImageFeatureCache` whose pictures are read by workers."""

    def unseen(self, paths: Sequence[Path]) -> list[Path]:
        """The pictures of which nothing is kept yet, as far as it is known without reading them."""
        return [path for path in paths if (key := self._known(path)) is None or key not in self._store]

    def by_workers(self, pool: Pool, paths: Sequence[Path], report: Report) -> _Counted:
        """Have every picture seen that is not. StoreError ("full"), ClusterError."""
        missing, counted = [str(path) for path in self.unseen(paths)], _Counted()
        told = _from(report, len(paths), len(missing), WorkStep.PREPARING_PICTURES)
        with self._store.writer() as writer, self._files.writer() as remember:
            for part in _results(pool, missing, pictures.AT_ONCE, counted, told):
                good = [one for one in part if isinstance(one, SeenFile) and one.kept is not None]
                for one in good:
                    if one.digest not in self._store and one.kept is not None:
                        writer.add(one.digest, [one.kept])
                writer.flush()
                for one in good:
                    remember(Path(one.path), one.digest)
                remember.flush()
                counted.new += len(good)
        return counted


def _results(pool: Pool, items: Sequence[Any], at_once: int, counted: _Counted, report: Report
             ) -> Iterator[list[Any]]:
    """What the workers give, a group at a time; what could not be read is counted, with the reason."""
    if not items:
        return
    came = 0
    groups = [items[start:start + at_once] for start in range(0, len(items), at_once)]
    for results in pool.run(groups, len(groups)):
        report(Progress(None, came, len(items), detail=pool.pace()))
        for part in results:
            came += len(part)
            counted.reasons.update(filter(None, map(_reason, part)))
            yield part
    report(Progress(None, came, len(items)))


def _reason(one: Any) -> tuple[str, str] | None:
    """The path of what could not be read, and why; None for what could."""
    if isinstance(one, Lost):
        return getattr(one.item, "path", one.item), LOST
    return (one.path, one.reason) if one.reason else None


def _from(report: Report, total: int, missing: int, step: WorkStep, subject: str = "") -> Report:
    """A report of work on the `missing` items that counts them among all."""
    def report_all(inner: Progress) -> None:
        report(Progress(step, total - missing + inner.done, total, subject, inner.detail))

    return report_all


def _with_pairs(dataset: Dataset) -> tuple[str, ...]:
    found = []
    for name in dataset.splits:
        part = dataset.of(name)
        if part.images and part.utterances:
            found.append(name)
    return tuple(found)
