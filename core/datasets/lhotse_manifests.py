"""Lhotse manifests: recordings and supervisions, or cuts, as JSON lines (gzip or plain); pictures as a custom field.

A supervision names the picture in `custom` (`image`, or a name that lists use), a cut in its own or its supervision's.
"""

import gzip
import posixpath
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core import plain_json
from core.datasets.draft import Draft
from core.datasets.folder import PICTURE_FOLDERS, RECORDING_FOLDERS
from core.datasets.pairs import Pairs, purposes
from core.datasets.problems import Problems
from core.datasets.records import Dataset
from core.datasets.shards import split_of
from core.datasets.tree import Tree
from core.progress import Progress, Report, WorkStep, silent

KIND = "lhotse"
MANIFEST = re.compile(r"(?:.*[._-])?(?P<role>recordings|supervisions|cuts)(?:[._-].*)?\.jsonl(?:\.gz)?", re.IGNORECASE)
LONGEST_LINE = 1 << 24  # bytes
SLACK = 0.5  # seconds by which a supervision may be shorter than its recording and still mean all of it


def signs(tree: Tree) -> tuple[str, ...]:
    """Evidence that a folder has Lhotse manifests, in sentences; () without any."""
    files = _files(tree)
    if not files["cuts"] and not (files["recordings"] and files["supervisions"]):
        return ()
    return tuple(f"{name} is a Lhotse manifest." for names in files.values() for name in names)[:5]


def load(tree: Tree, report: Report = silent) -> Dataset:
    """The supervisions that are of a whole recording and name a picture. DatasetError: nothing_read."""
    draft = Draft(tree, PICTURE_FOLDERS, RECORDING_FOLDERS)
    pairs = Pairs(draft)
    files = _files(tree)
    recordings = dict[tuple[str, str], dict[str, Any]]()
    for name in files["recordings"]:
        for where, entry in _objects(tree.root / name, draft.problems):
            if recordings.setdefault((split_of(name), str(entry.get("id"))), entry) is not entry:
                draft.problems.add("duplicate_id", f"{where}: recording {entry.get('id')}")
    for name in files["supervisions"] or files["cuts"]:
        split = split_of(name)
        draft.notes.append(f"{name} is read as the split {split}.")
        rows = list(_supervisions(tree.root / name, draft.problems))
        parts = Counter(str(entry.get("recording_id")) for _, entry, _ in rows)
        for done, (where, entry, recording) in enumerate(rows):
            if done % 500 == 0:
                report(Progress(WorkStep.READING_DATASET, done, len(rows), subject=name))
            key = str(entry.get("recording_id"))
            source = recording or recordings.get((split, key)) or recordings.get(("all", key))
            _add(draft, pairs, entry, source, parts[key] > 1, split, where)
    return draft.finish(KIND)


def _files(tree: Tree) -> dict[str, list[str]]:
    names = [(name, match) for name in tree.shallow(MANIFEST) if (match := MANIFEST.fullmatch(Path(name).name))]
    return {role: [name for name, match in names if match["role"].lower() == role]
            for role in ("recordings", "supervisions", "cuts")}


def _objects(path: Path, problems: Problems) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a manifest with the lines they stand on; a manifest that breaks off is read up to there."""
    number = 0
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            while line := file.readline(LONGEST_LINE):
                number += 1
                where = f"{path.name} line {number}"
                try:
                    if line.strip():
                        yield where, plain_json.loads_object(line)
                except ValueError as error:
                    problems.add("malformed", f"{where}: {error}")
    except (OSError, EOFError, zlib.error) as error:
        problems.add("unreadable_list", f"{path.name} after line {number}: {error}")


def _supervisions(path: Path,
                  problems: Problems) -> Iterator[tuple[str, dict[str, Any], dict[str, Any] | None]]:
    """Place, supervision and recording of each row; a cut is its supervision, with the cut's custom fields too."""
    for where, entry in _objects(path, problems):
        if "supervisions" not in entry:
            yield where, entry, None
            continue
        recording = entry.get("recording")
        inner = entry["supervisions"]
        if not isinstance(recording, dict) or not isinstance(inner, list) or not all(
                isinstance(one, dict) for one in inner):
            problems.add("malformed", f"{where}: no recording and supervisions")
            continue
        for one in inner:
            custom = {**_object(entry.get("custom")), **_object(one.get("custom"))}
            start = _number(entry.get("start")) + _number(one.get("start"))
            yield where, {**one, "start": start, "custom": custom, "recording_id": recording.get("id")}, recording


def _add(draft: Draft, pairs: Pairs, entry: Mapping[str, Any], recording: Mapping[str, Any] | None,
         is_one_of_several: bool, split: str, where: str) -> None:
    own = str(entry.get("id") or "")
    if recording is None:
        draft.problems.add("malformed", f"{where}: recording {entry.get('recording_id')} is in no manifest")
        return
    if is_one_of_several or _is_part(entry, recording):
        draft.problems.add("recording_part", f"{where}: {own}")
        return
    source = _source(draft, recording, where)
    if source is None:
        return
    fields = {**_texts(_object(recording.get("custom"))), **_texts(_object(entry.get("custom")))}
    values = {purpose: fields[column] for purpose, column in purposes(fields).items()
              if purpose in ("image", "image_id", "split")}
    values["image"] = _own_path(draft.tree, values.get("image", ""))
    text = entry.get("text")
    pairs.add({**values, "recording": source, "utterance_id": own, "speaker": str(entry.get("speaker") or ""),
               **({"caption": str(text)} if text is not None else {})}, split, where)


def _is_part(entry: Mapping[str, Any], recording: Mapping[str, Any]) -> bool:
    length, duration = _number(recording.get("duration")), _number(entry.get("duration"))
    return _number(entry.get("start")) > SLACK or (duration > 0 and length - duration > SLACK)


def _source(draft: Draft, recording: Mapping[str, Any], where: str) -> str | None:
    """The file of a recording below the dataset's folder; None, and noted, where it is of another sort."""
    sources = recording.get("sources")
    first = _object(sources[0]) if isinstance(sources, list) and sources else {}
    if first.get("type") != "file" or not isinstance(first.get("source"), str):
        draft.problems.add("foreign_source", f"{where}: {first.get('type', 'no source')}")
        return None
    return _own_path(draft.tree, first["source"])


def _own_path(tree: Tree, name: str) -> str:
    """A path as it is from the dataset's folder, where an absolute one lies in it; others stay, and are refused."""
    for root in (tree.root.absolute(), tree.root.resolve()):
        if Path(name).is_absolute() and Path(name).is_relative_to(root):
            return Path(name).relative_to(root).as_posix()
    return name


def _texts(custom: Mapping[str, Any]) -> dict[str, str]:
    """The custom fields that are texts; of an image manifest its path."""
    texts = {}
    for name, value in custom.items():
        if isinstance(value, dict) and isinstance(value.get("storage_key"), str):
            texts[name] = posixpath.join(str(value.get("storage_path") or ""), value["storage_key"])
        elif isinstance(value, str | int):
            texts[name] = str(value)
    return texts


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
