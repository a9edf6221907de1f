"""Pictures taken out of a gallery, or moved to the bin, and both undone; with real files."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core import cli
from core.errors import StoreError
from core.fingerprint import Fingerprint
from core.galleries.backends import open_gallery
from core.galleries.gallery import Gallery
from core.galleries.removal import BinnedPicture, RestoreResult, move_to_bin, put_back, remove, removed, restore
from core.indexing.changes import pending_changes
from core.indexing.local import index_folder, index_gallery
from core.progress import JobCancelled, Progress
from core.store.records import Filter, ImageRecord
from core.store.store import Store
from tests.core.galleries.conftest import TestStore
from tests.core.indexing.test_indexing import TinyBackbone, draw

BACKBONE = TinyBackbone()


class FakeBin:
    """A bin as freedesktop.org lays it out; refuses some names."""

    def __init__(self, folder: Path, refused: tuple[str, ...] = ()) -> None:
        self.files, self.info, self._refused = folder / "Trash" / "files", folder / "Trash" / "info", refused
        for part in (self.files, self.info):
            part.mkdir(parents=True)

    def __call__(self, path: Path) -> Path:
        if path.name in self._refused:
            raise OSError("its folder may not be written to")
        (self.info / f"{path.name}.trashinfo").write_text("[Trash Info]")
        return Path(shutil.move(path, self.files / path.name))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Four pictures in two folders."""
    for number, name in enumerate(("a.png", "b.png", "sub/c.png", "sub/d.png")):
        draw(tmp_path / "pictures" / name, number)
    return tmp_path / "pictures"


@pytest.fixture
def place(store: TestStore, pictures: Path) -> Iterator[Gallery]:
    """The gallery of them, tagged and rated."""
    gallery = store.open_gallery("Mine", create=True)
    index_folder(gallery, pictures, BACKBONE, "centre")
    ids = [image.id for image in gallery.images()]
    gallery.add_tag(ids, "mine")
    gallery.rate(ids, 4)
    yield gallery


def names(gallery: Gallery) -> list[str]:
    return sorted(image.path.name for image in gallery.images())


def of_names(gallery: Gallery, *wanted: str) -> list[ImageRecord]:
    return [image for image in gallery.images() if image.path.name in wanted]


def update(gallery: Gallery) -> Any:
    return index_gallery(gallery, BACKBONE, "centre")


def counts(gallery: Gallery) -> tuple[int, int, int, int]:
    state = gallery.state(BACKBONE.fingerprint("centre").hash)
    return state.indexed, state.failed, state.missing, state.removed


def test_a_removed_picture_stays_away_until_it_is_restored(store: TestStore, place: Gallery, pictures: Path) -> None:
    remove(place, of_names(place, "a.png", "c.png"))
    assert names(place) == ["b.png", "d.png"] and counts(place) == (2, 0, 0, 2)
    assert (pictures / "a.png").exists() and place.failures() == []
    assert update(place).failed == ()
    draw(pictures / "a.png", 99)  # edited since
    assert not pending_changes(place, now=time.time() + 60)
    update(place)
    assert names(place) == ["b.png", "d.png"]
    assert removed(place) == [str(pictures / "a.png"), str(pictures / "sub" / "c.png")]
    assert restore(place, [str(pictures / "sub" / "c.png")]) == RestoreResult(1)
    [back] = of_names(place, "c.png")
    assert (back.tags, back.rating) == (("mine",), 4)
    assert counts(place) == (3, 0, 0, 1)
    assert update(place).embedded == 0
    result = restore(place, removed(place))
    assert result == RestoreResult(0, 1) and "1 file changed meanwhile" in result.words
    assert names(place) == ["b.png", "c.png", "d.png"], "the vector is of the file as it was"
    assert update(place).embedded == 1, "the edited one"
    assert names(place) == ["a.png", "b.png", "c.png", "d.png"] and counts(place) == (4, 0, 0, 0)


def test_a_removed_picture_comes_back_when_it_is_indexed_by_its_own_path(store: TestStore, place: Gallery,
                                                                         pictures: Path) -> None:
    remove(place, of_names(place, "a.png", "b.png"))
    index_folder(place, pictures, BACKBONE, "centre")
    assert names(place) == ["c.png", "d.png"]
    index_folder(place, pictures / "a.png", BACKBONE, "centre")
    assert names(place) == ["a.png", "c.png", "d.png"]
    draw(pictures / "b.png", 77)
    index_folder(place, pictures / "b.png", BACKBONE, "centre")
    assert names(place) == ["a.png", "b.png", "c.png", "d.png"] and removed(place) == []


def test_an_empty_mount_point_forgets_no_removal(store: TestStore, place: Gallery, pictures: Path) -> None:
    remove(place, of_names(place, "c.png"))
    (pictures / "sub").rename(pictures.parent / "unplugged")
    update(place)
    assert names(place) == ["a.png", "b.png"]
    assert restore(place, []) == RestoreResult(0)
    (pictures.parent / "unplugged").rename(pictures / "sub")
    update(place)
    assert names(place) == ["a.png", "b.png", "d.png"]


def test_a_removed_picture_that_is_renamed_stays_away(store: TestStore, place: Gallery, pictures: Path) -> None:
    before = {image.path.name: image.id for image in of_names(place, "a.png", "c.png")}
    remove(place, of_names(place, "a.png", "c.png"))
    (pictures / "a.png").rename(pictures / "sub" / "new name.png")
    draw(pictures / "e.png", 42)
    result = update(place)
    assert names(place) == ["b.png", "d.png", "e.png"] and counts(place) == (3, 0, 0, 2)
    assert (result.indexed, result.failed) == (1, ())
    assert removed(place) == [str(pictures / "sub" / "c.png"), str(pictures / "sub" / "new name.png")]
    assert not pending_changes(place, now=time.time() + 60)
    update(place)
    assert names(place) == ["b.png", "d.png", "e.png"]
    assert restore(place, [str(pictures / "sub" / "new name.png")]) == RestoreResult(1)
    [back] = of_names(place, "new name.png")
    assert (back.id, back.tags, back.rating) == (before["a.png"], ("mine",), 4)


def test_a_renamed_removed_picture_comes_back_when_it_is_asked_for(store: TestStore, place: Gallery, pictures: Path
                                                                   ) -> None:
    remove(place, of_names(place, "a.png"))
    (pictures / "a.png").rename(pictures / "new name.png")
    index_folder(place, pictures / "new name.png", BACKBONE, "centre")
    assert "new name.png" in names(place)


def test_a_copy_does_not_take_the_place_of_a_removed_picture(store: TestStore, place: Gallery, pictures: Path) -> None:
    before = of_names(place, "a.png")[0]
    remove(place, [before])
    shutil.copy(pictures / "a.png", pictures / "new.png")
    update(place)
    [copy] = of_names(place, "new.png")
    assert copy.id != before.id and copy.tags == ()
    restore(place, removed(place))
    assert of_names(place, "a.png")[0].id == before.id


def test_files_go_to_the_bin_and_come_back(store: TestStore, place: Gallery, pictures: Path, tmp_path: Path) -> None:
    fake = FakeBin(tmp_path)
    chosen = of_names(place, "a.png", "c.png")
    result = move_to_bin(place, chosen, fake)
    assert not result.failed and not result.stopped
    assert names(place) == ["b.png", "d.png"] and not (pictures / "a.png").exists()
    update(place)
    shutil.rmtree(pictures / "sub")  # c's folder too
    back = put_back(place, result.binned)
    assert sorted(back.image_ids) == sorted(image.id for image in chosen) and not back.failed and not back.left
    assert of_names(place, "a.png", "c.png") == chosen
    assert place.filter_ids(Filter(tag="mine", min_rating=4)).size == 4  # d, as far as was seen
    assert not list(fake.files.iterdir()) and not list(fake.info.iterdir())
    assert update(place).embedded == 0


def test_what_cannot_go_to_the_bin_stays_and_is_told(store: TestStore, place: Gallery, pictures: Path,
                                                     tmp_path: Path) -> None:
    chosen = of_names(place, "a.png", "b.png", "c.png")
    (pictures / "sub" / "c.png").unlink()
    far = ImageRecord(10 ** 9, Path("s3:/archive/x.jpg"), 1, 1, 1, 0.0, None, (), "00")
    result = move_to_bin(place, [*chosen, far], FakeBin(tmp_path, ("a.png",)))
    assert [one.image.path.name for one in result.binned] == ["b.png"]
    assert result.failed == (
        "x.jpg is stored at s3://archive, where there is no bin. It can be removed from the gallery.",
        "a.png stays where it is: its folder may not be written to.", f"c.png is not in {pictures}/sub any more.")
    assert names(place) == ["a.png", "d.png"] and (pictures / "a.png").exists()


def test_a_gallery_that_cannot_be_written_to_loses_no_file(store: TestStore, place: Gallery, pictures: Path,
                                                           tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **named: Any) -> None:
        raise StoreError("It may not be written to.", "read_only")

    monkeypatch.setattr(type(place), "mark", refuse)
    with pytest.raises(StoreError):
        move_to_bin(place, place.images(), FakeBin(tmp_path))
    assert len(list(pictures.rglob("*.png"))) == 4


def test_stopped_half_way_what_moved_can_be_put_back(store: TestStore, place: Gallery, pictures: Path,
                                                     tmp_path: Path) -> None:
    def stop_at(number: int) -> Any:
        def report(progress: Progress) -> None:
            if progress.done >= number:
                raise JobCancelled
        return report

    fake = FakeBin(tmp_path)
    result = move_to_bin(place, place.images(), fake, stop_at(2))
    assert result.stopped and len(result.binned) == 2 and len(names(place)) == 2 == len(list(pictures.rglob("*.png")))
    part = put_back(place, result.binned, stop_at(1))
    assert len(part.image_ids) == 1 and len(part.left) == 1 and len(names(place)) == 3
    assert len(put_back(place, part.left).image_ids) == 1 and len(names(place)) == 4


def test_nothing_is_written_over_when_files_come_back(store: TestStore, place: Gallery, pictures: Path,
                                                      tmp_path: Path) -> None:
    fake = FakeBin(tmp_path)
    result = move_to_bin(place, of_names(place, "a.png", "b.png", "c.png"), fake)
    draw(pictures / "a.png", 55)
    (fake.files / "b.png").unlink()
    unknown = [BinnedPicture(one.image, None if one.image.path.name == "c.png" else one.place) for one in result.binned]
    other = (pictures / "a.png").read_bytes()
    back = put_back(place, unknown)
    assert back.image_ids == () and len(back.left) == 3
    assert back.failed == (f"a.png was not put back: another file is at {pictures}/a.png now.",
                           "b.png was not put back: it is not in the bin any more.",
                           "c.png was not put back: where the bin has it is not known; put it back by hand.")
    assert (pictures / "a.png").read_bytes() == other and (fake.files / "a.png").exists()


@pytest.mark.parametrize("wrong", [Path(), Path("relative.png"), Path("/")])
def test_a_place_that_is_no_file_is_not_moved(store: TestStore, place: Gallery, pictures: Path, tmp_path: Path,
                                              wrong: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "own.txt").write_text("mine")
    monkeypatch.chdir(tmp_path / "here")
    [one] = move_to_bin(place, of_names(place, "a.png"), FakeBin(tmp_path)).binned
    back = put_back(place, [BinnedPicture(one.image, wrong)])
    assert (back.image_ids == () and "is not known; put it back by hand" in back.failed[0]) or "not in the bin" in (
        back.failed[0])
    assert (tmp_path / "here" / "own.txt").exists() and not (pictures / "a.png").exists()


def test_what_was_moved_is_told_though_the_gallery_fails_at_the_end(store: TestStore, place: Gallery, pictures: Path,
                                                                    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                                    ) -> None:
    def busy(self: Any, ids: Any, missing: bool) -> None:
        if not missing:
            raise StoreError("It is busy.", "busy")
        mark(self, ids, missing)

    mark = type(place).mark
    with monkeypatch.context() as patch:
        patch.setattr(type(place), "mark", busy)
        result = move_to_bin(place, of_names(place, "a.png", "b.png"), FakeBin(tmp_path, ("b.png",)))
        assert [one.image.path.name for one in result.binned] == ["a.png"]
        assert "could not be written to: It is busy." in result.failed[-1]
        back = put_back(place, result.binned)
        assert (pictures / "a.png").exists() and back.left == () and "Its next update finds" in back.failed[-1]
    update(place)
    assert names(place) == ["a.png", "b.png", "c.png", "d.png"]


def test_a_row_that_another_file_took_over_is_left_to_it(store: TestStore, place: Gallery, pictures: Path,
                                                         tmp_path: Path) -> None:
    content = (pictures / "a.png").read_bytes()
    result = move_to_bin(place, of_names(place, "a.png"), FakeBin(tmp_path))
    (pictures / "y.png").write_bytes(content)
    update(place)
    back = put_back(place, result.binned)
    if names(place) != ["b.png", "c.png", "d.png", "y.png"]:
        assert names(place) == ["a.png", "b.png", "c.png", "d.png", "y.png"]  # it has a row of its own there
    else:
        assert "update the gallery to see it there" in back.failed[0]
    update(place)
    assert names(place) == ["a.png", "b.png", "c.png", "d.png", "y.png"]


def test_thousands_are_removed_at_once(store: TestStore, gallery: Gallery, fingerprint: Fingerprint) -> None:
    from tests.core.galleries.entries import make_entry

    gallery.record(fingerprint, [make_entry(f"{number}.jpg", number) for number in range(2500)])
    remove(gallery, gallery.images())
    assert counts(gallery)[3] == 2500 and gallery.images() == []
    assert removed(gallery)[0] == "/pictures/0.jpg"


def test_commands_rate_remove_and_restore(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                          capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("BREWCLIP_HOME", str(tmp_path / "cli home"))
    address = str(tmp_path / "cli.lance")
    gallery = open_gallery(Store.open(tmp_path / "cli home" / "store.sqlite"), address, create=True)
    index_folder(gallery, pictures, BACKBONE, "centre")
    monkeypatch.chdir(pictures)
    assert cli.main(["gallery", "rate", address, "5", "a.png", "sub/c.png"]) == 0
    assert [image.path.name for image in gallery.images(gallery.filter_ids(Filter(min_rating=5)))] == ["a.png", "c.png"]
    assert cli.main(["gallery", "remove", address, "a.png", "nothing.png"]) == 2
    assert "nothing.png is not in" in capsys.readouterr().err and len(names(gallery)) == 4
    assert cli.main(["gallery", "remove", address, "a.png", "b.png"]) == 0
    assert names(gallery) == ["c.png", "d.png"]
    assert cli.main(["gallery", "restore", address]) == 0
    assert capsys.readouterr().out.splitlines() == [str(pictures / "a.png"), str(pictures / "b.png")]
    assert cli.main(["gallery", "restore", address, "a.png", "c.png"]) == 2, "c was not removed"
    assert cli.main(["gallery", "restore", address, "a.png"]) == 0
    assert cli.main(["gallery", "restore", address, "--all"]) == 0
    assert names(gallery) == ["a.png", "b.png", "c.png", "d.png"]
