"""Listening to takes: read from the disk in jobs, played one at a time, whoever shows them."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from brewclip_app.capture.playback import Player
from core.progress import Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.audio import Waveform
    from core.store.records import TakeRecord


class TakePlayer(QObject):
    """Has the voice of the take that was shown last."""

    shown = Signal(object, object)  # TakeRecord, Waveform
    playing = Signal(int)  # id of the take that plays; 0 when none does
    moved = Signal(float)  # seconds
    failed = Signal(str)

    def __init__(self, context: "Context", player: Player, parent: QObject) -> None:
        super().__init__(parent)
        self._context, self._player = context, player
        self._take: TakeRecord | None = None
        self._waveform: Waveform | None = None
        self._plays = 0
        player.moved.connect(self.moved)
        player.finished.connect(self.stop)
        player.failed.connect(self._cannot)

    @property
    def plays(self) -> int:
        """The id of the take that plays; 0 when none does."""
        return self._plays

    def show(self, take: "TakeRecord", then_play: bool = False) -> None:
        """Read the take's recording, once; `shown` follows."""
        if self._take is not None and self._take.digest == take.digest and self._waveform is not None:
            self._read(take, self._waveform, then_play)
            return

        def read(report: Report) -> "Waveform":
            from core import audio

            return audio.read(take.recording)

        self._context.jobs.submit("Reading the recording", read, key="annotate-listen", quiet=True,
                                  on_done=lambda waveform: self._read(take, waveform, then_play),
                                  on_failed=lambda error: self.failed.emit(str(error)))

    def turn(self, take: "TakeRecord | None") -> None:
        """Play a take; stop when it is the one that plays."""
        if self._plays or take is None:
            same = take is not None and self._plays == take.id
            self.stop()
            if same or take is None:
                return
        self.show(take, then_play=True)

    def seek(self, seconds: float) -> None:
        """Play the take that is shown from there."""
        if self._take is not None and self._waveform is not None:
            self._play(self._take, self._waveform, seconds)

    def stop(self) -> None:
        """Be silent."""
        self._player.stop()
        self._plays = 0
        self.playing.emit(0)

    def _read(self, take: "TakeRecord", waveform: "Waveform", then_play: bool) -> None:
        self._take, self._waveform = take, waveform
        self.shown.emit(take, waveform)
        if then_play:
            self._play(take, waveform, 0.0)

    def _play(self, take: "TakeRecord", waveform: "Waveform", seconds: float) -> None:
        self._player.play(waveform, seconds)
        self._plays = take.id if self._player.playing else 0
        self.playing.emit(self._plays)

    def _cannot(self, why: str) -> None:
        self.stop()
        self.failed.emit(why)
