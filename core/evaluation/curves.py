"""Charts of stored evaluations: hits by word error rate, by group and under noise, for the window and for print."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.localisation import _
from core.plots.charts import Axis, Chart, Series

if TYPE_CHECKING:
    from core.evaluation.archive import Evaluation
    from core.evaluation.quality import Group, NoiseCurve, WerFit
    from core.evaluation.records import Direction, EvaluatedQuery, EvaluationRecord
    from core.evaluation.words import Counting
    from core.store.store import Store

COLOURS = ("main", "transcript", "voice", "good")  # of evaluations that are compared
OF_VARIANT = {"full": "main", "zero-shot": "transcript", "e2e": "voice", "prompted": "good"}  # where these differ
BRANCHES = (("both", "main"), ("transcript", "transcript"), ("voice", "voice"))
RECALL = Axis("hits, %", (0, 100))
VIEWS = (("wer", _("By WER")), ("authors", _("By WER (authors)")), ("speaker", _("By speaker")),
         ("length", _("By length")))
LEAST_REACH = 30.0  # percent of WER that are drawn in any case
MOST_TICKS = 7  # names on an axis; the tooltips of the dots name the others
SMALLEST, LARGEST = 6.0, 15.0  # px of a bin's dot


NO_CHART = Chart(nothing=_("Choose an evaluation."))


def quality(store: "Store", ids: Sequence[int], view: str, at: int) -> Chart:
    """Share of hits among the first `at`, speech to image, of up to four evaluations."""
    from core.evaluation import archive

    opened = [archive.open_evaluation(store, evaluation_id) for evaluation_id in ids[:len(COLOURS)]]
    if view in ("speaker", "length"):
        return _by_group(opened, view, at)
    return _by_wer(opened, at, "authors" if view == "authors" else "ours")


def noise(store: "Store", records: "Sequence[EvaluationRecord]", chosen: int, direction: "Direction", at: int
          ) -> Chart:
    """Recall of the chosen evaluation's setup under noise, with both branches and with each alone."""
    from core.evaluation.quality import noise_curves

    setup = next(record.setup for record in records if record.id == chosen)
    same_setup = [curve for curve in noise_curves(records) if curve.setup.apart_from_noise == setup.apart_from_noise]
    named = [curve for curve in same_setup if curve.noise == setup.condition.noise] or same_setup
    if not named:
        return Chart(nothing=_("Evaluated without noise only. Tick ratios under “Noise” to compare the branches under "
                               "noise."))
    return _by_noise(store, named[0], direction, at)


def _by_wer(opened: "Sequence[Evaluation]", at: int, counting: "Counting") -> Chart:
    from core.evaluation.quality import fit

    fits, colours = [fit(evaluation, at, counting) for evaluation in opened], _colours(opened)
    series = [part for number, (evaluation, wer_fit) in enumerate(zip(opened, fits, strict=True))
              for part in _fit_series(evaluation, wer_fit, colours[number])]
    if not series:
        return Chart(nothing=fits[0].note) if fits else NO_CHART
    return Chart(tuple(series), Axis(_("word error rate of the utterance, %"), (0, _reach(fits))), RECALL,
                 note=_fit_caption(fits))


def _colours(opened: "Sequence[Evaluation]") -> Sequence[str]:
    """Colours of evaluations: those of their variants where each is of another one, else in order."""
    variants = [evaluation.record.setup.variant for evaluation in opened]
    if len(opened) > 1 and len(set(variants)) == len(variants) and set(variants) <= set(OF_VARIANT):
        return [OF_VARIANT[variant] for variant in variants]
    return COLOURS


def _reach(fits: "Sequence[WerFit]") -> float:
    """The highest word error rate to draw, percent: no curve where there is no utterance."""
    return max(LEAST_REACH, *(100 * group.high for wer_fit in fits for group in wer_fit.bins))


def _fit_series(evaluation: "Evaluation", wer_fit: "WerFit", colour: str) -> list[Series]:
    series = []
    title = evaluation.record.setup.title
    if wer_fit.curve is not None:
        curve = wer_fit.curve
        has_data = curve.wer <= max(LEAST_REACH / 100, *(group.high for group in wer_fit.bins))
        x, y, low, high = (tuple((100 * part[has_data]).tolist())
                           for part in (curve.wer, curve.rate, curve.low, curve.high))
        series.append(Series(title, colour, x, y, low, high))
    most_queries = max((group.queries for group in wer_fit.bins), default=1)
    if wer_fit.bins:
        middle, rate, low, high = (tuple(100 * getattr(group, name) for group in wer_fit.bins)
                                   for name in ("middle", "rate", "rate_low", "rate_high"))
        tips = tuple(_("WER {span}: {hits} of {queries} hit, {rate:.0f} % ({rate_low:.0f} to {rate_high:.0f})").format(
            span=_span(group.low, group.high), hits=group.hits, queries=group.queries, rate=100 * group.rate,
            rate_low=100 * group.rate_low, rate_high=100 * group.rate_high)
                     for group in wer_fit.bins)
        sizes = tuple(SMALLEST + (LARGEST - SMALLEST) * math.sqrt(group.queries / most_queries)
                      for group in wer_fit.bins)
        series.append(Series(title, colour, middle, rate, low, high, tips, "dots", sizes, wer_fit.curve is None))
    return series


def _span(low: float, high: float) -> str:
    return "0 %" if high == 0 else _("{low:.0f} to {high:.0f} %").format(low=100 * low, high=100 * high)


def _fit_caption(fits: "Sequence[WerFit]") -> str:
    if len(fits) != 1:
        return _("Dots: bins with 95 % intervals; lines: logistic fits.")
    slope = fits[0].slope
    if slope is None:
        return fits[0].note
    if not slope.has_interval:
        return (_("10 points more WER: odds of a hit × {exp:.2f}. Lower case alone, utterances above 100 % left out, "
                  "L2 penalty").format(exp=math.exp(slope.value)))
    factors = [math.exp(value) for value in (slope.value, slope.low, slope.high)]
    return (_("10 points more WER: odds of a hit × {factors:.2f} ({factors_2:.2f} to {factors_3:.2f})").format(
        factors=factors[0], factors_2=factors[1], factors_3=factors[2]))


def _by_group(opened: "Sequence[Evaluation]", view: str, at: int) -> Chart:
    from core.evaluation.quality import by_length, by_speaker

    groups = [by_speaker(evaluation) if view == "speaker" else by_length(evaluation) for evaluation in opened]
    names = list(dict.fromkeys(group.name for members in groups for group in members))
    series, colours = [], _colours(opened)
    for number, (evaluation, members) in enumerate(zip(opened, groups, strict=True)):
        places = tuple(float(names.index(group.name)) for group in members)
        recalls = tuple(group.recalls[(1, 5, 10).index(at)] for group in members)
        tips = tuple(_group_tip(group, at, view) for group in members)
        series.append(Series(evaluation.record.setup.title, colours[number], places, recalls, (), (), tips,
                             "both" if view == "length" else "dots"))
    every = math.ceil(len(names) / MOST_TICKS)
    ticks = tuple((float(place), _tick(name, view)) for place, name in enumerate(names) if place % every == 0)
    return Chart(tuple(series), Axis("", (-0.5, len(names) - 0.5), ticks), RECALL)


def _tick(name: str, view: str) -> str:
    return name or "unknown" if view == "speaker" else name.replace(" words", "").replace(" and more", "+")


def _group_tip(group: "Group", at: int, view: str) -> str:
    name = (_("Speaker {name}").format(name=group.name or "unknown") if view == "speaker"
            else _("Captions of {name}").format(name=group.name))
    wer = "" if group.wer is None else f", WER {100 * group.wer:.1f} %"
    return _("{name}: {queries} utterances, R@{at} {recalls:.1f} %{wer}").format(name=name, queries=group.queries,
                                                                                 at=at,
                                                                                 recalls=group.recalls[(1, 5,
                                                                                                        10).index(at)],
                                                                                 wer=wer)


def _by_noise(store: "Store", curve: "NoiseCurve", direction: "Direction", at: int) -> Chart:
    from core.evaluation import archive

    opened = [archive.open_evaluation(store, point.evaluation_id) for point in curve.points]
    figures = [evaluation.record.metrics(direction)[f"R@{at}"] for evaluation in opened]
    places = tuple(float(place) for place in range(len(opened)))
    names = ["clean" if point.snr is None else f"{point.snr:g} dB" for point in curve.points]
    all_intervals = all(figure.has_interval for figure in figures)
    tips = tuple(f"{name}: R@{at} {figure.value:.1f} %"
                 + (_(" ({low:.1f} to {high:.1f})").format(low=figure.low, high=figure.high) if figure.has_interval
                    else "")
                 + ("" if point.wer is None else f", WER {100 * point.wer:.1f} %")
                 for name, figure, point in zip(names, figures, curve.points, strict=True))
    series = [Series("both" if _two(opened, direction) else "hits", "main", places,
                     tuple(figure.value for figure in figures),
                     tuple(figure.low for figure in figures) if all_intervals else (),
                     tuple(figure.high for figure in figures) if all_intervals else (), tips, "both")]
    if _two(opened, direction):
        series += [_alone(opened, direction, at, branch, colour, places, names) for branch, colour in BRANCHES[1:]]
    return Chart(tuple(series),
                 Axis(_("{noise} noise, signal to noise").format(noise=curve.noise), (-0.2, len(places) - 0.8),
                                      tuple(zip(places, names, strict=True))), Axis(f"R@{at}, %", (0, 100)))


def _two(opened: "Sequence[Evaluation]", direction: "Direction") -> bool:
    """Whether the model has two branches."""
    return all(evaluation.queries(direction) and evaluation.queries(direction)[0].text_rank is not None
               for evaluation in opened)


def _alone(opened: "Sequence[Evaluation]", direction: "Direction", at: int, branch: str, colour: str,
           places: tuple[float, ...], names: Sequence[str]) -> Series:
    recalls = tuple(_recall([_rank(query, branch) for query in evaluation.queries(direction) if query.rank > 0], at)
                    for evaluation in opened)
    tips = tuple(_("{name}: the {branch} alone, R@{at} {value:.1f} %").format(name=name, branch=branch, at=at,
                                                                              value=value)
                 for name, value in zip(names, recalls, strict=True))
    return Series(_("{branch} alone").format(branch=branch), colour, places, recalls, (), (), tips, "both")


def _rank(query: "EvaluatedQuery", branch: str) -> int:
    rank = query.text_rank if branch == "transcript" else query.acoustic_rank
    assert rank is not None
    return rank


def _recall(ranks: Sequence[int], at: int) -> float:
    return 100 * sum(rank <= at for rank in ranks) / len(ranks) if ranks else 0.0
