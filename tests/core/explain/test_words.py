"""Words and their tokens."""

import open_clip
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.explain.words import spans

TOKENIZER = open_clip.SimpleTokenizer()


@pytest.mark.parametrize(("text", "words", "lengths"), [
    ("A cat's toy.", ["A", "cat's", "toy."], [1, 2, 2]),
    ("", [], []),
    ("   ", [], []),
    ("the skater's antidisestablishmentarianism", ["the", "skater's", "antidisestablishmentarianism"], None),
    ("12 dogs", ["12", "dogs"], [2, 1]),
    ("\x80 \x83\x95", ["€ ƒ•"], None),  # each mended word alone would be mended once more
])
def test_words_and_how_many_tokens_they_have(text, words, lengths):
    found = spans(TOKENIZER, text)
    assert [span.text for span in found] == words
    if lengths:
        assert [span.stop - span.start for span in found] == lengths
    assert (found[-1].stop if found else 0) == len(TOKENIZER.encode(text))


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_the_words_have_all_tokens_of_any_text_in_order(text):
    found, place = spans(TOKENIZER, text), 0
    for span in found:
        assert span.start == place <= span.stop
        place = span.stop
    assert place == len(TOKENIZER.encode(text))
