"""The words of a text and the tokens that a text tower makes of them. No torch here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Span:
    """One word and where its tokens are among the text's, `start` to `stop`; a word may have none."""

    text: str
    start: int
    stop: int


def spans(tokenizer: Any, text: str) -> tuple[Span, ...]:
    """The words of a text, between blanks, with the tokens of open_clip's tokenizer.

    A token never spans a blank, so the words' tokens follow each other as the text's do. Where the tokenizer mends a
    text across words (mangled encodings, HTML), the words are those of the mended text; where those would be mended
    once more when they stand alone, all of it counts as one word.
    """
    whole, mended = tokenizer.encode(text), tokenizer.clean_fn(text)
    for words in (text.split(), mended.split()):
        parts = [tokenizer.encode(word) for word in words]
        if [token for part in parts for token in part] == whole:
            return _placed(words, [len(part) for part in parts])
    return _placed([mended], [len(whole)])


def _placed(words: Sequence[str], lengths: Sequence[int]) -> tuple[Span, ...]:
    placed, start = [], 0
    for word, length in zip(words, lengths, strict=True):
        placed.append(Span(word, start, start + length))
        start += length
    return tuple(placed)
