"""Arguments of commands as declared records: those that several commands share, and their types."""

import argparse
import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from core import dates, settings
from core.remote import local
from core.spoken_languages import code_of
from core.store.addresses import is_address, name_fault

CROPS = tuple(value for value, _ in settings.BY_KEY["vision.crop"].choices if value != "auto")
SINGLE_CROPS = tuple(value for value in CROPS if value != "multi-crop")  # what training and its caches support


@dataclass(frozen=True)
class CommandOption:
    """One argument of a command, as `argparse` takes it; options of one `group` are listed under its title."""

    flags: tuple[str, ...]
    keywords: Mapping[str, Any]
    group: str = ""


def option(*flags: str, group: str = "", **keywords: Any) -> CommandOption:
    """An argument of a command; `keywords` are those of `ArgumentParser.add_argument`."""
    return CommandOption(flags, keywords, group)


def count(text: str) -> int:
    """An argument that is an integer from 1. ValueError, which argparse explains."""
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def day(text: str) -> datetime:
    """An argument that is a day, a month or a year; its beginning."""
    try:
        return dates.beginning(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; write 2024, 2024-05 or 2024-05-17"
                                         ) from error


def given_path(text: str) -> Path:
    """An argument that is a path or an address, and not empty."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty; write . for the current folder")
    return Path(text)


def input_file(text: str) -> Path:
    """An argument that is a file to read: an address, or a path where there is one."""
    path = given_path(text)
    here = local(path)
    if here is not None and not here.exists():
        raise argparse.ArgumentTypeError(f"there is no file {path}")
    return path


def output_file(text: str) -> Path:
    """An argument that is a file to write, in a folder that exists and can be written to."""
    path = given_path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{path} is a folder; name a file in it")
    _check_writable(path, path.parent)
    return path


def output_folder(text: str) -> Path:
    """An argument that is a folder to write into, which can be made if it does not exist."""
    path = given_path(text)
    _check_writable(path, next(folder for folder in (path, *path.absolute().parents) if folder.exists()))
    return path


def _check_writable(path: Path, folder: Path) -> None:
    """ArgumentTypeError when nothing can be written into the folder: a file there is made and deleted again."""
    if not folder.exists():
        raise argparse.ArgumentTypeError(f"{path} cannot be written: there is no folder {folder}")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path} cannot be written: {error.strerror or error}") from error


def gallery_name(text: str) -> str:
    """An argument that is an address or a name that a gallery can have."""
    fault = "" if is_address(text) else name_fault(text)
    if fault:
        raise argparse.ArgumentTypeError(fault.rstrip("."))
    return text


def speech_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings that `SPEECH` changes, by key."""
    chosen = {f"speech.{name}": getattr(arguments, name)
              for name in ("recogniser", "language", "prompt", "beam", "padding")
              if getattr(arguments, name) is not None}
    if (name := chosen.get("speech.recogniser", "")) and Path(name).is_file():
        chosen["speech.recogniser"] = str(Path(name).absolute())
    return chosen


def language(text: str) -> str:
    """An argument that is a language, by its code or its English name; its code."""
    try:
        return code_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def share(text: str) -> float:
    """An argument that is a finite number from 0. ValueError, which argparse explains."""
    value = float(text)
    if not 0 <= value < math.inf:
        raise ValueError(text)
    return value


JSON = option("--json", action="store_true", help="print JSON")
YES = option("--yes", action="store_true", help="do not ask for confirmation")
FOLLOW_LINKS = option("--follow-links", action="store_true",
                      help="follow symbolic links that lead out of the dataset folder")
DATASET = option("folder", type=Path, metavar="DIR", help="dataset folder")
KIND = option("--kind", default="", metavar="KIND", help="kind of the dataset, if the folder fits several")
BACKBONE = option("--backbone", default="auto", metavar="NAME", help="backbone, as listed by `brewclip weights list`")
CROP = option("--crop", choices=SINGLE_CROPS, default="centre", help="image crop")
SPEECH = (
    option("--recogniser", default=None, metavar="NAME",
           help="recogniser: a name listed by `brewclip weights list`, or a checkpoint of openai-whisper (default: "
           "as in the settings)"),
    option("--language", type=language, default=None, metavar="LANGUAGE",
           help="language that is spoken, by its code or English name, or auto (default: as in the settings)"),
    option("--prompt", default=None, metavar="WORDS",
           help="names, places and other words that are likely to be said (default: as in the settings)"),
    option("--beam", type=int, default=None, metavar="N",
           help="beam size of the recogniser; 1 is greedy (default: as in the settings)"),
    option("--padding", default=None, choices=[value for value, _ in settings.BY_KEY["speech.padding"].choices],
           help="padding of recordings; window: the acoustic branch attends to all 1500 frames of 30 s (default: as in "
           "the settings)"))
NEW_GALLERY = option("--gallery", required=True, type=gallery_name, metavar="NAME",
                     help="gallery; created if it does not exist")
WEIGHTS_NAMES = option("names", nargs="+", metavar="NAME", help="weights, as listed by `brewclip weights list`")
