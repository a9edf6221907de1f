"""Parts shared by the commands of `brewclip`: the records that declare them, common options, helpers."""

import argparse
import gc
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from core import settings
from core.cli.options import CommandOption
from core.cli.output import ProgressPrinter, printable
from core.home import find_home
from core.progress import JobCancelled, Progress, Report

if TYPE_CHECKING:
    from core.explorer import Explorer

Arguments = argparse.Namespace
OK, WARNED, FAILED = 0, 1, 2


@dataclass(frozen=True)
class Command:
    """One command. `run` takes the parsed arguments and returns the exit code; a group has `commands` instead.

    `about` is its line in the list of commands, `details` what its own help adds.
    """

    name: str
    about: str
    options: tuple[CommandOption, ...] = ()
    run: Callable[[Arguments], int] = lambda arguments: OK
    commands: "tuple[Command, ...]" = ()
    details: str = ""


@contextmanager
def explorer(changes: Mapping[str, settings.Value] = MappingProxyType({})) -> "Iterator[Explorer]":
    """Open the explorer of this home with its settings, some changed by key; close it at the end. SettingsError."""
    gc.disable()  # until all modules are there: they make many objects and nothing to collect
    from core.explorer import Explorer

    gc.freeze()
    gc.enable()
    home = find_home()
    chosen = load_settings()
    for key, value in changes.items():
        chosen = chosen.with_value(key, value)
    opened = Explorer(home, chosen)
    warnings = _Warnings()
    logging.getLogger("core").addHandler(warnings)
    try:
        yield opened
    finally:
        logging.getLogger("core").removeHandler(warnings)
        opened.close()
        for text in warnings.texts:
            note(text)


def load_settings() -> settings.Settings:
    """The settings of this home; a file that could not be read is told on stderr."""
    loaded = settings.load(find_home().settings)
    if loaded.unread is not None:
        note(f"The settings could not be read, so the defaults are used. The file is kept as {loaded.unread}.")
    return loaded


class _Warnings(logging.Handler):
    """Collects the warnings of the core, each once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Collect one."""
        self.texts[record.getMessage()] = None


@contextmanager
def progress(in_bytes: bool = False) -> Iterator[ProgressPrinter]:
    """A report that prints progress to stderr and removes its line at the end."""
    report = ProgressPrinter(in_bytes)
    try:
        yield report
    finally:
        report.finish()


def note(text: str) -> None:
    """Print a message to stderr, beside the result."""
    print(printable(text), file=sys.stderr)


@contextmanager
def stopping(report: Report) -> Iterator[Report]:
    """A report that cancels at its next call on SIGINT or SIGTERM; a second Ctrl-C ends the process at once."""
    asked = threading.Event()

    def ask(number: int, frame: object) -> None:
        asked.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def stoppable(progress: Progress) -> None:
        report(progress)
        if asked.is_set():
            raise JobCancelled

    before = [(number, signal.signal(number, ask)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield stoppable
    finally:
        for number, handler in before:
            signal.signal(number, handler)
