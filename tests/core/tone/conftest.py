"""A small RAVDESS, and tone sets built of it."""

import numpy as np
import pytest
import soundfile

from core.tone import build, emoji, pictures
from core.tone.build import BuildOptions

ACTORS = (1, 6, 19)
EMOTIONS = (1, 3, 4, 5, 6)  # neutral, happy, sad, angry; fearful is left out of the set


@pytest.fixture(scope="session")
def ravdess(tmp_path_factory):
    """Three actors, one of each split, with one recording of each sentence and emotion."""
    root = tmp_path_factory.mktemp("ravdess")
    for actor in ACTORS:
        folder = root / f"Actor_{actor:02d}"
        folder.mkdir()
        for emotion in EMOTIONS:
            for statement in (1, 2):
                tone = 0.2 * np.sin(np.arange(8000) * (0.02 + 0.01 * emotion + 0.001 * actor))
                soundfile.write(folder / f"03-01-{emotion:02d}-01-{statement:02d}-01-{actor:02d}.wav", tone, 16000)
    return root


@pytest.fixture(scope="session")
def tone_set(tmp_path_factory, ravdess):
    """A whole set, built once."""
    folder = tmp_path_factory.mktemp("built") / "tone"
    build.build(folder, BuildOptions(ravdess))
    return folder


@pytest.fixture
def few_pictures(monkeypatch):
    """One draw of each scene and two styles fewer: a set that is built in no time."""
    monkeypatch.setattr(pictures, "DRAWS", 1)
    monkeypatch.setattr(emoji, "TRAINED", ("noto",))
    monkeypatch.setattr(emoji, "BUNDLED", ("noto", emoji.DEV, emoji.UNSEEN))
