"""Warnings about a recording."""

import numpy as np
import pytest

from core import audio
from core.annotation.quality import warning_of


@pytest.mark.parametrize(("peak", "seconds", "expected"), [
    (0.3, 2.0, ""), (0.04, 2.0, "Quiet"), (0.3, 0.8, "Short"), (0.9, 2.0, "")])
def test_level_and_length(peak, seconds, expected):
    samples = peak * np.sin(np.arange(round(16_000 * seconds)) * 0.05)
    assert warning_of(audio.from_samples(samples, 16_000)).startswith(expected)
    assert bool(warning_of(audio.from_samples(samples, 16_000))) == bool(expected)


def test_clipping_is_told_before_all_else():
    samples = np.clip(3 * np.sin(np.arange(8000) * 0.05), -1, 1)
    assert warning_of(audio.from_samples(samples, 16_000)).startswith("Too loud")


def test_one_sample_at_full_scale_is_no_clipping():
    samples = 0.5 * np.sin(np.arange(32_000) * 0.05)
    samples[7] = 1.0
    assert warning_of(audio.from_samples(samples, 16_000)) == ""
