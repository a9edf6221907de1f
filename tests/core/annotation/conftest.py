"""An explorer with models of a few lines, and a gallery of drawn pictures."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import audio
from core.audio import Waveform
from core.explorer import Explorer
from core.galleries.gallery import Gallery
from core.home import Home
from core.settings import Settings
from core.store.records import SpeakerRecord, TakeRecord
from tests.core.annotation.models import TwoModels


@pytest.fixture
def explorer(home: Home) -> Iterator[Explorer]:
    made = Explorer(home, Settings(), TwoModels(home))
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten drawn pictures, a.png to j.png."""
    place = tmp_path / "pictures"
    place.mkdir()
    for number in range(10):
        Image.new("RGB", (20, 16), (25 * number, 90, 120)).save(place / f"{chr(97 + number)}.png")
    return place


@pytest.fixture
def gallery(explorer: Explorer, folder: Path) -> Gallery:
    explorer.index(folder, "Holidays")
    return explorer.gallery("Holidays")


@pytest.fixture
def ids(explorer: Explorer, gallery: Gallery) -> list[int]:
    """The pictures' ids in the order of their names."""
    return [image.id for image in sorted(gallery.images(), key=lambda image: image.path.name)]


@pytest.fixture
def speaker(explorer: Explorer) -> SpeakerRecord:
    return explorer.store.add_speaker("M.K.", "en", "asked")


@pytest.fixture
def a_voice() -> Callable[..., Waveform]:
    """Makes half a second of a sine of its own pitch."""

    def make(number: int = 0) -> Waveform:
        return audio.from_samples(0.3 * np.sin(np.arange(8000) * (0.03 + 0.002 * number)), 16_000)

    return make


@pytest.fixture
def describe(explorer: Explorer, ids: list[int], a_voice: Callable[..., Waveform]) -> Callable[..., TakeRecord]:
    """Records and confirms a take: which picture, whose, which words."""
    from core.annotation.takes import Annotator

    annotator, count = Annotator(explorer.store, explorer.home.takes), iter(range(10_000))

    def make(picture: int, text: str = "a dog", speaker: str = "M.K.", state: str = "done") -> TakeRecord:
        who = explorer.store.ensure_speakers([speaker])[speaker]
        take = annotator.record(ids[picture], who.id, a_voice(next(count)))
        return annotator.confirm(take, text, state) if text else take

    return make
