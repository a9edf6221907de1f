"""The strength of a hit: how rarely an unrelated query scores the picture as high.

A bare cosine says little: some pictures are near every text, and each backbone has its own scale. So each hit is held
against a background of 571 everyday descriptions (resources/background_sentences.txt), without the hundredth that is
nearest to the query's own words: `chance` is the share of them that score this very picture at least as high as the
query does. A query of several terms is held against queries of the same form (same kinds, weights and signs) whose
terms are drawn from the background; for image terms the background is other pictures of the gallery, as cosines of two
pictures lie on another scale.

Beyond the background's resolution the tail is an exponential one through its highest tenth. Measured with brewclip-mini
on 60 pictures of Flickr8k's dev split with 5 captions each, for captions of *other* pictures (which are seldom quite
unrelated): a chance below 5 / 1 / 0.1 % came in 8.9 / 2.6 / 0.5 % of the pairs. A normal tail gave 9.3 / 3.8 / 1.2 %,
as the background's scores lean to the right (skewness 0.37).

The levels were set there: of the first hits 65 % are the captioned picture. `strong` (chance at most 0.3 %) are 69 % of
the first hits, and 74 % of those are right; of all strong hits, first or not, 50 % are the captioned picture (one of
60; others fit too). `fair` reaches to 3 %: 89 % of the captioned pictures are fair or strong.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.search.background import Background
from core.search.queries import Floats, Level, Strength, Term, units
from core.search.vector_file import Ids

STRONG, FAIR = 0.003, 0.03  # chances up to which a hit is called so
ENOUGH = 100  # background pictures, from which on each hit has its own background; with fewer, all pairs are one
RELATED = 0.01  # of the descriptions, those nearest to a term, are no strangers to it and stay out
FEWEST = 3  # background pictures; with fewer, descriptions stand in for pictures


def strengths(terms: Sequence[Term], image_ids: Ids, vectors: Floats, scores: Floats,
              background: Background) -> list[Strength]:
    """The strengths of hits (n) for the query of `terms`: ids (n,), unit vectors (n, dim), scores (n,)."""
    unrelated, made_of = _unrelated(terms, background)
    if made_of.shape[1] and len(background.pictures) < ENOUGH:
        pairs = _scores(background.pictures, background.picture_ids, unrelated, made_of)
        pooled = pairs[pairs > -np.inf]
        found = chances(scores, np.broadcast_to(pooled, (len(scores), len(pooled))))
    else:
        found = chances(scores, _scores(vectors, image_ids, unrelated, made_of))
    return [Strength(level(chance), chance) for chance in found.tolist()]


def level(chance: float) -> Level:
    """The word for a chance."""
    if chance <= STRONG:
        return "strong"
    return "fair" if chance <= FAIR else "weak"


def chances(scores: Floats, background: Floats) -> NDArray[np.float64]:
    """The chance (n,) that a background score (n, m) reaches the score (n,); -inf in the background does not count."""
    count = np.count_nonzero(background > -np.inf, axis=1)
    reached = np.count_nonzero(background >= scores[:, None] - np.float32(1e-6), axis=1)
    counted: NDArray[np.float64] = (reached + 1) / (count + 1)
    size = background.shape[1]
    top = max(2, min(10, size // 2), size // 10)
    if size <= top:
        return counted
    head = np.partition(background, size - top - 1, axis=1)[:, size - top - 1:]
    return _with_tail(np.asarray(scores, np.float64), head.astype(np.float64), count, counted)


def _with_tail(scores: NDArray[np.float64], head: NDArray[np.float64], count: Ids,
               counted: NDArray[np.float64]) -> NDArray[np.float64]:
    """The counted chances, and above the lowest of `head` (the background's highest) an exponential tail through it."""
    usable: NDArray[np.bool_] = np.all(head > -np.inf, axis=1)
    head = np.where(usable[:, None], head, 0)
    top = head.shape[1] - 1
    start = head.min(axis=1)
    mean_excess = (head - start[:, None]).sum(axis=1) / top
    beyond = usable & (mean_excess > 1e-9) & (scores > start)
    excess = np.where(beyond, (scores - start) / np.maximum(mean_excess, 1e-9), 0)
    found: NDArray[np.float64] = np.where(beyond, top / np.maximum(count, 1) * np.exp(-excess), counted)
    return found


def _unrelated(terms: Sequence[Term], background: Background) -> tuple[Floats, Ids]:
    """Queries of the same form as that of `terms`, (m, dim), and the ids of the pictures each is made of, (m, p)."""
    pictures, ids = _strangers(terms, background)
    by_picture = [term.kind == "image" and len(pictures) >= FEWEST for term in terms]
    sources = [pictures if shown else _unlike(term, background.descriptions)
               for term, shown in zip(terms, by_picture, strict=True)]
    count = max(len(source) for source in sources)
    total = np.zeros((count, background.descriptions.shape[1]), np.float64)
    made_of = [np.empty((count, 0), np.int64)]
    for number, (term, source, shown) in enumerate(zip(terms, sources, by_picture, strict=True)):
        drawn = np.resize(np.random.default_rng(number).permutation(len(source)), count)
        total += term.weight * source[drawn].astype(np.float64)
        if shown:
            made_of.append(ids[drawn][:, None])
    return units(total), np.concatenate(made_of, axis=1)


def _strangers(terms: Sequence[Term], background: Background) -> tuple[Floats, Ids]:
    """The background's pictures without those that the query itself shows."""
    strange = np.ones(len(background.pictures), bool)
    for term in terms:
        if term.kind == "image":
            strange &= background.pictures @ term.vector < 1 - 1e-5
    return background.pictures[strange], background.picture_ids[strange]


def _unlike(term: Term, descriptions: Floats) -> Floats:
    """The descriptions without those that say nearly the same as the term."""
    related = int(RELATED * len(descriptions))
    likeness = descriptions @ term.vector
    return descriptions[np.sort(np.argsort(likeness, kind="stable")[:len(descriptions) - related])]


def _scores(vectors: Floats, ids: Ids, unrelated: Floats, made_of: Ids) -> Floats:
    """Scores (n, m) of pictures for unrelated queries; -inf where a query is made of that very picture."""
    scores: Floats = vectors @ unrelated.T
    for column in made_of.T:
        scores[ids[:, None] == column[None, :]] = -np.inf
    return scores
