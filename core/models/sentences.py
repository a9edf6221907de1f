"""Long texts in pieces that fit a text tower: whole sentences as far as they fit, else words."""

import re
from collections.abc import Callable

ENDS = re.compile(r"(?<=[.!?;。！？])\s+")


def pieces(text: str, length: Callable[[str], int], room: int) -> list[str]:
    """The text in pieces of at most `room` tokens by `length`, in order; one that fits is left as it is.

    Sentences that follow each other share a piece where they fit together. A single word that does not fit is a piece.
    """
    if length(text) <= room:
        return [text]
    parts: list[str] = []
    for sentence in ENDS.split(text):
        parts += [sentence] if length(sentence) <= room else _joined(sentence.split(), length, room)
    return _joined(parts, length, room)


def _joined(parts: list[str], length: Callable[[str], int], room: int) -> list[str]:
    """Neighbours joined by a blank as long as they fit."""
    joined: list[str] = []
    for part in filter(None, parts):
        longer = f"{joined[-1]} {part}" if joined else part
        if joined and length(longer) <= room:
            joined[-1] = longer
        else:
            joined.append(part)
    return joined
