"""A small world in which it is known what every model sees and hears: pictures of plain colours, words that name them.

The vector of a picture is how much of each colour it shows, that of words how often each colour is named in their first
`CONTEXT` words, that of a voice what the test says. All else is the program's own: datasets, caches, crops, ranks.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from core.asr.transcript import EncodedUtterance, Transcript
from core.evaluation import models
from core.evaluation.models import EvaluatedModel
from core.explorer import Explorer
from core.fingerprint import Fingerprint
from core.home import Home
from core.models.brewclip import BranchFeatures, SpokenBatch
from core.models.registry import ModelRegistry
from core.models.spec import ModelSpec
from core.models.variants import BrewClipOptions, Variant, variant
from core.settings import Settings

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0), "white": (255,) * 3,
           "black": (0, 0, 0), "purple": (160, 0, 255), "orange": (255, 140, 0), "pink": (255, 150, 200),
           "cyan": (0, 255, 255), "brown": (110, 60, 20), "olive": (90, 110, 0)}
NAMES = tuple(COLOURS)
SIDE = 32
CONTEXT = 8  # words
NEAR = 40  # of a colour's numbers


def voice(**weights: float) -> np.ndarray:
    """What a voice says beside its words, as the encoder's states: (1, colours) float16."""
    return np.array([[weights.get(name, 0.0) for name in NAMES]], np.float16)


@dataclass
class Said:
    """One utterance: what is in the recording, the reference, and what the voice points at."""

    image: str
    heard: str
    caption: str
    states: np.ndarray
    speaker: str = ""


class ColourModel:
    """The interface of `BrewCLIP` that evaluation uses, over colours."""

    def __init__(self, name: str = "full") -> None:
        self.variant, self.options = variant(name), BrewClipOptions(heads=1)
        self.built = SimpleNamespace(dim=len(NAMES))
        self.log_scale = torch.zeros(())

    def with_options(self, **changes: object) -> "ColourModel":
        model = ColourModel(self.variant.name)
        model.options = replace(self.options, **changes)
        return model

    def image_stem(self, pixels: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(pixels))

    def encode_stem(self, stem: torch.Tensor) -> torch.Tensor:
        wide = stem.numpy().astype(np.int64)
        shares = [(np.abs(wide - np.array(colour)).max(axis=3) < NEAR).mean(axis=(1, 2)) for colour in COLOURS.values()]
        return torch.from_numpy(np.stack(shares, axis=1).astype(np.float32))

    def cut(self, texts: Sequence[str]) -> tuple[int, ...]:
        return tuple(0 if self.options.pool_sentences else max(0, len(text.split()) - CONTEXT) for text in texts)

    def collate(self, transcripts: Sequence[Transcript], states: Sequence[Sequence[np.ndarray]] | None) -> SpokenBatch:
        self.texts = [each.text for each in transcripts]
        padded = torch.from_numpy(np.stack([np.concatenate(each)[0] for each in states]).astype(np.float32)
                                  ) if states is not None else None
        return SpokenBatch(torch.zeros(len(transcripts), 1), padded, torch.ones(len(transcripts)),
                           torch.zeros(len(transcripts), 3), torch.tensor([bool(text) for text in self.texts]))

    def encode_speech(self, batch: SpokenBatch) -> BranchFeatures:
        text = torch.stack([self._words(each) for each in self.texts]) if self.variant.text else None
        acoustic = batch.states if self.variant.acoustic else None
        fused = sum(each for each in (text, acoustic) if each is not None)
        return BranchFeatures(fused, text, acoustic, batch.has_text)

    def parts(self, found: BranchFeatures, batch: SpokenBatch) -> tuple:
        return found.text, found.acoustic

    def _words(self, text: str) -> torch.Tensor:
        if self.options.pool_sentences:
            pieces = [_named(piece) for piece in text.split(".") if piece.strip()]
            return torch.nn.functional.normalize(torch.stack(pieces), dim=1).mean(dim=0) if pieces else _named("")
        return _named(" ".join(text.split()[:CONTEXT]))


def _named(text: str) -> torch.Tensor:
    words = text.replace(".", " ").split()
    return torch.tensor([float(words.count(name)) for name in NAMES])


class ScriptedRecogniser:
    """Hears what the test says is in a recording."""

    name, width = "Test ear", len(NAMES)

    def __init__(self) -> None:
        self.heard: Mapping[str, Said] = {}
        self.hearings = 0

    def fingerprint_of(self, options) -> Fingerprint:
        return Fingerprint.of({"ear": "test"})

    def transcribe(self, waveforms, options=None, report=None):
        self.hearings += len(waveforms)
        return [self._one(wave) for wave in waveforms]

    def _one(self, wave) -> EncodedUtterance:
        said = self.heard.get(wave.digest)  # None under noise: nothing is understood
        states = said.states if said else voice()
        return EncodedUtterance(Transcript(said.heard if said else "", "en", (), -0.1, 0.0, 1.0), (states,))


@dataclass(frozen=True)
class ColourSpec(ModelSpec):
    """A colour model of any variant."""

    name: str = "full"

    @property
    def variant(self) -> Variant:
        return variant(self.name)

    @property
    def title(self) -> str:
        return f"Colours, {self.name}"


class ColourModels(ModelRegistry):
    """The scripted recogniser and a backbone of colours, whatever the settings say."""

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self.ears = ScriptedRecogniser()
        self.resolved: Callable[[ModelSpec], ModelSpec] = lambda spec: ColourSpec("colours", None, "centre")

    def recogniser(self, settings, report=None):
        return self.ears

    def resolve(self, spec: ModelSpec, settings: Settings) -> ModelSpec:
        return self.resolved(spec)

    def backbone(self, settings, report=None):
        visual = SimpleNamespace(conv1=torch.nn.Conv2d(3, 1, 1))
        return SimpleNamespace(built=SimpleNamespace(model=SimpleNamespace(visual=visual)), image_size=SIDE,
                               fingerprint=lambda crop: Fingerprint.of({"backbone": "colours", "crop": crop}))


@dataclass
class World:
    """A dataset on disk and the explorer that hears it."""

    folder: Path
    explorer: Explorer
    models: ColourModels

    @property
    def ears(self) -> ScriptedRecogniser:
        return self.models.ears


Paint = Mapping[str, Sequence[str]]


@pytest.fixture
def world(tmp_path: Path, colour_networks: None) -> Callable[..., World]:
    """world({"a.png": ("red",), "wide.png": ("blue", "red", "blue")}, [Said(...)], variant="full").

    A picture is a row of squares; the split of all is "test".
    """
    def make(pictures: Paint, said: Sequence[Said], name: str = "full", kind: str = "folder") -> World:
        folder = tmp_path / "colours"
        folder.mkdir()
        for picture, colours in pictures.items():
            Image.fromarray(np.concatenate([_square(colour) for colour in colours], axis=1)).save(folder / picture)
        heard, rows = {}, []
        for number, each in enumerate(said):
            heard[_record(folder / f"{number}.wav", number)] = each
            rows.append([each.image, f"{number}.wav", each.caption, each.speaker, "test", f"u{number}"])
        rows += [[picture, "", "", "", "test", ""] for picture in pictures if picture not in {row[0] for row in rows}]
        with (folder / "pairs.csv").open("w", newline="") as file:
            csv.writer(file).writerows([["image", "audio", "caption", "speaker", "split", "id"], *rows])
        home = Home(tmp_path / "home")
        models = ColourModels(home)
        models.ears.heard = heard
        made = World(folder, Explorer(home, Settings(), models), models)
        use(made, name)
        return made

    return make


@pytest.fixture
def colour_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a colour model stand in the place of every network."""
    monkeypatch.setattr(models, "check", lambda workspace, spec: None)
    monkeypatch.setattr(models, "load", lambda workspace, spec, report=None: EvaluatedModel(
        spec, ColourModel(spec.variant.name), workspace.backbone()))


def use(made: World, name: str) -> None:
    """Have every model be a colour model of that variant."""
    made.models.resolved = lambda spec: ColourSpec("colours", None, "centre", name=name)


def _square(colour: str) -> np.ndarray:
    """A square of a colour; "red+blue" has a half of each, above each other."""
    parts = colour.split("+")
    rows = np.array_split(np.arange(SIDE), len(parts))
    return np.concatenate([np.full((len(part), SIDE, 3), COLOURS[name], np.uint8)
                           for part, name in zip(rows, parts, strict=True)])


def _record(path: Path, number: int) -> str:
    """A recording like no other; the digest of its waveform."""
    from core import audio

    soundfile.write(path, 0.5 * np.sin(np.arange(16_000) * (0.01 + 0.001 * number)).astype(np.float32), 16_000)
    return audio.read(path).digest


def changed(said: Said, **fields: object) -> Said:
    return replace(said, **fields)
