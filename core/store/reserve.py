"""Disk reserve: a file beside the store, deleted on a full disk so that rows can still be deleted."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from core import private_files

BYTES = 8 * 2**20  # a deletion writes the pages that it changes before it frees any
PLENTY = 64 * BYTES  # of free room: the reserve is made only where nobody misses it


class DiskReserve:
    """The reserve of one store. Nothing here raises: a store without a reserve works as well until the disk is full."""

    def __init__(self, store: Path) -> None:
        self.path = store.with_name(f"{store.name}-reserve")

    def fill(self) -> None:
        """Create the file if it is missing and the disk has plenty of room."""
        with suppress(OSError):
            if not self.path.exists() and shutil.disk_usage(self.path.parent).free > PLENTY:
                private_files.write_atomically(self.path, os.urandom(BYTES), durable=False)  # not to be compressed

    def release(self) -> bool:
        """Delete the file where the disk has less room than it takes. Returns whether that gave room."""
        with suppress(OSError):
            if shutil.disk_usage(self.path.parent).free < BYTES:
                self.path.unlink()
                return True
        return False
