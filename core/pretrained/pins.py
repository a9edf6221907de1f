"""Pinned digests of downloaded weights: trust on first use, where no trusted source publishes a digest.

The table (`core.pretrained.weight_table`) and the addresses in open_clip's own table name the SHA-256 of OpenAI's
files. A model hub reports the digest of whatever it sends, which does not show that it sent the same before. So the
first digest of each name is stored in the home, and later downloads must match it.
"""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from core import plain_json, private_files
from core.errors import WeightsError
from core.home import Home
from core.localisation import _

PATIENCE = 5.0  # seconds
REFUSED = ".refused"  # end of the name of a file that came with another digest; nothing reads it


@dataclass(frozen=True)
class Pin:
    """SHA-256 of the first download of a name; its source and the day (ISO, UTC)."""

    sha256: str
    source: str
    day: str


def read(name: str, home: Home) -> Pin | None:
    """The pin of these weights; None when there is none. WeightsError ("pins"): damaged."""
    pins = _all(home)
    if name not in pins:
        return None
    try:
        return plain_json.checked(Pin(**pins[name]))
    except plain_json.DAMAGE as error:
        raise WeightsError(_("What {path} says of {name} is damaged. Nothing was fetched. `brewclip weights fetch "
                             "{name} --trust-new` trusts what comes next.").format(path=_path(home), name=name),
                           "pins") from error


def keep(name: str, sha256: str, source: str, home: Home) -> None:
    """Pin the first download; an earlier pin stays. A home that cannot be written is no error."""
    with _alone(home):
        if read(name, home) is None:
            _write({**_all(home), name: asdict(Pin(sha256, source, f"{datetime.now(UTC):%Y-%m-%d}"))}, home)


def forget(name: str, home: Home) -> None:
    """Drop the pin of this name; a list that cannot be read is set aside."""
    with _alone(home):
        try:
            pins = _all(home)
        except WeightsError:
            pins = {}
            with suppress(OSError):
                _path(home).replace(_path(home).with_suffix(".damaged"))
        _write({key: pin for key, pin in pins.items() if key != name}, home)


@contextmanager
def forgotten(name: str, home: Home) -> Iterator[None]:
    """Context in which the next download of this name is trusted; the pin is restored if it fails."""
    before: Pin | None = None
    with suppress(WeightsError):
        before = read(name, home)
    forget(name, home)
    try:
        yield
    except BaseException:
        if before is not None:
            keep(name, before.sha256, before.source, home)
        raise


def refused(target: Path) -> Path:
    """Path of a refused file beside `target`."""
    return target.with_name(target.name + REFUSED)


def _path(home: Home) -> Path:
    return home.weights / "digests.json"


def _alone(home: Home) -> AbstractContextManager[None]:
    """Lock against other processes that change the pins."""
    return private_files.alone(_path(home).with_suffix(".lock"), PATIENCE)


def _all(home: Home) -> dict[str, dict[str, str]]:
    """All pins. WeightsError ("pins") when there is a file that cannot be read: nothing is trusted in its place."""
    try:
        return plain_json.read_object(_path(home))
    except FileNotFoundError:
        return {}
    except (OSError, *plain_json.DAMAGE) as error:
        raise WeightsError(_("{path}, which says what weights came first, cannot be read ({error}). Nothing was "
                             "fetched. Bring it back from a backup; or `brewclip weights fetch NAME --trust-new` sets "
                             "it aside and trusts what comes next.").format(path=_path(home), error=error),
                           "pins") from error


def _write(pins: dict[str, dict[str, str]], home: Home) -> None:
    with suppress(OSError):
        private_files.make_folder(home.weights, private=False)
        private_files.write_atomically(_path(home), json.dumps(pins, indent=1).encode(), private=False)
