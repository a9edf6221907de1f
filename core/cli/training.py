"""`brewclip train`: its arguments are the fields of the records of options."""

import argparse
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from core.cli.output import as_json, size
from core.cli.parts import OK, ONE_LOOK, Arguments, Command, explorer, json_argument, links_argument, note, progress
from core.errors import TrainingError
from core.home import find_home
from core.models.variants import VARIANTS, BrewClipOptions
from core.progress import JobCancelled, Progress, Report
from core.training.recipe import Recipe, TrainingOptions

RECORDS = (TrainingOptions, BrewClipOptions)


def _arguments(parser: argparse.ArgumentParser) -> None:
    trained = [each.name for each in VARIANTS if each.prompts or each.acoustic]
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="the dataset's folder")
    parser.add_argument("--out", required=True, type=Path, metavar="RUN", help="the run's folder, made if need be")
    parser.add_argument("--resume", action="store_true", help="go on with the run in RUN, as it was begun")
    parser.add_argument("--variant", choices=trained, default="full", help="what to train (full)")
    parser.add_argument("--backbone", default="auto", metavar="NAME", help="as `brewclip weights list` names it")
    parser.add_argument("--crop", choices=ONE_LOOK, default="centre", help="what of a picture is seen (centre)")
    parser.add_argument("--kind", default="", help="of the dataset, where the folder could be of several")
    links_argument(parser)
    parser.add_argument("--train-split", default="train", metavar="SPLIT", help="learnt from (train)")
    parser.add_argument("--dev-split", default="", metavar="SPLIT",
                        help="the best model is chosen on it (dev or val; else every tenth picture is held out)")
    for record in RECORDS:
        group = parser.add_argument_group(f"options of the {'training' if record is TrainingOptions else 'model'}")
        for option in fields(record):
            _add(group, option)
    json_argument(parser)


def _add(group: Any, option: Any) -> None:
    """One argument of one field."""
    facts, flag = option.metadata, f"--{option.name.replace('_', '-')}"
    about = f"{facts['about']} ({option.default}{'; not in the paper' if facts['beyond'] else ''})".replace("%", "%%")
    if isinstance(option.default, bool):
        group.add_argument(flag, action=argparse.BooleanOptionalAction, default=option.default, help=about)
    else:
        group.add_argument(flag, type=type(option.default), default=option.default, help=about,
                           choices=facts.get("choices") or None, metavar="N" if not facts.get("choices") else None)


def _check_resumed(arguments: Arguments) -> None:
    """TrainingError ("options") when options are given to a run that was begun with its own."""
    given = [option.name for record in RECORDS for option in fields(record)
             if getattr(arguments, option.name) != option.default]
    if given:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise TrainingError(f"A run goes on as it was begun: leave out {flags}.", "options")


def _recipe(arguments: Arguments) -> Recipe:
    if arguments.folder is None:
        raise TrainingError("Say which dataset to learn from, or --resume to go on with a run.", "no_dataset")
    training, model = ({each.name: getattr(arguments, each.name) for each in fields(record)} for record in RECORDS)
    return Recipe(arguments.folder.absolute(), arguments.variant, arguments.backbone, arguments.crop, arguments.kind,
                  arguments.train_split, arguments.dev_split, BrewClipOptions(**model), TrainingOptions(**training),
                  arguments.follow_links)


@contextmanager
def _stoppable(report: Report) -> Iterator[Report]:
    """A report that stops the work between two steps when the process is asked to end; a second Ctrl-C ends it now."""
    asked = threading.Event()

    def ask(number: int, frame: object) -> None:
        asked.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def told(progress: Progress) -> None:
        report(progress)
        if asked.is_set():
            raise JobCancelled

    before = [(number, signal.signal(number, ask)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield told
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _train(arguments: Arguments) -> int:
    if arguments.resume:
        _check_resumed(arguments)
    recipe = None if arguments.resume else _recipe(arguments)
    from core.training import run as job
    from core.training.run_folder import LOG, RunFolder

    find_home().protect()  # the run may lie in it
    folder, first = RunFolder(arguments.out), int(os.environ.get("RANK", "0")) == 0
    if recipe is not None and first:
        job.begin(folder, recipe)
    with explorer() as opened, progress() as report, _stoppable(report) as told:
        if first:
            planned = job.preview(opened, recipe or folder.recipe(), told)
            note(f"{planned.pairs} pairs, model chosen on {planned.dev}; {planned.cost.recordings} recordings to hear, "
                 f"caches grow by {size(planned.cost.nbytes)}. What happens is written to {folder.path / LOG}")
        outcome = job.train(opened, folder, told, recipe)
    if not first:
        return OK
    found = {"run": str(arguments.out), "why": outcome.why, "steps": outcome.step, "best_step": outcome.best_step,
             "score": round(outcome.best, 4)}
    print(as_json(found) if arguments.json else
          f"{outcome.step} steps ({outcome.why}); best at step {outcome.best_step}: mean recall on dev "
          f"{outcome.best:.1f} %. The model is in {job.checkpoint_of(arguments.out)}")
    return OK


TRAIN = Command("train", "fine-tune a variant of BrewCLIP on a dataset", _arguments, _train)
