"""Agreement of two speakers on the same picture: overlap of words, and cosine of the captions.

Overlap: of all words that either of the two used, the share that both used. Cosine: of the captions' embeddings in the
text tower of the backbone, given beside those of captions of different pictures: "nearer than 97 % of them".
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from core.annotation.differences import words_of
from core.annotation.queues import DESCRIBED
from core.models.retrieval import RetrievalModel
from core.progress import Progress, Report, WorkStep, silent
from core.search.queries import units
from core.store.records import TakeRecord

FEWEST_OTHERS = 10  # captions of other pictures, below which `nearer` is None
MOST_OTHERS = 1000
AT_ONCE = 256
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Pair:
    """Two takes of one picture by different speakers.

    `overlap` 0..1, `cosine` -1..1. `nearer`: of the captions of other pictures, compared with each of the two, the
    share (0..1) that is further away than the two are from each other; None when there are too few to say.
    """

    first: TakeRecord
    second: TakeRecord
    overlap: float
    cosine: float
    nearer: float | None


@dataclass(frozen=True)
class Agreement:
    """All pairs of a gallery, least agreeing first, and means over them; `elsewhere` is the mean cosine of captions of
    different pictures. Means are None when there is no pair.
    """

    pairs: tuple[Pair, ...]
    pictures: int
    overlap: float | None
    cosine: float | None
    elsewhere: float | None


def overlap(first: str, second: str) -> float:
    """Jaccard similarity of the words of two texts, 0..1; 1 when both are empty."""
    left, right = set(words_of(first)), set(words_of(second))
    return len(left & right) / len(left | right) if left | right else 1.0


def measure(takes: Sequence[TakeRecord], load_model: Callable[[], RetrievalModel], report: Report = silent
            ) -> Agreement:
    """Compare the confirmed captions of the same pictures by different speakers.

    The model is loaded where there are captions to compare; its errors pass through.
    """
    captions = [take for take in takes if take.state in DESCRIBED and take.text and take.image_id is not None]
    indices = _pairs(captions)
    if not indices:
        return Agreement((), 0, None, None, None)
    vectors = _vectors(load_model(), captions, report)
    others = _Others(captions, vectors)
    pairs = sorted((_pair(captions, vectors, others, i, j) for i, j in indices), key=lambda pair: pair.cosine)
    return Agreement(tuple(pairs), len({pair.first.image_id for pair in pairs}),
                     float(np.mean([pair.overlap for pair in pairs])), float(np.mean([pair.cosine for pair in pairs])),
                     others.mean)


class _Others:
    """Captions to compare with: at most `MOST_OTHERS`, drawn once, so that large datasets stay quick."""

    def __init__(self, captions: Sequence[TakeRecord], vectors: Floats) -> None:
        drawn = np.sort(np.random.default_rng(0).permutation(len(captions))[:MOST_OTHERS])
        pictures = np.array([take.image_id for take in captions])
        self._cosines = vectors @ vectors[drawn].T  # (n, drawn)
        self._elsewhere = pictures[:, None] != pictures[drawn][None]
        self.mean = float(self._cosines[self._elsewhere].mean()) if self._elsewhere.any() else None

    def of(self, index: int) -> Floats:
        """(m,) the cosines of one caption with those of other pictures."""
        row: Floats = self._cosines[index][self._elsewhere[index]]
        return row


def _pairs(captions: Sequence[TakeRecord]) -> list[tuple[int, int]]:
    by_picture: dict[int | None, list[int]] = defaultdict(list)
    for index, take in enumerate(captions):
        by_picture[take.image_id].append(index)
    return [(i, j) for indices in by_picture.values() for i, j in combinations(indices, 2)
            if captions[i].speaker.id != captions[j].speaker.id]


def _vectors(model: RetrievalModel, captions: Sequence[TakeRecord], report: Report) -> Floats:
    """(n, dim) of unit length."""
    parts = []
    for start in range(0, len(captions), AT_ONCE):
        report(Progress(WorkStep.COMPARING_CAPTIONS, start, len(captions)))
        parts.append(model.encode_texts([take.text for take in captions[start:start + AT_ONCE]]).vectors)
    return units(np.concatenate(parts))


def _pair(captions: Sequence[TakeRecord], vectors: Floats, others: _Others, i: int, j: int) -> Pair:
    cosine, elsewhere = float(vectors[i] @ vectors[j]), np.concatenate([others.of(i), others.of(j)])
    nearer = float(np.mean(elsewhere < cosine)) if len(elsewhere) >= 2 * FEWEST_OTHERS else None
    return Pair(captions[i], captions[j], overlap(captions[i].text, captions[j].text), cosine, nearer)
