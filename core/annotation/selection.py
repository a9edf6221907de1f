"""Selection for an export: takes that go in, those left out with their reason, names and splits."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from core.annotation import splits
from core.annotation.captions import stage_of
from core.annotation.export_items import Item
from core.annotation.splits import SplitItem
from core.datasets import coco
from core.file_names import safe_name
from core.images import IMAGE_SUFFIXES
from core.store.records import ImageRecord, SpeakerRecord, TakeRecord

EXAMPLES = 5
REASONS: Mapping[str, str] = MappingProxyType({  # key: what is left out
    "draft": "takes that are not confirmed yet",
    "awaited": "takes whose words are still awaited",
    "late": "takes whose words arrived after Enter and are not confirmed yet",
    "rejected": "takes that were rejected",
    "unreviewed": "takes that the review has not accepted",
    "no_words": "takes without words",
    "no_picture": "takes whose picture is gone or cannot be read",
    "no_recording": "takes whose recording is gone or cannot be read",
    "crossing": "takes whose picture and speaker are in different splits",
})


@dataclass(frozen=True)
class LeftOut:
    """Takes that are not exported, for one reason of `REASONS`; `examples` name some pictures."""

    reason: str
    count: int
    examples: tuple[str, ...]

    @property
    def what(self) -> str:
        """The reason in words."""
        return REASONS[self.reason]


class Leftovers:
    """Collects what is left out."""

    def __init__(self) -> None:
        self._found: defaultdict[str, list[str]] = defaultdict(list)

    def add(self, reason: str, subject: str) -> None:
        """Note one take that is left out."""
        self._found[reason].append(subject)

    def all(self) -> tuple[LeftOut, ...]:
        """Counts in the table's order."""
        return tuple(LeftOut(reason, len(self._found[reason]), tuple(self._found[reason][:EXAMPLES]))
                     for reason in REASONS if reason in self._found)


def choose(takes: Iterable[TakeRecord], images: Mapping[int, ImageRecord], reviewed: bool,
           left: Leftovers) -> list[TakeRecord]:
    """The takes that can be exported; `reviewed`: only what the review has accepted."""
    chosen = []
    for take in takes:
        image = images.get(take.image_id or 0)
        reason = _reason(take, image, reviewed)
        if reason:
            left.add(reason, image.path.name if image else take.text)
        else:
            chosen.append(take)
    return chosen


def _reason(take: TakeRecord, image: ImageRecord | None, reviewed: bool) -> str:
    stage = stage_of(take)
    if stage in ("draft", "awaited", "late", "rejected"):
        return stage
    if reviewed and take.state != "accepted":
        return "unreviewed"
    if image is None:
        return "no_picture"
    return "" if take.text.strip() else "no_words"


def arrange(takes: Sequence[TakeRecord], images: Mapping[int, ImageRecord], by_speaker: bool, seed: int,
            left: Leftovers) -> list[Item]:
    """The takes with their splits and names. AnnotationError ("one_speaker") where speakers cannot be kept apart."""
    shown = [images[take.image_id or 0] for take in takes]
    spoken = [SplitItem(image.content_hash, take.speaker.id) for take, image in zip(takes, shown, strict=True)]
    drawn = (splits.by_picture_and_speaker if by_speaker else splits.by_picture)(spoken, seed)
    pictures, speakers = _picture_names(shown), speaker_codes({take.speaker.id: take.speaker for take in takes})
    numbers: defaultdict[str, int] = defaultdict(int)
    items = []
    for take, image, split in zip(takes, shown, drawn, strict=True):
        name = pictures[image.content_hash]
        if split is None:
            left.add("crossing", name)
            continue
        items.append(Item(take, image, name, numbers[name], speakers[take.speaker.id], split))
        numbers[name] += 1
    return items


def _picture_names(images: Iterable[ImageRecord]) -> dict[str, str]:
    """A file name for each content: its own where that is plain and nobody else's, else with a piece of its hash.

    Names differ in more than their suffix and the case of their letters, since recordings are named after them.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for image in images:
        if image.content_hash in names:
            continue
        own = Path(image.path.name)
        stem = safe_name(plain_name(own.stem) or "picture")
        if _key(stem) in taken or stem != own.stem:
            stem = f"{stem}-{image.content_hash[:8]}"
        taken.add(_key(stem))
        names[image.content_hash] = f"{stem}{_suffix(own)}"
    return names


def _suffix(own: Path) -> str:
    """The file's suffix, where it is one of a picture."""
    return own.suffix if own.suffix.lower() in IMAGE_SUFFIXES else ""


def _key(stem: str) -> str:
    """Key of a picture's name: names of COCO's releases that mean one picture have the same."""
    return coco.image_id(f"{stem}.jpg").casefold()


def speaker_codes(speakers: Mapping[int, SpeakerRecord]) -> dict[int, str]:
    """A word for each speaker: the name without what lists cannot hold."""
    codes: dict[int, str] = {}
    for one, speaker in sorted(speakers.items()):
        code = plain_name(speaker.name) or f"speaker-{one}"
        codes[one] = code if code not in codes.values() else f"{code}-{one}"
    return codes


def plain_name(text: str) -> str:
    """The text in letters of ASCII, digits, dots, dashes and underscores; accents are dropped."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", ascii_only).strip("-.")
