"""The store: one SQLite file with galleries, embeddings, tags, transcripts, queries, takes and evaluations."""

from pathlib import Path
from typing import Any

from core.store.annotations import Annotations
from core.store.database import Database, open_database
from core.store.evaluations import Evaluations
from core.store.galleries import Galleries
from core.store.saved_searches import SavedSearches


class Store(Galleries, SavedSearches, Annotations, Evaluations):
    """Facade of the SQLite store.

    Any thread may call any method, and several processes may have the file open: each call is one transaction. Any call
    may raise StoreError: `busy` (another process wrote for half a minute), `disk_full`, `read_only`, `unreadable`,
    `not_a_store` (damaged). What was stored before stays whole in each of these.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.opened: dict[str, Any] = {}  # galleries at addresses that were opened: `core.galleries.gallery`

    @staticmethod
    def open(path: Path) -> "Store":
        """The store in that file; the file and its folder are made, an older one is brought up to date.

        StoreError: `not_a_store` (damaged, or another program's: left untouched), `newer` (of a later release),
        `disk_full`, `read_only`, `busy`.
        """
        return Store(open_database(path.absolute()))

    def close(self) -> None:
        """Give the file back."""
        self.opened.clear()
        self.database.close()
