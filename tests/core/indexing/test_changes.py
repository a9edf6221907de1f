"""What is new, changed and gone in a gallery's folders, without reading a picture."""

import os
import shutil
import time

import numpy as np
import pytest
from PIL import Image

from core.fingerprint import Fingerprint
from core.galleries.backends import open_gallery
from core.indexing.changes import MANY_GONE, SETTLED_S, pending_changes
from core.indexing.exclusions import Exclusions
from core.store.file_stamps import stamp_of
from core.store.records import DecodedImageFacts, FailedEntry, IndexedFile
from core.store.store import Store

FINGERPRINT = Fingerprint.of({"backbone": "none"})
LONG_AGO = time.time() - 1000


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "pictures"
    made.mkdir()
    return made


@pytest.fixture
def gallery(home, folder):
    store = Store.open(home.store)
    opened = open_gallery(store, "watched", create=True)
    opened.add_folder(folder)
    yield opened
    store.close()


def draw(path, colour="red", changed=LONG_AGO):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), colour).save(path)
    os.utime(path, (changed, changed))
    return path


def index(gallery, *paths):
    gallery.record(FINGERPRINT, [IndexedFile(
        str(path), stamp_of(str(path)), os.urandom(32), DecodedImageFacts(8, 8, None),
        np.ones(4, np.float32) / 2) for path in paths])


def counts(changes):
    return changes.new, changes.changed, changes.gone, changes.settling


def test_nothing_has_changed(gallery, folder):
    index(gallery, draw(folder / "a.png"), draw(folder / "deep" / "b.png"))
    assert not pending_changes(gallery)


def test_new_changed_and_gone_pictures_are_counted(gallery, folder):
    a, b, c = (draw(folder / name) for name in ("a.png", "b.png", "c.png"))
    index(gallery, a, b, c)
    a.unlink()
    draw(b, "blue", LONG_AGO + 5)
    draw(folder / "new" / "d.png")
    (folder / "note.txt").write_text("no picture")
    assert counts(pending_changes(gallery)) == (1, 1, 1, 0)


def test_a_picture_that_is_back_is_new(gallery, folder):
    index(gallery, draw(folder / "a.png"), draw(folder / "b.png"))
    gallery.mark([gallery.images()[0].id], missing=True)
    assert counts(pending_changes(gallery)) == (1, 0, 0, 0)


def test_excluded_and_hidden_pictures_are_not(gallery, folder):
    draw(folder / "@eaDir" / "small.png")
    draw(folder / ".hidden" / "b.png")
    draw(folder / "c_small.png")
    assert counts(pending_changes(gallery, Exclusions.of("@eaDir; *_small.png"))) == (0, 0, 0, 0)


def test_a_file_that_may_be_half_written_is_waited_for(gallery, folder):
    draw(folder / "a.png", changed=time.time())
    (folder / "empty.png").touch()
    assert counts(pending_changes(gallery)) == (0, 0, 0, 2)
    assert counts(pending_changes(gallery, now=time.time() + 2 * SETTLED_S)) == (2, 0, 0, 0)


def test_a_clock_that_is_ahead_delays_nothing_for_ever(gallery, folder):
    draw(folder / "a.png", changed=time.time() + 86_400)
    assert counts(pending_changes(gallery)) == (1, 0, 0, 0)


def test_a_file_that_failed_is_no_change_until_it_changes(gallery, folder):
    path = draw(folder / "broken.png")
    gallery.record(FINGERPRINT, [], [FailedEntry(str(path), stamp_of(str(path)), "truncated", "It is cut off.", 120)])
    assert not pending_changes(gallery)
    draw(path, "blue", LONG_AGO + 5)
    assert counts(pending_changes(gallery)) == (1, 0, 0, 0)


@pytest.mark.parametrize("vanish", [lambda folder: shutil.rmtree(folder),
                                    lambda folder: (shutil.rmtree(folder), folder.mkdir())])
def test_pictures_of_a_drive_that_is_away_are_not_gone(gallery, folder, vanish):
    """Neither where its folder is gone, nor where an empty mount point is left."""
    index(gallery, draw(folder / "a.png"), draw(folder / "b.png"))
    vanish(folder)
    changes = pending_changes(gallery)
    assert not changes
    assert changes.away == (folder,)


def test_many_that_are_gone_at_once_are_for_a_person_to_judge(gallery, folder):
    paths = [draw(folder / "inner" / f"{number}.png") for number in range(MANY_GONE)]
    index(gallery, *paths, draw(folder / "a.png"))
    paths[0].unlink()
    assert not pending_changes(gallery).many_gone
    shutil.rmtree(folder / "inner")
    changes = pending_changes(gallery)
    assert (changes.gone, changes.many_gone) == (MANY_GONE, True)


def test_other_changes_have_another_digest(gallery, folder):
    draw(folder / "a.png")
    first = pending_changes(gallery).digest
    assert pending_changes(gallery).digest == first
    draw(folder / "a.png", "blue", LONG_AGO + 9)
    assert pending_changes(gallery).digest != first
