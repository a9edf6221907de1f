"""Filling a gallery from real files with a tiny model: what is read, what is not, and what goes wrong on the way."""

import errno
import os
import re
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core import images
from core.errors import StoreError
from core.fingerprint import Fingerprint
from core.galleries.backends import open_gallery
from core.galleries.gallery import Gallery
from core.indexing import reader as reading
from core.indexing.exclusions import Exclusions
from core.indexing.local import IndexResult, index_folder, index_gallery
from core.progress import JobCancelled, Progress, WorkStep, silent
from core.store.records import FileStamp, Filter
from core.store.store import Store


@dataclass
class TinyBackbone:
    """Embeds a picture as the mean colours of its 4 x 4 tiles; counts what it sees."""

    name: str = "tiny"
    dim: int = 48
    image_size: int = 32
    batches: list[int] = field(default_factory=list)

    def encode_images(self, pixels: np.ndarray) -> np.ndarray:
        assert pixels.dtype == np.uint8
        assert pixels.shape[1:] == (32, 32, 3)
        self.batches.append(len(pixels))
        tiles = pixels.reshape(-1, 4, 8, 4, 8, 3).mean((2, 4)) + 1
        return tiles.reshape(len(pixels), -1).astype(np.float32)

    def fingerprint(self, crop: str) -> Fingerprint:
        return Fingerprint.of({"backbone": self.name, "crop": crop})

    @property
    def seen(self) -> int:
        return sum(self.batches)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "home" / "store.sqlite")
    yield store
    store.close()


@pytest.fixture
def gallery(store: Store) -> Gallery:
    return open_gallery(store, "Holidays", create=True)


@pytest.fixture
def backbone() -> TinyBackbone:
    return TinyBackbone()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six pictures, two of them alike."""
    top = tmp_path / "pictures"
    for number in range(5):
        draw(top / f"{number}.png", number)
    draw(top / "sub" / "copy of 4.png", 4)
    return top


def draw(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, "PNG")
    return path


def counts(result: IndexResult) -> tuple[int, int, int, int, int]:
    return result.indexed, result.embedded, result.unchanged, result.moved, result.missing


def failed(result: IndexResult) -> dict[str, str]:
    return {one.path.name: one.kind for one in result.failed}


def test_a_folder_is_indexed_and_copies_are_embedded_once(store: Store, gallery: Gallery, folder: Path,
                                                          backbone: TinyBackbone) -> None:
    result = index_folder(gallery, folder, backbone, "centre")
    assert (result.gallery, result.images, result.failed) == ("Holidays", 6, ())
    assert counts(result) == (6, 5, 0, 0, 0)
    assert backbone.seen == 5
    assert store.gallery("Holidays").folders == (folder,)
    assert gallery.state(backbone.fingerprint("centre").hash).indexed == 6
    records = gallery.images()
    assert [one.path for one in records] == sorted(one.path for one in records)
    assert {(one.width, one.height) for one in records} == {(30, 20)}
    [(ids, vectors)] = gallery.vectors(backbone.fingerprint("centre").hash)
    assert ids.tolist() == [one.id for one in records]
    for record, vector in zip(records, vectors, strict=True):
        pixels = images.pixels(images.read(record.path).rgb, "centre", 32)
        expected = TinyBackbone().encode_images(pixels[None])[0]
        np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-6)


def test_under_several_crops_a_vector_is_the_mean_of_all_looks(store: Store, gallery: Gallery, folder: Path,
                                                               backbone: TinyBackbone) -> None:
    index_folder(gallery, folder, backbone, "multi-crop")
    assert backbone.seen == 5 * 4
    [(ids, vectors)] = gallery.vectors(backbone.fingerprint("multi-crop").hash)
    for record, vector in zip(gallery.images(), vectors, strict=True):
        looks = TinyBackbone().encode_images(images.views(images.read(record.path).rgb, 32))
        expected = (looks / np.linalg.norm(looks, axis=1, keepdims=True)).mean(axis=0)
        np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-6)
    assert len(ids) == 6


def test_unchanged_files_are_not_opened_again(store: Store, gallery: Gallery, folder: Path,
                                              backbone: TinyBackbone, monkeypatch: pytest.MonkeyPatch) -> None:
    index_folder(gallery, folder, backbone, "centre")
    monkeypatch.setattr(reading.hashlib, "file_digest", lambda *_: pytest.fail("a file was read"))
    result = index_gallery(gallery, backbone, "centre")
    assert counts(result) == (0, 0, 6, 0, 0)


def test_new_edited_moved_and_deleted_files(store: Store, gallery: Gallery, folder: Path,
                                            backbone: TinyBackbone) -> None:
    index_folder(gallery, folder, backbone, "centre")
    before = {one.path.name: one for one in gallery.images()}
    gallery.add_tag([before["0.png"].id], "beach")
    (folder / "0.png").rename(folder / "sub" / "renamed.png")
    (folder / "1.png").unlink()
    draw(folder / "2.png", 20)
    draw(folder / "new.png", 21)
    os.utime(folder / "3.png", ns=(1, 1))
    result = index_gallery(gallery, backbone, "centre")
    assert counts(result) == (2, 2, 3, 1, 1)
    assert result.images == 6 == result.indexed + result.unchanged + result.moved
    after = {one.path.name: one for one in gallery.images()}
    assert after["renamed.png"].id == before["0.png"].id
    assert after["renamed.png"].tags == ("beach",)
    assert after["2.png"].id == before["2.png"].id
    assert after["2.png"].content_hash != before["2.png"].content_hash
    assert gallery.state().missing == 1
    draw(folder / "1.png", 1)
    result = index_gallery(gallery, backbone, "centre")
    assert counts(result) == (1, 0, 6, 0, 0)
    assert {one.path.name: one.id for one in gallery.images()}["1.png"] == before["1.png"].id


def test_a_deleted_file_that_returns_as_it_was_is_not_read(store: Store, gallery: Gallery, folder: Path,
                                                           backbone: TinyBackbone, tmp_path: Path) -> None:
    index_folder(gallery, folder, backbone, "centre")
    (folder / "0.png").rename(tmp_path / "aside")
    assert counts(index_gallery(gallery, backbone, "centre")) == (0, 0, 5, 0, 1)
    assert counts(index_gallery(gallery, backbone, "centre")) == (0, 0, 5, 0, 0)
    (tmp_path / "aside").rename(folder / "0.png")
    assert counts(index_gallery(gallery, backbone, "centre")) == (0, 0, 6, 0, 0)
    assert gallery.state().missing == 0


def test_another_gallery_with_the_same_files_needs_no_model(store: Store, gallery: Gallery, folder: Path,
                                                            backbone: TinyBackbone) -> None:
    index_folder(gallery, folder, backbone, "centre")
    other = open_gallery(store, "Other", create=True)
    assert counts(index_folder(other, folder / "sub", backbone, "centre")) == (1, 0, 0, 0, 0)
    assert counts(index_folder(other, folder, backbone, "centre")) == (5, 0, 1, 0, 0)
    assert backbone.seen == 5
    assert other.state(backbone.fingerprint("centre").hash).indexed == 6


def test_a_changed_model_embeds_again_and_the_old_vectors_stay_until_forgotten(
        store: Store, gallery: Gallery, folder: Path, backbone: TinyBackbone) -> None:
    index_folder(gallery, folder, backbone, "centre")
    old, new = backbone.fingerprint("centre"), backbone.fingerprint("squash")
    assert gallery.state(new.hash).indexed == 0
    assert counts(index_gallery(gallery, backbone, "squash")) == (6, 5, 0, 0, 0)
    draw(folder / "new.png", 9)
    assert counts(index_gallery(gallery, backbone, "squash")) == (1, 1, 6, 0, 0)
    assert dict(gallery.state().fingerprints) == {new: 7, old: 6}
    assert counts(index_gallery(gallery, backbone, "centre")) == (1, 1, 6, 0, 0)
    gallery.forget_fingerprint(old.hash)
    assert dict(gallery.state().fingerprints) == {new: 7}


def test_files_that_cannot_be_read_are_listed_once_with_the_reason(
        store: Store, gallery: Gallery, folder: Path, backbone: TinyBackbone) -> None:
    (folder / "empty.jpg").touch()
    (folder / "disguised.jpg").write_text("This is a letter.")
    (folder / "cut.png").write_bytes((folder / "0.png").read_bytes()[:500])
    Image.new("L", (1200, 1200)).save(folder / "huge.png")
    result = index_folder(gallery, folder, backbone, "centre", max_megapixels=1)
    kinds = {"empty.jpg": "empty", "disguised.jpg": "not_an_image", "cut.png": "truncated", "huge.png": "too_large"}
    assert failed(result) == kinds
    assert all(one.reason.endswith(".") and one.path.name in one.reason for one in result.failed)
    assert counts(result) == (6, 5, 0, 0, 0)
    reports: list[Progress] = []
    result = index_gallery(gallery, backbone, "centre", max_megapixels=1, report=reports.append)
    assert failed(result) == kinds
    assert {progress.total for progress in reports if progress.step is WorkStep.INDEXING} == {0}
    draw(folder / "cut.png", 7)
    (folder / "empty.jpg").unlink()
    result = index_gallery(gallery, backbone, "centre", max_megapixels=2)
    assert failed(result) == {"disguised.jpg": "not_an_image"}
    assert counts(result) == (2, 2, 6, 0, 0)


def test_a_picture_that_breaks_leaves_the_results_and_comes_back_repaired(
        store: Store, gallery: Gallery, folder: Path, backbone: TinyBackbone) -> None:
    index_folder(gallery, folder, backbone, "centre")
    [before] = [one.id for one in gallery.images() if one.path.name == "0.png"]
    whole = (folder / "0.png").read_bytes()
    (folder / "0.png").write_bytes(whole[:300])
    result = index_gallery(gallery, backbone, "centre")
    assert (result.images, failed(result), result.missing) == (5, {"0.png": "truncated"}, 0)
    (folder / "0.png").write_bytes(whole)
    result = index_gallery(gallery, backbone, "centre")
    assert (result.images, result.failed) == (6, ())
    assert before in [one.id for one in gallery.images()]


def test_a_refused_file_is_tried_again_every_time(store: Store, gallery: Gallery, folder: Path,
                                                  backbone: TinyBackbone, monkeypatch: pytest.MonkeyPatch) -> None:
    opens = Path.open

    def refuse(path: Path, *args: object, **kwargs: object) -> object:  # root may read any file
        if path.name == "0.png":
            raise PermissionError(13, "Permission denied", str(path))
        return opens(path, *args, **kwargs)  # type: ignore[call-overload]

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        result = index_folder(gallery, folder, backbone, "centre")
    assert [(one.kind, one.reason) for one in result.failed] == [
        ("unreadable", "0.png cannot be read: Permission denied.")]
    assert counts(index_gallery(gallery, backbone, "centre")) == (1, 1, 5, 0, 0)


def test_files_that_vanish_or_change_while_being_read_are_no_failures(
        store: Store, gallery: Gallery, folder: Path, backbone: TinyBackbone,
        monkeypatch: pytest.MonkeyPatch) -> None:
    index_folder(gallery, folder / "sub", backbone, "centre")
    draw(folder / "sub" / "copy of 4.png", 40)
    read = images.read_looks

    def meddle(path: Path, *how: Any) -> tuple[images.Picture, np.ndarray]:
        picture = read(path, *how)
        if path.name in ("1.png", "copy of 4.png"):
            path.unlink()
        if path.name == "2.png":
            draw(path, 22)
        return picture

    with monkeypatch.context() as patch:
        patch.setattr(images, "read_looks", meddle)
        result = index_folder(gallery, folder, backbone, "centre")
    assert (counts(result), result.failed) == ((3, 2, 0, 0, 1), ())  # 4.png: a content that the store held
    assert {one.path.name for one in gallery.images()} == {"0.png", "3.png", "4.png"}
    assert counts(index_gallery(gallery, backbone, "centre")) == (1, 1, 3, 0, 0)


@pytest.mark.parametrize("name", [os.fsdecode(b"caf\xe9.png"), "שלום \u202eלעולם.png", "n" * 251 + ".png", "a\nb.png",
                                  "100%_'\";--.png"])
def test_odd_names(store: Store, gallery: Gallery, tmp_path: Path, backbone: TinyBackbone, name: str) -> None:
    top = tmp_path / f"in {name[:100]}"
    draw(top / name, 1)
    (top / f"x{name[1:]}").write_text("broken")
    index_folder(gallery, top, backbone, "centre")
    result = index_gallery(gallery, backbone, "centre")
    assert (counts(result), len(result.failed)) == ((0, 0, 1, 0, 0), 1)
    [record] = gallery.images()
    assert record.path == top / name
    assert record.path.is_file()
    assert gallery.filter_ids(Filter(name=name[:3], folder=top)).tolist() == [record.id]
    result.failed[0].reason.encode()


def test_a_folder_that_is_not_there_is_said_and_changes_nothing(store: Store, gallery: Gallery, folder: Path,
                                                                backbone: TinyBackbone, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no folder yet"):
        index_gallery(gallery, backbone, "centre")
    with pytest.raises(StoreError, match="cannot be reached") as raised:
        index_folder(gallery, tmp_path / "caf\udce9", backbone, "centre")
    str(raised.value).encode()
    assert store.gallery("Holidays").folders == ()
    index_folder(gallery, folder, backbone, "centre")
    folder.rename(tmp_path / "unplugged")
    with pytest.raises(StoreError, match="cannot be reached") as raised:
        index_gallery(gallery, backbone, "centre")
    assert raised.value.kind == "no_folder"
    assert (gallery.state().images, gallery.state().missing) == (6, 0)


def test_an_unplugged_drive_keeps_its_pictures_while_others_are_indexed(
        store: Store, gallery: Gallery, folder: Path, backbone: TinyBackbone, tmp_path: Path) -> None:
    drive = tmp_path / "drive"
    draw(drive / "a.png", 11)
    for one in (drive, folder):
        index_folder(gallery, one, backbone, "centre")
    drive.rename(tmp_path / "unplugged")
    draw(folder / "new.png", 12)
    result = index_gallery(gallery, backbone, "centre")
    assert (counts(result), result.images) == ((1, 1, 6, 0, 0), 8)
    assert failed(result) == {"drive": "folder"}
    (tmp_path / "unplugged").rename(drive)
    result = index_gallery(gallery, backbone, "centre")
    assert (counts(result), result.failed) == ((0, 0, 8, 0, 0), ())


def test_an_unreadable_subfolder_keeps_its_pictures(store: Store, gallery: Gallery, folder: Path,
                                                    backbone: TinyBackbone, monkeypatch: pytest.MonkeyPatch) -> None:
    index_folder(gallery, folder, backbone, "centre")
    look = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("sub"):
            raise PermissionError(13, "Permission denied", path)
        return look(path)

    monkeypatch.setattr(os, "scandir", refuse)
    result = index_gallery(gallery, backbone, "centre")
    assert (result.images, result.missing, failed(result)) == (6, 0, {"sub": "folder"})


def test_a_model_that_gives_nonsense_fails_the_picture_only(store: Store, gallery: Gallery,
                                                            folder: Path) -> None:
    class Nonsense(TinyBackbone):
        def encode_images(self, pixels: np.ndarray) -> np.ndarray:
            vectors = super().encode_images(pixels)
            vectors[0] = np.nan
            vectors[1] = 0
            return vectors

    result = index_folder(gallery, folder, Nonsense(), "centre")
    assert failed(result) == {"0.png": "no_embedding", "1.png": "no_embedding"}
    result = index_gallery(gallery, TinyBackbone(), "centre")
    assert (counts(result), result.failed) == ((2, 2, 4, 0, 0), ())


@pytest.fixture
def many(tmp_path: Path) -> Path:
    for number in range(100):
        draw(tmp_path / "many" / f"{number:03}.png", number)
    return tmp_path / "many"


def test_progress_counts_up_and_tells_the_pace(store: Store, gallery: Gallery, many: Path,
                                               backbone: TinyBackbone) -> None:
    told: list[Progress] = []
    index_folder(gallery, many, backbone, "centre", report=told.append)
    reading_steps = [progress for progress in told if progress.total]
    assert {progress.total for progress in reading_steps} == {100}
    done = [progress.done for progress in reading_steps]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, 100)
    rates = " ".join(progress.detail for progress in reading_steps)
    assert re.search(r"pictures/s, (about \d+ s left|almost done)", rates)
    assert backbone.batches == [32, 32, 32, 4]


def test_cancelled_work_is_kept_and_goes_on(store: Store, gallery: Gallery, many: Path,
                                            backbone: TinyBackbone) -> None:
    def cancel(progress: Progress) -> None:
        if progress.step is WorkStep.INDEXING and progress.done >= 32:
            raise JobCancelled

    threads = threading.active_count()
    with pytest.raises(JobCancelled):
        index_folder(gallery, many, backbone, "centre", report=cancel)
    assert threading.active_count() == threads
    assert gallery.state(backbone.fingerprint("centre").hash).indexed == backbone.seen == 32
    result = index_gallery(gallery, backbone, "centre")
    assert counts(result) == (68, 68, 32, 0, 0)
    assert backbone.seen == 100


def test_a_model_that_fails_keeps_what_was_stored(store: Store, gallery: Gallery, many: Path,
                                                  backbone: TinyBackbone, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(TinyBackbone):
        def encode_images(self, pixels: np.ndarray) -> np.ndarray:
            if self.seen >= 64:
                raise RuntimeError("out of memory on the device")
            return super().encode_images(pixels)

    with pytest.raises(RuntimeError, match="out of memory"):
        index_folder(gallery, many, Failing(), "centre")
    assert counts(index_gallery(gallery, backbone, "centre")) == (36, 36, 64, 0, 0)


def test_a_gallery_deleted_meanwhile_is_said(store: Store, gallery: Gallery, many: Path,
                                             backbone: TinyBackbone) -> None:
    def delete(progress: Progress) -> None:
        if progress.done >= 32 and store.galleries():
            gallery.delete()

    with pytest.raises(StoreError, match="was deleted") as raised:
        index_folder(gallery, many, backbone, "centre", report=delete)
    assert raised.value.kind == "no_gallery"


def test_a_relative_folder_with_a_home_sign_is_the_same_folder(
        store: Store, gallery: Gallery, folder: Path, backbone: TinyBackbone,
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.chdir(folder)
    for spelled in ("~/pictures", ".", "sub/..", str(folder)):
        index_folder(gallery, Path(spelled), backbone, "centre", report=silent)
    assert store.gallery("Holidays").folders == (folder,)
    assert backbone.seen == 5


def bad_text(path: Path) -> None:
    path.write_text("no picture")


def bad_pipe(path: Path) -> None:
    os.mkfifo(path)


def bad_loop(path: Path) -> None:
    path.symlink_to(path)


def bad_link(path: Path) -> None:
    path.symlink_to(path.parent / "nothing")


def bad_half(path: Path) -> None:
    path.write_bytes(draw(path.with_suffix(".whole"), 7).read_bytes()[:300])
    path.with_suffix(".whole").unlink()


def bad_strip(path: Path) -> None:
    """A header of 150 million by 1 pixels and no data."""
    header = struct.pack(">IIBBBBB", 150_000_000, 1, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)))


@pytest.mark.slow
@pytest.mark.parametrize("crop", images.CROPS)
@pytest.mark.parametrize("spoil", [bad_text, bad_pipe, bad_loop, bad_link, bad_half, bad_strip, Path.touch, Path.mkdir])
def test_one_bad_file_never_costs_the_nine_good_ones(store: Store, gallery: Gallery, backbone: TinyBackbone,
                                                     tmp_path: Path, spoil: Callable[[Path], None], crop: str) -> None:
    for number in range(9):
        draw(tmp_path / "ten" / f"{number}.png", number)
    spoil(tmp_path / "ten" / "5 bad.png")
    result = index_folder(gallery, tmp_path / "ten", backbone, crop)
    assert (result.images, result.indexed) == (9, 9)
    assert len(result.failed) <= 1


@pytest.mark.parametrize("year", [1901, 1969, 2106, 2400])
def test_a_file_of_any_year_is_indexed(store: Store, gallery: Gallery, backbone: TinyBackbone, folder: Path,
                                       year: int) -> None:
    odd = folder / "0.png"
    moment = int((datetime(year, 6, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    os.utime(odd, (moment, moment))
    assert index_folder(gallery, folder, backbone, "centre").images == 6
    assert index_folder(gallery, folder, backbone, "centre").unchanged == 6
    assert odd in {record.path for record in gallery.images()}


def test_a_file_that_the_disk_cannot_reach_just_now_is_listed(store: Store, gallery: Gallery, folder: Path,
                                                              backbone: TinyBackbone,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    known = reading.stamp_of

    def stale(path: str) -> FileStamp | None:
        if path.endswith("3.png"):
            raise OSError(errno.ESTALE, "Stale file handle")
        return known(path)

    monkeypatch.setattr(reading, "stamp_of", stale)
    result = index_folder(gallery, folder, backbone, "centre")
    assert (result.images, failed(result)) == (5, {"3.png": "unreadable"})
    monkeypatch.setattr(reading, "stamp_of", known)
    assert index_folder(gallery, folder, backbone, "centre").images == 6


@pytest.mark.parametrize("crop", images.CROPS)
def test_a_strip_of_a_million_pixels_is_indexed_under_every_crop(crop: str) -> None:
    strip = Image.new("RGB", (1_000_000, 1), (9, 200, 30))
    assert images.looks(strip, crop, 32).shape[1:] == (32, 32, 3)


def test_excluded_pictures_leave_at_the_next_run_and_come_back(store: Store, gallery: Gallery, folder: Path,
                                                               backbone: TinyBackbone) -> None:
    assert index_folder(gallery, folder, backbone, "centre").images == 6
    without = index_gallery(gallery, backbone, "centre", exclude=Exclusions(("sub", "3.*")))
    assert (without.images, without.missing, dict(without.excluded)) == (4, 2, {"sub": 1, "3.*": 1})
    assert index_gallery(gallery, backbone, "centre").images == 6


def test_single_pictures_are_indexed_again_and_taken_out(store: Store, gallery: Gallery, folder: Path,
                                                         backbone: TinyBackbone) -> None:
    for name in ("0.png", "1.png"):
        assert index_folder(gallery, folder / name, backbone, "centre").failed == ()
    again = index_gallery(gallery, backbone, "centre")
    assert (again.images, again.unchanged, again.indexed) == (2, 2, 0)
    assert store.gallery("Holidays").folders == (folder / "0.png", folder / "1.png")
    gallery.remove_folder(folder / "0.png")
    assert [record.path.name for record in gallery.images()] == ["1.png"]
    assert index_folder(gallery, folder, backbone, "centre").images == 6
    assert store.gallery("Holidays").folders == (folder,)
