"""A recogniser is one module and one row of the table: everything else finds it there."""

import numpy as np
import pytest

from core import audio
from core.asr.recogniser import RECOGNISERS, RecogniserEntry
from core.asr.transcript import TranscriptionOptions
from core.explorer import Explorer
from core.models.registry import ModelRegistry
from core.settings import Settings
from core.weights import record

MODULE = '''
import numpy as np

from core.asr.transcript import EncodedUtterance, Transcript, TranscriptionOptions
from core.fingerprint import Fingerprint
from core.progress import silent


class PeakRecogniser:
    """Says how loud a recording is; its states are four numbers a window."""

    name, device, fallback, precision, width = "Peak", "cpu", "", "float32", 4
    fingerprint = Fingerprint.of({"recogniser": "Peak"})

    def __init__(self, path, device, exports, sha256):
        self.path, self.asked = path, device

    def fingerprint_of(self, options):
        return self.fingerprint

    def transcribe(self, waveforms, options=TranscriptionOptions(), report=silent):
        texts = ["loud" if abs(waveform.samples).max() > 0.5 else "quiet" for waveform in waveforms]
        states = np.ones((2, self.width), np.float16)
        return [EncodedUtterance(Transcript(text, "en", (), 0.0, 0.0, 1.0), (states,)) for text in texts]

    def states(self, waveform, padding="own"):
        return np.ones((2, self.width), np.float32)

    def layers(self, waveform, padding="own"):
        return np.ones((1, 2, self.width), np.float32)

    def warm_up(self):
        pass


load = PeakRecogniser
'''


@pytest.fixture
def explorer(home, tmp_path, monkeypatch, whisper_base):
    (tmp_path / "peak_recogniser.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    settings = Settings().with_value("weights.folder", str(whisper_base.parent))
    made = Explorer(home, settings, ModelRegistry(home, RecogniserEntry("whisper-base", "Peak", "peak_recogniser")))
    yield made
    made.close()


def waveform(peak):
    return audio.from_samples(peak * np.sin(np.arange(8000) * 0.1).astype(np.float32), 16_000)


def test_a_recogniser_is_plugged_in_by_its_row(explorer, whisper_base):
    assert explorer.recogniser().path == whisper_base
    assert explorer.transcribe_query(waveform(0.9)).text == "loud"
    quiet, = explorer.transcribe([waveform(0.1)], options=TranscriptionOptions(word_times=False))
    assert quiet.transcript.text == "quiet" and quiet.states[0].shape == (2, 4)
    assert explorer.status().speech_loaded and explorer.status().device == "cpu"


def test_every_row_has_weights_and_a_module_that_loads():
    for entry in RECOGNISERS:
        weights = record(entry.weights)
        assert (weights.kind, weights.title) == ("speech", entry.title)
        assert callable(__import__(entry.module, fromlist=["load"]).load)
