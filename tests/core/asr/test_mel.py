import numpy as np
import pytest
from whisper.audio import log_mel_spectrogram

from core.asr.mel import log_mel

NOISE = np.random.default_rng(0).standard_normal(48_000).astype(np.float32)


@pytest.mark.parametrize("bands", [80, 128])
@pytest.mark.parametrize("level", [1.0, 1e-3])
def test_log_mel_is_openai_whispers(bands: int, level: float) -> None:
    samples = np.concatenate([NOISE * np.float32(level), np.zeros(32_000, np.float32)])
    expected = log_mel_spectrogram(samples, bands).numpy()
    computed = log_mel(samples, bands)
    assert computed.shape == expected.shape == (bands, 500) and computed.dtype == np.float32
    assert np.abs(computed - expected).max() < 1e-5


def test_silence_is_the_floor() -> None:
    assert np.allclose(log_mel(np.zeros(16_000, np.float32), 80), log_mel_spectrogram(np.zeros(16_000, np.float32), 80))
