"""Metrics of ranks: R@1, R@5, R@10, median and mean rank, nDCG@10 and MRR, each with a 95 % interval.

The interval is a bootstrap over pictures: pictures are drawn with their utterances, since the utterances of one picture
are found or missed together. Recall, nDCG and MRR are in percent.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.evaluation.ranks import AT, Ints

DRAWS = 1000
LEVEL = 0.95
SEED = 0
FEWEST = 10  # pictures; the bootstrap over fewer says nothing: over one it gives [100, 100]
NO_INTERVAL = f"No interval below {FEWEST} pictures: redrawing so few says nothing of others."
NONE = (math.nan, math.nan)
AT_ONCE = 2_000_000  # weights of a bootstrap in memory at a time
RANKS = ("median_rank", "mean_rank")  # lower is better; of all others higher is
LATER = ("nDCG@10", "MRR")  # summaries stored by releases up to 1.0 lack them
NAMES = (*(f"R@{at}" for at in AT), *RANKS, *LATER)
MEDIAN = NAMES.index("median_rank")

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gains:
    """nDCG@10 and reciprocal rank of each query, (q,) each, 0..1."""

    ndcg: Numbers
    reciprocal: Numbers

    @classmethod
    def of_ranks(cls, ranks: Ints) -> "Gains":
        """Gains of queries with one right item each, from its ranks (q,); 0 where the rank is 0."""
        counted = np.maximum(ranks, 1).astype(np.float64)
        return cls(np.where((ranks > 0) & (ranks <= AT[-1]), 1 / np.log2(counted + 1), 0),
                   np.where(ranks > 0, 1 / counted, 0))


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
    """One direction: figures by name (`NAMES`), over `queries` queries. All 0 without any.

    Figures of `LATER` are NaN where an earlier release stored the evaluation and its ranks cannot be read.
    """

    figures: Mapping[str, Figure]
    queries: int

    def __getitem__(self, name: str) -> Figure:
        return self.figures[name]

    @property
    def is_complete(self) -> bool:
        """Whether no figure is missing."""
        return not any(math.isnan(figure.value) for figure in self.figures.values())

    def completed(self, computed: "Metrics") -> "Metrics":
        """These metrics with the figures of `LATER` from others of the same queries."""
        return Metrics({**self.figures, **{name: computed[name] for name in LATER}}, self.queries)

    def to_json(self) -> dict[str, Any]:
        """A plain dict for `from_json`: figures by name, their intervals, queries."""
        return {**{name: None if math.isnan(figure.value) else round(figure.value, 4)
                   for name, figure in self.figures.items()}, "queries": self.queries,
                "interval": {name: [round(figure.low, 4), round(figure.high, 4)] if figure.has_interval else None
                             for name, figure in self.figures.items()}}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Metrics":
        """The metrics of `to_json`. KeyError when damaged."""
        interval = values["interval"]
        figures = {name: Figure(values[name], *(interval[name] or NONE)) for name in NAMES if name not in LATER}
        for name in LATER:
            value = values.get(name)
            figures[name] = Figure(math.nan if value is None else value, *(interval.get(name) or NONE))
        return cls(figures, values["queries"])


def metrics(ranks: Ints, group: Ints, gains: Gains | None = None, draws: int = DRAWS, seed: int = SEED) -> Metrics:
    """Metrics of ranks (q,) from 1, 0 counting for nothing; `group` (q,) is the row of each query's picture.

    `gains` are those of the same queries; by default each has one right item.
    """
    counted = ranks > 0
    counted_ranks, group = ranks[counted], group[counted]
    if not len(counted_ranks):
        return Metrics(dict.fromkeys(NAMES, Figure(0.0, 0.0, 0.0)), 0)
    values = query_values(ranks, gains or Gains.of_ranks(ranks))[counted]
    whole = values.mean(axis=0)
    whole[MEDIAN] = np.median(counted_ranks)
    if len(np.unique(group)) < FEWEST:
        low = high = [NONE[0]] * len(NAMES)
    else:
        drawn = np.concatenate([draw_figures(values, weights) for weights in draw_weights(group, draws, seed)])
        low, high = interval(drawn)
    return Metrics({name: Figure(*numbers) for name, *numbers in zip(NAMES, whole.tolist(), low, high, strict=True)},
                   len(counted_ranks))


def query_values(ranks: Ints, gains: Gains) -> Numbers:
    """Each query's share in each figure, (q, figures): hits, nDCG and reciprocal rank times 100, and twice the rank."""
    return np.stack([*(100.0 * (ranks <= at) for at in AT), ranks, ranks, 100 * gains.ndcg, 100 * gains.reciprocal],
                    axis=1)


def interval(drawn: Numbers) -> tuple[list[float], list[float]]:
    """Lower and upper ends of the 95 % intervals of figures (draws, figures)."""
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(drawn, [tail, 100 - tail], axis=0)
    return low.tolist(), high.tolist()


def draw_weights(group: Ints, draws: int, seed: int) -> Iterator[Numbers]:
    """Counts of each query in each bootstrap draw, (some draws, q), block by block."""
    _, place = np.unique(group, return_inverse=True)
    pictures, draw = int(place.max()) + 1, np.random.default_rng(seed)
    block = max(1, AT_ONCE // len(group))
    for start in range(0, draws, block):
        size = min(block, draws - start)
        times = draw.multinomial(pictures, np.full(pictures, 1 / pictures), size)
        yield times[:, place].astype(np.float64)


def draw_figures(values: Numbers, weights: Numbers) -> Numbers:
    """The figures of `NAMES` in each draw, (draws, figures), from `query_values` (q, figures)."""
    total = weights.sum(axis=1)
    figures: Numbers = weights @ values / total[:, None]
    order = np.argsort(values[:, MEDIAN], kind="stable")
    reached = np.cumsum(weights[:, order], axis=1)
    figures[:, MEDIAN] = values[order, MEDIAN][np.argmax(reached >= total[:, None] / 2, axis=1)]
    return figures
