"""Points of a dataset's split: its pictures and utterances under the model of the settings."""

from collections.abc import Iterator, Sequence

import numpy as np

from core import datasets
from core.asr.transcript import EncodedUtterance
from core.datasets.kinds import kind_of
from core.datasets.ravdess import EMOTIONS, ActedUtterance
from core.datasets.records import Dataset, Utterance
from core.evaluation import archive, evaluate, models, words
from core.evaluation.failures import KIND_TITLES
from core.evaluation.models import EvaluatedModel
from core.evaluation.ranks import units
from core.evaluation.records import DataChoice
from core.evaluation.views import picture_vectors
from core.features.noise import CLEAN
from core.features.prepared_split import Split
from core.features.speech_cache import SpeechFeatureCache
from core.localisation import _
from core.mapping.groups import WORD_ERROR_NAMES, Grouping, group, word_error_name
from core.mapping.points import Bools, Floats, MapItem, MapPoints, check_enough
from core.models.spec import ModelSpec
from core.progress import Report, silent, steps
from core.store.records import ImageRecord
from core.store.store import Store
from core.workspace import Workspace

FAILED_BEYOND = 10  # the K of the diagnoses that points are coloured by
FOUND = f"Found in the first {FAILED_BEYOND}"


def of_split(workspace: Workspace, data: DataChoice, report: Report = silent) -> MapPoints:
    """Points of a split's pictures and utterances under the model of the settings, prepared as for an evaluation.

    What cannot be read has no point. DatasetError, EvaluationError ("weights"), ModelError, WeightsError, StoreError;
    MapError ("few").
    """
    from core.features.encode import encode_utterances

    dataset = datasets.load(data.folder, data.kind, follow_links=data.follow_links)
    spec = workspace.models.spec(workspace.settings)
    models.check(workspace, spec)
    loading, preparing, looking, encoding = steps(report, 1, 10, 2, 2)
    model = models.load(workspace, spec, loading)
    split = _prepared(workspace, model, dataset, data.split, preparing)
    images = picture_vectors(workspace, model, split, spec.crop, looking) if split.image_ids else None
    spoken = encode_utterances(model.network, split, report=encoding).fused
    vectors = spoken if images is None else np.concatenate([images, spoken])
    usable = np.asarray(np.isfinite(vectors).all(axis=1))
    check_enough(int(usable.sum()))
    return _points(workspace.store, dataset, spec, split, vectors, usable)


def _prepared(workspace: Workspace, model: EvaluatedModel, dataset: Dataset, name: str, report: Report) -> Split:
    """The split with its features; one of utterances alone (RAVDESS) is not refused, as an evaluation does."""
    if any(image.split == name for image in dataset.images):
        return evaluate.prepare(workspace, model, dataset, name, model.spec.crop, CLEAN, report)
    utterances = dataset.of(name).utterances
    speech = SpeechFeatureCache(workspace, kind_of(dataset.kind).language)
    loaded = iter(speech.load([record.recording for record in utterances if record.recording],
                              model.spec.variant.acoustic, CLEAN, report))
    encoded = tuple(next(loaded) if record.recording else EncodedUtterance.unreadable("missing")
                    for record in utterances)
    return Split(name, CLEAN, (), (), (), utterances, encoded, np.zeros(len(utterances), np.int64),
                 np.zeros(0, np.int64))


def _points(store: Store, dataset: Dataset, spec: ModelSpec, split: Split, vectors: Floats, usable: Bools
            ) -> MapPoints:
    count = len(split.image_ids)
    image_rows = np.where(usable[:count], np.cumsum(usable[:count]) - 1, -1)
    pairs = image_rows[split.image_of] if count else np.full(len(split.utterances), -1)
    pair_of = np.concatenate([np.full(count, -1), pairs])[usable].astype(np.int64)
    rows = np.flatnonzero(usable).tolist()
    items = [_item(split, row, at, count) for at, row in enumerate(rows)]
    groupings = tuple(_kept(each, rows) for each in _groupings(store, dataset, spec, split))
    return MapPoints(f"{dataset.folder.name} {split.name}", units(vectors[usable]),
                     (np.arange(len(vectors)) >= count)[usable], pair_of, tuple(items), groupings, len(items))


def _item(split: Split, row: int, at: int, count: int) -> MapItem:
    if row < count:
        path = split.paths[row]
        assert path is not None  # else it has no vector
        try:
            changed = path.stat().st_mtime
        except OSError:
            changed = 0.0
        return MapItem(path.name, ImageRecord(at, path, 0, 0, 0, changed, None, (), ""))
    record, encoded = split.utterances[row - count], split.spoken[row - count]
    return MapItem(record.utterance_id, None, record.recording, record.caption, encoded.transcript.text, record.speaker)


def _groupings(store: Store, dataset: Dataset, spec: ModelSpec, split: Split) -> Iterator[Grouping]:
    """Groupings of all pictures and utterances of a split that tell them apart."""
    pictures = [""] * len(split.image_ids)
    utterances = split.utterances
    kinds = ["Picture"] * len(pictures) + ["Utterance"] * len(utterances)
    errors = words.compare([record.caption for record in utterances],
                           [encoded.transcript.text for encoded in split.spoken])
    rates = [None if encoded.reason or error is None else error.rate
             for encoded, error in zip(split.spoken, errors, strict=True)]
    found = [
        group("modality", _("Modality"), kinds, (_("Picture"), _("Utterance"))),
        group("speaker", _("Speaker"), [*pictures, *(record.speaker for record in utterances)]),
        group("emotion", _("Emotion"), [*pictures, *map(_emotion, utterances)], EMOTIONS),
        group("words", _("Word errors"), [*pictures, *map(word_error_name, rates)], WORD_ERROR_NAMES),
        _failures(store, dataset, spec, split)]
    yield from filter(None, found)


def _emotion(record: Utterance) -> str:
    return record.emotion if isinstance(record, ActedUtterance) else ""


def _failures(store: Store, dataset: Dataset, spec: ModelSpec, split: Split) -> Grouping | None:
    """Kinds of the newest stored diagnosis of this model on this split; None without one."""
    for record in archive.evaluations(store):
        setup = record.setup
        if ((setup.folder, setup.split, setup.condition) != (dataset.folder.absolute(), split.name, CLEAN)
                or (setup.backbone, setup.checkpoint) != (spec.backbone, spec.checkpoint)):
            continue
        diagnosed = archive.diagnosis(store, record.id, FAILED_BEYOND)
        if diagnosed is not None:
            kinds = {(one.direction, one.query_id): KIND_TITLES.get(one.kind, "") for one in diagnosed.diagnoses}
            labels = [kinds.get(("image_to_speech", name), FOUND) for name in split.image_ids]
            labels += [kinds.get(("speech_to_image", one.utterance_id), FOUND) for one in split.utterances]
            return group("failures", _("Failure kind"), labels, (FOUND, *KIND_TITLES.values()), record.setup.title)
    return None


def _kept(whole: Grouping, rows: Sequence[int]) -> Grouping:
    return Grouping(whole.key, whole.title, whole.names, whole.group_of[rows], whole.note)
