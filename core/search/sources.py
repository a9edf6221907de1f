"""Where pictures come from: a folder, an address, or a list of paths and addresses (a manifest).

A manifest is a Parquet or CSV file with a column of paths; those that are relative start from where it lies. Columns
`size` and `mtime_ns`, if there, spare asking the storage for each file. The gallery takes the folder that all of a list
lie in as its own.

DatasetError: manifest (it cannot be read, has no column of paths, names nothing). StoreError as `core.remote`.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import remote
from core.errors import DatasetError, StoreError
from core.images import IMAGE_SUFFIXES
from core.progress import Report, silent
from core.search.filling import unreachable
from core.search.scanning import REPORT_EVERY, Scan, file_stamp, scan, stamp_of
from core.store.records import FileStamp
from core.store.room import absolute

MANIFESTS = (".parquet", ".csv")
COLUMNS = ("path", "paths", "file", "filepath", "file_path", "filename", "file_name", "image", "image_path", "url",
           "uri", "key")
ASKED_AT_ONCE = 16  # files of a storage, whose answers take longer than all else
TEXT = ("string", "large_string", "string_view")


@dataclass(frozen=True)
class _Listed:
    """A line of a manifest: a path as a gallery keeps it, and the stamp if it is in the manifest."""

    path: str
    stamp: FileStamp | None


def is_list(source: str | Path) -> bool:
    """Whether that is read as a manifest: a Parquet or CSV file, or the address of one."""
    return Path(source).suffix.lower() in MANIFESTS and not _is_folder(str(source))


def look(source: str | Path, column: str = "", report: Report = silent) -> list[Scan]:
    """The pictures of a folder, an address or a manifest, none of them read.

    `column` is that of the paths, where it has a name of its own. StoreError (no_folder), DatasetError (manifest).
    """
    text = str(source)
    if is_list(text):
        return _listed(text, column, report)
    found = look_into(Path(absolute(Path(text))), report)
    if found.folder in found.unread:
        if remote.is_remote(found.folder):
            raise StoreError(found.unread[found.folder], "no_folder")
        raise unreachable([found.folder])
    return [found]


def look_into(folder: Path, report: Report = silent) -> Scan:
    """The pictures of one folder, here or at an address. One that cannot be looked into is in `unread`."""
    if not remote.is_remote(folder):
        return scan(folder, report)
    found = Scan(str(folder), {}, {})
    try:
        for number, file in enumerate(_pictures(folder)):
            found.files[remote.stored(file.address)] = file_stamp(file.size, file.mtime_ns)
            if not number % REPORT_EVERY:
                report(0, 0, f"Looking for pictures: {number + 1} found")
    except StoreError as error:
        if error.kind not in ("not_there", "unreachable"):
            raise
        return Scan(str(folder), {}, {str(folder): str(error)})
    return found


def _pictures(folder: Path) -> Iterator[remote.RemoteFile]:
    """The pictures below an address; hidden files and folders are passed over."""
    start = len(remote.shown(folder).rstrip("/"))
    for file in remote.list_files(folder):
        inside = file.address[start:]
        if "/." not in inside and Path(inside).suffix.lower() in IMAGE_SUFFIXES:
            yield file


def _is_folder(text: str) -> bool:
    here = remote.local(text)
    return here is not None and here.is_dir()


def _listed(manifest: str, column: str, report: Report) -> list[Scan]:
    """The pictures that a manifest names, by the folders that they lie in."""
    by_top: defaultdict[str, list[_Listed]] = defaultdict(list)
    for number, one in enumerate(_lines(manifest, column)):
        by_top[_top(one.path)].append(one)
        if not number % REPORT_EVERY:
            report(0, 0, f"Reading the list: {number + 1} pictures")
    if not by_top:
        raise _bad(manifest, "names no picture")
    return [_scan_of(listed, report) for _, listed in sorted(by_top.items())]


def _scan_of(listed: Sequence[_Listed], report: Report) -> Scan:
    stamps = _stamps(listed, report)
    files = {path: stamp for path, stamp in stamps.items() if stamp is not None}
    absent = tuple(path for path, stamp in stamps.items() if stamp is None)
    folder = os.path.commonpath([os.path.dirname(path) for path in stamps])  # noqa: PTH120  (may hold surrogates)
    if not files:
        raise unreachable([remote.shown(folder)])
    return Scan(folder, files, {}, whole=False, absent=absent)


def _stamps(listed: Sequence[_Listed], report: Report) -> dict[str, FileStamp | None]:
    found: dict[str, FileStamp | None] = {one.path: one.stamp for one in listed}
    unknown = [path for path, stamp in found.items() if stamp is None]
    with ThreadPoolExecutor(ASKED_AT_ONCE, "ask-storage") as pool:
        try:
            for number, (path, stamp) in enumerate(zip(unknown, pool.map(_stamp, unknown), strict=True)):
                found[path] = stamp
                if not number % REPORT_EVERY:
                    report(number, len(unknown), "Looking for the pictures of the list")
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return found


def _stamp(path: str) -> FileStamp | None:
    if not remote.is_remote(path):
        with suppress(OSError):
            return stamp_of(path)
        return None
    found = remote.stamp(path)
    return file_stamp(found.size, found.mtime_ns) if found is not None else None


def _top(path: str) -> str:
    """The first step of a path, or scheme and bucket of an address: what lies apart there gets a folder of its own."""
    return os.sep.join(path.split(os.sep, 2)[:2])  # noqa: PTH118


def _lines(manifest: str, column: str) -> Iterator[_Listed]:
    here = remote.local(manifest)
    base = Path(absolute(Path(manifest))).parent
    if here is not None and not here.is_file():
        raise DatasetError(f"There is no list {manifest}. Nothing was changed.", "manifest")
    with remote.open_input(manifest) as file:
        for table, name in _tables(file, manifest, column):
            rows = table.to_pydict()
            sizes, times = rows.get("size"), rows.get("mtime_ns")
            for number, path in enumerate(rows[name]):
                if path and path.strip():
                    yield _Listed(_resolved(path.strip(), base), _given(sizes, times, number))


def _given(sizes: Sequence[Any] | None, times: Sequence[Any] | None, number: int) -> FileStamp | None:
    if sizes is None or times is None or sizes[number] is None or times[number] is None:
        return None
    try:
        return file_stamp(int(sizes[number]), int(times[number]))
    except (ValueError, OverflowError):  # "inf", or no number at all: the file itself is asked
        return None


def _resolved(path: str, base: Path) -> str:
    return absolute(Path(path) if remote.is_address(path) or Path(path).is_absolute() else base / path)


def _tables(file: Any, manifest: str, column: str) -> Iterator[tuple[Any, str]]:
    """Parts of a manifest, its columns of paths and stamps alone, with the name of the first."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    try:
        if Path(manifest).suffix.lower() == ".parquet":
            whole = parquet.ParquetFile(file)
            schema = whole.schema_arrow
            name = _column(schema.names, column, manifest)
            if str(schema.field(name).type) not in TEXT:
                raise _bad(manifest, f"has {schema.field(name).type} in its column {name!r}, not paths")
            yield from ((batch, name) for batch in whole.iter_batches(columns=_wanted(schema.names, name)))
            return
        start = file.tell()
        names = csv.open_csv(file).schema.names
        file.seek(start)
        name = _column(names, column, manifest)
        options = csv.ConvertOptions(include_columns=_wanted(names, name), column_types={name: pa.string()})
        yield from ((batch, name) for batch in csv.open_csv(file, convert_options=options))
    except (pa.ArrowException, ValueError, TypeError, OSError) as error:
        raise _bad(manifest, "cannot be read as one: it is damaged, or of another kind") from error


def _wanted(names: Iterable[str], name: str) -> list[str]:
    return [each for each in names if each == name or each in ("size", "mtime_ns")]


def _column(names: Sequence[str], column: str, manifest: str) -> str:
    """The column of the paths: the one that was named, one that is called so, or the only one."""
    if column:
        if column in names:
            return column
        raise _bad(manifest, f"has no column {column!r}; it has {', '.join(names)}")
    found = [name for name in names if name.lower() in COLUMNS]
    if len(found) == 1 or (found and len(names) > 1):
        return found[0]
    if len(names) == 1:
        return names[0]
    raise _bad(manifest, f"has no column of paths that could be told by its name; it has {', '.join(names)}. Name one "
               "with --column")


def _bad(manifest: str, what: str) -> DatasetError:
    return DatasetError(f"The list {remote.shown(manifest)} {what}. A list is a Parquet or CSV file with a column of "
                        "paths.", "manifest")
