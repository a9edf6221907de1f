"""nDCG@10 and reciprocal ranks of an evaluation's queries, from its stored ranks and best hits.

Speech to image: one right picture. Image to speech: every utterance of the picture is a right item of gain 1, and the
ideal order has as many of them in front as there are, up to ten. The ten best hits that are stored suffice for nDCG@10
(Järvelin and Kekäläinen 2002, discount 1 / log2(position + 1)); the reciprocal rank is that of the best right item.
A query without a vector has 0 in both. Utterances left out as unreadable are no right items.
"""

from collections.abc import Mapping

import numpy as np

from core.evaluation.hits import DirectionResult
from core.evaluation.metrics import Gains, Numbers
from core.evaluation.ranks import AT, Ints
from core.evaluation.records import Direction

DISCOUNTS = 1 / np.log2(np.arange(2, AT[-1] + 2))
IDEAL = np.concatenate([[0.0], np.cumsum(DISCOUNTS)])  # best possible DCG@10 with 0 to 10 right items


def gains_of(outcomes: Mapping[Direction, DirectionResult], image_of: Ints) -> dict[Direction, Gains]:
    """Gains of the queries of both directions; `image_of` (m,) is the picture of each utterance."""
    to_image, to_speech = outcomes["speech_to_image"], outcomes["image_to_speech"]
    rows = to_speech.hits.rows
    own = np.where(rows < 0, -1, image_of[rows]) == np.arange(len(rows))[:, None]
    right = np.bincount(image_of[to_image.ranks > 0], minlength=len(rows))
    return {"speech_to_image": _gains(to_image, to_image.hits.rows == image_of[:, None], np.ones(len(image_of), int)),
            "image_to_speech": _gains(to_speech, own, right)}


def _gains(outcome: DirectionResult, own: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]", right: Ints) -> Gains:
    """Gains of q queries with `right` (q,) right items, `own` (q, 10) telling which of the best hits are."""
    ideal: Numbers = IDEAL[np.minimum(right, AT[-1])]
    found = outcome.ranks > 0
    gained = (own * DISCOUNTS[:own.shape[1]]).sum(axis=1)
    ndcg = np.divide(gained, ideal, out=np.zeros(len(own)), where=found & (ideal > 0))
    reciprocal = np.where(found & np.isfinite(outcome.scores), 1 / np.maximum(outcome.ranks, 1), 0.0)
    return Gains(ndcg, reciprocal)
