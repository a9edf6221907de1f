"""The one reader of JSON from files that others may have written, damaged or made to do harm."""

import errno
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

LARGEST = 64 << 20  # bytes of a file, unless its reader allows more
DEEPEST = 64  # levels of brackets
LARGEST_NUMBER = 2**63  # of whole numbers in records
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"  # some editors put it before a text
DAMAGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)  # of JSON that is another's or damaged

Record = TypeVar("Record")


class DamagedJsonError(ValueError):
    """A text that is no JSON, or JSON that this program never writes."""


def loads(text: str | bytes) -> Any:
    """The value of a JSON text. DamagedJsonError: not JSON, not UTF-8, nested too deeply."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        value = json.loads(text.removeprefix(BOM))
    except RecursionError:
        raise DamagedJsonError(f"It is nested more than {DEEPEST} levels deep.") from None
    except ValueError as error:
        raise DamagedJsonError(str(error)) from error
    if _too_deep(value):
        raise DamagedJsonError(f"It is nested more than {DEEPEST} levels deep.")
    return value


def loads_object(text: str | bytes) -> dict[str, Any]:
    """The object of a JSON text. DamagedJsonError as in `loads`, and for any other value."""
    value = loads(text)
    if not isinstance(value, dict):
        raise DamagedJsonError("It is not a JSON object.")
    return value


def read(path: Path, largest: int = LARGEST) -> Any:
    """The value of a JSON file of at most `largest` bytes. DamagedJsonError as in `loads`, and for a pipe; OSError."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:  # noqa: PTH123  (a pipe would be waited for)
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise DamagedJsonError("It is a pipe or a device, not a file.")
        content = file.read(largest + 1)
    if len(content) > largest:
        raise DamagedJsonError(f"It has more than {largest >> 20} MB.")
    return loads(content)


def read_object(path: Path, largest: int = LARGEST) -> dict[str, Any]:
    """The object of a JSON file. DamagedJsonError as in `loads_object`; OSError."""
    value = read(path, largest)
    if not isinstance(value, dict):
        raise DamagedJsonError("It is not a JSON object.")
    return value


def checked(record: Record) -> Record:
    """The record as it is, when all its fields hold what their types say, at any depth; else DamagedJsonError."""
    kind: Any = type(record)
    for name, inside in _hints(kind).items():
        if not _fits(getattr(record, name), inside):
            raise DamagedJsonError(f"Its {name} is of another kind.")
    return record


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value is of a kind: plain types, records, tuples, mappings, and unions of them; others always do."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is Literal:
        return value in inner
    if origin is tuple:
        kinds = inner[:1] * len(value) if inner[1:] == (...,) and isinstance(value, tuple) else inner
        return isinstance(value, tuple) and len(kinds) == len(value) and all(map(_fits, value, kinds))
    if origin in (dict, Mapping):
        return isinstance(value, Mapping) and all(_fits(key, inner[0]) and _fits(one, inner[1])
                                                  for key, one in value.items())
    if kind in (int, float):
        whole = type(value) is int and abs(value) < LARGEST_NUMBER
        return whole or (kind is float and type(value) is float)
    if kind is Any or not isinstance(kind, type):
        return True
    return isinstance(value, kind) and (not is_dataclass(kind) or all(
        _fits(getattr(value, name), inside) for name, inside in _hints(kind).items()))


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    """The types of a record's fields."""
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind)}


def _too_deep(value: Any) -> bool:
    """Whether a value is nested more than DEEPEST levels; level by level, so that nothing recurses."""
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level if isinstance(outer, dict | list)
                 for inner in (outer.values() if isinstance(outer, dict) else outer) if isinstance(inner, dict | list)]
        if not level:
            return False
    return True
