"""Exports of Inspect for print: the explanation with its maps, the ranks along the mix, the pictures by rank."""

from typing import TYPE_CHECKING

from brewclip_app.localisation import _
from brewclip_app.panels.inspect.branch_table import signed
from brewclip_app.panels.inspect.case import MIXES, InspectCase
from brewclip_app.panels.inspect.parts import branch_rows
from brewclip_app.panels.inspect.state import InspectState
from brewclip_app.widgets.figure_export import Draw
from core.plots.charts import Axis, Chart, Series, draw_chart
from core.plots.style import SMALL, DrawnFigure, Width

if TYPE_CHECKING:
    from core.explain.figure import ExplainedPair
    from core.progress import Report

ACROSS = {"column": 4, "page": 8}  # pictures in a row of the ranking
MIX_TICKS = ((0.0, _("transcript only")), (0.5, _("model's own sum")), (1.0, _("voice only")))
AT_LEAST = 300  # px of a picture of the ranking


def explanation_drawing(state: InspectState, max_megapixels: float) -> Draw | None:
    """The case with its maps, and the second one while two are compared. The first has its test results."""
    cases = [case for case in (state.case, state.second if state.comparing else None) if case is not None]

    def draw(width: Width, report: "Report") -> DrawnFigure:
        from core.explain.figure import draw_explanations

        return DrawnFigure(draw_explanations([_pair(case, state, max_megapixels) for case in cases], width))

    return draw if cases else None


def mix_drawing(state: InspectState) -> Draw | None:
    """The rank of the case's picture from transcript only to voice only; None without a ranking or a second branch."""
    case = state.case
    if case is None or case.ranking is None or not case.has_both:
        return None
    curve, total = case.curve, len(case.ranking.mix.ids)
    series = Series("rank", "main", MIXES, tuple(map(float, curve)))
    chart = Chart((series,), Axis("", (0.0, 1.0), MIX_TICKS),
                  Axis(_("rank of {total}").format(total=total), (1.0, float(max(10, *curve))), ranks=True),
                  case.path.name)
    return lambda width, report: DrawnFigure(draw_chart(chart, width))


def ranking_drawing(state: InspectState) -> Draw | None:
    """The pictures by rank, with their scores; the explained one has a frame. None without a ranking."""
    case, rows = state.case, state.neighbours
    if case is None or not rows:
        return None

    def draw(width: Width, report: "Report") -> DrawnFigure:
        from core import images
        from core.errors import ImageError
        from core.plots.sheet import Box, Sheet

        sheet, across, gap = Sheet(width), ACROSS[width], 0.08
        side = (sheet.width - gap * (across - 1)) / across
        for number, row in enumerate(rows):
            left, top = number % across * (side + gap), number // across * (0.75 * side + 0.25)
            try:
                picture = images.read(row.image.path, at_least=AT_LEAST).rgb
            except ImageError:
                picture = None
            own = row.image.id == case.subject.image_id
            sheet.picture(Box(left, top, side, 0.75 * side), picture, edge="main" if own else "line",
                          line=1.5 if own else 0.6)
            sheet.text(left, top + 0.75 * side + 0.03, f"{row.rank} · {row.score:.2f}", side, points=SMALL,
                       colour="main" if own else "quiet")
        return DrawnFigure(sheet.figure())

    return draw


def _pair(case: InspectCase, state: InspectState, max_megapixels: float) -> "ExplainedPair":
    from core import images
    from core.explain.figure import ExplainedPair, FigureRow
    from core.explain.methods import BY_NAME

    rows = [FigureRow(row.name,
                      signed(row.share or 0.0) + (_(", rank {rank}").format(rank=row.rank) if row.rank else ""))
            for row in branch_rows(case)]
    if case is state.case:
        rows += [FigureRow(_("Deletion / insertion, {title}").format(title=BY_NAME[name].title),
                           f"{results[state.tower].deletion:.3f} / {results[state.tower].insertion:.3f}")
                 for name, results in state.faithfulness.items() if state.tower in results]
    rows += [FigureRow(_("Map"), BY_NAME[state.method].title), FigureRow(_("Model"), case.explanation.model.title)]
    return ExplainedPair(images.read(case.path, max_megapixels).rgb, case.explanation.placement,
                         case.maps(state.map_target, state.method),
                         f"“{case.text or 'spoken query'}” → {case.path.name}", rows, case.waveform)
