"""Tables as CSV, Markdown and LaTeX (booktabs): intervals or spreads beside our figures, the best of a column in bold.

Best means: of the rows on the same data, within one column, at the digits that are printed. Rows that are marked not
comparable are never compared, and neither are published figures with ours.
"""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.errors import EvaluationError
from core.evaluation.tables import ResultTable, TableRow
from core.spreadsheet import plain_cells

LATEX = {"\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
         "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "·": r"\textperiodcentered{}",
         "±": r"$\pm$", "\N{EN DASH}": "--"}
NONE = "\N{EN DASH}"


@dataclass(frozen=True)
class FigureCell:
    """One figure of a table as texts: the value, what stands beside it, and whether it is the best of its column."""

    value: str
    beside: str = ""
    best: bool = False


def export(table: ResultTable, form: str) -> str:
    """The table as "csv", "markdown" or "latex". EvaluationError ("format")."""
    if form not in FORMATS:
        raise EvaluationError(f"There is no format {form!r}; there are {', '.join(FORMATS)}.", "format")
    return FORMATS[form](table)


def figure_cells(table: ResultTable) -> list[tuple[FigureCell, ...]]:
    """The figures of each row: the published ones, then ours with their intervals or spreads."""
    best = [_best(table, column) for column in range(len(table.published) + len(table.ours))]
    lines = []
    for number, row in enumerate(table.rows):
        beside = ["" for _ in row.published] + [_beside(row, place) for place in range(len(row.ours))]
        lines.append(tuple(
            FigureCell(NONE if figure is None else f"{figure:.1f}", "" if figure is None else text,
                       number in best[column])
            for column, (figure, text) in enumerate(zip((*row.published, *row.ours), beside, strict=True))))
    return lines


def _beside(row: TableRow, place: int) -> str:
    """ "± 1.2" over seeds, "[40.2, 44.9]" of one evaluation, or ""."""
    spread = row.spreads[place] if row.spreads else None
    interval = row.intervals[place] if row.intervals else None
    return f"± {spread:.1f}" if spread is not None else f"[{interval[0]:.1f}, {interval[1]:.1f}]" if interval else ""


def _best(table: ResultTable, column: int) -> set[int]:
    """Numbers of the rows with the best figure of a column, in each group of at least two that are compared."""
    name = (*table.published, *table.ours)[column]
    sign = -1 if name.endswith((" rank", "WER")) else 1
    groups: dict[str, dict[int, float]] = {}
    for number, row in enumerate(table.rows):
        figure = (*row.published, *row.ours)[column]
        if figure is not None and row.comparable:
            groups.setdefault(row.compared, {})[number] = sign * round(figure, 1)
    return {number for figures in groups.values() if len(figures) > 1
            for number, figure in figures.items() if figure == max(figures.values())}


def _csv(table: ResultTable) -> str:
    labels, published = len(table.labels), len(table.published)
    beside = ["", " from", " to"] if not table.number else [""]
    beside += [" sd"] if table.over_seeds else []
    names = [f"{name}{part}" for name in table.headings[labels + published:-3] for part in beside]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(plain_cells((*table.headings[:labels + published], *names, *table.headings[-3:])))
    for row in table.rows:
        ours = [number for place, figure in enumerate(row.ours) for number in _numbers(row, place, figure, beside)]
        figures = ["" if figure is None else f"{figure:.1f}" for figure in (*row.published, *ours)]
        writer.writerow(plain_cells((*row.labels, *figures, *_facts(row, ""))))
    return out.getvalue()


def _numbers(row: TableRow, place: int, figure: float | None, beside: Sequence[str]) -> list[float | None]:
    low, high = (row.intervals[place] if row.intervals else None) or (None, None)
    numbers = {"": figure, " from": low, " to": high, " sd": row.spreads[place] if row.spreads else None}
    return [numbers[part] for part in beside]


def _facts(row: TableRow, none: str) -> tuple[str, str, str]:
    return str(row.images) if row.evaluation_id is not None else none, row.model, row.note


def _markdown(table: ResultTable) -> str:
    figures = len(table.published) + len(table.ours) + 1
    rule = ["---"] * len(table.labels) + ["--:"] * figures + ["---"] * 2
    rows = [table.headings, rule, *(
        (*row.labels, *(f"{f'**{cell.value}**' if cell.best else cell.value} {cell.beside}".rstrip() for cell in cells),
         *_facts(row, NONE)) for row, cells in zip(table.rows, figure_cells(table), strict=True))]
    lines = ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
    return "\n".join([f"**{table.title}.** {table.about}", "", *lines, ""])


def _latex(table: ResultTable) -> str:
    form = "l" * len(table.labels) + "r" * (len(table.published) + len(table.ours) + 1) + "ll"
    rows = [" & ".join([*map(_escaped, row.labels), *map(_latex_figure, cells), *map(_escaped, _facts(row, NONE))])
            + r" \\" for row, cells in zip(table.rows, figure_cells(table), strict=True)]
    heading = " & ".join(_escaped(cell) for cell in table.headings) + r" \\"
    return "\n".join([r"\begin{table}", rf"\caption{{{_escaped(table.title)}. {_escaped(table.about)}}}",
                      rf"\begin{{tabular}}{{{form}}}", r"\toprule", heading, r"\midrule", *rows, r"\bottomrule",
                      r"\end{tabular}", r"\end{table}", ""])


def _latex_figure(cell: FigureCell) -> str:
    value = rf"\textbf{{{cell.value}}}" if cell.best else _escaped(cell.value)
    return value + (rf" {{\scriptsize {_escaped(cell.beside)}}}" if cell.beside else "")


def _escaped(text: str) -> str:
    return "".join(LATEX.get(character, character) for character in text)


FORMATS: dict[str, Callable[[ResultTable], str]] = {"csv": _csv, "markdown": _markdown, "latex": _latex}
