"""Ranks of the right item, both ways, in chunks: the scores of all pairs are never in memory at once.

Speech-to-image: every utterance against the unique pictures. Image-to-speech: every picture against all utterances;
what counts is the best of its own. Ties go against the model: the right item ranks last among equals. What has no
vector (a row of NaN) is a miss: it ranks behind everything, beyond every K of recall, and is in nobody's way.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CHUNK = 16_000_000  # scores at a time, 64 MB
TIED = 1e-6  # scores this close are equal: the sum's order, and with it the last bits, differs from block to block
AT = (1, 5, 10)


@dataclass(frozen=True, eq=False)
class Ranks:
    """Ranks from 1: `speech_to_image` (m,) of each utterance's picture, `image_to_speech` (n,) of each picture.

    A picture without any utterance has rank 0 in `image_to_speech`: nothing can be found, and it counts for nothing.
    """

    speech_to_image: Ints
    image_to_speech: Ints


def ranks(speech: Floats, pictures: Floats, image_of: Ints, relevance: Ints | None = None) -> Ranks:
    """Ranks by cosine of utterances (m, dim) and pictures (n, dim); `image_of` (m,): each utterance's picture.

    With `relevance` (n,), the class of each picture, all of one class are right for its utterances, and the best of
    them counts; others of the class are in nobody's way.
    """
    spoken, images = units(speech), units(pictures)
    if relevance is not None:
        return Ranks(to_classes(spoken, images, relevance[image_of], relevance),
                     to_utterances(images, relevance, spoken, relevance[image_of]))
    return Ranks(to_images(spoken, images, image_of), to_utterances(images, np.arange(len(images)), spoken, image_of))


def recall(ranks: Ints, at: int) -> float:
    """The share of ranks up to `at`, 0..1; ranks of 0 count for nothing. 0 when none counts."""
    counted = ranks[ranks > 0]
    return float(np.mean(counted <= at)) if len(counted) else 0.0


def behind(items: int) -> int:
    """The rank of a miss among so many items: behind them all, and never among the first K where there are fewer."""
    return max(items, *AT) + 1


def units(vectors: Floats) -> Floats:
    """Vectors (n, dim) brought to unit length, float32; zeros and NaN stay what they are."""
    wide = vectors.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return (wide / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def to_images(spoken: Floats, images: Floats, own: Ints) -> Ints:
    """Ranks (k,) of the pictures `own` (k,) among `images` (n, dim), for k utterances (k, dim); all are units."""
    ranks = np.empty(len(spoken), np.int64)
    rows = max(1, CHUNK // max(1, len(images)))
    for start in range(0, len(spoken), rows):
        scores = between(spoken[start:start + rows], images)
        right = scores[np.arange(len(scores)), own[start:start + rows]]
        reached = np.count_nonzero(scores >= right[:, None] - TIED, axis=1)
        ranks[start:start + rows] = np.where(right == -np.inf, behind(len(images)), reached)
    return ranks


def to_classes(queries: Floats, items: Floats, wanted: Ints, classes: Ints) -> Ints:
    """Ranks (k,) of the best item of class `wanted` (k,) among `items` (n, dim) of `classes` (n,); all are units."""
    ranks = np.empty(len(queries), np.int64)
    rows = max(1, CHUNK // max(1, len(items)))
    for start in range(0, len(queries), rows):
        scores = between(queries[start:start + rows], items)
        right = classes == wanted[start:start + rows, None]
        best = np.where(right, scores, -np.inf).max(axis=1, initial=-np.inf)
        reached = np.count_nonzero((scores >= best[:, None] - TIED) & ~right, axis=1) + 1
        ranks[start:start + rows] = np.where(best == -np.inf, behind(len(items)), reached)
    return ranks


def to_utterances(images: Floats, places: Ints, spoken: Floats, image_of: Ints, changed: Floats | None = None) -> Ints:
    """Ranks (k,) of the best own utterance of k pictures (k, dim) among `spoken` (m, dim); all are units.

    `places` (k,) are the pictures' rows that `image_of` (m,) speaks of; 0 where a picture has no utterance. `changed`
    (m, dim) holds what stands for a picture's own utterances in place of `spoken`, which all others keep.
    """
    ranks = np.zeros(len(images), np.int64)
    rows = max(1, CHUNK // max(1, len(spoken)))
    for start in range(0, len(images), rows):
        scores = between(images[start:start + rows], spoken)
        own = image_of[None, :] == places[start:start + rows, None]
        right = scores if changed is None else between(images[start:start + rows], changed)
        best = np.where(own, right, -np.inf).max(axis=1, initial=-np.inf)
        reached = np.count_nonzero((scores >= best[:, None] - TIED) & ~own, axis=1) + 1
        missed = np.where(best == -np.inf, behind(len(spoken)), reached)
        ranks[start:start + rows] = np.where(own.any(axis=1), missed, 0)
    return ranks


def between(queries: Floats, items: Floats) -> Floats:
    """Scores (queries, items) of unit vectors; -inf where either has none."""
    scores: Floats = queries @ items.T
    scores[~np.isfinite(scores)] = -np.inf
    return scores
