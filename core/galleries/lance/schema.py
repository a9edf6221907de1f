"""Schemas of the tables, and conditions in SQL.

Paths are text here, and a name need not be UTF-8: a byte that is none stands as "\\0" and two hex digits, which no path
holds otherwise.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import dates
from core.store.records import Filter
from core.store.repository import absolute_path, comparison_key, normalized_tag, tag_key

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

FORMAT = 1  # of the tables; a program refuses what is newer than it knows
MARK = "brewclip.gallery"  # the key of FORMAT in the metadata of the table `gallery`
GALLERY, PICTURES, FAILURES, VECTORS = "gallery", "pictures", "failures", "vectors_"
MANY = 5000  # values in one condition
PRESENT = "NOT missing"
RATING = "rating"


def gallery_schema() -> "pa.Schema":
    """Schema of the gallery's one row."""
    import pyarrow as pa

    return pa.schema([
        ("key", pa.int64()), ("uuid", pa.string()), ("created", pa.timestamp("us")), ("folders", pa.list_(pa.string())),
        ("writer", pa.string()), ("changing", pa.bool_()), ("revision", pa.string()), ("next_id", pa.int64()),
    ], metadata={MARK: str(FORMAT)})


def picture_schema() -> "pa.Schema":
    """Schema of images; `tag_keys` are the tags as they are compared, `rating` is null or 0 without one.

    Tables of earlier releases have no column `rating` until an image in them is rated.
    """
    import pyarrow as pa

    return pa.schema([
        ("id", pa.int64()), ("path", pa.string()), ("name", pa.string()), ("content", pa.binary(32)),
        ("size", pa.int64()), ("mtime_ns", pa.int64()), ("missing", pa.bool_()), ("width", pa.int32()),
        ("height", pa.int32()), ("taken", pa.timestamp("us")), ("tags", pa.list_(pa.string())),
        ("tag_keys", pa.list_(pa.string())), (RATING, pa.int8())])


def failure_schema() -> "pa.Schema":
    """Schema of files and folders that could not be read."""
    import pyarrow as pa

    return pa.schema([("path", pa.string()), ("size", pa.int64()), ("mtime_ns", pa.int64()), ("kind", pa.string()),
                      ("reason", pa.string()), ("max_megapixels", pa.float64())])


def vector_schema(dim: int, fingerprint_hash: str = "", description: str = "") -> "pa.Schema":
    """Schema of vectors, with the columns of their images that filters use."""
    import pyarrow as pa

    return pa.schema([
        ("id", pa.int64()), ("content", pa.binary(32)), ("path", pa.string()), ("name", pa.string()),
        ("missing", pa.bool_()), ("taken", pa.timestamp("us")), ("tag_keys", pa.list_(pa.string())),
        ("vector", pa.list_(pa.float32(), dim)), (RATING, pa.int8()),
    ], metadata={"fingerprint": fingerprint_hash, "description": description})


def matrix(column: "pa.ChunkedArray | pa.Array") -> "np.ndarray":
    """A column of vectors as (n, dim) float32."""
    import pyarrow as pa

    dim = column.type.list_size
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    import numpy as np

    parts = [chunk.flatten().to_numpy(zero_copy_only=False).reshape(-1, dim) for chunk in chunks]
    return np.concatenate(parts) if parts else np.empty((0, dim), np.float32)


def path_to_text(path: str) -> str:
    """A file system path as text."""
    if path.isascii():
        return path
    return "".join(f"\0{ord(letter) - 0xDC00:02x}" if 0xDC80 <= ord(letter) <= 0xDCFF else letter for letter in path)


def text_to_path(text: str) -> str:
    """The path of a text of `path_to_text`."""
    return re.sub("\0([0-9a-f]{2})", lambda match: chr(0xDC00 + int(match[1], 16)), text) if "\0" in text else text


def sql_literal(value: str | bytes | datetime) -> str:
    """A value as an SQL literal."""
    if isinstance(value, bytes):
        return f"X'{value.hex()}'"
    if isinstance(value, datetime):
        return f"timestamp '{value:%Y-%m-%d %H:%M:%S.%f}'"
    return "'" + value.replace("'", "''") + "'"


def conditions_in(column: str, values: Iterable[Any]) -> Iterator[str]:
    """Conditions that the column has one of the values; several, since one holds MANY at most."""
    literals = [str(int(value)) if not isinstance(value, str | bytes) else sql_literal(value) for value in values]
    for start in range(0, len(literals), MANY):
        yield f"{column} IN ({', '.join(literals[start:start + MANY])})"


def folder_condition(folder: str, itself: bool = False) -> str:
    """The condition that a path lies in the folder at any depth, or is the folder `itself`."""
    inside = path_to_text(folder).rstrip("/") + "/"
    below = f"path >= {sql_literal(inside)} AND path < {sql_literal(inside[:-1] + chr(ord('/') + 1))}"
    return f"({below}) OR path = {sql_literal(path_to_text(folder))}" if itself else below


def condition(chosen: Filter, rated: bool, changed: bool = False) -> str:
    """The condition of a filter on present images. `rated`: the table has ratings. `changed`: it has the time of change
    of files, which dates what the camera did not; in tables of vectors `taken` is either.
    """
    parts = [PRESENT]
    if chosen.min_rating:
        parts.append(f"{RATING} >= {chosen.min_rating}" if rated else "false")
    if chosen.tag.strip():
        parts.append(f"array_has(tag_keys, {sql_literal(tag_key(normalized_tag(chosen.tag)))})")
    if chosen.folder is not None:
        parts.append(f"({folder_condition(absolute_path(Path(chosen.folder)))})")
    if chosen.name.strip():
        parts.append(f"strpos(name, {sql_literal(comparison_key(chosen.name.strip()))}) > 0")
    for sign, moment in ((">=", chosen.since), ("<", chosen.until)):
        if moment is not None:
            taken = f"taken {sign} {sql_literal(moment)}"
            file = f"(taken IS NULL AND mtime_ns {sign} {dates.epoch_ns(moment)})"
            parts.append(f"({taken} OR {file})" if changed else taken)
    return " AND ".join(parts)
