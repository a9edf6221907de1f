"""Watching of real folders; every wait is for a condition."""

import errno
import queue
import shutil
import threading

import pytest
from PIL import Image
from watchdog.events import DirCreatedEvent, FileCreatedEvent, FileMovedEvent

from core.indexing import watch
from core.indexing.exclusions import Exclusions
from core.indexing.watch import FolderWatcher, file_system_of

PATIENCE = 20.0


@pytest.fixture
def told():
    return queue.Queue()


@pytest.fixture
def watcher(told):
    made = FolderWatcher(told.put, Exclusions.of("@eaDir; *_small.png"))
    yield made
    made.close()


def draw(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8)).save(path)


def drain(told, last, marker):
    """Everything told until the change that `marker` makes is told."""
    marker()
    seen = [told.get(timeout=PATIENCE)]
    while last not in seen:
        seen.append(told.get(timeout=PATIENCE))
    return seen


def test_new_changed_moved_and_deleted_pictures_are_told(watcher, told, tmp_path):
    assert watcher.watch([tmp_path]) == {}
    draw(tmp_path / "a.png")
    assert told.get(timeout=PATIENCE) == tmp_path
    assert watcher.last_event > 0
    for change in (lambda: draw(tmp_path / "a.png"), lambda: (tmp_path / "a.png").rename(tmp_path / "b.png"),
                   lambda: (tmp_path / "b.png").unlink(), lambda: draw(tmp_path / "deep" / "deeper" / "c.png"),
                   lambda: shutil.rmtree(tmp_path / "deep")):
        while not told.empty():
            told.get()
        change()
        assert told.get(timeout=PATIENCE) == tmp_path


@pytest.mark.parametrize("inside, is_folder, concerns", [
    ("a.png", False, True), ("deep/a.JPG", False, True), ("deep", True, True), ("", True, True),
    ("note.txt", False, False), (".hidden/a.png", False, False), ("@eaDir/b.png", False, False),
    ("@eaDir/deep/b.png", False, False), ("c_small.png", False, False), ("@eaDir", True, False)])
def test_pictures_and_folders_concern_it_unless_hidden_or_excluded(watcher, tmp_path, inside, is_folder, concerns):
    kind = DirCreatedEvent if is_folder else FileCreatedEvent
    assert watcher._concerns(tmp_path, kind(str(tmp_path / inside))) == concerns


def test_a_picture_that_is_moved_in_concerns_it(watcher, tmp_path):
    assert watcher._concerns(tmp_path, FileMovedEvent(str(tmp_path / ".part"), str(tmp_path / "a.png")))


def test_reading_a_picture_is_no_change(watcher, told, tmp_path):
    draw(tmp_path / "a" / "a.png")
    (tmp_path / "b").mkdir()
    watcher.watch([tmp_path / "a", tmp_path / "b"])
    (tmp_path / "a" / "a.png").read_bytes()
    assert set(drain(told, tmp_path / "b", lambda: draw(tmp_path / "b" / "b.png"))) == {tmp_path / "b"}


def test_a_folder_that_cannot_be_watched_is_named(watcher, tmp_path, monkeypatch):
    assert watcher.watch([tmp_path / "away"]) == {tmp_path / "away": "it cannot be reached"}
    monkeypatch.setattr(watch, "file_system_of", lambda folder: "nfs4")
    assert watcher.watch([tmp_path]) == {tmp_path: "it is on a network drive"}


@pytest.mark.parametrize("number, word", [(errno.ENOSPC, "max_user_watches"), (errno.EMFILE, "max_user_instances")])
def test_the_systems_limits_are_named(watcher, tmp_path, monkeypatch, number, word):
    from watchdog.observers import Observer

    def refuse(self, *args, **options):
        raise OSError(number, "no more")

    monkeypatch.setattr(Observer, "schedule", refuse)
    before = threading.active_count()
    refused = watcher.watch([tmp_path])
    assert word in refused[tmp_path]
    assert threading.active_count() == before


def test_a_folder_that_was_away_is_watched_again(watcher, told, tmp_path):
    folder = tmp_path / "drive"
    folder.mkdir()
    watcher.watch([folder])
    shutil.rmtree(folder)
    assert watcher.watch([folder]) == {folder: "it cannot be reached"}
    folder.mkdir()
    told.queue.clear()
    assert watcher.watch([folder]) == {}
    draw(folder / "a.png")
    assert told.get(timeout=PATIENCE) == folder


def test_no_thread_is_left(told, tmp_path):
    before = set(threading.enumerate())
    watcher = FolderWatcher(told.put)
    watcher.watch([tmp_path])
    assert set(threading.enumerate()) > before
    watcher.close()
    assert set(threading.enumerate()) == before


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path):
    mounts = tmp_path / "mountinfo"
    mounts.write_text("22 1 0:20 / / rw - ext4 /dev/sda rw\n"
                      f"23 22 0:21 / {tmp_path}/my\\040share rw shared:1 - nfs4 server:/x rw\n")
    (tmp_path / "my share" / "deep").mkdir(parents=True)
    assert file_system_of(tmp_path / "my share" / "deep", mounts) == "nfs4"
    assert file_system_of(tmp_path / "my", mounts) == "ext4"
    assert file_system_of(tmp_path, tmp_path / "nothing") == ""
