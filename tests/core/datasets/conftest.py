"""Small datasets, made by the tests that read them."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

SINE = 0.3 * np.sin(2 * np.pi * 220 * np.arange(8000) / 16000)


class Made:
    """A folder that fills with what a test writes into it; every method gives the file's path."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def text(self, name: str, content: str | bytes) -> Path:
        path = self.path(name)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def json(self, name: str, content: object) -> Path:
        return self.text(name, json.dumps(content))

    def picture(self, name: str) -> Path:
        path = self.path(name)
        Image.new("RGB", (8, 6), "teal").save(path, format="JPEG")
        return path

    def sound(self, name: str, channels: int = 1) -> Path:
        path = self.path(name)
        soundfile.write(path, np.stack([SINE] * channels, axis=1), 16000)
        return path

    def flickr8k(self, pictures: int = 3, captions: int = 2, speech: bool = True) -> Path:
        """The classic layout, without a defect: a.jpg in train, b.jpg in dev, c.jpg in test, and so on around."""
        names = [f"{chr(97 + number)}.jpg" for number in range(pictures)]
        keys = [(name, number) for name in names for number in range(captions)]
        self.text("Flickr8k_text/Flickr8k.token.txt", "".join(f"{n}#{k}\tA dog {k} on {n} .\n" for n, k in keys))
        for place, split in enumerate(("train", "dev", "test")):
            self.text(f"Flickr8k_text/Flickr_8k.{split}Images.txt", "".join(f"{n}\n" for n in names[place::3]))
        for name in names:
            self.picture(f"Flicker8k_Dataset/{name}")
        if speech:
            self.speech(keys)
        return self.root

    def speech(self, keys: list[tuple[str, int]]) -> None:
        """Flickr Audio Captions for these captions; the speaker's number is the caption's."""
        wavs = [f"{name[:-4]}_{number}.wav" for name, number in keys]
        for wav in wavs:
            self.sound(f"flickr_audio/wavs/{wav}")
        pairs = zip(wavs, keys, strict=True)
        self.text("flickr_audio/wav2capt.txt", "".join(f"{wav} {n} #{k}\n" for wav, (n, k) in pairs))
        self.text("flickr_audio/wav2spk.txt", "".join(f"{wav} {k}\n" for wav, (_, k) in zip(wavs, keys, strict=True)))

    def append(self, name: str, content: str | bytes) -> Path:
        path = self.root / name
        with path.open("ab") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A dataset's folder, empty at first."""
    root = tmp_path / "dataset"
    root.mkdir()
    return Made(root)


@pytest.fixture
def found():
    """The problems of a dataset or report, as {what: items}."""
    return lambda of: {problem.what: problem.items for problem in of.problems}
