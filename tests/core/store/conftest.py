"""A store in the test's own folder, and a gallery with images that need no files."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.fingerprint import Fingerprint
from core.galleries.backends import open_gallery
from core.galleries.gallery import Gallery
from core.store.records import IndexedFile
from core.store.store import Store
from tests.core.galleries.entries import FINGERPRINT, make_entry


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "home" / "store.sqlite")
    yield store
    store.close()


@pytest.fixture
def gallery(store: Store) -> Gallery:
    """The gallery "Holidays" with the folder /pictures."""
    gallery = open_gallery(store, "Holidays", create=True)
    gallery.add_folder(Path("/pictures"))
    return open_gallery(store, "Holidays")


@pytest.fixture
def fingerprint() -> Fingerprint:
    return FINGERPRINT


@pytest.fixture
def entry() -> Callable[..., IndexedFile]:
    return make_entry
