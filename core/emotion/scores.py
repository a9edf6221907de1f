"""Scores of a confusion matrix: accuracy, unweighted recall, macro F1; and the chance level."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Score:
    """Figures in percent. `uar` (unweighted average recall) counts every class that was tested alike."""

    accuracy: float
    uar: float
    macro_f1: float


@dataclass(frozen=True)
class Leak:
    """Confounds of a feature, accuracy in percent: the speaker (known, in the other sentence), or a new speaker's sex.

    `majority` is what naming the most frequent one would reach, `chance` what drawing one at random would.
    """

    accuracy: float
    majority: float
    chance: float


def confusion(labels: Sequence[int], predicted: Sequence[int], classes: int) -> Counts:
    """(classes, classes) int64: rows what was acted, columns what was heard."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (np.asarray(labels, int), np.asarray(predicted, int)), 1)
    return counts


def score(counts: Counts) -> Score:
    """The figures of a confusion matrix with at least one recording."""
    right, acted, predicted = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    present = acted > 0
    recall = right[present] / acted[present]
    f1 = 2 * right[present] / (acted + predicted)[present]
    return Score(_percent(right.sum() / counts.sum()), _percent(recall.mean()), _percent(f1.mean()))


def mean(scores: Sequence[Score]) -> Score:
    """The mean of n scores."""
    means = [np.mean([getattr(fold_score, name.name) for fold_score in scores]) for name in fields(Score)]
    return Score(*(round(float(value), 2) for value in means))


def majority(labels: Sequence[int]) -> float:
    """The accuracy in percent of always naming the most frequent class."""
    return _percent(np.bincount(np.asarray(labels, int)).max() / len(labels))


def spread(values: Sequence[float]) -> float:
    """The standard deviation of n values, n - 1 in the denominator; 0 of a single one."""
    return round(float(np.std(values, ddof=1)), 2) if len(values) > 1 else 0.0


def _percent(share: float) -> float:
    return round(100 * float(share), 2)
