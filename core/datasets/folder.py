"""Any folder of pictures and recordings with a list that pairs them: CSV, TSV or JSON lines.

Columns are known by the names in `COLUMNS`, and the dataset's notes say which was read as what.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.datasets.draft import RECORDING_SUFFIXES, Draft
from core.datasets.lists import ListRow, header, objects, table
from core.datasets.problems import Problems
from core.datasets.records import SPLIT_ORDER, WHOLE, Dataset, Utterance
from core.datasets.tree import LeavesFolder, Tree
from core.errors import DatasetError
from core.images import IMAGE_SUFFIXES
from core.progress import Progress, Report, WorkStep, silent

KIND = "folder"
# What a column is for, and the names it may have; where several are there, the first of these counts.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "image": ("image", "image_path", "image_file", "picture", "photo", "img", "file_name", "filename", "image_name"),
    "recording": ("recording", "audio", "audio_path", "audio_file", "wav", "wav_path", "speech", "sound",
                  "voice_recording"),
    "caption": ("caption", "text", "sentence", "description", "transcript", "transcription"),
    "speaker": ("speaker", "speaker_id", "spk", "voice", "annotator", "annotator_id"),
    "split": ("split", "subset", "partition", "set"),
    "image_id": ("image_id", "picture_id"),
    "utterance_id": ("utterance_id", "utt_id", "uttid", "id"),
}
SPLIT_NAMES = {"training": "train", "validation": "val", "valid": "val", "testing": "test", "evaluation": "test"}
PICTURE_FOLDERS = ("", "images", "Images", "pictures", "photos")
RECORDING_FOLDERS = ("", "audio", "recordings", "wavs", "wav")
DELIMITERS = {".csv": (",", ";", "\t"), ".tsv": ("\t",)}
SAMPLE = 50  # objects of a JSON-lines file that are looked at for their keys


@dataclass(frozen=True)
class _List:
    """One list: where it is, how its fields are parted ("" in JSON lines), and which column is what."""

    path: Path
    delimiter: str
    columns: Mapping[str, str]


def signs(tree: Tree) -> tuple[str, ...]:
    """Evidence that a folder has a list of pairs, in sentences; () without any."""
    return tuple(f"{lists.path.name} pairs pictures with words or recordings." for lists in _lists(tree))


def load(tree: Tree, report: Report = silent) -> Dataset:
    """The pairs of the folder's one list, or of one list a split (`train.csv`, `val.csv`, ...).

    DatasetError ("several_lists") when it is not clear which list counts.
    """
    lists = _lists(tree)
    split_of = {rows.path: _split_name(rows.path.stem) for rows in lists}
    if len(lists) > 1 and (not set(split_of.values()) <= set(SPLIT_ORDER) or len(set(split_of.values())) < len(lists)):
        names = ", ".join(rows.path.name for rows in lists)
        raise DatasetError(f"{tree.root.name} holds several lists of pairs ({names}). Leave one of them, or name them "
                           "after their splits (train.csv, val.csv, test.csv).", "several_lists")
    draft = Draft(tree, PICTURE_FOLDERS, RECORDING_FOLDERS)
    for rows in lists:
        draft.notes.extend(_told(rows))
        by_name = split_of[rows.path] if split_of[rows.path] in SPLIT_ORDER else WHOLE
        _read(draft, rows, by_name, report)
    for folder in PICTURE_FOLDERS[1:]:
        draft.unlisted("unlisted_picture", tree.folder((folder,)), IMAGE_SUFFIXES)
    for folder in RECORDING_FOLDERS[1:]:
        draft.unlisted("no_caption", tree.folder((folder,)), RECORDING_SUFFIXES)
    return draft.finish(KIND)


def _lists(tree: Tree) -> list[_List]:
    """The lists at the top of the folder that name pictures, and words or recordings for them."""
    lists = []
    for name in tree.names():
        try:
            path = tree.find(name) if Path(name).suffix.lower() in (*DELIMITERS, ".jsonl") else None
        except LeavesFolder:
            continue
        for delimiter in DELIMITERS.get(Path(name).suffix.lower(), ("",)) if path else ():
            assert path is not None
            columns = _columns(header(path, delimiter) if delimiter else _keys(path))
            if "image" in columns and columns.keys() & {"recording", "caption"}:
                lists.append(_List(path, delimiter, columns))
                break
    return lists


def _keys(path: Path) -> list[str]:
    """The keys of the first objects in a JSON-lines file."""
    keys: dict[str, None] = {}
    for number, (_, entry) in enumerate(objects(path, Problems())):
        keys.update(dict.fromkeys(entry))
        if number == SAMPLE:
            break
    return list(keys)


def _columns(names: list[str]) -> dict[str, str]:
    """The column that is read for each purpose."""
    lower = {name.lower().replace(" ", "_").replace("-", "_"): name for name in reversed(names)}
    columns = {}
    for purpose, aliases in COLUMNS.items():
        column = next((lower[alias] for alias in aliases if alias in lower), None)
        if column is not None:
            columns[purpose] = column
    return columns


def _told(each: _List) -> Iterator[str]:
    """Interpretation of the list, in sentences."""
    parted = {",": "commas", ";": "semicolons", "\t": "tabs", "": "JSON lines"}[each.delimiter]
    columns = ", ".join(f'"{column}" as {purpose.replace("_", " ")}' for purpose, column in each.columns.items())
    yield f"{each.path.name} ({parted}): {columns}."
    absent = [purpose.replace("_", " ") for purpose in COLUMNS if purpose not in each.columns]
    if absent:
        yield f"{each.path.name} has no column for: {', '.join(absent)}."


def _split_name(name: str) -> str:
    return SPLIT_NAMES.get(name.strip().lower(), name.strip().lower())


def _rows(each: _List, problems: Problems) -> Iterator[ListRow]:
    if each.delimiter:
        yield from table(each.path, each.delimiter, problems)
        return
    for line, entry in objects(each.path, problems):
        where = f"{each.path.name} line {line.number}"
        if any(isinstance(entry.get(column), list | dict) for column in each.columns.values()):
            problems.add("malformed", f"{where}: a value is a list or an object")
        else:
            yield ListRow(where, {key: "" if value is None else str(value) for key, value in entry.items()})


def _read(draft: Draft, each: _List, split: str, report: Report) -> None:
    numbers: Counter[str] = Counter()
    for done, row in enumerate(_rows(each, draft.problems)):
        if done % 500 == 0:
            report(Progress(WorkStep.READING_DATASET, done, subject=each.path.name))
        values = {purpose: row.values.get(column, "").strip() for purpose, column in each.columns.items()}
        image = values["image"]
        if not image:
            draft.problems.add("malformed", f"{row.where}: no picture")
            continue
        image_id = values.get("image_id") or image.replace("\\", "/")
        number = numbers[image_id]
        numbers[image_id] += 1
        own_split = _split_name(values["split"]) if "split" in values else split
        draft.image(image_id, (image,), own_split)
        _add(draft, values, image_id, number, own_split)


def _add(draft: Draft, values: Mapping[str, str], image_id: str, number: int, split: str) -> None:
    recording = values.get("recording", "")
    stem = recording.replace("\\", "/").rsplit(".", 1)[0]
    utterance_id = values.get("utterance_id") or stem or f"{image_id}#{number}"
    caption = draft.caption(values.get("caption"), utterance_id)
    record = Utterance(utterance_id, image_id, values.get("speaker", ""), caption, None, split)
    if recording:
        draft.utterance(record, recording)
    elif caption:
        draft.unspoken(record)
