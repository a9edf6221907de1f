"""Noise: the ratio is what was asked for, measured on the samples, and an utterance always gets the same."""

import numpy as np
import pytest

from core.audio import RATE, Waveform
from core.errors import DatasetError
from core.features.noise import CLEAN, NOISES, Condition, noisy

BURST = 12 * RATE // 50  # a whole number of the frames by which pauses are found


def voice(seed: int = 0, bursts: float = 8, pauses: bool = True) -> Waveform:
    """Bursts of sound with true silence between them."""
    random = np.random.default_rng(seed)
    samples = 0.1 * random.standard_normal(int(bursts * BURST))
    if pauses:
        samples *= (np.arange(len(samples)) // BURST) % 2
    return Waveform(samples.astype(np.float32))


def ratio(clean: Waveform, mixed: Waveform) -> float:
    """dB of speech where there is speech over the noise; `mixed` is not scaled."""
    bursts = clean.samples.reshape(-1, BURST).astype(float)
    speech = np.mean(bursts[np.abs(bursts).max(axis=1) > 0] ** 2)
    return float(10 * np.log10(speech / np.mean((mixed.samples.astype(float) - clean.samples) ** 2)))


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("snr", [20.0, 5.0, 0.0])
def test_the_ratio_is_what_was_asked_for(noise: str, snr: float) -> None:
    clean, others = voice(), [voice(seed, 2.5 + seed) for seed in range(1, 6)]
    mixed = noisy(clean, Condition(noise, snr), others)
    assert np.abs(mixed.samples).max() < 1  # else it was scaled, and the difference is not the noise
    assert ratio(clean, mixed) == pytest.approx(snr, abs=0.02)


def test_half_of_the_time_silence_does_not_count_as_speech() -> None:
    whole, half = voice(pauses=False), voice()
    noises = [noisy(each, Condition("white", 10)).samples - each.samples for each in (whole, half)]
    assert np.std(noises[1]) == pytest.approx(np.std(noises[0]), rel=0.03)


def test_loud_mixtures_are_scaled_and_not_clipped() -> None:
    clean = Waveform(np.float32(9) * voice().samples)
    mixed = noisy(clean, Condition("white", -10))
    assert np.abs(mixed.samples).max() == pytest.approx(1, abs=1e-6)
    assert np.count_nonzero(np.abs(mixed.samples) > 0.999) < 5


def test_an_utterance_always_gets_the_same_noise_and_another_one_another() -> None:
    one, other, condition = voice(1), voice(2), Condition("white", 10)
    assert np.array_equal(noisy(one, condition).samples, noisy(one, condition).samples)
    first, second = (noisy(each, condition).samples - each.samples for each in (one, other))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.05
    assert noisy(one, CLEAN) is one


def test_pink_noise_is_weaker_in_high_frequencies_and_white_is_not() -> None:
    clean = voice()
    tilts = {}
    for noise in ("white", "pink"):
        power = np.abs(np.fft.rfft(noisy(clean, Condition(noise, 0)).samples - clean.samples)) ** 2
        tilts[noise] = power[500:1000].mean() / power[5000:10000].mean()
    assert tilts["white"] == pytest.approx(1, abs=0.2)
    assert tilts["pink"] == pytest.approx(10, rel=0.3)


def test_babble_is_made_of_the_other_voices() -> None:
    clean = Waveform(np.sin(np.arange(RATE) * 0.3).astype(np.float32))
    hum = Waveform(np.sin(np.arange(RATE // 2) * 2 * np.pi * 440 / RATE).astype(np.float32))
    spectrum = np.abs(np.fft.rfft(noisy(clean, Condition("babble", 0), [hum]).samples / 1.0))
    assert spectrum[430:450].max() > 0.3 * spectrum.max()
    alone = noisy(clean, Condition("babble", 0))  # no other voice: white
    assert np.abs(np.fft.rfft(alone.samples))[4000:].mean() > 10


def test_a_very_short_or_silent_utterance_is_no_trouble() -> None:
    for samples in (np.full(50, 0.1, np.float32), np.zeros(4000, np.float32)):
        mixed = noisy(Waveform(samples), Condition("white", 0)).samples
        assert len(mixed) == len(samples) and np.isfinite(mixed).all()


@pytest.mark.parametrize(("text", "condition"), [
    ("clean", CLEAN), ("", CLEAN), ("10", Condition("white", 10.0)), (" babble:-5 ", Condition("babble", -5.0)),
    ("pink:0", Condition("pink", 0.0))])
def test_conditions_are_read(text: str, condition: Condition) -> None:
    assert Condition.of(text) == condition


@pytest.mark.parametrize("text", ["loud", "rain:5", "white:nan", "white:", "1000", "babble:5:5"])
def test_what_is_no_condition_is_told(text: str) -> None:
    with pytest.raises(DatasetError, match="is no condition") as caught:
        Condition.of(text)
    assert caught.value.kind == "condition"


def test_conditions_are_named() -> None:
    assert [str(each) for each in (CLEAN, Condition("white", 10.0), Condition("babble", -2.5))] == [
        "clean", "white 10 dB", "babble -2.5 dB"]
