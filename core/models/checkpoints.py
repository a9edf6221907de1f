"""Checkpoints: a folder with the trained tensors of a BrewCLIP (`model.safetensors`) and what made them (`run.json`).

A model card and `config.json` lie beside them for model hubs (`core.models.model_card`); nothing here reads those.

The backbone is not in it: it is named, with the SHA-256 of its weights, and checked when the two are put together. A
folder is written beside its place and then swapped in, so that the last good one survives a crash at any moment: when
only the first of the two renames happened, readers find it under its other name and the next `save` puts it back. One
process saves; any may read meanwhile, since `run.json` holds the SHA-256 of the tensors that belong to it.

torch is imported where tensors are read: lists of runs are shown without it.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core import __version__, plain_json, private_files
from core.errors import ModelError
from core.fingerprint import Fingerprint
from core.localisation import _
from core.models import backbones, model_card
from core.models.variants import BrewClipOptions, variant

if TYPE_CHECKING:
    from torch import Tensor

    from core.models.brewclip import BrewCLIP
    from core.models.vision_language import VisionLanguage

TENSORS, RUN = "model.safetensors", "run.json"
BEST = "best"  # the folder of a run's checkpoint
IMAGE_SIDE = ("prompts", "to_image.weight", "to_image.bias")  # the tensors that decide vectors of pictures
FORMAT = 1  # of run.json


@dataclass(frozen=True)
class Run:
    """Description of a checkpoint, as in `run.json`. `metrics` and `dataset` are written by the trainer."""

    variant: str
    options: BrewClipOptions
    backbone: str  # name of its weights, such as "ViT-L-14/openai"
    backbone_sha256: str
    whisper: str  # name of the recogniser whose states the acoustic branch was trained on, such as "Whisper base"
    speech_width: int  # of those states, 512 for base
    padding: str  # "own", "full" or "window": how those states were made (`TranscriptionOptions.padding`)
    crop: str  # policy of the pictures, one of `core.images.CROP_POLICIES`
    dataset: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    version: str = __version__  # of the program that trained it

    def to_json(self) -> dict[str, Any]:
        """A plain dict for `from_json`."""
        return {**asdict(self), "options": self.options.to_json(), "format": FORMAT}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Run":
        """The run that `to_json` gave. ModelError: newer, options, unknown; KeyError, TypeError if damaged."""
        if values["format"] > FORMAT:
            raise ModelError(_("The model was saved by a later release ({version}). Update BrewCLIP Explorer to use "
                               "it.").format(version=values["version"]), "newer")
        by_name = {declared.name: values[declared.name] for declared in fields(cls)}
        run = cls(**{**by_name, "options": BrewClipOptions.from_json(values["options"])})
        variant(run.variant)
        return run


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A checkpoint that was read: its run, its tensors by name, on the CPU, and the digest of `digest_of`."""

    run: Run
    tensors: Mapping[str, "Tensor"]
    digest: str = ""

    @property
    def name(self) -> str:
        """Its name in fingerprints: a digest of the tensors that decide embeddings of images and texts.

        `backbones.ZERO_SHOT` when there are none: such vectors are the backbone's own.
        """
        return _name({name: self.tensors[name].float().contiguous().numpy() for name in IMAGE_SIDE
                      if name in self.tensors})


def fingerprint(checkpoint: Checkpoint, crop: str = "") -> Fingerprint:
    """The fingerprint of vectors of pictures that this model makes; `crop` in place of the run's own.

    The acoustic branch is no part of it: a gallery stays valid when another learns to search it with the same prompts.
    """
    run = checkpoint.run
    return backbones.fingerprint(run.backbone, run.backbone_sha256, crop or run.crop, checkpoint.name)


def find(path: Path) -> Path:
    """The folder of a checkpoint: the path itself, or the best of the run that is there. ModelError ("missing")."""
    for folder in (path, path / BEST):
        if (folder / RUN).is_file() or (_old(folder) / RUN).is_file():
            return folder
    raise ModelError(_("There is no trained model at {path}: neither a run's folder nor a checkpoint's. Choose "
                       "another under Settings, Trained model.").format(path=path), "missing")


def fingerprint_of(folder: Path, crop: str) -> Fingerprint:
    """`fingerprint` of a checkpoint that is not loaded: no torch. ModelError as in `read`."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    run, tensors = _whole(folder)
    try:
        arrays = from_bytes(tensors)
    except SafetensorError as error:
        raise _damaged(folder / TENSORS) from error
    name = _name({name: arrays[name].astype(np.float32) for name in IMAGE_SIDE if name in arrays})
    return backbones.fingerprint(run.backbone, run.backbone_sha256, crop, name)


def digest_of(folder: Path) -> str:
    """A digest of all that a checkpoint computes with: variant, options and tensors. ModelError as in `read_run`."""
    return _digest(*_run(folder))


def save(folder: Path, model: "BrewCLIP", run: Run) -> None:
    """Write a checkpoint to `folder`, in place of the one that is there; after a crash it holds the old or the new.

    OSError when it cannot be written: the old one is then untouched. ValueError when the run is not the model's.
    """
    from safetensors.torch import save as to_bytes

    if (run.variant, run.options, run.speech_width) != (model.variant.name, model.options, model.speech_width):
        raise ValueError("the run describes another model")
    _finish_swap(folder)
    staged = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(staged, ignore_errors=True)  # of a save that was killed
    try:
        private_files.make_folder(staged, private=False)
        tensors = to_bytes({name: parameter.detach().cpu().contiguous() for name, parameter in model.trained().items()})
        facts = {**run.to_json(), "tensors": hashlib.sha256(tensors).hexdigest()}
        _write(staged / TENSORS, tensors)
        _write(staged / model_card.CARD, model_card.card(run).encode())
        _write(staged / model_card.CONFIG, json.dumps(model_card.config(run), indent=1, ensure_ascii=False).encode())
        _write(staged / RUN, json.dumps(facts, indent=1, ensure_ascii=False).encode())
        _swap(staged, folder)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def read_run(folder: Path) -> Run:
    """The run of a checkpoint, without its tensors. ModelError: missing, damaged, newer, options, unknown."""
    return _run(folder)[0]


def read(folder: Path) -> Checkpoint:
    """The checkpoint in a folder. ModelError: missing, damaged, newer, options, unknown."""
    from safetensors import SafetensorError
    from safetensors.torch import load as from_bytes

    run, tensors = _whole(folder)
    try:
        return Checkpoint(run, from_bytes(tensors), _digest(run, hashlib.sha256(tensors).hexdigest()))
    except SafetensorError as error:
        raise _damaged(folder / TENSORS) from error


def assemble(checkpoint: Checkpoint, backbone: "VisionLanguage") -> "BrewCLIP":
    """The model of a checkpoint on its backbone, in eval mode, on the backbone's device.

    ModelError: wrong_backbone (another one, or other weights of that name), wrong_tensors (names or shapes that do not
    belong to the run's options), unsupported.
    """
    from core.models.brewclip import BrewCLIP

    run = checkpoint.run
    _check_backbone(run, backbone)
    model = BrewCLIP(backbone.built, run.variant, run.options, run.speech_width)
    wanted = model.trained()
    problem = _misfit({name: tuple(each.shape) for name, each in wanted.items()},
                      {name: tuple(each.shape) for name, each in checkpoint.tensors.items()})
    if problem:
        raise ModelError(_("The model's tensors do not fit its options: {problem}. The folder was put together from "
                           "two models, or changed.").format(problem=problem), "wrong_tensors")
    for name, each in wanted.items():
        each.data.copy_(checkpoint.tensors[name])
    return model.to(backbone.built.model.logit_scale.device).eval()


def load(folder: Path, backbone: "VisionLanguage") -> "BrewCLIP":
    """`read`, then `assemble`; the ModelErrors of both."""
    return assemble(read(folder), backbone)


def title(run: Run) -> str:
    """Title of a run's model: "BrewCLIP mini, words and voice"."""
    parts = variant(run.variant)
    branches = "prompted" if not parts.acoustic else "words and voice" if parts.text else "voice alone"
    return f"{backbones.title(run.backbone)}, {branches}"


def name_of(folder: Path) -> str:
    """Name of the run that a checkpoint's folder belongs to: its best model lies in `best` below it."""
    return folder.parent.name if folder.name == "best" else folder.name


def dev_scores(run: Run) -> tuple[float, float] | None:
    """Mean recall on dev, in percent, of the run's model and of its backbone alone; None where the run has none."""
    scores = tuple(run.metrics.get(key, {}).get("score") for key in ("dev", "zero_shot"))
    return None if None in scores else (float(scores[0]), float(scores[1]))


def no_worse(run: Run) -> bool:
    """Whether the run's dev score is known and at least that of the backbone alone."""
    scores = dev_scores(run)
    return scores is not None and scores[0] >= scores[1]


def check_recogniser(run: Run, whisper: str, padding: str) -> None:
    """ModelError ("wrong_speech") when the acoustic branch was trained on other encoder states than these."""
    if variant(run.variant).acoustic and (run.whisper, run.padding) != (whisper, padding):
        raise ModelError(_('The model was trained with {whisper}, recordings padded to "{padding}" length; here it is '
                           '{whisper_2} with "{padding_2}". Change Settings, Speech (or --recogniser and --padding), '
                           'or choose another model: without a trained model (zero-shot) any recogniser will do, '
                           'since the transcript alone is used.').format(whisper=run.whisper, padding=run.padding,
                                                                         whisper_2=whisper, padding_2=padding),
                         "wrong_speech")


def _check_backbone(run: Run, backbone: "VisionLanguage") -> None:
    weights = backbone.fingerprint(run.crop).facts()["weights"]
    if backbone.name != run.backbone:
        raise ModelError(_("The model was trained on {title}; loaded is {title_2}. `brewclip weights fetch "
                           "{backbone}` brings its own.").format(title=backbones.title(run.backbone),
                                                                 title_2=backbone.title, backbone=run.backbone),
                         "wrong_backbone")
    if weights != run.backbone_sha256:
        raise ModelError(_("The model was trained on other weights of {title} than those on this machine (SHA-256 "
                           "{backbone_sha256}..., here {weights}...).").format(title=backbone.title,
                                                                               backbone_sha256=run.backbone_sha256[:12],
                                                                               weights=str(weights)[:12]),
                         "wrong_backbone")


def _misfit(wanted: Mapping[str, tuple[int, ...]], shapes: Mapping[str, tuple[int, ...]]) -> str:
    """The first things that do not fit, in words; "" when all does."""
    problems = [f"{name} is missing" for name in wanted if name not in shapes]
    problems += [f"{name} is not of this model" for name in shapes if name not in wanted]
    problems += [f"{name} is {list(shapes[name])}, not {list(shape)}" for name, shape in wanted.items()
                 if shapes.get(name, shape) != shape]
    return ", ".join(problems[:3]) + (f" and {len(problems) - 3} more" if len(problems) > 3 else "")


def _whole(folder: Path) -> tuple[Run, bytes]:
    """The run and the tensors that belong to it, as bytes."""
    for _unused in range(3):  # a save between the two reads gives tensors of another run; the next look finds both new
        run, digest = _run(folder)
        tensors = _read(folder, TENSORS)
        if hashlib.sha256(tensors).hexdigest() == digest:
            return run, tensors
    raise _damaged(folder / TENSORS)


def _name(tensors: Mapping[str, NDArray[np.float32]]) -> str:
    """A digest of the tensors that decide vectors of pictures and texts, in the order of `IMAGE_SIDE`."""
    digest = hashlib.sha256()
    for name, values in tensors.items():
        digest.update(name.encode())
        digest.update(values.tobytes())
    return digest.hexdigest()[:32] if tensors else backbones.ZERO_SHOT


def _digest(run: Run, tensors: str) -> str:
    facts = json.dumps([run.variant, run.options.to_json(), run.backbone_sha256, tensors])
    return hashlib.sha256(facts.encode()).hexdigest()


def _damaged(path: Path) -> ModelError:
    return ModelError(_("{path} is damaged; the model cannot be used.").format(path=path), "damaged")


def _run(folder: Path) -> tuple[Run, str]:
    """The run, and the SHA-256 of the tensors that belong to it."""
    try:
        values = plain_json.loads(_read(folder, RUN))
        return plain_json.checked(Run.from_json(values)), str(values["tensors"])
    except plain_json.DAMAGE as error:
        raise _damaged(folder / RUN) from error


def _read(folder: Path, name: str) -> bytes:
    """A file of the checkpoint; of the old one while the new one is being swapped in."""
    for place in (folder, _old(folder), folder):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return (place / name).read_bytes()
    if not folder.exists():
        raise ModelError(_("There is no model at {folder}.").format(folder=folder), "missing")
    raise ModelError(_("{folder} is no model: {name} is not in it.").format(folder=folder, name=name), "missing")


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        private_files.inherit(path)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _swap(staged: Path, folder: Path) -> None:
    if folder.exists():
        folder.replace(_old(folder))
    staged.replace(folder)
    shutil.rmtree(_old(folder), ignore_errors=True)


def _finish_swap(folder: Path) -> None:
    """After a crash between the two renames, put the old checkpoint back in its place."""
    if _old(folder).is_dir() and not folder.exists():
        _old(folder).replace(folder)
    shutil.rmtree(_old(folder), ignore_errors=True)


def _old(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")
