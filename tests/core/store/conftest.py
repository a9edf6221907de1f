"""A store in the test's own folder, and a gallery with pictures that need no files.

What is tested of a place (`core.store.places.Place`) is tested of both kinds: SQLite and tables at an address.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.fingerprint import Fingerprint
from core.galleries.lance.gallery import LanceGallery
from core.store.records import DecodedImageFacts, FileStamp, GalleryRecord, IndexedFile
from core.store.store import Store

FINGERPRINT = Fingerprint.of({"backbone": "fake", "crop": "centre"})


BOTH = ("test_pictures", "test_catalogue")  # modules whose tests are of both kinds
SQLITE_ONLY = (  # SQLite's own parameters, batches and sharing between galleries
    "test_vectors_come_in_batches_by_id", "test_vectors_show_one_state_while_others_write",
    "test_copies_share_an_embedding_across_galleries",
    "test_the_revision_changes_with_everything_that_changes_vectors",
)


class Addresses:
    """Galleries at addresses, asked as a store is: each in a folder of its own, found by its id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: dict[int, LanceGallery] = {}

    def create_gallery(self, name: str) -> GalleryRecord:
        place = LanceGallery.open(str(self._folder / f"{name}.lance"), create=True)
        self._places[place.gallery().id] = place
        return place.gallery()

    def gallery(self, name: str) -> GalleryRecord:
        return LanceGallery.open(str(self._folder / f"{name}.lance")).gallery()

    def delete_gallery(self, gallery_id: int) -> None:
        self._places[gallery_id].delete_gallery(gallery_id)

    def __getattr__(self, name: str) -> Any:
        def ask(*args: Any, **options: Any) -> Any:
            known = args and isinstance(args[0], int) and args[0] in self._places
            place = self._places[args[0]] if known else next(iter(self._places.values()))
            return getattr(place, name)(*args, **options)

        return ask


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    both = metafunc.module.__name__.rpartition(".")[2] in BOTH and metafunc.function.__name__ not in SQLITE_ONLY
    if "store" in metafunc.fixturenames:
        metafunc.parametrize("store", ("sqlite", "lance") if both else ("sqlite",), indirect=True)


@pytest.fixture
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "lance":
        yield Addresses(tmp_path)
        return
    store = Store.open(tmp_path / "home" / "store.sqlite")
    yield store
    store.close()


@pytest.fixture
def gallery(store: Store) -> GalleryRecord:
    """The gallery "Holidays" with the folder /pictures."""
    gallery = store.create_gallery("Holidays")
    store.add_folder(gallery.id, Path("/pictures"))
    return store.gallery("Holidays")


@pytest.fixture
def fingerprint() -> Fingerprint:
    return FINGERPRINT


@pytest.fixture
def entry() -> Callable[..., IndexedFile]:
    """Makes an entry: a path below /pictures, a content named by a number, and by default a vector of its own."""

    def make(name: str, content: int, embedded: bool = True, mtime_ns: int = 1) -> IndexedFile:
        vector = np.zeros(4, np.float32)
        vector[content % 4] = 1
        return IndexedFile(f"/pictures/{name}", FileStamp(10, mtime_ns), content.to_bytes(32, "big"),
                     DecodedImageFacts(40, 30, None), vector if embedded else None)

    return make
