"""Writing of a batch into the tables of a gallery at an address."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.dates import file_date
from core.galleries.gallery import pop_moved
from core.galleries.lance import schema as layout
from core.galleries.lance.connection import LanceTable
from core.galleries.lance.schema import RATING, conditions_in, matrix, path_to_text
from core.store.records import REMOVED, DecodedImageFacts, FailedEntry, IndexedFile, RecordResult
from core.store.repository import comparison_key, storable, tag_key

if TYPE_CHECKING:
    import pyarrow as pa

KNOWN = ["id", "path", "content", "missing", "width", "height", "taken", "tags"]


@dataclass(frozen=True)
class _Written:
    """An entry with the picture it becomes: `old` is its row before, None for a new picture."""

    entry: IndexedFile
    id: int
    facts: DecodedImageFacts
    old: Mapping[str, Any] | None

    @property
    def changed(self) -> bool:
        """Whether the picture held another content before."""
        return self.old is not None and self.old["content"] != self.entry.content_hash

    @property
    def tags(self) -> list[str]:
        """Its tags, which it keeps."""
        return self.old["tags"] if self.old else []

    @property
    def rating(self) -> int:
        """Its rating, which it keeps."""
        return (self.old or {}).get(RATING) or 0


class BatchWriter:
    """Writer of one batch, with the write lease held. Cut off after any step, the gallery only lacks vectors."""

    def __init__(self, pictures: LanceTable, vectors: Mapping[str, LanceTable], failures: LanceTable) -> None:
        self._pictures = pictures
        self._vectors = vectors
        self._failures = failures

    def store(self, fingerprint_hash: str, entries: Sequence[IndexedFile], failures: Sequence[FailedEntry],
              first_id: int) -> RecordResult:
        """Store files that were read (new pictures get ids from `first_id` on) and those that could not be."""
        written, recorded = self._assign_images(list({entry.path: entry for entry in entries}.values()), first_id)
        for where in conditions_in("id", [image.id for image in written if image.changed]):
            for table in self._vectors.values():  # of contents that their pictures do not hold any more
                table.delete(where)
        if written:
            self._pictures.put(_picture_rows(written))
            self._update_moved(written)
            self._write_vectors(fingerprint_hash, written)
            for where in conditions_in("path", [path_to_text(image.entry.path) for image in written]):
                self._failures.delete(where)
        self._write_failures(failures)
        return recorded

    def _assign_images(self, entries: Sequence[IndexedFile], first_id: int) -> tuple[list[_Written], RecordResult]:
        """The picture of each entry: its path's, else a missing one with the same content that was not removed, else a
        new one.
        """
        here = {row["path"]: row for row in self._rows("path", [path_to_text(entry.path) for entry in entries])}
        alike = self._rows("content", {entry.content_hash for entry in entries})
        facts = {row["content"]: DecodedImageFacts(row["width"], row["height"], row["taken"]) for row in alike}
        facts |= {entry.content_hash: entry.facts for entry in entries if entry.facts is not None}
        gone: defaultdict[bytes, dict[str, dict[str, Any]]] = defaultdict(dict)
        paths = {path_to_text(entry.path) for entry in entries}
        if any(row["missing"] for row in alike):
            paths |= set(self._failures.rows(["path"], f"kind = '{REMOVED}'")["path"].to_pylist())
        for row in alike:
            if row["missing"] and row["path"] not in paths:
                gone[row["content"]][row["path"]] = row
        written: list[_Written] = []
        moved: list[int] = []
        same: list[str] = []
        for entry in entries:
            if entry.content_hash not in facts:  # forgotten meanwhile: the next run reads it
                continue
            old = here.get(path_to_text(entry.path))
            if old is None and gone[entry.content_hash]:
                old = pop_moved(gone[entry.content_hash], path_to_text(entry.path))
                moved.append(old["id"])
            elif old is not None and old["content"] == entry.content_hash and not old["missing"]:
                same.append(entry.path)
            number = first_id + len(written) if old is None else old["id"]
            written.append(_Written(entry, number, facts[entry.content_hash], old))
        return written, RecordResult(len(written), tuple(moved), tuple(same))

    def _rows(self, column: str, values: Any) -> list[dict[str, Any]]:
        rows = [row for where in conditions_in(column, values)
                for row in self._pictures.rows([*KNOWN, *[RATING] * self._pictures.has(RATING)], where).to_pylist()]
        return sorted(rows, key=lambda row: int(row["id"]))

    def _update_moved(self, written: Sequence[_Written]) -> None:
        """Update the vectors of images that moved or returned, of every fingerprint."""
        import pyarrow as pa

        rows = [{"id": image.id, "path": path_to_text(image.entry.path), "name": _name(image.entry), "missing": False}
                for image in written if image.old is not None and not image.changed
                and (image.old["missing"] or image.old["path"] != path_to_text(image.entry.path))]
        if rows:
            schema = layout.vector_schema(1)
            chosen = pa.schema([schema.field(name) for name in ("id", "path", "name", "missing")])
            for table in self._vectors.values():
                table.change(pa.Table.from_pylist(rows, chosen))

    def _write_vectors(self, fingerprint_hash: str, written: Sequence[_Written]) -> None:
        """Store the vectors: existing ones of the same contents, else those of the entries."""
        table = self._vectors.get(fingerprint_hash)
        if table is None:
            return
        by_content: dict[bytes, np.ndarray] = {}
        for where in conditions_in("content", {image.entry.content_hash for image in written}):
            rows = table.rows(["content", "vector"], where)
            by_content |= dict(zip(rows["content"].to_pylist(), matrix(rows["vector"]), strict=True))
        for image in written:
            if image.entry.vector is not None:
                by_content.setdefault(image.entry.content_hash, image.entry.vector)
        chosen = [image for image in written if image.entry.content_hash in by_content]
        if chosen:
            table.put(vector_rows([image.id for image in chosen], [image.entry.content_hash for image in chosen],
                                  [image.entry.path for image in chosen], [False] * len(chosen),
                                  [image.facts.taken or file_date(image.entry.stamp.mtime_ns) for image in chosen],
                                  [image.tags for image in chosen], [image.rating for image in chosen],
                                  np.stack([by_content[image.entry.content_hash] for image in chosen])))

    def _write_failures(self, failures: Sequence[FailedEntry]) -> None:
        """Keep the failures; a picture that was at such a path before cannot be shown any more."""
        import pyarrow as pa

        by_path = {failure.path: failure for failure in failures}
        for where in conditions_in("path", map(path_to_text, by_path)):
            for table in (*self._vectors.values(), self._pictures):
                table.update(f"{where} AND NOT missing", {"missing": True})
        self._failures.put(pa.Table.from_pylist([
            {"path": path_to_text(failure.path), "size": failure.stamp.size, "mtime_ns": failure.stamp.mtime_ns,
             "kind": failure.kind, "reason": storable(failure.reason), "max_megapixels": failure.max_megapixels}
            for failure in by_path.values()],
            layout.failure_schema()), "path")


def vector_rows(ids: Sequence[int], contents: Sequence[bytes], paths: Sequence[str], missing: Sequence[bool],
                taken: Sequence[Any], tags: Sequence[Sequence[str]], ratings: Sequence[int], vectors: np.ndarray
                ) -> "pa.Table":
    """Rows of a table of vectors (n, dim)."""
    import pyarrow as pa

    schema = layout.vector_schema(vectors.shape[1])
    flat = pa.array(np.ascontiguousarray(vectors, np.float32).reshape(-1))
    columns = {"id": ids, "content": contents, "path": [path_to_text(path) for path in paths],
               "name": [comparison_key(Path(path).name) for path in paths], "missing": missing, "taken": taken,
               "tag_keys": [[tag_key(tag) for tag in own_tags] for own_tags in tags], RATING: ratings}
    arrays = [pa.array(columns[field.name], field.type) if field.name != "vector"
              else pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def retag(vectors: Sequence[LanceTable], pictures: LanceTable, ids: Sequence[int],
          tags: Sequence[Sequence[str]]) -> None:
    """Set the tags of images, with the write lease held."""
    import pyarrow as pa

    schema = layout.picture_schema()
    keys = [[tag_key(tag) for tag in own_tags] for own_tags in tags]
    rows = pa.Table.from_pydict({"id": ids, "tag_keys": keys},
                                pa.schema([schema.field("id"), schema.field("tag_keys")]))
    for table in vectors:
        table.change(rows)
    pictures.change(rows.append_column(schema.field("tags"), pa.array([list(own_tags) for own_tags in tags],
                                                                      schema.field("tags").type)))


def _picture_rows(written: Sequence[_Written]) -> "pa.Table":
    import pyarrow as pa

    return pa.Table.from_pylist([
        {"id": image.id, "path": path_to_text(image.entry.path), "name": _name(image.entry),
         "content": image.entry.content_hash,
         "size": image.entry.stamp.size, "mtime_ns": image.entry.stamp.mtime_ns, "missing": False,
         "width": image.facts.width, "height": image.facts.height, "taken": image.facts.taken, "tags": image.tags,
         "tag_keys": [tag_key(tag) for tag in image.tags], RATING: image.rating} for image in written],
        layout.picture_schema())


def _name(entry: IndexedFile) -> str:
    return comparison_key(Path(entry.path).name)
