"""Records of a worker pool: batches, lost items, and each worker's share."""

from dataclasses import dataclass
from typing import Any

DEATHS = 2  # workers that a batch may cost before it is parted, and an item before it is given up


@dataclass
class WorkBatch:
    """Items that one worker gets at once; `deaths` counts the workers that died while working on them."""

    items: list[Any]
    deaths: int = 0

    def after_death(self) -> "list[WorkBatch]":
        """The batches to try next; [] for a single item that was tried often enough."""
        deaths = self.deaths + 1
        if deaths < DEATHS:
            return [WorkBatch(self.items, deaths)]
        if len(self.items) == 1:
            return []
        middle = len(self.items) // 2
        parts = self.items[:middle], self.items[middle:]
        return [WorkBatch(part,
                          deaths - 1 if len(part) > 1 else 0) for part in parts]  # an item alone has its own count


@dataclass(frozen=True)
class LostItem:
    """An item that was given up because workers died of it."""

    item: Any


@dataclass(frozen=True)
class WorkerShare:
    """Work of one worker: number of items, and seconds since its first batch."""

    worker: int
    machine: str
    process: int
    items: int
    seconds: float
    died: bool

    @property
    def rate(self) -> float:
        """Items a second."""
        return self.items / self.seconds if self.seconds > 0 else 0.0
