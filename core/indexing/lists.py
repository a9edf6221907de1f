"""Lists of pictures in CSV files as they come out of spreadsheets and scripts: read with the standard library alone.

Comma, semicolon, tab or bar; UTF-8, UTF-16 or Western European; with a line of names or without. The column of the
paths is the one that was asked for, one that is called so, the only one, or the one whose values end as pictures do.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import PurePosixPath
from typing import BinaryIO

from core.images import IMAGE_SUFFIXES
from core.localisation import _

COLUMNS = ("path", "paths", "file", "filepath", "file_path", "filename", "file_name", "image", "image_path", "url",
           "uri", "key")
DELIMITERS = (",", ";", "\t", "|")
LOOKED_AT = 1 << 16  # bytes that tell how the text is written
ROWS = 50  # that tell which column holds paths


class ListError(ValueError):
    """Problem of a list, as the end of a sentence that begins with its name."""


@dataclass(frozen=True)
class CsvFormat:
    """Format of a list: encoding, delimiter, the names of its columns (none: no line of names), the path column.
    """

    encoding: str
    delimiter: str
    names: tuple[str, ...]
    paths: int


def rows(file: BinaryIO, column: str = "") -> Iterator[tuple[str, Mapping[str, str]]]:
    """Each line's path, and its other values by name. ListError."""
    start = file.read(LOOKED_AT)
    file.seek(0)
    layout = _format(start, column)
    text = TextIOWrapper(file, layout.encoding, errors="surrogateescape", newline="")
    try:
        reader = csv.reader(text, delimiter=layout.delimiter)
        for row in islice(reader, 1 if layout.names else 0, None):
            if len(row) > layout.paths:
                yield row[layout.paths], dict(zip((name.lower() for name in layout.names), row, strict=False))
    except (csv.Error, UnicodeError) as error:
        raise ListError(_("cannot be read as one: it is damaged, or of another kind")) from error
    finally:
        with suppress(ValueError):  # whoever reads gave up and has closed the file
            text.detach()


def path_column(names: Sequence[str], column: str) -> int:
    """Index of the column of paths, by its name; -1 when there is none. ListError when `column` is missing."""
    lowered = [name.strip().lower() for name in names]
    if column:
        if column.strip().lower() in lowered:
            return names.index(column) if column in names else lowered.index(column.strip().lower())
        raise ListError(_("has no column {column!r}; it has {names}").format(column=column, names=", ".join(names)))
    return next((place for place, name in enumerate(lowered) if name in COLUMNS), 0 if len(names) == 1 else -1)


def _format(start: bytes, column: str) -> CsvFormat:
    encoding = _encoding(start)
    text = start.decode(encoding, "replace")
    if not text.strip() or "\0" in text:
        raise ListError(_("cannot be read as one: it is empty") if not text.strip() else
                             _("cannot be read as one: it is damaged, or of another kind"))
    lines = text.splitlines()[:ROWS] if len(start) < LOOKED_AT else text.splitlines()[:-1][:ROWS]
    tables = {delimiter: _parsed(lines, delimiter) for delimiter in DELIMITERS}
    delimiter = _delimiter(tables, column)
    table = tables[delimiter]
    names = tuple(name.strip() for name in table[0])
    if any(map(_like_picture, names)):  # no line of names
        if column:
            raise ListError(_("has no line with the names of its columns, so none is called {column!r}").format(
                column=column))
        return CsvFormat(encoding, delimiter, (), _by_values(table))
    at = path_column(names, column)
    if at < 0:
        at = _by_values(table[1:])
    if at < 0:
        raise ListError(_("has no column of paths that could be told by its name; it has {names}. Name one with "
                          "--column").format(names=", ".join(names)))
    return CsvFormat(encoding, delimiter, names, at)


def _encoding(start: bytes) -> str:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if max(even, odd) > len(start) / 8:  # UTF-16 without its mark: every other byte of a path is zero
        return "utf-16-le" if odd > even else "utf-16-be"
    cut = start.rpartition(b"\n")[0] or start
    try:
        cut.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "cp1252" if not set(cut) & {0x81, 0x8D, 0x8F, 0x90, 0x9D} else "latin-1"
    return "utf-8-sig"


def _parsed(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(lines, delimiter=delimiter) if row] or [[""]]
    except csv.Error:
        return [[""]]


def _delimiter(tables: Mapping[str, list[list[str]]], column: str) -> str:
    """The delimiter with which the first line names a column of paths, else the one that gives most equal lines."""
    wanted = (column.strip().lower(),) if column else COLUMNS
    for delimiter, table in tables.items():
        if any(name.strip().lower() in wanted for name in table[0]):
            return delimiter
    return max(tables, key=lambda delimiter: sum(len(row) == len(tables[delimiter][0]) for row in tables[delimiter]) *
               (len(tables[delimiter][0]) > 1))


def _by_values(table: Sequence[Sequence[str]]) -> int:
    """The column most of whose values end as pictures do; -1 when there is none."""
    counts = [sum(len(row) > place and _like_picture(row[place]) for row in table)
              for place in range(max(map(len, table), default=0))]
    best = max(counts, default=0)
    return counts.index(best) if best * 2 > len(table) else -1


def _like_picture(text: str) -> bool:
    return PurePosixPath(text.strip().replace("\\", "/")).suffix.lower() in IMAGE_SUFFIXES


def windows_paths(path: str) -> Iterator[str]:
    """Candidates for a Windows path, relative to the list's folder: all of it, then its last steps alone."""
    if "\\" in path:
        steps = [step for step in path.replace("\\", "/").split("/") if step not in ("", ".")]
        starts = range(1, len(steps)) if ":" in path[:3] or path.startswith("\\\\") else chain((0,))
        for start in starts:
            yield "/".join(steps[start:])
