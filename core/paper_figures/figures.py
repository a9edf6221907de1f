"""The table of the paper's figures, and `draw`, which the command line, the window, plans and reports call."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import FigureError
from core.evaluation import archive, curves
from core.evaluation.archive import Evaluation
from core.explain.methods import method as method_named
from core.paper_figures.crops import draw_crops
from core.paper_figures.datasets import draw_datasets
from core.paper_figures.inputs import FigureInputs
from core.paper_figures.queries import QueryChoice
from core.paper_figures.utterances import draw_utterances
from core.paper_figures.variants import draw_variants
from core.plots.charts import draw_chart
from core.plots.sheet import Sheet
from core.plots.style import Width
from core.progress import Report, silent
from core.workspace import Workspace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WER = "wer"


@dataclass(frozen=True)
class PaperFigure:
    """A figure of the paper: `fewest` to `most` evaluations, and by default `count` cases and a `width`.

    `draw` draws onto the sheet of its inputs and returns the rule by which the cases were drawn; None for the curve.
    """

    number: str
    title: str
    about: str
    fewest: int
    most: int
    count: int
    draw: Callable[[FigureInputs, int], str] | None = None
    width: Width = "page"


_CROPPED = "What the centre crop cuts off is dark; ranks with the centre crop and with the whole picture."
_DATASETS = "Successes as well as failures of speech-to-image retrieval on different datasets."
_VARIANTS = "Variants of the model side by side: relevance on the described picture, rank and best match."
FIGURES: Mapping[str, PaperFigure] = {figure.number: figure for figure in (
    PaperFigure("3", "Datasets compared", _DATASETS, 1, 3, 1, draw_datasets),
    PaperFigure("4", "Variants compared", _VARIANTS, 1, 6, 2, draw_variants),
    PaperFigure("5", "Failed because of the centre crop", _CROPPED, 1, 1, 1, draw_crops, "column"),
    PaperFigure("6", "Datasets compared, more cases", _DATASETS, 1, 3, 2, draw_datasets),
    PaperFigure("7", "Variants compared, more cases", _VARIANTS, 1, 6, 4, draw_variants),
    PaperFigure("8", "All utterances of one picture",
                "Utterances of one picture with transcripts, word error rates, ranks and best matches.", 1, 1, 1,
                draw_utterances),
    PaperFigure("9", "Failed because of the centre crop, more cases", _CROPPED, 1, 1, 4, draw_crops),
    PaperFigure(WER, "Recall over word error rate",
                "Share of hits over the word error rate of the utterance: bins with Wilson's 95 % intervals, and a "
                "logistic fit with its 95 % band.", 1, 4, 0, width="column"))}


@dataclass(frozen=True, eq=False)
class DrawnFigure:
    """A figure with its `caption`: what it shows, data, models, evaluations, rule of the choice, command."""

    figure: "Figure"
    caption: str


def draw(workspace: Workspace, number: str, evaluation_ids: Sequence[int], choice: QueryChoice | None = None,
         method: str = "gradient", width: Width | None = None, report: Report = silent) -> DrawnFigure:
    """Draw one of `FIGURES` from stored evaluations; `core.plots.style.save` writes it as PNG, SVG or PDF.

    `width` None is the figure's own. Relevance maps and ranks under another crop are computed now, all else was
    stored. Equal arguments give equal figures. FigureError: unknown, evaluations (too few or many), not_same,
    not_centre, no_query, nothing, changed, missing (matplotlib). EvaluationError: gone, damaged, changed. QueryError
    ("method"); ModelError, WeightsError.
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
    if kind.draw is None:
        chart = curves.quality(workspace.store, evaluation_ids, "wer", choice.at)
        if chart.nothing:
            raise FigureError(f"There is no curve to draw. {chart.nothing}", "nothing")
        figure, rule = draw_chart(chart, width), f"A hit is among the first {choice.at}. {chart.note}"
    else:
        inputs = FigureInputs(workspace, evaluations, Sheet(width), choice, method, report)
        rule = kind.draw(inputs, kind.count)
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
