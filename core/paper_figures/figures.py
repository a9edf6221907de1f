"""`draw`: a figure of the paper from stored evaluations, for the command line, the window, plans and reports."""

import shlex
from collections.abc import Callable, Mapping, Sequence

from core.errors import FigureError
from core.evaluation import archive, curves
from core.evaluation.archive import Evaluation
from core.explain.methods import method as method_named
from core.paper_figures.crops import draw_crops
from core.paper_figures.datasets import draw_datasets
from core.paper_figures.inputs import FigureInputs
from core.paper_figures.queries import QueryChoice
from core.paper_figures.table import FIGURES, WER
from core.paper_figures.utterances import draw_utterances
from core.paper_figures.variants import draw_variants
from core.plots.charts import draw_chart
from core.plots.sheet import Sheet
from core.plots.style import DrawnFigure, Width
from core.progress import Report, silent
from core.workspace import Workspace

_DRAW: Mapping[str, Callable[[FigureInputs, int], str]] = {  # onto the inputs' sheet; returns the rule of the choice
    "3": draw_datasets, "4": draw_variants, "5": draw_crops, "6": draw_datasets, "7": draw_variants,
    "8": draw_utterances, "9": draw_crops}


def draw(workspace: Workspace, number: str, evaluation_ids: Sequence[int], choice: QueryChoice | None = None,
         method: str = "gradient", width: Width | None = None, report: Report = silent) -> DrawnFigure:
    """Draw one of `FIGURES` from stored evaluations, with the rule of the choice and the command in its caption.

    `core.plots.style.save` writes it as PNG, SVG or PDF. `width` None is the figure's own. Relevance maps and ranks
    under another crop are computed now, all else was stored. Equal arguments give equal figures. FigureError: unknown,
    evaluations (too few or many), imported, not_same, not_centre, no_query, nothing, changed, missing (matplotlib).
    EvaluationError: gone, damaged, changed. QueryError ("method"); ModelError, WeightsError.
    """
    kind = FIGURES.get(number)
    if kind is None:
        raise FigureError(f"There is no figure {number!r} to draw; there are {', '.join(FIGURES)}.", "unknown")
    if not kind.fewest <= len(evaluation_ids) <= kind.most:
        wanted = str(kind.most) if kind.fewest == kind.most else f"{kind.fewest} to {kind.most}"
        raise FigureError(f"Figure {number} is drawn from {wanted} stored evaluations; {len(evaluation_ids)} were "
                          "given. `brewclip evaluate --stored` lists them.", "evaluations")
    choice, width = choice or QueryChoice(), width or kind.width
    method_named(method)
    evaluations = tuple(archive.open_evaluation(workspace.store, number) for number in evaluation_ids)
    imported = [evaluation.record.setup.title for evaluation in evaluations if evaluation.record.setup.is_imported]
    if imported:
        raise FigureError(f"The vectors of {imported[0]} were imported: its model and transcripts are not here to draw "
                          "a figure from. Choose other evaluations.", "imported")
    if number == WER:
        chart = curves.quality(workspace.store, evaluation_ids, "wer", choice.at)
        if chart.nothing:
            raise FigureError(f"There is no curve to draw. {chart.nothing}", "nothing")
        figure, rule = draw_chart(chart, width), f"A hit is among the first {choice.at}. {chart.note}"
    else:
        inputs = FigureInputs(workspace, evaluations, Sheet(width), choice, method, report)
        rule = _DRAW[number](inputs, kind.count)
        figure = inputs.sheet.figure()
    return DrawnFigure(figure, f"{kind.title}. {kind.about} {_sources(evaluations)} {rule}\n"
                               + _command(number, evaluation_ids, choice, method, width))


def _sources(evaluations: Sequence[Evaluation]) -> str:
    """Data and models of the evaluations in words."""
    data = dict.fromkeys(f"{record.setup.folder.name} {record.setup.split} ({record.n_images} pictures, "
                         f"{record.n_utterances} utterances)"
                         for record in (evaluation.record for evaluation in evaluations))
    models = [f"{evaluation.record.setup.title} (evaluation {evaluation.record.id})" for evaluation in evaluations]
    return f"Data: {'; '.join(data)}. {'Evaluations' if len(models) > 1 else 'Evaluation'}: {'; '.join(models)}."


def _command(number: str, evaluation_ids: Sequence[int], choice: QueryChoice, method: str, width: Width) -> str:
    """The command that draws the same figure."""
    parts = ["brewclip", "figure", number]
    for evaluation_id in evaluation_ids:
        parts += ["--evaluation", str(evaluation_id)]
    for name in choice.ids:
        parts += ["--query", name]
    default = QueryChoice()
    for flag, value, usual in (("--count", choice.count, default.count), ("--seed", choice.seed, default.seed),
                               ("--at", choice.at, default.at), ("--method", method, "gradient"),
                               ("--width", width, FIGURES[number].width)):
        parts += [flag, str(value)] if value != usual else []
    return shlex.join([*parts, "--out", f"figure-{number}.pdf"])
