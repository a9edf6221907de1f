"""Significance of hits: how many of the compared pictures would score as high for an unrelated query.

A bare cosine says little: its scale differs from model to model, and some queries score high everywhere. So a score is
standardised by the mean and deviation that this query has over the gallery. The tail of that standard score is taken
from queries of the same form made of unrelated terms: 571 everyday descriptions (resources/background_sentences.txt)
without those nearest to the query, or, for an image term, other pictures of the gallery. Multiplied by the number of
compared pictures it is the expected number of chance hits at that score, as sequence search reports it (the
E-value of BLAST; Altschul et al. 1990). Source: ours; the paper has no such measure.

It depends on a hit by its score alone and falls with it, so words and order of a result tell one story. A gallery that
is all on one subject is recognised by the query's mean, which is held at what unrelated queries reach (`MEAN_LIMIT`).
In galleries of few pictures mean and deviation lean on those of unrelated queries (`PRIOR_PICTURES`).

How often a strong, fair or weak hit is right was measured: docs/significance.md.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.search.background import Background
from core.search.queries import EncodedTerm, Floats, Level, MatchSignificance, QueryScorer, units
from core.search.vector_file import Ids

STRONG, FAIR = 0.1, 1.0  # expected chance hits up to which a hit is called so
RELATED = 0.01  # of the descriptions, those nearest to a term, are no strangers to it and stay out
FEWEST = 3  # background pictures; with fewer, descriptions stand in for pictures, and no query has a mean of its own
PRIOR_PICTURES = 10  # pictures that the mean and deviation of unrelated queries count for beside the gallery's own
MEAN_LIMIT = 2.0  # deviations by which a query's mean may exceed that of unrelated queries; beyond it, it is on topic
TAIL = 0.001  # share of unrelated scores, the highest, through which the tail is extrapolated
TAIL_SCORES = 10  # at least
_Wide = NDArray[np.float64]


def significances(terms: Sequence[EncodedTerm], scores: Floats, background: Background,
              compared: int) -> list[MatchSignificance]:
    """Significance of hits with these scores (n,), for the query of `terms` over `compared` pictures.

    A score of 0 or less is weak whatever its chance: the picture has nothing of what is asked for. Only the scores of
    a query that asks for nothing, of minus terms alone, have no such zero.

    `background.pictures` (m, dim), m > 0, are a sample of the gallery. Errors as in `queries.combine`.
    """
    if not len(scores):
        return []
    chances = Null(terms, background).chances(scores)
    has_zero = any(term.weight > 0 for term in terms)
    return [MatchSignificance("weak" if has_zero and score <= 0 else level(expected), expected)
            for score, expected in zip(scores.tolist(), (chances * compared).tolist(), strict=True)]


def level(expected: float) -> Level:
    """The word for an expected number of chance hits."""
    if expected <= STRONG:
        return "strong"
    return "fair" if expected <= FAIR else "weak"


class Null:
    """Distribution of the scores that a query has with pictures it does not describe."""

    def __init__(self, terms: Sequence[EncodedTerm], background: Background) -> None:
        scores = _unrelated_scores(terms, background)
        there = scores > -np.inf
        own = QueryScorer(terms, background.pictures).scores(background.pictures[_not_shown(terms, background)])
        if len(background.pictures) < FEWEST or not len(own):
            pooled = np.asarray(scores[there], np.float64)
            self._mean, self._deviation = _moments(pooled)
            self._standard = self._standardised(pooled)
            return
        means, deviations = _column_moments(scores, there)
        self._mean, self._deviation = _blended(np.asarray(own, np.float64), means, deviations)
        self._standard = (((scores - means) / np.maximum(deviations, 1e-9))[there]).astype(np.float64)

    def chances(self, scores: Floats) -> _Wide:
        """The chance (n,), 0..1, that a picture which the query does not describe reaches each score (n,)."""
        return tail(self._standardised(np.asarray(scores, np.float64)), self._standard)

    def _standardised(self, scores: _Wide) -> _Wide:
        return (scores - self._mean) / max(self._deviation, 1e-9)


def tail(values: _Wide, sample: _Wide) -> _Wide:
    """The chance (n,) that a draw from where `sample` (m,) is from reaches each value (n,); falls with the value.

    Counted within the sample; through its highest thousandth goes an exponential tail.
    """
    ordered = np.sort(sample)
    size = len(ordered)
    counted: _Wide = (size - np.searchsorted(ordered, values - 1e-6) + 1) / (size + 1)
    top = min(size - 1, max(TAIL_SCORES, round(TAIL * size)))
    if top < 1:
        return counted
    start = ordered[size - top]
    mean_excess = float((ordered[size - top:] - start).mean())
    if mean_excess <= 1e-9:
        return counted
    beyond: _Wide = (top + 1) / (size + 1) * np.exp(-np.maximum(values - start, 0) / mean_excess)
    return np.where(values > start, beyond, counted)


def _blended(own: _Wide, means: _Wide, deviations: _Wide) -> tuple[float, float]:
    """Mean and deviation of a query's scores (m,), blended with those of unrelated queries (k,)."""
    share = len(own) / (len(own) + PRIOR_PICTURES)
    usual = float(means.mean())
    mean = min(share * float(own.mean()) + (1 - share) * usual, usual + MEAN_LIMIT * float(means.std()))
    variance = share * float(own.var()) + (1 - share) * float(np.square(deviations).mean())
    return mean, float(np.sqrt(variance))


def _moments(values: _Wide) -> tuple[float, float]:
    return (float(values.mean()), float(values.std())) if len(values) else (0.0, 0.0)


def _column_moments(scores: Floats, there: NDArray[np.bool_]) -> tuple[_Wide, _Wide]:
    """Mean and deviation (m,) of the scores (n, m) of each unrelated query; those that are not `there` do not count."""
    counts = np.maximum(there.sum(axis=0), 1)
    wide = np.where(there, scores, 0).astype(np.float64)
    means = wide.sum(axis=0) / counts
    variances = np.maximum(np.square(wide).sum(axis=0) / counts - np.square(means), 0)
    return means, np.sqrt(variances)


def _not_shown(terms: Sequence[EncodedTerm], background: Background) -> NDArray[np.bool_]:
    """Mask (m,) of the background's pictures that are no image term of the query."""
    strange = np.ones(len(background.pictures), bool)
    for term in terms:
        if term.kind == "image":
            strange &= background.pictures @ term.vector < 1 - 1e-5
    return strange


def _unrelated_scores(terms: Sequence[EncodedTerm], background: Background) -> Floats:
    """Scores (n, m) of the background's pictures for queries of the same form, made of unrelated terms.

    -inf where a query is made of that very picture. Plus and minus terms count as in `queries.QueryScorer`.
    """
    strange = _not_shown(terms, background)
    pictures, ids = background.pictures[strange], background.picture_ids[strange]
    by_picture = [term.kind == "image" and len(pictures) >= FEWEST for term in terms]
    sources = [pictures if shown else _unlike(term, background.descriptions)
               for term, shown in zip(terms, by_picture, strict=True)]
    count = max(len(source) for source in sources)
    plus = any(term.weight > 0 for term in terms)
    total = np.zeros((count, background.descriptions.shape[1]), np.float64)
    minus: list[tuple[float, Floats]] = []
    made_of: list[Ids] = []
    for number, (term, source, shown) in enumerate(zip(terms, sources, by_picture, strict=True)):
        drawn = np.resize(np.random.default_rng(number).permutation(len(source)), count)
        if term.weight < 0 and plus:
            minus.append((-term.weight, source[drawn]))
        else:
            total += term.weight * source[drawn].astype(np.float64)
        if shown:
            made_of.append(ids[drawn])
    scores: Floats = background.pictures @ units(total).T
    for weight, vectors in minus:
        cosines = background.pictures @ vectors.T
        over = np.maximum(0, cosines - cosines.mean(axis=0))
        scores -= weight * over / np.maximum(np.linalg.norm(total, axis=1), 1e-9).astype(np.float32)
    for column in made_of:
        scores[background.picture_ids[:, None] == column[None, :]] = -np.inf
    return scores


def _unlike(term: EncodedTerm, descriptions: Floats) -> Floats:
    """The descriptions without those that say nearly the same as the term."""
    related = int(RELATED * len(descriptions))
    likeness = descriptions @ term.vector
    return descriptions[np.sort(np.argsort(likeness, kind="stable")[:len(descriptions) - related])]
