"""Shards: Parquet files and tar files (webdataset) that hold many samples with their pictures and recordings."""

import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from core import plain_json
from core.datasets.draft import RECORDING_SUFFIXES
from core.datasets.pairs import split_name
from core.datasets.problems import Problems
from core.datasets.records import WHOLE
from core.datasets.unpacking import Container, PackedFile, PackedRow
from core.errors import DatasetError
from core.images import IMAGE_SUFFIXES
from core.localisation import _

PARQUET = re.compile(r".+\.parquet", re.IGNORECASE)
TAR = re.compile(r".+\.(?:tar|tar\.gz|tgz)", re.IGNORECASE)
NUMBERED = re.compile(r"(?P<split>.+?)-\d{5}-of-\d{5}")
SPLIT_WORDS = {"train": "train", "training": "train", "dev": "dev", "validation": "val", "valid": "val", "val": "val",
               "test": "test", "testing": "test", "eval": "test", "evaluation": "test"}
TEXT_SUFFIXES = (".txt", ".caption", ".text")
ROWS_AT_ONCE = 32
LARGEST_MEMBER = 1 << 30  # bytes
END_OF_TAR = bytes(1024)


def split_of(name: str) -> str:
    """The split that a file's path names, by the words that Hugging Face knows or `split-00000-of-00001`; else "all".
    """
    for part in (PurePosixPath(name).name.split(".")[0], *reversed(PurePosixPath(name).parent.parts)):
        for word in re.split(r"[^a-z]+", part.lower()):
            if word in SPLIT_WORDS:
                return SPLIT_WORDS[word]
        if numbered := NUMBERED.fullmatch(part):
            return split_name(numbered["split"])
    return WHOLE


def arrow() -> Any:
    """The module `pyarrow.parquet`; DatasetError ("no_arrow") where Arrow is not installed."""
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise DatasetError(_("Parquet files need Arrow, which is not installed. `pip install .[formats]` brings it; "
                             "then try again."), "no_arrow") from error
    return parquet


def parquet_columns(path: Path) -> dict[str, bool] | None:
    """Names of a Parquet file's columns, and which of them hold files; None where it cannot be read.

    DatasetError ("no_arrow").
    """
    parquet = arrow()
    try:
        schema = parquet.read_schema(path)
    except (OSError, ValueError):  # ArrowInvalid is a ValueError
        return None
    return {field.name: _holds_files(field.type) for field in schema}


def parquet_shard(path: Path) -> Container:
    """A Parquet file as a container. DatasetError ("no_arrow")."""
    parquet = arrow()
    try:
        metadata = parquet.read_metadata(path)
        nbytes = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    except (OSError, ValueError):
        nbytes = 0
    return Container(path, nbytes, lambda problems: _parquet_rows(parquet, path, problems))


def _parquet_rows(parquet: Any, path: Path, problems: Problems) -> Iterator[PackedRow]:
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE):
                for row in batch.to_pylist():
                    number += 1
                    yield _packed(f"{path.name} row {number}", row)
    except (OSError, ValueError, MemoryError) as error:
        reason = str(error).splitlines()[0][:150] if str(error) else type(error).__name__
        problems.add("unreadable_shard", f"{path.name}: {reason}" if not number else
                     f"{path.name}: {reason} (after row {number})")


def _packed(where: str, row: Mapping[str, Any]) -> PackedRow:
    """Texts and files of a row. A file without bytes counts as the name of one that lies in the folder."""
    values, files = {}, {}
    for column, value in row.items():
        if isinstance(value, dict) and isinstance(value.get("bytes"), bytes):
            files[column] = PackedFile(str(value.get("path") or ""), value["bytes"])
        elif isinstance(value, bytes):
            files[column] = PackedFile("", value)
        elif isinstance(value, dict) and isinstance(value.get("path"), str):
            values[column] = value["path"]
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            values[column] = str(value)
    return PackedRow(where, values, files)


def _holds_files(kind: Any) -> bool:
    text = str(kind)
    return text in ("binary", "large_binary") or (text.startswith("struct<") and "bytes: " in text)


def tar_shard(path: Path) -> Container:
    """A tar file in webdataset's layout as a container: files of the same name in a row are one sample."""
    return Container(path, path.stat().st_size, lambda problems: _tar_rows(path, problems))


def _tar_rows(path: Path, problems: Problems) -> Iterator[PackedRow]:
    key, sample = "", dict[str, bytes]()
    try:
        with tarfile.open(path, "r|*") as tar:
            for member in tar:
                own, suffix = _parts(member.name)
                if not member.isfile() or not suffix or own.rsplit("/", 1)[-1].startswith((".", "__MACOSX")):
                    continue
                if member.size > LARGEST_MEMBER:
                    problems.add("malformed", f"{path.name} {member.name}: larger than 1 GB")
                    continue
                if own != key and sample:
                    yield _sample(path.name, key, sample, problems)
                    sample = {}
                key = own
                content = tar.extractfile(member)
                sample[suffix] = content.read() if content else b""
        if path.suffix == ".tar" and not _is_ended(path):
            problems.add("truncated_shard", path.name)
    except (tarfile.ReadError, EOFError, OSError, zlib.error, ValueError) as error:
        if key:
            problems.add("truncated_shard", path.name)
        else:
            problems.add("unreadable_shard", f"{path.name}: {error}")
            return
    if sample:
        yield _sample(path.name, key, sample, problems)


def _is_ended(path: Path) -> bool:
    """Whether a tar file has the empty blocks at its end that every writer puts there."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - len(END_OF_TAR)))
        return file.read() == END_OF_TAR


def _parts(name: str) -> tuple[str, str]:
    """webdataset's key (the path up to the first dot of the name) and the rest of the name, in lower case."""
    folder, _unused, own = name.removeprefix("./").rpartition("/")
    stem, _unused, rest = own.partition(".")
    return (f"{folder}/{stem}" if folder else stem), rest.lower()


def _sample(shard: str, key: str, members: Mapping[str, bytes], problems: Problems) -> PackedRow:
    where = f"{shard} {key}"
    values: dict[str, str] = {}
    files = {}
    for suffix, content in members.items():
        last = f".{suffix.rsplit('.', 1)[-1]}"
        if last in IMAGE_SUFFIXES or last in RECORDING_SUFFIXES:
            files[suffix] = PackedFile(f"{key}.{suffix}", content)
        elif last == ".json":
            values.update(_json_values(content, where, problems))
        elif last in TEXT_SUFFIXES:
            values["caption"] = content.decode("utf-8", "replace").strip()
    values.setdefault("utterance_id", key)
    return PackedRow(where, values, files)


def _json_values(content: bytes, where: str, problems: Problems) -> dict[str, str]:
    try:
        entry = plain_json.loads_object(content)
    except ValueError as error:
        problems.add("malformed", f"{where}: its JSON cannot be read ({error})")
        return {}
    return {name: str(value) for name, value in entry.items()
            if isinstance(value, str | int | float) and not isinstance(value, bool)}
