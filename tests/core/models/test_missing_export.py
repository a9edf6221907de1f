"""When a recogniser lacks the export that it could run from, with a recogniser of the test's own."""

import logging
import sys
from pathlib import Path
from types import ModuleType

import pytest

from core.asr.recogniser import RecogniserEntry
from core.home import Home
from core.inference.exports import ExportCache, describe, export_key
from core.models.registry import ModelRegistry
from core.settings import Settings

KEY = export_key("test", {"weights": "any"})


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that loads a recogniser: which runtime it was given is its whole state."""
    made = ModuleType("recogniser_of_the_test")
    made.load = lambda path, device, exports, sha256: "export" if exports is not None else "torch"
    made.is_exported = lambda sha256, exports: exports.has(KEY)
    monkeypatch.setitem(sys.modules, made.__name__, made)
    return made


@pytest.fixture
def weights(home: Home) -> Path:
    path = home.weights / "whisper-base.pt"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    return path


@pytest.fixture
def registry(home: Home, module: ModuleType, weights: Path, monkeypatch: pytest.MonkeyPatch) -> ModelRegistry:
    monkeypatch.setattr("core.weights.find", lambda name, home, folder: weights if weights.exists() else None)
    monkeypatch.setattr("core.models.registry.uses_exports", lambda settings: settings["inference"] == "auto")
    return ModelRegistry(home, RecogniserEntry("whisper-base", "Whisper base", module.__name__))


def make_export(home: Home) -> None:
    folder = home.caches / "inference" / KEY
    folder.mkdir(parents=True)
    describe(folder, KEY, {}, 1.0, [])


def test_it_is_told_once_and_used_as_soon_as_it_is_there(registry: ModelRegistry, home: Home,
                                                         caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings()
    assert registry.lacks_export(settings)
    with caplog.at_level(logging.WARNING):
        assert [registry.recogniser(settings) for _ in range(2)] == ["torch", "torch"]
    assert [record.getMessage() for record in caplog.records] == [
        "Whisper base runs in PyTorch, which starts slowly: `brewclip weights fetch whisper-base` prepares it for this "
        "processor once."]
    make_export(home)
    assert not registry.lacks_export(settings)
    assert registry.recogniser(settings) == "export"


def test_nothing_lacks_where_none_would_run(registry: ModelRegistry, module: ModuleType, weights: Path,
                                            tmp_path: Path) -> None:
    assert not registry.lacks_export(Settings().with_value("inference", "torch"))
    own = tmp_path / "own.pt"
    own.write_bytes(b"of the user")
    assert not registry.lacks_export(Settings().with_value("speech.recogniser", str(own)))
    del module.is_exported  # a recogniser without exports
    assert not registry.lacks_export(Settings())
    weights.unlink()
    assert not registry.lacks_export(Settings())


def test_a_damaged_description_is_no_export(home: Home) -> None:
    cache = ExportCache(home)
    assert not cache.has(KEY)
    make_export(home)
    assert cache.has(KEY) and not cache.has(export_key("test", {"weights": "others"}))
    (home.caches / "inference" / KEY / "export.json").write_text("[")
    assert not cache.has(KEY)
