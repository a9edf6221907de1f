"""Ray actors: each holds one model and does the work that this computer would do by itself.

Plain classes; `core.cluster.pool` makes Ray's actors of them. Torch is imported when a model is loaded.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import __version__
from core.asr.recogniser import Recogniser
from core.asr.transcript import TranscriptionOptions
from core.audio import Waveform
from core.cluster.model_files import FileSet, keep, located
from core.errors import ClusterError
from core.features import speech_cache
from core.features.feature_cache import Computed
from core.features.image_cache import encoded_images, read_pixels
from core.features.noise import Condition
from core.fingerprint import Fingerprint
from core.home import find_home
from core.indexing.local import embedding
from core.indexing.reader import Reader
from core.indexing.reconcile import Done
from core.models import backbones, checkpoints
from core.models.registry import ModelRegistry
from core.models.spec import ModelSpec
from core.settings import Settings

if TYPE_CHECKING:
    from core.models.retrieval import RetrievalModel
    from core.models.vision_language import VisionLanguage

READERS = 2  # threads of a worker that decode while its model computes, where it has a GPU


@dataclass(frozen=True)
class WorkerStart:
    """A worker on its machine: `lacking` names the sets of files that this machine does not have."""

    machine: str
    process: int
    lacking: tuple[str, ...]


class Worker:
    """Set-up of every worker."""

    sets: tuple[FileSet, ...] = ()

    def begin(self, version: str) -> WorkerStart:
        """Machine, process and missing files of this worker. ClusterError ("other_version")."""
        if version != __version__:
            raise ClusterError(f"The node {os.uname().nodename} has BrewCLIP Explorer {__version__}, this computer "
                               f"{version}; both must be the same. Nothing was changed.", "other_version")
        lacking = tuple(files.key for files in self.sets if located(files) is None)
        return WorkerStart(os.uname().nodename, os.getpid(), lacking)

    def load(self, contents: Mapping[str, Any]) -> None:
        """Load the model. `contents` are references, by key, to the bytes of sets of files that were lacking."""
        self.build([self._folder(files, contents) for files in self.sets])

    def build(self, folders: Sequence[Path]) -> None:
        """Load the model from the folders of `sets`."""
        raise NotImplementedError

    def work(self, items: Sequence[Any]) -> Any:
        """Do the work for these items."""
        raise NotImplementedError

    def _folder(self, files: FileSet, contents: Mapping[str, Any]) -> Path:
        folder = located(files)
        if folder is None:
            import ray

            folder = keep(files, ray.get(contents[files.key]))
        return folder


@dataclass(frozen=True)
class ImageJob:
    """Options of a worker that embeds images: the driver's settings, with the backbone and the files of its model."""

    settings: Settings
    backbone: str
    sets: tuple[FileSet, ...]

    @staticmethod
    def of(spec: ModelSpec, path: Path, settings: Settings) -> "ImageJob":
        """The job of a model; `path` is the backbone's file of weights on the driver."""
        sets = [FileSet.of(path.parent, (path.name,), spec.backbone)]
        if spec.checkpoint is not None:
            sets.append(FileSet.of(spec.checkpoint, (checkpoints.RUN, checkpoints.TENSORS)))
        return ImageJob(settings, spec.backbone, tuple(sets))

    @property
    def crop(self) -> str:
        """The crop policy, in which "auto" is resolved."""
        return backbones.crop_of(self.settings["vision.crop"], self.backbone)

    def settings_with(self, folders: Sequence[Path]) -> Settings:
        """The settings with this machine's folders of `sets`."""
        return self.settings.with_value("weights.folder", str(folders[0])).with_value(
            "vision.backbone", self.backbone).with_value(
            "vision.model", str(folders[1]) if len(folders) > 1 else "zero-shot")


@dataclass(frozen=True)
class PictureJob:
    """Options of a `PictureWorker`. `fingerprint` is that of the vectors that the driver stores."""

    model: ImageJob
    fingerprint: Fingerprint
    threads: int


class PictureWorker(Worker):
    """Reads, decodes and embeds pictures."""

    def __init__(self, job: PictureJob) -> None:
        self._job, self.sets = job, job.model.sets
        self._model: RetrievalModel | None = None

    def build(self, folders: Sequence[Path]) -> None:
        """Load the backbone, and the trained model on it if there is one. ModelError, ClusterError ("fingerprint")."""
        self._model = ModelRegistry(find_home()).model(self._job.model.settings_with(folders))
        if self._model.fingerprint(self._job.model.crop) != self._job.fingerprint:
            raise ClusterError(f"The node {os.uname().nodename} embeds with another model than this computer; have "
                               "both run the same release.", "fingerprint")

    def work(self, items: Sequence[str]) -> list[Done]:
        """Embeddings or failures of the pictures at these paths."""
        assert self._model is not None
        settings = self._job.model.settings
        reader = Reader(self._job.model.crop, self._model.image_size, settings["images.max_megapixels"],
                        lambda hashes: set(), self._job.threads)
        return [result for done in embedding(reader, self._model, items) for result in done]


@dataclass(frozen=True)
class SpeechJob:
    """Options of a `SpeechWorker`; `fingerprint` is that of the driver's own recogniser."""

    settings: Settings
    sets: tuple[FileSet, ...]
    options: TranscriptionOptions
    fingerprint: str
    states: bool = True


@dataclass(frozen=True)
class RecordingTask:
    """A recording to transcribe under a condition; `others` are those that babble is made of."""

    path: str
    condition: Condition
    others: tuple[str, ...] = ()


class SpeechWorker(Worker):
    """Reads and transcribes recordings, as `core.features.speech_cache` does."""

    def __init__(self, job: SpeechJob) -> None:
        self._job, self.sets = job, job.sets
        self._recogniser: Recogniser | None = None
        self._others: tuple[tuple[str, ...], list[Waveform]] = (), []

    def build(self, folders: Sequence[Path]) -> None:
        """Load the recogniser. ModelError, ClusterError ("fingerprint")."""
        settings = self._job.settings.with_value("weights.folder", str(folders[0]))
        self._recogniser = ModelRegistry(find_home()).recogniser(settings)
        if self._recogniser.fingerprint_of(self._job.options).hash != self._job.fingerprint:
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
        if not self._job.states:
            utterances = [replace(utterance, states=()) for utterance in utterances]
        by_digest = dict(zip(waves, utterances, strict=True))
        return [Computed(path, reason=wave) if isinstance(wave, str) else
                Computed(path, speech_cache.key_of(wave.digest, condition, others), by_digest[wave.digest],
                         wave.digest) for path, wave in read.items()]

    def _read(self, others: tuple[str, ...]) -> list[Waveform]:
        """Recordings for babble noise, read once for many batches."""
        if self._others[0] != others:
            read = [speech_cache.waveform_of(Path(path)) for path in others]
            self._others = others, [wave for wave in read if isinstance(wave, Waveform)]
        return self._others[1]


class ImageFeatureWorker(Worker):
    """Reads the images of a dataset, as `core.features.image_cache` does."""

    def __init__(self, job: ImageJob) -> None:
        self._job, self.sets = job, job.sets
        self._backbone: VisionLanguage | None = None

    def build(self, folders: Sequence[Path]) -> None:
        """Load the backbone. ModelError."""
        self._backbone = ModelRegistry(find_home()).backbone(self._job.settings_with(folders))

    def work(self, items: Sequence[str]) -> list[Computed[Path]]:
        """The features of images."""
        assert self._backbone is not None
        settings, side = self._job.settings, self._backbone.image_size
        return encoded_images(self._backbone, {
            Path(path): read_pixels(Path(path), self._job.crop, side, settings["images.max_megapixels"])
            for path in items})
