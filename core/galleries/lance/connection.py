"""Tables at an address: opened, read and written through LanceDB, and what its errors mean to a user.

Where object storage is and who asks come from the environment alone (AWS_*); nothing of it is kept, and no error holds
what a storage answered, for that may name a key.

Kinds of StoreError: no_extra, scheme, no_credentials, no_rights, not_there, unreachable, disk_full, busy, unreadable.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from core import remote
from core.errors import StoreError
from core.home import expanded
from core.localisation import _

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 2048  # rows that are read at once
ATTEMPTS, RETRY_S, CONNECT_S, ANSWER_S = 3, 20, 5, 30  # of a request to the storage
KEPT = timedelta(hours=1)  # how long versions stay that nobody needs but who is reading them
LOOPBACK = ("localhost", "127.0.0.1", "::1")

# What is looked for in an error, the kind, and the sentence; the first that is found holds.
KINDS: tuple[tuple[str, str, str], ...] = (
    (r"No space left|StorageFull|QuotaExceeded|os error (28|122)\b", "disk_full",
     "There is no room left at {place}. What was stored before is safe; make room and start again, it goes on from "
     "there."),
    (r"No object store provider|object store scheme", "scheme",
     "{place} is no address of a gallery: write a folder that ends in .lance, or s3://bucket/path."),
    (r"Access ?Denied|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|ExpiredToken|Forbidden|status: 40[13]"
     r"|Unauthorized|AuthorizationHeaderMalformed|AuthFailure", "no_rights",
     "{place} may not be used with the keys of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: they are wrong, or give no "
     "right to it."),
    (r"Permission denied|os error (1|13)\b|Read-only file system|os error 30\b", "no_rights",
     "{place} may not be written to or read. Give yourself the right to, or choose another place."),
    (r"NoSuchBucket", "not_there", "There is no bucket for {place}. Is the address right?"),
    (r"PermanentRedirect|status: 301", "unreachable", "{place} lies in another region; name it in AWS_REGION."),
    (r"URL scheme is not allowed|BadScheme|scheme.*not allowed", "unreachable",
     "AWS_ENDPOINT_URL is not encrypted (http). Use https, or set AWS_ALLOW_HTTP=true if the network is yours."),
    (r"error sending request|Connect|HTTP error|timed? ?out|connection|dispatch failure|status: 5\d\d|SlowDown|"
     r"dns error", "unreachable",
     "{place} cannot be reached now: the storage does not answer as it should. Look at the network and at "
     "AWS_ENDPOINT_URL. What was stored before is safe; start again, it goes on from there."),
    (r"[Cc]ommit ?[Cc]onflict|Retryable|concurrent", "busy",
     "Several programs write into {place} at once, and this one did not get through. Nothing was lost; try again."),
)
OTHER = ("unreadable", "The tables at {place} could not be read: they are damaged, of another program, or were deleted "
                       "meanwhile. They were left as they are.")


class LanceTable:
    """One table at its newest version. `where` is a condition in SQL; "" is all rows. Any thread may use it."""

    def __init__(self, raw: Any, place: str) -> None:
        self.raw = raw
        self.place = place
        self._columns: frozenset[str] = frozenset()

    @property
    def version(self) -> int:
        """Version number; grows with each commit."""
        with as_store_errors(self.place):
            version: int = self.raw.version
            return version

    @property
    def facts(self) -> dict[str, str]:
        """Metadata of the table's schema."""
        with as_store_errors(self.place):
            return {key.decode(): value.decode() for key, value in (self.raw.schema.metadata or {}).items()}

    def has(self, column: str) -> bool:
        """Whether there is a column, which tables of an earlier release may lack."""
        if column not in self._columns:
            with as_store_errors(self.place):
                self._columns = frozenset(self.raw.schema.names)
        return column in self._columns

    def ensure(self, column: "pa.Field") -> None:
        """Add a column of nulls if there is none of its name."""
        if not self.has(column.name):
            with as_store_errors(self.place):
                self.raw.add_columns([column])

    def count(self, where: str = "") -> int:
        """Number of rows."""
        with as_store_errors(self.place):
            rows: int = self.raw.count_rows(where or None)
            return rows

    def rows(self, columns: list[str], where: str = "") -> "pa.Table":
        """These columns of the rows."""
        with as_store_errors(self.place):
            return self._select(columns, where).to_arrow()

    def batches(self, columns: list[str], where: str = "") -> "Iterator[pa.RecordBatch]":
        """The same in batches, all of one version."""
        with as_store_errors(self.place):
            yield from self._select(columns, where).to_batches(BATCH)

    def put(self, rows: "pa.Table", key: str = "id") -> None:
        """Insert rows, without columns that the table lacks; those with the same keys are replaced."""
        rows = rows.select([column for column in rows.column_names if self.has(column)])
        if rows.num_rows:
            with as_store_errors(self.place):
                self.raw.merge_insert(key).when_matched_update_all().when_not_matched_insert_all().execute(rows)

    def change(self, rows: "pa.Table", key: str = "id") -> None:
        """Update columns of the rows with these keys; unknown keys are ignored."""
        if rows.num_rows:
            with as_store_errors(self.place):
                self.raw.merge_insert(key).when_matched_update_all().execute(rows)

    def update(self, where: str, values: dict[str, Any]) -> int:
        """Set values in all rows of the condition; returns their number."""
        with as_store_errors(self.place):
            rows: int = self.raw.update(where=where, values=values).rows_updated
            return rows

    def delete(self, where: str) -> None:
        """Delete rows."""
        with as_store_errors(self.place):
            self.raw.delete(where)

    def compact(self) -> None:
        """Compact files, update the indices and delete old versions."""
        with as_store_errors(self.place):
            self.raw.optimize(cleanup_older_than=KEPT)

    def _select(self, columns: list[str], where: str) -> Any:
        asked = self.raw.search().select(columns)
        return asked.where(where) if where else asked


class Connection:
    """The tables at an address."""

    def __init__(self, place: str, create: bool) -> None:
        self.place = place
        self._raw = _connect(place, create)

    def names(self) -> list[str]:
        """The names of all tables."""
        names: list[str] = []
        token: str | None = None
        with as_store_errors(self.place):
            while True:
                page = self._raw.list_tables(page_token=token)
                names += page.tables
                token = page.page_token
                if not token:
                    return names

    def open(self, name: str) -> LanceTable | None:
        """The table of that name, None when there is none."""
        with as_store_errors(self.place):
            try:
                return LanceTable(self._raw.open_table(name), self.place)
            except (ValueError, FileNotFoundError) as error:
                if f"'{name}' was not found" in str(error):
                    return None
                raise

    def create(self, name: str, rows: "pa.Table") -> LanceTable:
        """A new table; one of that name that another writer made meanwhile instead, as it is."""
        with as_store_errors(self.place):
            try:
                return LanceTable(self._raw.create_table(name, rows), self.place)
            except (ValueError, OSError) as error:
                if "already exists" not in str(error):
                    raise
        existing = self.open(name)
        if existing is None:  # deleted in between
            raise _store_error(OTHER, self.place)
        return existing

    def drop(self, name: str) -> None:
        """Delete a table."""
        with as_store_errors(self.place):
            self._raw.drop_table(name, ignore_missing=True)


def normalized_address(address: str) -> str:
    """The address in its normal form: an absolute folder, no "/" at the end. StoreError when it holds keys."""
    text = address.strip()
    if "://" not in text or text.startswith("file:"):
        return os.path.abspath(expanded(remote.local(text) or Path(text)))  # noqa: PTH100  (keeps links)
    remote.check_secrets(text)
    return text.rstrip("/")


@contextmanager
def as_store_errors(place: str) -> Iterator[None]:
    """Translate LanceDB's errors to StoreError, `from None`: its own may hold a key."""
    try:
        yield
    except (RuntimeError, ValueError, OSError) as error:
        said = f"{error} (os error {error.errno})" if isinstance(error, OSError) and error.errno else str(error)
        for pattern, kind, sentence in KINDS:
            if re.search(pattern, said):
                raise _store_error((kind, sentence), place) from None
        raise _store_error(OTHER, place) from None


def _store_error(kind: tuple[str, str], place: str) -> StoreError:
    return StoreError(kind[1].format(place=place), kind[0])


def _connect(place: str, create: bool) -> Any:
    if "://" not in place and not create and not Path(place).is_dir():  # LanceDB would make the folder
        raise StoreError(_("There is no gallery at {place}. `brewclip index FOLDER --gallery {place}` "
                           "makes one.").format(place=place),
                         "no_gallery")
    options = _options(place) if "://" in place else None
    lancedb = _lancedb()
    with as_store_errors(place):
        return lancedb.connect(place, read_consistency_interval=timedelta(0), storage_options=options)


def _options(place: str) -> dict[str, str]:
    """Options of the storage client. Keys and endpoint are not among them: the library reads the environment."""
    if place.startswith("s3://") and not (os.environ.get("AWS_ACCESS_KEY_ID")
                                          and os.environ.get("AWS_SECRET_ACCESS_KEY")):
        # else the library would look for a server of Amazon's that gives keys
        raise StoreError(_("{place} needs keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_ENDPOINT_URL "
                           "if the storage is not Amazon's.").format(place=place), "no_credentials")
    options = {"client_max_retries": str(ATTEMPTS), "client_retry_timeout": str(RETRY_S),
               "connect_timeout": f"{CONNECT_S}s", "timeout": f"{ANSWER_S}s"}
    if urlsplit(os.environ.get("AWS_ENDPOINT_URL", "")).hostname in LOOPBACK:
        options["allow_http"] = "true"
    return options


def _lancedb() -> Any:
    os.environ.setdefault("LANCE_LOG", "error")  # its warnings on stderr are for programmers
    os.environ.setdefault("LANCE_INCLUDE_VECTOR_CENTROIDS", "false")
    try:
        import lancedb
    except ImportError as error:
        raise StoreError(_('Galleries at an address need LanceDB, which is not installed. `pip install '
                           '"brewclip-explorer[scale]"` brings it.'), "no_extra") from error
    return lancedb
