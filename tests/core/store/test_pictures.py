"""Records, filters, tags and vectors of a gallery's pictures."""

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from core.errors import StoreError
from core.fingerprint import Fingerprint
from core.store import images as pictures
from core.store.records import DecodedImageFacts, FailedEntry, FailureRecord, FileStamp, GalleryRecord, IndexedFile
from core.store.store import Store

NAMES = ("beach/Sunset.JPG", "beach/2024/Café.png", "beachball/sunset 2.jpg", "100%_done.jpg")


@pytest.fixture
def ids(store: Store, gallery: GalleryRecord, fingerprint: Fingerprint, entry: Callable[..., IndexedFile]) -> list[int]:
    store.record(gallery.id, fingerprint, [entry(name, number) for number, name in enumerate(NAMES)])
    return [one.id for one in store.images(gallery.id)]


def test_a_picture_comes_back_as_it_was_recorded(store: Store, gallery: GalleryRecord,
                                                 fingerprint: Fingerprint) -> None:
    taken = datetime(2024, 5, 1, 12, 30)
    store.record(gallery.id, fingerprint, [IndexedFile(
        "/pictures/a.jpg", FileStamp(1234, 1_700_000_000_500_000_000), bytes(range(32)),
        DecodedImageFacts(40, 30, taken),
        np.array([0.6, 0.8], np.float32))])
    [image] = store.images(gallery.id)
    assert (image.path, image.width, image.height, image.size) == (Path("/pictures/a.jpg"), 40, 30, 1234)
    assert (image.mtime, image.taken, image.tags) == (1_700_000_000.5, taken, ())
    assert image.content_hash == bytes(range(32)).hex()


def test_records_come_in_the_order_asked_for_and_unknown_ids_are_left_out(store: Store, gallery: GalleryRecord,
                                                                          ids: list[int]) -> None:
    asked = [ids[2], 999_999, ids[0]]
    assert [one.id for one in store.images(gallery.id, asked)] == [ids[2], ids[0]]
    assert [one.id for one in store.images(gallery.id, np.array(asked))] == [ids[2], ids[0]]
    assert store.images(gallery.id, []) == []
    assert store.images(store.create_gallery("Other").id, ids) == []


def test_more_ids_than_sqlite_takes_parameters(store: Store, gallery: GalleryRecord, ids: list[int]) -> None:
    assert [one.id for one in store.images(gallery.id, range(100_000))] == ids


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
def test_filters(store: Store, gallery: GalleryRecord, ids: list[int], asked: dict[str, object],
                 expected: tuple[str, ...]) -> None:
    found = store.filter_ids(gallery.id, **asked)  # type: ignore[arg-type]
    assert found.dtype == np.int64
    assert found.tolist() == [ids[NAMES.index(name)] for name in expected]


def test_tags(store: Store, gallery: GalleryRecord, ids: list[int]) -> None:
    store.add_tag(ids[:3], " Summer  2024 ")
    store.add_tag([*ids[2:], 999_999], "beach")
    store.add_tag(ids[:1], "SUMMER 2024")
    assert store.tags(gallery.id) == [("beach", 2), ("Summer 2024", 3)]
    assert store.images(gallery.id, [ids[2]])[0].tags == ("beach", "Summer 2024")
    assert store.filter_ids(gallery.id, tag="summer 2024").tolist() == ids[:3]
    store.remove_tag(ids, "summer 2024")
    assert store.tags(gallery.id) == [("beach", 2)]
    for bad in ("  ", "x" * 101):
        with pytest.raises(StoreError) as raised:
            store.add_tag(ids, bad)
        assert raised.value.kind == "bad_tag"


def test_missing_pictures_appear_nowhere_and_keep_their_tags(store: Store, gallery: GalleryRecord, ids: list[int],
                                                             fingerprint: Fingerprint) -> None:
    store.add_tag(ids, "beach")
    store.mark(gallery.id, ids[:1], missing=True)
    assert [one.id for one in store.images(gallery.id)] == ids[1:] == store.filter_ids(gallery.id).tolist()
    assert store.images(gallery.id, ids[:1]) == []
    assert store.tags(gallery.id) == [("beach", 3)]
    state = store.state(gallery.id, fingerprint.hash)
    assert (state.images, state.indexed, state.missing) == (3, 3, 1)
    assert np.concatenate([one for one, _ in store.vectors(gallery.id, fingerprint.hash)]).tolist() == ids[1:]
    store.mark(gallery.id, ids[:1], missing=False)
    assert store.images(gallery.id)[0].tags == ("beach",)


def test_vectors_come_in_batches_by_id(store: Store, gallery: GalleryRecord, fingerprint: Fingerprint,
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "VECTORS_A_BATCH", 2)
    random = np.random.default_rng(0).standard_normal((5, 8)).astype(np.float32)
    random /= np.linalg.norm(random, axis=1, keepdims=True)
    store.record(gallery.id, fingerprint, [
        IndexedFile(f"/pictures/{n}.jpg", FileStamp(1, 1), bytes([n] * 32), DecodedImageFacts(1, 1, None), vector)
        for n, vector in enumerate(random)])
    batches = list(store.vectors(gallery.id, fingerprint.hash))
    assert [len(ids) for ids, _ in batches] == [2, 2, 1]
    ids, vectors = (np.concatenate(part) for part in zip(*batches, strict=True))
    assert ids.dtype == np.int64
    assert vectors.dtype == np.float32
    assert (np.diff(ids) > 0).all()
    np.testing.assert_array_equal(vectors, random)
    assert list(store.vectors(gallery.id, "unknown")) == []


def test_vectors_show_one_state_while_others_write(store: Store, gallery: GalleryRecord, ids: list[int],
                                                   fingerprint: Fingerprint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "VECTORS_A_BATCH", 1)
    batches = store.vectors(gallery.id, fingerprint.hash)
    first = next(batches)[0].tolist()
    other = threading.Thread(target=store.mark, args=(gallery.id, ids, True))
    other.start()
    other.join()
    assert first + [one for part, _ in batches for one in part.tolist()] == ids
    assert list(store.vectors(gallery.id, fingerprint.hash)) == []


def test_the_revision_changes_with_everything_that_changes_vectors(
        store: Store, gallery: GalleryRecord, ids: list[int], fingerprint: Fingerprint,
        entry: Callable[..., IndexedFile]) -> None:
    other = store.create_gallery("Other")
    store.add_folder(other.id, Path("/pictures"))
    changes: list[Callable[[], object]] = [
        lambda: store.record(gallery.id, fingerprint, [entry("new.jpg", 9)]),
        lambda: store.record(gallery.id, fingerprint, [entry(NAMES[0], 10)]),  # another content at the same path
        lambda: store.record(gallery.id, fingerprint, [entry("later.jpg", 11, embedded=False)]),
        lambda: store.record(other.id, fingerprint, [entry("copy.jpg", 11)]),  # embeds a content that this one holds
        lambda: store.mark(gallery.id, ids[:1], missing=True),
        lambda: store.mark(gallery.id, ids[:1], missing=False),
        lambda: store.record(gallery.id, fingerprint, [], [
            FailedEntry(f"/pictures/{NAMES[1]}", FileStamp(1, 2), "truncated", "It is cut off.", 200)]),
        lambda: store.forget_fingerprint(gallery.id, fingerprint.hash),
        lambda: store.remove_folder(gallery.id, Path("/pictures")),
    ]
    seen = [store.revision(gallery.id, fingerprint.hash)]
    for change in changes:
        change()
        seen.append(store.revision(gallery.id, fingerprint.hash))
    assert len(set(seen)) == len(changes) + 1
    store.add_tag(ids, "beach")
    assert store.revision(gallery.id, fingerprint.hash) == seen[-1]
    assert store.revision(gallery.id, "other") != seen[-1]
    store.delete_gallery(gallery.id)
    with pytest.raises(StoreError, match="deleted"):
        store.revision(gallery.id, fingerprint.hash)


def test_failures_come_with_their_reasons(store: Store, gallery: GalleryRecord, fingerprint: Fingerprint,
                                          entry: Callable[..., IndexedFile]) -> None:
    name = "caf\udce9.jpg"
    store.record(gallery.id, fingerprint, [], [
        FailedEntry(f"/pictures/{name}", FileStamp(1, 1), "truncated", f"{name} is damaged.", 200)])
    assert store.failures(gallery.id) == [
        FailureRecord(Path(f"/pictures/{name}"), "truncated", "caf?.jpg is damaged.")]
    store.record(gallery.id, fingerprint, [entry(name, 1)])
    assert store.failures(gallery.id) == []
