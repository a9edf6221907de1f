from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.asr.windows import LONGEST, SILENCE_AFTER, batches, cuts, padded_length, windows_of
from core.audio import RATE, Waveform


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, int(seconds * RATE)).astype(np.float32)


def test_up_to_30_seconds_are_one_window() -> None:
    assert cuts(noise(30)) == [(0, 30 * RATE)]


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(seconds=st.floats(30.01, 200))
def test_windows_cover_everything_once_and_fit_the_encoder(seconds: float) -> None:
    samples = noise(seconds)
    found = cuts(samples)
    assert found[0][0] == 0 and found[-1][1] == len(samples)
    assert all(before[1] == after[0] for before, after in pairwise(found))
    assert all(10 * RATE < stop - start <= LONGEST for start, stop in found)


def test_a_cut_falls_into_the_pause() -> None:
    samples = noise(40)
    samples[int(20.9 * RATE) : int(21.3 * RATE)] = 0
    (_, cut), _ = cuts(samples)
    assert 20.9 * RATE <= cut <= 21.3 * RATE


def test_halves() -> None:
    samples = noise(12)
    samples[int(5.1 * RATE) : int(5.5 * RATE)] = 0
    window = windows_of([Waveform(samples)])[0]
    first, second = window.halves()
    assert window.can_be_halved and not first.can_be_halved
    assert 5.1 * RATE <= second.start <= 5.5 * RATE
    assert np.array_equal(np.concatenate([first.samples, second.samples]), samples)


def test_windows_know_where_they_were() -> None:
    windows = windows_of([Waveform(noise(3)), Waveform(noise(40))])
    assert [window.recording for window in windows] == [0, 1, 1]
    assert windows[2].start == len(windows[1].samples)
    assert windows[0].frames == 150
    assert windows[0].seconds == 3


@pytest.mark.parametrize(("seconds", "own"), [(0.2, 6.5), (3.0, 9.0), (3.1, 9.5), (29.0, 30.0), (30.0, 30.0)])
def test_padding(seconds: float, own: float) -> None:
    assert padded_length(int(seconds * RATE), "own") == own * RATE
    assert padded_length(int(seconds * RATE), "full") == LONGEST
    assert SILENCE_AFTER == 6 * RATE


def test_batches_hold_equal_lengths_and_every_window() -> None:
    windows = windows_of([Waveform(noise(seconds)) for seconds in (5, 1, 3.2, 3.4, 3.3, 1)])
    found = list(batches(windows, "own", most=16 * RATE))
    assert sorted(index for _, indices in found for index in indices) == list(range(6))
    assert [length for length, _ in found] == sorted(length for length, _ in found)
    for length, indices in found:
        assert length * len(indices) <= 16 * RATE
        assert {padded_length(len(windows[index].samples), "own") for index in indices} == {length}
