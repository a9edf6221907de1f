"""Batches of indexing: moves, copies, edits, and what happens to a gallery meanwhile."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.errors import StoreError
from core.fingerprint import Fingerprint
from core.galleries.gallery import Gallery
from core.store.records import FailedEntry, FileStamp, IndexedFile, KnownFailure, RecordResult
from tests.core.galleries.conftest import TestStore

Make = Callable[..., IndexedFile]


def names(store: TestStore, gallery: Gallery) -> dict[str, int]:
    return {one.path.name: one.id for one in gallery.images()}


@pytest.mark.slow
def test_a_missing_picture_found_elsewhere_keeps_id_and_tags(store: TestStore, gallery: Gallery,
                                                             fingerprint: Fingerprint, entry: Make) -> None:
    gallery.record(fingerprint, [entry("old/a.jpg", 1), entry("old/b.jpg", 1)])
    ids = names(store, gallery)
    gallery.add_tag([ids["b.jpg"]], "beach")
    gallery.mark(list(ids.values()), missing=True)
    recorded = gallery.record(fingerprint, [entry("new/b.jpg", 1, embedded=False)])
    assert recorded == RecordResult(1, (ids["b.jpg"],), ())
    [image] = gallery.images()
    assert (image.path, image.tags) == (Path("/pictures/new/b.jpg"), ("beach",))
    recorded = gallery.record(fingerprint, [entry("new/x.jpg", 1), entry("new/y.jpg", 1)])
    assert recorded == RecordResult(2, (ids["a.jpg"],), ())


@pytest.mark.slow
def test_a_picture_that_is_back_at_its_place_is_not_moved_to_another(store: TestStore, gallery: Gallery,
                                                                     fingerprint: Fingerprint, entry: Make) -> None:
    gallery.record(fingerprint, [entry("a.jpg", 1)])
    [before] = names(store, gallery).values()
    gallery.mark([before], missing=True)
    assert gallery.record(fingerprint, [entry("0.jpg", 1), entry("a.jpg", 1, mtime_ns=2)]).moved == ()
    assert names(store, gallery)["a.jpg"] == before


@pytest.mark.slow
def test_an_edited_picture_keeps_id_and_tags_and_its_old_content_is_forgotten(
        store: TestStore, gallery: Gallery, fingerprint: Fingerprint, entry: Make) -> None:
    gallery.record(fingerprint, [entry("a.jpg", 1)])
    before = names(store, gallery)
    gallery.add_tag(before.values(), "beach")
    gallery.record(fingerprint, [entry("a.jpg", 2, mtime_ns=5)])
    [image] = gallery.images()
    assert (image.id, image.tags, image.content_hash) == (before["a.jpg"], ("beach",), (2).to_bytes(32, "big").hex())
    [(_, vectors)] = gallery.vectors(fingerprint.hash)
    assert vectors.tolist() == [[0, 0, 1, 0]]
    assert gallery.embedded_contents([(1).to_bytes(32, "big")], fingerprint.hash) == set()


@pytest.mark.slow
def test_a_touched_picture_is_the_same(store: TestStore, gallery: Gallery, fingerprint: Fingerprint,
                                        entry: Make) -> None:
    gallery.record(fingerprint, [entry("a.jpg", 1)])
    assert gallery.record(fingerprint, [entry("a.jpg", 1, False, mtime_ns=7)]) == RecordResult(
        1, (), ("/pictures/a.jpg",))
    [known] = gallery.known_images(fingerprint.hash, Path("/pictures")).values()
    assert (known.stamp, known.embedded) == (FileStamp(10, 7), True)


def test_copies_share_an_embedding_across_galleries(store: TestStore, gallery: Gallery, fingerprint: Fingerprint,
                                                    entry: Make) -> None:
    gallery.record(fingerprint, [entry("a.jpg", 1)])
    other = store.open_gallery("Other", create=True)
    other.add_folder(Path("/pictures"))
    bare = IndexedFile("/pictures/b.jpg", FileStamp(1, 1), (1).to_bytes(32, "big"))
    assert other.record(fingerprint, [bare]).stored == 1
    assert other.state(fingerprint.hash).indexed == 1
    assert other.images()[0].width == 40


@pytest.mark.slow
def test_an_embedding_is_stored_once_and_the_first_stays(store: TestStore, gallery: Gallery,
                                                         fingerprint: Fingerprint, entry: Make) -> None:
    gallery.record(fingerprint, [entry("a.jpg", 1)])
    late = entry("a.jpg", 1)
    assert late.vector is not None
    gallery.record(fingerprint,
                 [IndexedFile(late.path, late.stamp, late.content_hash, late.facts, -late.vector)])
    [(_, vectors)] = gallery.vectors(fingerprint.hash)
    np.testing.assert_array_equal(vectors[0], late.vector)


@pytest.mark.slow
def test_content_that_was_forgotten_meanwhile_waits_for_the_next_run(store: TestStore, gallery: Gallery,
                                                                     fingerprint: Fingerprint) -> None:
    bare = IndexedFile("/pictures/b.jpg", FileStamp(1, 1), bytes(32))
    assert gallery.record(fingerprint, [bare]) == RecordResult(0, (), ())
    assert gallery.images() == []


@pytest.mark.slow
def test_what_was_taken_out_of_a_gallery_meanwhile_does_not_come_back(store: TestStore, gallery: Gallery,
                                                                      fingerprint: Fingerprint, entry: Make) -> None:
    failure = FailedEntry("/pictures/b.jpg", FileStamp(1, 1), "empty", "It is empty.", 200)
    gallery.remove_folder(Path("/pictures"))
    assert gallery.record(fingerprint, [entry("a.jpg", 1)], [failure]) == RecordResult(0, (), ())
    assert gallery.images() == gallery.failures() == []
    gallery.delete()
    with pytest.raises(StoreError) as raised:
        gallery.record(fingerprint, [entry("a.jpg", 1)])
    assert raised.value.kind == "no_gallery"


@pytest.mark.slow
def test_a_picture_that_broke_counts_as_failed_and_not_as_missing(store: TestStore, gallery: Gallery,
                                                                  fingerprint: Fingerprint, entry: Make) -> None:
    gallery.record(fingerprint, [entry("a.jpg", 1)])
    before = names(store, gallery)
    broken = FailedEntry("/pictures/a.jpg", FileStamp(3, 4), "truncated", "It is cut off.", 150)
    gallery.record(fingerprint, [], [broken])
    state = gallery.state(fingerprint.hash)
    assert (state.images, state.failed, state.missing) == (0, 1, 0)
    assert gallery.known_failures(Path("/pictures")) == {
        "/pictures/a.jpg": KnownFailure(FileStamp(3, 4), "truncated", 150)}
    gallery.record(fingerprint, [entry("a.jpg", 2)])
    assert names(store, gallery) == before
    assert gallery.failures() == []


@pytest.mark.slow
def test_what_is_known_is_asked_below_a_folder(store: TestStore, gallery: Gallery, fingerprint: Fingerprint,
                                               entry: Make) -> None:
    gallery.record(fingerprint, [entry("a/1.jpg", 1), entry("ab/2.jpg", 2), entry("a/3.jpg", 3, False)])
    known = gallery.known_images(fingerprint.hash, Path("/pictures/a"))
    assert {path: one.embedded for path, one in known.items()} == {
        "/pictures/a/1.jpg": True, "/pictures/a/3.jpg": False}
