"""Where a gallery lies: in the store of this computer under a name, or in tables at an address.

Whoever fills, searches or shows a gallery asks `open_gallery` and talks to a `Place`; which kind it is makes no
difference. An address ends in `.lance` or begins with a scheme: `folder.lance`, `s3://bucket/path`.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from core.fingerprint import Fingerprint
from core.progress import Report, silent
from core.store.addresses import is_address
from core.store.records import (
    FailedEntry,
    FailureRecord,
    GalleryRecord,
    GalleryState,
    ImageRecord,
    IndexedFile,
    KnownFailure,
    KnownImage,
    RecordResult,
    StoredImage,
)

if TYPE_CHECKING:  # whoever asks whether it is an address needs no database
    from core.store.store import Store



class Place(Protocol):
    """What a gallery is asked, wherever it lies; `core.store.store.Store` says more of each method.

    `gallery_id` is the id of the record that `open_gallery` gave with the place. Any thread may call any method, and
    several processes may write into one gallery: each call is seen whole or not at all, or repairs itself when the next
    run comes. Any call may raise StoreError.
    """

    @property
    def rows_a_write(self) -> int:
        """How many pictures one `record` should have at least, where there are as many: each costs the place a write.
        """

    def images(self, gallery_id: int, ids: Sequence[int] | None = None) -> list[ImageRecord]:
        """The present pictures by id, or those of these ids in the order given."""

    def failures(self, gallery_id: int) -> list[FailureRecord]:
        """The files and folders that could not be read, by path."""

    def filter_ids(self, gallery_id: int, tag: str = "", folder: Path | None = None, name: str = "",
                   since: datetime | None = None, until: datetime | None = None) -> np.ndarray:
        """The ids, ascending int64 (n,), of the pictures that all of this holds for."""

    def tags(self, gallery_id: int) -> list[tuple[str, int]]:
        """Each tag and how many of the pictures have it, by tag."""

    def add_tag(self, image_ids: Iterable[int], tag: str) -> None:
        """Tag these pictures."""

    def remove_tag(self, image_ids: Iterable[int], tag: str) -> None:
        """Take the tag off these pictures."""

    def vectors(self, gallery_id: int, fingerprint_hash: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Batches of ids int64 (n,) and unit vectors float32 (n, dim) of the present pictures, as of one moment."""

    def vector_table(self, gallery_id: int, fingerprint_hash: str) -> Any:
        """The vectors to be searched where they lie (`core.search.table_index.VectorTable`); None: they are brought."""

    def revision(self, gallery_id: int, fingerprint_hash: str) -> str:
        """A word that changes whenever `vectors` would give something else, and at no restart."""

    def state(self, gallery_id: int, fingerprint_hash: str = "") -> GalleryState:
        """How far the gallery is indexed under that fingerprint."""

    def add_folder(self, gallery_id: int, folder: Path) -> None:
        """Have the gallery's indexing walk that folder too."""

    def remove_folder(self, gallery_id: int, folder: Path) -> None:
        """Take the folder out and forget its pictures, tags and all."""

    def known_images(self, gallery_id: int, fingerprint_hash: str, folder: Path) -> dict[str, KnownImage]:
        """The pictures below the folder by path, missing ones too."""

    def known_failures(self, gallery_id: int, folder: Path) -> dict[str, KnownFailure]:
        """The failures of earlier runs by path: the folder itself and all below it."""

    def embedded_contents(self, hashes: Collection[bytes], fingerprint_hash: str) -> set[bytes]:
        """Those of these contents (SHA-256; some hundred) that have a vector of that fingerprint."""

    def mark(self, gallery_id: int, image_ids: Collection[int], missing: bool) -> None:
        """Say of these pictures that their files are gone, or there again."""

    def drop_failures(self, gallery_id: int, paths: Collection[str]) -> None:
        """Forget failures of files that are gone."""

    def record(self, gallery_id: int, fingerprint: Fingerprint, entries: Sequence[IndexedFile],
               failures: Sequence[FailedEntry] = ()) -> RecordResult:
        """Store a batch of files that were read or could not be."""

    def delete_gallery(self, gallery_id: int) -> None:
        """Forget the gallery with its tags and vectors. Files of pictures stay."""

    def optimize(self, gallery_id: int, report: Report = silent) -> None:
        """Put in order what many writes have left, so that reading stays quick; to be called when a run is over."""

    def fingerprints(self, gallery_id: int) -> list[Fingerprint]:
        """Those that pictures have vectors of, missing pictures too."""

    def kept(self, gallery_id: int, vectors: bool = True) -> Iterator[list[StoredImage]]:
        """Batches of all pictures, missing ones too, with their vectors of every fingerprint unless told not to."""

    def forget_fingerprint(self, gallery_id: int, fingerprint_hash: str) -> int:
        """Delete the vectors under that fingerprint; how many."""


def open_gallery(store: "Store", gallery: str, create: bool = False) -> tuple[Place, GalleryRecord]:
    """The place of a gallery and its record; `create`: made there if there is none. StoreError: `no_gallery`.

    A place at an address stays open until the store is closed.
    """
    if not is_address(gallery):
        return store, store.ensure_gallery(gallery) if create else store.gallery(gallery)
    from core.galleries.lance.connection import normal
    from core.galleries.lance.gallery import LanceGallery

    address = normal(gallery)
    found = store.elsewhere.get(address)
    if found is None:
        found = store.elsewhere[address] = LanceGallery.open(address, create)
    return found, found.gallery()
