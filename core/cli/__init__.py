"""`brewclip`: everything the window does, without a screen.

Exit codes: 0 done; 1 done, and something is not as it should be (doctor, demo); 2 an error, told in one sentence on
stderr (with `--debug` the traceback too); 130 stopped with Ctrl-C.
"""

import argparse
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from core import __version__
from core.cli.commands import COMMANDS
from core.cli.output import printable
from core.cli.parts import FAILED, OK, Command
from core.cli.streams import ReaderLeft, safe_streams
from core.errors import BrewclipError
from core.progress import JobCancelled

STOPPED = 130
DEBUG = ("--debug", "show the traceback of an error")


class _Parser(argparse.ArgumentParser):
    """Tells a wrong command line in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(FAILED, f"brewclip: {printable(message)}. See `{self.prog} --help`.\n")


def build_parser(commands: Sequence[Command] = COMMANDS) -> argparse.ArgumentParser:
    """The parser of the table of commands; the chosen one's `run` is in the result."""
    parser = _Parser(prog="brewclip", description="Speak a description, see the matching pictures.")
    parser.add_argument("--version", action="version", version=f"brewclip {__version__}")
    parser.add_argument(DEBUG[0], action="store_true", help=DEBUG[1])
    _add(parser, commands)
    return parser


def _add(parser: argparse.ArgumentParser, commands: Sequence[Command]) -> None:
    choices = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    for command in commands:
        below = choices.add_parser(command.name, help=command.about, description=f"{command.about.capitalize()}.")
        # SUPPRESS: else the default here would undo a --debug that stands before the command
        below.add_argument(DEBUG[0], action="store_true", default=argparse.SUPPRESS, help=DEBUG[1])
        if command.commands:
            _add(below, command.commands)
        else:
            command.arguments(below)
            below.set_defaults(run=command.run)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. SystemExit on a wrong command line."""
    with safe_streams():
        debug = False
        try:
            parsed = _parsed(arguments)
            debug = parsed.debug
            code: int = parsed.run(parsed)
            sys.stdout.flush()
        except (KeyboardInterrupt, JobCancelled):
            print("\nstopped; what was done is kept", file=sys.stderr)
            return STOPPED
        except ReaderLeft:
            return OK
        except Exception as error:
            return _tell(error, debug)
        return code


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    try:
        return build_parser().parse_args(arguments)
    except SystemExit:
        sys.stdout.flush()  # of --help: not written, it is an error too
        raise


def _tell(error: Exception, debug: bool) -> int:
    text = "".join(traceback.format_exception(error)).rstrip() if debug else f"brewclip: {_sentence(error)}"
    print("\n".join(map(printable, text.split("\n"))), file=sys.stderr)
    return FAILED


def _sentence(error: Exception) -> str:
    if isinstance(error, BrewclipError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
    return (f"This should not happen: {type(error).__name__}: {error}. The same command with --debug shows where.")
