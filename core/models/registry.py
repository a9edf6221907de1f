"""Registry of the models in use: resolved from the settings, loaded once, dropped when the settings ask for others."""

import hashlib
import logging
import threading
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from core import weights
from core.asr.recogniser import RECOGNISERS, RecogniserEntry, entry_of
from core.errors import ModelError, WeightsError
from core.fingerprint import Fingerprint
from core.home import Home, expanded
from core.inference.accelerators import check_torch, has_torch, uses_exports
from core.inference.exports import ExportCache
from core.localisation import _
from core.models import backbones, checkpoints, exported
from core.models.exported import ExportedModel
from core.models.spec import ModelSpec
from core.pretrained import architectures
from core.progress import Progress, Report, WorkStep, silent
from core.settings import Settings

if TYPE_CHECKING:  # torch takes seconds to import, and not every command needs a model
    from core.asr.recogniser import Recogniser
    from core.models.retrieval import RetrievalModel
    from core.models.trained import LoadedModel, TrainedModel
    from core.models.vision_language import VisionLanguage

log = logging.getLogger(__name__)

SHIPPED = Path(str(files("resources"))) / "models" / "brewclip-mini-full"


@dataclass(frozen=True)
class ModelStatus:
    """The models in use. `device` is "" until one is loaded; `fallback` says why it is not the one asked for, else "".

    `backbone` and `speech` are titles, the first that of the trained model where one is in use; `speech` is "" when the
    recogniser's weights are not on this computer. `note` explains the backbone where that is needed (the small bundled
    one), else "". `warning` says that the trained model in use was worse on dev than its backbone alone, else "".
    """

    backbone: str
    note: str
    speech: str
    device: str
    fallback: str
    backbone_loaded: bool
    speech_loaded: bool
    warning: str = ""


@dataclass(frozen=True)
class _WeightsKey:
    """Key of loaded weights: their name, file and device, and whether an export of them may run."""

    name: str
    path: Path
    device: str
    exports: bool


class ModelRegistry:
    """Resolves and loads models. Any thread may call any method; each model is loaded by one of them.

    Methods take the settings, so that a search or an indexing run keeps to those of its start.
    """

    def __init__(self, home: Home, recogniser: RecogniserEntry = RECOGNISERS[0]) -> None:
        self._home, self._entry = home, recogniser
        self._loading_backbone = threading.Lock()
        self._loading_speech = threading.Lock()
        self._backbone: tuple[_WeightsKey, VisionLanguage] | None = None
        self._recogniser: tuple[_WeightsKey, Recogniser] | None = None
        self._loading_model = threading.Lock()
        self._trained: tuple[_Stamp, VisionLanguage, TrainedModel] | None = None
        self._exports = ExportCache(home)
        self._exported: tuple[tuple[_WeightsKey, _Stamp | None, str], ExportedModel | None] | None = None
        self._prints: dict[tuple[_Stamp, str], Fingerprint] = {}
        self._hashes: dict[tuple[Path, int, int], str] = {}

    def clear(self) -> None:
        """Give up every model."""
        self._backbone = self._recogniser = self._trained = self._exported = None

    def prune(self, settings: Settings) -> None:
        """Drop the models that these settings do not ask for."""
        if self._backbone is not None and not self._fits(self._backbone[0], settings, settings["vision.backbone"]):
            self._backbone = None
            self._trained = None
        if self._exported is not None and not self._fits(self._exported[0][0], settings, settings["vision.backbone"]):
            self._exported = None
        if self._trained is not None and settings["vision.model"] == "zero-shot":
            self._trained = None
        if self._recogniser is not None and not self._fits(self._recogniser[0], settings, self.entry(settings).weights):
            self._recogniser = None

    def backbone(self, settings: Settings, report: Report = silent) -> "VisionLanguage":
        """The backbone of the settings, loaded. WeightsError ("missing"), ModelError."""
        with self._loading_backbone:
            key, loaded = self._backbone_key(settings), self._backbone
            if loaded is None or loaded[0] != key:
                self._backbone = loaded = key, self._load_backbone(key, report)
            return loaded[1]

    def _load_backbone(self, key: _WeightsKey, report: Report) -> "VisionLanguage":
        check_torch(backbones.title(key.name))
        from core.models import vision_language

        report(Progress(WorkStep.LOADING, subject=backbones.title(key.name)))
        return vision_language.load(key.name, key.path, key.device)

    def spec(self, settings: Settings) -> ModelSpec:
        """The model that the settings index and search with. ModelError: missing, damaged, newer, options, unknown."""
        folder = self._checkpoint(settings)
        return ModelSpec(self._backbone_name(settings), folder, self.crop(settings),
                         checkpoints.read_run(folder) if folder else None)

    def crop(self, settings: Settings) -> str:
        """The crop policy that the settings index images with."""
        chosen: str = settings["vision.crop"]
        return chosen if chosen != "auto" else backbones.crop_of(chosen, self._backbone_name(settings))

    def resolve(self, spec: ModelSpec, settings: Settings) -> ModelSpec:
        """The spec with backbone, folder, run and crop filled in; nothing is loaded. ModelError as in `spec`."""
        if spec.checkpoint is None:
            name = self._backbone_name(settings) if spec.backbone == "auto" else spec.backbone
            return ModelSpec(name, None, backbones.crop_of(spec.crop or "auto", name))
        folder = checkpoints.find(spec.checkpoint.absolute())
        run = checkpoints.read_run(folder)
        return ModelSpec(run.backbone, folder, spec.crop or run.crop, run)

    def load(self, spec: ModelSpec, settings: Settings, report: Report = silent) -> "LoadedModel":
        """The model of a resolved spec; the one of the settings is loaded once, another at each call.

        WeightsError ("missing"), ModelError: missing, damaged, newer, wrong_backbone, wrong_tensors, ...
        """
        if spec.backbone == self._backbone_name(settings):
            backbone = self.backbone(settings, report)
        else:
            backbone = self._load_backbone(self._key(spec.backbone, settings, "Evaluations"), report)
        if spec.checkpoint is None:
            return backbone
        if spec.checkpoint != self._run_in_use(settings)[0]:
            return self._load_trained(spec.checkpoint, backbone, report)
        with self._loading_model:
            stamp, loaded = _stamp(spec.checkpoint), self._trained
            if loaded is None or loaded[:2] != (stamp, backbone):
                self._trained = loaded = stamp, backbone, self._load_trained(spec.checkpoint, backbone, report)
            return loaded[2]

    def _load_trained(self, folder: Path, backbone: "VisionLanguage", report: Report) -> "TrainedModel":
        from core.models.trained import TrainedModel

        report(Progress(WorkStep.LOADING_TRAINED))
        return TrainedModel(checkpoints.read(folder), backbone)

    def model(self, settings: Settings, report: Report = silent, export: bool = False) -> "RetrievalModel":
        """The model that the settings index and search with, from its exports where there are any; errors as in `load`.

        `export`: make them first, which takes as long as embedding some hundred images.
        """
        spec = self.spec(settings)
        if not uses_exports(settings):
            return self.load(spec, settings, report)
        found = self._from_exports(spec, settings)
        if found is None and export:
            self._export(self.load(spec, settings, report), report)
            self._exported = None
            found = self._from_exports(spec, settings)
        return found or self.load(spec, settings, report)

    def _from_exports(self, spec: ModelSpec, settings: Settings) -> ExportedModel | None:
        """The model of the exports, opened once; None without usable ones, which is remembered too."""
        weights_key = self._key(spec.backbone, settings, "Galleries and searches")
        key = weights_key, _stamp(spec.checkpoint) if spec.checkpoint else None, spec.crop
        with self._loading_model:
            if self._exported is None or self._exported[0] != key:
                self._exported = key, exported.find(self._exports, spec, self._digest(weights_key))
            return self._exported[1]

    def _export(self, model: "LoadedModel", report: Report) -> None:
        """Make the exports of a loaded model; without them, and where they cannot be kept, it runs as it is."""
        from core.models import towers

        report(Progress(WorkStep.EXPORTING_MODEL, subject=model.title))
        try:
            towers.make(self._exports, model)
        except (ModelError, OSError) as error:
            log.warning("The model runs in PyTorch, since its export could not be kept: %s", error)

    def weights_path(self, name: str, settings: Settings) -> Path:
        """The file of weights that would be loaded. WeightsError ("missing")."""
        return self._key(name, settings, "Galleries and searches").path

    def entry(self, settings: Settings) -> RecogniserEntry:
        """The recogniser that the settings name."""
        return entry_of(settings["speech.recogniser"], self._entry)

    def recogniser(self, settings: Settings, report: Report = silent) -> "Recogniser":
        """The recogniser, loaded. WeightsError ("missing") says how to fetch it; ModelError."""
        with self._loading_speech:
            entry = self.entry(settings)
            key, loaded = self._key(entry.weights, settings, "Spoken queries"), self._recogniser
            if key.exports and (loaded is None or loaded[0] != key):  # one that runs from its export needs no look
                key = replace(key, exports=entry.is_exported(self._exports, self._sha256(key.path)))
            if loaded is None or loaded[0] != key:
                report(Progress(WorkStep.LOADING, subject=entry.title))
                exports, sha256 = (self._exports, self._sha256(key.path)) if key.exports else (None, "")
                if self.lacks_export(settings):
                    log.warning("%s runs in PyTorch, which starts slowly: `brewclip weights fetch %s` prepares it "
                                "for this processor once.", entry.title, entry.weights)
                self._recogniser = loaded = key, entry.load(key.path, key.device, exports, sha256)
            return loaded[1]

    def lacks_export(self, settings: Settings) -> bool:
        """Whether the recogniser would run from an export that is still to be made (`prepare`)."""
        entry = self.entry(settings)
        if Path(entry.weights).is_absolute():  # a file of the user's own is not exported
            return False
        path = weights.find(entry.weights, self._home, settings["weights.folder"])
        return (path is not None and uses_exports(settings) and has_torch()
                and not entry.is_exported(self._exports, self._sha256(path)))

    def prepare(self, name: str, settings: Settings, report: Report = silent) -> None:
        """Make the export of the recogniser, if that is its weights' name and this computer would run it."""
        path, entry = self._weights_file(name, settings), self.entry(settings)
        if name != entry.weights or not uses_exports(settings) or path is None:
            return
        report(Progress(WorkStep.EXPORTING_MODEL, subject=entry.title))
        try:
            entry.export(path, self._exports, self._sha256(path))
        except OSError as error:
            log.warning("Speech is recognised in PyTorch, since the export of the model could not be kept: %s", error)

    def fingerprint(self, settings: Settings) -> Fingerprint:
        """The fingerprint that the settings ask for. No model is loaded. WeightsError ("missing"), ModelError."""
        folder = self._checkpoint(settings)
        if folder is None:
            weights_key = self._backbone_key(settings)
            return backbones.fingerprint(weights_key.name, self._digest(weights_key), self.crop(settings))
        key = _stamp(folder), self.crop(settings)
        if key not in self._prints:
            self._prints[key] = checkpoints.fingerprint_of(folder, key[1])
        return self._prints[key]

    def query_digest(self, settings: Settings) -> str:
        """Digest of all that decides a query's vectors under the settings: the fingerprint of pictures, the acoustic
        branch, the recogniser's weights and the padding of recordings. No model is loaded. WeightsError ("missing"),
        ModelError.
        """
        folder, entry = self._checkpoint(settings), self.entry(settings)
        speech = self._weights_file(entry.weights, settings)
        parts = (self.fingerprint(settings).hash, checkpoints.digest_of(folder) if folder else "",
                 self._sha256(speech) if speech else "", settings["speech.padding"])
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def status(self, settings: Settings) -> ModelStatus:
        """The models in use; nothing is loaded."""
        name = self._backbone_name(settings)
        checkpoint, run = self._run_in_use(settings)
        entry = self.entry(settings)
        speech_here = self._weights_file(entry.weights, settings) is not None
        exported_model, recogniser = self._exported[1] if self._exported else None, self._recogniser
        backbone = exported_model or (self._backbone[1] if self._backbone else None)
        models = [model for model in (backbone, recogniser and recogniser[1]) if model is not None]
        return ModelStatus(
            backbone=_title(run, checkpoint, name), note=backbones.note(name), warning=_warning(run),
            speech=entry.title if speech_here else "",
            device=" + ".join(dict.fromkeys(model.device for model in models)),
            fallback=next((model.fallback for model in models if model.fallback), ""),
            backbone_loaded=backbone is not None, speech_loaded=recogniser is not None)

    def _run_in_use(self, settings: Settings) -> tuple[Path | None, checkpoints.Run | None]:
        """Folder and run of the trained model in use; None where there is none, or it cannot be read."""
        try:
            folder = self._checkpoint(settings)
            return folder, checkpoints.read_run(folder) if folder is not None else None
        except (ModelError, WeightsError):
            return None, None

    def _checkpoint(self, settings: Settings) -> Path | None:
        """The folder of the trained model in use; None for the backbone alone. ModelError ("missing", "damaged")."""
        value = settings["vision.model"]
        if value == "zero-shot":
            return None
        if value != "auto":
            return checkpoints.find(expanded(Path(value)))
        return SHIPPED if self._fits_shipped(settings) else None

    def _fits_shipped(self, settings: Settings) -> bool:
        """Whether a model ships for the backbone in use that scored no worse than it on dev."""
        if not (SHIPPED / checkpoints.RUN).is_file():
            return False
        run, name = checkpoints.read_run(SHIPPED), self._backbone_name(settings)
        path = weights.find(name, self._home, settings["weights.folder"]) if name == run.backbone else None
        return path is not None and self._sha256(path) == run.backbone_sha256 and checkpoints.no_worse(run)

    def _backbone_name(self, settings: Settings) -> str:
        """The backbone's; with "auto" that of the trained model that was chosen, or the best on this computer."""
        name: str = settings["vision.backbone"]
        if name != "auto":
            return name
        if settings["vision.model"] not in ("auto", "zero-shot"):
            folder = checkpoints.find(expanded(Path(settings["vision.model"])))
            return checkpoints.read_run(folder).backbone
        return weights.default_backbone(self._home, settings["weights.folder"])

    def _backbone_key(self, settings: Settings) -> _WeightsKey:
        return self._key(self._backbone_name(settings), settings, "Galleries and searches")

    def _key(self, name: str, settings: Settings, what: str) -> _WeightsKey:
        path = self._weights_file(name, settings)
        if path is None and Path(name).is_absolute():
            raise WeightsError(_("There is no file {name}. Choose another recogniser under Settings, Speech.").format(
                name=name), "missing")
        if path is None and architectures.is_local(name):
            raise WeightsError(_("There are no whole weights in {folder_of}. Nothing was changed. Put "
                                 "open_clip_model.safetensors there, or choose another vision model.").format(
                                     folder_of=architectures.folder_of(name)), "missing")
        if path is None:
            raise WeightsError(_("{what} need {title}, which is not on this computer yet. Fetch it under Settings or "
                                 "with `brewclip weights fetch {name}`.").format(what=what,
                                                                                 title=weights.record(name).title,
                                                                                 name=name), "missing")
        return _WeightsKey(name, path, settings["device"], uses_exports(settings))

    def _weights_file(self, name: str, settings: Settings) -> Path | None:
        """The file of weights, by their name or an absolute path; None where there is none."""
        if (path := Path(name)).is_absolute():
            return path if path.is_file() else None
        return weights.find(name, self._home, settings["weights.folder"])

    def _fits(self, key: _WeightsKey, settings: Settings, name: str) -> bool:
        """Whether a loaded model may be the one of the settings; the next use finds out for sure."""
        return (key.device == settings["device"] and key.exports <= uses_exports(settings)
                and name in (key.name, "auto"))

    def _digest(self, key: _WeightsKey) -> str:
        """Digest of a backbone: of its weights, and of its tokenizer files where it has any. ModelError."""
        if architectures.is_local(key.name) or architectures.text_repository(key.name):
            return architectures.digest(key.name, key.path, self._home)
        return self._sha256(key.path)

    def _sha256(self, path: Path) -> str:
        """SHA-256 of a weights file; the bundled one has no stamp, so it is read once and remembered."""
        status = path.stat()
        key = path, status.st_size, status.st_mtime_ns
        if key not in self._hashes:
            self._hashes[key] = weights.sha256_of(path, self._home)
        return self._hashes[key]


def _title(run: checkpoints.Run | None, checkpoint: Path | None, backbone: str) -> str:
    """Title of what indexes and searches; a model that was trained here has the name of its run before it."""
    if run is None or checkpoint is None:
        return backbones.title(backbone)
    title = checkpoints.title(run)
    return title if checkpoint == SHIPPED else f"{checkpoints.name_of(checkpoint)}: {title}"


def _warning(run: checkpoints.Run | None) -> str:
    """A sentence where a trained model was worse on its dev split than its backbone alone, else ""."""
    scores = checkpoints.dev_scores(run) if run is not None else None
    if scores is None or scores[0] >= scores[1]:
        return ""
    limit = run.metrics["dev"].get("limit") if run is not None else None
    where = f"On at most {limit} pictures of its dev split" if limit else "On its dev split"
    return f"{where} this model scored below the backbone alone (mean recall {scores[0]:.1f} against {scores[1]:.1f})."


_Stamp = tuple[Path, tuple[int, int], tuple[int, int]]


def _stamp(folder: Path) -> _Stamp:
    """Changes when another checkpoint is saved in a folder. ModelError ("missing")."""
    try:
        statuses = [(folder / name).stat() for name in (checkpoints.RUN, checkpoints.TENSORS)]
    except OSError as error:
        raise ModelError(_("{folder} is no model, or it cannot be read: {strerror}.").format(folder=folder,
                                                                                             strerror=error.strerror
                                                                                             or error),
                         "missing") from error
    run, tensors = ((status.st_mtime_ns, status.st_size) for status in statuses)
    return folder, run, tensors
