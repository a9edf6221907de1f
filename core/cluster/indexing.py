"""Indexing on a cluster: this computer compares and stores, the workers read, decode and embed.

What the workers do is what this computer would do; the vectors are the same, and so is the gallery. Only this computer
writes into it, a batch at a time: a run that stops, or loses workers, costs what was in flight.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.cluster.batches import LostItem, WorkerShare
from core.cluster.connection import ClusterOptions, connected
from core.cluster.pool import Pool
from core.cluster.workers import READERS, ImageJob, PictureJob, PictureWorker
from core.galleries.gallery import Gallery
from core.indexing.exclusions import Exclusions
from core.indexing.reader import NO_STAMP
from core.indexing.reconcile import BATCH, Done, GalleryReconciler, IndexResult
from core.indexing.sources import scan_sources
from core.indexing.unfinished import UnfinishedRuns
from core.models.registry import ModelRegistry
from core.progress import JobCancelled, Report, silent
from core.settings import Settings
from core.store.records import FailedEntry

GPU_BATCHES = 4  # batches that a worker with a GPU gets at once, so that it decodes one while it embeds another


@dataclass(frozen=True)
class ClusterResult:
    """Result of a run, and each worker's share of it."""

    index: IndexResult
    workers: tuple[WorkerShare, ...]


def index(target: AbstractContextManager[Gallery], sources: Sequence[str], models: ModelRegistry, settings: Settings,
          unfinished: UnfinishedRuns, options: ClusterOptions = ClusterOptions(), column: str = "",
          report: Report = silent, exclude: Sequence[str] = ()) -> ClusterResult:
    """Index folders, addresses or manifests (`core.indexing.sources`) into a gallery.

    `target` is entered once the sources were scanned and the cluster answered, so that until then nothing is changed
    (`Explorer.filled`). `exclude`: patterns to leave out, beside those of the settings.

    ClusterError, StoreError, DatasetError ("manifest"), WeightsError, ModelError. JobCancelled by `report` leaves what
    was stored, and no worker.
    """
    limit = settings["images.max_megapixels"]
    fingerprint = models.fingerprint(settings)
    spec = models.spec(settings)
    job = PictureJob(ImageJob.of(spec, models.weights_path(spec.backbone, settings), settings), fingerprint,
                     READERS if options.gpus else 1)
    scans = scan_sources(sources, column, report, Exclusions.of(settings["images.exclude"], exclude))
    with _Work(options, job, report) as work:
        if options.address:  # before anything is changed
            work.connect()
        with target as gallery:
            for scan in scans:
                gallery.add_folder(Path(scan.folder))
            result = unfinished.run(gallery.info, lambda count: GalleryReconciler(
                gallery, fingerprint, limit, report, work.pace, count).run(scans, work))
    with suppress(JobCancelled):  # the indexing is done and has a result
        gallery.optimize(report)
    return ClusterResult(result, work.shares)


class _Work:
    """The work of `GalleryReconciler`, done by a pool that exists while there is something to do.

    At its end as a context it leaves the cluster.
    """

    def __init__(self, options: ClusterOptions, job: PictureJob, report: Report) -> None:
        self._options, self._job, self._report = options, job, report
        self._ending = ExitStack()
        self._ray: Any = None
        self._pool: Pool | None = None
        self.shares: tuple[WorkerShare, ...] = ()

    def __enter__(self) -> "_Work":
        return self

    def __exit__(self, *error: object) -> None:
        self._ending.close()

    def connect(self) -> Any:
        """Ray, connected. ClusterError."""
        if self._ray is None:
            self._ray = self._ending.enter_context(connected(self._options, self._report))
        return self._ray

    def pace(self) -> str:
        """Speed of each worker, in words."""
        return self._pool.pace() if self._pool is not None else ""

    def __call__(self, paths: Sequence[str]) -> Iterator[Sequence[Done]]:
        """Read and embed the files of these paths."""
        if not paths:
            return
        length = BATCH * (GPU_BATCHES if self._options.gpus else 1)
        batches = (paths[start:start + length] for start in range(0, len(paths), length))
        with Pool(self.connect(), PictureWorker, self._job, self._options) as pool:
            self._pool = pool
            try:
                for results in pool.run(batches, -(-len(paths) // length)):
                    yield [self._as_failure(done) for result in results for done in result]
            finally:
                self.shares, self._pool = pool.shares(), None

    def _as_failure(self, result: Done | LostItem) -> Done:
        if not isinstance(result, LostItem):
            return result
        return FailedEntry(result.item, NO_STAMP, "worker", f"Reading {Path(result.item).name} ended the worker that "
                           "did it, and then the next one too. It was left out, and is tried again by the next run.",
                           self._job.model.settings["images.max_megapixels"])
