"""Escape CSV cells that a spreadsheet would run as formulas."""

from collections.abc import Iterable
from typing import Any

FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run at the start of a cell


def plain_cell(value: Any) -> Any:
    """The value for `csv.writer`: a text that would be taken for a formula gets a "'" in front.

    Numbers stay, and so do signs alone, such as the heading "+-": they are no formula.
    """
    if value is None:
        return ""
    if not (isinstance(value, str) and value.lstrip(" \n").startswith(FORMULAS)):
        return value
    if not any(character.isalnum() for character in value) and not value.startswith(("\t", "\r")):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def plain_cells(values: Iterable[Any]) -> list[Any]:
    """A row of `plain_cell`."""
    return [plain_cell(value) for value in values]
