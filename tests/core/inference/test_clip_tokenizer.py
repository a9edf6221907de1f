import random

import numpy as np
import open_clip
import pytest

from core.inference.clip_tokenizer import ClipTokenizer
from core.search.background import sentences

ODD = ("", " ", "a", "A  Dog\n runs\t", "it's we'll they've I'd I'm you're can't", "<start_of_text> x <end_of_text>",
       "3,5 % of 1234567890", "don\N{RIGHT SINGLE QUOTATION MARK}t", "na\N{LATIN SMALL LETTER I WITH DIAERESIS}ve",
       "Stra\N{LATIN SMALL LETTER SHARP S}e", "\N{DOG FACE}\N{ZERO WIDTH JOINER}\N{CAT FACE}", "\u4e00\u53ea\u72d7",
       "&amp;amp;amp; &lt;b&gt;", "&quot;x&quot;", "schÃ¶n", "\x00\x1b[31mred\x1b[0m", "\ufb01re", "...!?;:-_=+*#",
       "word " * 100, "supercalifragilisticexpialidocious" * 5, "x" * 300, "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}")


def texts() -> list[str]:
    """Everyday sentences, oddities, and random characters of several alphabets."""
    noise = random.Random(1)
    alphabets = ["abcdefghij '", "ABCÄÖÜéè ", "0123456789.,- ", "".join(map(chr, range(0x20, 0x250))),
                 "".join(map(chr, (*range(0x400, 0x450), *range(0x4e00, 0x4e40), *range(0x1f600, 0x1f610), 0x20)))]
    made = ["".join(noise.choices(noise.choice(alphabets), k=noise.randint(1, 60))) for _ in range(500)]
    return [*sentences(), *ODD, *made]


@pytest.mark.parametrize("context", [77, 16])
def test_tokens_are_open_clips(context: int) -> None:
    ours, theirs = ClipTokenizer(context), open_clip.SimpleTokenizer(context_length=context)
    for text in texts():
        assert ours.encode(text) == theirs.encode(text), text
        row, expected = ours([text])[0], theirs([text])[0].numpy()
        assert np.array_equal(row, expected[:len(row)]) and not expected[len(row):].any(), text


def test_a_batch_is_as_long_as_its_longest_text_and_cut_to_the_places() -> None:
    tokens = ClipTokenizer(77)(["a dog", "word " * 100, ""], places=10)
    assert tokens.shape == (3, 10)
    assert tokens.argmax(axis=1).tolist() == [3, 9, 1]
    assert ClipTokenizer(77)(["a dog"]).shape == (1, 4)
    assert ClipTokenizer(77)([]).shape == (0, 0)
