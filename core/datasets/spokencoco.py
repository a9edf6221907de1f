"""SpokenCOCO (Hsu et al. 2021): the original lists, one entry a picture, and Karpathy's split, one entry a caption.

A picture's id is its COCO number, so that it is known again in Localized Narratives.
"""

import re
from collections.abc import Iterator
from typing import Any

from core.datasets import coco
from core.datasets.draft import RECORDING_SUFFIXES, Draft
from core.datasets.lists import document
from core.datasets.records import Dataset, Utterance
from core.datasets.tree import Tree
from core.progress import Progress, Report, WorkStep, silent

KIND = "spokencoco"
LIST = re.compile(r"SpokenCOCO_(?P<split>train|val|test|restval)(?P<unrolled>_unrolled)?(?P<karpathy>_karpathy)?\.json")
RECORDING_FOLDERS = ("", "SpokenCOCO")
WAVS = "wavs"


def signs(tree: Tree) -> tuple[str, ...]:
    """Evidence that a folder is SpokenCOCO, in sentences; () without any."""
    return tuple(f"{name} is a list of SpokenCOCO." for name in tree.names() if LIST.fullmatch(name))


def load(tree: Tree, report: Report = silent) -> Dataset:
    """SpokenCOCO. Where both kinds of lists are there, Karpathy's are read, as the paper does."""
    draft = Draft(tree, coco.FOLDERS, RECORDING_FOLDERS)
    for name, split in _lists(draft):
        report(Progress(WorkStep.READING_DATASET, subject=name))
        for number, entry in enumerate(_entries(draft, name), 1):
            if number % 1000 == 0:
                report(Progress(WorkStep.READING_DATASET, number, subject=name))
            try:
                _add(draft, entry, split)
            except (KeyError, TypeError, AttributeError):
                draft.problems.add("malformed", f"{name} entry {number}: no image and caption with uttid, text, wav")
    _note_other_releases(draft)
    draft.unlisted("no_caption", WAVS, RECORDING_SUFFIXES)
    return draft.finish(KIND)


def _lists(draft: Draft) -> list[tuple[str, str]]:
    """Name and split of each list to read; training comes first."""
    matches = [match for name in draft.tree.names() if (match := LIST.fullmatch(name))]
    kinds = {bool(match["karpathy"]) for match in matches}
    chosen = [match for match in matches if bool(match["karpathy"]) == max(kinds)]
    draft.notes.append("Read with Karpathy's split." if max(kinds) else "Read with the original split.")
    draft.notes.extend(f"{match[0]} is there too and is not read." for match in matches if match not in chosen)
    return [(match[0], _split(match["split"])) for match in sorted(chosen, key=lambda match: match["split"])]


def _split(name: str) -> str:
    """Karpathy's "restval" are the pictures of val2014 that are trained on."""
    return "train" if name == "restval" else name


def _entries(draft: Draft, name: str) -> Iterator[Any]:
    path = draft.tree.find(name)
    content = document(path, draft.problems) if path else None
    entries = content.get("data") if isinstance(content, dict) else content
    if isinstance(entries, list):
        yield from entries
    elif content is not None:
        draft.problems.add("unreadable_list", f"{name}: it holds no list called data")


def _add(draft: Draft, entry: dict[str, Any], split: str) -> None:
    """One picture with its captions; nothing is added when a part of it has another shape."""
    image = entry["image"].strip()
    split = _split(entry.get("split", split).strip())
    captions = entry["captions"] if "captions" in entry else [entry["caption"]]
    records = [_record(draft, caption, coco.image_id(image), split) for caption in captions]
    draft.image(coco.image_id(image), coco.file_names(image), split)
    for record, wav in records:
        if wav:
            draft.utterance(record, wav)
        else:
            draft.unspoken(record)


def _record(draft: Draft, caption: dict[str, Any], image_id: str, split: str) -> tuple[Utterance, str]:
    wav = (caption.get("wav") or "").strip()
    utterance_id = caption["uttid"].strip()
    text = caption.get("text")
    words = draft.caption(text if text is None else text.strip(), wav or utterance_id)
    return Utterance(utterance_id, image_id, str(caption.get("speaker") or ""), words, None, split), wav


def _note_other_releases(draft: Draft) -> None:
    moved = draft.stand_ins()
    if moved:
        draft.notes.append(f"{moved} pictures were found by their COCO number in the folder of another release.")
