"""Register of indexing runs that have not ended: one small JSON file in the home.

A run is noted before its first picture is read, and the note goes when the run has ended, so that a crash or a power
cut leaves it behind. A gallery is known by the time it was made, which survives renaming and fits any place.
"""

import json
import os
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

from core import plain_json, private_files
from core.progress import JobCancelled
from core.store.records import GalleryRecord

T = TypeVar("T")
_LOCK = threading.Lock()
PATIENCE = 5.0  # seconds


@dataclass(frozen=True)
class UnfinishedRun:
    """An indexing run that has not ended. `found` pictures will be in the gallery then; 0 while that is unknown.

    `stopped` by the user, who will say when it goes on; `process` is the id of the process that works or worked on it.
    """

    found: int = 0
    stopped: bool = False
    process: int = 0

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody stopped it and no process works on it any more."""
        return not self.stopped and self.process != os.getpid() and not _is_alive(self.process)

    @property
    def is_running(self) -> bool:
        """Whether a process, this one or another, works on it now."""
        return not self.stopped and (self.process == os.getpid() or _is_alive(self.process))


class UnfinishedRuns:
    """The register. Any thread may call any method; a file that cannot be read or written counts as empty."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def of(self, gallery: GalleryRecord) -> UnfinishedRun | None:
        """The run of a gallery that has not ended."""
        return self._read().get(_key(gallery))

    def run(self, gallery: GalleryRecord, work: Callable[[Callable[[int], None]], T]) -> T:
        """Do `work(found)` with the run noted until it has ended; it calls `found(n)` once it knows how many.

        One that is cancelled or fails stays noted as stopped, unless it failed before it found anything.
        """
        before = self.of(gallery)
        self._note(gallery, replace(before or UnfinishedRun(), stopped=False, process=os.getpid()))
        try:
            result = work(lambda number: self._note(gallery, UnfinishedRun(number, False, os.getpid())))
        except BaseException as error:
            note = self.of(gallery)
            cancelled = isinstance(error, JobCancelled | KeyboardInterrupt)
            self._note(gallery, replace(note, stopped=True) if note and (cancelled or note.found) else before)
            raise
        self._note(gallery, None)
        return result

    def resume_later(self, gallery: GalleryRecord) -> None:
        """Have a run that was cancelled because the program ends go on at the next start."""
        note = self.of(gallery)
        if note is not None:
            self._note(gallery, replace(note, stopped=False, process=0))

    def _note(self, gallery: GalleryRecord, run: UnfinishedRun | None) -> None:
        with _LOCK, private_files.alone(self._file.with_name(self._file.name + ".lock"), PATIENCE):
            runs = self._read()
            runs.pop(_key(gallery), None)
            if run is not None:
                runs[_key(gallery)] = run
            try:
                content = json.dumps({key: asdict(run) for key, run in runs.items()})
                private_files.write_atomically(self._file, content.encode(), durable=False)
            except OSError:
                pass  # indexing itself says what is wrong with the disk

    def _read(self) -> dict[str, UnfinishedRun]:
        try:
            content = plain_json.read_object(self._file)
            return {str(key): UnfinishedRun(int(run["found"]), bool(run["stopped"]), int(run["process"]))
                    for key, run in content.items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}


def _key(gallery: GalleryRecord) -> str:
    return gallery.created.isoformat()


def _is_alive(process: int) -> bool:
    if process <= 0 or os.name != "posix":
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it is another user's
    return True
