"""Digests of weights as they first came: trust on first use, where nobody whom the program knows has published one.

The table (`core.pretrained.weight_table`) and the addresses in open_clip's own table name the SHA-256 of OpenAI's
files. A model hub tells the digest of whatever it sends, which says nothing of whether it sent the same before. So the
first digest of each name is kept in the home, and later bytes must have it.
"""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from core import plain_json, private_files
from core.home import Home

REFUSED = ".refused"  # end of the name of a file that came with another digest; nothing reads it


@dataclass(frozen=True)
class Pin:
    """The SHA-256 of what came first under a name; from where, and the day (ISO, UTC)."""

    sha256: str
    source: str
    day: str


def read(name: str, home: Home) -> Pin | None:
    """The pin of these weights; None when there is none that can be read."""
    try:
        return plain_json.checked(Pin(**_all(home)[name]))
    except (KeyError, *plain_json.DAMAGE):
        return None


def keep(name: str, sha256: str, source: str, home: Home) -> None:
    """Pin what came first; an earlier pin stays. Where nothing can be written there is none: no error."""
    if read(name, home) is None:
        _write({**_all(home), name: asdict(Pin(sha256, source, f"{datetime.now(UTC):%Y-%m-%d}"))}, home)


def forget(name: str, home: Home) -> None:
    """Trust whatever comes next under this name."""
    _write({key: pin for key, pin in _all(home).items() if key != name}, home)


def refused(target: Path) -> Path:
    """Where a file lies that was refused in the place of `target`."""
    return target.with_name(target.name + REFUSED)


def _path(home: Home) -> Path:
    return home.weights / "digests.json"


def _all(home: Home) -> dict[str, dict[str, str]]:
    try:
        return plain_json.read_object(_path(home))
    except (OSError, *plain_json.DAMAGE):
        return {}


def _write(pins: dict[str, dict[str, str]], home: Home) -> None:
    with suppress(OSError):
        private_files.make_folder(home.weights, private=False)
        private_files.write_atomically(_path(home), json.dumps(pins, indent=1).encode(), private=False)
