"""Galleries in the test's own folder, with images that need no files.

What is tested of a gallery is tested of both kinds: in SQLite and in tables at an address.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.fingerprint import Fingerprint
from core.galleries.backends import open_gallery
from core.galleries.gallery import Gallery
from core.store.records import IndexedFile
from core.store.store import Store
from tests.core.galleries.entries import FINGERPRINT, make_entry

BOTH = ("test_images", "test_record", "test_removal", "test_listing")  # modules whose tests are of both kinds
SQLITE_ONLY = (  # SQLite's own parameters, batches and sharing between galleries
    "test_vectors_come_in_batches_by_id", "test_vectors_show_one_state_while_others_write",
    "test_copies_share_an_embedding_across_galleries",
    "test_the_revision_changes_with_everything_that_changes_vectors",
)


class TestStore(Store):
    """A store that opens galleries by name, in SQLite or each at an address of its own."""

    __test__ = False
    addresses: Path | None = None  # the folder of the galleries at addresses

    def open_gallery(self, name: str, create: bool = False) -> Gallery:
        return open_gallery(self, name if self.addresses is None else str(self.addresses / f"{name}.lance"), create)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    both = metafunc.module.__name__.rpartition(".")[2] in BOTH and metafunc.function.__name__ not in SQLITE_ONLY
    if "store" in metafunc.fixturenames:
        metafunc.parametrize("store", ("sqlite", "lance") if both else ("sqlite",), indirect=True)


@pytest.fixture
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    store = TestStore(Store.open(tmp_path / "home" / "store.sqlite").database)
    if request.param == "lance":
        store.addresses = tmp_path
    yield store
    store.close()


@pytest.fixture
def gallery(store: TestStore) -> Gallery:
    """The gallery "Holidays" with the folder /pictures."""
    gallery = store.open_gallery("Holidays", create=True)
    gallery.add_folder(Path("/pictures"))
    return store.open_gallery("Holidays")


@pytest.fixture
def fingerprint() -> Fingerprint:
    return FINGERPRINT


@pytest.fixture
def entry() -> Callable[..., IndexedFile]:
    return make_entry
