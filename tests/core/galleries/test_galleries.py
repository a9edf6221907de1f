"""Galleries and folders: names, hints, nesting, and what deleting one leaves to another."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import StoreError
from core.fingerprint import Fingerprint
from core.galleries.backends import open_gallery
from core.galleries.gallery import Gallery
from core.store.records import FailedEntry, FileStamp, Filter, IndexedFile
from tests.core.galleries.conftest import TestStore


def kind_of(call: Callable[[], object]) -> str:
    with pytest.raises(StoreError) as raised:
        call()
    return raised.value.kind


def test_a_gallery_is_found_in_any_case_and_under_any_composition(store: TestStore) -> None:
    made = store.create_gallery("  Café \n 2024 ")
    assert made.name == "Café 2024"
    assert datetime.now(UTC) - made.created < timedelta(minutes=1)
    assert store.gallery("CAFE\u0301 2024") == made == store.ensure_gallery("café 2024")
    assert store.galleries() == [made]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["", "   ", "a\0b", "x" * 101, "\udcff"])
def test_names_that_nobody_could_read_are_refused(store: TestStore, name: str) -> None:
    assert kind_of(lambda: store.create_gallery(name)) == "bad_name"


def test_a_name_is_given_once(store: TestStore) -> None:
    store.create_gallery("One")
    two = store.create_gallery("Two")
    assert kind_of(lambda: store.create_gallery("ONE")) == "exists"
    assert kind_of(lambda: store.rename_gallery(two.id, "one")) == "exists"
    store.rename_gallery(two.id, "TWO")
    assert [one.name for one in store.galleries()] == ["One", "TWO"]
    assert kind_of(lambda: store.rename_gallery(99, "Three")) == "no_gallery"


@pytest.mark.slow
def test_a_name_that_is_not_there_hints_at_those_that_are(store: TestStore) -> None:
    with pytest.raises(StoreError, match="index a folder first"):
        store.gallery("x")
    store.create_gallery("Holidays")
    store.create_gallery("Work")
    with pytest.raises(StoreError, match="Did you mean Holidays\\?"):
        store.gallery("holydays")
    with pytest.raises(StoreError, match="There are: Holidays, Work") as raised:
        store.gallery("\udcffzzz")
    assert raised.value.kind == "no_gallery"


def test_ids_of_deleted_galleries_do_not_come_back(store: TestStore) -> None:
    first = store.create_gallery("One")
    open_gallery(store, first).delete()
    assert store.create_gallery("One").id != first.id


def test_folders_never_lie_in_one_another(store: TestStore, tmp_path: Path) -> None:
    gallery = store.open_gallery("One", create=True)
    for folder in ("a/b", "a/bc", "a/b/c", "a/b/../b", "z"):
        gallery.add_folder(tmp_path / folder)
    assert store.gallery("One").folders == (tmp_path / "a/b", tmp_path / "a/bc", tmp_path / "z")
    gallery.add_folder(tmp_path / "a")
    assert store.gallery("One").folders == (tmp_path / "a", tmp_path / "z")
    assert kind_of(lambda: open_gallery(store, replace(gallery.info, id=99)).add_folder(tmp_path)) == "no_gallery"


def test_the_top_of_the_file_system_may_be_a_folder(store: TestStore, fingerprint: Fingerprint,
                                                     entry: Callable[..., IndexedFile]) -> None:
    gallery = store.open_gallery("One", create=True)
    gallery.add_folder(Path("/"))
    gallery.record(fingerprint, [entry("a.jpg", 1)])
    assert len(gallery.filter_ids(Filter(folder=Path("/")))) == 1
    gallery.add_folder(Path("/pictures"))
    assert store.gallery("One").folders == (Path("/"),)


@pytest.mark.slow
def test_removing_a_folder_forgets_its_pictures_and_no_others(store: TestStore, fingerprint: Fingerprint,
                                                              entry: Callable[..., IndexedFile]) -> None:
    gallery = store.open_gallery("One", create=True)
    for folder in ("/pictures/a", "/pictures/ab"):
        gallery.add_folder(Path(folder))
    gallery.record(fingerprint, [entry("a/1.jpg", 1), entry("ab/2.jpg", 2), entry("ab/3.jpg", 1)],
                 [FailedEntry("/pictures/a/4.jpg", FileStamp(0, 0), "empty", "4.jpg is empty.", 200)])
    before = gallery.revision(fingerprint.hash)
    gallery.remove_folder(Path("/pictures/a"))
    assert [one.path.name for one in gallery.images()] == ["2.jpg", "3.jpg"]
    state = gallery.state(fingerprint.hash)
    assert (state.images, state.indexed, state.failed) == (2, 2, 0)
    assert gallery.revision(fingerprint.hash) != before


@pytest.mark.slow
def test_deleting_a_gallery_leaves_what_another_uses(store: TestStore, fingerprint: Fingerprint, gallery: Gallery,
                                                     entry: Callable[..., IndexedFile]) -> None:
    other = store.open_gallery("Other", create=True)
    other.add_folder(Path("/pictures"))
    gallery.record(fingerprint, [entry("1.jpg", 1), entry("2.jpg", 2)])
    other.record(fingerprint, [entry("1.jpg", 1)])
    gallery.delete()
    assert store.galleries() == [store.gallery("Other")]
    assert other.state(fingerprint.hash).indexed == 1
    assert gallery.embedded_contents([(n).to_bytes(32, "big") for n in (1, 2)], fingerprint.hash) == {
        (1).to_bytes(32, "big")}
    assert kind_of(lambda: gallery.state()) == "no_gallery"


@pytest.mark.slow
def test_the_state_counts_each_fingerprint(store: TestStore, fingerprint: Fingerprint, gallery: Gallery,
                                           entry: Callable[..., IndexedFile]) -> None:
    newer = Fingerprint.of({"backbone": "bigger"})
    gallery.record(fingerprint, [entry("1.jpg", 1), entry("2.jpg", 2), entry("copy of 2.jpg", 2)])
    gallery.record(newer, [entry("1.jpg", 1)])
    state = gallery.state(newer.hash)
    assert (state.images, state.indexed, state.failed, state.missing) == (3, 1, 0, 0)
    assert state.fingerprints == ((fingerprint, 3), (newer, 1))
    assert gallery.state().indexed == 0


@pytest.mark.slow
def test_forgetting_a_fingerprint_keeps_what_another_gallery_uses(
        store: TestStore, fingerprint: Fingerprint, gallery: Gallery, entry: Callable[..., IndexedFile]) -> None:
    newer = Fingerprint.of({"backbone": "bigger"})
    other = store.open_gallery("Other", create=True)
    other.add_folder(Path("/pictures"))
    for one in (fingerprint, newer):
        gallery.record(one, [entry("1.jpg", 1), entry("2.jpg", 2)])
    other.record(fingerprint, [entry("1.jpg", 1)])
    before = gallery.revision(fingerprint.hash)
    assert gallery.forget_fingerprint(fingerprint.hash) == 1
    assert gallery.revision(fingerprint.hash) != before
    assert other.state(fingerprint.hash).indexed == 1
    assert dict(gallery.state().fingerprints) == {newer: 2, fingerprint: 1}
