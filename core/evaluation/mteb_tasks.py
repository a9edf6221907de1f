"""MTEB's tasks between recordings and pictures: the published ones by name, and those of a dataset's split."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import datasets as hf
import mteb
from mteb.abstasks.retrieval import AbsTaskRetrieval
from mteb.abstasks.task_metadata import TaskMetadata

from core.datasets.kinds import kind_of
from core.datasets.records import Dataset
from core.errors import EvaluationError
from core.features.prepared_split import checked_split

NAMES: tuple[str, ...] = (
    "FlickrAudioToImageRetrieval", "FlickrImageToAudioRetrieval", "SpokenCOCOA2IRetrieval", "SpokenCOCOI2ARetrieval",
    "SpeechCocoA2IRetrieval", "SpeechCocoI2ARetrieval")
LOCAL_NAMES: Mapping[str, str] = {"a2i": "LocalSpeechToImageRetrieval", "i2a": "LocalImageToSpeechRetrieval"}
SPLIT = "test"  # of local tasks


def published(names: tuple[str, ...] = NAMES) -> list[AbsTaskRetrieval]:
    """Tasks of MTEB by name. EvaluationError ("no_task")."""
    tasks = []
    for name in names:
        try:
            tasks.append(mteb.get_task(name))
        except KeyError as error:
            raise EvaluationError(f"MTEB {mteb.__version__} has no task {name}. `brewclip mteb --list` prints those "
                                  "between recordings and pictures.", "no_task") from error
    return tasks


def available() -> list[str]:
    """Names of the installed MTEB's retrieval tasks between recordings and pictures alone."""
    return sorted(task.metadata.name for task in mteb.get_tasks(modalities=["audio", "image"],
                                                                exclusive_modality_filter=True, exclude_beta=False)
                  if task.metadata.category in ("a2i", "i2a"))


def local(dataset: Dataset, split: str) -> list[AbsTaskRetrieval]:
    """The two tasks, speech to image and back, of a dataset's split. DatasetError: no_split, no_pairs.

    Records without a file are left out; `brewclip evaluate` counts them as misses unless told otherwise.
    """
    part = checked_split(dataset, split)
    pictures = {image.image_id: image.path for image in part.images if image.path}
    spoken = [record for record in part.utterances if record.recording and record.image_id in pictures]
    images = _table("image", pictures)
    sounds = _table("audio", {record.utterance_id: record.recording for record in spoken if record.recording})
    language = "eng-Latn" if kind_of(dataset.kind).language == "en" else "und-Latn"
    kin: dict[str, list[str]] = {}  # pictures by their class, which is their own id where the dataset has no classes
    for image_id in pictures:
        kin.setdefault(part.relevance.get(image_id, image_id), []).append(image_id)
    to_image, to_speech = dict[str, dict[str, int]](), dict[str, dict[str, int]]()
    for record in spoken:
        for image_id in kin[part.relevance.get(record.image_id, record.image_id)]:
            to_image.setdefault(record.utterance_id, {})[image_id] = 1
            to_speech.setdefault(image_id, {})[record.utterance_id] = 1
    return [_LocalTask(category, dataset.folder.name, language, queries, corpus, fitting)
            for category, queries, corpus, fitting in (("a2i", sounds, images, to_image),
                                                       ("i2a", images, sounds, to_speech))]


def limited(task: AbsTaskRetrieval, limit: int) -> None:
    """Load a task's data, and keep the first `limit` queries of each split with the documents that fit them.

    Fewer documents are easier to tell apart: the figures are for a trial, and not comparable.
    """
    task.load_data()
    task.convert_v1_dataset_format_to_v2(num_proc=None)
    for splits in task.dataset.values():
        for data in splits.values():
            queries = data["queries"].select(range(min(limit, len(data["queries"]))))
            own = set(queries["id"])
            fitting = {query: found for query, found in data["relevant_docs"].items() if query in own}
            needed = {document for found in fitting.values() for document in found}
            rows = [row for row, document in enumerate(data["corpus"]["id"]) if document in needed]
            data.update(queries=queries, relevant_docs=fitting, corpus=data["corpus"].select(rows))


def _table(column: str, files: Mapping[str, Path]) -> hf.Dataset:
    plain = hf.Dataset.from_dict({"id": list(files), column: [{"bytes": None, "path": str(path)}
                                                              for path in files.values()]})
    feature = hf.Audio(decode=False) if column == "audio" else hf.Image(decode=False)
    return plain.cast(hf.Features({"id": hf.Value("string"), column: feature}))


class _LocalTask(AbsTaskRetrieval):
    """A retrieval task over files of this computer."""

    ignore_identical_ids = False

    def __init__(self, category: str, source: str, language: str, queries: hf.Dataset, corpus: hf.Dataset,
                 fitting: dict[str, dict[str, int]]) -> None:
        self.metadata = TaskMetadata(
            name=LOCAL_NAMES[category], description=f"Pairs of {source}, a dataset of this computer.", reference=None,
            dataset={"path": source, "revision": "local"}, type="Any2AnyRetrieval", category=category,
            modalities=["audio", "image"], eval_splits=[SPLIT], eval_langs=[language], main_score="ndcg_at_10",
            date=None, domains=None, task_subtypes=None, license=None, annotations_creators=None, dialect=None,
            sample_creation=None, bibtex_citation=None)
        super().__init__()
        self._content = {"default": {SPLIT: {"corpus": corpus, "queries": queries, "relevant_docs": fitting,
                                             "top_ranked": None}}}

    def load_data(self, **kwargs: Any) -> None:
        """Put the tables in place."""
        self.dataset = self._content
        self.data_loaded = True
