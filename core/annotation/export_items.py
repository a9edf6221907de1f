"""One utterance of an export, as the writers of layouts get it."""

from dataclasses import dataclass
from pathlib import Path

from core.store.records import ImageRecord, TakeRecord


@dataclass(frozen=True)
class Item:
    """One utterance of an export: `picture` is the file's name there, `number` counts the captions of a picture."""

    take: TakeRecord
    image: ImageRecord
    picture: str
    number: int
    speaker: str
    split: str  # train, val or test

    @property
    def name(self) -> str:
        """The recording's name without its suffix."""
        return f"{Path(self.picture).stem}_{self.number}"
