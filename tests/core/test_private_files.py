"""Files that their owner alone may read, and files that are replaced whole or not at all."""

import os
import stat
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import audio, demo, private_files, settings, weights
from core.explorer import Explorer
from core.features.content_hashes import Digests
from core.galleries import address_book
from core.home import Home, is_own
from core.models import checkpoints
from core.search.terms import QueryTerm
from core.settings import Settings
from core.training import runs
from core.training.recipe import Recipe
from core.training.run_folder import RunFolder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")


def rights(path):
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_a_new_home_is_its_owners_alone(tmp_path, usual_umask):
    home = Home(tmp_path / "deep" / "home")
    home.protect()
    assert rights(home.root) == 0o700


def test_an_open_home_of_an_earlier_release_is_closed_with_all_that_is_in_it(tmp_path, usual_umask):
    home, outside = Home(tmp_path / "home"), tmp_path / "outside.txt"
    outside.write_text("not of the home")
    home.recordings.mkdir(parents=True)
    (home.recordings / "voice.flac").write_bytes(b"voice")
    (home.recordings / "link").symlink_to(outside)
    home.store.write_bytes(b"")
    home.protect()
    assert [rights(path) for path in (home.root, home.recordings)] == [0o700, 0o700]
    assert [rights(path) for path in (home.recordings / "voice.flac", home.store)] == [0o600, 0o600]
    assert rights(outside) == 0o644, "what a link leads to is not of the home"


def test_a_home_without_rights_to_change_is_no_error(tmp_path, monkeypatch):
    home = Home(tmp_path / "home")
    home.root.mkdir(mode=0o755)

    def refuse(*_, **__):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("pathlib.Path.chmod", refuse)
    home.protect()
    (tmp_path / "file").write_text("")
    Home(tmp_path / "file" / "home").protect()


def test_a_store_and_its_journal_are_their_owners_alone(tmp_path, usual_umask):
    home = Home(tmp_path / "home")
    explorer = Explorer(home, Settings())
    explorer.store.create_gallery("one")
    found = {path.name: rights(path) for path in home.root.glob("store.sqlite*")}
    assert len(found) >= 3 and set(found.values()) == {0o600}
    explorer.close()


def others_may_read(folder):
    """Names of what lies in a folder, itself included, that others than its owner have rights to."""
    return sorted(str(path.relative_to(folder)) for path in (folder, *folder.rglob("*"))
                  if not path.is_symlink() and rights(path) & private_files.OTHERS)


@pytest.mark.slow
def test_all_that_the_core_writes_into_a_new_home_is_its_owners_alone(tmp_path, usual_umask):
    """Opened directly, as a library would: nobody called `Home.protect`."""
    home = Home(tmp_path / "data" / "home")
    explorer = Explorer(home, Settings())
    demo.write_pictures(home.demo)
    explorer.index(home.demo, "demo")
    hits = explorer.search("demo", [QueryTerm("text", "a red square")])
    explorer.remember(replace(hits, utterance=audio.from_samples(np.sin(np.arange(16_000) * 0.1), 16_000)))
    settings.save(Settings().with_value("search.top", 20), home.settings)
    address_book.add(home.addresses, str(tmp_path / "elsewhere.lance"))
    run = RunFolder(runs.new_folder(home.runs))
    run.create(Recipe(tmp_path))
    with run.hold():
        run.log("begin", processes=1)
    checkpoints._write(run.best.parent / "model.safetensors", b"")
    private_files.make_folder(home.weights)
    (home.weights / "RN50-x.pt").write_bytes(b"no weights")
    weights.find("RN50/x", home)
    with Digests(home.caches / "pictures").writer() as remember:
        remember(next(home.demo.iterdir()), "00" * 32)
    explorer.close()
    (home.weights / "RN50-x.pt").unlink()  # of the test
    written = {path.relative_to(home.root).parts[0] for path in home.root.rglob("*") if path.is_file()}
    assert written >= {"store.sqlite", "demo", "recordings", "settings.json", "settings.lock", "addresses.json",
                       "addresses.lock", "unfinished.json", "runs", "weights", "caches"}, written
    assert others_may_read(home.root) == []


def test_what_is_written_elsewhere_follows_the_umask(tmp_path, usual_umask):
    """A run in a folder of the user's own is read by whoever may read that folder."""
    run = RunFolder(tmp_path / "run")
    tmp_path.chmod(0o755)
    run.create(Recipe(tmp_path))
    assert (rights(run.path), rights(run.path / "recipe.json")) == (0o755, 0o644)


def test_a_folder_below_a_private_one_is_private_with_all_above_it(tmp_path, usual_umask):
    tmp_path.chmod(0o700)
    private_files.make_folder(tmp_path / "a" / "b", private=False)
    assert [rights(tmp_path / "a"), rights(tmp_path / "a" / "b")] == [0o700, 0o700]
    tmp_path.chmod(0o755)
    private_files.make_folder(tmp_path / "c" / "d")
    assert [rights(tmp_path / "c"), rights(tmp_path / "c" / "d")] == [0o755, 0o700]
    (tmp_path / "file").touch()
    for wrong in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError):
            private_files.make_folder(wrong)


def test_a_file_is_private_or_follows_the_umask(tmp_path, usual_umask):
    tmp_path.chmod(0o755)
    private_files.write_atomically(tmp_path / "private", b"1")
    private_files.write_atomically(tmp_path / "public", b"2", private=False)
    assert (rights(tmp_path / "private"), rights(tmp_path / "public")) == (0o600, 0o644)


def test_an_error_keeps_the_old_file_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "file"
    private_files.write_atomically(path, b"old")
    with pytest.raises(ZeroDivisionError), private_files.replacing(path) as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_writers_at_the_same_time_never_share_a_temporary_file(tmp_path):
    path = tmp_path / ("n" * 240)
    with private_files.replacing(path) as one:
        with private_files.replacing(path) as other:
            other.write(b"other")
        one.write(b"one")
    assert path.read_bytes() == b"one" and list(tmp_path.iterdir()) == [path]


def test_a_home_among_other_files_leaves_them_and_the_folder_as_they_are(tmp_path, usual_umask):
    home = Home(tmp_path / "shared")
    (home.root / "project").mkdir(parents=True)
    (home.root / "project" / "page.html").write_text("a")
    home.takes.mkdir()
    (home.takes / "a.flac").write_bytes(b"fLaC")
    home.root.chmod(0o755)
    home.protect()
    assert (rights(home.root), rights(home.root / "project" / "page.html")) == (0o755, 0o644)
    assert (rights(home.takes), rights(home.takes / "a.flac")) == (0o700, 0o600)


def test_every_name_in_a_home_is_known_as_the_programs():
    home = Home(Path("/home"))
    places = [value for name in vars(Home) if isinstance(value := getattr(home, name), Path) and name != "root"]
    assert places and all(is_own(path.name) for path in places)
