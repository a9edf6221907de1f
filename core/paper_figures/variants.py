"""Figures 4 and 7: variants of the model side by side, with ranks, relevance maps and best matches."""

from collections.abc import Sequence
from dataclasses import replace

from PIL import Image

from core import images
from core.datasets.kinds import kind_of
from core.errors import BrewclipError, FigureError, ImageError, QueryError
from core.evaluation.archive import Evaluation
from core.explain import inspection
from core.explain.drawing import painted
from core.explain.methods import method
from core.features.speech_cache import SpeechFeatureCache
from core.models import checkpoints
from core.models.spec import ModelSpec
from core.models.variants import VARIANTS
from core.paper_figures.blocks import GAP, draw_best, draw_picture, draw_texts
from core.paper_figures.inputs import FigureInputs
from core.paper_figures.queries import (
    DIRECTION,
    MODEL_COLOURS,
    QueryPool,
    ShownQuery,
    counted,
    draw_rows,
    model_title,
)
from core.plots.sheet import Sheet
from core.plots.style import SMALL
from core.progress import Report, steps

MISRECOGNISED = 0.3  # word error rate of "a major mistake"
STRAYED = 2e-3  # of a cosine: rounding of cached float16 features, but not another model
LEFT = 1.5  # inches of the query's own column on a page
WIDEST = 1.6  # inches of a picture
ORDER = [variant.name for variant in VARIANTS]

Map = Image.Image | str  # the picture with its relevance, or why there is none


def draw_variants(inputs: FigureInputs, count: int) -> str:
    """Draw `count` queries under every evaluation, in the variants' order; the rule by which they were drawn."""
    inputs.check_same_data()
    evaluations = sorted(inputs.evaluations, key=lambda evaluation: ORDER.index(evaluation.record.setup.variant))
    rows, rule = draw_rows(evaluations[-1], _pools(evaluations, inputs.choice.at), inputs.choice, count)
    maps = [relevance_maps(inputs, evaluation, rows, part) for evaluation, part in zip(
        evaluations, steps(inputs.report, *(1 for _ in evaluations)), strict=True)]
    top = 0.0
    for place, row in enumerate(rows):
        if place:
            inputs.sheet.rule(top)
            top += GAP
        top = _draw_case(inputs.sheet, top, [ShownQuery(evaluation, row) for evaluation in evaluations],
                         [of_model[place] for of_model in maps]) + GAP
    return f"Queries: {rule}. Maps: {method(inputs.method).title}."


def relevance_maps(inputs: FigureInputs, evaluation: Evaluation, rows: Sequence[int], report: Report) -> list[Map]:
    """The right picture of each query with its relevance under the evaluated model, computed now.

    FigureError ("changed") where the score is not the one that was stored. ModelError, WeightsError: as
    `inspection.load_model`.
    """
    workspace, setup, chosen = inputs.workspace, evaluation.record.setup, method(inputs.method)
    spec = ModelSpec(setup.backbone, setup.checkpoint, setup.crop)
    model = inspection.load_model(workspace.models, workspace.settings, spec, report)
    acoustic = model.network.variant.acoustic
    if model.run is not None and acoustic:
        checkpoints.check_recogniser(model.run, workspace.recogniser(report).name,
                                     workspace.settings["speech.padding"])
    recordings = [utterance.recording for utterance in evaluation.utterances if utterance.recording]
    asked = recordings if setup.condition.noise == "babble" else [
        recording for row in rows if (recording := evaluation.utterances[row].recording)]
    layers = model.run.options.layers if model.run is not None and acoustic else 0
    speech = SpeechFeatureCache(workspace, kind_of(setup.kind).language, layers)
    encoded = dict(zip(asked, speech.load(asked, acoustic, setup.condition, report), strict=True))
    maps: list[Map] = []
    for row in rows:
        shown = ShownQuery(evaluation, row)
        path, recording = evaluation.pictures[shown.query.picture].path, shown.utterance.recording
        if path is None or recording is None or shown.query.score is None:
            maps.append("no score, so no map")
            continue
        utterance = encoded[recording]
        if setup.captions:
            utterance = replace(utterance, transcript=replace(utterance.transcript, text=shown.utterance.caption))
        try:
            whole = images.read(path, workspace.settings["images.max_megapixels"]).rgb
            explanation = inspection.explain(model, whole, utterance)
            if chosen.occludes:
                explanation = explanation.occluded("fused", report)
            relevance = explanation.maps("fused", chosen).picture.relevance
        except (ImageError, QueryError) as error:
            maps.append(str(error))
            continue
        except BrewclipError as error:
            if error.kind != "unsupported":
                raise
            maps.append("this model has no maps")
            continue
        if abs(explanation.shares[0] - shown.query.score) > STRAYED:
            raise FigureError(f"{setup.title}: the model, the recogniser or the files are no longer those that were "
                              "evaluated. Nothing was drawn; evaluate again.", "changed")
        maps.append(painted(whole, relevance, explanation.placement))
    return maps


def _pools(evaluations: Sequence[Evaluation], at: int) -> list[QueryPool]:
    """Rules of the paper's two cases: found by the last model alone, and found in spite of a wrong transcript."""
    target, others = evaluations[-1], evaluations[:-1]
    ranks, name = target.ranks(DIRECTION), model_title(target)
    first = [row for row in counted(target) if ranks[row] == 1
             and (not others or any(other.ranks(DIRECTION)[row] > 1 for other in others))]
    wrong = [row for row in counted(target) if ranks[row] <= at
             and (target.utterances[row].wer or 0.0) >= MISRECOGNISED]
    return [QueryPool(f"whose picture {name} ranks first"
                      + (" and another model does not" if others else ""), first),
            QueryPool(f"with a word error rate of {100 * MISRECOGNISED:.0f} % or more whose picture {name} "
                      f"ranks among the first {at}", wrong)] if first or wrong else [
        QueryPool("of the split, as none is found by one model alone or in spite of its transcript", counted(target))]


def _draw_case(sheet: Sheet, top: float, shown: Sequence[ShownQuery], maps: Sequence[Map]) -> float:
    """One query: its picture and texts beside the variants on a page, above them in a column."""
    beside = sheet.name == "page"
    own = LEFT if beside else sheet.width * 0.42
    below = draw_picture(sheet, 0.0, top, own, shown[-1].picture(), "described picture")
    if beside:
        below = draw_texts(sheet, 0.0, below + 0.05, own, shown[-1])
        left, start = own + GAP, top
    else:
        below = max(below, draw_texts(sheet, own + GAP, top, sheet.width - own - GAP, shown[-1]))
        left, start = 0.0, below + GAP
    wide = min(WIDEST, (sheet.width - left - GAP * (len(shown) - 1)) / len(shown))
    for place, (one, drawn) in enumerate(zip(shown, maps, strict=True)):
        below = max(below, _draw_variant(sheet, left + place * (wide + GAP), start, wide, one, drawn))
    return below


def _draw_variant(sheet: Sheet, left: float, top: float, wide: float, shown: ShownQuery, drawn: Map) -> float:
    setup = shown.evaluation.record.setup
    sheet.text(left, top, model_title(shown.evaluation), wide, bold=True,
               colour=MODEL_COLOURS.get(setup.variant, "words"))
    top += 2 * SMALL / 72
    top = draw_picture(sheet, left, top, wide, None if isinstance(drawn, str) else drawn, shown.rank,
                       shown.is_first, drawn if isinstance(drawn, str) else "")
    return draw_best(sheet, left, top + 0.04, wide, shown)
