"""RAVDESS in small: tones named as its recordings, a recogniser and a backbone that need no pretrained weights."""

import hashlib
from types import SimpleNamespace

import numpy as np
import open_clip
import pytest
import soundfile
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from threadpoolctl import threadpool_limits

from core import settings
from core.asr.transcript import EncodedUtterance, Transcript
from core.audio import RATE
from core.explorer import Explorer
from core.fingerprint import Fingerprint
from core.models.open_clip_models import Built
from core.models.registry import ModelRegistry

LAYERS, WIDTH = 4, 16
PITCHES = {1: 150, 2: 160, 3: 420, 4: 230, 5: 640}  # Hz, by the code of the emotion: neutral and calm are close
ACTORS = (1, 2, 3, 4, 19, 20)


def write_take(folder, emotion, statement, repetition, actor, intensity=1, channels=1, seconds=0.6):
    """One recording: a tone whose pitch is the emotion, with the actor's own overtone."""
    name = f"03-01-{emotion:02d}-{intensity:02d}-{statement:02d}-{repetition:02d}-{actor:02d}.wav"
    time = np.arange(round(seconds * RATE)) / RATE
    draw = np.random.default_rng([emotion, statement, repetition, actor])
    pitch = PITCHES.get(emotion, 300) * draw.uniform(0.93, 1.07)
    sound = 0.3 * np.sin(2 * np.pi * pitch * time) + 0.1 * np.sin(2 * np.pi * (1000 + 40 * actor) * time)
    sound = sound + draw.normal(0, 0.01, len(time))
    path = folder / f"Actor_{actor:02d}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.repeat(sound[:, None], channels, axis=1), RATE)
    return path


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """What is computed here is so small that threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def small_ravdess(tmp_path_factory):
    """Six actors, five emotions, both sentences, twice each."""
    folder = tmp_path_factory.mktemp("data") / "ravdess"
    for actor in ACTORS:
        for emotion in PITCHES:
            for statement in (1, 2):
                for repetition in (1, 2):
                    write_take(folder, emotion, statement, repetition, actor)
    return folder


class FakeRecogniser:
    """States that are spectra: layer 0 is noise, the others hear pitch, ever more quietly."""

    name, width, device = "Whisper fake", WIDTH, "cpu"

    def __init__(self):
        self.heard = 0
        self.fingerprint = Fingerprint.of({"weights": "fake", "precision": "float32"})

    def fingerprint_of(self, options):
        return Fingerprint.of({"weights": "fake", "padding": options.padding, "language": options.language})

    def layers(self, waveform, padding="own"):
        self.heard += 1
        frames = len(waveform.samples) // 320
        power = np.abs(np.fft.rfft(waveform.samples[:frames * 320].reshape(frames, 320), axis=1))[:, 1:1 + 2 * WIDTH]
        bands = np.log1p(power.reshape(frames, WIDTH, 2).sum(axis=2))
        noise = np.random.default_rng(int(waveform.digest[:8], 16)).normal(size=bands.shape)
        return np.stack([noise, *(bands / number for number in range(1, LAYERS))]).astype(np.float32)

    def states(self, waveform, padding="own"):
        return self.layers(waveform, padding)[-1]

    def transcribe(self, waveforms, options=None, report=None):
        found = []
        for one in waveforms:
            states = self.layers(one)[-1].astype(np.float16)
            said = "Kids are talking" if int(hashlib.sha256(one.samples.tobytes()).hexdigest(), 16) % 2 else "Dogs sit"
            found.append(EncodedUtterance(Transcript(said, "en", (), -0.2, 0.01, 1.0), (states,)))
        return found


class FakeModels(ModelRegistry):
    """The fake recogniser and a tiny backbone, whatever the settings say."""

    def __init__(self, home, built):
        super().__init__(home)
        self.ears = FakeRecogniser()
        self.eyes = SimpleNamespace(built=built, title="Tiny CLIP", name="tiny",
                                    fingerprint=lambda crop: Fingerprint.of({"backbone": "tiny", "crop": crop}))

    def recogniser(self, settings, report=None):
        return self.ears

    def backbone(self, settings, report=None):
        return self.eyes


class FakeExplorer(Explorer):
    """An explorer over the fake models."""

    def __init__(self, home, built):
        models = FakeModels(home, built)
        super().__init__(home, settings.load(home.settings), models)
        self.ears = models.ears


@pytest.fixture(scope="session")
def tiny_clip():
    """A CLIP of two layers with random weights."""
    torch.manual_seed(0)
    clip = CLIP(32, CLIPVisionCfg(image_size=32, layers=2, width=64, head_width=32, patch_size=8),
                CLIPTextCfg(width=48, heads=8, layers=2)).eval().requires_grad_(False)
    return Built(clip, open_clip.SimpleTokenizer(), 77, 32, 32, (0.5, 0.5, 0.5), (0.3, 0.3, 0.3), channels_last=False)


@pytest.fixture
def explorer(home, tiny_clip):
    """An explorer over an empty home."""
    made = FakeExplorer(home, tiny_clip)
    yield made
    made.close()


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory):
    """A home whose caches tests of one session share: what was heard is heard once."""
    from core.home import Home

    return Home(tmp_path_factory.mktemp("emotion") / "home")


@pytest.fixture(scope="session")
def make_explorer(shared_home, tiny_clip):
    """Makes an explorer over the shared home; who makes it closes it."""
    return lambda: FakeExplorer(shared_home, tiny_clip)


@pytest.fixture
def listener(make_explorer):
    """An explorer over the shared home."""
    made = make_explorer()
    yield made
    made.close()


@pytest.fixture(scope="session")
def take():
    """write_take"""
    return write_take
