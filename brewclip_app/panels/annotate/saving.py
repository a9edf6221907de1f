"""Recordings on their way to the disk, and the one that could not be written and waits in memory."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from brewclip_app.panels.annotate.line import SerialJobs

if TYPE_CHECKING:
    from core.annotation.takes import Annotator
    from core.audio import Waveform
    from core.store.records import TakeRecord


@dataclass(frozen=True)
class Aim:
    """Where the next recording belongs: which picture, who speaks, and the take that it replaces."""

    image_id: int
    speaker_id: int
    replaces: "TakeRecord | None" = None


@dataclass(frozen=True)
class Unkept:
    """A recording that could not be written; it waits in memory."""

    aim: Aim
    waveform: "Waveform"
    warning: str


class Saving(QObject):
    """Writes recordings through the line."""

    began = Signal()
    kept = Signal(object, object)  # TakeRecord, and the Aim that it was recorded for
    failed = Signal(object)  # BaseException: it waits in memory

    def __init__(self, line: SerialJobs, parent: QObject) -> None:
        super().__init__(parent)
        self._line = line
        self.count = 0  # recordings on their way
        self.unkept: Unkept | None = None
        self.latest: list[TakeRecord] = []  # what the last recording became; empty until it is on the disk

    def keep(self, new: Unkept, annotator: "Annotator") -> None:
        """Write a recording; `kept` or `failed` follows."""
        self.count += 1
        self.latest = latest = []

        def work() -> "TakeRecord":
            from core.annotation.quality import warning_of

            aim, warning = new.aim, new.warning or warning_of(new.waveform)
            latest.append(annotator.record(aim.image_id, aim.speaker_id, new.waveform, warning, aim.replaces))
            return latest[0]

        self._line.add("Keeping the recording", work, partial(self._kept, new.aim), partial(self._not_kept, new))
        self.began.emit()

    def _kept(self, aim: Aim, take: "TakeRecord") -> None:
        self.count -= 1
        self.unkept = None
        self.kept.emit(take, aim)

    def _not_kept(self, new: Unkept, error: BaseException) -> None:
        self.count -= 1
        self.unkept = new
        self.failed.emit(error)
