"""The SQLite file under the store: opening, migrating, transactions, and what its errors mean to a user.

Many readers and one writer at a time, across threads and processes: WAL, and short write transactions that take the
write lock at once (BEGIN IMMEDIATE). One that first reads and then writes would fail whenever another came between.
"""

import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, NullPool, Pool, QueuePool, create_engine, event
from sqlalchemy.exc import DBAPIError

from core import private_files
from core.errors import StoreError
from core.localisation import _
from core.store.reserve import DiskReserve
from core.store.schema import APPLICATION_ID, SCHEMA_REVISION

BUSY_SECONDS = 30.0
WAL_PATIENCE_MS = 3000  # for readers of other processes, which keep the WAL from being emptied
FREE_BYTES, FREE_SHARE = 32 << 20, 0.2  # free pages that are returned to the disk: so many bytes, such a share
SHRINK_PAGES, ROOM_LEFT = 512, 64 << 20  # pages a step; bytes of the disk that shrinking leaves untouched
PAGE_BYTES = 16_384  # a vector of 512 or 768 floats wastes up to half of SQLite's usual 4096
AS_IT_IS = ("mode=ro", "mode=ro&immutable=1")  # the second where not even the files of a WAL can be made
NOT_WRITABLE = ("read_only", "disk_full")  # kinds of errors after which a store can still be read
MIGRATIONS = Path(__file__).parent / "migrations"

# SQLite's primary result code -> kind, sentence. A write that fails counts as "disk_full": a quota looks like that.
KINDS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_FULL: ("disk_full", "The disk with {path} is full. What was stored before is safe; make room and "
                                       "start again, it goes on from there."),
    sqlite3.SQLITE_BUSY: ("busy", "Another window or program is writing to {path} and did not finish within "
                                  f"{BUSY_SECONDS:.0f} seconds. Nothing was lost; try again."),
    sqlite3.SQLITE_READONLY: ("read_only", "{path} may not be written to. Give yourself the right to write there, or "
                                           "choose another folder with BREWCLIP_HOME."),
    sqlite3.SQLITE_NOTADB: ("not_a_store", "{path} is damaged or not a store of BrewCLIP Explorer. It was left as it "
                                           "is; move it away to start with an empty one."),
}
KINDS[sqlite3.SQLITE_LOCKED] = KINDS[sqlite3.SQLITE_BUSY]
KINDS[sqlite3.SQLITE_CANTOPEN] = KINDS[sqlite3.SQLITE_PERM] = KINDS[sqlite3.SQLITE_READONLY]
KINDS[sqlite3.SQLITE_CORRUPT] = KINDS[sqlite3.SQLITE_NOTADB]
FAILED_WRITES = (sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_FSYNC,
                 sqlite3.SQLITE_IOERR_TRUNCATE)


class Database:
    """Transactions on one SQLite file. Safe to use from any thread; connections are pooled.

    `query` is how a file is opened that can only be read (`AS_IT_IS`), `refusal` why: every write raises it.
    """

    def __init__(self, path: Path, query: str = "", refusal: StoreError | None = None) -> None:
        self.path, self._refusal, self._reserve = path, refusal, DiskReserve(path)
        self._engine = _engine(path, QueuePool, foreign_keys=True, query=query)

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that sees one unchanging state of the store, however long it takes."""
        return self._transaction("DEFERRED")

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction that may write: everything in it is stored, or after an error nothing."""
        if self._refusal is not None:
            raise StoreError(str(self._refusal), self._refusal.kind)
        return self._transaction("IMMEDIATE")

    @contextmanager
    def deleting(self, erase: bool = True) -> Iterator[Connection]:
        """A transaction that deletes, on a full disk too: the disk reserve is released first.

        `erase`: deleted rows are overwritten, which writes as much as was deleted; False for what tells nothing of
        what was said, such as a large gallery.
        """
        if self._reserve.release() and self._refusal is not None and self._refusal.kind == "disk_full":
            self._engine, self._refusal = _open_to_write(self.path)._engine, None
        with self.writing() as connection:
            connection.exec_driver_sql(f"PRAGMA secure_delete={'ON' if erase else 'FAST'}")
            try:
                yield connection
            finally:
                connection.exec_driver_sql("PRAGMA secure_delete=ON")
        self._reserve.fill()

    @contextmanager
    def _transaction(self, mode: str) -> Iterator[Connection]:
        with as_store_errors(self.path), self._engine.connect() as connection:
            connection.execution_options(begin=mode)
            with connection.begin():
                yield connection

    @property
    def created_at(self) -> float:
        """Time at which this file became the store, seconds since 1970; files that are older may be another store's."""
        with self.reading() as connection:
            return float(connection.exec_driver_sql("PRAGMA user_version").scalar() or time.time())

    def empty_wal(self) -> bool:
        """Checkpoint and truncate the WAL, so that no copy of deleted rows stays in it.

        False when that cannot be done now, such as while another process reads: the WAL is then emptied by a later
        call, or when the last process closes the store.
        """
        try:
            with closing(_connect(self.path)) as connection:
                connection.execute(f"PRAGMA busy_timeout={WAL_PATIENCE_MS}")
                busy, _unused, _unused = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                return not busy
        except sqlite3.Error:  # no room, no right: what was deleted is deleted all the same
            return False

    def shrink(self) -> int:
        """Return free pages to the disk when they are many; the bytes by which the file became smaller.

        A store of an earlier release, which cannot do that in steps, is rewritten once. Nothing is done where the disk
        lacks the room to do it, or while others use the file; a later call does it then.
        """
        before = self._size()
        try:
            with closing(_connect(self.path)) as connection:
                connection.execute(f"PRAGMA busy_timeout={WAL_PATIENCE_MS}")
                self._give_back(connection)
        except (sqlite3.Error, OSError):
            pass
        self.empty_wal()
        return max(0, before - self._size())

    def _give_back(self, connection: sqlite3.Connection) -> None:
        page, pages, free, incremental = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in (
            "page_size", "page_count", "freelist_count", "auto_vacuum"))
        if free * page < max(FREE_BYTES, pages * page * FREE_SHARE):
            return
        if not incremental:
            if self._room() > 2 * (pages - free) * page + ROOM_LEFT:  # a copy, which then goes through the WAL
                connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
                connection.execute("VACUUM")
            return
        for _unused in range(0, free, SHRINK_PAGES):
            if self._room() < ROOM_LEFT:
                return
            connection.executescript(f"PRAGMA incremental_vacuum({SHRINK_PAGES})")  # `execute` stops after a page
            busy, _unused, _unused = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                return

    def _room(self) -> int:
        return shutil.disk_usage(self.path.parent).free

    def _size(self) -> int:
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def close(self) -> None:
        """Close all connections; the last process to close the file deletes the WAL."""
        self._engine.dispose()


def open_database(path: Path) -> Database:
    """The database at that path, made or migrated if need be; one that cannot be written to is opened for reading.

    StoreError kinds: not_a_store (damaged, or another program's; left untouched), newer, read_only, disk_full, busy.
    """
    try:
        return _open_to_write(path)
    except StoreError as error:
        database = _open_to_read(path, error) if error.kind in NOT_WRITABLE else None
        if database is None:
            raise
        return database


def _open_to_write(path: Path) -> Database:
    _check_place(path)
    _make_private(path)
    with as_store_errors(path):
        if _revision(path) != SCHEMA_REVISION:
            _migrate(path)
        database = Database(path)
        with database.reading():  # the first connection: an error in it belongs to opening
            DiskReserve(path).fill()
        _note_creation(path)
        return database


def _note_creation(path: Path) -> None:
    """Store the time from which on this file is the store (`Database.created_at`), in its header's free field."""
    with suppress(sqlite3.Error), closing(_connect(path)) as connection:
        if not connection.execute("PRAGMA user_version").fetchone()[0]:
            connection.execute(f"PRAGMA user_version={int(time.time())}")


def _open_to_read(path: Path, refusal: StoreError) -> Database | None:
    """The database for reading alone; None when that cannot be done either, or it is not of this release's schema.

    Nothing may be beside it that a crash left: read past that, it would show the state before, or half of one.
    """
    for query in AS_IT_IS:
        database = Database(path, query, refusal)
        try:
            if query == AS_IT_IS[0] or not _left_behind(path):
                with as_store_errors(path):
                    if _revision(path, query) == SCHEMA_REVISION:
                        with database.reading():
                            return database
        except StoreError as error:
            if error.kind not in NOT_WRITABLE:
                raise
        database.close()
    return None


def _left_behind(path: Path) -> bool:
    """Whether a file of unfinished writes lies beside the store."""
    for end in ("-wal", "-journal"):
        try:
            if path.with_name(path.name + end).stat().st_size:
                return True
        except FileNotFoundError:
            continue
        except OSError:
            return True
    return False


@contextmanager
def as_store_errors(path: Path) -> Iterator[None]:
    """Translate SQLite's errors on that file to StoreError; programming errors pass."""
    try:
        yield
    except DBAPIError as error:
        explained = _explained(error.orig, path)
        if explained is None:
            raise
        raise explained from error
    except sqlite3.Error as error:
        explained = _explained(error, path)
        if explained is None:
            raise
        raise explained from error


def _explained(error: BaseException | None, path: Path) -> StoreError | None:
    code = getattr(error, "sqlite_errorcode", 0)
    primary = sqlite3.SQLITE_FULL if code in FAILED_WRITES else code & 0xFF
    if primary == sqlite3.SQLITE_IOERR:
        return StoreError(_("The disk with {path} could not be read ({error}). Check the disk; nothing "
                            "was changed.").format(path=path, error=error),
                          "unreadable")
    if primary not in KINDS:
        return None
    kind, sentence = KINDS[primary]
    return StoreError(sentence.format(path=path), kind)


def _check_place(path: Path) -> None:
    try:
        private_files.make_folder(path.parent)
    except OSError as error:
        code = sqlite3.SQLITE_FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else sqlite3.SQLITE_READONLY
        kind, sentence = KINDS[code]
        raise StoreError(sentence.format(path=path), kind) from error
    for place in (path.parent, path):  # WAL needs files beside the store's own
        if place.exists() and not os.access(place, os.W_OK):
            kind, sentence = KINDS[sqlite3.SQLITE_READONLY]
            raise StoreError(sentence.format(path=place), kind)


def _make_private(path: Path) -> None:
    """Make a new store readable by its owner alone; its WAL takes over its rights."""
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, private_files.FILE))


def _revision(path: Path, query: str = "") -> str:
    """The schema's revision, "" for a new file. Plain SQL, for Alembic takes longer to import than all of opening."""
    with closing(_connect(path, query)) as connection:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}
        if application == 0 and not tables:
            return ""
        if application != APPLICATION_ID or "alembic_version" not in tables:
            kind, sentence = KINDS[sqlite3.SQLITE_NOTADB]
            raise StoreError(sentence.format(path=path), kind)
        return str(connection.execute("SELECT max(version_num) FROM alembic_version").fetchone()[0])


def _migrate(path: Path) -> None:
    """Bring the file to this release's schema, in one transaction. No foreign keys: they would cascade in batch alters.

    Another process may be doing the same: whoever gets the lock second finds nothing left to do.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    engine = _engine(path, NullPool, foreign_keys=False)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with engine.connect().execution_options(begin="EXCLUSIVE") as connection, connection.begin():
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StoreError(_("{path} was written by a newer release of BrewCLIP Explorer. It was left as it is; "
                               "install that release again, or choose another folder with BREWCLIP_HOME.").format(
                                   path=path),
                             "newer") from error
        connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")


def _connect(path: Path, query: str = "") -> sqlite3.Connection:
    """A bare connection, as a URI only with a query: a path may hold any character. The pool may move it between
    threads.
    """
    return sqlite3.connect(f"{path.as_uri()}?{query}" if query else path, timeout=BUSY_SECONDS, isolation_level=None,
                           check_same_thread=False, uri=bool(query))


def _engine(path: Path, pool: type[Pool], foreign_keys: bool, query: str = "") -> Engine:
    """An engine that begins transactions by itself (the driver begins late, and never for reading), pragmas set."""
    engine = create_engine("sqlite://", creator=lambda: _connect(path, query), poolclass=pool)

    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, record: object) -> None:
        connection.text_factory = lambda value: value.decode(errors="replace")  # damaged bytes show as such
        if not query:
            connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # of a new file
            _use_wal(connection)
            connection.execute("PRAGMA secure_delete=ON")  # deleted rows are overwritten with zeros
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('begin', 'DEFERRED')}")

    return engine


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL. SQLite does not wait for the lock that this takes on a new file, whatever its timeout."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(0.02)
