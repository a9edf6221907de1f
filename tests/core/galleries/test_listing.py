"""Listing of a gallery: as its records, in every order and grouping."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from core.fingerprint import Fingerprint
from core.galleries.gallery import Gallery
from core.galleries.listing import Arrangement, ImageListing, arrange, listing_of
from core.store.records import DecodedImageFacts, FileStamp, Filter, IndexedFile
from tests.core.galleries.conftest import TestStore

PLACES = ("b/IMG 2.jpg", "a/Zebra.jpg", "b/ape.jpg", "A/zoo.jpg", "b/c/moon.jpg")
TAKEN = (datetime(2024, 5, 2, 10), datetime(2023, 12, 31, 23, 59), None, datetime(2024, 5, 1), None)
CHANGED = datetime(2022, 7, 10, 13, 20).timestamp()


@pytest.fixture
def filled(gallery: Gallery, fingerprint: Fingerprint) -> Gallery:
    vector = np.array([0.6, 0.8], np.float32)
    gallery.record(fingerprint, [
        IndexedFile(f"/pictures/{place}", FileStamp(100 + at, int((CHANGED + at) * 1e9)), bytes([at] * 32),
                    DecodedImageFacts(40 + at, 30, taken), vector)
        for at, (place, taken) in enumerate(zip(PLACES, TAKEN, strict=True))])
    gallery.add_tag([gallery.images()[1].id], "zoo")
    return gallery


def names(listing: ImageListing, arrangement: Arrangement) -> list[str]:
    return [Path(listing.paths[row]).name for row in arrangement.rows]


def test_a_listing_says_what_the_records_say(filled: Gallery) -> None:
    listing = filled.listing()
    assert listing.records() == filled.images() and len(listing) == 5
    assert [moment.item() for moment in listing.dates] == [image.dated[0] for image in filled.images()]
    assert listing.record(1).tags == ("zoo",) and listing.record(2).taken is None


def test_a_listing_has_the_images_of_a_filter(filled: Gallery) -> None:
    filled.mark([filled.images()[0].id], missing=True)
    for chosen in (Filter(), Filter(tag="zoo"), Filter(folder=Path("/pictures/b")), Filter(name="zoo"),
                   Filter(since=datetime(2023, 1, 1))):
        assert filled.listing(chosen).ids.tolist() == filled.filter_ids(chosen).tolist()
    assert len(filled.listing(Filter(tag="none"))) == 0


def test_listings_are_compared_with_their_tags(filled: Gallery) -> None:
    before = filled.listing()
    assert before.same_as(filled.listing())
    filled.rate(before.ids[:1].tolist(), 4)
    rated = filled.listing()
    assert not before.same_as(rated) and rated.record(0).rating == 4
    filled.remove_tag(before.ids.tolist(), "zoo")
    assert not rated.same_as(filled.listing())


@pytest.mark.parametrize(("order", "expected"), [
    ("newest", ["IMG 2.jpg", "zoo.jpg", "Zebra.jpg", "moon.jpg", "ape.jpg"]),
    ("oldest", ["ape.jpg", "moon.jpg", "Zebra.jpg", "zoo.jpg", "IMG 2.jpg"]),
    ("name", ["ape.jpg", "IMG 2.jpg", "moon.jpg", "Zebra.jpg", "zoo.jpg"]),
    ("folder", ["zoo.jpg", "Zebra.jpg", "ape.jpg", "IMG 2.jpg", "moon.jpg"])])
def test_orders(filled: Gallery, order: str, expected: list[str]) -> None:
    listing = filled.listing()
    arrangement = arrange(listing, order, "none")  # type: ignore[arg-type]
    assert names(listing, arrangement) == expected and arrangement.groups == ()


def test_months_are_groups_with_their_dates_and_folders(filled: Gallery) -> None:
    listing = filled.listing()
    arrangement = arrange(listing, "name", "month")
    assert names(listing, arrangement) == ["IMG 2.jpg", "zoo.jpg", "Zebra.jpg", "ape.jpg", "moon.jpg"]
    groups = [(group.start, group.count, group.folders) for group in arrangement.groups]
    assert groups == [(0, 2, 2), (2, 1, 1), (3, 2, 2)]
    first = arrangement.groups[0]
    assert (first.since, first.until) == (datetime(2024, 5, 1), datetime(2024, 5, 2, 10))
    assert arrangement.marks == ((0, "2024"), (2, "2023"), (3, "2022"))
    assert arrange(listing, "oldest", "month").marks == ((0, "2022"), (2, "2023"), (3, "2024"))


def test_folders_are_groups_by_name(filled: Gallery) -> None:
    arrangement = arrange(filled.listing(), "newest", "folder")
    assert [group.folder for group in arrangement.groups] == [
        "/pictures/A", "/pictures/a", "/pictures/b", "/pictures/b/c"]
    assert arrangement.marks == ((0, "A"), (1, "a"), (2, "b"), (4, "c"))


def test_names_are_marked_by_their_first_letter(filled: Gallery) -> None:
    assert arrange(filled.listing(), "name", "none").marks == ((0, "A"), (1, "I"), (2, "M"), (3, "Z"))


def test_no_images_have_no_groups(gallery: Gallery) -> None:
    for grouping in ("month", "folder", "none"):
        arrangement = arrange(gallery.listing(), "newest", grouping)  # type: ignore[arg-type]
        assert len(arrangement.rows) == 0 and arrangement.groups == arrangement.marks == ()


@pytest.fixture
def summer_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A time zone whose clocks are put forward in summer."""
    if not hasattr(time, "tzset"):
        pytest.skip("the zone of a process cannot be set here")
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_dates_of_files_are_those_of_their_records_all_year_round(summer_time: None) -> None:
    begin = datetime(2023, 12, 31).timestamp()
    seconds = [begin + timedelta(hours=7 * step).total_seconds() for step in range(1300)]
    count = len(seconds)
    listing = listing_of((range(count), [f"/x/{at}" for at in range(count)], [1] * count,
                          [int(second * 1e9) for second in seconds], [1] * count, [1] * count, [None] * count,
                          [b""] * count, [0] * count), {})
    assert [moment.item() for moment in listing.dates] == [image.dated[0] for image in listing.records()]


def test_a_damaged_date_hides_no_other(store: TestStore, gallery: Gallery, fingerprint: Fingerprint,
                                       entry: Callable[..., IndexedFile]) -> None:
    if store.addresses is not None:
        pytest.skip("a table at an address takes no text for a date")
    gallery.record(fingerprint, [entry("a.jpg", 1), entry("b.jpg", 2)])
    with store.database.writing() as connection:
        connection.execute(text("UPDATE content SET taken = 'yesterday' WHERE id = 1"))
    assert [image.taken for image in gallery.images()] == [datetime(1970, 1, 1), None]


def test_images_that_others_stand_for_are_left_out(filled: Gallery) -> None:
    listing = filled.listing()
    behind = {record.id for record in listing.records() if record.path.name in ("Zebra.jpg", "moon.jpg")}
    arranged = arrange(listing, "name", "month", behind)
    assert sorted(names(listing, arranged)) == ["IMG 2.jpg", "ape.jpg", "zoo.jpg"]
    assert sum(group.count for group in arranged.groups) == 3
