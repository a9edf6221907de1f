"""The text files of a dataset, read so that one bad line costs that line: lines, JSON, CSV, JSON lines."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import plain_json
from core.datasets.problems import Problems

BOM = b"\xef\xbb\xbf"
UTF16 = (b"\xff\xfe", b"\xfe\xff")
LONGEST_ROW = 20  # lines that one quoted CSV row may span; a stray quote would otherwise swallow the rest of a list


@dataclass(frozen=True, slots=True)
class ListLine:
    """One line that is not blank, without its end. `start` and `length` place it in the file, in bytes."""

    number: int
    text: str
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class ListRow:
    """One row of a table. `where` is "list line 12", for problems."""

    where: str
    values: dict[str, str]


def lines(path: Path, problems: Problems) -> Iterator[ListLine]:
    """The lines of a list. Other encodings, byte order marks, Windows line ends and blank lines are noted, and read."""
    start = 0
    windows = False
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                if number == 1 and raw.startswith(UTF16):
                    problems.add("unreadable_list", f"{path.name}: it is UTF-16; save it as UTF-8")
                    return
                text = _decode(raw, f"{path.name} line {number}", problems)
                windows = windows or text.endswith("\r\n")
                if stripped := text.rstrip("\r\n"):
                    yield from _line(ListLine(number, stripped, start, len(raw)), path.name, problems)
                else:
                    problems.add("blank", f"{path.name} line {number}")
                start += len(raw)
    except OSError as error:
        problems.add("unreadable_list", f"{path.name}: {error.strerror or error}")
    if windows:
        problems.add("crlf", path.name)


def _line(line: ListLine, name: str, problems: Problems) -> Iterator[ListLine]:
    if not line.text.strip():
        problems.add("blank", f"{name} line {line.number}")
    elif "\0" in line.text:
        malformed(problems, name, line.number, "it holds zero bytes")
    else:
        yield line


def malformed(problems: Problems, name: str, number: int, why: str) -> None:
    """Note a line that cannot be understood."""
    problems.add("malformed", f"{name} line {number}: {why}")


def _decode(raw: bytes, where: str, problems: Problems) -> str:
    if raw.startswith(BOM):
        problems.add("bom", where)
        raw = raw[len(BOM):]
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        problems.add("encoding", where)
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def document(path: Path, problems: Problems) -> Any:
    """A whole JSON file; None, and the problem noted, when it cannot be read."""
    try:
        return plain_json.loads(_decode(path.read_bytes(), path.name, problems))
    except (ValueError, RecursionError, OSError) as error:
        problems.add("unreadable_list", f"{path.name}: {_reason(error)}")
        return None


def objects(path: Path, problems: Problems) -> Iterator[tuple[ListLine, dict[str, Any]]]:
    """The objects of a JSON-lines file with the lines they stand on."""
    for line in lines(path, problems):
        try:
            value = plain_json.loads(line.text)
        except (ValueError, RecursionError) as error:
            malformed(problems, path.name, line.number, _reason(error))
            continue
        if isinstance(value, dict):
            yield line, value
        else:
            malformed(problems, path.name, line.number, "it is no JSON object")


def table(path: Path, delimiter: str, problems: Problems) -> Iterator[ListRow]:
    """The rows of a CSV or TSV file by its header's names; rows of another width are noted and left out."""
    cells = _cells(path, delimiter, problems)
    header = [name.strip() for name in next(cells, (0, []))[1]]
    for number, values in cells:
        if len(values) == len(header):
            yield ListRow(f"{path.name} line {number}", dict(zip(header, values, strict=True)))
        else:
            malformed(problems, path.name, number, f"{len(values)} fields in place of {len(header)}")


def header(path: Path, delimiter: str) -> list[str]:
    """The first row of a CSV or TSV file; [] when there is none."""
    return [name.strip() for name in next(_cells(path, delimiter, Problems()), (0, []))[1]]


def _cells(path: Path, delimiter: str, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of each row. A quote that is never closed costs its own line, not those after it."""
    waiting: list[ListLine] = []
    width = 0
    for line in lines(path, problems):
        waiting.append(line)
        fields, is_open = _split("\n".join(part.text for part in waiting), delimiter)
        if is_open and len(waiting) < LONGEST_ROW:
            continue
        if fields and (len(waiting) == 1 or len(fields) == width):
            width = width or len(fields)
            yield waiting[0].number, fields
        else:
            yield from _one_by_one(waiting, path.name, delimiter, problems)
        waiting = []
    yield from _one_by_one(waiting, path.name, delimiter, problems)


def _one_by_one(waiting: list[ListLine], name: str, delimiter: str,
                problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """Each line as a row of its own; those that are none are noted."""
    for line in waiting:
        fields, is_open = _split(line.text, delimiter)
        if fields:
            yield line.number, fields
        else:
            why = "a quotation mark is not closed" if is_open else "its quotation marks do not fit"
            malformed(problems, name, line.number, why)


def _split(text: str, delimiter: str) -> tuple[list[str], bool]:
    """The fields of one row, [] when it is none; and whether a quote is still open at its end."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True)), False
    except csv.Error as error:
        return [], "unexpected end" in str(error)


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"no JSON ({error.msg}, line {error.lineno})"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "no JSON (nested too deeply)" if isinstance(error, RecursionError) else f"no JSON ({error})"
