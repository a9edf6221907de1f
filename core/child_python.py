"""Python child processes that import this program and its libraries, never files of the folder they are started in."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import core

ROOT = Path(core.__file__).resolve().parents[1]  # the folder that `core` is imported from


def command(*arguments: str) -> list[str]:
    """The command line of this Python with `arguments`; `-P` keeps the working folder off its import path."""
    return [sys.executable, "-P", *arguments]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process' environment with `extra`, safe for Python children and their children.

    PYTHONSAFEPATH does what `-P` does for processes that a child starts, such as those of torchrun. An empty entry of
    PYTHONPATH means the working folder: only entries with an absolute path stay.
    """
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    path = [entry for entry in paths if Path(entry).is_absolute()]
    return {**os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join([*path, str(ROOT)]), **(extra or {})}
