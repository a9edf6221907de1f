"""Copies of picture files in another folder."""

import errno
import os
from pathlib import Path

import pytest

from core import picture_files
from core.errors import ImageError
from core.picture_files import CHUNK, Clash, CopiedFiles, copy_files, plan_copy
from core.progress import JobCancelled, Progress
from core.store.records import ImageRecord


def make(path: Path, content: bytes | None = None) -> ImageRecord:
    """A file of an old time, and its record."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(str(path).encode() if content is None else content)
    os.utime(path, (1_600_000_000.5, 1_500_000_000.25))
    return record(path, path.stat().st_size)


def record(path: Path, size: int = 1) -> ImageRecord:
    return ImageRecord(0, path, 1, 1, size, 1_500_000_000.25, None, (), "00")


@pytest.fixture
def there(tmp_path: Path) -> Path:
    (tmp_path / "there").mkdir()
    return tmp_path / "there"


@pytest.fixture
def two(tmp_path: Path, there: Path) -> list[ImageRecord]:
    """Two pictures of one name, which is taken in the folder."""
    (there / "x.jpg").write_bytes(b"mine")
    return [make(tmp_path / part / "x.jpg") for part in ("a", "b")]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def content(image: ImageRecord) -> bytes:
    return image.path.read_bytes()


def test_copies_keep_content_and_time_and_overwrite_nothing(two: list[ImageRecord], there: Path) -> None:
    plan = plan_copy([*two, record(there.parent / "gone.jpg")], there)
    assert plan.clashes == 1
    done = copy_files(plan)
    assert (done.copied, done.skipped, len(done.failed)) == (2, 0, 1) and "gone.jpg" in done.failed[0]
    assert contents(there) == {"x.jpg": b"mine", "x (2).jpg": content(two[0]), "x (3).jpg": content(two[1])}
    assert (there / "x (2).jpg").stat().st_mtime == 1_500_000_000.25


def test_replacing_keeps_both_of_ones_own(two: list[ImageRecord], there: Path) -> None:
    done = copy_files(plan_copy(two, there), "replace")
    assert (done.copied, done.skipped, done.failed) == (2, 0, ())
    assert contents(there) == {"x.jpg": content(two[0]), "x (2).jpg": content(two[1])}


@pytest.mark.parametrize("clash", ["keep", "replace", "skip"])
def test_a_picture_that_was_chosen_too_is_never_replaced(clash: Clash, tmp_path: Path) -> None:
    here, other = make(tmp_path / "b" / "x.jpg"), make(tmp_path / "a" / "x.jpg")
    both = {content(here), content(other)}
    done = copy_files(plan_copy([other, here], tmp_path / "b"), clash)
    assert here.path.read_bytes() == str(here.path).encode(), "the original"
    assert both <= set(contents(tmp_path / "b").values()) and not done.failed


def test_skipping_leaves_what_is_there(two: list[ImageRecord], there: Path) -> None:
    other = make(there.parent / "a" / "y.jpg")
    done = copy_files(plan_copy([*two, other], there), "skip")
    assert (done.copied, done.skipped) == (1, 2)
    assert contents(there) == {"x.jpg": b"mine", "y.jpg": content(other)}


def test_a_picture_that_is_in_the_folder_already_is_no_clash(there: Path) -> None:
    image = make(there / "x.jpg")
    plan = plan_copy([image], there)
    assert plan.clashes == 0
    assert copy_files(plan, "replace") == CopiedFiles(there, 0, 1, ())
    assert contents(there) == {"x.jpg": content(image)}


@pytest.mark.parametrize("name", ["n" * 251 + ".jpg", "ä" * 125 + "n.jpg", "\U0001f600" * 62 + ".jpg"])
def test_names_of_255_bytes(name: str, there: Path) -> None:
    images = [make(there.parent / part / name) for part in ("a", "b")]
    done = copy_files(plan_copy(images, there))
    assert done.copied == 2 and not done.failed
    made = contents(there)
    assert made.pop(name) == content(images[0])
    [other] = made
    assert len(os.fsencode(other)) <= 255 and other.endswith(".jpg") and made[other] == content(images[1])


def test_a_name_that_is_no_utf8(there: Path) -> None:
    image = make(there.parent / "caf\udce9.jpg", b"x")
    other = make(there.parent / "caf\udcea.jpg", b"y")
    plain = make(there.parent / "café.jpg", b"z")
    result = copy_files(plan_copy([image, other, plain], there))
    assert (result.copied, result.renamed, result.failed) == (3, 2, ())
    names = contents(there)
    assert sorted(names.values()) == [b"x", b"y", b"z"] and names["café.jpg"] == b"z"
    assert all(name.encode() for name in names), "other programs can read these"


def test_a_folder_that_cannot_be_written_to_is_refused_before(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = make(there.parent / "x.jpg")
    with pytest.raises(ImageError) as raised:
        plan_copy([image], there / "nowhere")
    assert raised.value.kind == "no_folder"

    def refuse(**named: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(picture_files.tempfile, "TemporaryFile", refuse)
    with pytest.raises(ImageError, match="Read-only file system") as raised:
        plan_copy([image], there)
    assert raised.value.kind == "read_only"


def test_too_little_room_is_told_before(there: Path) -> None:
    with pytest.raises(ImageError, match="take 9000000000") as raised:
        plan_copy([record(there.parent / "x.jpg", 9 * 10 ** 18)], there)
    assert raised.value.kind == "disk_full"
    assert contents(there) == {}


def test_a_disk_that_becomes_full_ends_it_and_leaves_no_part(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = [make(there.parent / f"{number}.jpg") for number in range(4)]
    publish = picture_files._publish

    def full(staged: Path, target: Path) -> None:
        if target.name == "1.jpg":
            raise OSError(errno.ENOSPC, "No space left on device")
        publish(staged, target)

    monkeypatch.setattr(picture_files, "_publish", full)
    done = copy_files(plan_copy(images, there))
    assert done.copied == 1 and list(contents(there)) == ["0.jpg"]
    assert done.failed == ("1.jpg could not be copied: No space left on device.",
                           "2 more were not copied, since the disk is full.")


def test_cancelled_within_a_file_it_leaves_no_part_of_it(there: Path) -> None:
    images = [make(there.parent / f"{number}.jpg", bytes(3 * CHUNK)) for number in range(3)]
    seen: list[Progress] = []

    def stop(progress: Progress) -> None:
        seen.append(progress)
        assert len(contents(there)) <= progress.done + 1
        if progress.done and progress.share is not None and progress.share > 0.5:
            raise JobCancelled

    done = copy_files(plan_copy(images, there), report=stop)
    assert done == CopiedFiles(there, 1, 0, (), stopped=True)
    assert list(contents(there)) == ["0.jpg"]
    shares = [progress.share or 0 for progress in seen]
    assert shares == sorted(shares) and (seen[-1].done, seen[-1].total) == (1, 3)


def test_file_systems_without_links(there: Path) -> None:
    def refuse(*paths: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    staged = there / "part"
    staged.write_bytes(b"x")
    picture_files._publish(staged, there / "x.jpg", refuse)
    assert contents(there) == {"x.jpg": b"x"}


def test_thousands(there: Path) -> None:
    images = [make(there.parent / f"{number % 7}" / f"{number // 7}.jpg", b"%d" % number) for number in range(2100)]
    done = copy_files(plan_copy(images, there))
    assert done.copied == 2100 and set(contents(there).values()) == {b"%d" % number for number in range(2100)}
