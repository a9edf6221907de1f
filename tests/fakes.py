"""Models of a few lines for tests, type-checked against the interfaces of the real ones (mypy reads this file)."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.asr.transcript import EncodedUtterance, PartialTranscript, Transcript, TranscriptionOptions, Word
from core.audio import Samples, Waveform
from core.fingerprint import Fingerprint
from core.home import Home
from core.models.checkpoints import Run, check_recogniser
from core.models.registry import ModelRegistry
from core.models.retrieval import Floats, RetrievalModel, SpeechFeatures, TextFeatures
from core.models.variants import BrewClipOptions
from core.progress import Report, silent
from core.settings import Settings

if TYPE_CHECKING:
    from core.asr.recogniser import Recogniser
    from core.asr.whisper import WhisperRecogniser
    from core.models.trained import LoadedModel

COLOURS = {"red": (230, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 230), "yellow": (240, 240, 10),
           "white": (250, 250, 250), "black": (5, 5, 5), "violet": (200, 20, 220)}
CAPTION_WORDS = ("dog", "cat", "car", "sea", "tree")


class FakeRecogniser:
    """Gives the transcript that a test put under a recording's digest, else the next text of `says`, else "a dog".

    It waits until `gate` is open. `options` are those of each call, `passes` the names of what went through its
    encoder, `transcribed` counts recordings. A text that begins with "?" is doubtful.
    """

    name, device, fallback, precision, width = "Parrot", "cpu", "", "float32", 4

    def __init__(self) -> None:
        self.transcripts: dict[str, Transcript] = {}
        self.says: list[str] = []
        self.options: list[TranscriptionOptions] = []
        self.passes: list[str] = []
        self.transcribed = 0
        self.gate = threading.Event()
        self.gate.set()

    @property
    def fingerprint(self) -> Fingerprint:
        return self.fingerprint_of(TranscriptionOptions())

    def fingerprint_of(self, options: TranscriptionOptions) -> Fingerprint:
        return Fingerprint.of({"recogniser": self.name, "language": options.language, "words": options.word_times})

    def transcribe(self, waveforms: Sequence[Waveform], options: TranscriptionOptions = TranscriptionOptions(),
                   report: Report = silent) -> list[EncodedUtterance]:
        self.passes.append("transcribe")
        self.options.append(options)
        self.transcribed += len(waveforms)
        assert self.gate.wait(60)
        return [EncodedUtterance(self.transcripts.get(each.digest) or self._next(), (self.made_states(each),))
                for each in waveforms]

    def transcribe_partial(self, samples: Samples, options: TranscriptionOptions = TranscriptionOptions(),
                           previous: PartialTranscript | None = None) -> PartialTranscript:
        self.passes.append("partial")
        return PartialTranscript((self.transcripts.get(Waveform(samples).digest) or self._next()).text, "en")

    def states(self, waveform: Waveform, padding: str = "own") -> NDArray[np.float32]:
        self.passes.append("encode")
        return self.made_states(waveform).astype(np.float32)

    def layers(self, waveform: Waveform, padding: str = "own") -> NDArray[np.float32]:
        self.passes.append("encode")
        return np.stack([np.zeros((5, self.width), np.float32), self.made_states(waveform).astype(np.float32)])

    def warm_up(self) -> None:
        pass

    def made_states(self, waveform: Waveform) -> NDArray[np.float16]:
        """Encoder states (5, width) that tell recordings of different length apart."""
        return np.full((5, self.width), len(waveform.samples) % 97, np.float16)

    def _next(self) -> Transcript:
        text = self.says.pop(0) if self.says else "a dog"
        doubtful, text = text.startswith("?"), text.removeprefix("?")
        words = tuple(Word(word, 0.0, 0.1, 0.9) for word in text.split())
        return Transcript(text, "en", words, -0.1, 0.0, 1.0, reason="" if text else "Only noise was heard.",
                          doubtful=doubtful)


class ColourModel:
    """Embeds the mean colour of an image, and the names of colours in a text; another text is a little of each."""

    name, title, note, dim, image_size, device, fallback = "colours", "Colours", "", 4, 8, "cpu", ""
    uses_text, uses_speech, layers = True, False, 0

    def __init__(self) -> None:
        self.images = 0  # embedded so far
        self.texts: list[str] = []

    def fingerprint(self, crop: str) -> Fingerprint:
        return Fingerprint.of({"backbone": self.name, "crop": crop})

    def encode_images(self, pixels: NDArray[np.uint8]) -> Floats:
        self.images += len(pixels)
        return self.vectors_of(pixels.reshape(len(pixels), -1, 3).mean(axis=1))

    def encode_texts(self, texts: Sequence[str]) -> TextFeatures:
        self.texts += texts
        colours = [[COLOURS[word] for word in text.split() if word in COLOURS] or [(len(text) % 50 + 90, 128, 128)]
                   for text in texts]
        return TextFeatures(self.vectors_of(np.array([np.mean(each, axis=0) for each in colours])),
                            tuple(max(0, len(text.split()) - 20) for text in texts))

    def encode_speech(self, utterances: Sequence[EncodedUtterance]) -> SpeechFeatures:
        raise ValueError("the words alone are used")

    def check_recogniser(self, name: str, padding: str) -> None:
        pass

    def vectors_of(self, colours: NDArray[np.floating]) -> Floats:
        """Embeddings (n, 4) of colours (n, 3), 0..255."""
        centred = colours / 128 - 1
        return np.concatenate([centred, np.full((len(centred), 1), 0.3)], axis=1).astype(np.float32)


class CaptionModel(ColourModel):
    """Counts `CAPTION_WORDS` in a text; all images are the same."""

    name, title, dim = "words", "Words", 1 + len(CAPTION_WORDS)

    def encode_images(self, pixels: NDArray[np.uint8]) -> Floats:
        return np.tile(np.float32(self.dim ** -0.5), (len(pixels), self.dim))

    def encode_texts(self, texts: Sequence[str]) -> TextFeatures:
        counts = [[0.2, *(text.lower().split().count(word) for word in CAPTION_WORDS)] for text in texts]
        vectors = np.array([np.array(each) / np.linalg.norm(each) for each in counts], np.float32)
        return TextFeatures(vectors, (0,) * len(texts))


class VoiceModel(ColourModel):
    """Random embeddings of texts, voices and images; the voice is a third of an utterance's sum.

    `utterances` are those it has encoded.
    """

    name, title, dim, uses_speech, layers = "listener", "Listener", 8, True, 0

    def __init__(self) -> None:
        super().__init__()
        self.uses_text = True
        self.utterances: list[EncodedUtterance] = []
        self.run = Run("full", BrewClipOptions(), self.name, "", FakeRecogniser.name, FakeRecogniser.width, "own",
                       "centre")

    def encode_images(self, pixels: NDArray[np.uint8]) -> Floats:
        return np.stack([self.vector(each.tobytes()) for each in pixels])

    def encode_texts(self, texts: Sequence[str]) -> TextFeatures:
        return TextFeatures(np.stack([self.vector(text.encode()) for text in texts]), (0,) * len(texts))

    def encode_speech(self, utterances: Sequence[EncodedUtterance]) -> SpeechFeatures:
        self.utterances += utterances
        voice = np.stack([self.vector(one.states[0].tobytes()) for one in utterances])
        if not self.uses_text:
            return SpeechFeatures(voice, voice, (0,) * len(utterances))
        words = self.encode_texts([one.transcript.text for one in utterances]).vectors
        return SpeechFeatures(2 * words + voice, voice, (1,) * len(utterances))

    def check_recogniser(self, name: str, padding: str) -> None:
        check_recogniser(self.run, name, padding)

    def vector(self, seed: bytes) -> Floats:
        """The embedding (8,) that is drawn from some bytes."""
        return np.random.default_rng(list(seed[:64])).standard_normal(self.dim).astype(np.float32)


class FakeRegistry(ModelRegistry):
    """A registry whose models are these, whatever the settings."""

    def __init__(self, home: Home, model: RetrievalModel, recogniser: "Recogniser | None" = None) -> None:
        super().__init__(home)
        self.fake, self.parrot = model, recogniser or FakeRecogniser()

    def backbone(self, settings: Settings, report: Report = silent) -> RetrievalModel:  # type: ignore[override]
        return self.fake

    def model(self, settings: Settings, report: Report = silent, export: bool = False) -> RetrievalModel:
        return self.fake

    def recogniser(self, settings: Settings, report: Report = silent) -> "Recogniser":
        return self.parrot

    def fingerprint(self, settings: Settings) -> Fingerprint:
        return self.fake.fingerprint(self.crop(settings))


def _interfaces(fake: FakeRecogniser, real: "WhisperRecogniser", colours: ColourModel,
                loaded: "LoadedModel") -> "tuple[list[Recogniser], list[RetrievalModel]]":
    """For mypy: the fakes and the real ones have the same interfaces."""
    return [fake, real], [colours, loaded]
