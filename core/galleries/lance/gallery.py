"""Gallery at an address: images, vectors, folders and tags in LanceDB tables; `writing` stores batches."""

import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core import remote
from core.errors import StoreError
from core.fingerprint import Fingerprint
from core.galleries.gallery import Gallery
from core.galleries.lance import schema as layout
from core.galleries.lance import writing
from core.galleries.lance.connection import OTHER, Connection, LanceTable, normalized_address
from core.galleries.lance.schema import (
    FAILURES,
    FORMAT,
    GALLERY,
    MARK,
    PICTURES,
    PRESENT,
    RATING,
    VECTORS,
    condition,
    conditions_in,
    folder_condition,
    matrix,
    path_to_text,
    text_to_path,
)
from core.galleries.lance.vector_table import LanceVectorTable
from core.galleries.lance.write_lease import WriteLease
from core.galleries.listing import ImageListing, listing_of
from core.localisation import _
from core.progress import Report, silent
from core.store.records import (
    REMOVED,
    DecodedImageFacts,
    FailedEntry,
    FailureRecord,
    FileStamp,
    Filter,
    GalleryRecord,
    GalleryState,
    ImageRecord,
    IndexedFile,
    KnownFailure,
    KnownImage,
    RecordResult,
    StoredImage,
)
from core.store.repository import absolute_path, checked_stars, checked_tag, is_in_folder, normalized_tag, tag_key

if TYPE_CHECKING:
    import pyarrow as pa

WRITTEN_NEAR, WRITTEN_FAR = 256, 1024  # pictures a write: one takes 0.15 s in a folder, some 70 requests to a storage
RECORD = ["id", "path", "size", "mtime_ns", "width", "height", "taken", "content", "tags", RATING]


class LanceGallery(Gallery):
    """One gallery at an address. Any thread may call any method."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.address = connection.place
        self.rows_a_write = WRITTEN_FAR if "://" in self.address else WRITTEN_NEAR
        self._tables: dict[str, LanceTable] = {}
        self._lease = WriteLease(connection, self._table(GALLERY))
        self.info = self._read_info()

    @staticmethod
    def open(address: str, create: bool = False) -> "LanceGallery":
        """The gallery at an address, made if there is none and `create`.

        StoreError: `no_gallery`, `not_a_gallery` (other files or tables: left untouched), `newer`, and what opening an
        address may raise.
        """
        connection = Connection(normalized_address(address), create)
        table = connection.open(GALLERY)
        if table is None:
            _check_empty(connection)
            if not create:
                raise StoreError(_("There is no gallery at {place}. `brewclip index FOLDER --gallery {place}` makes "
                                   "one.").format(place=connection.place), "no_gallery")
            _create_tables(connection)
        else:
            _check_format(table, connection.place)
        return LanceGallery(connection)

    # ---- what it holds

    def reopened(self) -> "LanceGallery":
        """The same gallery with its present record, over the same connection. StoreError ("no_gallery")."""
        again = copy(self)
        again.info = self._read_info()
        return again

    def _read_info(self) -> GalleryRecord:
        """The record. The id is below 0, where no gallery of the store's is, and the name is the address."""
        row = self._lease.row()
        return GalleryRecord(-1 - int(row["uuid"][:7], 16), self.address, row["created"].replace(tzinfo=UTC),
                             tuple(Path(text_to_path(folder)) for folder in row["folders"]))

    def images(self, ids: Sequence[int] | None = None) -> list[ImageRecord]:
        """See `Gallery`."""
        if ids is None:
            return self.listing().records()
        by_id = {record.id: record for chosen in conditions_in("id", ids)
                 for record in self._listing(f"{chosen} AND {PRESENT}").records()}
        return [by_id[int(image_id)] for image_id in ids if int(image_id) in by_id]

    def listing(self, chosen: Filter = Filter()) -> ImageListing:
        """See `Gallery`."""
        return self._listing(self._where(chosen))

    def _where(self, chosen: Filter) -> str:
        return condition(chosen, not chosen.min_rating or self._table(PICTURES).has(RATING), changed=True)

    def _listing(self, where: str) -> ImageListing:
        names = self._columns(RECORD)
        rows = self._table(PICTURES).rows(names, where).sort_by("id")
        image_ids, paths, *facts, tags = _columns(rows, [name for name in names if name != RATING])
        ratings = rows[RATING].to_pylist() if RATING in names else []
        stars = [rating or 0 for rating in ratings] or [0] * len(image_ids)
        return listing_of([image_ids, [text_to_path(path) for path in paths], *facts, stars],
                          {image_id: tuple(own) for image_id, own in zip(image_ids, tags, strict=True) if own})

    def failures(self) -> list[FailureRecord]:
        """See `Gallery`."""
        rows = self._table(FAILURES).rows(["path", "kind", "reason"], f"kind != '{REMOVED}'").to_pylist()
        return sorted((FailureRecord(Path(text_to_path(row["path"])), row["kind"], row["reason"]) for row in rows),
                      key=lambda failure: str(failure.path))

    def filter_ids(self, chosen: Filter = Filter()) -> np.ndarray:
        """See `Gallery`."""
        rows = self._table(PICTURES).rows(["id"], self._where(chosen))
        return np.sort(_numbers(rows["id"]))

    def tags(self) -> list[tuple[str, int]]:
        """See `Gallery`."""
        by_key: dict[str, list[str]] = {}
        for row in self._table(PICTURES).rows(["tags"], f"{PRESENT} AND array_length(tags) > 0").to_pylist():
            for tag in row["tags"]:
                by_key.setdefault(tag_key(tag), []).append(tag)
        return [(min(used), len(used)) for _unused, used in sorted(by_key.items())]

    def vectors(self, fingerprint_hash: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """See `Gallery`."""
        table = self._vectors(fingerprint_hash)
        if table is not None:
            for batch in table.batches(["id", "vector"], PRESENT):
                yield _numbers(batch["id"]), matrix(batch["vector"])

    def vector_table(self, fingerprint_hash: str) -> LanceVectorTable | None:
        """Vectors that are searched in their table; None when there are none of that fingerprint."""
        table = self._vectors(fingerprint_hash)
        return None if table is None else LanceVectorTable(table)

    def revision(self, fingerprint_hash: str) -> str:
        """See `Gallery`. While someone writes, or was cut off writing, every commit is another revision."""
        row = self._lease.row()
        table = self._vectors(fingerprint_hash) if row["changing"] else None
        return f"{fingerprint_hash}-{row['uuid']}-{row['revision']}{f'-{table.version}' if table else ''}"

    def state(self, fingerprint_hash: str = "") -> GalleryState:
        """See `Gallery`."""
        record = self._read_info()
        pictures = self._table(PICTURES)
        failed = {row["path"]: row["kind"] for row in self._table(FAILURES).rows(["path", "kind"]).to_pylist()}
        removed = list(failed.values()).count(REMOVED)
        counts = [(fingerprint, table.count(PRESENT)) for fingerprint, table in self.vector_tables()]
        fingerprints = tuple(sorted(counts, key=lambda pair: -pair[1]))
        away = pictures.rows(["path"], "missing")["path"].to_pylist()
        indexed = next((count for fingerprint, count in fingerprints if fingerprint.hash == fingerprint_hash), 0)
        return GalleryState(record, pictures.count(PRESENT), indexed, len(failed) - removed,
                            len(set(away) - failed.keys()), tuple(pair for pair in fingerprints if pair[1]), removed)

    def fingerprints(self) -> list[Fingerprint]:
        """See `Gallery`."""
        return [fingerprint for fingerprint, _unused in self.vector_tables()]

    def vector_tables(self) -> list[tuple[Fingerprint, LanceTable]]:
        """The fingerprints with a table of vectors, by hash."""
        tables = []
        for name in sorted(self._connection.names()):
            if name.startswith(VECTORS):
                table = self._table(name)
                tables.append((Fingerprint(table.facts["fingerprint"], table.facts["description"]), table))
        return tables

    # ---- folders and tags

    def add_folder(self, folder: Path) -> None:
        """See `Gallery`."""
        path = absolute_path(folder)
        if any(is_in_folder(path, other) for other in self._folders()):
            return
        with self._lease.held(vectors=False):
            self._keep_folders([other for other in self._folders() if not is_in_folder(other, path)] + [path])

    def remove_folder(self, folder: Path) -> None:
        """See `Gallery`."""
        path = absolute_path(folder)
        here = folder_condition(path, itself=True)
        with self._lease.held():
            for _unused, table in self.vector_tables():
                table.delete(here)
            self._table(PICTURES).delete(here)
            self._table(FAILURES).delete(here)
            self._keep_folders([other for other in self._folders() if other != path])

    def add_tag(self, image_ids: Iterable[int], tag: str) -> None:
        """See `Gallery`. StoreError: `bad_tag`."""
        tag = checked_tag(tag)
        self._retag(image_ids, lambda tags: tags if tag_key(tag) in map(tag_key, tags) else [*tags, tag])

    def remove_tag(self, image_ids: Iterable[int], tag: str) -> None:
        """See `Gallery`."""
        key = tag_key(normalized_tag(tag))
        self._retag(image_ids, lambda tags: [other for other in tags if tag_key(other) != key])

    def _retag(self, image_ids: Iterable[int], change: Any) -> None:
        chosen = list(conditions_in("id", image_ids))
        if not chosen:
            return
        with self._lease.held(vectors=False):
            for where in chosen:
                rows = self._table(PICTURES).rows(["id", "tags"], where).to_pylist()
                tags = [sorted(change(row["tags"]), key=tag_key) for row in rows]
                writing.retag([table for _unused, table in self.vector_tables()], self._table(PICTURES),
                              [row["id"] for row in rows], tags)

    def rate(self, image_ids: Iterable[int], stars: int) -> None:
        """See `Gallery`. StoreError: `bad_rating`."""
        values = {RATING: checked_stars(stars)}
        chosen = list(conditions_in("id", image_ids))
        if not chosen:
            return
        with self._lease.held(vectors=False):
            for table in (*(table for _unused, table in self.vector_tables()), self._table(PICTURES)):
                table.ensure(layout.picture_schema().field(RATING))
                for where in chosen:
                    table.update(where, values)

    # ---- indexing

    def known_images(self, fingerprint_hash: str, folder: Path) -> dict[str, KnownImage]:
        """See `Gallery`. One is embedded when its vector's row says the same of it as its own."""
        table, where = self._vectors(fingerprint_hash), folder_condition(absolute_path(folder))
        columns = ["id", "path", "content", "missing"]
        embedded = set() if table is None else set(zip(*_columns(table.rows(columns, where), columns), strict=True))
        rows = self._table(PICTURES).rows([*columns, "size", "mtime_ns"], where)
        return {text_to_path(path): KnownImage(id_, FileStamp(size, mtime_ns), missing,
                                           (id_, path, content, missing) in embedded)
                for id_, path, content, missing, size, mtime_ns
                in zip(*_columns(rows, [*columns, "size", "mtime_ns"]), strict=True)}

    def known_failures(self, folder: Path) -> dict[str, KnownFailure]:
        """See `Gallery`."""
        rows = self._table(FAILURES).rows(["path", "size", "mtime_ns", "kind", "max_megapixels"],
                                          folder_condition(absolute_path(folder), itself=True)).to_pylist()
        return {text_to_path(row["path"]): KnownFailure(
            FileStamp(row["size"], row["mtime_ns"]), row["kind"], row["max_megapixels"]) for row in rows}

    def embedded_contents(self, hashes: Collection[bytes], fingerprint_hash: str) -> set[bytes]:
        """See `Gallery`."""
        table = self._vectors(fingerprint_hash)
        return set() if table is None else {content for where in conditions_in("content", hashes)
                                            for content in table.rows(["content"], where)["content"].to_pylist()}

    def stored_images(self, vectors: bool = True) -> Iterator[list[StoredImage]]:
        """See `Gallery`."""
        tables = self.vector_tables() if vectors else []
        for batch in self._table(PICTURES).batches(self._columns([*RECORD, "missing"])):
            rows = batch.to_pylist()
            vectors_of: dict[int, dict[str, np.ndarray]] = {row["id"]: {} for row in rows}
            for fingerprint, table in tables:
                for where in conditions_in("id", vectors_of):
                    part = table.rows(["id", "vector"], where)
                    for image_id, vector in zip(part["id"].to_pylist(), matrix(part["vector"]), strict=True):
                        vectors_of[image_id][fingerprint.hash] = vector
            yield [StoredImage(row["id"], text_to_path(row["path"]), FileStamp(row["size"], row["mtime_ns"]),
                               row["content"],
                               DecodedImageFacts(row["width"], row["height"], row["taken"]), row["missing"],
                               tuple(row["tags"]), vectors_of[row["id"]], row.get(RATING) or 0) for row in rows]

    def mark(self, image_ids: Collection[int], missing: bool) -> None:
        """See `Gallery`. The vectors first: cut off between, the next run marks again."""
        if not image_ids:
            return
        with self._lease.held():
            tables = [*(table for _unused, table in self.vector_tables()), self._table(PICTURES)]
            for where in conditions_in("id", image_ids):
                for table in tables:
                    table.update(where, {"missing": missing})

    def drop_failures(self, paths: Collection[str]) -> None:
        """See `Gallery`."""
        for where in conditions_in("path", map(path_to_text, paths)):
            self._table(FAILURES).delete(where)

    def record(self, fingerprint: Fingerprint, entries: Sequence[IndexedFile],
               failures: Sequence[FailedEntry] = ()) -> RecordResult:
        """See `Gallery`."""
        with self._lease.held(ids=len(entries)) as first_id:
            folders = self._folders()
            inside = [entry for entry in entries if any(is_in_folder(entry.path, folder) for folder in folders)]
            failed = [failure for failure in failures if any(is_in_folder(failure.path, folder) for folder in folders)]
            tables = {fingerprint.hash: table for fingerprint, table in self.vector_tables()}
            if fingerprint.hash not in tables:
                dim = next((len(entry.vector) for entry in inside if entry.vector is not None), 0)
                if dim:
                    tables[fingerprint.hash] = self.ensure_vectors(fingerprint, dim)
            batch = writing.BatchWriter(self._table(PICTURES), tables, self._table(FAILURES))
            return batch.store(fingerprint.hash, inside, failed, first_id)

    def ensure_vectors(self, fingerprint: Fingerprint, dim: int) -> LanceTable:
        """The table of a fingerprint's vectors, made if there is none."""
        schema = layout.vector_schema(dim, fingerprint.hash, fingerprint.description)
        name = VECTORS + fingerprint.hash
        self._tables[name] = self._connection.create(name, schema.empty_table())
        return self._tables[name]

    def forget_fingerprint(self, fingerprint_hash: str) -> int:
        """See `Gallery`."""
        with self._lease.held():
            table = self._vectors(fingerprint_hash)
            if table is None:
                return 0
            rows = table.count()
            self._tables.pop(VECTORS + fingerprint_hash, None)
            self._connection.drop(VECTORS + fingerprint_hash)
            return rows

    def delete(self) -> None:
        """See `Gallery`. The table that says what it is goes last."""
        with self._lease.held():
            names = [name for name in self._connection.names()
                     if name in (PICTURES, FAILURES) or name.startswith(VECTORS)]
            for name in names:
                self._connection.drop(name)
        self._connection.drop(GALLERY)
        self._tables.clear()

    def optimize(self, report: Report = silent) -> None:
        """See `Gallery`."""
        from core.galleries.lance.maintenance import optimize

        optimize(self.tables(), report)

    # ---- tables

    def tables(self) -> tuple[LanceTable, LanceTable, list[LanceTable], LanceTable]:
        """The tables of pictures, of failures, of each fingerprint's vectors, and of the gallery's one row."""
        return (self._table(PICTURES), self._table(FAILURES), [table for _unused, table in self.vector_tables()],
                self._table(GALLERY))

    def _table(self, name: str) -> LanceTable:
        """The table of that name, which must be there."""
        if name not in self._tables:
            table = self._connection.open(name)
            if table is None:
                raise StoreError(OTHER[1].format(place=self.address), OTHER[0])
            self._tables[name] = table
        return self._tables[name]

    def _columns(self, names: list[str]) -> list[str]:
        """Those of these columns that the table of images has; one of an earlier release lacks ratings."""
        return [name for name in names if name != RATING or self._table(PICTURES).has(name)]

    def _vectors(self, fingerprint_hash: str) -> LanceTable | None:
        name = VECTORS + fingerprint_hash
        if name not in self._tables:
            table = self._connection.open(name) if fingerprint_hash else None
            if table is None:
                return None
            self._tables[name] = table
        return self._tables[name]

    def _folders(self) -> list[str]:
        return [text_to_path(folder) for folder in self._lease.row()["folders"]]

    def _keep_folders(self, folders: list[str]) -> None:
        """With the write lease held."""
        import pyarrow as pa

        schema = layout.gallery_schema()
        self._table(GALLERY).change(pa.Table.from_pydict(
            {"key": [0], "folders": [sorted(map(path_to_text, folders))]},
            pa.schema([schema.field("key"), schema.field("folders")])), "key")


def _numbers(column: "pa.ChunkedArray | pa.Array") -> np.ndarray:
    return np.asarray(column.to_numpy(zero_copy_only=False) if not hasattr(column, "chunks") else column.to_numpy(),
                      np.int64)


def _columns(rows: "pa.Table", names: Sequence[str]) -> list[list[Any]]:
    return [rows[name].to_pylist() for name in names]


def _check_empty(connection: Connection) -> None:
    """Raise StoreError when there are tables or files of something else."""
    other = bool(connection.names())
    if not other and ("://" not in connection.place or connection.place.startswith("s3://")):
        try:
            other = next(iter(remote.list_files(connection.place)), None) is not None
        except StoreError as error:
            if error.kind != "not_there":
                raise
    if other:
        raise StoreError(_("What lies at {place} is no gallery of BrewCLIP Explorer. It was left as it is; choose "
                           "another address.").format(place=connection.place), "not_a_gallery")


def _check_format(table: LanceTable, place: str) -> None:
    version = table.facts.get(MARK)
    if version is None:
        raise StoreError(_("What lies at {place} is no gallery of BrewCLIP Explorer. It was left as it is; choose "
                           "another address.").format(place=place), "not_a_gallery")
    if int(version) > FORMAT:
        raise StoreError(_("The gallery at {place} was made by a later release of BrewCLIP Explorer. Nothing was "
                           "changed; use that release.").format(place=place), "newer")


def _create_tables(connection: Connection) -> None:
    """Create the tables; `gallery` comes last, so that a partly created gallery is none."""
    import pyarrow as pa

    connection.create(PICTURES, layout.picture_schema().empty_table())
    connection.create(FAILURES, layout.failure_schema().empty_table())
    row = {"key": 0, "uuid": secrets.token_hex(16), "created": datetime.now(UTC).replace(tzinfo=None), "folders": [],
           "writer": "", "changing": False, "revision": secrets.token_hex(8), "next_id": 1}
    connection.create(GALLERY, pa.Table.from_pylist([row], layout.gallery_schema()))
