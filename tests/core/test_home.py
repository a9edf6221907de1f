from pathlib import Path

from core.home import find_home


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
