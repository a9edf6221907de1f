"""Galleries and folders: names, hints, nesting, and what deleting one leaves to another."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import StoreError
from core.fingerprint import Fingerprint
from core.store.records import FailedEntry, FileStamp, GalleryRecord, IndexedFile
from core.store.store import Store


def kind_of(call: Callable[[], object]) -> str:
    with pytest.raises(StoreError) as raised:
        call()
    return raised.value.kind


def test_a_gallery_is_found_in_any_case_and_under_any_composition(store: Store) -> None:
    made = store.create_gallery("  Café \n 2024 ")
    assert made.name == "Café 2024"
    assert datetime.now(UTC) - made.created < timedelta(minutes=1)
    assert store.gallery("CAFE\u0301 2024") == made == store.ensure_gallery("café 2024")
    assert store.galleries() == [made]


@pytest.mark.parametrize("name", ["", "   ", "a\0b", "x" * 101, "\udcff"])
def test_names_that_nobody_could_read_are_refused(store: Store, name: str) -> None:
    assert kind_of(lambda: store.create_gallery(name)) == "bad_name"


def test_a_name_is_given_once(store: Store) -> None:
    store.create_gallery("One")
    two = store.create_gallery("Two")
    assert kind_of(lambda: store.create_gallery("ONE")) == "exists"
    assert kind_of(lambda: store.rename_gallery(two.id, "one")) == "exists"
    store.rename_gallery(two.id, "TWO")
    assert [one.name for one in store.galleries()] == ["One", "TWO"]
    assert kind_of(lambda: store.rename_gallery(99, "Three")) == "no_gallery"


def test_a_name_that_is_not_there_hints_at_those_that_are(store: Store) -> None:
    with pytest.raises(StoreError, match="index a folder first"):
        store.gallery("x")
    store.create_gallery("Holidays")
    store.create_gallery("Work")
    with pytest.raises(StoreError, match="Did you mean Holidays\\?"):
        store.gallery("holydays")
    with pytest.raises(StoreError, match="There are: Holidays, Work") as raised:
        store.gallery("\udcffzzz")
    assert raised.value.kind == "no_gallery"


def test_ids_of_deleted_galleries_do_not_come_back(store: Store) -> None:
    first = store.create_gallery("One")
    store.delete_gallery(first.id)
    assert store.create_gallery("One").id != first.id


def test_folders_never_lie_in_one_another(store: Store, tmp_path: Path) -> None:
    gallery = store.create_gallery("One")
    for folder in ("a/b", "a/bc", "a/b/c", "a/b/../b", "z"):
        store.add_folder(gallery.id, tmp_path / folder)
    assert store.gallery("One").folders == (tmp_path / "a/b", tmp_path / "a/bc", tmp_path / "z")
    store.add_folder(gallery.id, tmp_path / "a")
    assert store.gallery("One").folders == (tmp_path / "a", tmp_path / "z")
    assert kind_of(lambda: store.add_folder(99, tmp_path)) == "no_gallery"


def test_the_top_of_the_file_system_may_be_a_folder(store: Store, fingerprint: Fingerprint,
                                                     entry: Callable[..., IndexedFile]) -> None:
    gallery = store.create_gallery("One")
    store.add_folder(gallery.id, Path("/"))
    store.record(gallery.id, fingerprint, [entry("a.jpg", 1)])
    assert len(store.filter_ids(gallery.id, folder=Path("/"))) == 1
    store.add_folder(gallery.id, Path("/pictures"))
    assert store.gallery("One").folders == (Path("/"),)


def test_removing_a_folder_forgets_its_pictures_and_no_others(store: Store, fingerprint: Fingerprint,
                                                              entry: Callable[..., IndexedFile]) -> None:
    gallery = store.create_gallery("One")
    for folder in ("/pictures/a", "/pictures/ab"):
        store.add_folder(gallery.id, Path(folder))
    store.record(gallery.id, fingerprint, [entry("a/1.jpg", 1), entry("ab/2.jpg", 2), entry("ab/3.jpg", 1)],
                 [FailedEntry("/pictures/a/4.jpg", FileStamp(0, 0), "empty", "4.jpg is empty.", 200)])
    before = store.revision(gallery.id, fingerprint.hash)
    store.remove_folder(gallery.id, Path("/pictures/a"))
    assert [one.path.name for one in store.images(gallery.id)] == ["2.jpg", "3.jpg"]
    state = store.state(gallery.id, fingerprint.hash)
    assert (state.images, state.indexed, state.failed) == (2, 2, 0)
    assert store.revision(gallery.id, fingerprint.hash) != before


def test_deleting_a_gallery_leaves_what_another_uses(store: Store, fingerprint: Fingerprint, gallery: GalleryRecord,
                                                     entry: Callable[..., IndexedFile]) -> None:
    other = store.create_gallery("Other")
    store.add_folder(other.id, Path("/pictures"))
    store.record(gallery.id, fingerprint, [entry("1.jpg", 1), entry("2.jpg", 2)])
    store.record(other.id, fingerprint, [entry("1.jpg", 1)])
    store.delete_gallery(gallery.id)
    assert store.galleries() == [store.gallery("Other")]
    assert store.state(other.id, fingerprint.hash).indexed == 1
    assert store.embedded_contents([(n).to_bytes(32, "big") for n in (1, 2)], fingerprint.hash) == {
        (1).to_bytes(32, "big")}
    assert kind_of(lambda: store.state(gallery.id)) == "no_gallery"


def test_the_state_counts_each_fingerprint(store: Store, fingerprint: Fingerprint, gallery: GalleryRecord,
                                           entry: Callable[..., IndexedFile]) -> None:
    newer = Fingerprint.of({"backbone": "bigger"})
    store.record(gallery.id, fingerprint, [entry("1.jpg", 1), entry("2.jpg", 2), entry("copy of 2.jpg", 2)])
    store.record(gallery.id, newer, [entry("1.jpg", 1)])
    state = store.state(gallery.id, newer.hash)
    assert (state.images, state.indexed, state.failed, state.missing) == (3, 1, 0, 0)
    assert state.fingerprints == ((fingerprint, 3), (newer, 1))
    assert store.state(gallery.id).indexed == 0


def test_forgetting_a_fingerprint_keeps_what_another_gallery_uses(
        store: Store, fingerprint: Fingerprint, gallery: GalleryRecord, entry: Callable[..., IndexedFile]) -> None:
    newer = Fingerprint.of({"backbone": "bigger"})
    other = store.create_gallery("Other")
    store.add_folder(other.id, Path("/pictures"))
    for one in (fingerprint, newer):
        store.record(gallery.id, one, [entry("1.jpg", 1), entry("2.jpg", 2)])
    store.record(other.id, fingerprint, [entry("1.jpg", 1)])
    before = store.revision(gallery.id, fingerprint.hash)
    assert store.forget_fingerprint(gallery.id, fingerprint.hash) == 1
    assert store.revision(gallery.id, fingerprint.hash) != before
    assert store.state(other.id, fingerprint.hash).indexed == 1
    assert dict(store.state(gallery.id).fingerprints) == {newer: 2, fingerprint: 1}
