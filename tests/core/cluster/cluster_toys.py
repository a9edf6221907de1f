"""Workers without a model, which Ray's processes import: they echo their items, and some items end them."""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.cluster.model_files import FileSet
from core.cluster.workers import Worker


@dataclass(frozen=True)
class ToyJob:
    """`diary` is a file to which a worker adds what it does."""

    diary: Path
    sets: tuple[FileSet, ...] = ()
    seconds: float = 0.0
    dies_at_start: bool = False


class Toy(Worker):
    def __init__(self, job: ToyJob) -> None:
        self._job, self.sets = job, job.sets

    def build(self, folders: Sequence[Path]) -> None:
        if self._job.dies_at_start:
            os.kill(os.getpid(), signal.SIGKILL)
        for folder in folders:
            self._note(f"model {sorted(path.name for path in folder.iterdir())}")

    def work(self, items: Sequence[str]) -> list[str]:
        for item in items:
            self._note(f"begin {item}")
            time.sleep(self._job.seconds)
            if item.startswith("kill"):
                os.kill(os.getpid(), signal.SIGKILL)
            if item.startswith("raise"):
                raise ModuleNotFoundError("No module named 'core.models'")
        return [f"done {item}" for item in items]

    def _note(self, text: str) -> None:
        with self._job.diary.open("a") as file:
            file.write(f"{text}\n")


class Elsewhere(FileSet):
    """Files that only the driver's machine has."""

    def __reduce__(self) -> Any:
        return FileSet, (Path("/nowhere"), self.digests, "")
