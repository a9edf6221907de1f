"""The encoder's layers, with a small encoder of random weights."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from whisper.audio import log_mel_spectrogram
from whisper.model import AudioEncoder

from core.asr.engine import WhisperModel, encode
from core.audio import RATE, from_samples

LAYERS, WIDTH = 3, 16


@pytest.fixture(scope="module")
def engine():
    torch.manual_seed(0)
    encoder = AudioEncoder(80, 1500, WIDTH, 2, LAYERS).eval()

    def mel(samples, length, raise_quiet):
        padded = np.zeros(length, np.float32)
        padded[:len(samples)] = samples
        return log_mel_spectrogram(padded, 80)

    made = WhisperModel.__new__(WhisperModel)  # without a decoder
    made.model, made.device, made.mel = SimpleNamespace(encoder=encoder), SimpleNamespace(precision=torch.float32), mel
    return made


def tone(seconds):
    return from_samples((0.3 * np.sin(np.arange(round(seconds * RATE)) * 0.1)).astype(np.float32), RATE)


@pytest.mark.parametrize("padding", ["own", "full"])
def test_the_last_layer_is_what_the_encoder_gives(engine, padding):
    wave = tone(2)
    found = engine.layers(wave, padding)
    assert found.shape == (LAYERS + 1, 100, WIDTH) and found.dtype == np.float32
    if padding == "full":
        with torch.inference_mode():
            whole = encode(engine.model.encoder, engine.mel(wave.samples, 30 * RATE, False)[None])[0]
        assert found[-1] == pytest.approx(whole[:100].numpy(), abs=1e-5)
    assert np.abs(found[1] - found[0]).max() > 1e-3  # each block does something


def test_all_of_a_long_recording_is_there(engine):
    found = engine.layers(tone(47.3), "own")
    assert found.shape[1] == pytest.approx(47.3 * 50, abs=2)
    assert np.isfinite(found).all()
