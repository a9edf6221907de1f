"""`brewclip reproduce`: a plan of the paper's tables and figures, from datasets to a report."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli import options
from core.cli.options import option, output_folder
from core.cli.output import as_json, duration, number, size, table
from core.cli.parts import OK, WARNED, Arguments, Command, explorer, note, progress, stopping
from core.reproduce.table import ABOUT, DATASETS
from core.training import presets

if TYPE_CHECKING:
    from core.reproduce.estimates import Needs
    from core.reproduce.graph import StepGraph
    from core.reproduce.records import Reproduction


def _seeds(text: str) -> tuple[int, ...]:
    """An argument that is a list of seeds: "0,1,2"."""
    seeds = tuple(dict.fromkeys(int(part) for part in text.split(",")))
    if min(seeds) < 0:
        raise argparse.ArgumentTypeError(f"{text}: a seed is a whole number from 0")
    return seeds


OPTIONS = (
    option("plan", choices=list(ABOUT), metavar="PLAN",
           help="; ".join(f"{name}: {about[0].lower()}{about[1:].rstrip('.')}" for name, about in ABOUT.items())),
    option("--out", required=True, type=output_folder, metavar="DIR", help="folder of runs, tables and report; a plan "
           "that was stopped continues in its folder"),
    *(option(f"--{kind.replace('_', '-')}", type=Path, metavar="DIR", help=f"folder of {title}", group="datasets")
      for kind, title in DATASETS.items()),
    options.FOLLOW_LINKS,
    option("--as", dest="preset", choices=list(presets.BY_NAME), default="",
           help="preset of training (default: the plan's; paper, but for small)"),
    option("--seeds", type=_seeds, default=(), metavar="LIST",
           help="seeds of training, separated by commas (default: the plan's; 0,1,2, but for small)"),
    options.BACKBONE,
    option("--dry-run", action="store_true", help="print steps, disk and time, and end"),
    option("--measure", action="store_true", help="measure some steps of training first, to estimate the time"),
    options.JSON)


def _reproduce(arguments: Arguments) -> int:
    with explorer() as opened, progress() as report, stopping(report) as stoppable:
        from core.reproduce import estimates, graph, plans, runner
        from core.reproduce.environment import gpus

        choices = graph.Choices({kind: folder for kind in DATASETS
                                 if (folder := getattr(arguments, kind)) is not None},
                                arguments.preset, arguments.seeds, arguments.backbone, arguments.follow_links)
        folder = arguments.out.absolute()
        steps = estimates.estimated(
            opened.workspace, graph.build(opened.workspace, plans.plan(arguments.plan), choices, folder), folder,
            arguments.measure, stoppable)
        state = runner.begun(opened.workspace, steps, folder)
        needs = estimates.needed(opened.workspace, steps, state, folder)
        report.finish()
        if not arguments.json or not arguments.dry_run:
            for line in _overview(steps, state, needs):
                note(line)
        estimates.check_disk(needs)
        if not arguments.dry_run:
            state = runner.Runner(opened.workspace, steps, folder, gpus()).run(stoppable)
    if arguments.json:
        print(as_json(_json(state, needs)))
    elif not arguments.dry_run:
        print(_outcome(state, folder))
    return OK if all(record.state in ("done", "waiting") for record in state.records) else WARNED


def _overview(steps: "StepGraph", state: "Reproduction", needs: "Needs") -> list[str]:
    """The steps with their estimates, and what they add up to."""
    rows = [(task.step.title, state.record(task.step.key).state, size(task.step.nbytes) if task.step.nbytes else "",
             "not measured" if task.step.seconds is None else duration(task.step.seconds)) for task in steps.tasks]
    known = f"{duration(needs.seconds)} for the steps that are measured" if needs.seconds else "time not measured"
    unknown = f"; {number(needs.not_measured, 'step is', 'steps are')} not measured" if needs.not_measured else ""
    return [*table(rows, ("step", "state", "disk", "time"), right=(2, 3)).split("\n"), *steps.deviations,
            f"{number(needs.steps, 'step')} to do: {size(needs.total_bytes)} of disk, {known}{unknown}."]


def _outcome(state: "Reproduction", folder: Path) -> str:
    from core.reproduce.report import HTML, PDF

    failed = [(record.step.title, record.state, record.message) for record in state.records if record.message]
    done = sum(record.state == "done" for record in state.records)
    lines = [f"{done} of {number(len(state.records), 'step')} done. The report is {folder / HTML}, for print "
             f"{folder / PDF}."]
    return "\n".join([*lines, *([table(failed)] if failed else [])])


def _json(state: "Reproduction", needs: "Needs") -> dict[str, object]:
    return {"plan": state.plan, "preset": state.preset, "seeds": state.seeds, "backbone": state.model,
            "deviations": state.deviations, "missing_steps": needs.steps, "missing_bytes": needs.total_bytes,
            "missing_seconds": needs.seconds, "not_measured": needs.not_measured,
            "steps": [{"key": record.step.key, "title": record.step.title, "kind": record.step.kind,
                       "needs": record.step.needs, "command": record.step.command, "bytes": record.step.nbytes,
                       "estimated_seconds": record.step.seconds, "state": record.state, "seconds": record.seconds,
                       "message": record.message, "outputs": record.outputs, "evaluations": record.evaluations,
                       "run": record.run, "reused": record.reused} for record in state.records]}


REPRODUCE = Command("reproduce", "reproduce tables and figures of the paper", OPTIONS, _reproduce,
                    details="Trains, evaluates and probes what is missing; the same command continues after any stop.")
