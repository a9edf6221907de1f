"""Any folder of pictures and recordings with a list that pairs them: CSV, TSV or JSON lines.

Columns are known by the names in `core.datasets.pairs.COLUMNS`, and the dataset's notes say which was read as what.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.datasets.draft import RECORDING_SUFFIXES, Draft
from core.datasets.lists import ListRow, header, objects, table
from core.datasets.pairs import COLUMNS, Pairs, purposes, split_name
from core.datasets.problems import Problems
from core.datasets.records import SPLIT_ORDER, WHOLE, Dataset
from core.datasets.tree import LeavesFolder, Tree
from core.errors import DatasetError
from core.images import IMAGE_SUFFIXES
from core.localisation import _
from core.progress import Progress, Report, WorkStep, silent

KIND = "folder"
PICTURE_FOLDERS = ("", "images", "Images", "pictures", "photos")
RECORDING_FOLDERS = ("", "audio", "recordings", "wavs", "wav")
DELIMITERS = {".csv": (",", ";", "\t"), ".tsv": ("\t",)}
SAMPLE = 50  # objects of a JSON-lines file that are looked at for their keys


@dataclass(frozen=True)
class PairList:
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
    split_of = {rows.path: split_name(rows.path.stem) for rows in lists}
    if len(lists) > 1 and (not set(split_of.values()) <= set(SPLIT_ORDER) or len(set(split_of.values())) < len(lists)):
        names = ", ".join(rows.path.name for rows in lists)
        raise DatasetError(_("{name} holds several lists of pairs ({names}). Leave one of them, or name them after "
                             "their splits (train.csv, val.csv, test.csv).").format(name=tree.root.name, names=names),
                           "several_lists")
    draft = Draft(tree, PICTURE_FOLDERS, RECORDING_FOLDERS)
    for rows in lists:
        draft.notes.extend(describe_list(rows))
        by_name = split_of[rows.path] if split_of[rows.path] in SPLIT_ORDER else WHOLE
        _read(draft, rows, by_name, report)
    for folder in PICTURE_FOLDERS[1:]:
        draft.unlisted("unlisted_picture", tree.folder((folder,)), IMAGE_SUFFIXES)
    for folder in RECORDING_FOLDERS[1:]:
        draft.unlisted("no_caption", tree.folder((folder,)), RECORDING_SUFFIXES)
    return draft.finish(KIND)


def _lists(tree: Tree) -> list[PairList]:
    """The lists at the top of the folder that name pictures, and words or recordings for them."""
    lists = []
    for name in tree.names():
        try:
            path = tree.find(name) if Path(name).suffix.lower() in (*DELIMITERS, ".jsonl") else None
        except LeavesFolder:
            continue
        for delimiter in DELIMITERS.get(Path(name).suffix.lower(), ("",)) if path else ():
            assert path is not None
            columns = purposes(header(path, delimiter) if delimiter else keys_of(path))
            if "image" in columns and columns.keys() & {"recording", "caption"}:
                lists.append(PairList(path, delimiter, columns))
                break
    return lists


def keys_of(path: Path) -> list[str]:
    """The keys of the first objects in a JSON-lines file."""
    keys: dict[str, None] = {}
    for number, (_unused, entry) in enumerate(objects(path, Problems())):
        keys.update(dict.fromkeys(entry))
        if number == SAMPLE:
            break
    return list(keys)


def describe_list(each: PairList) -> Iterator[str]:
    """Interpretation of the list, in sentences."""
    parted = {",": "commas", ";": "semicolons", "\t": "tabs", "": "JSON lines"}[each.delimiter]
    columns = ", ".join(f'"{column}" as {purpose.replace("_", " ")}' for purpose, column in each.columns.items())
    yield f"{each.path.name} ({parted}): {columns}."
    absent = [purpose.replace("_", " ") for purpose in COLUMNS if purpose not in each.columns]
    if absent:
        yield f"{each.path.name} has no column for: {', '.join(absent)}."


def list_rows(each: PairList, problems: Problems) -> Iterator[ListRow]:
    """The rows of a list; those that hold lists or objects where a text belongs are noted and left out."""
    if each.delimiter:
        yield from table(each.path, each.delimiter, problems)
        return
    for line, entry in objects(each.path, problems):
        where = f"{each.path.name} line {line.number}"
        if any(isinstance(entry.get(column), list | dict) for column in each.columns.values()):
            problems.add("malformed", f"{where}: a value is a list or an object")
        else:
            yield ListRow(where, {key: "" if value is None else str(value) for key, value in entry.items()})


def _read(draft: Draft, each: PairList, split: str, report: Report) -> None:
    pairs = Pairs(draft)
    for done, row in enumerate(list_rows(each, draft.problems)):
        if done % 500 == 0:
            report(Progress(WorkStep.READING_DATASET, done, subject=each.path.name))
        values = {purpose: row.values.get(column, "") for purpose, column in each.columns.items()}
        pairs.add(values, split, row.where)
