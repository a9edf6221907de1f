"""Spare files to the bin: real files, links, and changes since they were indexed."""

import os
from pathlib import Path

import pytest

from core.duplicates.clearing import GroupChoice, clear
from core.duplicates.find import find_duplicates, known_duplicates
from core.galleries.removal import BinResult


@pytest.fixture
def bin_folder(tmp_path):
    made = tmp_path / "bin"
    made.mkdir()
    return made


def record(drawn, path):
    drawn.record(path, 1, (360, 240))
    return path


def paths(duplicates):
    return [[image.path for image in group.images] for group in duplicates.groups]


def image(drawn, path):
    return next(image for image in drawn.gallery.images() if image.path == path)


def choice(drawn, kept, *spare):
    return GroupChoice(image(drawn, kept), tuple(image(drawn, path) for path in spare))


def bin_of(folder):
    return lambda path: Path(path).rename(folder / path.name)


def cleared(drawn, bin_folder, *choices):
    """What was binned, how many files were left, and what is said of each."""
    result = clear(drawn.gallery, choices, bin_of(bin_folder))
    assert isinstance(result.result, BinResult)
    return [one.image.path.name for one in result.result.binned], result.left, result.result.failed


def pair(drawn, number=1):
    first = drawn.add(f"{number} first.png", number)
    return first, drawn.copy(first, f"{number} second.png", number)


def linked(drawn, tmp_path):
    """A picture with a link of a shorter path: it would be the best."""
    real = drawn.add("a long name.png", 1)
    link = drawn.folder / "a.png"
    link.symlink_to(real)
    return real, record(drawn, link)


def aliased(drawn, tmp_path):
    """A picture in a folder that is indexed under a shorter link too."""
    real = drawn.add("a folder/one.png", 1)
    (drawn.folder / "z").symlink_to(real.parent)
    return real, record(drawn, drawn.folder / "z/one.png")


def hard_linked(drawn, tmp_path):
    """A picture with two names."""
    real = drawn.add("one.png", 1)
    os.link(real, drawn.folder / "another.png")
    return real, record(drawn, drawn.folder / "another.png")


@pytest.mark.parametrize("make", [linked, aliased, hard_linked])
def test_several_paths_of_one_file_are_no_duplicates(drawn, home, tmp_path, bin_folder, make):
    real, other = make(drawn, tmp_path)
    for near in (False, True):
        assert find_duplicates(drawn.gallery, home.caches, near=near).groups == ()
    assert known_duplicates(drawn.gallery, home.caches).groups == ()
    copy = drawn.copy(real, "quite another copy.png", 1)
    found = find_duplicates(drawn.gallery, home.caches)
    assert sorted(paths(found)[0]) == sorted([real, copy])
    assert found.spare_bytes == real.stat().st_size
    for kept, spare in ((real, other), (other, real)):
        binned, left, (said,) = cleared(drawn, bin_folder, choice(drawn, kept, spare))
        assert (binned, left) == ([], 1)
        assert "the same file" in said
    assert real.exists()
    assert other.exists()
    assert len(list(drawn.gallery.images())) == 3  # what is left is still in the gallery


def test_spare_files_go_while_they_and_the_kept_one_are_as_indexed(drawn, bin_folder):
    first, second = pair(drawn)
    small = drawn.add("small.png", 1, lambda picture: picture.resize((240, 160)))
    assert cleared(drawn, bin_folder, choice(drawn, first, second, small)) == (["1 second.png", "small.png"], 0, ())
    assert [one.path for one in drawn.gallery.images()] == [first]


def deleted(path):
    path.unlink()


def edited(path):
    path.write_bytes(path.read_bytes() + b"more")


def edited_in_secret(path):
    """Other bytes of the same size and time."""
    status = path.stat()
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def touched(path):
    os.utime(path, (1, 1))


def dangling(path):
    path.unlink()
    path.symlink_to("nowhere")


def a_folder(path):
    path.unlink()
    path.mkdir()


CHANGES = [edited, edited_in_secret, touched, dangling, a_folder]


@pytest.mark.parametrize("change", [deleted, *CHANGES])
def test_without_the_kept_file_as_it_was_indexed_nothing_goes(drawn, bin_folder, change):
    first, second = pair(drawn)
    small = drawn.add("small.png", 1, lambda picture: picture.resize((240, 160)))
    one, two = pair(drawn, 2)
    chosen = [choice(drawn, first, second, small), choice(drawn, one, two)]
    change(first)
    binned, left, said = cleared(drawn, bin_folder, *chosen)
    assert (binned, left) == (["2 second.png"], 2)
    assert all("the one to keep, 1 first.png, changed" in words for words in said)
    assert second.exists()
    assert small.exists()
    assert one.exists()


@pytest.mark.parametrize("change", CHANGES)
def test_a_spare_file_that_changed_is_left(drawn, bin_folder, change):
    first, second = pair(drawn)
    third = drawn.copy(first, "third.png", 1)
    chosen = choice(drawn, first, second, third)
    change(second)
    binned, left, (said,) = cleared(drawn, bin_folder, chosen)
    assert (binned, left) == (["third.png"], 1)
    assert said == "1 second.png stays where it is: it changed since it was indexed."
    assert os.path.lexists(second)


def test_the_kept_file_is_looked_at_before_each(drawn, bin_folder):
    first, second = pair(drawn)
    third = drawn.copy(first, "third.png", 1)
    moved = []

    def move(path):
        moved.append(path.name)
        first.unlink(missing_ok=True)
        return path.rename(bin_folder / path.name)

    result = clear(drawn.gallery, [choice(drawn, first, second, third)], move)
    assert (moved, result.left) == (["1 second.png"], 1)
    assert third.exists()


def test_two_jobs_that_keep_each_others_spare_file_leave_one(drawn, bin_folder):
    first, second = pair(drawn)
    one, other = choice(drawn, first, second), choice(drawn, second, first)
    assert cleared(drawn, bin_folder, one)[:2] == (["1 second.png"], 0)
    assert cleared(drawn, bin_folder, other)[:2] == ([], 1)
    assert first.exists()
