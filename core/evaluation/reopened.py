"""A stored evaluation with its model, data and vectors, computed again or read from the caches."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core import datasets
from core.errors import DatasetError, EvaluationError
from core.evaluation import evaluate, models, ranks
from core.evaluation.archive import Evaluation
from core.evaluation.models import EvaluatedModel
from core.evaluation.ranks import Floats, units
from core.evaluation.views import picture_vectors
from core.features.prepared_split import Split
from core.localisation import _
from core.progress import Report, silent, steps
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.features.encode import SpokenVectors

STRAYED = 0.01  # share of ranks that may differ from the stored ones: rounding, but not another model


@dataclass(frozen=True, eq=False)
class Reopened:
    """An evaluation with unit vectors `images` (n, dim) of its pictures and `spoken` of its utterances."""

    evaluation: Evaluation
    model: EvaluatedModel
    split: Split
    images: Floats
    spoken: "SpokenVectors"


def reopened(workspace: Workspace, evaluation: Evaluation, report: Report = silent) -> Reopened:
    """The model, data and vectors of an evaluation. EvaluationError ("changed": they are not those evaluated;
    "imported": the model is not here).

    The errors of `evaluate` where something is missing.
    """
    from core.features.encode import encode_utterances

    setup = evaluation.record.setup
    if setup.is_imported:
        raise EvaluationError(_("The vectors of {title} were imported: its model is not here, so that nothing of it "
                                "can be computed again. Its figures and ranks are stored.").format(title=setup.title),
                              "imported")
    spec = workspace.models.resolve(setup.spec, workspace.settings)
    models.check(workspace, spec)
    loading, preparing, looking, encoding = steps(report, 1, 10, 2, 2)
    model = models.load(workspace, spec, loading)
    dataset = datasets.load(setup.folder, setup.kind, follow_links=setup.follow_links)
    try:
        split = evaluate.prepare(workspace, model, dataset, setup.split, setup.crop, setup.condition, preparing)
    except DatasetError as error:
        raise _changed(str(error)) from error
    utterances = [utterance.utterance_id for utterance in split.utterances]
    if (list(split.image_ids) != [picture.image_id for picture in evaluation.pictures]
        or utterances != [utterance.utterance_id for utterance in evaluation.utterances]):
        raise _changed("Pictures or utterances were added to the split, or taken away.")
    images = units(picture_vectors(workspace, model, split, setup.crop, looking))
    spoken = encode_utterances(model.network, split, setup.captions, encoding)
    stored = evaluation.ranks("speech_to_image")
    again, counted = ranks.to_images(units(spoken.fused), images, split.image_of), stored > 0
    if counted.any() and np.mean(again[counted] != stored[counted]) > STRAYED:
        raise _changed("The model, the pictures or what is heard give other ranks than those that were stored.")
    return Reopened(evaluation, model, split, images, spoken)


def _changed(why: str) -> EvaluationError:
    return EvaluationError(_("What was evaluated is no longer there as it was. {why} Evaluate again.").format(why=why),
                           "changed")
