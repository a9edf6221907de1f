"""Ranks with look-alikes excused: pictures much like the best hit's count as one, as none if the right one is among
them. Where that lets the right item in, the description fits several pictures.

How alike two pictures are is measured within their gallery, since backbones differ in the cosine that two pictures have
anyway: 0 is what half of all pairs reach, 1 the same picture.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.evaluation.ranks import TIED, Floats, Ints, between
from core.progress import Progress, Report, WorkStep, silent

TOLD_EVERY = 64  # queries
ALIKE = 0.65  # of the way from the usual cosine of two pictures to 1: two kitchens, two skiers on a slope
SAMPLE = 500  # pictures that the usual cosine is taken from
HIGHEST = 0.999  # cosine that is alike in any gallery: even one of copies


@dataclass(frozen=True, eq=False)
class NearDuplicateRanks:
    """Ranks (k,) with look-alikes as one; `others` (k,) counts the look-alikes of the best hit besides itself."""

    ranks: Ints
    others: Ints


def level(images: Floats) -> float:
    """The cosine from which on two of these pictures (n, dim), units, are much alike."""
    finite = images[np.isfinite(images).all(axis=1)]
    sample = finite[::max(1, len(finite) // SAMPLE)]
    if len(sample) < 2:
        return HIGHEST
    usual = float(np.median((sample @ sample.T)[np.triu_indices(len(sample), 1)]))
    return min(HIGHEST, usual + ALIKE * (1 - usual))


def to_images(spoken: Floats, images: Floats, own: Ints, report: Report = silent) -> NearDuplicateRanks:
    """For k utterances (k, dim) among pictures (n, dim), whose right ones are `own` (k,); units, as in `ranks`."""
    alike = level(images)
    ranks, others = np.empty(len(spoken), np.int64), np.empty(len(spoken), np.int64)
    for row, (vector, right) in enumerate(zip(spoken, own.tolist(), strict=True)):
        if row % TOLD_EVERY == 0:
            report(Progress(WorkStep.FINDING_NEAR_DUPLICATES, row, len(spoken)))
        scores = between(vector[None], images)[0]
        like = _like(images, _best(scores, np.arange(len(images)) == right), alike)
        ranks[row] = _rank(scores, np.arange(len(images)) == right, float(scores[right]), like, bool(like[right]))
        others[row] = int(like.sum()) - 1 if np.isfinite(scores).any() else 0
    return NearDuplicateRanks(ranks, others)


def to_utterances(shown: Floats, places: Ints, spoken: Floats, image_of: Ints, images: Floats,
                  report: Report = silent) -> NearDuplicateRanks:
    """For k pictures (k, dim), rows `places` of `images` (n, dim), among utterances (m, dim). An utterance
    is a near-duplicate when its picture is.
    """
    alike = level(images)
    ranks, others = np.empty(len(shown), np.int64), np.empty(len(shown), np.int64)
    for row, (vector, place) in enumerate(zip(shown, places.tolist(), strict=True)):
        if row % TOLD_EVERY == 0:
            report(Progress(WorkStep.FINDING_NEAR_DUPLICATES, row, len(shown)))
        scores = between(vector[None], spoken)[0]
        own = image_of == place
        like = _like(images, int(image_of[_best(scores, own)]), alike)
        right = float(np.where(own, scores, -np.inf).max())
        ranks[row] = _rank(scores, own, right, like[image_of], bool(like[place]))
        others[row] = int(like.sum()) - 1 if np.isfinite(scores).any() else 0
    return NearDuplicateRanks(ranks, others)


def _best(scores: Floats, own: NDArray[np.bool_]) -> int:
    """The best item; among equals not the right one."""
    return int(np.argmax(np.where(own, scores - np.float32(TIED), scores)))


def _like(images: Floats, best: int, alike: float) -> NDArray[np.bool_]:
    """Which pictures (n,) are much like that one, itself included."""
    similar: NDArray[np.bool_] = between(images[best][None], images)[0] >= alike
    similar[best] = True
    return similar


def _rank(scores: Floats, own: NDArray[np.bool_], right: float, like: NDArray[np.bool_], among: bool) -> int:
    """The rank of the right items, of which the best scores `right`; `among`: whether it is a look-alike itself."""
    if right == -np.inf:
        return len(scores) + 1
    before = (scores >= right - TIED) & ~own
    return 1 + int(np.count_nonzero(before & ~like)) + int(not among and bool(np.any(before & like)))
