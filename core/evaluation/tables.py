"""Tables: the paper's with ours beside its figures, and one of any stored evaluations.

The published figures stand in columns of their own, marked "(paper)". `core.evaluation.table_formats` writes tables.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from core.errors import EvaluationError
from core.evaluation import protocol, seeds
from core.evaluation.metrics import NAMES, NONE, Figure, Metrics
from core.evaluation.published import SELECTION, TABLES, Figures, PaperRow, PaperTable
from core.evaluation.records import DIRECTION_TITLES, DIRECTIONS, EvaluationRecord
from core.evaluation.seeds import Group
from core.localisation import _

__all__ = ["TABLES", "ResultTable", "TableRow", "fill", "metrics_table"]

UNSEEN = (_("Speech to image R@5, unseen pictures"), _("Image to speech R@5, unseen pictures"))
LEARNT_FROM = ("train", "dev")  # splits that a model was trained or chosen on: nothing to stand beside a test's figures
Interval = tuple[float, float]


@dataclass(frozen=True)
class TableRow:
    """A row: what was published (None: nothing), what we measured (None: not evaluated), and on how many pictures.

    `intervals` and `spreads` belong to `ours`: the 95 % interval of one evaluation, or the standard deviation over
    seeds of several. Rows with the same `compared` were evaluated on the same data.
    """

    labels: tuple[str, ...]
    published: Figures
    ours: Figures
    evaluation_id: int | None = None
    images: int = 0
    model: str = ""
    note: str = ""
    differs: tuple[str, ...] = ()  # how it differs from the paper's protocol; such a row has no published figures
    comparable: bool = True        # False: on another number of pictures or utterances
    compared: str = ""
    intervals: tuple[Interval | None, ...] = ()
    spreads: Figures = ()


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
                *(f"{name} (ours)" if self.published else name for name in self.ours), _("Pictures"), _("Model"),
                _("Note"))

    @property
    def over_seeds(self) -> bool:
        """Whether some row is of several seeds."""
        return any(spread is not None for row in self.rows for spread in row.spreads)


def fill(number: int, records: Iterable[EvaluationRecord], seeds_as_one: bool = False) -> ResultTable:
    """A table of the paper; beside each row the newest evaluation by its protocol, below it those that differ.

    Of several evaluations with the same differences the newest stands there, with `seeds_as_one` the mean over it and
    those of runs that differ from its own only in the seed. EvaluationError ("no_table").
    """
    table = next((table for table in TABLES if table.number == number), None)
    if table is None:
        there = ", ".join(str(table.number) for table in TABLES)
        raise EvaluationError(_("There is no table {number} of the paper here; there are {there}.").format(
            number=number, there=there), "no_table")
    newest = _grouped(sorted(records, key=lambda record: record.id, reverse=True), seeds_as_one)
    ours = (*table.columns, *UNSEEN) if number == 5 else table.columns
    return ResultTable(number, _("Table {number}: {title}").format(number=number, title=table.title),
                       f"{table.about} {SELECTION}", table.labels,
                       table.columns, ours, tuple(filled for row in table.rows for filled in _rows(table, row, newest)))


def metrics_table(records: Sequence[EvaluationRecord], seeds_as_one: bool = False) -> ResultTable:
    """Any evaluations, each with all figures both ways and their intervals, in the order given."""
    columns = tuple(f"{DIRECTION_TITLES[direction]} {name.replace('_', ' ')}" for direction in DIRECTIONS
                    for name in NAMES)
    rows = []
    for group in _grouped(records, seeds_as_one):
        first, setup = group[0], group[0].setup
        errors = [Figure(100 * record.words.rate, *NONE) if record.words else None for record in group]
        label = replace(setup, model=seeds.title(group)).title
        row = _measured((label,), (), group, [
            *([record.metrics(direction)[name] for record in group] for direction in DIRECTIONS for name in NAMES),
            errors], _seeds_note(group))
        rows.append(replace(row, compared=f"{setup.folder} {setup.split} {first.n_images} {first.n_utterances}"))
    about = ("Recall, nDCG, MRR and word error rate in percent; "
             + (_("mean ± standard deviation over seeds.") if seeds_as_one else _("with 95 % intervals.")))
    return ResultTable(0, _("Evaluations"), about, (_("Evaluation"),), (), (*columns, "WER"), tuple(rows))


def _grouped(records: Sequence[EvaluationRecord], seeds_as_one: bool) -> list[Group]:
    return seeds.groups(records) if seeds_as_one else [(record,) for record in records]


def _seeds_note(group: Group) -> str:
    if len(group) == 1:
        return ""
    return (_("mean ± standard deviation of {group} seeds, evaluations {value}").format(
        group=len(group), value=", ".join(str(record.id) for record in reversed(group))))


def _rows(table: PaperTable, row: PaperRow, newest: Sequence[Group]) -> list[TableRow]:
    """A published row with the evaluation that follows its protocol, and a row of its own for each other kind."""
    columns = len(table.columns) + (len(UNSEEN) if table.number == 5 else 0)
    by_difference: dict[tuple[str, ...], Group] = {}
    for group in newest:
        if row.ours and group[0].setup.split not in LEARNT_FROM and protocol.belongs(group[0], row.kind, row.ours):
            by_difference.setdefault(protocol.differences(group[0]), group)
    credited = by_difference.pop((), None)
    first = (TableRow(row.labels, row.figures, (None,) * columns, note=row.note, compared=row.labels[1])
             if credited is None else _ours(table, row.labels, row.figures, credited, (row.note,)))
    return [first, *(_apart(table, row, group, differs)
                     for differs, group in sorted(by_difference.items(), key=lambda pair: len(pair[0])))]


def _apart(table: PaperTable, row: PaperRow, group: Group, differs: tuple[str, ...]) -> TableRow:
    """An evaluation that is not by the paper's protocol: no published figures stand beside it."""
    comparable = not protocol.sizes(group[0])
    lead = "differs" if comparable else _("not comparable")
    label = _("{labels}, as evaluated here").format(labels=row.labels[0])
    made = _ours(table, (label, *row.labels[1:]), (None,) * len(table.columns), group,
                 (f"{lead}: {', '.join(differs)}",))
    return replace(made, differs=differs, comparable=comparable)


def _ours(table: PaperTable, labels: tuple[str, ...], published: Figures, group: Group, notes: tuple[str, ...]
          ) -> TableRow:
    columns = [_cross(record) if table.number == 5 else
               [record.metrics(direction)[f"R@{at}"] for direction in DIRECTIONS for at in (1, 5, 10)]
               for record in group]
    setup = group[0].setup
    missing = group[0].unreadable if setup.is_imported else 0
    notes = (*notes, _("{missing} without a vector, counted as misses").format(missing=missing) if missing else "",
             _("ours on {name} {split}").format(name=setup.folder.name, split=setup.split),
             group[0].unseen_note if table.number == 5 else "", _seeds_note(group))
    return _measured(labels, published, group, list(zip(*columns, strict=True)), "; ".join(filter(None, notes)))


def _measured(labels: tuple[str, ...], published: Figures, group: Group, columns: Sequence[Sequence[Figure | None]],
              note: str) -> TableRow:
    """A row with our figures: for each column those of the evaluations of a group."""
    together = [seeds.mean_and_spread([figure.value if figure else None for figure in column]) for column in columns]
    intervals = [(figure.low, figure.high) if len(group) == 1 and figure and figure.has_interval else None
                 for figure, *_unused in columns]
    return TableRow(labels, published, tuple(mean for mean, _unused in together), group[0].id, group[0].n_images,
                    seeds.title(group), note, compared=labels[-1], intervals=tuple(intervals),
                    spreads=tuple(spread for _unused, spread in together))


def _cross(record: EvaluationRecord) -> list[Figure | None]:
    """R@5 both ways, over all pictures and over those that are unseen."""
    apart = record.unseen
    unseen = [None, None] if apart is None else [_some(apart.speech_to_image), _some(apart.image_to_speech)]
    return [*(record.metrics(direction)["R@5"] for direction in DIRECTIONS), *unseen]


def _some(metrics: Metrics) -> Figure | None:
    return metrics["R@5"] if metrics.queries else None
