"""Where the sound of a recording ends."""

import numpy as np
import pytest

from brewclip_app.capture.sound_end import KEPT_S, SoundEnd

RATE = 16_000


def end_of(samples, block=512):
    sound_end = SoundEnd(RATE)
    for start in range(0, len(samples), block):
        sound_end.add(samples[start:start + block])
    return sound_end.sample


def tone(seconds, level=0.3):
    return (level * np.sin(np.arange(round(seconds * RATE)) * 0.2)).astype(np.float32)


def silence(seconds):
    return np.zeros(round(seconds * RATE), np.float32)


def test_the_end_does_not_depend_on_blocks_nor_on_the_silence_after_it():
    spoken = np.concatenate([silence(0.3), tone(1.01)])
    ends = {end_of(np.concatenate([spoken, silence(seconds)]), block) for seconds in (0.2, 1.0) for block in (97, 4800)}
    [end] = ends
    assert end == pytest.approx(len(spoken) + KEPT_S * RATE, abs=0.02 * RATE)


@pytest.mark.parametrize("samples", [silence(2), tone(2), np.concatenate([tone(1), silence(0.1)]),
                                     np.concatenate([tone(1), tone(1, 0.03)])],
                         ids=["silence alone", "sound alone", "a gap between words", "a last word that trails off"])
def test_there_is_no_end_while_sound_may_go_on(samples):
    assert end_of(samples) is None


def test_a_click_of_the_key_does_not_make_silence_of_words():
    click = np.concatenate([np.full(80, 1.0, np.float32), silence(0.3)])
    assert end_of(np.concatenate([click, tone(1, 0.02)])) is None


def test_noise_between_words_and_silence_is_sound():
    noise = np.random.default_rng(1).normal(0, 0.02, 2 * RATE).astype(np.float32)
    assert end_of(np.concatenate([tone(1), noise])) is None
