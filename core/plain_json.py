"""The one reader of JSON from files that others may have written, damaged or made to do harm."""

import json
from pathlib import Path
from typing import Any

LARGEST = 64 << 20  # bytes of a file, unless its reader allows more
DEEPEST = 64  # levels of brackets


class DamagedJsonError(ValueError):
    """A text that is no JSON, or JSON that this program never writes."""


def loads(text: str | bytes) -> Any:
    """The value of a JSON text. DamagedJsonError: not JSON, not UTF-8, nested too deeply."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        value = json.loads(text)
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
    """The value of a JSON file of at most `largest` bytes. DamagedJsonError as in `loads`; OSError."""
    with path.open("rb") as file:
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


def _too_deep(value: Any) -> bool:
    """Whether a value is nested more than DEEPEST levels; level by level, so that nothing recurses."""
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level if isinstance(outer, dict | list)
                 for inner in (outer.values() if isinstance(outer, dict) else outer) if isinstance(inner, dict | list)]
        if not level:
            return False
    return True
