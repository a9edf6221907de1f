"""Training, validation and test splits: no picture in two of them and, where asked, no speaker either.

Both are drawn from hashes of a seed and of what is drawn, so that the same takes give the same splits on any computer.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import AnnotationError
from core.localisation import _

SPLITS = ("train", "val", "test")
HELD_OUT = 0.1  # of the pictures or takes, for val and for test each


@dataclass(frozen=True)
class SplitItem:
    """A caption to be split: its picture (the content's hash) and its speaker."""

    picture: str
    speaker: int


def by_picture(spoken: Sequence[SplitItem], seed: int) -> list[str]:
    """The split of each; about 10 % of the pictures go to val and to test, one at least where there are three."""
    pictures = sorted({take.picture for take in spoken}, key=lambda picture: _draw(seed, picture))
    held_out = max(1, round(HELD_OUT * len(pictures))) if len(pictures) >= len(SPLITS) else 0
    split = dict.fromkeys(pictures, "train")
    split.update(dict.fromkeys(pictures[:held_out], "test"))
    split.update(dict.fromkeys(pictures[held_out:2 * held_out], "val"))
    return [split[take.picture] for take in spoken]


def by_picture_and_speaker(spoken: Sequence[SplitItem], seed: int) -> list[str | None]:
    """The split of each; None for those that have to be left out: their picture is in another split than their speaker.

    The speakers with the fewest takes are held out. A picture goes where most of its takes are spoken.
    AnnotationError ("one_speaker") when there are not two speakers.
    """
    of_speaker = _speakers(Counter(take.speaker for take in spoken), seed)
    votes: dict[str, Counter[str]] = {}
    for take in spoken:
        votes.setdefault(take.picture, Counter())[of_speaker[take.speaker]] += 1
    of_picture = {picture: max(count, key=lambda split: (count[split], _draw(seed, picture + split)))
                  for picture, count in votes.items()}
    return [of_picture[take.picture] if of_picture[take.picture] == of_speaker[take.speaker] else None
            for take in spoken]


def _speakers(takes: Counter[int], seed: int) -> dict[int, str]:
    """The split of each speaker: test, then val, get the smallest speakers until they have their share; never all."""
    if len(takes) < 2:
        raise AnnotationError(_("To keep speakers apart, at least two of them must have described pictures."),
                              "one_speaker")
    waiting = sorted(takes, key=lambda speaker: (takes[speaker], _draw(seed, str(speaker))))
    chosen, size = {}, HELD_OUT * takes.total()
    for split in ("test", "val"):
        got = 0
        while got < size and len(waiting) > 1:
            speaker = waiting.pop(0)
            got += takes[speaker]
            chosen[speaker] = split
    return {**chosen, **dict.fromkeys(waiting, "train")}


def _draw(seed: int, key: str) -> bytes:
    return hashlib.sha256(f"{seed}\n{key}".encode()).digest()
