"""Figures 3 and 6: successes as well as failures of up to three datasets, side by side."""

from dataclasses import replace

from core.evaluation.archive import Evaluation
from core.paper_figures.blocks import GAP, draw_best, draw_picture, draw_texts
from core.paper_figures.inputs import FigureInputs
from core.paper_figures.queries import DIRECTION, QueryChoice, QueryPool, ShownQuery, counted, draw_rows
from core.plots.sheet import Sheet

MOST_LINES = 4  # of a transcript


def draw_datasets(inputs: FigureInputs, count: int) -> str:
    """Draw `count` queries of each evaluation, half of them failures; the rule by which they were drawn."""
    sheet, evaluations = inputs.sheet, inputs.evaluations
    across = len(evaluations) if sheet.name == "page" else 1
    wide = (sheet.width - GAP * (across - 1)) / across
    top, bottom, rules = 0.0, 0.0, []
    for number, evaluation in enumerate(evaluations):
        place = number % across
        top = bottom + (2 * GAP if bottom else 0.0) if place == 0 else top
        below, rule = _draw_dataset(sheet, place * (wide + GAP), top, wide, evaluation, inputs.choice, count)
        bottom = max(bottom, below)
        rules.append(f"of {evaluation.record.setup.folder.name} {rule}" if len(evaluations) > 1 else rule)
    return f"Queries: {'; '.join(rules)}."


def _draw_dataset(sheet: Sheet, left: float, top: float, wide: float, evaluation: Evaluation, choice: QueryChoice,
                  count: int) -> tuple[float, str]:
    setup, ranks = evaluation.record.setup, evaluation.ranks(DIRECTION)
    known = {utterance.utterance_id for utterance in evaluation.utterances}
    own = replace(choice, ids=tuple(name for name in choice.ids if name in known))
    rows, rule = draw_rows(evaluation, [
        QueryPool("whose picture ranks first", [row for row in counted(evaluation) if ranks[row] == 1]),
        QueryPool(f"whose picture is not among the first {choice.at}",
                  [row for row in counted(evaluation) if ranks[row] > choice.at])], own, count)
    top = sheet.text(left, top, f"{setup.folder.name} {setup.split}", wide, bold=True)
    for row in sorted(rows, key=lambda row: ranks[row] > 1):
        top = _draw_case(sheet, left, top + 0.04, wide, ShownQuery(evaluation, row)) + GAP
    return top, rule


def _draw_case(sheet: Sheet, left: float, top: float, wide: float, shown: ShownQuery) -> float:
    top = draw_texts(sheet, left, top, wide, shown, MOST_LINES) + 0.05
    side = (wide - GAP) / 2
    below = draw_picture(sheet, left, top, side, shown.picture(), shown.rank)
    return max(below, draw_best(sheet, left + side + GAP, top, side, shown))
