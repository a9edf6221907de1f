"""Ray actors: each holds one model and does the work that this computer would do by itself.

Plain classes; `core.cluster.pool` makes Ray's actors of them. Torch is imported when a model is loaded.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import __version__
from core.asr.recogniser import RECOGNISERS, Recogniser
from core.asr.transcript import EncodedUtterance, TranscriptionOptions
from core.audio import Waveform
from core.cluster.model_files import FileSet, keep, located
from core.errors import ClusterError
from core.features import speech_cache
from core.features.feature_cache import Computed
from core.features.image_cache import encoded_images, read_pixels
from core.features.noise import Condition
from core.fingerprint import Fingerprint
from core.indexing.local import embedding
from core.indexing.reader import Reader
from core.indexing.reconcile import Done
from core.models import checkpoints
from core.models.spec import ModelSpec

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
    """Set-up of every worker."""

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
class SeeingJob:
    """Options of a `SeeingWorker`."""

    backbone: str
    sets: tuple[FileSet, ...]
    device: str
    crop: str
    max_megapixels: float


@dataclass(frozen=True)
class PictureJob(SeeingJob):
    """Options of a `PictureWorker`. `fingerprint` is that of the vectors that the driver stores."""

    fingerprint: Fingerprint
    threads: int

    @staticmethod
    def of(spec: ModelSpec, path: Path, device: str, max_megapixels: float, fingerprint: Fingerprint,
           gpus: float) -> "PictureJob":
        """The job of a model; `path` is the backbone's file of weights on the driver."""
        sets = [FileSet.of(path.parent, (path.name,), spec.backbone)]
        if spec.checkpoint is not None:
            sets.append(FileSet.of(spec.checkpoint, (checkpoints.RUN, checkpoints.TENSORS)))
        return PictureJob(spec.backbone, tuple(sets), device, spec.crop, max_megapixels, fingerprint,
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
        """Embeddings or failures of the pictures at these paths."""
        assert self._model is not None
        job = self._job
        reader = Reader(job.crop, self._model.image_size, job.max_megapixels, lambda hashes: set(), job.threads)
        return [one for done in embedding(reader, self._model, items) for one in done]


@dataclass(frozen=True)
class HearingJob:
    """Options of a `HearingWorker`; `fingerprint` is that of the driver's own recogniser."""

    sets: tuple[FileSet, ...]
    device: str
    options: TranscriptionOptions
    fingerprint: str
    states: bool = True


@dataclass(frozen=True)
class RecordingTask:
    """A recording to transcribe under a condition; `others` are those that babble is made of."""

    path: str
    condition: Condition
    others: tuple[str, ...] = ()


class HearingWorker(Worker):
    """Reads and transcribes recordings, as `core.features.speech_cache` does."""

    def __init__(self, job: HearingJob) -> None:
        self._job, self.sets = job, job.sets
        self._recogniser: Recogniser | None = None
        self._others: tuple[tuple[str, ...], list[Waveform]] = (), []

    def build(self, folders: Sequence[Path]) -> None:
        """Load the recogniser. ModelError, ClusterError ("fingerprint")."""
        job = self._job
        self._recogniser = RECOGNISERS[0].load(folders[0] / job.sets[0].digests[0][0], job.device)
        if self._recogniser.fingerprint_of(job.options).hash != job.fingerprint:
            raise ClusterError(f"The node {os.uname().nodename} hears on {self._recogniser.device} with other numbers "
                               "than this computer; choose one device for both under Settings.", "fingerprint")

    def work(self, items: Sequence[RecordingTask]) -> list[Computed[Path]]:
        """The utterances of recordings, all under one condition; those of one content are transcribed once."""
        assert self._recogniser is not None
        condition, others = items[0].condition, self._read(items[0].others)
        read = {Path(item.path): speech_cache.waveform_of(Path(item.path)) for item in items}
        waves = {wave.digest: wave for wave in read.values() if isinstance(wave, Waveform)}
        sounds = [speech_cache.under(wave, condition, others) for wave in waves.values()]
        utterances = self._recogniser.transcribe(sounds, self._job.options) if waves else []
        by_digest = dict(zip(waves, utterances, strict=True))
        return [Computed(path, reason=wave) if isinstance(wave, str) else
                Computed(path, speech_cache.key_of(wave.digest, condition, others), self._kept(by_digest[wave.digest]),
                         wave.digest) for path, wave in read.items()]

    def _read(self, others: tuple[str, ...]) -> list[Waveform]:
        """Recordings for babble noise, read once for many batches."""
        if self._others[0] != others:
            read = [speech_cache.waveform_of(Path(path)) for path in others]
            self._others = others, [wave for wave in read if isinstance(wave, Waveform)]
        return self._others[1]

    def _kept(self, utterance: EncodedUtterance) -> EncodedUtterance:
        return utterance if self._job.states else replace(utterance, states=())


class SeeingWorker(Worker):
    """Reads the images of a dataset, as `core.features.image_cache` does."""

    def __init__(self, job: SeeingJob) -> None:
        self._job, self.sets = job, job.sets
        self._backbone: VisionLanguage | None = None

    def build(self, folders: Sequence[Path]) -> None:
        """Load the backbone. ModelError."""
        from core.models import vision_language

        job = self._job
        self._backbone = vision_language.load(job.backbone, folders[0] / job.sets[0].digests[0][0], job.device)

    def work(self, items: Sequence[str]) -> list[Computed[Path]]:
        """The features of images."""
        assert self._backbone is not None
        job, side = self._job, self._backbone.image_size
        return encoded_images(self._backbone, {
            Path(path): read_pixels(Path(path), job.crop, side, job.max_megapixels) for path in items})
