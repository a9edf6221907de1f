"""Galleries copied between SQLite and addresses: what goes along, going on, and what is refused."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import StoreError
from core.fingerprint import Fingerprint
from core.galleries import copy as copying
from core.galleries import removal
from core.galleries.backends import open_gallery
from core.galleries.copy import copy_gallery
from core.galleries.gallery import Gallery
from core.progress import JobCancelled, Progress, WorkStep
from core.store.records import DecodedImageFacts, FailedEntry, FileStamp, IndexedFile
from core.store.store import Store

ONE, TWO = Fingerprint.of({"backbone": "one"}), Fingerprint.of({"backbone": "two"})
ODD = "/pictures/caf\udce9's \U0001f600.jpg"  # a byte that is no UTF-8, an apostrophe, a character of four bytes
random = np.random.default_rng(0)


def unit(dim: int) -> np.ndarray:
    vector = random.standard_normal(dim).astype(np.float32)
    return vector / np.linalg.norm(vector)


def fill(place: Gallery) -> None:
    """Copies of one content, an odd name, a missing picture, two fingerprints, tags, ratings, failures, a removal."""
    for folder in ("/pictures", "/s3 like"):
        place.add_folder(Path(folder))
    first, shared = [], unit(8)
    for number in range(7):
        path = ODD if number == 3 else f"/pictures/{number}.jpg"
        content = bytes([1 if number in (0, 6) else number + 1] * 32)
        facts = DecodedImageFacts(40 + number, 30, datetime(2024, 1, number + 1, 12, 0, 0, 5))
        first.append(IndexedFile(path, FileStamp(100 + number, 10 ** 18 + number), content, facts,
                           shared if number in (0, 6) else unit(8)))
    place.record(ONE, first)
    place.record(TWO, [IndexedFile(one.path, one.stamp, one.content_hash, one.facts, unit(5))
                                   for one in first[2:5]])
    ids = [one.id for one in place.images()]
    place.add_tag(ids[:3], "Beach")
    place.add_tag(ids[2:4], "it's \U0001f600")
    for stars in (2, 5):
        place.rate(ids[stars:stars + 1], stars)
    place.mark([ids[0], ids[4]], missing=True)  # 0: a copy of its content comes later
    place.record(ONE, [], [
        FailedEntry("/pictures/b\udcff.jpg", FileStamp(1, 2), "truncated", "It is cut off.", 12.5),
        FailedEntry("/s3 like", FileStamp(-1, -1), "folder", "It cannot be looked into.", 200)])
    removal.remove(place, place.images(ids[1:2]))


def facts(place: Gallery) -> dict[str, Any]:
    """All that a gallery says, without its ids."""
    kept = {one.path: (one.stamp, one.content_hash, one.facts, one.missing, one.tags, one.rating,
                       {name: vector.tobytes() for name, vector in one.vectors.items()})
            for batch in place.stored_images() for one in batch}
    state = place.state(ONE.hash)
    failures = {path: known for folder in state.gallery.folders
                for path, known in place.known_failures(folder).items()}
    return {"pictures": kept, "folders": state.gallery.folders, "tags": place.tags(), "failures": failures,
            "reasons": place.failures(), "fingerprints": sorted(state.fingerprints, key=str),
            "removed": removal.removed(place),
            "counts": (state.images, state.indexed, state.failed, state.missing, state.removed)}


@pytest.fixture
def source(store: Store) -> Gallery:
    place = open_gallery(store, "Holidays", create=True)
    fill(place)
    return open_gallery(store, "Holidays")


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "other" / "store.sqlite")
    yield opened
    opened.close()


@pytest.mark.slow
def test_a_gallery_goes_to_an_address_and_back_and_nothing_is_lost(
        store: Store, other: Store, source: Gallery, tmp_path: Path) -> None:
    before = facts(source)
    assert before["counts"] == (4, 4, 2, 2, 1)
    there = open_gallery(store, str(tmp_path / "away.lance"), create=True)
    copied = copy_gallery(source, there)
    assert (copied.pictures, copied.already, copied.vectors, copied.failures) == (7, 0, 10, 3)
    assert facts(there) == before
    back = open_gallery(other, "Back", create=True)
    copy_gallery(open_gallery(other, str(tmp_path / "away.lance")), back)
    assert facts(back) == before
    assert facts(source) == before


@pytest.mark.slow
def test_a_copy_that_was_stopped_goes_on(store: Store, source: Gallery, tmp_path: Path,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "BATCH", 2)
    monkeypatch.setattr("core.galleries.sqlite.indexing.STORED_A_BATCH", 2)
    there = open_gallery(store, str(tmp_path / "away.lance"), create=True)

    def stop(progress: Progress) -> None:
        if progress.step is WorkStep.COPYING and progress.done >= 4:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        copy_gallery(source, there, stop)
    assert 4 <= len(there.images()) < 7
    again = copy_gallery(source, there)
    assert (again.pictures, again.already) == (7, 4)
    assert facts(there) == facts(source)
    assert copy_gallery(source, there).vectors == 0


@pytest.mark.slow
def test_a_gallery_with_other_pictures_is_not_written_over(store: Store, source: Gallery,
                                                           tmp_path: Path) -> None:
    there = open_gallery(store, str(tmp_path / "away.lance"), create=True)
    there.add_folder(Path("/pictures"))
    there.record(ONE, [IndexedFile("/pictures/1.jpg", FileStamp(1, 1), bytes([99] * 32),
                                             DecodedImageFacts(1, 1, None), unit(8))])
    before = facts(there)
    with pytest.raises(StoreError, match=r"holds 1 pictures that Holidays does not, such as 1\.jpg") as raised:
        copy_gallery(source, there)
    assert raised.value.kind == "not_empty"
    assert facts(there) == before


def test_pictures_without_vectors_and_empty_galleries_go_along(store: Store, tmp_path: Path) -> None:
    place = open_gallery(store, "Bare", create=True)
    empty = open_gallery(store, str(tmp_path / "empty.lance"), create=True)
    assert copy_gallery(place, empty).pictures == 0
    place.add_folder(Path("/pictures"))
    place.record(ONE,
                 [IndexedFile("/pictures/1.jpg", FileStamp(1, 1), bytes(32), DecodedImageFacts(1, 2, None))])
    there = open_gallery(store, str(tmp_path / "away.lance"), create=True)
    copy_gallery(open_gallery(store, "Bare"), there)
    assert facts(there) == facts(place)
    assert facts(there)["counts"] == (1, 0, 0, 0, 0)
