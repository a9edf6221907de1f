"""Paired comparison of two evaluations on the same queries: differences, 95 % intervals and p-values.

Both are over pictures, with all queries of a picture together: the bootstrap draws pictures once for both evaluations,
the permutation test exchanges the two evaluations within pictures at random. With few pictures all exchanges are tried.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from core.errors import EvaluationError
from core.evaluation.archive import Evaluation
from core.evaluation.metrics import (
    AT_ONCE,
    DRAWS,
    FEWEST,
    LEVEL,
    MEDIAN,
    NAMES,
    NONE,
    RANKS,
    SEED,
    Figure,
    Gains,
    Numbers,
    draw_figures,
    draw_weights,
    interval,
    query_values,
)
from core.evaluation.ranks import Ints
from core.evaluation.records import DIRECTION_TITLES, DIRECTIONS, Direction, EvaluationRecord
from core.localisation import _
from core.progress import Progress, Report, WorkStep, silent

PERMUTATIONS = 10_000
ALPHA = 1 - LEVEL
TINY = 1e-9  # relative: sums this close are equal
NOT_CORRECTED = ("Each p-value is of its figure alone: among fourteen, one below 0.05 is to be expected now and then "
                 "without any difference.")


@dataclass(frozen=True)
class PairedDifference:
    """One figure of both evaluations. `difference` is the second minus the first with its 95 % interval.

    `p` is two-sided, of the hypothesis that the two do not differ. Interval and `p` are NaN below `FEWEST` pictures.
    """

    name: str
    first: float
    second: float
    difference: Figure
    p: float

    @property
    def better(self) -> int:
        """Which is better at the 5 % level: 1, 2, or 0 where no difference is shown."""
        if not self.p < ALPHA or not self.difference.value:
            return 0
        return 2 if (self.difference.value > 0) != (self.name in RANKS) else 1

    @property
    def interval_text(self) -> str:
        """The interval as "+0.2 to +5.1"; "-" without one."""
        return f"{self.difference.low:+.1f} to {self.difference.high:+.1f}" if self.difference.has_interval else "-"

    @property
    def p_text(self) -> str:
        """The p-value in three digits, "< 0.001" below; "-" without one."""
        if not self.difference.has_interval:
            return "-"
        return f"{self.p:.3f}" if self.p >= 0.001 else "< 0.001"


@dataclass(frozen=True)
class Comparison:
    """Two evaluations with the differences of all figures, both ways; `pictures` counts those that were asked for."""

    first: EvaluationRecord
    second: EvaluationRecord
    pictures: int
    differences: Mapping[Direction, tuple[PairedDifference, ...]]

    def sentence(self, direction: Direction, difference: PairedDifference) -> str:
        """The outcome of one figure in plain words."""
        name = f"{DIRECTION_TITLES[direction]}, {difference.name.replace('_', ' ')}"
        if not difference.difference.has_interval:
            return f"{name}: too few pictures to tell."
        if not difference.better:
            return f"{name}: no difference is shown."
        better = (self.first, self.second)[difference.better - 1]
        unit = "places" if difference.name in RANKS else "points"
        return (f"{name}: evaluation {better.id} ({better.setup.model}) is better by "
                f"{abs(difference.difference.value):.1f} {unit}.")


def compare(first: Evaluation, second: Evaluation, draws: int = DRAWS, permutations: int = PERMUTATIONS,
            seed: int = SEED, report: Report = silent) -> Comparison:
    """Compare two evaluations. EvaluationError ("not_paired"): their queries differ."""
    _check(first, second)
    differences = {direction: _differences(
        first.ranks(direction), first.gains[direction], second.ranks(direction), second.gains[direction],
        first.groups(direction), draws, permutations, seed, report) for direction in DIRECTIONS}
    return Comparison(first.record, second.record, len(first.pictures), differences)


def _check(first: Evaluation, second: Evaluation) -> None:
    for kind, ids, others in (
            ("pictures", *([picture.image_id for picture in one.pictures] for one in (first, second))),
            ("utterances", *([(spoken.utterance_id, spoken.picture) for spoken in one.utterances]
                             for one in (first, second)))):
        if ids != others:
            raise _not_paired(first, second, f"{len(set(ids) & set(others))} {kind} are in both, of {len(ids)} and "
                              f"{len(others)}, or their order differs")
    for direction in DIRECTIONS:
        left, right = (int(np.count_nonzero(one.ranks(direction) > 0)) for one in (first, second))
        if ((first.ranks(direction) > 0) != (second.ranks(direction) > 0)).any():
            raise _not_paired(first, second, f"one leaves out unreadable files ({left} and {right} queries count)")


def _not_paired(first: Evaluation, second: Evaluation, why: str) -> EvaluationError:
    titles = " and ".join(f"{one.record.id} ({one.record.setup.title})" for one in (first, second))
    return EvaluationError(_("The evaluations {titles} have different queries: {why}. Nothing was compared. Evaluate "
                             "both models on the same split with the same options.").format(titles=titles, why=why),
                           "not_paired")


def _differences(ranks: Ints, gains: Gains, other_ranks: Ints, other_gains: Gains, group: Ints, draws: int,
                 permutations: int, seed: int, report: Report) -> tuple[PairedDifference, ...]:
    counted = ranks > 0
    first, second = (query_values(*pair)[counted] for pair in ((ranks, gains), (other_ranks, other_gains)))
    _unused, place = np.unique(group[counted], return_inverse=True)
    if not len(place):
        return tuple(PairedDifference(name, 0.0, 0.0, Figure(0.0, *NONE), NONE[0]) for name in NAMES)
    figures = _figures(first), _figures(second)
    whole = figures[1] - figures[0]
    low = high = probabilities = [NONE[0]] * len(NAMES)
    if place.max() + 1 >= FEWEST:
        drawn = []
        for weights in draw_weights(group[counted], draws, seed):
            report(Progress(WorkStep.COMPARING_EVALUATIONS))
            drawn.append(draw_figures(second, weights) - draw_figures(first, weights))
        low, high = interval(np.concatenate(drawn))
        probabilities = p_values(first, second, place, permutations, seed, report)
    return tuple(PairedDifference(name, before, after, Figure(*numbers), p) for name, before, after, numbers, p in zip(
        NAMES, *(one.tolist() for one in figures), zip(whole.tolist(), low, high, strict=True), probabilities,
        strict=True))


def _figures(values: Numbers) -> Numbers:
    figures: Numbers = values.mean(axis=0)
    figures[MEDIAN] = np.median(values[:, MEDIAN])
    return figures


def p_values(first: Numbers, second: Numbers, place: Ints, permutations: int = PERMUTATIONS, seed: int = SEED,
             report: Report = silent) -> list[float]:
    """Two-sided p-values of the figures of `NAMES`, from `query_values` (q, figures); `place` (q,) numbers pictures.

    (1 + as extreme) / (1 + tried); over all exchanges, where they are at most `permutations`, the exact share.
    """
    pictures = int(place.max()) + 1
    sums = np.zeros((pictures, len(NAMES)))
    np.add.at(sums, place, second - first)
    ranks, others = first[:, MEDIAN], second[:, MEDIAN]
    observed = np.abs(sums.sum(axis=0))
    observed[MEDIAN] = abs(np.median(others) - np.median(ranks))
    least = observed - TINY * np.maximum(observed, 1)
    extreme, exact = np.zeros(len(NAMES), int), 2**pictures <= permutations if pictures < 60 else False
    for kept in _exchanges(pictures, 2**pictures if exact else permutations, exact, seed, len(place)):
        report(Progress(WorkStep.COMPARING_EVALUATIONS))
        found = np.abs(np.where(kept, 1.0, -1.0) @ sums)
        swapped = kept[:, place]
        found[:, MEDIAN] = np.abs(np.median(np.where(swapped, others, ranks), axis=1)
                                  - np.median(np.where(swapped, ranks, others), axis=1))
        extreme += (found >= least).sum(axis=0)
    tried = 2**pictures if exact else permutations
    p: list[float] = (extreme / tried if exact else (1 + extreme) / (1 + tried)).tolist()
    return p


def _exchanges(pictures: int, count: int, exact: bool, seed: int, queries: int
               ) -> "Iterator[np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]":
    """Which pictures keep their evaluations, (some of `count`, pictures): all possibilities, or drawn at random."""
    draw, block = np.random.default_rng(seed), max(1, AT_ONCE // queries)
    for start in range(0, count, block):
        size = min(block, count - start)
        if exact:
            yield (np.arange(start, start + size)[:, None] >> np.arange(pictures)) & 1 > 0
        else:
            yield draw.random((size, pictures)) < 0.5
