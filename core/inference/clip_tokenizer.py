"""CLIP's byte-pair encoding of texts, as open_clip's `SimpleTokenizer` gives it (a test compares them)."""

import gzip
import html
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

MERGES = 48_894
START, END = 49_406, 49_407
END_OF_WORD = "</w>"
WHOLE = "<start_of_text>|<end_of_text>|'s|'t|'re|'ve|'m|'ll|'d"
ASCII_PARTS = re.compile(WHOLE + r"|[a-z]+|[0-9]|[^\sa-z0-9]+")
SPECIAL = {"<start_of_text>": START, "<end_of_text>": END}


class ClipTokenizer:
    """Texts to tokens for a text tower with places for `context` tokens, start and end included."""

    def __init__(self, context: int) -> None:
        self.context = context

    def encode(self, text: str) -> list[int]:
        """The tokens of a text, without start and end, of any number."""
        return [token for part in _parts(_cleaned(text)) for token in _tokens(part)]

    def __call__(self, texts: Sequence[str], places: int = 0) -> NDArray[np.int64]:
        """Tokens (n, longest) with start and end, 0 behind the end; cut to `places`, 0 being the whole context."""
        places = places or self.context
        rows = [[START, *self.encode(text), END] for text in texts]
        rows = [row if len(row) <= places else [*row[:places - 1], END] for row in rows]
        tokens = np.zeros((len(rows), max(map(len, rows), default=0)), np.int64)
        for place, row in zip(tokens, rows, strict=True):
            place[:len(row)] = row
        return tokens


def _cleaned(text: str) -> str:
    """The text repaired, in lower case, with single blanks."""
    if not (text.isascii() and text.isprintable()) or "&" in text:
        import ftfy  # takes as long to import as all else here, and changes nothing in other texts

        text = html.unescape(html.unescape(ftfy.fix_text(text)))
    return " ".join(text.split()).lower()


def _parts(text: str) -> list[str]:
    """Words, digits and runs of other characters of a cleaned text."""
    if text.isascii():
        return ASCII_PARTS.findall(text)
    import regex  # for letters of all alphabets

    parts: list[str] = regex.findall(WHOLE + r"|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", text, regex.IGNORECASE)
    return parts


@lru_cache(maxsize=1)
def _byte_letters() -> tuple[str, ...]:
    """The printable character that stands for each byte in the table of merges."""
    kept = {*range(ord("!"), ord("~") + 1), *range(ord("\N{INVERTED EXCLAMATION MARK}"), 0xAD), *range(0xAE, 0x100)}
    others = iter(range(256, 512))
    return tuple(chr(byte) if byte in kept else chr(next(others)) for byte in range(256))


@lru_cache(maxsize=1)
def _ranks() -> dict[str, int]:
    """Ranks of the merges by pair, which a blank divides; a merge of rank n makes the token 512 + n."""
    content = gzip.decompress((files("resources") / "models" / "clip_merges.txt.gz").read_bytes()).decode("utf-8")
    return dict(zip(content.split("\n", MERGES + 1)[1:MERGES + 1], range(MERGES), strict=True))


@lru_cache(maxsize=1)
def _letter_tokens() -> dict[str, int]:
    """Tokens of single letters, in a word and at its end."""
    letters = sorted(_byte_letters(), key=lambda letter: (ord(letter) > 255, ord(letter)))
    return dict(zip([*letters, *(letter + END_OF_WORD for letter in letters)], range(2 * len(letters)), strict=True))


@lru_cache(maxsize=4096)
def _tokens(part: str) -> tuple[int, ...]:
    """The tokens of a word: neighbours are merged as long as the table has a merge for them, the first one first."""
    if part in SPECIAL:
        return (SPECIAL[part],)
    letters, ranks, tokens = _byte_letters(), _ranks(), dict(_letter_tokens())
    pieces = [letters[byte] for byte in part.encode("utf-8")]
    pieces[-1] += END_OF_WORD
    while len(pieces) > 1:
        rank, pair = min((ranks.get(" ".join(pair), MERGES), pair) for pair in pairwise(pieces))
        if rank == MERGES:
            break
        tokens["".join(pair)] = len(_letter_tokens()) + rank
        pieces = list(_merged(pieces, pair))
    return tuple(tokens[piece] for piece in pieces)


def _merged(pieces: Sequence[str], pair: tuple[str, str]) -> Iterator[str]:
    """The pieces with each occurrence of the pair joined."""
    place = 0
    while place < len(pieces):
        joined = tuple(pieces[place:place + 2]) == pair
        yield "".join(pair) if joined else pieces[place]
        place += 2 if joined else 1
