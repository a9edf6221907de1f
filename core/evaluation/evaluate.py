"""Evaluations: any set of models on any set of splits under any options, each stored as soon as it is done.

The protocol is the paper's. Speech to image: every utterance against the unique pictures. Image to speech: every
picture against all utterances, a hit when one of its own is among the first K. Matching is by id; ties count against
the model; what cannot be read is missed, unless the request drops it.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core import datasets
from core.datasets.headers import seconds
from core.datasets.records import Dataset
from core.errors import EvaluationError
from core.evaluation import archive, hits, models, protocol, unseen, words
from core.evaluation.gains import gains_of
from core.evaluation.hits import DirectionResult
from core.evaluation.metrics import Metrics, metrics
from core.evaluation.models import EvaluatedModel
from core.evaluation.ranks import Bools, Floats, Ints, ranks, units
from core.evaluation.records import (
    DIRECTIONS,
    DataChoice,
    Direction,
    EvaluationRecord,
    Request,
    Setup,
    SplitImage,
    Summary,
    Unseen,
    UtteranceFacts,
)
from core.evaluation.views import picture_vectors
from core.features.content_hashes import Digests
from core.features.noise import Condition
from core.features.prepared_split import FeaturePreparer, Split, checked_split
from core.images import CROPS, SEVERAL
from core.localisation import _
from core.models.spec import ZERO_SHOT_CROP, ModelSpec
from core.progress import Progress, Report, WorkStep, silent, steps
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.features.encode import SpokenVectors

NOTHING_HEARD = "Nothing was heard in it."


@dataclass(frozen=True)
class Plan:
    """Cost of `evaluate`: evaluations to make, recordings to transcribe, bytes that the caches grow by."""

    setups: int
    recordings: int
    nbytes: int


@dataclass(frozen=True)
class _Task:
    """One model on one split under one crop, with the conditions and words that it is evaluated with."""

    spec: ModelSpec
    data: DataChoice
    dataset: Dataset
    crop: str
    cases: tuple[tuple[Condition, bool], ...]  # condition, whether captions stand for transcripts
    states: bool = False  # some model of the request reads encoder states of these recordings: one pass gives both


def plan(workspace: Workspace, request: Request, report: Report = silent) -> Plan:
    """Check a request and estimate its cost. Loads the models' backbones.

    EvaluationError: nothing, crop, weights. DatasetError: as `datasets.load`, no_split, no_pairs. ModelError,
    WeightsError.
    """
    counted: set[tuple[Path, str, Condition]] = set()
    recordings = nbytes = made = 0
    tasks = _tasks(workspace, request)
    for task, model in _loaded_models(workspace, tasks, [report] * len(tasks)):
        made += len(task.cases)
        preparing = FeaturePreparer(workspace, model.backbone, _prepared_crop(task.crop), task.states,
                                    layers=task.spec.layers)
        for condition in dict.fromkeys(condition for condition, _unused in task.cases):
            cost = preparing.cost(task.dataset, (task.data.split,), condition)
            nbytes += cost.pictures
            if (task.data.folder, task.data.split, condition) not in counted:
                recordings, nbytes = recordings + cost.recordings, nbytes + cost.states
            counted.add((task.data.folder, task.data.split, condition))
    return Plan(made, recordings, nbytes)


def evaluate(workspace: Workspace, request: Request, report: Report = silent) -> list[EvaluationRecord]:
    """Make the evaluations of a request; all that it names is checked before the first begins.

    Each is stored when it is done: JobCancelled by `report`, or an error, keeps those before. The errors of `plan`;
    StoreError ("full": what was heard is kept, and is not heard again).
    """
    records: list[EvaluationRecord] = []
    tasks = _tasks(workspace, request)
    parts = steps(report, *(len(task.cases) for task in tasks))
    for (task, model), part in zip(_loaded_models(workspace, tasks, parts), parts, strict=True):
        records.extend(_evaluated(workspace, task, model, request.drop_unreadable, part))
    return records


def prepare(workspace: Workspace, model: EvaluatedModel, dataset: Dataset, split: str, crop: str, condition: Condition,
            report: Report = silent, states: bool = False) -> Split:
    """The split with its features under that crop and condition; `states`: another model needs encoder states."""
    states = states or model.spec.variant.acoustic
    return FeaturePreparer(workspace, model.backbone, _prepared_crop(crop), states, layers=model.spec.layers).prepare(
        dataset, split, condition, report)


def _loaded_models(workspace: Workspace, tasks: Sequence[_Task], reports: Sequence[Report]
                   ) -> Iterator[tuple[_Task, EvaluatedModel]]:
    """Each task with its model, which is loaded once for tasks that follow each other."""
    model: EvaluatedModel | None = None
    for task, report in zip(tasks, reports, strict=True):
        if model is None or model.spec != task.spec:
            model = models.load(workspace, task.spec, report)
        yield task, model


def _tasks(workspace: Workspace, request: Request) -> list[_Task]:
    """Evaluations of a request, checked; captions are left out for models without a text branch."""
    for crop in request.crops:
        if crop and crop not in CROPS:
            raise EvaluationError(_("There is no crop {crop!r}; there are {crops}.").format(crop=crop,
                                                                                            crops=", ".join(CROPS)),
                                  "crop")
    loaded = {data: datasets.load(data.folder, data.kind, follow_links=data.follow_links) for data in request.data}
    for data, dataset in loaded.items():
        checked_split(dataset, data.split)
    tasks = []
    for asked in request.models:
        spec = workspace.models.resolve(asked, workspace.settings)
        models.check(workspace, spec)
        cases = tuple((condition, captions) for condition in request.conditions for captions in request.captions
                      if spec.variant.text or not captions)
        for data, dataset in loaded.items():
            tasks += [_Task(spec, data, dataset, crop or spec.crop, cases) for crop in request.crops]
    tasks = [task for task in tasks if task.cases]
    if not tasks:
        raise EvaluationError(_("There is nothing to evaluate: choose at least one model and one dataset. Captions in "
                                "place of transcripts need a model that reads words."), "nothing")
    with_states = {task.data for task in tasks if task.spec.variant.acoustic}
    return [replace(task, states=task.data in with_states) for task in tasks]


def _prepared_crop(crop: str) -> str:
    """The policy under which a split is prepared; several crops have vectors of their own."""
    return ZERO_SHOT_CROP if crop == SEVERAL else crop


def _evaluated(workspace: Workspace, task: _Task, model: EvaluatedModel, drop: bool, report: Report
               ) -> Iterator[EvaluationRecord]:
    """The evaluations of one task, one after the other; images are embedded once."""
    from core.features.encode import encode_utterances

    images: Floats | None = None
    parts = steps(report, *(1 for _unused in task.cases))
    for (condition, captions), part in zip(task.cases, parts, strict=True):
        start = time.perf_counter()
        preparing, looking, encoding, ranking = steps(part, 100, 20 if task.crop == SEVERAL else 1, 1, 0.5)
        split = prepare(workspace, model, task.dataset, task.data.split, task.crop, condition, preparing,
                        task.states)
        if images is None:
            images = picture_vectors(workspace, model, split, task.crop, looking)
        spoken = encode_utterances(model.network, split, captions, encoding)
        ranking(Progress(WorkStep.RANKING))
        setup = _setup(workspace, task, drop, condition, captions)
        yield _stored(workspace, model, setup, split, images, spoken, start)


def _setup(workspace: Workspace, task: _Task, drop: bool, condition: Condition, captions: bool) -> Setup:
    spec, beam, prompt = task.spec, workspace.settings["speech.beam"], workspace.settings["speech.prompt"].strip()
    recogniser = ", ".join([workspace.recogniser().name, *([f"beam {beam}"] if beam > 1 else []),
                            *([f"vocabulary {prompt!r}"] if prompt else [])])
    facts = spec.run.dataset if spec.run else {}
    return Setup(task.dataset.folder.absolute(), task.dataset.kind, task.data.split, spec.title, spec.variant.name,
                 spec.checkpoint, spec.backbone, recogniser, task.crop, condition, captions, drop,
                 str(facts.get("kind", "")), str(facts.get("name", "")), task.dataset.follow_links,
                 protocol.deviations(spec.run) if spec.run else None)


def _stored(workspace: Workspace, model: EvaluatedModel, setup: Setup, split: Split, images: Floats,
            spoken: "SpokenVectors", start: float) -> EvaluationRecord:
    """Rank, describe and store one evaluation."""
    outcomes = outcomes_of(spoken, images, split.image_of)
    if setup.drop_unreadable:
        outcomes = _without_rows(outcomes, *_dropped(split))
    counted = words.compare([utterance.caption for utterance in split.utterances],
                            [utterance.transcript.text for utterance in split.spoken])
    apart, note = _unseen_figures(workspace, model.spec, split, outcomes)
    readable = [word for word, feature in zip(counted, split.spoken, strict=True) if not feature.reason]
    summary = Summary(setup, *both_metrics(outcomes, split.image_of), words.together(readable), len(images),
                      len(split.utterances), len(split.unreadable),
                      sum(not encoded.reason and not encoded.transcript.text for encoded in split.spoken), apart, note,
                      round(time.perf_counter() - start, 3))
    pictures = [SplitImage(name, path, feature.reason)
                for name, path, feature in zip(split.image_ids, split.paths, split.pictures, strict=True)]
    return archive.keep(workspace.store, summary, pictures,
                        _utterances(model, split, setup.captions, counted, spoken.fused), outcomes)


def both_metrics(outcomes: Mapping[Direction, DirectionResult], image_of: Ints, counted: Bools | None = None
                 ) -> tuple[Metrics, Metrics]:
    """Figures of both directions; `counted` (n,): over the queries of these pictures alone."""
    gains = gains_of(outcomes, image_of)
    groups: dict[Direction, Ints] = {"speech_to_image": image_of,
                                     "image_to_speech": np.arange(len(outcomes["image_to_speech"].ranks))}
    to_image, to_speech = (
        metrics(outcomes[direction].ranks if counted is None else
                np.where(counted[groups[direction]], outcomes[direction].ranks, 0), groups[direction], gains[direction])
        for direction in DIRECTIONS)
    return to_image, to_speech


def outcomes_of(spoken: "SpokenVectors", images: Floats, image_of: Ints) -> dict[Direction, DirectionResult]:
    """Ranks, best hits and scores both ways, and the ranks under each branch alone where there are two."""
    both = ranks(spoken.fused, images, image_of)
    text = acoustic = None
    if spoken.text is not None and spoken.acoustic is not None:
        text, acoustic = (ranks(_nan_where_absent(part), images, image_of) for part in (spoken.text, spoken.acoustic))
    to_image = [branch_ranks.speech_to_image if branch_ranks else None for branch_ranks in (text, acoustic)]
    to_speech = [branch_ranks.image_to_speech if branch_ranks else None for branch_ranks in (text, acoustic)]
    said, shown = units(spoken.fused), units(images)
    of_pairs, of_best, best = hits.own_scores(said, shown, image_of)
    return {
        "speech_to_image": DirectionResult(both.speech_to_image, hits.of_utterances(said, shown, image_of), of_pairs,
                                           image_of,
                                   *to_image),
        "image_to_speech": DirectionResult(both.image_to_speech, hits.of_pictures(said, shown, image_of), of_best, best,
                                   *to_speech)}


def _nan_where_absent(part: Floats) -> Floats:
    """A branch's vectors; where it takes no part (zeros), it has none."""
    return np.where(np.any(part != 0, axis=1, keepdims=True), part, np.float32(np.nan))


def _dropped(split: Split) -> tuple[Ints, Ints]:
    """Rows of utterances and of pictures that count for nothing when what cannot be read is dropped."""
    bad = np.array([bool(picture.reason) for picture in split.pictures])
    mute = np.array([bool(utterance.reason) for utterance in split.spoken]) | bad[split.image_of]
    spoken_of = np.zeros(len(bad), bool)
    spoken_of[split.image_of[~mute]] = True
    return np.flatnonzero(mute), np.flatnonzero(~spoken_of)


def _without_rows(outcomes: dict[Direction, DirectionResult], utterances: Ints, pictures: Ints
             ) -> dict[Direction, DirectionResult]:
    """The results with rank 0, which counts for nothing, in some rows."""
    dropped: dict[Direction, Ints] = {"speech_to_image": utterances, "image_to_speech": pictures}

    def counted(ranks: Ints, direction: Direction) -> Ints:
        return np.where(np.isin(np.arange(len(ranks)), dropped[direction]), 0, ranks)

    return {direction: replace(result, ranks=counted(result.ranks, direction),
                               text=None if result.text is None else counted(result.text, direction),
                               acoustic=None if result.acoustic is None else counted(result.acoustic, direction))
            for direction, result in outcomes.items()}


def _unseen_figures(workspace: Workspace, spec: ModelSpec, split: Split,
                    outcomes: Mapping[Direction, DirectionResult]) -> tuple[Unseen | None, str]:
    """The figures over pictures that the model has not learnt from, or why there are none."""
    if spec.run is None:
        return None, ""
    digests = Digests(workspace.home.caches / "pictures")
    learnt, note = unseen.learnt(spec.run, split.paths, digests)
    if learnt is None:
        return None, note
    return Unseen(*both_metrics(outcomes, split.image_of, ~learnt), int((~learnt).sum())), note


def _utterances(model: EvaluatedModel, split: Split, captions: bool, counted: Sequence[words.WordErrorCount | None],
                fused: Floats
                ) -> list[UtteranceFacts]:
    texts = [utterance.caption if captions else encoded.transcript.text
             for utterance, encoded in zip(split.utterances, split.spoken, strict=True)]
    cut = model.network.cut(texts) if model.spec.variant.text else [0] * len(texts)
    return [UtteranceFacts(
        utterance.utterance_id, int(split.image_of[row]), utterance.speaker, utterance.caption, encoded.transcript.text,
        utterance.recording, round(seconds(utterance.recording), 3) if utterance.recording else 0.0,
        None if encoded.reason or word is None else word.rate, int(cut[row]),
        encoded.reason or (NOTHING_HEARD if not np.isfinite(fused[row]).all() else ""))
        for row, (utterance, encoded, word) in enumerate(zip(split.utterances, split.spoken, counted, strict=True))]
