"""Models that are evaluated: network and backbone of a specification."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core import weights
from core.errors import EvaluationError
from core.fingerprint import Fingerprint
from core.localisation import _
from core.models import backbones, checkpoints
from core.models.spec import ModelSpec
from core.progress import Report, silent
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.models.brewclip import BrewCLIP
    from core.models.vision_language import VisionLanguage


@dataclass(frozen=True, eq=False)
class EvaluatedModel:
    """A loaded model: its resolved `spec`, the network in eval mode, and its backbone."""

    spec: ModelSpec
    network: "BrewCLIP"
    backbone: "VisionLanguage"

    def fingerprint(self, crop: str) -> Fingerprint:
        """Fingerprint of its embeddings of images under a crop policy."""
        if self.spec.checkpoint is None:
            return self.backbone.fingerprint(crop)
        return checkpoints.fingerprint_of(self.spec.checkpoint, crop)


def load(workspace: Workspace, spec: ModelSpec, report: Report = silent) -> EvaluatedModel:
    """The model of a resolved spec. WeightsError ("missing"), ModelError (as `ModelRegistry.load`, wrong_speech)."""
    from core.models.trained import TrainedModel

    model = workspace.models.load(spec, workspace.settings, report)
    if spec.variant.acoustic:
        model.check_recogniser(workspace.recogniser(report).name, workspace.settings["speech.padding"])
    return EvaluatedModel(spec, model.network, model.backbone if isinstance(model, TrainedModel) else model)


def check(workspace: Workspace, spec: ModelSpec) -> None:
    """EvaluationError ("weights") where the backbone is not on this computer, which is not loaded; ModelError
    ("wrong_speech"), WeightsError ("missing") of the recogniser.
    """
    if weights.find(spec.backbone, workspace.home, workspace.settings["weights.folder"]) is None:
        raise EvaluationError(_("{title} needs {title_2}, which is not on this computer. `brewclip weights fetch "
                                "{backbone}` brings it.").format(title=spec.title,
                                                                 title_2=backbones.title(spec.backbone),
                                                                 backbone=spec.backbone), "weights")
    if spec.run:
        checkpoints.check_recogniser(spec.run, workspace.recogniser().name, workspace.settings["speech.padding"])
