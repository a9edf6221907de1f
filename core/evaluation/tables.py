"""Tables: the paper's with ours beside its figures, and one of any stored evaluations; as CSV, Markdown and LaTeX.

The published figures stand in columns of their own, marked "(paper)".
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from core.errors import EvaluationError
from core.evaluation import protocol
from core.evaluation.metrics import NAMES, Metrics
from core.evaluation.published import TABLES, Figures, PaperRow, PaperTable
from core.evaluation.records import DIRECTION_TITLES, DIRECTIONS, EvaluationRecord
from core.spreadsheet import plain_cells

__all__ = ["FORMATS", "TABLES", "ResultTable", "TableRow", "export", "fill", "metrics_table"]

UNSEEN = ("Speech to image R@5, unseen pictures", "Image to speech R@5, unseen pictures")
LATEX = {"\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
         "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "·": r"\textperiodcentered{}"}
NONE = "\N{EN DASH}"
LEARNT_FROM = ("train", "dev")  # splits that a model was trained or chosen on: nothing to stand beside a test's figures


@dataclass(frozen=True)
class TableRow:
    """A row: what was published (None: nothing), what we measured (None: not evaluated), and on how many pictures."""

    labels: tuple[str, ...]
    published: Figures
    ours: Figures
    evaluation_id: int | None = None
    images: int = 0
    model: str = ""
    note: str = ""
    differs: tuple[str, ...] = ()  # how it differs from the paper's protocol; such a row has no published figures
    comparable: bool = True        # False: on another number of pictures or utterances


@dataclass(frozen=True)
class ResultTable:
    """A table for people; `published` and `ours` name the columns of the rows' figures. `number` 0: not the paper's."""

    number: int
    title: str
    about: str
    labels: tuple[str, ...]
    published: tuple[str, ...]
    ours: tuple[str, ...]
    rows: tuple[TableRow, ...]

    @property
    def headings(self) -> tuple[str, ...]:
        """All columns, with whose figures they hold."""
        return (*self.labels, *(f"{name} (paper)" for name in self.published),
                *(f"{name} (ours)" if self.published else name for name in self.ours), "Pictures", "Model", "Note")

    def cells(self, row: TableRow, none: str = "") -> tuple[str, ...]:
        """A row as texts, as many as `headings`."""
        figures = [none if figure is None else f"{figure:.1f}" for figure in (*row.published, *row.ours)]
        return (*row.labels, *figures, str(row.images) if row.evaluation_id is not None else none, row.model, row.note)


def fill(number: int, records: Iterable[EvaluationRecord]) -> ResultTable:
    """A table of the paper; beside each row the newest evaluation by its protocol, below it those that differ.

    Of several evaluations with the same differences the newest stands there. EvaluationError ("no_table").
    """
    table = next((table for table in TABLES if table.number == number), None)
    if table is None:
        there = ", ".join(str(table.number) for table in TABLES)
        raise EvaluationError(f"There is no table {number} of the paper here; there are {there}.", "no_table")
    newest = sorted(records, key=lambda record: record.id, reverse=True)
    ours = (*table.columns, *UNSEEN) if number == 5 else table.columns
    return ResultTable(number, f"Table {number}: {table.title}", table.about, table.labels, table.columns, ours,
                 tuple(filled for row in table.rows for filled in _rows(table, row, newest)))


def metrics_table(records: Sequence[EvaluationRecord]) -> ResultTable:
    """Any evaluations, each with all figures both ways and their intervals, in the order given."""
    columns = tuple(f"{DIRECTION_TITLES[direction]} {_title(name)}{part}" for direction in DIRECTIONS for name in NAMES
                    for part in ("", " from", " to"))
    rows = tuple(TableRow((record.setup.title,), (),
                          (*_with_intervals(record), 100 * record.words.rate if record.words else None),
                          record.id, record.n_images, record.setup.model) for record in records)
    return ResultTable(0, "Evaluations", "Recall and word error rate in percent; from and to are 95 % intervals.",
                 ("Evaluation",), (), (*columns, "WER"), rows)


def _with_intervals(record: EvaluationRecord) -> Figures:
    figures = [record.metrics(direction)[name] for direction in DIRECTIONS for name in NAMES]
    return tuple(value for figure in figures
                 for value in (figure.value, *((figure.low, figure.high) if figure.has_interval else (None, None))))


def export(table: ResultTable, form: str) -> str:
    """The table as "csv", "markdown" or "latex". EvaluationError ("format")."""
    if form not in FORMATS:
        raise EvaluationError(f"There is no format {form!r}; there are {', '.join(FORMATS)}.", "format")
    return FORMATS[form](table)


def _rows(table: PaperTable, row: PaperRow, newest: Sequence[EvaluationRecord]) -> list[TableRow]:
    """A published row with the evaluation that follows its protocol, and a row of its own for each other kind."""
    columns = len(table.columns) + (len(UNSEEN) if table.number == 5 else 0)
    mine = [record for record in newest if row.ours and record.setup.split not in LEARNT_FROM
            and protocol.belongs(record, row.kind, row.ours)]
    by_difference: dict[tuple[str, ...], EvaluationRecord] = {}
    for record in mine:
        by_difference.setdefault(protocol.differences(record), record)
    credited = by_difference.pop((), None)
    first = (TableRow(row.labels, row.figures, (None,) * columns, note=row.note) if credited is None else
             _ours(table, row.labels, row.figures, credited, (row.note,)))
    return [first, *(_apart(table, row, record, differs)
                     for differs, record in sorted(by_difference.items(), key=lambda pair: len(pair[0])))]


def _apart(table: PaperTable, row: PaperRow, record: EvaluationRecord, differs: tuple[str, ...]) -> TableRow:
    """An evaluation that is not by the paper's protocol: no published figures stand beside it."""
    comparable = not protocol.sizes(record)
    lead = "differs" if comparable else "not comparable"
    label = f"{row.labels[0]}, as evaluated here"
    made = _ours(table, (label, *row.labels[1:]), (None,) * len(table.columns), record,
                 (f"{lead}: {', '.join(differs)}",))
    return replace(made, differs=differs, comparable=comparable)


def _ours(table: PaperTable, labels: tuple[str, ...], published: Figures, record: EvaluationRecord,
          notes: tuple[str, ...]) -> TableRow:
    ours = (_cross(record) if table.number == 5 else
            tuple(record.metrics(direction)[f"R@{at}"].value for direction in DIRECTIONS for at in (1, 5, 10)))
    notes = (*notes, f"ours on {record.setup.folder.name} {record.setup.split}",
             record.unseen_note if table.number == 5 else "")
    return TableRow(labels, published, ours, record.id, record.n_images, record.setup.model,
               "; ".join(filter(None, notes)))


def _cross(record: EvaluationRecord) -> Figures:
    """R@5 both ways, over all pictures and over those that are unseen."""
    apart = record.unseen
    unseen = [None, None] if apart is None else [_some(apart.speech_to_image), _some(apart.image_to_speech)]
    return (*(record.metrics(direction)["R@5"].value for direction in DIRECTIONS), *unseen)


def _some(metrics: Metrics) -> float | None:
    return metrics["R@5"].value if metrics.queries else None


def _title(name: str) -> str:
    return name.replace("_", " ")


def _csv(table: ResultTable) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows(plain_cells(line) for line in (table.headings, *(table.cells(row) for row in table.rows)))
    return out.getvalue()


def _markdown(table: ResultTable) -> str:
    labels = len(table.labels)
    figures = len(table.published) + len(table.ours) + 1
    rule = ["---"] * labels + ["--:"] * figures + ["---"] * 2
    rows = [table.headings, rule, *(table.cells(row, NONE) for row in table.rows)]
    lines = ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
    return "\n".join([f"**{table.title}.** {table.about}", "", *lines, ""])


def _latex(table: ResultTable) -> str:
    form = "l" * len(table.labels) + "r" * (len(table.published) + len(table.ours) + 1) + "ll"
    rows = [" & ".join(_escaped(cell) for cell in table.cells(row, "--")) + r" \\" for row in table.rows]
    heading = " & ".join(_escaped(cell) for cell in table.headings) + r" \\"
    return "\n".join([r"\begin{table}", rf"\caption{{{_escaped(table.title)}. {_escaped(table.about)}}}",
                      rf"\begin{{tabular}}{{{form}}}", r"\toprule", heading, r"\midrule", *rows, r"\bottomrule",
                      r"\end{tabular}", r"\end{table}", ""])


def _escaped(text: str) -> str:
    return "".join(LATEX.get(character, character) for character in text)


FORMATS: dict[str, Callable[[ResultTable], str]] = {"csv": _csv, "markdown": _markdown, "latex": _latex}
