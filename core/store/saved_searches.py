"""Searches that were saved under a name."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import cast

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from core.errors import StoreError
from core.localisation import _
from core.store.addresses import name_fault
from core.store.history import History
from core.store.records import QuerySource, SavedSearch
from core.store.repository import comparison_key, storable
from core.store.schema import SavedRecordingRow, SavedSearchRow


class SavedSearches(History):
    """The store's methods for saved searches. StoreError kinds: `bad_name`, `exists` (the name is taken)."""

    def saved_searches(self) -> list[SavedSearch]:
        """All saved searches by name."""
        with self.database.reading() as connection:
            recordings: dict[int, dict[int, Path]] = {}
            for row in connection.execute(select(SavedRecordingRow.search_id, SavedRecordingRow.term,
                                                 SavedRecordingRow.recording)):
                recordings.setdefault(row.search_id, {})[row.term] = self.folder / row.recording
            rows = connection.execute(select(
                SavedSearchRow.id, SavedSearchRow.name, SavedSearchRow.created, SavedSearchRow.gallery,
                SavedSearchRow.text, SavedSearchRow.source, SavedSearchRow.terms).order_by(SavedSearchRow.key)).all()
        return [SavedSearch(row.id, row.name, row.created, row.gallery, row.text, cast(QuerySource, row.source),
                            row.terms, recordings.get(row.id, {})) for row in rows]

    def save_search(self, name: str, gallery: str, text: str, source: QuerySource, terms: str = "[]",
                    recordings: Mapping[int, Path] = MappingProxyType({})) -> SavedSearch:
        """Save a search, as of now. `terms` is JSON that is not looked into here; `recordings` are of spoken terms,
        by their index, each named by its digest.
        """
        name, created = _checked(name), datetime.now(UTC)
        with self.database.writing() as connection:
            try:
                added = connection.execute(insert(SavedSearchRow).values(
                    name=name, key=comparison_key(name), created=created, gallery=gallery, text=storable(text),
                    source=source, terms=storable(terms),
                ).returning(SavedSearchRow.id)).scalar_one()
            except IntegrityError as error:
                raise _exists(name) from error
            rows = [{"search_id": added, "term": term, "recording": self.relative(path), "digest": path.stem}
                    for term, path in recordings.items()]
            if rows:
                connection.execute(insert(SavedRecordingRow), rows)
        return SavedSearch(added, name, created, gallery, storable(text), source, storable(terms), dict(recordings))

    def rename_search(self, search_id: int, name: str) -> None:
        """Give a saved search another name."""
        name = _checked(name)
        with self.database.writing() as connection:
            try:
                connection.execute(update(SavedSearchRow).where(SavedSearchRow.id == search_id)
                                   .values(name=name, key=comparison_key(name)))
            except IntegrityError as error:
                raise _exists(name) from error

    def delete_search(self, search_id: int) -> None:
        """Delete a saved search, and its recordings with their transcripts unless something else names them."""
        with self.database.deleting() as connection:
            gone = set(connection.scalars(delete(SavedRecordingRow).where(SavedRecordingRow.search_id == search_id)
                                          .returning(SavedRecordingRow.recording)))
            connection.execute(delete(SavedSearchRow).where(SavedSearchRow.id == search_id))
            gone = self._drop_transcripts(connection, gone)
        self._erase(gone)
        self.database.empty_wal()


def _checked(name: str) -> str:
    fault = name_fault(name)
    if fault:
        raise StoreError(fault, "bad_name")
    return " ".join(storable(name).split())


def _exists(name: str) -> StoreError:
    return StoreError(_("There is a saved search named {name}. Choose another name, or delete that one.").format(
        name=name), "exists")
