"""Metrics of ranks: R@1, R@5, R@10, median and mean rank, each with a 95 % interval.

The interval is a bootstrap over pictures: pictures are drawn with their utterances, since the utterances of one picture
are found or missed together. Figures of recall are in percent.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.evaluation.ranks import AT, Ints, recall

DRAWS = 1000
LEVEL = 0.95
SEED = 0
FEWEST = 10  # pictures; the bootstrap over fewer says nothing: over one it gives [100, 100]
NO_INTERVAL = f"No interval below {FEWEST} pictures: redrawing so few says nothing of others."
NONE = (math.nan, math.nan)
AT_ONCE = 2_000_000  # weights of a bootstrap in memory at a time
NAMES = (*(f"R@{at}" for at in AT), "median_rank", "mean_rank")

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A figure and its 95 % interval; `low` and `high` are NaN where there are too few pictures for one."""

    value: float
    low: float
    high: float

    @property
    def has_interval(self) -> bool:
        """Whether an interval is given: it needs `FEWEST` pictures."""
        return math.isfinite(self.low)


@dataclass(frozen=True)
class Metrics:
    """One direction: figures by name (`NAMES`; recall in percent), over `queries` queries. All 0 without any."""

    figures: Mapping[str, Figure]
    queries: int

    def __getitem__(self, name: str) -> Figure:
        return self.figures[name]

    def to_json(self) -> dict[str, Any]:
        """A plain dict for `from_json`: figures by name, their intervals, queries."""
        return {**{name: round(figure.value, 4) for name, figure in self.figures.items()}, "queries": self.queries,
                "interval": {name: [round(figure.low, 4), round(figure.high, 4)] if figure.has_interval else None
                             for name, figure in self.figures.items()}}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Metrics":
        """The metrics of `to_json`. KeyError when damaged."""
        return cls({name: Figure(values[name], *(values["interval"][name] or NONE)) for name in NAMES},
                   values["queries"])


def metrics(ranks: Ints, group: Ints, draws: int = DRAWS, seed: int = SEED) -> Metrics:
    """Metrics of ranks (q,) from 1, 0 counting for nothing; `group` (q,) is the row of each query's picture."""
    counted = ranks > 0
    counted_ranks, group = ranks[counted], group[counted]
    if not len(counted_ranks):
        return Metrics(dict.fromkeys(NAMES, Figure(0.0, 0.0, 0.0)), 0)
    values = [*(100 * recall(counted_ranks, at) for at in AT), float(np.median(counted_ranks)),
              float(np.mean(counted_ranks))]
    few = len(np.unique(group)) < FEWEST
    low, high = ([NONE[0]] * len(NAMES),) * 2 if few else _interval(counted_ranks, group, draws, seed)
    return Metrics({name: Figure(*numbers) for name, *numbers in zip(NAMES, values, low, high, strict=True)},
                   len(counted_ranks))


def _interval(ranks: Ints, group: Ints, draws: int, seed: int) -> tuple[list[float], list[float]]:
    """Lower and upper ends of the intervals of `NAMES`."""
    drawn = np.concatenate([_drawn(ranks, weights) for weights in _weights(group, draws, seed)])
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(drawn, [tail, 100 - tail], axis=0)
    return low.tolist(), high.tolist()


def _weights(group: Ints, draws: int, seed: int) -> Iterator[Numbers]:
    """Counts of each query in each bootstrap draw, (some draws, q), block by block."""
    _, place = np.unique(group, return_inverse=True)
    pictures, draw = int(place.max()) + 1, np.random.default_rng(seed)
    block = max(1, AT_ONCE // len(group))
    for start in range(0, draws, block):
        size = min(block, draws - start)
        times = draw.multinomial(pictures, np.full(pictures, 1 / pictures), size)
        yield times[:, place].astype(np.float64)


def _drawn(ranks: Ints, weights: Numbers) -> Numbers:
    """The figures of `NAMES` in each draw: (draws, 5)."""
    total = weights.sum(axis=1)
    recalls = [100 * weights @ (ranks <= at) / total for at in AT]
    order = np.argsort(ranks, kind="stable")
    reached = np.cumsum(weights[:, order], axis=1)
    median = ranks[order][np.argmax(reached >= total[:, None] / 2, axis=1)]
    return np.stack([*recalls, median, weights @ ranks / total], axis=1)
