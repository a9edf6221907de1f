from pathlib import Path

import pytest

from core.home import Home, find_home


def test_one_variable_moves_everything(tmp_path, monkeypatch):
    monkeypatch.setenv("BREWCLIP_HOME", str(tmp_path / "here"))
    home = find_home()
    for place in (home.store, home.weights, home.caches, home.recordings, home.demo, home.settings):
        assert place.is_relative_to(tmp_path / "here")
    assert not (tmp_path / "here").exists()


def test_an_empty_variable_means_the_users_folder(monkeypatch):
    monkeypatch.setenv("BREWCLIP_HOME", " ")
    assert find_home().root.is_absolute()
    assert find_home().root != Path.cwd()


@pytest.fixture
def users_folders(tmp_path, monkeypatch):
    """The user's folders by XDG's variables, all empty."""
    monkeypatch.delenv("BREWCLIP_HOME", raising=False)
    for kind in ("DATA", "CONFIG", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))
    return tmp_path


def test_a_new_installation_uses_the_folders_of_the_platform(users_folders):
    home = find_home()
    assert home.store == users_folders / "data" / "brewclip" / "store.sqlite"
    assert home.weights.parent == home.takes.parent == home.store.parent
    assert home.settings == users_folders / "config" / "brewclip" / "settings.json"
    assert home.caches == users_folders / "cache" / "brewclip"
    state = users_folders / "state" / "brewclip"
    assert {home.log.parent, home.window_state.parent, home.window_lock.parent} == {state}
    assert list(home.places.values()) == [home.root, home.settings.parent, home.caches, home.log.parent]
    assert home.environment == {}
    home.protect()
    assert all(path.stat().st_mode & 0o777 == 0o700 for path in home.places.values())
    home.store.touch()
    assert find_home() == home, "data is no sign of an earlier release"


@pytest.mark.parametrize("name", ["settings.json", "caches", "window.ini", "brewclip-app.log"])
def test_a_home_of_an_earlier_release_stays_in_one_folder(users_folders, name):
    root = users_folders / "data" / "brewclip"
    root.mkdir(parents=True)
    (root / name).touch()
    home = find_home()
    assert home == Home(root)
    assert home.settings == root / "settings.json" and home.caches == root / "caches"
    assert home.environment == {"BREWCLIP_HOME": str(root)} and home.places == {"Data folder": root}
