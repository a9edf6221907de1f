"""A new vector store is one file and one row: indexing, search, filters, tags and copies work over it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import StoreError
from core.fingerprint import Fingerprint
from core.galleries import backends
from core.galleries.backends import BACKENDS, GalleryBackend, catalog_gallery, open_gallery
from core.galleries.copy import copy_gallery
from core.galleries.gallery import Gallery
from core.indexing.local import index_folder, index_gallery
from core.search import table_index
from core.search.index_cache import IndexCache
from core.search.queries import EncodedTerm
from core.store.records import Filter
from core.store.store import Store
from tests.core.galleries import memory_vectors
from tests.core.galleries.entries import FINGERPRINT, make_entry
from tests.core.galleries.memory_vectors import MemoryVectors

ROW = GalleryBackend("Memory", lambda name: name.startswith("memory://"), catalog_gallery(memory_vectors.open_vectors))
ADDRESS = "memory://holidays"


class Colours:
    """Embeds an image as its mean colour."""

    dim, image_size = 3, 8

    def encode_images(self, pixels: np.ndarray) -> np.ndarray:
        return pixels.reshape(len(pixels), -1, 3).mean(1).astype(np.float32) + 1

    def fingerprint(self, crop: str) -> Fingerprint:
        return FINGERPRINT


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, MemoryVectors]]:
    monkeypatch.setattr(backends, "BACKENDS", (ROW, *BACKENDS))
    yield memory_vectors.OPENED
    memory_vectors.OPENED.clear()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "home" / "store.sqlite")
    yield store
    store.close()


@pytest.fixture
def gallery(store: Store) -> Gallery:
    return open_gallery(store, ADDRESS, create=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A red, a green and a blue image, and a copy of the red one."""
    top = tmp_path / "pictures"
    top.mkdir()
    for name, colour in (("a red", "red"), ("b green", "lime"), ("c blue", "blue"), ("d red", "red")):
        Image.new("RGB", (8, 8), colour).save(top / f"{name}.png")
    return top


def names(gallery: Gallery, ids: object = None) -> list[str]:
    return [image.path.stem for image in gallery.images(ids)]  # type: ignore[arg-type]


def search(gallery: Gallery, folder: Path, colour: tuple[float, ...], chosen: Filter = Filter(),
           all_copies: bool = True) -> list[str]:
    vector = np.array(colour, np.float32) / np.linalg.norm(colour)
    index = IndexCache(folder / "cache").open(gallery, FINGERPRINT, 3)
    descriptions = np.eye(3, dtype=np.float32)
    found = index.find([EncodedTerm("text", "x", vector, 1.0)], 3, chosen, descriptions, False, all_copies)
    return [hit.image.path.stem for hit in found.hits]


@pytest.mark.parametrize("in_place", [False, True], ids=["brought here", "searched in the store"])
def test_index_search_filter_and_tag(gallery: Gallery, folder: Path, tmp_path: Path, in_place: bool,
                                     memory: dict[str, MemoryVectors], monkeypatch: pytest.MonkeyPatch) -> None:
    if in_place:
        monkeypatch.setattr(table_index, "EXACT_UP_TO", 0)
    result = index_folder(gallery, folder, Colours(), "centre")
    assert (result.images, result.indexed, result.embedded) == (4, 4, 3)
    assert len(memory[ADDRESS].stored[FINGERPRINT]) == 3
    assert gallery.state(FINGERPRINT.hash).indexed == 4
    assert index_gallery(gallery, Colours(), "centre").unchanged == 4
    assert search(gallery, tmp_path, (9, 1, 1)) == ["a red", "d red", "b green"]
    assert search(gallery, tmp_path, (9, 2, 1), all_copies=False) == ["a red", "b green", "c blue"]
    gallery.add_tag([image.id for image in gallery.images() if "red" not in image.path.stem], "cool")
    assert search(gallery, tmp_path, (9, 2, 1), Filter(tag="cool")) == ["b green", "c blue"]
    assert search(gallery, tmp_path, (9, 2, 1), Filter(name="d red")) == ["d red"]
    assert gallery.tags() == [("cool", 2)]
    assert bool(memory[ADDRESS].searches) == in_place


def test_a_change_on_disk_is_a_change_of_the_vectors(gallery: Gallery, folder: Path, tmp_path: Path,
                                                     memory: dict[str, MemoryVectors]) -> None:
    index_folder(gallery, folder, Colours(), "centre")
    (folder / "c blue.png").rename(folder / "moved.png")
    Image.new("RGB", (8, 8), "white").save(folder / "b green.png")
    (folder / "d red.png").unlink()
    result = index_gallery(gallery, Colours(), "centre")
    assert (result.images, result.indexed, result.moved, result.missing) == (3, 1, 1, 1)
    assert search(gallery, tmp_path, (1, 1, 9)) == ["moved", "b green", "a red"]
    assert len(memory[ADDRESS].stored[FINGERPRINT]) == 3, "green is no image's any more"
    gallery.remove_folder(folder)
    assert gallery.images() == [] and not memory[ADDRESS].fingerprints()


def test_galleries_are_copied_there_and_back(store: Store, gallery: Gallery) -> None:
    source = open_gallery(store, "Here", create=True)
    source.add_folder(Path("/pictures"))
    source.record(FINGERPRINT, [make_entry(f"{number}.jpg", number) for number in range(6)])
    ids = [image.id for image in source.images()]
    source.add_tag(ids[:2], "beach")
    source.mark(ids[:1], missing=True)
    assert copy_gallery(source, gallery).vectors == 6
    back = open_gallery(store, "Back", create=True)
    assert copy_gallery(gallery, back).vectors == 6
    for copy in (gallery, back):
        assert (names(copy), copy.tags()) == (names(source), source.tags())
        state = copy.state(FINGERPRINT.hash)
        assert (state.images, state.indexed, state.missing) == (5, 5, 1)
        [(_, vectors)] = copy.vectors(FINGERPRINT.hash)
        np.testing.assert_array_equal(vectors, next(iter(source.vectors(FINGERPRINT.hash)))[1])


def test_a_gallery_at_an_address_is_opened_by_it_alone(store: Store, gallery: Gallery,
                                                       memory: dict[str, MemoryVectors]) -> None:
    gallery.add_folder(Path("/pictures"))
    gallery.record(FINGERPRINT, [make_entry("a.jpg", 1)])
    assert store.galleries() == []
    again = open_gallery(store, ADDRESS)
    assert again.id == gallery.id and names(again) == ["a"]
    assert again.forget_fingerprint(FINGERPRINT.hash) == 1 and again.fingerprints() == []
    again.delete()
    with pytest.raises(StoreError) as raised:
        open_gallery(store, ADDRESS)
    assert raised.value.kind == "no_gallery"
