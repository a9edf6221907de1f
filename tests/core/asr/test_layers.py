"""The encoder's layers, with a small encoder of random weights."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from whisper.model import AudioEncoder

from core import devices
from core.asr.checkpoint import WhisperCheckpoint
from core.asr.engine import padded
from core.asr.torch_runtime import TorchWhisper
from core.audio import RATE, from_samples

LAYERS, WIDTH = 3, 16


class EncoderAlone(torch.nn.Module):
    """A Whisper without a decoder."""

    def __init__(self):
        super().__init__()
        self.encoder, self.dims = AudioEncoder(80, 1500, WIDTH, 2, LAYERS), SimpleNamespace(n_mels=80)


@pytest.fixture(scope="module")
def engine():
    torch.manual_seed(0)
    return TorchWhisper(WhisperCheckpoint(EncoderAlone().eval(), "", "", ()), devices.CPU)


def tone(seconds):
    return from_samples((0.3 * np.sin(np.arange(round(seconds * RATE)) * 0.1)).astype(np.float32), RATE)


@pytest.mark.parametrize("padding", ["own", "full"])
def test_the_last_layer_is_what_the_encoder_gives(engine, padding):
    wave = tone(2)
    found = engine.layers(wave, padding)
    assert found.shape == (LAYERS + 1, 100, WIDTH) and found.dtype == np.float32
    if padding == "full":
        whole, = engine.encode(padded(wave.samples, 30 * RATE, False)[None])
        assert found[-1] == pytest.approx(whole[:100], abs=1e-5)
    assert np.abs(found[1] - found[0]).max() > 1e-3  # each block does something


def test_all_of_a_long_recording_is_there(engine):
    found = engine.layers(tone(47.3), "own")
    assert found.shape[1] == pytest.approx(47.3 * 50, abs=2)
    assert np.isfinite(found).all()
