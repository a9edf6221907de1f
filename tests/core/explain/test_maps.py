"""Maps: every bit of relevance is somewhere, and where it belongs."""

import numpy as np
import pytest

from core.asr.transcript import Word
from core.explain.maps import draw, per_word, spread
from core.explain.methods import METHODS, method
from core.explain.observation import observe, typed

GRADIENT = method("gradient")
READ = [each for each in METHODS if not each.occludes]


def all_of(elsewhere) -> float:
    return float(elsewhere.prompts.sum()) + elsewhere.readout + elsewhere.start


@pytest.mark.slow
@pytest.mark.parametrize("each", READ, ids=lambda each: each.name)
@pytest.mark.parametrize("target", ["fused", "text", "acoustic"])
def test_no_relevance_is_lost(make, heard, pixels, each, target):
    found = observe(make("full"), pixels, heard())
    maps = draw(found, target, each)
    assert (maps.words is None) == (target == "acoustic") and (maps.sound is None) == (target == "text")
    shown = [("picture", maps.picture.relevance.sum(), maps.picture.elsewhere)]
    if maps.words is not None:
        shown.append(("words", sum(word.relevance for word in maps.words.words), maps.words.elsewhere))
    if maps.sound is not None:
        shown.append(("sound", maps.sound.frames.sum(), maps.sound.elsewhere))
    for name, painted, elsewhere in shown:
        tower = found.towers[name]
        total = each.relevance(tower.readings[target], tower.painted).sum()
        assert painted + all_of(elsewhere) == pytest.approx(float(total), rel=1e-4, abs=1e-9), name
    assert maps.picture.relevance.shape == (4, 4) and len(maps.picture.elsewhere.prompts) == 4


def test_a_target_that_the_query_lacks_is_an_error(make, pixels):
    with pytest.raises(KeyError):
        draw(observe(make("full"), pixels, typed("a dog")), "acoustic", GRADIENT)


def test_words_beyond_what_is_read_are_cut(make, pixels):
    text = " ".join(["dog"] * 74 + ["antidisestablishmentarianism", "cat"])
    maps = draw(observe(make("zero-shot"), pixels, typed(text)), "fused", GRADIENT)
    words = maps.words.words
    assert [(word.cut, word.read) for word in words[:74]] == [(False, True)] * 74
    assert (words[74].cut, words[74].read) == (True, True)  # its first token was read
    assert (words[75].cut, words[75].read, words[75].relevance) == (True, False, 0.0)
    assert len(maps.words.tokens) == 75


def test_frames_of_words_add_up():
    frames = np.random.default_rng(0).random(100).astype(np.float32)  # two seconds
    words = [Word("one", 0.0, 0.51, 1.0), Word("two", 0.51, 1.3, 1.0), Word("three", 1.3, 2.0, 1.0)]
    found = per_word(frames, words)
    assert sum(word.relevance for word in found) == pytest.approx(float(frames.sum()), rel=1e-6)
    assert found[0].relevance == pytest.approx(float(frames[:25].sum() + 0.5 * frames[25]), rel=1e-5)
    assert per_word(frames, [Word("late", 5.0, 6.0, 1.0)])[0].relevance == pytest.approx(0, abs=1e-9)
    assert per_word(frames, [Word("turned", 1.0, 0.5, 1.0)])[0].relevance == pytest.approx(0, abs=1e-9)


def test_maps_are_spread_to_their_highest():
    assert spread(np.array([0.0, 1.0, 4.0], np.float32)).tolist() == [0, 0.25, 1]
    assert spread(np.zeros(3, np.float32)).tolist() == [0, 0, 0] and spread(np.empty(0, np.float32)).size == 0
    assert spread(np.full(2, 1e-20, np.float32)).tolist() == [0, 0]  # an empty map is not blown up


def test_where_it_was_read_is_said(make, heard, pixels):
    found = observe(make("full"), pixels, heard())
    maps = {each.name: draw(found, "fused", each) for each in READ}
    assert maps["gradient"].picture.layer == "layer 2 of 3" and maps["grad-eclip"].picture.layer == "layer 3 of 3"
    assert maps["gradient"].sound.layer == "the only layer" and maps["gradient-input"].words.layer == "where it enters"
