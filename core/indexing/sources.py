"""Sources of images: a folder, one image, an address, or a list of paths and addresses (a manifest).

A manifest is a Parquet or CSV file with a column of paths; those that are relative start from where it lies. A CSV file
needs nothing but Python (`core.indexing.lists`), Parquet files and addresses need Arrow. Columns
`size` and `mtime_ns`, if there, spare asking the storage for each file. The gallery takes the folder that all of a list
lie in as its own.

DatasetError: manifest (it cannot be read, has no column of paths, names nothing). StoreError as `core.remote`.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import remote
from core.errors import DatasetError, StoreError
from core.images import IMAGE_SUFFIXES, OTHER_SUFFIXES
from core.indexing import lists
from core.indexing.exclusions import Exclusions
from core.indexing.reconcile import unreachable
from core.indexing.scan import REPORT_EVERY, Scan, is_picture, scan
from core.localisation import _
from core.progress import Progress, Report, WorkStep, silent
from core.store.file_stamps import file_stamp, stamp_of
from core.store.records import FileStamp
from core.store.repository import absolute_path, storable

MANIFESTS = (".parquet", ".csv", ".tsv")
ASKED_AT_ONCE = 16  # files of a storage, whose answers take longer than all else
TEXT = ("string", "large_string", "string_view")


@dataclass(frozen=True)
class _Listed:
    """A line of a manifest: a path as a gallery keeps it, and the stamp if it is in the manifest."""

    path: str
    stamp: FileStamp | None


def is_list(source: str | Path) -> bool:
    """Whether that is read as a manifest: a Parquet or CSV file, or the address of one."""
    here = remote.local(source)
    return Path(source).suffix.lower() in MANIFESTS and (here is None or not here.is_dir())


def scan_sources(sources: Iterable[str | Path], column: str = "", report: Report = silent,
             exclude: Exclusions = Exclusions()) -> list[Scan]:
    """Scan each of these sources with `scan_source`."""
    return [scan for source in sources for scan in scan_source(source, column, report, exclude)]


def scan_source(source: str | Path, column: str = "", report: Report = silent,
         exclude: Exclusions = Exclusions()) -> list[Scan]:
    """The pictures of a folder, an address or a manifest, or the one at a path; none of them is read.

    `column` is that of the paths, where it has a name of its own; `exclude` leaves out what lies in folders. StoreError
    (no_folder, secret), DatasetError (manifest).
    """
    remote.check_secrets(source)
    text = str(source)
    if is_list(text):
        return _listed(text, column, report)
    here = Path(absolute_path(Path(text)))
    if not remote.is_remote(here) and here.is_file() and not is_picture(here):
        raise StoreError(_("{name} is neither a folder, nor a picture of a kind that is read here, nor a list (.csv, "
                           ".tsv, .parquet). Nothing was changed.").format(name=here.name), "no_folder")
    scan = scan_folder(here, report, exclude)
    if scan.folder in scan.unread:
        if remote.is_remote(scan.folder):
            raise StoreError(scan.unread[scan.folder], "no_folder")
        raise unreachable([scan.folder])
    return [scan]


def scan_folder(folder: Path, report: Report = silent, exclude: Exclusions = Exclusions()) -> Scan:
    """The pictures of one folder, here or at an address. One that cannot be looked into is in `unread`."""
    if not remote.is_remote(folder):
        return scan(folder, report, exclude)
    result = Scan(str(folder), {}, {})
    try:
        for number, file in enumerate(_pictures(folder, result, exclude)):
            result.files[remote.stored(file.address)] = file_stamp(file.size, file.mtime_ns)
            if not number % REPORT_EVERY:
                report(Progress(WorkStep.SCANNING, number + 1))
    except StoreError as error:
        if error.kind not in ("not_there", "unreachable"):
            raise
        return Scan(str(folder), {}, {str(folder): str(error)})
    return result


def _pictures(folder: Path, scan: Scan, exclude: Exclusions) -> Iterator[remote.RemoteFile]:
    """The pictures below an address; hidden files and folders are passed over. What else is left out is counted."""
    start = len(remote.shown(folder).rstrip("/"))
    for file in remote.list_files(folder, scan.unread):
        inside = file.address[start:]
        suffix = Path(inside).suffix.lower()
        if "/." in inside or suffix not in IMAGE_SUFFIXES | OTHER_SUFFIXES:
            continue
        pattern = exclude.match_any(inside.lstrip("/"))
        if pattern and suffix in IMAGE_SUFFIXES:
            scan.excluded[pattern] += 1
        elif suffix in IMAGE_SUFFIXES:
            yield file
        elif not pattern:
            scan.passed[suffix] += 1


def _listed(manifest: str, column: str, report: Report) -> list[Scan]:
    """The pictures that a manifest names, by the folders that they lie in."""
    by_top: defaultdict[str, list[_Listed]] = defaultdict(list)
    for number, line in enumerate(_lines(manifest, column)):
        # what lies apart in the first step of a path, or in scheme and bucket of an address, gets a folder of its own
        by_top[os.sep.join(line.path.split(os.sep, 2)[:2])].append(line)  # noqa: PTH118
        if not number % REPORT_EVERY:
            report(Progress(WorkStep.READING_LIST, number + 1))
    if not by_top:
        raise _list_error(manifest, "names no picture")
    scans = [_scan_of(listed, report) for _unused, listed in sorted(by_top.items())]
    if not any(scan.files for scan in scans):
        absent = [path for scan in scans for path in scan.absent]
        first = storable(remote.shown(absent[0]))
        raise DatasetError(_("None of the {absent} pictures that the list {shown} names is there; the first was "
                             "looked for at {first}. Relative paths start from the folder of the list. Nothing was "
                             "changed.").format(absent=len(absent), shown=remote.shown(manifest), first=first),
                           "manifest")
    return [scan for scan in scans if scan.files]


def _scan_of(listed: Sequence[_Listed], report: Report) -> Scan:
    stamps = _stamps(listed, report)
    files = {path: stamp for path, stamp in stamps.items() if stamp is not None}
    absent = tuple(path for path, stamp in stamps.items() if stamp is None)
    folder = os.path.commonpath([os.path.dirname(path) for path in stamps])  # noqa: PTH120  (may hold surrogates)
    return Scan(folder, files, {}, whole=False, absent=absent)


def _stamps(listed: Sequence[_Listed], report: Report) -> dict[str, FileStamp | None]:
    stamps: dict[str, FileStamp | None] = {entry.path: entry.stamp for entry in listed}
    unknown = [path for path, stamp in stamps.items() if stamp is None]
    with ThreadPoolExecutor(ASKED_AT_ONCE, "ask-storage") as pool:
        try:
            for number, (path, stamp) in enumerate(zip(unknown, pool.map(_stamp, unknown), strict=True)):
                stamps[path] = stamp
                if not number % REPORT_EVERY:
                    report(Progress(WorkStep.SCANNING_LIST, number, len(unknown)))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return stamps


def _stamp(path: str) -> FileStamp | None:
    if not remote.is_remote(path):
        with suppress(OSError):
            return stamp_of(path)
        return None
    stamp = remote.stamp(path)
    return file_stamp(stamp.size, stamp.mtime_ns) if stamp is not None else None


def _lines(manifest: str, column: str) -> Iterator[_Listed]:
    here = remote.local(manifest)
    base = Path(absolute_path(Path(manifest))).parent
    if here is not None and not here.is_file():
        raise DatasetError(_("There is no list {manifest}. Nothing was changed.").format(manifest=manifest), "manifest")
    try:
        with here.open("rb") if here is not None else remote.open_input(manifest) as file:
            rows = _parquet(file, manifest, column) if is_parquet(manifest) else lists.rows(file, column)
            for path, values in rows:
                if path.strip():
                    yield _Listed(_resolved(path.strip(), base), _given_stamp(values))
    except lists.ListError as error:
        raise _list_error(manifest, str(error)) from error
    except OSError as error:
        raise _list_error(manifest, f"cannot be read ({error.strerror or error})") from error


def is_parquet(manifest: str) -> bool:
    """Whether a manifest is a Parquet file, by its name."""
    return Path(manifest).suffix.lower() == ".parquet"


def _given_stamp(values: Mapping[str, Any]) -> FileStamp | None:
    try:
        return file_stamp(int(values["size"]), int(values["mtime_ns"]))
    except (KeyError, TypeError, ValueError, OverflowError):  # not told, or no numbers: the file itself is asked
        return None


def _resolved(path: str, base: Path) -> str:
    """The path of a list's line: as it stands, else as Windows writes it."""
    if remote.is_address(path):
        remote.check_secrets(path, whole=False)
        return absolute_path(Path(path))
    plainly = absolute_path(base / path)
    if "\\" in path and not remote.is_remote(base) and not os.path.lexists(plainly):
        ways = [absolute_path(base / way) for way in lists.windows_paths(path)]
        return next(filter(os.path.lexists, ways), ways[0] if ways else plainly)
    return plainly


def _parquet(file: Any, manifest: str, column: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The path of each row of a Parquet file, and its size and time where they are columns."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise StoreError(_("Lists in Parquet files need Arrow, which is not installed. `pip install .[scale]` brings "
                           "it; a list in a CSV file needs nothing."), "no_extra") from error
    try:
        whole = parquet.ParquetFile(file)
        schema = whole.schema_arrow
        at = lists.path_column(schema.names, column)
        if at < 0:
            raise lists.ListError(_("has no column of paths that could be told by its name; it has {names}. Name one "
                                    "with --column").format(names=", ".join(schema.names)))
        name = schema.names[at]
        if str(schema.field(name).type) not in TEXT:
            raise lists.ListError(_("has {type} in its column {name!r}, not paths").format(type=schema.field(name).type,
                                                                                           name=name))
        wanted = [column for column in schema.names if column in (name, "size", "mtime_ns")]
        for batch in whole.iter_batches(columns=wanted):
            for row in batch.to_pylist():
                yield row[name] or "", row
    except (pa.ArrowException, TypeError, OSError) as error:
        raise lists.ListError(_("cannot be read as one: it is damaged, or of another kind")) from error


def _list_error(manifest: str, what: str) -> DatasetError:
    return DatasetError(_("The list {shown} {what}. A list is a Parquet or CSV file with a column of paths.").format(
        shown=remote.shown(manifest), what=what), "manifest")
