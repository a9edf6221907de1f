import json
from concurrent.futures import ThreadPoolExecutor

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


def test_a_damaged_file_is_unread_and_kept(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text('{"vision.crop": "squ')
    loaded = settings.load(path)
    assert loaded["vision.crop"] == "auto"
    assert loaded.unread is not None
    assert loaded.unread.read_text() == '{"vision.crop": "squ'


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
    assert {found.name for found in tmp_path.iterdir()} == {"settings.json", "settings.lock"}


def test_two_programs_that_save_keep_each_others_changes(tmp_path):
    path = tmp_path / "settings.json"
    settings.save(Settings().with_value("search.top", 30).with_value("vision.crop", "squash"), path)
    one, other = settings.load(path), settings.load(path)
    one = settings.save(one.with_value("search.top", 40), path)
    other = settings.save(other.with_value("vision.crop", "auto").with_value("search.keep_history", False), path)
    assert dict(settings.load(path).changed) == {"search.top": 40, "search.keep_history": False}
    settings.save(one.with_value("appearance.theme", "dark"), path)
    assert settings.load(path)["search.keep_history"] is False and settings.load(path)["appearance.theme"] == "dark"


def test_many_programs_that_save_at_once_lose_nothing(tmp_path):
    path = tmp_path / "settings.json"
    keys = ("search.top", "images.max_megapixels", "search.keep_history", "appearance.theme", "vision.crop", "device")
    values = (40, 60.0, False, "dark", "squash", "cpu")
    with ThreadPoolExecutor(len(keys)) as pool:
        saved = [pool.submit(settings.save, Settings().with_value(key, value), path)
                 for key, value in zip(keys, values, strict=True)]
    assert all(each.exception() is None for each in saved)
    assert dict(settings.load(path).changed) == dict(zip(keys, values, strict=True))


def test_a_file_that_cannot_be_read_just_now_is_neither_moved_nor_replaced(tmp_path, monkeypatch):
    path = tmp_path / "settings.json"
    settings.save(Settings().with_value("search.top", 30), path)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr("core.plain_json.read_object", refuse)
        assert settings.load(path).unread == path
        with pytest.raises(SettingsError, match="Permission denied"):
            settings.save(Settings().with_value("search.top", 40), path)
    assert settings.load(path)["search.top"] == 30


def test_settings_nested_beyond_measure_are_set_aside(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text('{"search.top": ' + "[" * 100_000 + "]" * 100_000 + "}")
    assert settings.load(path).unread == tmp_path / "settings.damaged.json"


def test_a_home_that_is_a_file_gives_a_sentence(tmp_path):
    (tmp_path / "home").write_text("a file")
    with pytest.raises(SettingsError, match="could not be saved"):
        settings.save(Settings().with_value("search.top", 40), tmp_path / "home" / "settings.json")


@pytest.mark.parametrize(("key", "value"), [("search.history_days", 0.5), ("caches.limit_gb", 1e-9)])
def test_a_fraction_never_becomes_for_ever(key, value):
    with pytest.raises(SettingsError):
        Settings().with_value(key, value)
    assert Settings().with_value(key, 7.0)[key] == 7
