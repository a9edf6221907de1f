"""A store in the test's own folder, and a gallery with pictures that need no files."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from core.fingerprint import Fingerprint
from core.store.records import Entry, FileStamp, GalleryRecord, PictureFacts
from core.store.store import Store

FINGERPRINT = Fingerprint.of({"backbone": "fake", "crop": "centre"})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
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
def entry() -> Callable[..., Entry]:
    """Makes an entry: a path below /pictures, a content named by a number, and by default a vector of its own."""

    def make(name: str, content: int, embedded: bool = True, mtime_ns: int = 1) -> Entry:
        vector = np.zeros(4, np.float32)
        vector[content % 4] = 1
        return Entry(f"/pictures/{name}", FileStamp(10, mtime_ns), content.to_bytes(32, "big"),
                     PictureFacts(40, 30, None), vector if embedded else None)

    return make
