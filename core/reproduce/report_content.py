"""Content of the report of a reproduction: sections of facts, tables and figures, for HTML and PDF alike.

Everything shown comes from the reproduction's record, the home's stored evaluations and the files of its steps.
"""

import math
from collections.abc import Mapping, Sequence
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
from core.reproduce.records import Reproduction, StepRecord, with_imported
from core.store.store import Store

PUBLISHED, AUTHORS, OURS = "Paper, as published", "Measured here, authors' criterion", "Measured here, our criterion"
CRITERIA = ("Authors' criterion: checkpoints chosen on the test split by R@1, as the authors' code does. Our "
            "criterion: chosen on the dev split. Models that are not trained stand under both where both are shown.")
IMAGES = (".svg", ".png", ".jpg")
STATES = {"done": "done", "failed": "failed", "skipped": "skipped", "waiting": "not begun", "running": "not finished"}


@dataclass(frozen=True)
class ReportCell:
    """A cell: its text, what stands small beside it, whether it is the best of its column, and a number to sort by."""

    text: str
    beside: str = ""
    best: bool = False
    value: float | None = None


@dataclass(frozen=True)
class ReportColumn:
    """A heading; columns of one `group` stand next to each other. `figures` are aligned on the right."""

    title: str
    group: str = ""
    figures: bool = True


@dataclass(frozen=True)
class ReportTable:
    """A table of the report with its footnotes."""

    title: str
    about: str
    columns: tuple[ReportColumn, ...]
    rows: tuple[tuple[ReportCell, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportFigure:
    """A figure: its title, the file for a browser (SVG where there is one) and the file for print (PNG); None: none.

    `about` is its caption: where its queries come from and how they were chosen.
    """

    title: str
    screen: Path | None
    print: Path | None
    about: str = ""


@dataclass(frozen=True)
class ReportSection:
    """One section: sentences, names with values, tables, figures, and commands."""

    title: str
    sentences: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    grids: tuple[ReportTable, ...] = ()
    pictures: tuple[ReportFigure, ...] = ()
    commands: tuple[str, ...] = ()


def sections(folder: Path, reproduction: Reproduction, store: Store) -> tuple[ReportSection, ...]:
    """The sections of the report of a reproduction in `folder`, from its records and the evaluations of `store`."""
    ids = {number for record in reproduction.records for number in record.evaluations}
    records = with_imported(archive.evaluations(store), ids)
    lost = sorted(ids - {record.id for record in records})
    return (_summary(reproduction), _undone(reproduction, lost), _paper(reproduction, records), _evaluations(records),
            _emotion(folder, reproduction), _figures(folder, reproduction), _deviations(reproduction),
            _steps(reproduction), _commands(reproduction),
            ReportSection("Environment", facts=tuple(reproduction.environment.items())))


def _summary(reproduction: Reproduction) -> ReportSection:
    counts = {state: sum(record.state == state for record in reproduction.records) for state in STATES}
    return ReportSection("Summary", facts=(
        ("Plan", f"{reproduction.title} ({reproduction.plan})"),
        ("Steps", ", ".join(f"{count} {STATES[state]}" for state, count in counts.items() if count) or "none"),
        ("Began", reproduction.began), ("Ended", reproduction.ended or "not yet"),
        ("Time of all steps", duration(sum(record.seconds for record in reproduction.records))),
        ("Model", reproduction.model), ("Preset of training", reproduction.preset),
        ("Seeds", ", ".join(map(str, reproduction.seeds)) or "none"),
        *((f"Dataset {kind}", path) for kind, path in reproduction.datasets.items()), ("Home", reproduction.home)))


def _undone(reproduction: Reproduction, lost: Sequence[int]) -> ReportSection:
    undone = [record for record in reproduction.records if record.state != "done"]
    sentences = [] if undone else ["Every step is done."]
    sentences += [f"The evaluations {', '.join(map(str, lost))} are no longer in the store: they were deleted. Their "
                  "figures are missing below."] if lost else []
    grid = ReportTable("", "", _words("Step", "State", "Why"), tuple(
        _texts(record.step.title, STATES[record.state], record.message or "–") for record in undone))
    return ReportSection("What is missing, and why", tuple(sentences), grids=(grid,) if undone else ())


def _words(*titles: str) -> tuple[ReportColumn, ...]:
    return tuple(ReportColumn(title, figures=False) for title in titles)


def _texts(*texts: str) -> tuple[ReportCell, ...]:
    return tuple(map(ReportCell, texts))


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


def _paper(reproduction: Reproduction, records: Sequence[EvaluationRecord]) -> ReportSection:
    of_record = {record.id: criterion(record) for record in records}
    shown = [name for name in (AUTHORS, OURS) if name in of_record.values()] or [OURS]
    wanted = {record.step.number for record in reproduction.of_kind("table")}
    grids = []
    for number in (table.number for table in TABLES):
        filled = {name: tables.fill(number, [record for record in records if of_record[record.id] in ("", name)],
                                    seeds_as_one=True) for name in shown}
        if number in wanted or any(row.evaluation_id is not None for table in filled.values() for row in table.rows):
            grids.append(_side_by_side(filled))
    sentences = ("Figures in percent; S→I: speech to image, I→S: image to speech. Beside ours: the 95 % interval over "
                 "pictures of one run, or ± the standard deviation over seeds. Bold: the best of a column on the same "
                 f"data. {CRITERIA}",) if grids else ("No table of the paper was asked for.",)
    return ReportSection("Tables of the paper", sentences, grids=tuple(grids))


def _side_by_side(filled: Mapping[str, ResultTable]) -> ReportTable:
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
    columns = [*_words(*first.labels)]
    columns += [ReportColumn(_short(name), PUBLISHED) for name in first.published]
    columns += [ReportColumn(_short(name), group) for group in filled for name in first.ours]
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
        lines.append((*_texts(*labels), *figures))
    return ReportTable(first.title, first.about, tuple(columns), tuple(lines),
                tuple(f"[{number}] {text}" for text, number in notes.items()))


def _short(name: str) -> str:
    return name.replace("Speech to image", "S→I").replace("Image to speech", "I→S").replace("_", " ")


def _cell(cell: FigureCell) -> ReportCell:
    return ReportCell(cell.value, cell.beside, cell.best, _number(cell.value))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _evaluations(records: Sequence[EvaluationRecord]) -> ReportSection:
    if not records:
        return ReportSection("All evaluations", ("Nothing was evaluated.",))
    grids = []
    for as_one in (True, False):
        table = tables.metrics_table(records, as_one)
        if as_one and not table.over_seeds:
            continue
        columns = (*_words(*table.labels), *(ReportColumn(_short(name)) for name in table.ours))
        rows = tuple((ReportCell(row.labels[0]), *map(_cell, cells))
                     for row, cells in zip(table.rows, figure_cells(table), strict=True))
        title = "Mean and standard deviation over seeds" if as_one else "Each evaluation, with 95 % intervals"
        grids.append(ReportTable(title, table.about, columns, rows))
    return ReportSection("All evaluations", ("S→I: speech to image, I→S: image to speech.",), grids=tuple(grids))


# ---- emotion, figures, steps

def _emotion(folder: Path, reproduction: Reproduction) -> ReportSection:
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
        return ReportSection("Emotion (Table 3)", ("No experiment on emotion was asked for, or none is done.",))
    figures = ("Accuracy (paper)", "Accuracy (ours)", "Recall, UAR (ours)", "Majority class", "Test recordings")
    columns = (*_words("Step", "Features", "Protocol", "Mode"), *map(ReportColumn, figures))
    about = ("Accuracy in percent, ± standard deviation over folds and seeds. The authors' code validates on the "
             "actors that it tests on; ours does so under the protocol authors alone.")
    grid = ReportTable("RAVDESS", about, columns, tuple(rows), tuple(dict.fromkeys(notes)))
    return ReportSection("Emotion (Table 3)", grids=(grid,))


def _probe_row(record: StepRecord, result: Mapping[str, Any], score: Mapping[str, Any]) -> tuple[ReportCell, ...]:
    mode = str(result["mode"])
    paper = (score["paper"] or {}).get("linear" if mode == "linear" else "fine-tuned")
    return (*_texts(record.step.title, str(score["title"]), str(result["protocol"]), mode), _percent(paper),
            _percent(score["accuracy"], score["spread"]["accuracy"]),
            _percent(score["uar"], score["spread"]["uar"]), _percent(result["majority"]),
            ReportCell(str(result["test_files"]), value=float(result["test_files"])))


def _percent(value: float | None, spread: float = 0.0) -> ReportCell:
    if value is None or not math.isfinite(value):
        return ReportCell("–")
    return ReportCell(f"{value:.1f}", f"± {spread:.1f}" if spread else "", value=value)


def _figures(folder: Path, reproduction: Reproduction) -> ReportSection:
    pictures = []
    for record in reproduction.of_kind("figure"):
        by_name: dict[str, dict[str, Path]] = {}
        for name in record.outputs:
            path = folder / name
            if path.is_file():
                by_name.setdefault(str(Path(name).with_suffix("")), {})[path.suffix.lower()] = path
        for paths in by_name.values():
            screen = next((paths[suffix] for suffix in IMAGES if suffix in paths), None)
            pictures.append(ReportFigure(record.step.title, screen, next(
                (paths[suffix] for suffix in IMAGES[1:] if suffix in paths), None), _caption(paths.get(".txt"))))
    return ReportSection("Figures", () if pictures else ("No figure was drawn.",), pictures=tuple(pictures))


def _caption(path: Path | None) -> str:
    """The first line of the text beside a figure; "" without one."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").partition("\n")[0] if path else ""
    except OSError:
        return ""


def _deviations(reproduction: Reproduction) -> ReportSection:
    grid = ReportTable("", "", _words("Deviation from the paper"), tuple(map(_texts, reproduction.deviations)))
    return ReportSection("Deviations", () if reproduction.deviations else ("None is recorded.",),
                         grids=(grid,) if reproduction.deviations else ())


def _steps(reproduction: Reproduction) -> ReportSection:
    columns = (*_words("Step", "Kind", "State", "Began"), *map(ReportColumn, ("Seed", "Took", "Estimated")),
               *_words("Evaluations", "Key"))
    rows = tuple((
        *_texts(record.step.title, record.step.kind, STATES[record.state] + (", reused" if record.reused else ""),
                record.began or "–"),
        ReportCell("–") if record.step.seed is None else ReportCell(str(record.step.seed), value=record.step.seed),
        _time(record.seconds), _time(record.step.seconds),
        *_texts(", ".join(map(str, record.evaluations)) or "–", record.step.key)) for record in reproduction.records)
    return ReportSection("Steps", ("Reused: the result was there, and nothing was computed.",),
                         grids=(ReportTable("", "", columns, rows),))


def _time(seconds: float | None) -> ReportCell:
    return ReportCell("–") if seconds is None else ReportCell(duration(seconds), value=seconds)


def _commands(reproduction: Reproduction) -> ReportSection:
    commands = tuple(dict.fromkeys(record.step.command for record in reproduction.records if record.step.command))
    return ReportSection("Commands", ("The steps by hand, in the order in which they were done.",), commands=commands)


def duration(seconds: float) -> str:
    """Seconds as "13 s", "4 min", "1 h 27 min"."""
    minutes = round(seconds / 60)
    return f"{seconds:.0f} s" if seconds < 60 else f"{minutes} min" if minutes < 60 else (
        f"{minutes // 60} h {minutes % 60} min")
