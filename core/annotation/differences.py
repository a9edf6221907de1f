"""Corrections of a transcript, word by word, without regard to case and punctuation."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Change = Literal["same", "changed", "added", "left_out"]
CHANGES: dict[str, Change] = {"equal": "same", "replace": "changed", "insert": "added", "delete": "left_out"}


@dataclass(frozen=True)
class Piece:
    """A stretch of words: what was heard, and what stands there now ("" on one side for added and left out)."""

    change: Change
    heard: str
    text: str


def words_of(text: str) -> list[str]:
    """The words as they are compared: lower case, without punctuation, apostrophes inside kept."""
    return re.findall(r"\w+(?:['’]\w+)*", text.casefold())


def differences(recognised: str, text: str) -> tuple[Piece, ...]:
    """The stretches of both texts, in order; joined, each side gives its text again."""
    left, right = _tokens(recognised), _tokens(text)
    matcher = SequenceMatcher(None, [_compared(word) for word in left], [_compared(word) for word in right], False)
    return tuple(Piece(CHANGES[tag], " ".join(left[a:b]), " ".join(right[c:d]))
                 for tag, a, b, c, d in matcher.get_opcodes())


def corrected_words(pieces: tuple[Piece, ...]) -> int:
    """Number of words that were wrong, missing or superfluous."""
    return sum(max(len(piece.heard.split()), len(piece.text.split())) for piece in pieces if piece.change != "same")


def _tokens(text: str) -> list[str]:
    """The words with their punctuation, that which stands by itself with the word before it."""
    tokens: list[str] = []
    for token in text.split():
        if tokens and not (words_of(token) and words_of(tokens[-1])):
            tokens[-1] += f" {token}"
        else:
            tokens.append(token)
    return tokens


def _compared(word: str) -> str:
    return "".join(words_of(word)) or word
