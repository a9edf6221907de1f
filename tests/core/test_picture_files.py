"""Copies of picture files in another folder."""

import pytest

from core.picture_files import copy_files
from core.progress import JobCancelled


def test_copies_keep_content_and_time_and_overwrite_nothing(tmp_path):
    first, second = tmp_path / "a" / "x.jpg", tmp_path / "b" / "x.jpg"
    for path in (first, second):
        path.parent.mkdir()
        path.write_bytes(str(path).encode())
    there = tmp_path / "there"
    there.mkdir()
    (there / "x.jpg").write_bytes(b"mine")
    done = copy_files([first, second, tmp_path / "gone.jpg"], there)
    assert (done.copied, len(done.failed)) == (2, 1) and "gone.jpg" in done.failed[0]
    assert {path.name: path.read_bytes() for path in there.iterdir()} == {
        "x.jpg": b"mine", "x (2).jpg": str(first).encode(), "x (3).jpg": str(second).encode()}
    assert (there / "x (2).jpg").stat().st_mtime == first.stat().st_mtime


def test_a_folder_that_is_not_there_fails_each_and_leaves_nothing(tmp_path):
    (tmp_path / "x.jpg").write_bytes(b"x")
    done = copy_files([tmp_path / "x.jpg"], tmp_path / "nowhere")
    assert done.copied == 0 and "could not be copied" in done.failed[0]


def test_it_stops_between_two_files(tmp_path):
    (tmp_path / "x.jpg").write_bytes(b"x")
    there = tmp_path / "there"
    there.mkdir()

    def stop(progress):
        if progress.done:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        copy_files([tmp_path / "x.jpg"] * 3, there, stop)
    assert [path.name for path in there.iterdir()] == ["x.jpg"]
