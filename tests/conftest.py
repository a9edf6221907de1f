"""Fixtures that every test may use. The screen is Qt's offscreen one unless a display was asked for by name."""

import copy
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if "PYTEST_XDIST_WORKER" in os.environ:  # the test processes share the cores; each with all of them is slower
    os.environ.setdefault("OMP_NUM_THREADS", "1")

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


JUNK = (None, True, -1, 2.5, float("inf"), float("nan"), 10**400, "x", "\N{SUPERSCRIPT TWO}", "\0", [], [None], {},
        {"a": []})


@pytest.fixture(scope="session")
def damaged_values() -> Callable[[Any], Iterator[Any]]:
    """A function that gives a JSON value with junk in each of its places in turn, and each key of its objects gone."""
    def variants(value: Any) -> Iterator[Any]:
        yield from JUNK
        inner = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
        for key, one in inner[:40]:
            for other in variants(one):
                changed = copy.copy(value)
                changed[key] = other
                yield changed
            if isinstance(value, dict):
                yield {name: each for name, each in inner if name != key}

    return variants


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
