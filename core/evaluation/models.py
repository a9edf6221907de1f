"""The models that are evaluated: loaded, named, and with the crop they were made for."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core import weights
from core.errors import EvaluationError
from core.evaluation.records import ModelChoice
from core.explorer import Explorer
from core.fingerprint import Fingerprint
from core.models import backbones, checkpoints
from core.models.variants import BY_NAME
from core.progress import Report, silent

if TYPE_CHECKING:
    from core.models.brewclip import BrewCLIP
    from core.models.vision_language import VisionLanguage

ZERO_SHOT = "zero-shot"
CROP = "centre"  # of zero-shot models: the protocol's, whatever the settings show pictures with


@dataclass(frozen=True)
class ModelSpec:
    """What is known of a model before it is loaded. `checkpoint` and `run` are None for zero-shot."""

    title: str
    variant: str
    backbone: str  # name of its weights
    crop: str
    checkpoint: Path | None
    run: checkpoints.Run | None

    @property
    def acoustic(self) -> bool:
        """Whether it needs the encoder's states."""
        return BY_NAME[self.variant].acoustic

    @property
    def text(self) -> bool:
        """Whether it reads words."""
        return BY_NAME[self.variant].text


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A loaded model and its backbone, in eval mode."""

    known: ModelSpec
    model: "BrewCLIP"
    backbone: "VisionLanguage"

    def fingerprint(self, crop: str) -> Fingerprint:
        """That of its vectors of pictures under a crop policy."""
        if self.known.run is None:
            return self.backbone.fingerprint(crop)
        assert self.known.checkpoint is not None
        return checkpoints.fingerprint(checkpoints.read(self.known.checkpoint), crop)


def know(explorer: Explorer, choice: ModelChoice) -> ModelSpec:
    """The facts of a model, without loading it. ModelError when there is no checkpoint, or it is damaged."""
    if choice.checkpoint is None:
        name = choice.backbone if choice.backbone != "auto" else _of_settings(explorer)
        return ModelSpec(f"{backbones.title(name)}, zero-shot", ZERO_SHOT, name, CROP, None, None)
    folder = checkpoints.find(choice.checkpoint.absolute())
    run = checkpoints.read_run(folder)
    called = folder.parent.name if folder.name == "best" else folder.name
    return ModelSpec(f"{BY_NAME[run.variant].title} ({called})", run.variant, run.backbone, run.crop, folder, run)


def load(explorer: Explorer, known: ModelSpec, report: Report = silent, listens: bool = True) -> LoadedModel:
    """The model. WeightsError ("missing"), ModelError (as `checkpoints.assemble` and `check_recogniser`).

    `listens` False: nothing is to be heard with it, so no recogniser is needed.
    """
    backbone = _backbone(explorer, known.backbone, report)
    if known.checkpoint is None:
        from core.models.brewclip import BrewCLIP

        model = BrewCLIP(backbone.built, ZERO_SHOT).to(backbone.built.model.logit_scale.device).eval()
        return LoadedModel(known, model, backbone)
    assert known.run is not None
    if known.acoustic and listens:
        checkpoints.check_recogniser(known.run, explorer.recogniser(report).name, explorer.settings["speech.padding"])
    return LoadedModel(known, checkpoints.load(known.checkpoint, backbone), backbone)


def check_weights(explorer: Explorer, known: ModelSpec) -> None:
    """EvaluationError ("weights") where the backbone is not on this computer; nothing is loaded."""
    if weights.find(known.backbone, explorer.home, explorer.settings["weights.folder"]) is None:
        raise EvaluationError(f"{known.title} needs {backbones.title(known.backbone)}, which is not on this computer. "
                              f"`brewclip weights fetch {known.backbone}` brings it.", "weights")


def _backbone(explorer: Explorer, name: str, report: Report) -> "VisionLanguage":
    """The explorer's own where it is of that name; else one that is given up afterwards."""
    if name == _of_settings(explorer):
        return explorer.backbone(report)
    settings = explorer.settings.with_value("vision.backbone", name)
    other = Explorer(explorer.home, settings)
    try:
        return other.backbone(report)
    finally:
        other.close()


def _of_settings(explorer: Explorer) -> str:
    name: str = explorer.settings["vision.backbone"]
    return weights.default_backbone(explorer.home, explorer.settings["weights.folder"]) if name == "auto" else name
