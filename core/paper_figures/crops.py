"""Figures 5 and 9: what the centre crop cuts off, with the ranks under it and with the whole picture."""

from collections.abc import Mapping

from PIL import Image

from core.errors import FigureError
from core.evaluation.diagnosis import ranks_under_crop
from core.evaluation.failures import Reranking
from core.explain.drawing import shade
from core.explain.placement import place
from core.models.spec import ZERO_SHOT_CROP
from core.paper_figures.blocks import GAP, draw_best, draw_picture, draw_texts
from core.paper_figures.inputs import FigureInputs
from core.paper_figures.queries import DIRECTION, QueryPool, ShownQuery, counted, draw_rows, rows_of
from core.plots.sheet import Sheet
from core.plots.style import SMALL

WHOLE = "letterbox"
ACROSS = {"page": 2, "column": 1}
WIDEST = 3.4  # inches of a case


def draw_crops(inputs: FigureInputs, count: int) -> str:
    """Draw `count` queries with their whole picture; the rule by which they were drawn.

    FigureError: "not_centre", "nothing" (no missed picture ranks better whole).
    """
    evaluation, choice = inputs.evaluations[0], inputs.choice
    if evaluation.record.setup.crop != ZERO_SHOT_CROP:
        raise FigureError(f"{evaluation.record.setup.title} did not use the centre crop, so nothing was cut off. "
                          "Choose an evaluation that did.", "not_centre")
    ranks = evaluation.ranks(DIRECTION)
    failed = [row for row in counted(evaluation) if ranks[row] > choice.at]
    tried = rows_of(evaluation, choice.ids) if choice.ids else failed
    again = dict(zip(tried, ranks_under_crop(inputs.workspace, evaluation.record.id, WHOLE, tried, inputs.report),
                     strict=True))
    pool = [row for row, retry in again.items() if retry.rank and retry.rank <= choice.at]
    fits = "and is with the whole picture"
    if not pool:
        pool = [row for row, retry in again.items() if retry.rank and retry.rank < ranks[row]]
        fits = "and ranks better, though not among them, with the whole picture"
    rows, rule = draw_rows(evaluation, [QueryPool(
        f"whose picture is not among the first {choice.at} under the centre crop, {fits}", pool)], choice, count)
    _draw_cases(inputs.sheet, [ShownQuery(evaluation, row) for row in rows], again)
    return f"Queries: {rule}."


def _draw_cases(sheet: Sheet, cases: list[ShownQuery], again: Mapping[int, Reranking]) -> None:
    across = min(ACROSS[sheet.name], len(cases))
    wide = min(WIDEST, (sheet.width - GAP * (across - 1)) / across)
    top = bottom = 0.0
    for number, shown in enumerate(cases):
        if number and number % across == 0:
            top = bottom + GAP
        bottom = max(bottom, _draw_case(sheet, number % across * (wide + GAP), top, wide, shown, again[shown.row]))


def _draw_case(sheet: Sheet, left: float, top: float, wide: float, shown: ShownQuery, retry: Reranking) -> float:
    own = wide * 0.6
    below = draw_picture(sheet, left, top, own, overlaid(shown.picture()), "dark: cut off by the centre crop")
    x, beside = left + own + GAP, wide - own - GAP
    y = sheet.text(x, top, "Centre crop", beside, points=SMALL, colour="quiet")
    y = sheet.text(x, y, shown.rank, beside, bold=True)
    y = sheet.text(x, y + 0.03, "Whole picture", beside, points=SMALL, colour="quiet")
    pictures = len(shown.evaluation.pictures)
    y = sheet.text(x, y, f"rank {retry.rank} of {pictures}" if retry.rank else retry.why, beside, 2, bold=True)
    y = draw_best(sheet, x, y + 0.05, beside, shown)
    return draw_texts(sheet, left, max(below, y) + 0.03, wide, shown)


def overlaid(image: Image.Image | None) -> Image.Image | None:
    """A picture on which what the centre crop cuts off is dark."""
    if image is None:
        return None
    whole = image.convert("RGBA")
    whole.alpha_composite(Image.fromarray(shade(place(*image.size, ZERO_SHOT_CROP))))
    return whole.convert("RGB")
