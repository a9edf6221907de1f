"""`brewclip figure`: the paper's figures from stored evaluations, as PNG, SVG or PDF."""

from core.cli.evaluation import DATA, evaluated, request_of
from core.cli.options import count, option, output_file
from core.cli.parts import OK, Arguments, Command, explorer, note, progress
from core.errors import FigureError
from core.paper_figures.table import FIGURES
from core.plots.style import WIDTHS

OPTIONS = (
    option("number", choices=tuple(FIGURES), metavar="FIGURE",
           help="3, 6: datasets; 4, 7: variants; 5, 9: centre crop; 8: utterances of a picture; wer: recall over word "
                "error rate"),
    *DATA,
    option("--evaluation", type=int, action="append", default=[], metavar="N",
           help="stored evaluation, instead of dataset folders; repeat for several"),
    option("--query", action="append", default=[], metavar="ID",
           help="utterance to show (figure 8: or picture); repeatable (default: drawn at random by a rule)"),
    option("--count", type=count, default=0, metavar="N", help="number of cases (default: the figure's own)"),
    option("--seed", type=int, default=0, metavar="N", help="seed of the random choice (default: 0)"),
    option("--at", type=count, default=10, metavar="K", help="a hit is among the first K (default: 10)"),
    option("--method", default="gradient", metavar="METHOD",
           help="method of the maps: gradient, grad-eclip, gradient-input, occlusion or random (default: gradient)"),
    option("--width", choices=tuple(WIDTHS), help="3.35 or 6.9 inches (default: the figure's own)"),
    option("--out", type=output_file, required=True, metavar="FILE", help="file to write: .png, .svg or .pdf"))


def _figure(arguments: Arguments) -> int:
    from core.plots import style

    style.check_target(arguments.out)
    if bool(arguments.folders) == bool(arguments.evaluation):
        raise FigureError("Name what to draw from: dataset folders, or --evaluation N.", "evaluations")
    with explorer() as opened, progress() as report:
        from core.paper_figures.figures import draw
        from core.paper_figures.queries import QueryChoice

        ids = arguments.evaluation or [
            record.id for record in evaluated(opened, request_of(opened, arguments), report)]
        choice = QueryChoice(tuple(arguments.query), arguments.count, arguments.seed, arguments.at)
        drawn = draw(opened.workspace, arguments.number, ids, choice, arguments.method, arguments.width, report)
        style.save(drawn.figure, arguments.out, drawn.caption)
    print(drawn.caption)
    note(f"The figure is in {arguments.out}.")
    return OK


FIGURE = Command("figure", "draw a figure of the paper from stored evaluations", OPTIONS, _figure,
                 details="Prints the figure's caption: data, models, rule of the choice, command.")
