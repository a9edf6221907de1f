"""Check of a home: the SQLite file, vectors, files that the store names, and caches.

Nothing is changed, except that `repair` deletes vectors that cannot be used. The findings say what to do.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from core import audio, remote
from core.doctor import Finding
from core.errors import AudioError, StoreError
from core.galleries.gallery import Gallery
from core.home import Home
from core.inference import exports
from core.progress import Progress, Report, WorkStep, silent
from core.search import vector_file
from core.store.database import as_store_errors
from core.store.store import Store

BATCH = 2000  # rows read at once
INSTRUCTIONS = 1_000_000  # of SQLite's machine between two looks at cancellation: about 10 ms
NORM_TOLERANCE = 1e-3  # of a unit vector in float32
TAKES = "takes"  # folder of a home
RESTORE = "restore a backup (`brewclip restore FILE`)"
VectorFault = Literal["size", "finite", "norm"]
FAULTS: dict[VectorFault, str] = {"size": "of a wrong size", "finite": "with values that are not finite",
                                  "norm": "that are not of length 1"}


@dataclass(frozen=True)
class _BadVector:
    """A row of the table of embeddings that cannot be used, and its fault."""

    row: int
    fault: VectorFault


def check(home: Home, report: Report = silent, repair: bool = False) -> tuple[Finding, ...]:
    """Check everything; a gigabyte takes some seconds. `repair` deletes vectors that cannot be used.

    A store that cannot be opened is a finding, not an error. JobCancelled by `report`.
    """
    if not home.store.exists():
        return (Finding("store", "note", f"There is no store in {home.root} yet."), *_caches(home, report))
    damage = tuple(_file(home.store, report))
    if damage:
        return damage
    try:
        store = Store.open(home.store)
    except StoreError as error:
        return (Finding("store", "bad", f"{error} Or {RESTORE}."),)
    with closing(store):
        return (Finding("store", "ok", f"{home.store} is whole"), *_references(home.store),
                *_vectors(store, report, repair), *_pictures(store, report), *_recordings(store, report),
                *_caches(home, report))


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _file(path: Path, report: Report) -> Iterator[Finding]:
    """Findings of SQLite's own check of all pages and indexes; none for a whole file."""
    try:
        with as_store_errors(path), closing(_read_only(path)) as connection:
            lines = integrity_faults(connection, lambda: report(Progress(WorkStep.CHECKING, subject=path.name)))
    except StoreError as error:
        yield Finding("store", "bad", f"{error} Or {RESTORE}.")
        return
    if lines:
        yield Finding("store", "bad", f"{path} is damaged: {lines[0]}" + (
            f" (and {len(lines) - 1} more)" if len(lines) > 1 else "") + f". Copy it somewhere safe, then {RESTORE}.")


def integrity_faults(connection: sqlite3.Connection, go_on: Callable[[], None]) -> list[str]:
    """SQLite's sentences on damaged pages and indexes, 20 at most. What `go_on` raises ends the check."""
    stopped: list[BaseException] = []

    def step() -> int:
        try:
            go_on()
        except BaseException as error:  # SQLite would swallow it
            stopped.append(error)
        return len(stopped)

    go_on()
    connection.set_progress_handler(step, INSTRUCTIONS)
    try:
        lines = [str(line) for (line,) in connection.execute("PRAGMA integrity_check(20)")]
    except sqlite3.OperationalError:
        if stopped:
            raise stopped[0] from None
        raise
    finally:
        connection.set_progress_handler(None, 0)
    return [] if lines == ["ok"] else lines


def _references(path: Path) -> Iterator[Finding]:
    """Findings of rows that point at rows which are not there."""
    with closing(_read_only(path)) as connection:
        broken = Counter((table, parent) for table, _, parent, _ in connection.execute("PRAGMA foreign_key_check"))
    for (table, parent), count in broken.items():
        yield Finding("references", "bad", f"{count} rows of {table} name rows of {parent} that are not there; "
                                           f"{RESTORE}, or report this as a fault of the program.")
    if not broken:
        yield Finding("references", "ok", "all rows have what they refer to")


def _vectors(store: Store, report: Report, repair: bool) -> Iterator[Finding]:
    """Findings of vectors of a wrong size, not finite, or not of length 1."""
    count, bad = 0, list[_BadVector]()
    with store.database.reading() as connection:
        total = int(connection.exec_driver_sql("SELECT count(*) FROM embedding").scalar() or 0)
        rows = connection.exec_driver_sql("SELECT embedding.id, dim, vector FROM embedding JOIN fingerprint "
                                          "ON fingerprint.id = fingerprint_id")
        for batch in rows.partitions(BATCH):
            bad += [_BadVector(row, fault) for row, dim, vector in batch if (fault := vector_fault(vector, dim))]
            count += len(batch)
            report(Progress(WorkStep.CHECKING, count, total, "vectors"))
    if not bad:
        yield Finding("vectors", "ok", f"{count} vectors are whole")
        return
    if repair:
        _delete_vectors(store, [vector.row for vector in bad])
    faults = Counter(vector.fault for vector in bad)
    text = ", ".join(f"{number} {FAULTS[fault]}" for fault, number in faults.items())
    yield Finding("vectors", "note" if repair else "bad", f"{len(bad)} of {count} vectors cannot be used ({text}); " + (
        "they were deleted. Index the galleries again." if repair else
        "`brewclip check --repair` deletes them, then index the galleries again."))


def vector_fault(vector: bytes, dim: int) -> VectorFault | None:
    """The fault of a stored vector (little endian float32 of length `dim`, unit length); None without one."""
    if not isinstance(vector, bytes) or len(vector) != 4 * dim:
        return "size"
    values = np.frombuffer(vector, "<f4")
    if not np.isfinite(values).all():
        return "finite"
    return "norm" if abs(float(np.linalg.norm(values)) - 1) > NORM_TOLERANCE else None


def _delete_vectors(store: Store, rows: list[int]) -> None:
    """Delete vectors; all galleries get a new revision, so that no cache shows them."""
    with store.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM embedding WHERE id = ?", [(row,) for row in rows])
        connection.exec_driver_sql("UPDATE gallery SET revision = lower(hex(randomblob(8)))")


def _pictures(store: Store, report: Report) -> Iterator[Finding]:
    """Findings of pictures whose files are gone since their gallery was indexed."""
    from core.galleries.backends import open_gallery

    complete = True
    for info in store.galleries():
        gone, images = _gone(open_gallery(store, info.name), report)
        if gone:
            complete = False
            yield Finding("pictures", "note", f"{info.name}: {gone} of {images} files are not where they were; connect "
                                              "the disk they are on, or index the gallery again, which finds moved "
                                              "files and marks the others.")
    if complete:
        yield Finding("pictures", "ok", "all pictures of the galleries are there")


def _gone(gallery: Gallery, report: Report) -> tuple[int, int]:
    """Number of files that are gone, and of all."""
    images = list(gallery.images())
    gone = 0
    for number, image in enumerate(images, 1):
        here = remote.local(image.path)
        try:
            gone += here is not None and not here.exists()
        except OSError:
            gone += 1
        if number % BATCH == 0 or number == len(images):
            report(Progress(WorkStep.CHECKING, number, len(images), f"the files of {gallery.name}"))
    return gone, len(images)


def recordings_of(store: Store) -> tuple[Path, ...]:
    """The recordings that the store names: of queries, saved searches and takes; absolute, sorted."""
    with store.database.reading() as connection:
        names = {row[0] for statement in ("SELECT recording FROM query WHERE recording IS NOT NULL",
                                          "SELECT recording FROM saved_recording", "SELECT recording FROM take")
                 for row in connection.exec_driver_sql(statement)}
    return tuple(sorted(store.folder / name.decode(errors="surrogateescape") for name in names))


def _recordings(store: Store, report: Report) -> Iterator[Finding]:
    """Findings of recordings that are gone, unreadable, or hold other samples than their name says."""
    paths = recordings_of(store)
    faults = Counter[str]()
    for number, path in enumerate(paths, 1):
        report(Progress(WorkStep.CHECKING, number, len(paths), "recordings"))
        faults[_recording_fault(path)] += 1
    for fault in ("gone", "damaged"):
        if faults[fault]:
            yield Finding("recordings", "bad", f"{faults[fault]} of {len(paths)} recordings are {fault}; {RESTORE}. "
                                               "Transcripts and texts are kept.")
    if not faults["gone"] and not faults["damaged"]:
        yield Finding("recordings", "ok", f"{len(paths)} recordings are whole")


def _recording_fault(path: Path) -> str:
    """ "gone", "damaged" or "". A take's name is the digest of its samples; a query's that before it was rounded."""
    if not path.exists():
        return "gone"
    try:
        digest = audio.read(path).digest
    except AudioError:
        return "damaged"
    return "damaged" if path.parent.name == TAKES and path.stem != digest else ""


def _caches(home: Home, report: Report) -> Iterator[Finding]:
    """Findings of caches whose checksums differ: exported models and the matrices of vectors."""
    report(Progress(WorkStep.CHECKING, subject="caches"))
    damaged = [folder for folder in sorted((home.caches / exports.CACHE).glob("*")) if exports.is_damaged(folder)]
    damaged += [path for path in sorted((home.caches / "vectors").glob("*.vectors")) if not vector_file.is_whole(path)]
    if damaged:
        yield Finding("caches", "note", f"{len(damaged)} damaged, such as {damaged[0]}: they are not used and made "
                                        "again when needed; `brewclip caches clear` deletes them.")
    else:
        yield Finding("caches", "ok", "the checksums of exported models and vectors agree")
