"""Linear probe: logistic regression on standardised vectors, its settings chosen among the training speakers alone.

Vectors are longer than there are recordings: all is computed in the space that the recordings span, which gives the
same function of the vectors in a fraction of the time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.emotion.layer_cache import Floats
from core.progress import Progress, Report, WorkStep, silent

STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)  # scikit-learn's C: less is simpler
INNER_FOLDS = 6
BETTER = 0.01  # accuracy: vectors that come later in the list must be better by so much, or chance would choose
ROUGH = 200  # directions that settings are chosen in; the probe itself is fitted in all of them
EVEN = 1e-6  # of the largest variance: less is rounding
SAME = 1e-5  # of the largest number in the vectors: what differs by less is rounding
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LinearProbe:
    """log odds = x @ weights.T + bias: `weights` (classes, d), `bias` (classes,); a class not learned has bias -inf."""

    weights: Floats
    bias: Floats

    def predict_proba(self, vectors: Floats) -> Floats:
        """(n, classes) of (n, d), in 0..1, each row summing to 1."""
        odds = vectors @ self.weights.T + self.bias
        powers = np.exp(odds - odds.max(axis=1, keepdims=True))
        shares: Floats = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
        return shares


@dataclass(frozen=True)
class ProbeSettings:
    """Chosen settings: the name of the vectors, scikit-learn's C, and the accuracy (0..1) that decided."""

    view: str
    strength: float
    accuracy: float

    def __str__(self) -> str:
        return f"{self.view}; C = {self.strength:g}"


@dataclass(frozen=True, eq=False)
class _Space:
    """Standardised vectors in the space they span: `points` (n, r), largest variance first; `basis` (d, r)."""

    mean: Floats
    scale: Floats
    points: Floats
    basis: Floats


def choose(views: Mapping[str, Floats], labels: Labels, groups: Sequence[int],
           report: Report = silent) -> ProbeSettings:
    """The vectors and the strength that tell held-out groups (speakers) apart best, of vectors (n, d) by name.

    `labels` (n,) class numbers. With one group alone nothing can be held out: the first vectors, a middle strength.
    Vectors that are all the same are not chosen.
    """
    inner = inner_folds(labels, groups)
    best = ProbeSettings(next(iter(views)), STRENGTHS[len(STRENGTHS) // 2], 0.0)
    for number, (name, vectors) in enumerate(views.items() if inner else ()):
        if not differ(vectors):
            continue
        points = _space(vectors).points[:, :ROUGH]
        for strength in STRENGTHS:
            report(Progress(WorkStep.CHOOSING_LAYERS, number, len(views)))
            right = [_fitted(points[train], labels[train], strength).predict(points[test]) == labels[test]
                     for train, test in inner]
            accuracy = float(np.concatenate(right).mean())
            if accuracy > best.accuracy + (BETTER if name != best.view else 0):
                best = ProbeSettings(name, strength, accuracy)
    return best


def fit(vectors: Floats, labels: Labels, classes: int, strength: float) -> LinearProbe:
    """The probe learned from vectors (n, d) with class numbers (n,) out of `classes`.

    Where there is nothing to learn, one class alone or vectors that are all the same, it gives the classes' shares.
    """
    if len(set(labels.tolist())) < 2 or not differ(vectors):
        return _shares_alone(vectors.shape[1], labels, classes)
    space = _space(vectors)
    model = _fitted(space.points, labels, strength)
    classes_there, coefficients, intercepts = model.classes_, model.coef_, model.intercept_
    if len(classes_there) == 2:  # scikit-learn then keeps the second class' odds alone
        coefficients, intercepts = np.concatenate([-coefficients, coefficients]) / 2, np.array([-1, 1]) * intercepts / 2
    weights = np.zeros((classes, vectors.shape[1]), np.float32)
    bias = np.full(classes, -np.inf, np.float32)
    weights[classes_there] = (coefficients @ space.basis.T) / space.scale
    bias[classes_there] = intercepts - weights[classes_there] @ space.mean
    return LinearProbe(weights, bias)


def differ(vectors: Floats) -> bool:
    """Whether vectors (n, d) differ from each other by more than rounding."""
    return bool(np.ptp(vectors, axis=0).max() > SAME * np.abs(vectors).max())


def _shares_alone(width: int, labels: Labels, classes: int) -> LinearProbe:
    """Logistic regression where no vector tells anything: the logarithm of each class' share."""
    counts = np.bincount(labels, minlength=classes)
    with np.errstate(divide="ignore"):
        bias = np.log(counts / counts.sum()).astype(np.float32)
    return LinearProbe(np.zeros((classes, width), np.float32), bias)


def inner_folds(labels: Labels, groups: Sequence[int], most: int = INNER_FOLDS) -> list[tuple[Labels, Labels]]:
    """Places to learn from and to try, each group (speaker) held out once; () with one group alone."""
    from sklearn.model_selection import GroupKFold

    number = min(most, len(set(groups)))
    if number < 2:
        return []
    parts = GroupKFold(number).split(labels[:, None], labels, groups)
    return [(train, test) for train, test in parts if len(set(labels[train])) > 1]


def _fitted(points: Floats, labels: Labels, strength: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, max_iter=300, tol=1e-3).fit(points, labels)


def _space(vectors: Floats) -> _Space:
    mean = vectors.mean(axis=0)
    scale = vectors.std(axis=0)
    scale = np.where(scale > EVEN, scale, 1).astype(np.float32)
    even = (vectors - mean) / scale
    if even.shape[0] >= even.shape[1]:
        power, axes = np.linalg.eigh((even.T @ even).astype(np.float64))
        basis = axes[:, power > EVEN * power[-1]][:, ::-1]
    else:
        power, sides = np.linalg.eigh((even @ even.T).astype(np.float64))
        strong = power > EVEN * max(power[-1], EVEN)
        basis = (even.T @ (sides[:, strong] / np.sqrt(power[strong])))[:, ::-1]
    basis = np.ascontiguousarray(basis, np.float32)
    return _Space(mean, scale, even @ basis, basis)
