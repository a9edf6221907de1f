"""Files that their owner alone may read, and files that are replaced whole or not at all."""

import os
import stat
import sys

import pytest

from core import private_files
from core.explorer import Explorer
from core.home import Home
from core.settings import Settings

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
    assert len(found) == 3 and set(found.values()) == {0o600}
    explorer.close()


def test_a_file_is_private_or_follows_the_umask(tmp_path, usual_umask):
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
