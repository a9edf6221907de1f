"""Small pictures: made on threads, kept on disk and in memory, and what becomes of files that are gone."""

import logging
import os
import sys

import pytest
from PIL import Image

from brewclip_app.application import PrivateLog
from brewclip_app.state import WindowState
from brewclip_app.thumbnails import GONE, SIDES, UNREADABLE, Thumbnails, key_of, make, record_of, to_qimage


@pytest.fixture
def thumbnails(tmp_path, qapp):
    made = Thumbnails(tmp_path / "cache")
    yield made
    made.close()


def wait_for(qtbot, thumbnails, image, pixels=150):
    with qtbot.waitSignal(thumbnails.ready, check_params_cb=lambda which: which == image.id):
        assert thumbnails.get(image, pixels) is None, "never made on the window's thread"
    return thumbnails.get(image, pixels)


def test_a_picture_comes_whole_and_in_its_shape(qtbot, thumbnails, make_hit, pictures):
    found = wait_for(qtbot, thumbnails, make_hit(2, pictures[1]).image)
    assert found.problem == "" and (found.pixmap.width(), found.pixmap.height()) == (SIDES[0], SIDES[0] // 2)


def test_the_next_larger_side_is_made(make_hit, pictures):
    image = make_hit(1, pictures[0]).image
    assert key_of(image, 193)[1] == SIDES[1] and key_of(image, 99_999)[1] == SIDES[-1]


def test_the_second_time_it_comes_from_the_disk(tmp_path, make_hit, pictures, monkeypatch):
    image = make_hit(1, pictures[0]).image
    make(image, 192, tmp_path)
    monkeypatch.setattr("core.images.read", lambda *_, **__: pytest.fail("decoded again"))
    picture, problem = make(image, 192, tmp_path)
    assert problem == "" and picture.width() == 192


def test_a_damaged_cache_is_made_again(tmp_path, make_hit, pictures):
    image = make_hit(1, pictures[0]).image
    make(image, 192, tmp_path)
    [cached] = tmp_path.glob("*/*-192.jpg")
    cached.write_bytes(b"nonsense")
    assert make(image, 192, tmp_path)[1] == ""


def test_a_file_that_is_gone_is_said_even_when_cached(tmp_path, make_hit, pictures):
    image = make_hit(1, pictures[0]).image
    make(image, 192, tmp_path)
    pictures[0].unlink()
    assert make(image, 192, tmp_path) == (None, GONE)


def test_a_broken_file_is_said(qtbot, thumbnails, make_hit, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff nothing")
    assert wait_for(qtbot, thumbnails, make_hit(1, broken).image).problem == UNREADABLE


def test_a_cache_that_cannot_be_written_costs_nothing(tmp_path, make_hit, pictures):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert make(make_hit(1, pictures[0]).image, 192, blocked)[1] == ""


def test_memory_is_bounded(qtbot, thumbnails, make_hit, pictures, monkeypatch):
    monkeypatch.setattr("brewclip_app.thumbnails.MEMORY", 1000)
    for rank, path in enumerate(pictures, 1):
        wait_for(qtbot, thumbnails, make_hit(rank, path).image)
    assert len(thumbnails._cache) == 1


def test_only_the_newest_requests_are_kept(qtbot, tmp_path, make_hit, monkeypatch):
    monkeypatch.setattr("brewclip_app.thumbnails.WAITING", 5)
    thumbnails = Thumbnails(tmp_path)
    monkeypatch.setattr(thumbnails._pool, "submit", lambda work: None)
    for rank in range(1, 21):
        thumbnails.get(make_hit(rank).image, 100)
    assert [image.id for image in thumbnails._requests.values()] == [16, 17, 18, 19, 20]
    thumbnails.close()


def test_until_the_large_one_comes_the_small_one_serves(qtbot, thumbnails, make_hit, pictures):
    image = make_hit(1, pictures[0]).image
    assert thumbnails.best_now(image) is None
    small = wait_for(qtbot, thumbnails, image)
    assert thumbnails.best_now(image) is small
    thumbnails.forget()
    assert thumbnails.best_now(image) is None


def test_files_outside_galleries_have_thumbnails_too(qtbot, thumbnails, pictures):
    assert wait_for(qtbot, thumbnails, record_of(pictures[2])).pixmap is not None


def test_colours_survive(qapp):
    picture = to_qimage(Image.new("RGB", (3, 2), (200, 100, 50)))
    assert (picture.width(), picture.height()) == (3, 2)
    assert picture.pixelColor(2, 1).getRgb()[:3] == (200, 100, 50)


def test_after_closing_nothing_more_is_made(thumbnails, make_hit, pictures):
    thumbnails.close()
    assert thumbnails.get(make_hit(1, pictures[0]).image, 100) is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_all_that_the_window_writes_into_a_new_home_is_its_owners_alone(home, make_hit, pictures, qapp):
    before = os.umask(0o022)
    try:
        home.protect()
        make(make_hit(1, pictures[0]).image, 192, home.caches / "thumbnails")
        state = WindowState(home)
        state.set("size", [1, 2])
        state.save()
        state.set("size", [3, 4])
        state.save()
        log = PrivateLog(home.root / "brewclip-app.log", maxBytes=100, backupCount=2, delay=True)
        for _ in range(3):  # so that it begins another file
            log.emit(logging.LogRecord("test", logging.WARNING, "", 0, "x" * 80, (), None))
        log.close()
    finally:
        os.umask(before)
    written = [path for path in home.root.rglob("*") if path.is_file()]
    assert len(written) >= 5, written
    assert [path.name for path in (home.root, *home.root.rglob("*")) if path.stat().st_mode & 0o077] == []
    assert WindowState(home).get("size") == [3, 4]
