"""Finished work that a step may stand on: is it still there, and was it made of the same data by the same model?"""

from pathlib import Path

from core import datasets
from core.evaluation import archive, models
from core.evaluation.records import EvaluationRecord, Request
from core.features.noise import CLEAN
from core.features.prepared_split import FeaturePreparer
from core.models import checkpoints
from core.models.spec import ModelSpec
from core.progress import Report
from core.reproduce.records import StepRecord
from core.training.run_folder import BEST
from core.workspace import Workspace


def is_there(workspace: Workspace, folder: Path, record: StepRecord) -> bool:
    """Whether all that a finished step made is still there."""
    kept = {evaluation.id for evaluation in workspace.store.evaluations()} if record.evaluations else set()
    return (all((folder / output).is_file() for output in record.outputs) and kept.issuperset(record.evaluations)
            and (not record.run or (folder / record.run / BEST).is_dir()))


def stored_evaluation(workspace: Workspace, request: Request, report: Report) -> int | None:
    """Id of a stored evaluation that a request for one would repeat; None without one.

    It has the same setup, was made after the checkpoint was written, and of the same pictures, utterances and
    transcripts as the caches have now: another recogniser or another list shows there.
    """
    spec = workspace.models.resolve(request.models[0], workspace.settings)
    candidates = [record for record in archive.evaluations(workspace.store) if _same_setup(workspace, record, request,
                                                                                         spec)]
    if not candidates:
        return None
    data = request.data[0]
    split = FeaturePreparer(workspace, models.load(workspace, ModelSpec(spec.backbone, crop=spec.crop)).backbone,
                            spec.crop, states=False).prepare(
        datasets.load(data.folder, data.kind, follow_links=data.follow_links), data.split, report=report)
    said = [(utterance.utterance_id, encoded.transcript.text)
            for utterance, encoded in zip(split.utterances, split.spoken, strict=True)]
    for record in candidates:
        evaluation = archive.open_evaluation(workspace.store, record.id)
        if (tuple(picture.image_id for picture in evaluation.pictures) == split.image_ids
                and [(facts.utterance_id, facts.transcript) for facts in evaluation.utterances] == said):
            return record.id
    return None


def _same_setup(workspace: Workspace, record: EvaluationRecord, request: Request, spec: ModelSpec) -> bool:
    setup, data = record.setup, request.data[0]
    if spec.checkpoint is not None and record.created.timestamp() < (spec.checkpoint / checkpoints.RUN).stat().st_mtime:
        return False
    return ((setup.folder, setup.split, setup.variant, setup.checkpoint, setup.backbone, setup.whisper, setup.crop,
             setup.condition, setup.captions, setup.drop_unreadable, setup.follow_links)
            == (data.folder, data.split, spec.variant.name, spec.checkpoint, spec.backbone,
                workspace.recogniser().name, spec.crop, CLEAN, request.captions[0], request.drop_unreadable,
                data.follow_links))
