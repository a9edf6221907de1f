"""Content of the report of a reproduction: sections of facts, tables and figures, for HTML and PDF alike.

Everything shown comes from the reproduction's record, the home's stored evaluations and the files of its steps.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import plain_json
from core.errors import ModelError
from core.evaluation import archive, tables
from core.evaluation.published import TABLES
from core.evaluation.records import EvaluationRecord
from core.evaluation.table_formats import FigureCell, figure_cells
from core.evaluation.tables import ResultTable, TableRow
from core.models import checkpoints
from core.reproduce.records import Reproduction, StepRecord
from core.store.store import Store

PUBLISHED, AUTHORS, OURS = "Paper, as published", "Measured here, authors' criterion", "Measured here, our criterion"
CRITERIA = ("Authors' criterion: checkpoints chosen on the test split by R@1, as the authors' code does. Our "
            "criterion: chosen on the dev split. Models that are not trained stand under both where both are shown.")
IMAGES = (".svg", ".png", ".jpg")
STATES = {"done": "done", "failed": "failed", "skipped": "skipped", "waiting": "not begun", "running": "not finished"}


@dataclass(frozen=True)
class Cell:
    """A cell: its text, what stands small beside it, whether it is the best of its column, and a number to sort by."""

    text: str
    beside: str = ""
    best: bool = False
    value: float | None = None


@dataclass(frozen=True)
class Column:
    """A heading; columns of one `group` stand next to each other. `figures` are aligned on the right."""

    title: str
    group: str = ""
    figures: bool = True


@dataclass(frozen=True)
class Grid:
    """A table of the report with its footnotes."""

    title: str
    about: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Picture:
    """A figure: its title, the file for a browser (SVG where there is one) and the file for print (PNG); None: none."""

    title: str
    screen: Path | None
    print: Path | None


@dataclass(frozen=True)
class Section:
    """One section: sentences, names with values, tables, figures, and commands."""

    title: str
    sentences: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    grids: tuple[Grid, ...] = ()
    pictures: tuple[Picture, ...] = ()
    commands: tuple[str, ...] = ()


def sections(folder: Path, reproduction: Reproduction, store: Store) -> tuple[Section, ...]:
    """The sections of the report of a reproduction in `folder`, from its records and the evaluations of `store`."""
    ids = {number for record in reproduction.records for number in record.evaluations}
    records = [record for record in archive.evaluations(store) if record.id in ids]
    lost = sorted(ids - {record.id for record in records})
    return (_summary(reproduction), _undone(reproduction, lost), _paper(reproduction, records), _evaluations(records),
            _emotion(folder, reproduction), _figures(folder, reproduction), _deviations(reproduction),
            _steps(reproduction), _commands(reproduction),
            Section("Environment", facts=tuple(reproduction.environment.items())))


def _summary(reproduction: Reproduction) -> Section:
    counts = {state: sum(record.state == state for record in reproduction.records) for state in STATES}
    return Section("Summary", facts=(
        ("Plan", f"{reproduction.title} ({reproduction.plan})"),
        ("Steps", ", ".join(f"{count} {STATES[state]}" for state, count in counts.items() if count) or "none"),
        ("Began", reproduction.began), ("Ended", reproduction.ended or "not yet"),
        ("Time of all steps", duration(sum(record.seconds for record in reproduction.records))),
        ("Model", reproduction.model), ("Preset of training", reproduction.preset),
        ("Seeds", ", ".join(map(str, reproduction.seeds)) or "none"),
        *((f"Dataset {kind}", path) for kind, path in reproduction.datasets.items()), ("Home", reproduction.home)))


def _undone(reproduction: Reproduction, lost: Sequence[int]) -> Section:
    undone = [record for record in reproduction.records if record.state != "done"]
    sentences = [] if undone else ["Every step is done."]
    sentences += [f"The evaluations {', '.join(map(str, lost))} are no longer in the store: they were deleted. Their "
                  "figures are missing below."] if lost else []
    grid = Grid("", "", (Column("Step", figures=False), Column("State", figures=False), Column("Why", figures=False)),
                tuple((Cell(record.step.title), Cell(STATES[record.state]), Cell(record.message or "-"))
                      for record in undone))
    return Section("What is missing, and why", tuple(sentences), grids=(grid,) if undone else ())


# ---- tables of the paper

def criterion(record: EvaluationRecord) -> str:
    """`AUTHORS` or `OURS`, by how the checkpoint of an evaluation was chosen; "" where nothing was chosen."""
    setup = record.setup
    if setup.checkpoint is None:
        return ""
    try:
        run = checkpoints.read_run(setup.checkpoint)
    except ModelError:
        return OURS
    on_test = run.dataset.get("dev") == setup.split and run.metrics.get("training", {}).get("select") == "r1"
    return AUTHORS if on_test else OURS


def _paper(reproduction: Reproduction, records: Sequence[EvaluationRecord]) -> Section:
    of_record = {record.id: criterion(record) for record in records}
    shown = [name for name in (AUTHORS, OURS) if name in of_record.values()] or [OURS]
    wanted = {record.step.number for record in reproduction.of_kind("table")}
    grids = []
    for number in (table.number for table in TABLES):
        filled = {name: tables.fill(number, [record for record in records if of_record[record.id] in ("", name)],
                                    seeds_as_one=True) for name in shown}
        if number in wanted or any(row.evaluation_id is not None for table in filled.values() for row in table.rows):
            grids.append(_side_by_side(filled))
    sentences = (f"Figures in percent. Beside ours: the 95 % interval over pictures of one run, or ± the standard "
                 f"deviation over seeds. Bold: the best of a column on the same data. {CRITERIA}",) if grids else (
                 "No table of the paper was asked for.",)
    return Section("Tables of the paper", sentences, grids=tuple(grids))


def _side_by_side(filled: Mapping[str, ResultTable]) -> Grid:
    """A table of the paper with published figures and those of each criterion in column groups of their own."""
    first = next(iter(filled.values()))
    rows: dict[tuple[int, tuple[str, ...]], dict[str, tuple[TableRow, tuple[FigureCell, ...]]]] = {}
    for name, table in filled.items():
        place = -1
        for row, cells in zip(table.rows, figure_cells(table), strict=True):
            place += not row.differs
            differs = tuple(difference for difference in row.differs if not difference.startswith("select "))
            rows.setdefault((place, differs), {})[name] = row, cells
    published = len(first.published)
    columns = [Column(name, figures=False) for name in first.labels]
    columns += [Column(_short(name), PUBLISHED) for name in first.published]
    columns += [Column(_short(name), group) for group in filled for name in first.ours]
    notes: dict[str, int] = {}
    lines = []
    for _, by_name in sorted(rows.items(), key=lambda pair: pair[0][0]):
        row, cells = next(iter(by_name.values()))
        texts = [f"{other.model}, {other.images} pictures: {other.note}" if other.evaluation_id is not None
                 else other.note for other, _ in by_name.values()]
        marks = " ".join(f"[{notes.setdefault(text, len(notes) + 1)}]" for text in dict.fromkeys(texts) if text)
        figures = [_cell(cell) for cell in cells[:published]]
        for name in filled:
            own = by_name[name][1][published:] if name in by_name else [FigureCell("–")] * len(first.ours)
            figures += [_cell(cell) for cell in own]
        labels = (f"{row.labels[0]} {marks}".rstrip(), *row.labels[1:])
        lines.append((*(Cell(text) for text in labels), *figures))
    return Grid(first.title, first.about, tuple(columns), tuple(lines),
                tuple(f"[{number}] {text}" for text, number in notes.items()))


def _short(name: str) -> str:
    return name.replace("Speech to image", "S→I").replace("Image to speech", "I→S").replace("_", " ")


def _cell(cell: FigureCell) -> Cell:
    return Cell(cell.value, cell.beside, cell.best, _number(cell.value))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _evaluations(records: Sequence[EvaluationRecord]) -> Section:
    if not records:
        return Section("All evaluations", ("Nothing was evaluated.",))
    grids = []
    for as_one in (True, False):
        table = tables.metrics_table(records, as_one)
        if as_one and not table.over_seeds:
            continue
        columns = (*(Column(name, figures=False) for name in table.labels), *(Column(_short(name)) for name in
                                                                             table.ours))
        rows = tuple((Cell(row.labels[0]), *map(_cell, cells))
                     for row, cells in zip(table.rows, figure_cells(table), strict=True))
        title = "Mean and standard deviation over seeds" if as_one else "Each evaluation, with 95 % intervals"
        grids.append(Grid(title, table.about, columns, rows))
    return Section("All evaluations", ("S→I: speech to image, I→S: image to speech.",), grids=tuple(grids))


# ---- emotion, figures, steps

def _emotion(folder: Path, reproduction: Reproduction) -> Section:
    rows, notes = [], []
    for record in reproduction.of_kind("emotion"):
        for path in (folder / name for name in record.outputs):
            try:
                result = plain_json.read_object(path)
                rows += [_probe_row(record, result, score) for score in result["results"]]
                notes += [f"{record.step.title}: {note}" for note in result.get("notes", ())]
            except (OSError, *plain_json.DAMAGE):
                notes.append(f"{record.step.title}: {path.name} is missing or damaged; repeat the step.")
    if not rows and not notes:
        return Section("Emotion (Table 3)", ("No experiment on emotion was asked for, or none is done.",))
    names = ("Step", "Features", "Protocol", "Mode")
    columns = (*(Column(name, figures=False) for name in names), Column("Accuracy (paper)"), Column("Accuracy (ours)"),
               Column("Recall, UAR (ours)"), Column("Majority class"), Column("Test recordings"))
    about = ("Accuracy in percent, ± standard deviation over folds and seeds. The authors' code validates on the "
             "actors that it tests on; ours does so under the protocol authors alone.")
    return Section("Emotion (Table 3)", grids=(Grid("RAVDESS", about, columns, tuple(rows),
                                                    tuple(dict.fromkeys(notes))),))


def _probe_row(record: StepRecord, result: Mapping[str, Any], score: Mapping[str, Any]) -> tuple[Cell, ...]:
    mode = str(result["mode"])
    paper = (score["paper"] or {}).get("linear" if mode == "linear" else "fine-tuned")
    return (Cell(record.step.title), Cell(str(score["title"])), Cell(str(result["protocol"])), Cell(mode),
            _percent(paper), _percent(score["accuracy"], score["spread"]["accuracy"]),
            _percent(score["uar"], score["spread"]["uar"]), _percent(result["majority"]),
            Cell(str(result["test_files"]), value=float(result["test_files"])))


def _percent(value: float | None, spread: float = 0.0) -> Cell:
    if value is None or not math.isfinite(value):
        return Cell("–")
    return Cell(f"{value:.1f}", f"± {spread:.1f}" if spread else "", value=value)


def _figures(folder: Path, reproduction: Reproduction) -> Section:
    pictures = []
    for record in reproduction.of_kind("figure"):
        by_name: dict[str, dict[str, Path]] = {}
        for name in record.outputs:
            path = folder / name
            if path.is_file():
                by_name.setdefault(str(Path(name).with_suffix("")), {})[path.suffix.lower()] = path
        for paths in by_name.values():
            screen = next((paths[suffix] for suffix in IMAGES if suffix in paths), None)
            pictures.append(Picture(record.step.title, screen, next(
                (paths[suffix] for suffix in IMAGES[1:] if suffix in paths), None)))
    return Section("Figures", () if pictures else ("No figure was drawn.",), pictures=tuple(pictures))


def _deviations(reproduction: Reproduction) -> Section:
    grid = Grid("", "", (Column("Deviation from the paper", figures=False),),
                tuple((Cell(sentence),) for sentence in reproduction.deviations))
    return Section("Deviations", () if reproduction.deviations else ("None is recorded.",),
                   grids=(grid,) if reproduction.deviations else ())


def _steps(reproduction: Reproduction) -> Section:
    columns = (Column("Step", figures=False), Column("Kind", figures=False), Column("Seed"),
               Column("State", figures=False), Column("Began", figures=False), Column("Took"), Column("Estimated"),
               Column("Evaluations", figures=False), Column("Key", figures=False))
    rows = tuple((Cell(record.step.title), Cell(record.step.kind),
                  Cell("–") if record.step.seed is None else Cell(str(record.step.seed), value=record.step.seed),
                  Cell(STATES[record.state] + (", reused" if record.reused else "")), Cell(record.began or "–"),
                  Cell(duration(record.seconds), value=record.seconds),
                  Cell("–") if record.step.seconds is None else Cell(duration(record.step.seconds),
                                                                    value=record.step.seconds),
                  Cell(", ".join(map(str, record.evaluations)) or "–"), Cell(record.step.key))
                 for record in reproduction.records)
    return Section("Steps", grids=(Grid("", "Reused: the result was there, and nothing was computed.", columns, rows),))


def _commands(reproduction: Reproduction) -> Section:
    commands = _unique(record.step.command for record in reproduction.records)
    return Section("Commands", ("The steps by hand, in the order in which they were done.",), commands=commands)


def _unique(commands: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(command for command in commands if command))


def duration(seconds: float) -> str:
    """Seconds as "13 s", "4 min", "1 h 27 min"."""
    minutes = round(seconds / 60)
    return f"{seconds:.0f} s" if seconds < 60 else f"{minutes} min" if minutes < 60 else (
        f"{minutes // 60} h {minutes % 60} min")
