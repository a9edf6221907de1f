"""Place in a grid of pictures: what was at the top, current and selected."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

MOST_SELECTED = 1000  # ids that are kept for another start


@dataclass(frozen=True)
class GridPlace:
    """Where a grid was left: the picture at the top, how far it was scrolled past (px), the current and selected ones,
    all by id, -1 for none; and the scroll value, for when the first is gone. `weak`: folded hits were shown.
    """

    top: int
    offset: int
    current: int
    selected: tuple[int, ...]
    value: int
    weak: bool = False

    def to_json(self) -> dict[str, Any]:
        """A plain dict for `from_json`, with the first MOST_SELECTED of the selected ones."""
        return asdict(self) | {"selected": list(self.selected[:MOST_SELECTED])}

    @classmethod
    def from_json(cls, values: object) -> "GridPlace | None":
        """The place of `to_json`; None for anything else."""
        if not isinstance(values, Mapping):
            return None
        try:
            numbers = {key: int(values[key]) for key in ("top", "offset", "current", "value")}
            return cls(**numbers, selected=tuple(map(int, values["selected"])), weak=bool(values["weak"]))
        except (KeyError, TypeError, ValueError):
            return None
