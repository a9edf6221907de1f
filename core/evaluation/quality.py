"""Recall by transcription quality: by word error rate, speaker and length, and under noise.

Plain numbers, ready to be drawn. All of it is read from stored evaluations; nothing is computed again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from core.evaluation import words
from core.evaluation.archive import Evaluation
from core.evaluation.metrics import Figure, Metrics
from core.evaluation.ranks import AT, Ints, recall
from core.evaluation.records import Direction, EvaluationRecord, Setup, WordErrors
from core.localisation import _

Numbers = NDArray[np.float64]
EDGES = (0.0, 1e-9, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, np.inf)  # of bins of WER; the first holds 0 alone
LENGTHS = (0, 6, 9, 12, 16, 25, 50, 100, 10**9)  # words of captions at which a bin begins
POINTS = 101
SIGMAS = 1.959964  # 95 %
STEP = 0.1  # of WER, that a slope is told for
STEEPEST = 50.0  # of a coefficient: beyond it the hits are parted from the misses, and no curve is the best
TURNS = 100


@dataclass(frozen=True)
class Bin:
    """Utterances with a WER in (low, high]; the first bin holds those without error. `rate` 0..1 with Wilson's 95 %."""

    low: float
    high: float
    middle: float  # mean WER of its utterances
    rate: float
    rate_low: float
    rate_high: float
    queries: int
    hits: int


@dataclass(frozen=True, eq=False)
class RecallCurve:
    """The chance of a hit over WER, (n,) each, with the 95 % band of the fit."""

    wer: Numbers
    rate: Numbers
    low: Numbers
    high: Numbers


@dataclass(frozen=True, eq=False)
class WerFit:
    """Hits among the first `at` over WER. `slope`: change of the log odds per 0.1 of WER, with its 95 % interval.

    The authors' fit is penalised and has no intervals: those of `slope` are NaN, and the band is the curve itself.
    `curve` and `slope` are None where no fit exists; `note` then says why.
    """

    at: int
    bins: tuple[Bin, ...]
    curve: RecallCurve | None
    slope: Figure | None
    note: str
    queries: int


@dataclass(frozen=True)
class Group:
    """Queries that share something: recall in percent at 1, 5 and 10, and their WER (None without captions)."""

    name: str
    queries: int
    wer: float | None
    recalls: tuple[float, float, float]


@dataclass(frozen=True)
class NoisePoint:
    """One evaluation of a noise curve; `snr` in dB is None for clean speech, `wer` 0.. None without captions."""

    snr: float | None
    evaluation_id: int
    wer: float | None
    speech_to_image: Metrics
    image_to_speech: Metrics


@dataclass(frozen=True)
class NoiseCurve:
    """One setup under one kind of noise: clean first, then from the least noise to the most."""

    title: str
    noise: str
    setup: Setup  # of clean speech
    points: tuple[NoisePoint, ...]


def fit(evaluation: Evaluation, at: int, counting: words.Counting = "ours") -> WerFit:
    """The logistic fit of hit (among the first `at`) on WER, speech to image, and the bins behind it.

    `counting` "authors": their word errors, utterances above 1 left out, L2 penalty on the slope (scikit-learn's C 1).
    """
    rates = [utterance.wer for utterance in evaluation.utterances] if counting == "ours" else [
        None if errors is None else errors.rate for errors in _authors(evaluation)]
    pairs = [(rate, query.rank <= at)
             for rate, query in zip(rates, evaluation.queries("speech_to_image"), strict=True)
             if rate is not None and query.rank > 0 and (counting == "ours" or rate <= 1)]
    wer = np.array([value for value, _unused in pairs], np.float64)
    hit = np.array([value for _unused, value in pairs], bool)
    bins = tuple(_bins(wer, hit))
    if not len(wer):
        return WerFit(at, bins, None, None, _("No utterance has a caption to compare its transcript with."), 0)
    if hit.all() or not hit.any():
        return WerFit(at, bins, None, None, _("All utterances are found.") if hit.all()
                      else _("No utterance is found."),
                      len(wer))
    if np.ptp(wer) == 0:
        return WerFit(at, bins, None, None, _("All utterances have the same word error rate."), len(wer))
    return _fitted(wer, hit, at, bins, penalty=float(counting == "authors"))


def authors_words(evaluation: Evaluation) -> WordErrors | None:
    """Word errors of all utterances as the authors count them; None without captions."""
    return words.together([errors for errors, utterance in zip(_authors(evaluation), evaluation.utterances, strict=True)
                           if not utterance.reason])


def _authors(evaluation: Evaluation) -> list[words.WordErrorCount | None]:
    if evaluation.record.setup.is_imported:
        return [None] * len(evaluation.utterances)
    return words.compare([utterance.caption for utterance in evaluation.utterances],
                         [utterance.transcript for utterance in evaluation.utterances], "authors")


def by_speaker(evaluation: Evaluation, direction: Direction = "speech_to_image") -> tuple[Group, ...]:
    """Recall and WER by speaker, by name; "" is an unknown speaker."""
    return _groups(evaluation, direction, [utterance.speaker for utterance in evaluation.utterances])


def by_length(evaluation: Evaluation, direction: Direction = "speech_to_image") -> tuple[Group, ...]:
    """Recall and WER by words of the caption (of the transcript where there is none), short first."""
    counts = [len((utterance.caption or utterance.transcript).split()) for utterance in evaluation.utterances]
    places = (np.searchsorted(LENGTHS, counts, side="right") - 1).tolist()
    return _groups(evaluation, direction, [_length(place) for place in places],
                   [_length(place) for place in range(len(LENGTHS) - 1)])


def noise_curves(records: Iterable[EvaluationRecord]) -> tuple[NoiseCurve, ...]:
    """The curves that evaluations make which differ in their condition alone; of equal ones the newest counts."""
    setups: dict[Setup, dict[str, dict[float, EvaluationRecord]]] = {}
    clean: dict[Setup, EvaluationRecord] = {}
    for evaluation in sorted(records, key=lambda record: record.id):
        condition, setup = evaluation.setup.condition, evaluation.setup.apart_from_noise
        if condition.snr is None:
            clean[setup] = evaluation
        else:
            setups.setdefault(setup, {}).setdefault(condition.noise, {})[condition.snr] = evaluation
    return tuple(NoiseCurve(setup.title, noise, setup, tuple(map(_point, [
        *filter(None, [clean.get(setup)]), *(by_snr[snr] for snr in sorted(by_snr, reverse=True))])))
                 for setup, noises in setups.items() for noise, by_snr in noises.items())


def _point(record: EvaluationRecord) -> NoisePoint:
    return NoisePoint(record.setup.condition.snr, record.id, record.words.rate if record.words else None,
                      record.speech_to_image, record.image_to_speech)


def _bins(wer: Numbers, hit: NDArray[np.bool_]) -> Iterable[Bin]:
    place = np.searchsorted(EDGES[1:], wer, side="left")
    for number, (low, high) in enumerate(pairwise(EDGES)):
        inside = place == number
        count, hits = int(inside.sum()), int(hit[inside].sum())
        if count:
            rate_low, rate_high = _wilson(hits, count)
            end = high if np.isfinite(high) else float(wer[inside].max())
            yield Bin(float(low), float(end) if number else 0.0, float(wer[inside].mean()), hits / count, rate_low,
                      rate_high, count, hits)


def _wilson(hits: int, count: int) -> tuple[float, float]:
    rate, square = hits / count, SIGMAS**2
    middle = (rate + square / (2 * count)) / (1 + square / count)
    half = SIGMAS * np.sqrt(rate * (1 - rate) / count + square / (4 * count**2)) / (1 + square / count)
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))


def _fitted(wer: Numbers, hit: NDArray[np.bool_], at: int, bins: tuple[Bin, ...], penalty: float) -> WerFit:
    design = np.stack([np.ones_like(wer), wer], axis=1)
    weights = _newton(design, hit.astype(np.float64), np.array([0.0, penalty]))
    if weights is None:
        return WerFit(at, bins, None, None,
                      _("A word error rate parts all hits from all misses, so that no curve fits best."), len(wer))
    line = np.linspace(0, max(1.0, float(wer.max())), POINTS)
    points = np.stack([np.ones_like(line), line], axis=1)
    if penalty:
        rate = _chance(points @ weights)
        return WerFit(at, bins, RecallCurve(line, rate, rate, rate), Figure(STEP * float(weights[1]), np.nan, np.nan),
                      "", len(wer))
    covariance = np.linalg.inv(_information(design, weights))
    odds, half = points @ weights, SIGMAS * np.sqrt(np.einsum("ij,jk,ik->i", points, covariance, points))
    spread = SIGMAS * float(np.sqrt(covariance[1, 1]))
    slope = Figure(*(STEP * (float(weights[1]) + part) for part in (0, -spread, spread)))
    curve = RecallCurve(line, _chance(odds), _chance(odds - half), _chance(odds + half))
    return WerFit(at, bins, curve, slope, "", len(wer))


def _newton(design: Numbers, hit: Numbers, penalty: Numbers) -> Numbers | None:
    """The likeliest coefficients (2,) under an L2 `penalty` (2,); None where they run away to infinity."""
    weights = np.zeros(design.shape[1])
    for _unused in range(TURNS):
        gradient = design.T @ (hit - _chance(design @ weights)) - penalty * weights
        try:
            step = np.linalg.solve(_information(design, weights) + np.diag(penalty), gradient)
        except np.linalg.LinAlgError:
            return None
        weights = weights + step
        if not np.isfinite(weights).all() or np.abs(weights).max() > STEEPEST:
            return None
        if np.abs(step).max() < 1e-9:
            return weights
    return None


def _information(design: Numbers, weights: Numbers) -> Numbers:
    chance = _chance(design @ weights)
    information: Numbers = design.T @ (design * (chance * (1 - chance))[:, None])
    return information


def _chance(odds: Numbers) -> Numbers:
    return 1 / (1 + np.exp(-np.clip(odds, -500, 500)))


def _groups(evaluation: Evaluation, direction: Direction, names: Sequence[str], order: Sequence[str] = ()
            ) -> tuple[Group, ...]:
    """Groups of utterances. A picture's query belongs to every group that one of its utterances is in."""
    ranks = evaluation.ranks(direction)
    groups: list[Group] = []
    for name in order or sorted(set(names), key=_natural):
        rows = [row for row, other in enumerate(names) if other == name]
        if not rows:
            continue
        queries = rows if direction == "speech_to_image" else sorted(
            {evaluation.utterances[row].picture for row in rows})
        reached: Ints = ranks[queries]
        rated = [(utterance.wer, len(utterance.caption.split())) for row in rows
                 if (utterance := evaluation.utterances[row]).wer is not None]
        total = sum(count for _unused, count in rated)
        wer = sum((rate or 0.0) * count for rate, count in rated) / total if total else None
        first, five, ten = (100 * recall(reached, at) for at in AT)
        groups.append(Group(name, int((reached > 0).sum()), wer, (first, five, ten)))
    return tuple(groups)


def _natural(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdecimal() else (10**9, name)


def _length(place: int) -> str:
    low, high = LENGTHS[place], LENGTHS[place + 1]
    if place == 0:
        return _("up to {high} words").format(high=high - 1)
    return (_("{low} words and more").format(low=low) if place == len(LENGTHS) - 2
            else _("{low} to {high} words").format(low=low, high=high - 1))
