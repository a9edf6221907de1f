"""`Gallery`: what indexing, search and the window ask of a gallery, wherever it is stored."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from core.fingerprint import Fingerprint
from core.galleries.listing import ImageListing
from core.galleries.vector_store import VectorTable
from core.progress import Report, silent
from core.store.records import (
    FailedEntry,
    FailureRecord,
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

T = TypeVar("T")


class Gallery(Protocol):
    """A gallery, wherever it is stored. `info` is its record as of opening: `state` has the present one.
    `rows_a_write`: images that one `record` should have at least, where there are as many.

    Any thread may call any method, and several processes may write into one gallery: each call is seen whole or not at
    all, or repairs itself when the next run comes. Any call may raise StoreError.
    """

    info: GalleryRecord
    rows_a_write: int

    @property
    def id(self) -> int:
        """The id: above 0 in the store, below 0 at an address."""
        return self.info.id

    @property
    def name(self) -> str:
        """The name, or the address."""
        return self.info.name

    @property
    def folders(self) -> tuple[Path, ...]:
        """The roots that indexing walks, as of opening."""
        return self.info.folders

    def images(self, ids: Sequence[int] | None = None) -> list[ImageRecord]:
        """The present pictures by id, or those of these ids in the order given."""

    def listing(self, chosen: Filter = Filter()) -> ImageListing:
        """The present images of the filter as columns, by id: for showing all of a large gallery."""

    def failures(self) -> list[FailureRecord]:
        """The files and folders that could not be read, by path."""

    def filter_ids(self, chosen: Filter = Filter()) -> np.ndarray:
        """The ids, ascending int64 (n,), of the present images of the filter."""

    def tags(self) -> list[tuple[str, int]]:
        """Tags with the number of images that have them, by tag."""

    def add_tag(self, image_ids: Iterable[int], tag: str) -> None:
        """Tag these images."""

    def remove_tag(self, image_ids: Iterable[int], tag: str) -> None:
        """Remove the tag from these images."""

    def rate(self, image_ids: Iterable[int], stars: int) -> None:
        """Rate these images with 1 to 5 stars; 0 removes the rating. StoreError: `bad_rating`."""

    def vectors(self, fingerprint_hash: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Batches of ids int64 (n,) and unit vectors float32 (n, dim) of the present pictures, as of one moment."""

    def vector_table(self, fingerprint_hash: str) -> VectorTable | None:
        """Vectors to search in their store; None: read them into an index."""

    def revision(self, fingerprint_hash: str) -> str:
        """Identifier of the present vectors: changes whenever `vectors` would give others, and never at a restart."""

    def state(self, fingerprint_hash: str = "") -> GalleryState:
        """Counts of the gallery, and how many images are indexed under that fingerprint."""

    def add_folder(self, folder: Path) -> None:
        """Add a root folder to be indexed."""

    def remove_folder(self, folder: Path) -> None:
        """Remove a root folder with its images and their tags."""

    def known_images(self, fingerprint_hash: str, folder: Path) -> dict[str, KnownImage]:
        """The pictures below the folder by path, missing ones too."""

    def known_failures(self, folder: Path) -> dict[str, KnownFailure]:
        """The failures of earlier runs by path, and removed images: the folder itself and all below it."""

    def embedded_contents(self, hashes: Collection[bytes], fingerprint_hash: str) -> set[bytes]:
        """Those of these contents (SHA-256; some hundred) that have a vector of that fingerprint."""

    def mark(self, image_ids: Collection[int], missing: bool) -> None:
        """Mark these images as missing from disk, or as present again."""

    def drop_failures(self, paths: Collection[str]) -> None:
        """Delete failures of files that are gone."""

    def record(self, fingerprint: Fingerprint, entries: Sequence[IndexedFile],
               failures: Sequence[FailedEntry] = ()) -> RecordResult:
        """Store a batch of files that were read or could not be."""

    def delete(self) -> None:
        """Delete the gallery with its tags and vectors. Image files stay."""

    def optimize(self, report: Report = silent) -> None:
        """Maintain the tables so that reading stays fast; call it at the end of a run."""

    def fingerprints(self) -> list[Fingerprint]:
        """Fingerprints with vectors, of missing images too."""

    def stored_images(self, vectors: bool = True) -> Iterator[list[StoredImage]]:
        """Batches of all images, missing ones too; with their vectors of every fingerprint if `vectors`."""

    def forget_fingerprint(self, fingerprint_hash: str) -> int:
        """Delete the vectors of a fingerprint; returns how many."""


def pop_moved(missing: dict[str, T], path: str) -> T:
    """Take out the missing image that has moved to the path: the one of the same file name if there are several."""
    name = Path(path).name
    return missing.pop(next((old for old in missing if Path(old).name == name), next(iter(missing))))
