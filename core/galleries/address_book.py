"""List of gallery addresses that the window shows: a small JSON file in the home, without keys."""

import json
from collections.abc import Callable
from pathlib import Path

from core import plain_json, private_files
from core.errors import StoreError
from core.galleries.lance.connection import normalized_address
from core.localisation import _

LOCK_SECONDS = 10.0  # to wait for another window or program that is writing


def read(path: Path) -> tuple[str, ...]:
    """Read the addresses, sorted; () where there is no file, or a damaged one."""
    try:
        addresses = plain_json.read(path)
    except (OSError, ValueError):
        return ()
    if not isinstance(addresses, list):
        return ()
    return tuple(sorted({address for address in addresses if isinstance(address, str)}))


def add(path: Path, address: str) -> str:
    """Add an address; returns its normalised form. StoreError: `scheme` (it holds keys), `disk_full`."""
    normalized = normalized_address(address)
    if normalized not in read(path):
        _change(path, lambda addresses: addresses | {normalized})
    return normalized


def remove(path: Path, address: str) -> None:
    """Remove an address; its gallery stays. StoreError: `disk_full`."""
    _change(path, lambda addresses: addresses - {normalized_address(address)})


def _change(path: Path, change: Callable[[set[str]], set[str]]) -> None:
    """Change the list in the file under a lock: another window may have changed it."""
    try:
        private_files.make_folder(path.parent)
        with private_files.locked(path.with_suffix(".lock"), LOCK_SECONDS):
            content = json.dumps(sorted(change(set(read(path)))), indent=1)
            private_files.write_atomically(path, content.encode())
    except OSError as error:
        reason = getattr(error, "strerror", None) or error
        raise StoreError(_("The list of addresses could not be kept in {path}: {reason}.").format(path=path,
                                                                                                  reason=reason),
                         "disk_full") from error
