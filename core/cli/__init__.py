"""`brewclip`: everything the window does, without a screen.

Exit codes: 0 done; 1 done, with a problem to look at (doctor, demo); 2 an error, as one sentence on stderr (with
`--debug` as a traceback); 130 stopped with Ctrl-C.
"""

import argparse
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from core import __version__
from core.cli.output import printable
from core.cli.parts import FAILED, OK, Command
from core.cli.streams import ReaderLeft, safe_streams
from core.errors import BrewclipError
from core.progress import JobCancelled

STOPPED = 130
DEBUG = ("--debug", "print the traceback of an error")


class _Help(argparse.HelpFormatter):
    """Help that names the default of each option that has one."""

    def _get_help_string(self, action: argparse.Action) -> str:
        text = action.help or ""
        without = action.default is None or action.default is False or action.default in (argparse.SUPPRESS, "", [], ())
        return text if without or not action.option_strings or "(default" in text else f"{text} (default: %(default)s)"


class _Parser(argparse.ArgumentParser):
    """Reports a wrong command line in one sentence; its help ends with examples."""

    def format_help(self) -> str:
        """Help with the examples of the command."""
        from core.cli.examples import examples_text

        return super().format_help() + examples_text(self.prog)

    def error(self, message: str) -> NoReturn:
        self.exit(FAILED, f"brewclip: {printable(message)}. See `{self.prog} --help`.\n")


def commands_for(arguments: Sequence[str]) -> Sequence[Command]:
    """`search` alone for its arguments, as importing the table of all commands takes a tenth of its time; else all."""
    if arguments[:1] == ["search"]:
        from core.cli.search import SEARCH

        return (SEARCH,)
    from core.cli.commands import COMMANDS

    return COMMANDS


def build_parser(commands: Sequence[Command]) -> argparse.ArgumentParser:
    """The parser of a table of commands; the chosen one's `run` is in the result, and the parser itself."""
    parser = _Parser(prog="brewclip", description="Speak a description, see the matching pictures.",
                     formatter_class=_Help)
    parser.add_argument("--version", action="version", version=f"brewclip {__version__}")
    parser.add_argument(DEBUG[0], action="store_true", help=DEBUG[1])
    parser.set_defaults(parser=parser)
    _add(parser, commands)
    return parser


def _add(parser: argparse.ArgumentParser, commands: Sequence[Command]) -> None:
    choices = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    for command in commands:
        description = " ".join(filter(None, (f"{command.about[0].upper()}{command.about[1:]}.", command.details)))
        below = choices.add_parser(command.name, help=command.about, description=description, formatter_class=_Help)
        # SUPPRESS: else the default here would undo a --debug that stands before the command
        below.add_argument(DEBUG[0], action="store_true", default=argparse.SUPPRESS, help=DEBUG[1])
        if command.commands:
            _add(below, command.commands)
            continue
        groups: dict[str, argparse._ActionsContainer] = {"": below}
        for option in command.options:
            if option.group not in groups:
                groups[option.group] = below.add_argument_group(option.group)
            groups[option.group].add_argument(*option.flags, **option.keywords)
        below.set_defaults(run=command.run)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. SystemExit on a wrong command line."""
    with safe_streams():
        debug = False
        try:
            parsed = _parsed(list(sys.argv[1:] if arguments is None else arguments))
            debug = parsed.debug
            code: int = parsed.run(parsed)
            sys.stdout.flush()
        except (KeyboardInterrupt, JobCancelled):
            print("\nStopped; what was done is kept.", file=sys.stderr)
            return STOPPED
        except ReaderLeft:
            return OK
        except Exception as error:
            return _print_error(error, debug)
        return code


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    try:
        return build_parser(commands_for(arguments)).parse_args(arguments)
    except SystemExit:
        sys.stdout.flush()  # of --help: not written, it is an error too
        raise


def _print_error(error: Exception, debug: bool) -> int:
    text = "".join(traceback.format_exception(error)).rstrip() if debug else f"brewclip: {_message(error)}"
    print("\n".join(map(printable, text.split("\n"))), file=sys.stderr)
    return FAILED


def _message(error: Exception) -> str:
    if isinstance(error, BrewclipError):
        return f"{error} That is: --follow-links." if error.kind == "links" else str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
    return f"Unexpected error: {type(error).__name__}: {error}. Repeat the command with --debug for the traceback."
