"""Hugging Face's AudioFolder and ImageFolder: files, and a `metadata` list (csv, jsonl, parquet) in each folder.

`file_name` names the file of a row and `*_file_name` others, relative to the list. Splits go by the folders' names, as
in Hugging Face's `datasets`, or by a column.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from core.datasets.draft import RECORDING_SUFFIXES, Draft
from core.datasets.folder import DELIMITERS, PICTURE_FOLDERS, RECORDING_FOLDERS, PairList, keys_of, list_rows
from core.datasets.lists import ListRow, header
from core.datasets.pairs import Pairs, purposes
from core.datasets.problems import Problems
from core.datasets.records import Dataset
from core.datasets.shards import parquet_columns, parquet_shard, split_of
from core.datasets.tree import Tree
from core.datasets.unpacking import unpack
from core.errors import DatasetError
from core.images import IMAGE_SUFFIXES
from core.progress import Progress, Report, WorkStep, silent

KIND = "hf_folder"
LIST = re.compile(r"metadata\.(?:csv|jsonl|parquet)")
FILE_NAME = "file_name"


def signs(tree: Tree) -> tuple[str, ...]:
    """Evidence that a folder is an AudioFolder or ImageFolder, in sentences; () without any."""
    return tuple(f"{name} names files for Hugging Face's datasets." for name in _lists(tree)[:5])


def load(tree: Tree, report: Report = silent) -> Dataset:
    """The pairs of all metadata lists. DatasetError: no_arrow, nothing_read, space, not_unpacked."""
    draft = Draft(tree, PICTURE_FOLDERS, RECORDING_FOLDERS)
    pairs = Pairs(draft)
    for name in _lists(tree):
        split, folder = split_of(name), PurePosixPath(name).parent.as_posix()
        draft.notes.append(f"{name} is read as the split {split}.")
        for done, row in enumerate(_rows(tree.root / name, draft.problems, report)):
            if done % 500 == 0:
                report(Progress(WorkStep.READING_DATASET, done, subject=name))
            pairs.add(_values(row.values, "" if folder == "." else folder), split, f"{folder}/{row.where}"
                      if folder != "." else row.where)
    return draft.finish(KIND)


def _lists(tree: Tree) -> list[str]:
    return [name for name in tree.shallow(LIST) if any(_is_file_name(column) for column in _columns(tree.root / name))]


def _columns(path: Path) -> Sequence[str]:
    if path.suffix == ".csv":
        return header(path, DELIMITERS[".csv"][0])
    if path.suffix == ".jsonl":
        return keys_of(path)
    try:
        return list(parquet_columns(path) or ())
    except DatasetError:  # without Arrow; `load` says so
        return (FILE_NAME,)


def _is_file_name(column: str) -> bool:
    return column == FILE_NAME or column.endswith(f"_{FILE_NAME}")


def _rows(path: Path, problems: Problems, report: Report) -> Iterator[ListRow]:
    if path.suffix == ".parquet":
        yield from (ListRow(row.where, dict(row.values)) for row in unpack(parquet_shard(path), problems, report))
        return
    yield from list_rows(PairList(path, "," if path.suffix == ".csv" else "", {}), problems)


def _values(row: Mapping[str, str], folder: str) -> dict[str, str]:
    """Texts by purpose. The columns of files are told apart by what they name, a picture or a recording."""
    named: dict[str, str] = {}
    for column, value in row.items():
        suffix = Path(value.replace("\\", "/")).suffix.lower() if value else ""
        purpose = "image" if suffix in IMAGE_SUFFIXES else "recording" if suffix in RECORDING_SUFFIXES else ""
        if purpose and (_is_file_name(column) or column in purposes((column,)).values()):
            named.setdefault(purpose, _below(folder, value))
    others = {column: value for column, value in row.items() if not _is_file_name(column)}
    values = {purpose: row[column] for purpose, column in purposes(others).items()}
    return {**values, **named}


def _below(folder: str, name: str) -> str:
    """The name as it is from the dataset's folder; absolute ones stay, and are refused later."""
    return f"{folder}/{name}" if folder and not name.startswith(("/", "\\")) and name[1:2] != ":" else name
