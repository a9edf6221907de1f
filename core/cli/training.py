"""`brewclip train`: its options are the fields of the records of options."""

import argparse
import os
from contextlib import nullcontext
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli import options
from core.cli.options import CommandOption, option, output_folder
from core.cli.output import as_json, duration, size
from core.cli.parts import OK, Arguments, Command, explorer, note, progress, stopping
from core.errors import TrainingError
from core.home import find_home
from core.models.variants import SOURCES, VARIANTS, BrewClipOptions
from core.training import options as option_table
from core.training import presets
from core.training.options import in_words, with_values
from core.training.recipe import Recipe, TrainingOptions

if TYPE_CHECKING:
    from core.training.estimate import RunEstimate

RECORDS = (TrainingOptions, BrewClipOptions)


def _record_option(option_field: Any, group: str) -> CommandOption:
    """The command-line option of a field of a record of options."""
    facts, flag, default = option_field.metadata, f"--{option_field.name.replace('_', '-')}", option_field.default
    about = f"{facts['about'].rstrip('.')} (default: {in_words(default)}, {SOURCES[facts['source']]})"
    about = (about[0].lower() + about[1:]).replace("%", "%%")
    if isinstance(default, bool):  # None, where it is not given, for a preset to fill in
        return option(flag, group=group, action=argparse.BooleanOptionalAction, default=None, help=about)
    choices = facts["choices"] or None
    return option(flag, group=group, type=type(default), default=None, choices=choices,
                  metavar=None if choices else "N", help=about)


OPTIONS = (
    option("folder", nargs="?", type=Path, metavar="DIR", help="dataset folder"),
    option("--out", type=output_folder, metavar="RUN", help="folder of the run; created if needed"),
    option("--resume", action="store_true", help="continue the run in RUN with the options it was begun with"),
    option("--estimate", action="store_true",
           help="measure some steps, print time, memory and disk of the run, and begin none"),
    option("--tensorboard", action="store_true",
           help="write the curves for TensorBoard into RUN/tensorboard as well; needs `pip install tensorboard`"),
    option("--as", dest="preset", choices=list(presets.BY_NAME), default="",
           help="preset of all options: the paper's, the authors' code's, or for small data; other options change it"),
    option("--variant", choices=[variant.name for variant in VARIANTS if variant.prompts or variant.acoustic],
           default="full", help="variant to train"),
    options.BACKBONE, options.CROP, options.KIND, options.FOLLOW_LINKS,
    option("--train-split", default="train", metavar="SPLIT", help="split to train on"),
    option("--dev-split", default="", metavar="SPLIT",
           help="split that the best model is chosen on (default: dev or val, else every tenth picture, which "
           "\"held out\" takes in any case)"),
    *(_record_option(field, f"{'training' if record is TrainingOptions else 'model'} options")
      for record in RECORDS for field in fields(record)),
    options.JSON)


def _check_resumed(arguments: Arguments) -> None:
    """TrainingError ("options") when options are given with --resume."""
    changed = [field.name for record in RECORDS for field in fields(record)
               if getattr(arguments, field.name) is not None]
    if changed or arguments.preset:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in (*(["as"] if arguments.preset else []), *changed))
        raise TrainingError(f"A run continues with its own options: leave out {flags}.", "options")


def _recipe(arguments: Arguments) -> Recipe:
    if arguments.folder is None:
        raise TrainingError("Name the dataset folder to train on, or add --resume to continue a run.", "no_dataset")
    recipe = Recipe(arguments.folder.absolute(), arguments.variant, arguments.backbone, arguments.crop, arguments.kind,
                    arguments.train_split, arguments.dev_split, follow_links=arguments.follow_links)
    if arguments.preset:
        recipe = presets.preset(arguments.preset).apply(recipe)
    return with_values(recipe, {entry.key: getattr(arguments, entry.name) for entry in option_table.OPTIONS
                                if getattr(arguments, entry.name) is not None})


def _train(arguments: Arguments) -> int:
    if arguments.resume:
        _check_resumed(arguments)
    recipe = None if arguments.resume else _recipe(arguments)
    if arguments.out is None and (arguments.resume or not arguments.estimate):
        raise TrainingError("Name the folder of the run with --out.", "options")
    if arguments.estimate:
        return _estimate(arguments, recipe)
    from core.training import run as job
    from core.training.run_folder import LOG, RunFolder
    from core.training.tensorboard_log import check_installed, curves

    if arguments.tensorboard:
        check_installed()
    find_home().protect()  # the run may lie in it
    folder, first = RunFolder(arguments.out), int(os.environ.get("RANK", "0")) == 0
    if recipe is not None and first:
        job.begin(folder, recipe)
    with explorer() as opened, progress() as report, stopping(report) as stoppable:
        if first:
            planned = job.preview(opened.workspace, recipe or folder.recipe(), stoppable)
            limit = (recipe or folder.recipe()).training.dev_in_words.removeprefix("dev")
            note(f"{planned.pairs} pairs, model chosen on {planned.dev}{limit}; {planned.cost.recordings} recordings "
                 f"to transcribe; caches grow by {size(planned.cost.nbytes)}. The log is {folder.path / LOG}")
        with curves(folder.path, stoppable) if arguments.tensorboard and first else nullcontext(stoppable) as written:
            outcome = job.train(opened.workspace, folder, written, recipe)
    if not first:
        return OK
    result = {"run": str(arguments.out), "why": outcome.why, "steps": outcome.step, "best_step": outcome.best_step,
              "score": round(outcome.best, 4)}
    on = folder.recipe().training.dev_in_words
    print(as_json(result) if arguments.json else
          f"{outcome.step} steps ({outcome.why}); best at step {outcome.best_step}: mean recall on {on} "
          f"{outcome.best:.1f} %. The model is in {job.checkpoint_of(arguments.out)}")
    return OK


def _estimate(arguments: Arguments, recipe: Recipe | None) -> int:
    """Print what the run will take."""
    from core.training.estimate import estimate
    from core.training.run_folder import RunFolder

    find_home().protect()
    with explorer() as opened, progress() as report, stopping(report) as stoppable:
        found = estimate(opened.workspace, recipe or RunFolder(arguments.out).recipe(), stoppable)
    if os.environ.get("RANK", "0") == "0":
        print(as_json({**asdict(found), "seconds": found.seconds}) if arguments.json else _in_lines(found))
    return OK


def _in_lines(found: "RunEstimate") -> str:
    where = f"{found.device}, {found.precision}" + (f", {found.processes} processes" if found.processes > 1 else "")
    kind = "GPU memory" if found.device == "cuda" else "memory of the process"
    return "\n".join((
        f"{duration(found.step_seconds)} a step of {found.steps}, {duration(found.validation_seconds)} a validation of "
        f"{found.validations} (measured on {where})",
        f"{duration(found.seconds)} in all, of which {duration(found.preparing_seconds)} for {found.recordings} "
        f"recordings to transcribe",
        f"{size(found.memory) if found.memory else 'unknown'} peak {kind}; caches grow by {size(found.cache_bytes)}",
        "No run was begun."))


TRAIN = Command("train", "train a variant of BrewCLIP on a dataset", OPTIONS, _train)
