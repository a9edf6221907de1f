"""A home in use: a gallery with vectors, a query with its recording, a take."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import audio
from core.annotation import takes
from core.audio import Waveform
from core.galleries.backends import open_gallery
from core.home import Home
from core.store.records import DecodedImageFacts, FileStamp, IndexedFile, NewTake
from core.store.store import Store
from tests.core.galleries.entries import FINGERPRINT


@dataclass(frozen=True)
class UsedHome:
    """A home with its files by what they are."""

    home: Home
    store: Store
    pictures: Path
    query: Path
    take: Path


def sound(seed: int) -> Waveform:
    return Waveform(np.random.default_rng(seed).normal(0, 0.1, 16_000).astype(np.float32))


@pytest.fixture
def used(home: Home, tmp_path: Path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    store = Store.open(home.store)
    gallery = open_gallery(store, "Holidays", create=True)
    gallery.add_folder(pictures)
    entries = []
    for number in range(5):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(pictures / f"{number}.png")
        vector = np.zeros(4, np.float32)
        vector[number % 4] = 1
        entries.append(IndexedFile(str(pictures / f"{number}.png"), FileStamp(10, 1), number.to_bytes(32, "big"),
                                   DecodedImageFacts(8, 8, None), vector))
    gallery.record(FINGERPRINT, entries)
    query = home.recordings / f"{sound(1).digest}.flac"
    audio.write_flac(sound(1), query)
    store.add_query("Holidays", "a red boat", "speech", query)
    take, written = takes.write(sound(2), home.takes)
    speaker = store.add_speaker("Ada")
    store.add_takes([NewTake(next(iter(gallery.images())).id, speaker.id, take, written.digest, written.seconds)])
    home.settings.write_text('{"search.top": 7}')
    yield UsedHome(home, store, pictures, query, take)
    store.close()
