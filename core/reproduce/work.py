"""Work of each kind of step, by the functions behind the commands; training in the process that the program starts."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core import plain_json, private_files
from core.cluster.preparing import Preparation, PrepareRecipe
from core.emotion import experiment, results
from core.emotion.run_store import Runs
from core.errors import TrainingError
from core.evaluation import archive, table_formats, tables
from core.evaluation.evaluate import evaluate
from core.evaluation.records import Request
from core.models.spec import ModelSpec
from core.paper_figures.figures import draw
from core.plots import style
from core.progress import JobCancelled, Report, silent, steps
from core.reproduce import reuse
from core.reproduce.graph import EvaluateWork, FigureWork, PlanTask, ProbeWork, TableWork
from core.reproduce.plans import EMOTION_TABLE
from core.reproduce.records import EMOTION, FIGURES, RUNS, TABLES, StepRecord, with_imported
from core.spreadsheet import plain_cells
from core.training import process as training_process
from core.training import run as training_run
from core.training.recipe import Recipe
from core.training.run_folder import RECIPE, RunFolder
from core.training.runs import RunReader
from core.workspace import Workspace

SUFFIXES = {"csv": "csv", "markdown": "md", "latex": "tex"}
PAUSED = "It was paused elsewhere. Repeat the command to go on."
HEAD = ("Features", "Mode", "Protocol", "Accuracy (paper)", "Accuracy (ours)", "±", "Recall (UAR, ours)")


@dataclass(frozen=True, eq=False)
class Bench:
    """Surroundings of the work of steps: workspace, the reproduction's folder, and records of finished steps by key.

    `train_command` stands in place of `core.training.process.COMMAND`; `device` is the value of CUDA_VISIBLE_DEVICES
    for a training run, "" to leave it.
    """

    workspace: Workspace
    folder: Path
    done: Mapping[str, StepRecord]
    device: str = ""
    train_command: Sequence[str] = ()


def do(bench: Bench, task: PlanTask, record: StepRecord, report: Report) -> StepRecord:
    """Do a step; its record with what came out. The errors of the work; JobCancelled by `report`."""
    match task.work:
        case PrepareRecipe() as recipe:
            loading, preparing = steps(report, 1, 100)
            Preparation(bench.workspace, recipe, loading).run(report=preparing)
            return record
        case Recipe() as recipe:
            return _train(bench, recipe, record, report)
        case EvaluateWork() as work:
            return _evaluate(bench, work, record, report)
        case ProbeWork() as work:
            return _probe(bench, work, record, report)
        case TableWork(number):
            return _fill_table(bench, number, record)
        case FigureWork(name):
            return _draw(bench, name, record, report)


def _train(bench: Bench, recipe: Recipe, record: StepRecord, report: Report) -> StepRecord:
    """Begin the run, or follow or resume one that was begun. TrainingError where it does not finish."""
    path = bench.folder / RUNS / record.step.key
    record = replace(record, run=f"{RUNS}/{record.step.key}")
    if not (path / RECIPE).exists():
        training_run.begin(RunFolder(path), recipe)
    run = RunReader(path).read()
    if run.state == "finished":
        return replace(record, reused=True)
    process = None if run.live else training_process.start(
        path, bench.workspace.home, bench.train_command,
        variables={"CUDA_VISIBLE_DEVICES": bench.device} if bench.device else {})
    try:
        run = training_process.watch(path, process, lambda run: None, report)
    except JobCancelled:
        training_process.ask_to_pause(path, process)
        training_process.watch(path, process, lambda run: None, silent)  # until it has saved
        raise
    if run.state != "finished":
        raise TrainingError(run.message or PAUSED, run.failure or "stopped")
    return record


def _checkpoint(bench: Bench, key: str) -> Path | None:
    return bench.folder / bench.done[key].run if key else None


def _evaluate(bench: Bench, work: EvaluateWork, record: StepRecord, report: Report) -> StepRecord:
    request = Request((ModelSpec(work.backbone, _checkpoint(bench, work.model)),), (work.data,), (work.captions,),
                      drop_unreadable=work.drop_unreadable)
    same = reuse.stored_evaluation(bench.workspace, request, report)
    made = [same] if same is not None else [made.id for made in evaluate(bench.workspace, request, report)]
    return replace(record, evaluations=tuple(made), reused=same is not None)


def _probe(bench: Bench, work: ProbeWork, record: StepRecord, report: Report) -> StepRecord:
    result = experiment.run(bench.workspace, replace(work.options, checkpoint=_checkpoint(bench, work.model)), report)
    Runs(bench.workspace.home).keep(result)
    name = f"{EMOTION}/{record.step.key}.json"
    _write(bench.folder / name, json.dumps(results.to_json(result), indent=1))
    return replace(record, outputs=(name,))


def _fill_table(bench: Bench, number: int, record: StepRecord) -> StepRecord:
    needed = [bench.done[key] for key in record.step.needs]
    ids = {evaluation for step in needed for evaluation in step.evaluations}
    if number == EMOTION_TABLE:
        made = {"csv": _emotion_csv(bench.folder / output for step in needed for output in step.outputs)}
    else:
        filled = tables.fill(number, with_imported(archive.evaluations(bench.workspace.store), ids),
                             seeds_as_one=True)
        made = {suffix: table_formats.export(filled, form) for form, suffix in SUFFIXES.items()}
    for suffix, text in made.items():
        _write(bench.folder / TABLES / f"table-{number}.{suffix}", text)
    return replace(record, evaluations=tuple(sorted(ids)),
                   outputs=tuple(f"{TABLES}/table-{number}.{suffix}" for suffix in made))


def _draw(bench: Bench, name: str, record: StepRecord, report: Report) -> StepRecord:
    """Draw a figure of the paper as vectors, for print and for the report, with its caption beside it."""
    ids = [evaluation for key in record.step.needs for evaluation in bench.done[key].evaluations]
    drawn = draw(bench.workspace, name, ids, report=report)
    outputs = [f"{FIGURES}/figure-{name}.{suffix}" for suffix in ("svg", "pdf", "png")]
    private_files.make_folder(bench.folder / FIGURES)
    for output in outputs:
        style.save(drawn.figure, bench.folder / output, drawn.caption)
    caption = f"{FIGURES}/figure-{name}.txt"
    _write(bench.folder / caption, f"{drawn.caption}\n")
    command = drawn.caption.splitlines()[-1]  # it names the evaluations
    return replace(record, step=replace(record.step, command=command), outputs=(*outputs, caption),
                   evaluations=tuple(ids))


def _emotion_csv(paths: Iterable[Path]) -> str:
    """Table 3: every experiment's features, the paper's figures in a column of their own."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEAD)
    for path in paths:
        result = plain_json.read_object(path)
        for score in result["results"]:
            paper = score["paper"][result["mode"]] if score["paper"] else ""
            writer.writerow(plain_cells((score["title"], result["mode"], result["protocol"], paper,
                                         f"{score['accuracy']:.1f}", f"{score['spread']['accuracy']:.1f}",
                                         f"{score['uar']:.1f}")))
    return out.getvalue()


def _write(path: Path, text: str) -> None:
    private_files.make_folder(path.parent)
    private_files.write_atomically(path, text.encode())
