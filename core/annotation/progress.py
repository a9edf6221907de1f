"""How far each speaker is."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.store.records import SpeakerRecord, TakeRecord


@dataclass(frozen=True)
class SpeakerProgress:
    """What one speaker has recorded in a gallery: counts of takes by state, pictures, seconds of speech."""

    speaker: SpeakerRecord
    pictures: int
    drafts: int
    done: int
    accepted: int
    rejected: int
    seconds: float

    @property
    def takes(self) -> int:
        """All of them."""
        return self.drafts + self.done + self.accepted + self.rejected


def by_speaker(takes: Iterable[TakeRecord]) -> tuple[SpeakerProgress, ...]:
    """The progress of all who have takes among these, most takes first."""
    grouped: dict[int, list[TakeRecord]] = {}
    for take in takes:
        grouped.setdefault(take.speaker.id, []).append(take)
    found = [_progress(group) for group in grouped.values()]
    return tuple(sorted(found, key=lambda each: (-each.takes, each.speaker.name)))


def _progress(takes: list[TakeRecord]) -> SpeakerProgress:
    states = [take.state for take in takes]
    return SpeakerProgress(takes[0].speaker, len({take.image_id for take in takes}), states.count("draft"),
                           states.count("done"), states.count("accepted"), states.count("rejected"),
                           sum(take.seconds for take in takes))
