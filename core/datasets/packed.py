"""Datasets in shards: Hugging Face's Parquet with embedded bytes, and webdataset's tar files."""

from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from core.datasets.draft import Draft
from core.datasets.folder import PICTURE_FOLDERS, RECORDING_FOLDERS
from core.datasets.pairs import COLUMNS, Pairs, purposes
from core.datasets.records import Dataset
from core.datasets.shards import PARQUET, TAR, parquet_columns, parquet_shard, split_of, tar_shard
from core.datasets.tree import Tree
from core.datasets.unpacking import Container, media, unpack
from core.errors import DatasetError
from core.progress import Report, silent

HF_PARQUET, WEBDATASET = "hf_parquet", "webdataset"
BEIR_ROLES = ("corpus", "queries", "query", "qrels")


def parquet_signs(tree: Tree) -> tuple[str, ...]:
    """Evidence that a folder holds Parquet files with pairs, in sentences; () without any."""
    return tuple(f"{name} is a Parquet file of pictures with words or recordings." for name in _parquet(tree)[:5])


def load_parquet(tree: Tree, report: Report = silent) -> Dataset:
    """The pairs of Hugging Face Parquet files, one or more a split (`train-00000-of-00002.parquet`).

    DatasetError: no_arrow, space, not_unpacked, nothing_read.
    """
    return _load(tree, HF_PARQUET, _parquet(tree), parquet_shard, report)


def webdataset_signs(tree: Tree) -> tuple[str, ...]:
    """Evidence that a folder holds webdataset shards, in sentences; () without any."""
    return tuple(f"{name} is a tar file, read as a webdataset shard." for name in tree.shallow(TAR)[:5])


def load_webdataset(tree: Tree, report: Report = silent) -> Dataset:
    """The samples of webdataset shards: a picture, a recording, a text (.txt) and fields (.json) of the same name.

    DatasetError: space, not_unpacked, nothing_read.
    """
    return _load(tree, WEBDATASET, tree.shallow(TAR), tar_shard, report)


def _parquet(tree: Tree) -> list[str]:
    """Parquet files that hold pairs, or that nobody can read; lists beside folders of files are other kinds."""
    names = [name for name in tree.shallow(PARQUET) if PurePosixPath(name).name != "metadata.parquet"]
    roles = {part.split(".")[0] for name in names for part in name.split("/")}
    if not names or {"corpus", "queries"} <= roles or {"corpus", "query"} <= roles:
        return []
    return [name for name in names if _holds_pairs(tree.root / name)]


def _holds_pairs(path: Path) -> bool:
    try:
        columns = parquet_columns(path)
    except DatasetError:  # without Arrow; `load` says so
        return True
    if columns is None:
        return True
    read = purposes(columns)
    return any(columns.values()) or ("image" in read and bool(read.keys() & {"caption", "recording"}))


def _load(tree: Tree, kind: str, names: Iterable[str], container: Callable[[Path], Container],
          report: Report) -> Dataset:
    draft = Draft(tree, PICTURE_FOLDERS, RECORDING_FOLDERS)
    pairs = Pairs(draft)
    for name in names:
        split = split_of(name)
        draft.notes.append(f"{name} is read as the split {split}.")
        for row in unpack(container(tree.root / name), draft.problems, report):
            columns = purposes(row.values)
            values = {purpose: row.values[column] for purpose, column in columns.items()}
            pairs.add(values, split, row.where, media(row.files, COLUMNS))
    return draft.finish(kind)
