"""What the commands of `brewclip` share."""

import argparse
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from core import dates, settings
from core.cli.output import ProgressPrinter, printable
from core.home import find_home

if TYPE_CHECKING:
    from core.explorer import Explorer

Arguments = argparse.Namespace
OK, WARNED, FAILED = 0, 1, 2
CROPS = tuple(value for value, _ in settings.BY_KEY["vision.crop"].choices)
ONE_LOOK = tuple(value for value in CROPS if value != "multi-crop")  # what training and its caches know


@dataclass(frozen=True)
class Command:
    """One command: `run` gets the parsed arguments and gives the exit code; a group has `commands` in its place."""

    name: str
    about: str
    arguments: Callable[[argparse.ArgumentParser], None] = lambda parser: None
    run: Callable[[Arguments], int] = lambda arguments: OK
    commands: "tuple[Command, ...]" = ()


@contextmanager
def explorer() -> "Iterator[Explorer]":
    """The explorer of this home and its settings, closed at the end."""
    from core.explorer import Explorer

    home = find_home()
    opened = Explorer(home, settings.load(home.settings))
    teller = _Teller()
    logging.getLogger("core").addHandler(teller)
    try:
        yield opened
    finally:
        logging.getLogger("core").removeHandler(teller)
        opened.close()
        teller.tell()


class _Teller(logging.Handler):
    """Gathers warnings of the core, such as of what could not be kept, to tell each once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._texts: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Gather one."""
        self._texts[record.getMessage()] = None

    def tell(self) -> None:
        """Tell what was gathered."""
        for text in self._texts:
            note(text)


@contextmanager
def progress(in_bytes: bool = False) -> Iterator[ProgressPrinter]:
    """A report on stderr, whose line is taken away at the end."""
    report = ProgressPrinter(in_bytes)
    try:
        yield report
    finally:
        report.finish()


def note(text: str) -> None:
    """Tell the user something beside the result."""
    print(printable(text), file=sys.stderr)


def count(text: str) -> int:
    """An argument that is a whole number from 1. ValueError, which argparse explains."""
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def day(text: str) -> datetime:
    """An argument that is a day, a month or a year, at its beginning."""
    try:
        return dates.beginning(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no date that can be read; write 2024, 2024-05 or 2024-05-17"
                                         ) from error


def given_path(text: str) -> Path:
    """An argument that is a path or an address; an empty one is not taken for the working folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty; write . for the folder you are in")
    return Path(text)


def links_argument(parser: argparse.ArgumentParser) -> None:
    """`--follow-links`, for commands that read a dataset's folder."""
    parser.add_argument("--follow-links", action="store_true",
                        help="open symbolic links that lead out of the dataset's folder (default: off)")


def json_argument(parser: argparse.ArgumentParser) -> None:
    """Have the command take --json."""
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
