"""Watched folders without widgets: real folders, the real core with a backbone of the tests' own."""

import os
import shutil
import threading
import time

import pytest
from PIL import Image

from brewclip_app import tasks
from brewclip_app.context import Context
from brewclip_app.services import watching as service
from brewclip_app.widgets.new_pictures import NewPicturesButton
from core.indexing.changes import MANY_GONE, FolderChanges
from tests.brewclip_app.panels.library.fakes import Explorer

WAIT = 30_000
LONG_AGO = time.time() - 1000


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(service, "QUIET_S", 0.05)
    monkeypatch.setattr(service, "OTHERS_MS", 100)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "pictures"
    made.mkdir()
    for number in range(3):
        draw(made / f"{number}.png", number)
    return made


@pytest.fixture
def open_window(home, qtbot):
    opened = []

    def make(mode="ask", **settings):
        context = Context(home, Explorer(home))
        opened.append(context)
        context.change("watch.mode", mode)
        for key, value in settings.items():
            context.change(key.replace("_", ".", 1), value)
        return context

    yield make
    for context in opened:
        assert context.jobs.shutdown(20)
        context.close()


@pytest.fixture
def window(open_window):
    return open_window()


def draw(path, number=0, changed=LONG_AGO):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30), (50 * number % 255, 90, 120)).save(path)
    os.utime(path, (changed, changed))


def fill(context, qtbot, folder, gallery="Holiday"):
    context.indexing.start(gallery, folder)
    qtbot.waitUntil(lambda: gallery in context.indexing.state.results, timeout=WAIT)
    settle(context, qtbot)


def settle(context, qtbot):
    qtbot.waitUntil(lambda: context.jobs.is_idle() and tasks.is_idle(), timeout=WAIT)


def start(context, qtbot):
    """Start watching, and wait until every folder was compared once."""
    context.watching.start()
    qtbot.waitUntil(lambda: set(context.watching.state.changes) == {
        gallery.name for gallery in context.explorer.store.galleries() if gallery.folders}, timeout=WAIT)


def words(context, gallery="Holiday"):
    return context.watching.state.words(gallery)


def test_pictures_that_come_go_and_change_are_offered(window, qtbot, folder):
    fill(window, qtbot, folder)
    start(window, qtbot)
    assert words(window) == ""
    draw(folder / "new" / "a.png", 7)
    qtbot.waitUntil(lambda: words(window) == "1 new picture", timeout=WAIT)
    draw(folder / "new" / "b.png", 8)
    qtbot.waitUntil(lambda: words(window) == "2 new pictures", timeout=WAIT)
    (folder / "0.png").unlink()
    draw(folder / "1.png", 9, LONG_AGO + 7)
    qtbot.waitUntil(lambda: words(window) == "2 new, 1 changed, 1 gone", timeout=WAIT)
    assert window.explorer.gallery("Holiday").state().images == 3  # nothing was added unasked


def test_what_came_while_the_window_was_closed_is_offered_at_the_start(window, qtbot, folder):
    fill(window, qtbot, folder)
    draw(folder / "a.png", 7)
    start(window, qtbot)
    assert words(window) == "1 new picture"


def test_the_button_adds_them_and_goes(window, qtbot, folder):
    fill(window, qtbot, folder)
    start(window, qtbot)
    button = NewPicturesButton(window)
    qtbot.addWidget(button)
    assert button.isHidden()
    draw(folder / "a.png", 7)
    qtbot.waitUntil(lambda: not button.isHidden(), timeout=WAIT)
    assert button.text() == "1 new picture · Add"
    button.click()
    assert button.isHidden()  # while it is being indexed
    qtbot.waitUntil(lambda: not window.watching.state.changes["Holiday"] and not window.indexing.state.running,
                    timeout=WAIT)
    assert window.explorer.gallery("Holiday").state().images == 4
    button.set_gallery("another")
    assert button.isHidden()


def test_they_add_themselves_where_the_setting_says_so(open_window, qtbot, folder):
    window = open_window("auto")
    fill(window, qtbot, folder)
    start(window, qtbot)
    draw(folder / "a.png", 7)
    qtbot.waitUntil(lambda: window.explorer.gallery("Holiday").state().images == 4, timeout=WAIT)
    (folder / "0.png").unlink()
    qtbot.waitUntil(lambda: window.explorer.gallery("Holiday").state().images == 3, timeout=WAIT)


def test_exclusions_hold(open_window, qtbot, folder):
    window = open_window(images_exclude="skipped")
    fill(window, qtbot, folder)
    start(window, qtbot)
    draw(folder / "skipped" / "a.png", 7)
    draw(folder / "b.png", 8)
    qtbot.waitUntil(lambda: words(window) == "1 new picture", timeout=WAIT)


def test_nothing_is_added_unasked_under_another_model_or_after_a_stop(open_window, qtbot, folder):
    window = open_window("auto")
    fill(window, qtbot, folder)
    window.explorer.model.name = "another"
    draw(folder / "a.png", 7)
    start(window, qtbot)
    assert words(window) == "1 new picture"
    settle(window, qtbot)
    assert not window.indexing.state.running
    assert window.explorer.gallery("Holiday").state().images == 3


def test_many_that_are_gone_are_not_dropped_unasked(open_window, qtbot, folder):
    window = open_window("auto")
    for number in range(MANY_GONE):
        draw(folder / "drive" / f"{number}.png", number)
    fill(window, qtbot, folder)
    start(window, qtbot)
    shutil.rmtree(folder / "drive")
    qtbot.waitUntil(lambda: words(window) == f"{MANY_GONE} pictures are gone", timeout=WAIT)
    settle(window, qtbot)
    assert window.explorer.gallery("Holiday").state().images == MANY_GONE + 3


def test_a_drive_that_goes_away_changes_nothing(open_window, qtbot, folder):
    window = open_window("auto")
    fill(window, qtbot, folder)
    start(window, qtbot)
    shutil.rmtree(folder)
    qtbot.waitUntil(lambda: window.watching.state.changes["Holiday"].away == (folder,), timeout=WAIT)
    assert words(window) == ""
    assert window.explorer.gallery("Holiday").state().images == 3


def test_a_folder_that_cannot_be_watched_is_compared_at_the_start(window, qtbot, folder, monkeypatch):
    monkeypatch.setattr("core.indexing.watch.file_system_of", lambda folder: "nfs")
    fill(window, qtbot, folder)
    draw(folder / "a.png", 7)
    start(window, qtbot)
    assert words(window) == "1 new picture"
    assert window.watching.state.unwatched == {folder: "it is on a network drive"}
    draw(folder / "b.png", 8)
    window.watching._every.timeout.emit()  # as after the minutes of the setting
    qtbot.waitUntil(lambda: words(window) == "2 new pictures", timeout=WAIT)


def test_of_two_windows_one_adds_and_the_other_follows(open_window, qtbot, folder):
    first, second = open_window("auto"), open_window("auto")
    fill(first, qtbot, folder)
    first.watching._lock.acquire()
    start(first, qtbot)
    start(second, qtbot)
    began = []
    second.indexing.changed.connect(lambda state: began.extend(state.running))
    draw(folder / "a.png", 7)
    qtbot.waitUntil(lambda: first.explorer.gallery("Holiday").state().images == 4, timeout=WAIT)
    qtbot.waitUntil(lambda: not any(second.watching.state.changes.values()), timeout=WAIT)
    assert not began


def test_a_window_takes_over_when_the_other_closes(open_window, qtbot, folder):
    first, second = open_window("ask"), open_window("auto")
    fill(first, qtbot, folder)
    first.watching._lock.acquire()
    start(second, qtbot)
    draw(folder / "a.png", 7)
    qtbot.waitUntil(lambda: words(second) == "1 new picture", timeout=WAIT)
    settle(second, qtbot)
    first.watching.close()
    qtbot.waitUntil(lambda: second.explorer.gallery("Holiday").state().images == 4, timeout=WAIT)


def test_switched_off_nothing_is_watched_and_no_thread_is_left(open_window, qtbot, folder):
    window = open_window("ask")
    fill(window, qtbot, folder)
    before = set(threading.enumerate())
    start(window, qtbot)
    settle(window, qtbot)
    window.change("watch.mode", "off")
    settle(window, qtbot)
    assert window.watching.state.changes == {}
    assert {thread for thread in set(threading.enumerate()) - before if "brewclip-job" not in thread.name} == set()
    window.change("watch.mode", "ask")
    draw(folder / "a.png", 7)
    qtbot.waitUntil(lambda: words(window) == "1 new picture", timeout=WAIT)
    settle(window, qtbot)
    window.watching.close()
    assert {thread for thread in set(threading.enumerate()) - before if "brewclip-job" not in thread.name} == set()


@pytest.mark.parametrize("changes, expected", [
    (FolderChanges(), ""), (FolderChanges(new=1), "1 new picture"), (FolderChanges(changed=3), "3 changed pictures"),
    (FolderChanges(gone=1), "1 picture is gone"), (FolderChanges(new=1, gone=2), "1 new, 2 gone")])
def test_changes_in_words(changes, expected):
    assert service.WatchingState({"a": changes}).words("a") == expected
