"""Records, filters, tags and vectors of a gallery's pictures."""

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from core.errors import StoreError
from core.fingerprint import Fingerprint
from core.galleries.gallery import Gallery
from core.galleries.lance.gallery import LanceGallery
from core.galleries.sqlite import images as pictures
from core.store.records import DecodedImageFacts, FailedEntry, FailureRecord, FileStamp, Filter, IndexedFile
from tests.core.galleries.conftest import TestStore

NAMES = ("beach/Sunset.JPG", "beach/2024/Café.png", "beachball/sunset 2.jpg", "100%_done.jpg")


@pytest.fixture
def ids(store: TestStore, gallery: Gallery, fingerprint: Fingerprint, entry: Callable[..., IndexedFile]) -> list[int]:
    gallery.record(fingerprint, [entry(name, number) for number, name in enumerate(NAMES)])
    return [one.id for one in gallery.images()]


def test_a_picture_comes_back_as_it_was_recorded(store: TestStore, gallery: Gallery,
                                                 fingerprint: Fingerprint) -> None:
    taken = datetime(2024, 5, 1, 12, 30)
    gallery.record(fingerprint, [IndexedFile(
        "/pictures/a.jpg", FileStamp(1234, 1_700_000_000_500_000_000), bytes(range(32)),
        DecodedImageFacts(40, 30, taken),
        np.array([0.6, 0.8], np.float32))])
    [image] = gallery.images()
    assert (image.path, image.width, image.height, image.size) == (Path("/pictures/a.jpg"), 40, 30, 1234)
    assert (image.mtime, image.taken, image.tags) == (1_700_000_000.5, taken, ())
    assert image.content_hash == bytes(range(32)).hex()


def test_records_come_in_the_order_asked_for_and_unknown_ids_are_left_out(store: TestStore, gallery: Gallery,
                                                                          ids: list[int]) -> None:
    asked = [ids[2], 999_999, ids[0]]
    assert [one.id for one in gallery.images(asked)] == [ids[2], ids[0]]
    assert [one.id for one in gallery.images(np.array(asked))] == [ids[2], ids[0]]
    assert gallery.images([]) == []
    assert store.open_gallery("Other", create=True).images(ids) == []


@pytest.mark.slow
def test_more_ids_than_sqlite_takes_parameters(store: TestStore, gallery: Gallery, ids: list[int]) -> None:
    assert [one.id for one in gallery.images(range(100_000))] == ids


@pytest.mark.parametrize(("asked", "expected"), [
    ({}, NAMES),
    ({"name": "SUNSET"}, (NAMES[0], NAMES[2])),
    ({"name": "CAFE\u0301"}, (NAMES[1],)),
    ({"name": "beach"}, ()),
    ({"name": "%_"}, (NAMES[3],)),
    ({"folder": Path("/pictures/beach")}, NAMES[:2]),
    ({"folder": Path("/pictures/beach/x/..")}, NAMES[:2]),
    ({"folder": Path("/pictures")}, NAMES),
    ({"folder": Path("/elsewhere")}, ()),
    ({"folder": Path("/pictures/beach"), "name": "sunset"}, NAMES[:1]),
])
def test_filters(store: TestStore, gallery: Gallery, ids: list[int], asked: dict[str, object],
                 expected: tuple[str, ...]) -> None:
    found = gallery.filter_ids(Filter(**asked))  # type: ignore[arg-type]
    assert found.dtype == np.int64
    assert found.tolist() == [ids[NAMES.index(name)] for name in expected]


def test_tags(store: TestStore, gallery: Gallery, ids: list[int]) -> None:
    gallery.add_tag(ids[:3], " Summer  2024 ")
    gallery.add_tag([*ids[2:], 999_999], "beach")
    gallery.add_tag(ids[:1], "SUMMER 2024")
    assert gallery.tags() == [("beach", 2), ("Summer 2024", 3)]
    assert gallery.images([ids[2]])[0].tags == ("beach", "Summer 2024")
    assert gallery.filter_ids(Filter(tag="summer 2024")).tolist() == ids[:3]
    gallery.remove_tag(ids, "summer 2024")
    assert gallery.tags() == [("beach", 2)]
    for bad in ("  ", "x" * 101):
        with pytest.raises(StoreError) as raised:
            gallery.add_tag(ids, bad)
        assert raised.value.kind == "bad_tag"


def test_missing_pictures_appear_nowhere_and_keep_their_tags(store: TestStore, gallery: Gallery, ids: list[int],
                                                             fingerprint: Fingerprint) -> None:
    gallery.add_tag(ids, "beach")
    gallery.mark(ids[:1], missing=True)
    assert [one.id for one in gallery.images()] == ids[1:] == gallery.filter_ids().tolist()
    assert gallery.images(ids[:1]) == []
    assert gallery.tags() == [("beach", 3)]
    state = gallery.state(fingerprint.hash)
    assert (state.images, state.indexed, state.missing) == (3, 3, 1)
    assert np.concatenate([one for one, _ in gallery.vectors(fingerprint.hash)]).tolist() == ids[1:]
    gallery.mark(ids[:1], missing=False)
    assert gallery.images()[0].tags == ("beach",)


def test_vectors_come_in_batches_by_id(store: TestStore, gallery: Gallery, fingerprint: Fingerprint,
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "VECTORS_A_BATCH", 2)
    random = np.random.default_rng(0).standard_normal((5, 8)).astype(np.float32)
    random /= np.linalg.norm(random, axis=1, keepdims=True)
    gallery.record(fingerprint, [
        IndexedFile(f"/pictures/{n}.jpg", FileStamp(1, 1), bytes([n] * 32), DecodedImageFacts(1, 1, None), vector)
        for n, vector in enumerate(random)])
    batches = list(gallery.vectors(fingerprint.hash))
    assert [len(ids) for ids, _ in batches] == [2, 2, 1]
    ids, vectors = (np.concatenate(part) for part in zip(*batches, strict=True))
    assert ids.dtype == np.int64
    assert vectors.dtype == np.float32
    assert (np.diff(ids) > 0).all()
    np.testing.assert_array_equal(vectors, random)
    assert list(gallery.vectors("unknown")) == []


def test_vectors_show_one_state_while_others_write(store: TestStore, gallery: Gallery, ids: list[int],
                                                   fingerprint: Fingerprint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "VECTORS_A_BATCH", 1)
    batches = gallery.vectors(fingerprint.hash)
    first = next(batches)[0].tolist()
    other = threading.Thread(target=gallery.mark, args=(ids, True))
    other.start()
    other.join()
    assert first + [one for part, _ in batches for one in part.tolist()] == ids
    assert list(gallery.vectors(fingerprint.hash)) == []


def test_the_revision_changes_with_everything_that_changes_vectors(
        store: TestStore, gallery: Gallery, ids: list[int], fingerprint: Fingerprint,
        entry: Callable[..., IndexedFile]) -> None:
    other = store.open_gallery("Other", create=True)
    other.add_folder(Path("/pictures"))
    changes: list[Callable[[], object]] = [
        lambda: gallery.record(fingerprint, [entry("new.jpg", 9)]),
        lambda: gallery.record(fingerprint, [entry(NAMES[0], 10)]),  # another content at the same path
        lambda: gallery.record(fingerprint, [entry("later.jpg", 11, embedded=False)]),
        lambda: other.record(fingerprint, [entry("copy.jpg", 11)]),  # embeds a content that this one holds
        lambda: gallery.mark(ids[:1], missing=True),
        lambda: gallery.mark(ids[:1], missing=False),
        lambda: gallery.record(fingerprint, [], [
            FailedEntry(f"/pictures/{NAMES[1]}", FileStamp(1, 2), "truncated", "It is cut off.", 200)]),
        lambda: gallery.forget_fingerprint(fingerprint.hash),
        lambda: gallery.remove_folder(Path("/pictures")),
    ]
    seen = [gallery.revision(fingerprint.hash)]
    for change in changes:
        change()
        seen.append(gallery.revision(fingerprint.hash))
    assert len(set(seen)) == len(changes) + 1
    gallery.add_tag(ids, "beach")
    assert gallery.revision(fingerprint.hash) == seen[-1]
    assert gallery.revision("other") != seen[-1]
    gallery.delete()
    with pytest.raises(StoreError, match="deleted"):
        gallery.revision(fingerprint.hash)


def test_failures_come_with_their_reasons(store: TestStore, gallery: Gallery, fingerprint: Fingerprint,
                                          entry: Callable[..., IndexedFile]) -> None:
    name = "caf\udce9.jpg"
    gallery.record(fingerprint, [], [
        FailedEntry(f"/pictures/{name}", FileStamp(1, 1), "truncated", f"{name} is damaged.", 200)])
    assert gallery.failures() == [
        FailureRecord(Path(f"/pictures/{name}"), "truncated", "caf?.jpg is damaged.")]
    gallery.record(fingerprint, [entry(name, 1)])
    assert gallery.failures() == []


def test_ratings(store: TestStore, gallery: Gallery, ids: list[int], fingerprint: Fingerprint,
                 entry: Callable[..., IndexedFile]) -> None:
    gallery.rate(ids[:2], 3)
    gallery.rate([*ids[1:3], 999_999], 5)
    assert [image.rating for image in gallery.images()] == [3, 5, 5, 0]
    assert gallery.filter_ids(Filter(min_rating=4)).tolist() == ids[1:3]
    assert gallery.filter_ids(Filter(min_rating=3, name="sunset")).tolist() == [ids[0], ids[2]]
    gallery.rate(ids[1:2], 0)
    gallery.rate([], 2)
    assert gallery.filter_ids(Filter(min_rating=1)).tolist() == [ids[0], ids[2]]
    for bad in (-1, 6):
        with pytest.raises(StoreError) as raised:
            gallery.rate(ids, bad)
        assert raised.value.kind == "bad_rating"
    gallery.record(fingerprint, [entry(NAMES[0], 40, mtime_ns=2)])  # another content at the same path
    gallery.mark(ids[2:3], missing=True)
    gallery.record(fingerprint, [entry("moved.jpg", 2)])  # the missing one elsewhere
    assert {image.path.name: image.rating for image in gallery.images()} == {
        "Sunset.JPG": 3, "Café.png": 0, "moved.jpg": 5, "100%_done.jpg": 0}
    stored = {image.id: image.rating for batch in gallery.stored_images(vectors=False) for image in batch}
    assert stored == dict(zip(ids, [3, 0, 5, 0], strict=True))
    table = gallery.vector_table(fingerprint.hash)
    if table is not None:  # whose rows repeat what filters use
        assert table.count(Filter(min_rating=3)) == 2
        assert table.nearest(np.eye(4, dtype=np.float32)[2], 9, Filter(min_rating=4), 0)[0].tolist() == ids[2:3]


def test_tables_of_an_earlier_release_take_ratings(store: TestStore, gallery: Gallery, ids: list[int],
                                                   fingerprint: Fingerprint, entry: Callable[..., IndexedFile]) -> None:
    if not isinstance(gallery, LanceGallery):
        pytest.skip("SQLite has migrations, tested with them")
    vectors = [table for _, table in gallery.vector_tables()]
    for table in (*vectors, gallery.tables()[0]):
        table.raw.drop_columns(["rating"])
    store.opened.clear()
    old = store.open_gallery("Holidays")
    assert isinstance(old, LanceGallery)
    assert [image.rating for image in old.images()] == [0] * 4
    assert old.filter_ids(Filter(min_rating=1)).tolist() == []
    table = old.vector_table(fingerprint.hash)
    assert table is not None and (table.count(Filter(min_rating=1)), table.count()) == (0, 4)
    old.record(fingerprint, [entry("new.jpg", 9)])
    assert not old.tables()[0].has("rating"), "nothing was rated yet"
    old.rate(ids[:1], 4)
    assert [image.rating for image in old.images()] == [4, 0, 0, 0, 0]
    assert table.count(Filter(min_rating=4)) == 1
    old.record(fingerprint, [entry("newer.jpg", 10)])
    assert [image.rating for image in old.images()] == [4, 0, 0, 0, 0, 0]
