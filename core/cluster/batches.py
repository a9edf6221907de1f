"""What a pool hands out and gives back: batches of items, items that end workers, what each worker did."""

from dataclasses import dataclass
from typing import Any

DEATHS = 2  # workers that a batch may cost before it is parted, and an item before it is given up


@dataclass
class WorkBatch:
    """Items that go to a worker together; `deaths` counts the workers that died over them."""

    items: list[Any]
    deaths: int = 0

    def after_death(self) -> "list[WorkBatch]":
        """What is to be tried next; [] when it is one item that was tried often enough."""
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
class Lost:
    """An item over which workers died."""

    item: Any


@dataclass(frozen=True)
class WorkerShare:
    """What a worker did: items, and its seconds from its first batch on."""

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
