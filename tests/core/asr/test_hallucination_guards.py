import numpy as np
import pytest

from core.asr.hallucination_guards import NO_SPEECH, NOT_WORDS, Evidence, Sound, is_worth_showing, sound_of, why_empty
from core.audio import RATE

VOICE = Sound(level=-25, spread=40, voiced=0.5)
NOISE = Sound(level=-25, spread=20, voiced=0.0)
HUM = Sound(level=-40, spread=0.5, voiced=0.0)


def test_silence_and_constants_are_silent() -> None:
    assert sound_of(np.zeros(RATE, np.float32)).silent
    assert sound_of(np.zeros(3, np.float32)).silent
    assert not sound_of(np.random.default_rng(0).normal(0, 1e-2, RATE).astype(np.float32)).silent


def test_noise_and_tones_are_steady_and_voices_are_not() -> None:
    times = np.arange(2 * RATE) / RATE
    buzz = np.sum([np.sin(2 * np.pi * 120 * n * times) / n for n in range(1, 12)], axis=0)
    syllables = buzz * (0.5 + 0.5 * np.sin(2 * np.pi * 4 * times)) ** 2
    assert sound_of(np.sin(2 * np.pi * 440 * times).astype(np.float32)).steady
    assert sound_of(np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)).steady
    assert not sound_of(np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)).like_a_voice
    assert sound_of((syllables / 4).astype(np.float32)).like_a_voice


@pytest.mark.parametrize(("sound", "text", "logprob", "no_speech"), [
    (NOISE, "you", -0.57, 0.96), (NOISE, "Thank you.", -0.85, 0.86), (HUM, "BEEP BEEP BEEP", -0.57, 0.62),
    (NOISE, "I'm going to put the oil in the pan.", -1.53, 0.67), (VOICE, "I'm gonna go back.", -1.91, 0.54),
    (NOISE, "The road is very narrow.", -0.35, 0.81), (HUM, "Thanks for watching!", -0.4, 0.3),
    (VOICE, "The road is very narrow.", -0.42, 0.82),
    (VOICE, "...", -0.1, 0.0)])
def test_what_whisper_says_to_noise_is_not_believed(sound: Sound, text: str, logprob: float, no_speech: float) -> None:
    assert why_empty(sound, Evidence(text, logprob, no_speech, looped=False)) == NO_SPEECH


@pytest.mark.parametrize(("sound", "text", "logprob", "no_speech"), [
    (VOICE, "A dog runs on the beach.", -0.1, 0.0), (VOICE, "Kids are talking by the door.", -0.14, 0.52),
    (VOICE, "Thank you.", -0.2, 0.02), (VOICE, "yes", -0.7, 0.43), (HUM, "two dogs in the forest", -0.56, 0.08),
    (NOISE, "thanks", -0.3, 0.1)])
def test_speech_is_believed(sound: Sound, text: str, logprob: float, no_speech: float) -> None:
    assert why_empty(sound, Evidence(text, logprob, no_speech, looped=False)) == ""


def test_gibberish_and_loops_are_not_words() -> None:
    assert why_empty(VOICE, Evidence("smekul tor", -1.5, 0.1, looped=False)) == NOT_WORDS
    assert why_empty(VOICE, Evidence("beat beat beat", -0.2, 0.3, looped=True)) == NOT_WORDS


@pytest.mark.parametrize(("text", "logprob", "no_speech"), [
    ("Ducks, ducks, ducks", -0.74, 0.56), ("To", -1.85, 0.09), ("Oh.", -0.71, 0.29), ("smekul tor", -1.5, 0.1)])
def test_the_words_of_a_clear_voice_are_shown_though_they_are_not_believed(text: str, logprob: float,
                                                                           no_speech: float) -> None:
    mostly_consonants = Sound(level=-24, spread=95, voiced=0.24, seconds=1.1)
    evidence = Evidence(text, logprob, no_speech, looped=False)
    assert why_empty(mostly_consonants, evidence)
    assert is_worth_showing(mostly_consonants, evidence)


@pytest.mark.parametrize(("sound", "text", "logprob", "no_speech"), [
    (Sound(-58, 35, 0.78, 0.36), "dog", -1.31, 0.47), (Sound(-39, 55, 0.09, 0.24), "Sit.", -1.01, 0.55),
    (Sound(-53, 40, 0.23, 0.26), "Sit.", -0.91, 0.54), (Sound(-69, 24, 0.08, 0.5), "door.", -0.5, 0.47)])
def test_soft_words_and_words_of_consonants_are_shown(sound: Sound, text: str, logprob: float,
                                                      no_speech: float) -> None:
    evidence = Evidence(text, logprob, no_speech, looped=False)
    assert why_empty(sound, evidence)
    assert is_worth_showing(sound, evidence)


@pytest.mark.parametrize(("sound", "text", "logprob", "no_speech"), [
    (Sound(-39, 38, 0.29, 0.28), "I'm", -2.33, 0.57), (Sound(-64, 38, 0.29, 0.28), "You", -1.87, 0.64),
    (Sound(-37, 83, 0.0, 0.16), "I", -2.49, 0.49), (Sound(-43, 77, 0.0, 0.42), "I'm not sure", -1.36, 0.61),
    (Sound(-35, 52, 0.0, 0.2), "Okay.", -1.42, 0.78), (Sound(-17, 41, 0.0, 0.38), "You", -1.64, 0.71),
    (Sound(-58, 35, 0.78, 0.36), "you", -1.31, 0.47)])
def test_slamming_doors_knocks_clicks_and_breath_are_not_shown(sound: Sound, text: str, logprob: float,
                                                               no_speech: float) -> None:
    assert not is_worth_showing(sound, Evidence(text, logprob, no_speech, looped=False))


@pytest.mark.parametrize(("sound", "text", "no_speech"), [
    (NOISE, "Oh.", 0.1), (HUM, "water", 0.2), (Sound(-79, 7, 0.47, 3.0), "1.5 km", 0.54),
    (Sound(-25, 40, 0.5, 0.1), "a click", 0.3), (VOICE, "you", 0.5), (VOICE, "The road is very narrow.", 0.82),
    (VOICE, "...", 0.0)])
def test_noise_and_melodies_are_never_shown(sound: Sound, text: str, no_speech: float) -> None:
    assert not is_worth_showing(sound, Evidence(text, -1.5, no_speech, looped=False))
