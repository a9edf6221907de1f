"""Progress of each speaker."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.store.records import SpeakerRecord, TakeRecord


@dataclass(frozen=True)
class SpeakerProgress:
    """Recordings of one speaker in a gallery: counts of takes by state, pictures, seconds of speech."""

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
    rows = []
    for group in grouped.values():
        states = [take.state for take in group]
        rows.append(SpeakerProgress(group[0].speaker, len({take.image_id for take in group}), states.count("draft"),
                                    states.count("done"), states.count("accepted"), states.count("rejected"),
                                    sum(take.seconds for take in group)))
    return tuple(sorted(rows, key=lambda row: (-row.takes, row.speaker.name)))
