"""COCO captions (Chen et al. 2015): `captions_train2017.json` and its like, with images and annotations.

The captions have no recordings. Annotations of our exports name some: `recording`, `speaker` and `utterance_id`.
"""

import re
from pathlib import PurePosixPath
from typing import Any

from core.datasets import coco
from core.datasets.draft import Draft
from core.datasets.folder import RECORDING_FOLDERS
from core.datasets.lists import document
from core.datasets.records import Dataset, Utterance
from core.datasets.tree import Tree
from core.progress import Progress, Report, WorkStep, silent

KIND = "coco_captions"
LIST = re.compile(r"captions_(?P<split>[a-z]+?)(?P<year>\d{4})?\.json")


def signs(tree: Tree) -> tuple[str, ...]:
    """Evidence that a folder has COCO captions, in sentences; () without any."""
    return tuple(f"{name} is a list of COCO captions." for name in tree.shallow(LIST))


def load(tree: Tree, report: Report = silent) -> Dataset:
    """COCO captions of all lists that are there. DatasetError: nothing_read."""
    draft = Draft(tree, coco.FOLDERS, RECORDING_FOLDERS)
    for name in tree.shallow(LIST):
        report(Progress(WorkStep.READING_DATASET, subject=name))
        match = LIST.fullmatch(PurePosixPath(name).name)
        content = document(tree.root / name, draft.problems)
        if content is None or match is None:
            continue
        if not isinstance(content, dict) or not all(isinstance(content.get(part), list)
                                                    for part in ("images", "annotations")):
            draft.problems.add("unreadable_list", f"{name}: it holds no images and annotations")
            continue
        _read(draft, content, name, match["split"], report)
    return draft.finish(KIND)


def _read(draft: Draft, content: dict[str, Any], name: str, split: str, report: Report) -> None:
    files: dict[str, str] = {}
    for number, image in enumerate(content["images"], 1):
        try:
            file_name, key = image["file_name"].strip(), str(image["id"])
        except (KeyError, TypeError, AttributeError):
            draft.problems.add("malformed", f"{name} image {number}: no id and file_name")
            continue
        if files.setdefault(key, file_name) != file_name:
            draft.problems.add("duplicate_id", f"picture {key}: {files[key]} and {file_name}")
            continue
        names = coco.file_names(file_name)
        draft.image(coco.image_id(file_name), (*names, *(f"{split}{year}/{file_name}" for year in (2017, 2014))), split)
    for number, annotation in enumerate(content["annotations"], 1):
        if number % 5000 == 0:
            report(Progress(WorkStep.READING_DATASET, number, len(content["annotations"]), subject=name))
        try:
            _add(draft, annotation, files[str(annotation["image_id"])], split)
        except (KeyError, TypeError, AttributeError):
            draft.problems.add("malformed", f"{name} annotation {number}: no id, caption and image_id of its images")


def _add(draft: Draft, annotation: dict[str, Any], file_name: str, split: str) -> None:
    own = str(annotation.get("utterance_id") or annotation["id"])
    recording = str(annotation.get("recording") or "").strip()
    caption = draft.caption(annotation["caption"], own)
    record = Utterance(own, coco.image_id(file_name), str(annotation.get("speaker") or ""), caption, None, split)
    if recording:
        draft.utterance(record, recording)
    else:
        draft.unspoken(record)
