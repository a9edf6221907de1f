"""The right to write into a gallery at an address, and the revision of its vectors.

The lease is the cell `writer` of the gallery's row: taken by a commit that finds it empty, given back by the
next. Lance lets one of two commits through, the other tries again. A lease whose process died, or that is held for
LEASE seconds, is taken over: what its holder wrote is a gallery with some images to be indexed.
"""

import os
import random
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from core.errors import StoreError
from core.galleries.lance.connection import Connection, LanceTable
from core.galleries.lance.schema import GALLERY, sql_literal
from core.localisation import _

CELLS = ["uuid", "created", "folders", "writer", "changing", "revision", "next_id"]
LEASE = 120.0  # seconds; a batch on a slow line takes less
PATIENCE = 180.0  # seconds to wait for the lease
_own: set[str] = set()  # leases of this process


class WriteLease:
    """The write lease of one gallery."""

    def __init__(self, connection: Connection, table: LanceTable) -> None:
        self._connection = connection
        self._table = table
        self._place = connection.place
        self._here = threading.RLock()  # threads of one process wait for each other without asking the storage

    def row(self) -> dict[str, Any]:
        """The gallery's present row."""
        try:
            rows: list[dict[str, Any]] = self._table.rows(CELLS).to_pylist()
        except StoreError as error:
            if error.kind != "unreadable" or self._connection.open(GALLERY) is not None:
                raise
            rows = []
        if not rows:
            raise StoreError(_("The gallery at {place} was deleted. Its pictures are untouched.").format(
                place=self._place), "no_gallery")
        return rows[0]

    @contextmanager
    def held(self, ids: int = 0, vectors: bool = True) -> Iterator[int]:
        """Hold the write lease; yields the first of `ids` new ids. `vectors`: the revision changes at the end.

        StoreError: `busy` when others do not finish.
        """
        with self._here:
            token, first, changing = self._acquire(ids, vectors)
            try:
                yield first
            except BaseException:
                with suppress(StoreError):  # what happened says more
                    self._release(token, changing)
                raise
            else:
                if not self._release(token, changing):
                    raise StoreError(_("Writing into {place} took so long that another program took over. Index "
                                       "again: what is missing is written then.").format(place=self._place), "busy")

    def _acquire(self, ids: int, vectors: bool) -> tuple[str, int, bool]:
        token = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(6)}"
        began = since = time.monotonic()
        last_writer = ""
        while True:
            row = self.row()
            writer, now = row["writer"], time.monotonic()
            if writer != last_writer:
                last_writer, since = writer, now
            if not writer or _is_dead(writer) or now - since > LEASE:
                changing = vectors or row["changing"]  # one that was cut off may have changed some
                where = f"writer = {sql_literal(writer)} AND next_id = {row['next_id']}"
                _own.add(token)
                if self._table.update(where, {"writer": token, "changing": changing, "next_id": row["next_id"] + ids}):
                    return token, row["next_id"], changing
                _own.discard(token)
            elif now - began > PATIENCE:
                raise StoreError(_("Another program is writing into {place} and did not finish within {patience:.0f} "
                                   "seconds. Nothing was lost; try again.").format(place=self._place,
                                                                                   patience=PATIENCE), "busy")
            time.sleep(random.uniform(0.02, 0.2))

    def _release(self, token: str, changing: bool) -> bool:
        values: dict[str, Any] = {"writer": "", "changing": False}
        if changing:
            values["revision"] = secrets.token_hex(8)
        try:
            return self._table.update(f"writer = {sql_literal(token)}", values) > 0
        finally:
            _own.discard(token)


def _is_dead(writer: str) -> bool:
    """Whether that lease was of a process of this computer that is gone, or of this one and was lost."""
    host, process, _unused = writer.rsplit(":", 2)
    if host != socket.gethostname():
        return False
    if int(process) == os.getpid():
        return writer not in _own
    if os.name != "posix":  # Windows has no way to ask that does no harm
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
