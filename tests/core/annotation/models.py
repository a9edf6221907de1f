"""Models of a few lines, for an explorer that neither sees nor hears."""

import threading

import numpy as np

from core.asr.transcript import EncodedUtterance, Transcript, TranscriptionOptions, Word
from core.fingerprint import Fingerprint
from core.home import Home
from core.models.registry import ModelRegistry

WORDS = ("dog", "cat", "car", "sea", "tree")


class WordModel:
    """A caption's vector counts its words; a picture's is all the same."""

    name, title, note, dim, image_size, device, fallback = "words", "Words", "", 6, 8, "cpu", ""

    def encode_images(self, pixels):
        return np.tile(self._unit(np.ones(self.dim)), (len(pixels), 1)).astype(np.float32)

    def encode_texts(self, texts):
        counts = [[0.2, *(text.lower().split().count(word) for word in WORDS)] for text in texts]
        vectors = np.array([self._unit(np.array(each, float)) for each in counts], np.float32)
        return type("Features", (), {"vectors": vectors, "cut": (0,) * len(texts)})()

    @staticmethod
    def _unit(vector):
        return vector / np.linalg.norm(vector)

    def fingerprint(self, crop):
        return Fingerprint.of({"backbone": self.name, "crop": crop})


class Parrot:
    """Hears what `says` has next, once `gate` is open; notes the options. What begins with a "?" is doubtful."""

    device, fallback = "cpu", ""

    def __init__(self):
        self.says: list[str] = []
        self.options: list[TranscriptionOptions] = []
        self.gate = threading.Event()
        self.gate.set()

    def transcribe(self, waveforms, options, report):
        self.options.append(options)
        assert self.gate.wait(60)
        text = self.says.pop(0) if self.says else "a dog"
        doubtful, text = text.startswith("?"), text.removeprefix("?")
        words = tuple(Word(word, 0.0, 0.1, 0.9) for word in text.split())
        reason = "" if text else "Only noise was heard."
        return [EncodedUtterance(Transcript(text, "en", words, -0.1, 0.0, 1.0, reason=reason, doubtful=doubtful), ())]


class TwoModels(ModelRegistry):
    """The engine with the models above."""

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self.words, self.parrot = WordModel(), Parrot()

    def backbone(self, settings, report=lambda *step: None):
        return self.words

    def model(self, settings, report=lambda *step: None):
        return self.words

    def recogniser(self, settings, report=lambda *step: None):
        return self.parrot

    def fingerprint(self, settings):
        return self.words.fingerprint(settings["vision.crop"])
