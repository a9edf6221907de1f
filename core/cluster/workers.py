"""What runs on the workers: each holds a model once and does with it what this computer would do by itself.

Plain classes; `core.cluster.pool` makes Ray's actors of them. Torch is imported when a model is loaded.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import __version__
from core.cluster.model_files import FileSet, keep, located
from core.engine import ModelFiles
from core.errors import ClusterError
from core.fingerprint import Fingerprint
from core.models import checkpoints
from core.search.filling import Done
from core.search.indexing import embedding
from core.search.reading import Reader

if TYPE_CHECKING:
    from core.models.trained import TrainedModel
    from core.models.vision_language import VisionLanguage

READERS = 2  # threads of a worker that decode while its model computes, where it has a GPU


@dataclass(frozen=True)
class Begun:
    """A worker on its machine: `lacking` names the sets of files that this machine does not have."""

    machine: str
    process: int
    lacking: tuple[str, ...]


class Worker:
    """What every worker does before it works."""

    sets: tuple[FileSet, ...] = ()

    def begin(self, version: str) -> Begun:
        """Say where this is and what is lacking here. ClusterError ("other_version")."""
        if version != __version__:
            raise ClusterError(f"The node {os.uname().nodename} has BrewCLIP Explorer {__version__}, this computer "
                               f"{version}; both must be the same. Nothing was changed.", "other_version")
        return Begun(os.uname().nodename, os.getpid(), tuple(one.key for one in self.sets if located(one) is None))

    def load(self, contents: Mapping[str, Any]) -> None:
        """Load the model. `contents` are references, by key, to the bytes of sets of files that were lacking."""
        self.build([self._folder(one, contents) for one in self.sets])

    def build(self, folders: Sequence[Path]) -> None:
        """Load the model from the folders of `sets`."""
        raise NotImplementedError

    def work(self, items: Sequence[Any]) -> Any:
        """Do the work for these items."""
        raise NotImplementedError

    def _folder(self, files: FileSet, contents: Mapping[str, Any]) -> Path:
        found = located(files)
        if found is None:
            import ray

            found = keep(files, ray.get(contents[files.key]))
        return found


@dataclass(frozen=True)
class PictureJob:
    """What a `PictureWorker` must know. `fingerprint` is that of the vectors that the driver stores."""

    backbone: str
    sets: tuple[FileSet, ...]
    device: str
    crop: str
    max_megapixels: float
    fingerprint: Fingerprint
    threads: int

    @staticmethod
    def of(files: ModelFiles, device: str, crop: str, max_megapixels: float, fingerprint: Fingerprint,
           gpus: float) -> "PictureJob":
        """The job of a model whose files are these, on the driver."""
        sets = [FileSet.of(files.path.parent, (files.path.name,), files.backbone)]
        if files.checkpoint is not None:
            sets.append(FileSet.of(files.checkpoint, (checkpoints.RUN, checkpoints.TENSORS)))
        return PictureJob(files.backbone, tuple(sets), device, crop, max_megapixels, fingerprint,
                          READERS if gpus else 1)


class PictureWorker(Worker):
    """Reads, decodes and embeds pictures."""

    def __init__(self, job: PictureJob) -> None:
        self._job, self.sets = job, job.sets
        self._model: VisionLanguage | TrainedModel | None = None

    def build(self, folders: Sequence[Path]) -> None:
        """Load the backbone, and the trained model on it if there is one. ModelError, ClusterError ("fingerprint")."""
        from core.models import vision_language
        from core.models.trained import TrainedModel

        job = self._job
        backbone = vision_language.load(job.backbone, folders[0] / job.sets[0].digests[0][0], job.device)
        self._model = TrainedModel(checkpoints.read(folders[1]), backbone) if len(folders) > 1 else backbone
        if self._model.fingerprint(job.crop) != job.fingerprint:
            raise ClusterError(f"The node {os.uname().nodename} embeds with another model than this computer; have "
                               "both run the same release.", "fingerprint")

    def work(self, items: Sequence[str]) -> list[Done]:
        """What became of the pictures at these paths."""
        assert self._model is not None
        job = self._job
        reader = Reader(job.crop, self._model.image_size, job.max_megapixels, lambda hashes: set(), job.threads)
        return [one for done in embedding(reader, self._model, items) for one in done]
