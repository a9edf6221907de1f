"""Fixtures that every test may use. The screen is Qt's offscreen one unless a display was asked for by name."""

import os
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest

from core import weights
from core.home import Home, find_home

USERS_HOME = find_home()  # read before any test points BREWCLIP_HOME elsewhere: fetched weights lie there
REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty home of the test's own."""
    monkeypatch.setenv("BREWCLIP_HOME", str(tmp_path / "home"))
    return find_home()


@pytest.fixture(scope="session")
def whisper_base() -> Path:
    """OpenAI's Whisper base as a checkpoint; `make setup` has fetched it, and a machine without it fails here."""
    found = weights.find("whisper-base", USERS_HOME)
    assert found is not None, "Whisper base is not on this machine: run `make setup` first."
    return found


@pytest.fixture(scope="session")
def development_data() -> Path:
    """The folder with flickr8k/, spokencoco/ and ravdess/ cut down for development; absent on most machines."""
    folder = Path(os.environ.get("BREWCLIP_TEST_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("the development data is not here (set BREWCLIP_TEST_DATA)")
    return folder
