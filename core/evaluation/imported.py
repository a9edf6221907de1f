"""Evaluation of embeddings that another program computed: the same ranks, intervals and tables as for the models here.

    items.json                          ids and files of a split (`write_items`), for the other program to read
    images.npy, utterances.npy          its vectors (n, d), float; NaN where there is none
    images.json, utterances.json        rows of each: a list of ids, or the object that `--export embeddings` writes

Nothing of this program's models takes part, so that nothing can be computed again: such evaluations have no diagnosis
by counterfactuals and no relevance maps.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core import datasets, plain_json, private_files
from core.datasets.records import Dataset
from core.errors import EvaluationError
from core.evaluation import archive
from core.evaluation.evaluate import both_metrics, outcomes_of
from core.evaluation.ranks import Floats, units
from core.evaluation.records import (
    IMPORTED,
    DataChoice,
    EvaluationRecord,
    Setup,
    SplitImage,
    Summary,
    UtteranceFacts,
)
from core.features.prepared_split import checked_split
from core.localisation import _
from core.progress import Progress, Report, WorkStep, silent
from core.workspace import Workspace

NO_VECTOR = "It has no vector among those imported."


@dataclass(frozen=True, eq=False)
class ImportedVectors:
    """Unit vectors of a split's pictures (n, d) and utterances (m, d); NaN where none was given."""

    images: Floats
    utterances: Floats


def write_items(data: DataChoice, path: Path) -> None:
    """Write ids and files of a split as JSON. DatasetError; EvaluationError ("not_written")."""
    part = _part(data)
    items = {"dataset": str(data.folder), "split": data.split,
             "images": [{"id": image.image_id, "path": _file(image.path)} for image in part.images],
             "utterances": [{"id": record.utterance_id, "recording": _file(record.recording), "image": record.image_id,
                             "caption": record.caption} for record in part.utterances]}
    try:
        private_files.write_atomically(path, json.dumps(items, indent=1).encode(), private=False, durable=False)
    except OSError as error:
        raise EvaluationError(_("{path} could not be written: {strerror}.").format(path=path, strerror=error.strerror
                                                                                   or error), "not_written") from error


def evaluate_imported(workspace: Workspace, data: DataChoice, folder: Path, model: str, report: Report = silent
                      ) -> EvaluationRecord:
    """Rank the vectors of a folder on a split and store the evaluation under the name `model`.

    What has no vector is a miss. DatasetError: as `datasets.load`, no_split, no_pairs. EvaluationError: no_vectors,
    damaged (shapes, ids), other_items. StoreError.
    """
    from core.features.encode import SpokenVectors

    start = time.perf_counter()
    part = _part(data)
    place = {image.image_id: row for row, image in enumerate(part.images)}
    records = [record for record in part.utterances if record.image_id in place]
    image_of = np.array([place[record.image_id] for record in records], np.int64)
    vectors = read_vectors(folder, list(place), [record.utterance_id for record in records])
    report(Progress(WorkStep.RANKING))
    outcomes = outcomes_of(SpokenVectors(vectors.utterances, None, None), vectors.images, image_of)
    pictures = [SplitImage(image.image_id, image.path, _reason(vector))
                for image, vector in zip(part.images, vectors.images, strict=True)]
    utterances = [UtteranceFacts(record.utterance_id, int(row), record.speaker, record.caption, "", record.recording,
                                 0.0, None, 0, _reason(vector))
                  for record, row, vector in zip(records, image_of, vectors.utterances, strict=True)]
    setup = Setup(part.folder.absolute(), part.kind, data.split, model, IMPORTED, None, "", "", "",
                  follow_links=part.follow_links)
    unreadable = sum(bool(reason) for reason in [*(item.reason for item in pictures),
                                                 *(item.reason for item in utterances)])
    summary = Summary(setup, *both_metrics(outcomes, image_of), None, len(pictures), len(utterances), unreadable, 0,
                      None, "", round(time.perf_counter() - start, 3))
    return archive.keep(workspace.store, summary, pictures, utterances, outcomes)


def read_vectors(folder: Path, image_ids: Sequence[str], utterance_ids: Sequence[str]) -> ImportedVectors:
    """The vectors of a folder in the order of these ids. EvaluationError: no_vectors, damaged, other_items."""
    images, utterances = (_read(folder, name, ids) for name, ids in (("images", image_ids),
                                                                     ("utterances", utterance_ids)))
    if images.shape[1] != utterances.shape[1]:
        raise EvaluationError(_("The pictures of {folder} have vectors of {shape} numbers, the utterances of "
                                "{shape_2}: they are not of one model. Nothing was evaluated.").format(
                                folder=folder, shape=images.shape[1], shape_2=utterances.shape[1]), "damaged")
    return ImportedVectors(images, utterances)


def _read(folder: Path, name: str, ids: Sequence[str]) -> Floats:
    """Unit vectors (n, d) of n ids, NaN for those that the file lacks."""
    path, rows = _array_path(folder, name), {}
    try:
        array = np.load(path, allow_pickle=False)
        listed = plain_json.loads(path.with_suffix(".json").read_bytes())
        listed = listed["rows"] if isinstance(listed, dict) else listed
        rows = {row["id"] if isinstance(row, dict) else str(row): place for place, row in enumerate(listed)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EvaluationError(_(
            "{path} and its list of ids {name} could not be read: {error}. Nothing was evaluated.").format(
            path=path, name=path.with_suffix(".json").name, error=error), "damaged") from error
    if array.ndim != 2 or array.dtype.kind not in "fiu" or len(array) != len(listed) or len(rows) != len(listed):
        raise EvaluationError(_("{path} holds {map} {dtype}, its list {rows} different ids of {listed}: one vector of "
                                "numbers for each id is needed. Nothing was evaluated.").format(
                                path=path, map=" x ".join(map(str, array.shape)), dtype=array.dtype,
                                rows=len(rows), listed=len(listed)), "damaged")
    known = [(row, rows[key]) for row, key in enumerate(ids) if key in rows]
    if not known:
        raise EvaluationError(_("{path} has no vector of this split; its ids are such as {next!r}, those of the split "
                                "such as {ids!r}. `brewclip evaluate DIR --items FILE` lists them.").format(
                                path=path, next=next(iter(rows), "none"), ids=ids[0]), "other_items")
    vectors = np.full((len(ids), array.shape[1]), np.nan, np.float32)
    places, sources = (list(column) for column in zip(*known, strict=True))
    numbers = array[sources].astype(np.float64)
    vectors[places] = units(np.where(np.isfinite(numbers).all(axis=1, keepdims=True), numbers, np.nan))
    if np.isnan(vectors).all():
        raise EvaluationError(_("{path} holds no finite vector of this split. Nothing was evaluated.").format(
            path=path), "no_vectors")
    return vectors


def _array_path(folder: Path, name: str) -> Path:
    """`images.npy`, or the one file of an export that ends so."""
    found = [path for path in (folder / f"{name}.npy", *sorted(folder.glob(f"evaluation-*-{name}.npy")))
             if path.is_file()]
    if not found:
        raise EvaluationError(_("{folder} has no {name}.npy. Embeddings are read from images.npy and utterances.npy, "
                                "each with a .json of its rows' ids.").format(folder=folder, name=name), "no_vectors")
    if len(found) > 1:
        raise EvaluationError(_("{folder} has several: {value}. Give each evaluation's embeddings a folder of its "
                                "own.").format(folder=folder, value=", ".join(path.name for path in found)),
                              "no_vectors")
    return found[0]


def _part(data: DataChoice) -> Dataset:
    return checked_split(datasets.load(data.folder, data.kind, follow_links=data.follow_links), data.split)


def _reason(vector: Floats) -> str:
    return "" if np.isfinite(vector).all() else NO_VECTOR


def _file(path: Path | None) -> str | None:
    return None if path is None else str(path)
