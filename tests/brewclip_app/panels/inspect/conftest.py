"""A small model of random weights behind the Inspect screen, its recogniser a fixture."""

import threading

import numpy as np
import open_clip
import pytest
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from PIL import Image, ImageDraw

from brewclip_app.capture import playback
from brewclip_app.context import Context
from brewclip_app.panels.inspect.panel import InspectPanel
from core.asr.transcript import EncodedUtterance, Transcript, Word
from core.audio import RATE, from_samples
from core.explain import inspection
from core.explain.inspection import ExplainModel
from core.fingerprint import Fingerprint
from core.galleries.backends import open_gallery
from core.indexing.local import index_folder
from core.models.brewclip import BrewCLIP
from core.models.open_clip_models import Built
from core.models.variants import BrewClipOptions
from core.progress import Progress
from core.settings import Settings
from core.store.store import Store

PRINT = Fingerprint.of({"backbone": "tiny"})
COLOURS = ("red", "green", "blue", "yellow", "black", "white")
TEXT = "a brown dog runs"
HEARD = Transcript(TEXT, "en", tuple(Word(word, place / 2, place / 2 + 0.5, 0.9)
                                     for place, word in enumerate(TEXT.split())), -0.3, 0.02, 1.1)


@pytest.fixture(scope="session")
def built():
    torch.manual_seed(0)
    clip = CLIP(32, CLIPVisionCfg(image_size=32, layers=2, width=64, head_width=32, patch_size=8),
                CLIPTextCfg(width=48, heads=2, layers=2)).eval().requires_grad_(False)
    return Built(clip, open_clip.SimpleTokenizer(), 77, 32, 32, (0.5, 0.4, 0.3), (0.3, 0.2, 0.25), channels_last=False)


class Explorer:
    """What the panel uses of `core.explorer.Explorer`, without pretrained weights. `gate` holds hearing up."""

    def __init__(self, home, built):
        self.home, self.settings, self.store = home, Settings(), Store.open(home.store)
        self.built, self.transcript, self.variant, self.heard = built, HEARD, "full", 0
        self.lenses = {}
        self.gate = threading.Event()
        self.gate.set()

    def lens(self, name=""):
        name = name or self.variant
        if name not in self.lenses:
            torch.manual_seed(1)
            model = BrewCLIP(self.built, name, BrewClipOptions(heads=4, feed_forward=32), 20).eval()
            self.lenses[name] = ExplainModel(model, f"Tiny {name}", "centre", PRINT)
        return self.lenses[name]

    def transcribe(self, waveform, report):
        while not self.gate.wait(0.01):
            report(Progress(subject="Waiting"))
        self.heard += 1
        states = np.random.default_rng(len(waveform.samples)).normal(size=(round(waveform.seconds * 50), 20))
        return EncodedUtterance(self.transcript, (states.astype(np.float16),))

    models = None

    def recogniser(self, report):
        return self

    def query_options(self):
        return None

    # what indexing wants of a model
    dim, image_size, name = 32, 32, "tiny"

    def encode_images(self, pixels):
        model = self.lens().network
        with torch.no_grad():
            return model.encode_stem(model.image_stem(pixels)).numpy()

    def fingerprint(self, crop=""):
        return PRINT

    def use_settings(self, settings):
        self.settings = settings

    def close(self):
        self.store.close()


class Player(playback.Player):
    """A loudspeaker without hardware."""

    playing, broken, start = False, False, 0.0

    def play(self, waveform, start=0.0):
        self.start, self.playing = start, not self.broken
        self._set(seconds=None if self.broken else start, problem="Nothing to play on." if self.broken else "")

    def stop(self):
        self.playing = False
        self._set(seconds=None)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "shapes"
    made.mkdir()
    for number, colour in enumerate(COLOURS):
        picture = Image.new("RGB", (60, 40), "grey")
        ImageDraw.Draw(picture).ellipse((10 + number, 5, 40, 35), fill=colour)
        picture.save(made / f"{colour}.png")
    return made


@pytest.fixture
def context(home, qtbot, built, monkeypatch):
    explorer = Explorer(home, built)
    monkeypatch.setattr(inspection, "load_model", lambda models, settings, spec, report: explorer.lens(
        "" if spec is None else spec.checkpoint.name if spec.checkpoint else "zero-shot"))
    monkeypatch.setattr(inspection, "transcribe",
                        lambda recogniser, model, options, waveform, report: explorer.transcribe(waveform, report))
    made = Context(home, explorer)
    yield made
    explorer.gate.set()
    assert made.jobs.shutdown(60)
    made.close()


@pytest.fixture
def gallery(context, folder):
    store = context.explorer.store
    index_folder(open_gallery(store, "Shapes", create=True), folder, context.explorer, "centre")
    context.set_gallery("Shapes")
    return "Shapes"


@pytest.fixture
def panel(context, qtbot):
    made = InspectPanel(context, Player())
    qtbot.addWidget(made)
    made.resize(1190, 760)
    made.show()
    yield made
    made.closing()


@pytest.fixture
def voice():
    return from_samples(0.4 * np.sin(np.arange(2 * RATE) * 0.05).astype(np.float32), RATE)
