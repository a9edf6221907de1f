"""Groupings of a map's points, one of which gives their colours."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.localisation import _

MOST_GROUPS = 10  # that have a colour and a number of their own
OTHERS, NOTHING = _("Others"), -1
WORD_ERRORS = (0.0, 0.25, 0.5)  # upper bounds of the word error rate
WORD_ERROR_NAMES = (_("No word errors"), _("Up to 25 % errors"), _("Up to 50 % errors"), _("More than 50 % errors"))


@dataclass(frozen=True, eq=False)
class Grouping:
    """Groups of points: `group_of` (n,) int16 gives the place in `names`, `NOTHING` where a point is in none.

    `note` says where the groups are from.
    """

    key: str
    title: str
    names: tuple[str, ...]
    group_of: NDArray[np.int16]
    note: str = ""

    def counts(self) -> NDArray[np.int64]:
        """Number of points of each group."""
        return np.bincount(self.group_of[self.group_of != NOTHING], minlength=len(self.names))


def group(key: str, title: str, labels: Sequence[str], order: Sequence[str] = (), note: str = "") -> Grouping | None:
    """Grouping by labels, one a point ("": in no group); None where all points are alike.

    Groups stand in `order`, else by size, largest first; the smallest beyond `MOST_GROUPS` are one group (`OTHERS`).
    """
    counts = Counter(label for label in labels if label)
    if len(counts) + (counts.total() < len(labels)) < 2:
        return None
    names = [name for name in order if name in counts] or [name for name, _unused in sorted(
        counts.items(), key=lambda item: (-item[1], item[0]))]
    kept = names if len(names) <= MOST_GROUPS else names[:MOST_GROUPS - 1]
    place: Mapping[str, int] = {name: min(number, len(kept)) for number, name in enumerate(names)}
    of = np.array([place.get(label, NOTHING) for label in labels], np.int16)
    return Grouping(key, title, tuple(kept if len(kept) == len(names) else [*kept, OTHERS]), of, note)


def word_error_name(rate: float | None) -> str:
    """Name of the group of a word error rate; "" where it is not known."""
    return "" if rate is None else WORD_ERROR_NAMES[int(np.searchsorted(WORD_ERRORS, rate))]
