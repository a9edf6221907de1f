"""`brewclip completion`: completion scripts for shells, made by shtab from the parser."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from core.cli.options import given_path, input_file, option, output_file, output_folder
from core.cli.parts import OK, Arguments, Command

SHELLS = ("bash", "zsh", "fish")
PATHS: tuple[object, ...] = (Path, given_path, input_file, output_file, output_folder)
FOLDERS, FILE = ("DIR", "RUN"), "FILE"  # metavars


def _completion(arguments: Arguments) -> int:
    print(script(arguments.parser, arguments.shell))
    return OK


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The completion script of a parser; arguments that are paths complete to files or folders."""
    import shtab

    for action in _actions(parser):
        folder = action.metavar in FOLDERS
        if action.choices is None and (folder or action.metavar == FILE or action.type in PATHS):
            action.complete = shtab.DIRECTORY if folder else shtab.FILE  # type: ignore[attr-defined]
    return str(shtab.complete(parser, shell))


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """All arguments of a parser and of the commands below it."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _actions(below)


COMPLETION = Command("completion", "print a completion script for a shell", (
    option("shell", choices=SHELLS, metavar="SHELL", help=f"one of {', '.join(SHELLS)}"),), _completion,
    details="Put it where the shell looks for completions, as in the examples, and start a new shell.")
