import json

import pytest

from core import settings
from core.errors import SettingsError
from core.settings import SETTINGS, Settings


def test_defaults_are_values_the_settings_may_have():
    for setting in SETTINGS:
        assert setting.check(setting.default) == setting.default


def test_keys_are_unique_and_every_setting_explains_itself():
    assert len({setting.key for setting in SETTINGS}) == len(SETTINGS)
    assert all(setting.label and setting.help for setting in SETTINGS)


@pytest.mark.parametrize(("key", "value"), [
    ("vision.crop", "diagonal"), ("search.top", 1), ("search.top", True), ("search.top", "250"),
    ("search.keep_history", 1), ("weights.folder", 3), ("nothing", 1),
])
def test_impossible_values_are_refused(key, value):
    with pytest.raises(SettingsError):
        Settings().with_value(key, value)


def test_only_changes_are_kept_and_a_default_takes_them_back(tmp_path):
    path = tmp_path / "deep" / "settings.json"
    changed = Settings().with_value("vision.crop", "squash").with_value("search.top", 500).with_value("search.top", 250)
    settings.save(changed, path)
    assert json.loads(path.read_text()) == {"vision.crop": "squash"}
    assert settings.load(path)["vision.crop"] == "squash"
    assert settings.load(path)["search.top"] == 250


def test_a_damaged_file_is_set_aside_and_kept(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text('{"vision.crop": "squ')
    loaded = settings.load(path)
    assert loaded["vision.crop"] == "centre"
    assert loaded.set_aside is not None
    assert loaded.set_aside.read_text() == '{"vision.crop": "squ'


def test_values_of_another_release_are_left_out(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text('{"vision.crop": "hexagon", "gone": 1, "search.top": 30}')
    assert dict(settings.load(path).changed) == {"search.top": 30}


def test_a_failed_save_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "settings.json"
    settings.save(Settings().with_value("search.top", 30), path)
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(SettingsError, match="No space left"):
        settings.save(Settings().with_value("search.top", 40), path)
    assert settings.load(path)["search.top"] == 30
    assert [found.name for found in tmp_path.iterdir()] == ["settings.json"]


def test_a_home_that_is_a_file_gives_a_sentence(tmp_path):
    (tmp_path / "home").write_text("a file")
    with pytest.raises(SettingsError, match="could not be saved"):
        settings.save(Settings().with_value("search.top", 40), tmp_path / "home" / "settings.json")
