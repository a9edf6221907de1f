"""The addresses of galleries that the window lists: a small file of the home, without keys."""

import json
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from core import plain_json
from core.errors import StoreError
from core.store.lance.connection import normal


def read(path: Path) -> tuple[str, ...]:
    """The addresses, by name; none where there is no file, or one that is damaged."""
    try:
        found = plain_json.read(path)
    except (OSError, ValueError):
        return ()
    return tuple(sorted({one for one in found if isinstance(one, str)})) if isinstance(found, list) else ()


def add(path: Path, address: str) -> str:
    """Keep an address, as it is named from now on. StoreError: `scheme` (it holds keys), `disk_full`."""
    known = normal(address)
    if known not in read(path):
        _write(path, [*read(path), known])
    return known


def remove(path: Path, address: str) -> None:
    """Forget an address; what lies there stays. StoreError: `disk_full`."""
    _write(path, [one for one in read(path) if one != normal(address)])


def _write(path: Path, addresses: list[str]) -> None:
    staged = path.with_name(f"{path.name}.{uuid4().hex}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staged.write_text(json.dumps(sorted(addresses), indent=1), encoding="utf-8")
        staged.replace(path)
    except OSError as error:
        with suppress(OSError):
            staged.unlink(missing_ok=True)
        raise StoreError(f"The list of addresses could not be kept in {path}: {error.strerror or error}.",
                         "disk_full") from error
