"""The processes of Ray's workers on this machine."""

import time
from pathlib import Path


def workers_of(kind: str) -> list[int]:
    """The processes of Ray's workers of that class."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if folder.joinpath("cmdline").read_bytes().startswith(f"ray::{kind}".encode()):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def none_left(kind: str, seconds: float = 300) -> bool:
    """Whether the workers of that class are gone, within that time."""
    until = time.monotonic() + seconds
    while workers_of(kind) and time.monotonic() < until:
        time.sleep(0.1)
    return not workers_of(kind)
