"""Localized Narratives over COCO (Pont-Tuset et al. 2020): JSON-lines shards and .ogg recordings.

Times and traces are most of the shards' bytes; a narrative remembers where its line stands and reads them when asked.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from core import plain_json
from core.datasets import coco
from core.datasets.draft import RECORDING_SUFFIXES, Draft
from core.datasets.lists import ListLine, objects
from core.datasets.records import Dataset, Utterance
from core.datasets.tree import Tree
from core.errors import DatasetError
from core.localisation import _
from core.progress import Progress, Report, WorkStep, silent

KIND = "localized_narratives"
SHARD = re.compile(r"coco_(?P<split>train|val|test)_localized_narratives(?:-(?P<part>\d{5})-of-(?P<parts>\d{5}))?"
                   r"\.jsonl")
LIST_FOLDERS = ("", "annotations", "localized_narratives")
RECORDING_FOLDERS = ("", "voice_recordings", "voice-recordings", "recordings", "audio")


class TimedCaption(NamedTuple):
    """Some words of a narrative, with seconds from its start."""

    text: str
    start: float
    end: float


class TracePoint(NamedTuple):
    """Position of the mouse: x and y as fractions of the picture (they may lie outside 0..1), t in seconds."""

    x: float
    y: float
    t: float


@dataclass(frozen=True, slots=True)
class Details:
    """Timed words with the mouse traces of their time."""

    timed_caption: tuple[TimedCaption, ...]
    traces: tuple[tuple[TracePoint, ...], ...]


@dataclass(frozen=True, slots=True)
class Narrative(Utterance):
    """A spoken narrative; `start` and `length` are the bytes of its line in `shard`."""

    shard: Path
    start: int
    length: int

    def details(self) -> Details:
        """Its timed caption and traces, read from the shard; DatasetError ("changed") when they are not there."""
        try:
            with self.shard.open("rb") as file:
                file.seek(self.start)
                entry = plain_json.loads(file.read(self.length).decode("utf-8-sig"))
            timed = tuple(TimedCaption(str(part["utterance"]), float(part["start_time"]), float(part["end_time"]))
                          for part in entry.get("timed_caption") or ())
            traces = tuple(tuple(TracePoint(float(point["x"]), float(point["y"]), float(point["t"])) for point in trace)
                           for trace in entry.get("traces") or ())
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DatasetError(_("The times and traces of {utterance_id} cannot be read from {name}. Was the file "
                                 "changed? Open the dataset again.").format(utterance_id=self.utterance_id,
                                                                            name=self.shard.name), "changed") from error
        return Details(timed, traces)


def signs(tree: Tree) -> tuple[str, ...]:
    """Evidence that a folder is Localized Narratives, in sentences; () without any."""
    return tuple(f"{match[0]} is a shard of Localized Narratives over COCO." for _unused, match in _shards(tree))


def load(tree: Tree, report: Report = silent) -> Dataset:
    """Localized Narratives over COCO, from all shards that are there."""
    draft = Draft(tree, coco.FOLDERS, RECORDING_FOLDERS)
    shards = _shards(tree)
    _note_missing_shards(draft, [match for _unused, match in shards])
    for path, match in shards:
        for done, (line, entry) in enumerate(objects(path, draft.problems)):
            if done % 500 == 0:
                report(Progress(WorkStep.READING_DATASET, done, subject=path.name))
            try:
                _add(draft, entry, match["split"], path, line)
            except (KeyError, TypeError, AttributeError, ValueError):
                draft.problems.add("malformed", f"{path.name} line {line.number}: no image_id, caption, recording")
    for split in dict.fromkeys(match["split"] for _unused, match in shards):
        draft.unlisted("no_caption", tree.folder([_below(folder, split) for folder in RECORDING_FOLDERS]),
                       RECORDING_SUFFIXES)
    return draft.finish(KIND)


def _below(folder: str, split: str) -> str:
    return f"{folder}/coco_{split}".lstrip("/")


def _shards(tree: Tree) -> list[tuple[Path, re.Match[str]]]:
    shards = []
    for folder in LIST_FOLDERS:
        for name in tree.names(folder):
            match = SHARD.fullmatch(name)
            path = tree.find(name, (folder,)) if match else None
            if match and path:
                shards.append((path, match))
    return sorted(shards, key=lambda shard: (shard[1]["split"], shard[0].name))


def _note_missing_shards(draft: Draft, shards: list[re.Match[str]]) -> None:
    names = {match[0] for match in shards}
    for split, parts in sorted({(match["split"], match["parts"]) for match in shards if match["parts"]}):
        for part in range(min(int(parts), 1000)):
            name = f"coco_{split}_localized_narratives-{part:05d}-of-{parts}.jsonl"
            if name not in names:
                draft.problems.add("missing_list", name)


def _add(draft: Draft, entry: dict[str, Any], split: str, shard: Path, line: ListLine) -> None:
    number = str(entry["image_id"]).strip()
    annotator = str(entry["annotator_id"])
    wav = (entry.get("voice_recording") or "").strip()
    utterance_id = Path(wav).stem or f"coco_{split}_{number}_{annotator}"
    text = entry.get("caption")
    words = draft.caption(text if text is None else text.strip(), wav or utterance_id)
    image_id, names = _picture(number, split)
    draft.image(image_id, names, split)
    record = Narrative(utterance_id, image_id, annotator, words, None, split, shard, line.start, line.length)
    if wav:
        draft.utterance(record, wav)
    else:
        draft.unspoken(record)


def _picture(number: str, split: str) -> tuple[str, tuple[str, ...]]:
    """Id and possible files of a picture; the release of 2017 is the one that the narratives name."""
    if not number.isascii() or not number.isdigit():
        return number, (number,)
    first = f"{split}2017/{number.zfill(12)}.jpg"
    return number.lstrip("0") or "0", (first, *(name for name in coco.numbered(number) if name != first))
