"""Playback of takes: one at a time, read from the disk in jobs."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from brewclip_app import tasks
from brewclip_app.capture.playback import Player
from core.progress import JobCancelled, Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.audio import Waveform
    from core.store.records import TakeRecord


@dataclass(frozen=True, eq=False)
class Playback:
    """The take that was read last, with its recording, and where it plays."""

    take: "TakeRecord | None" = None
    waveform: "Waveform | None" = None
    playing: int = 0  # id of the take that plays; 0 when none does
    seconds: float | None = None  # the cursor; None while nothing plays


class TakePlayer(QObject):
    """Controller of playback."""

    changed = Signal(object)  # Playback
    failed = Signal(str)

    def __init__(self, context: "Context", player: Player, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context, self._player = context, player
        self.playback = Playback()
        player.moved.connect(lambda seconds: self._set(replace(self.playback, seconds=seconds)))
        player.finished.connect(self.stop)
        player.failed.connect(self._fail)

    def show(self, take: "TakeRecord", play: bool = False) -> None:
        """Read the recording of a take, if it is not the one that was read last, and play it when asked for."""
        now = self.playback
        if now.take is not None and now.take.digest == take.digest and now.waveform is not None:
            self._set(replace(now, take=take))
            if play:
                self.seek(0.0)
        else:
            tasks.start(self._read(take, play))

    def toggle(self, take: "TakeRecord | None") -> None:
        """Play a take; stop when it is the one that plays."""
        playing = self.playback.playing
        if playing:
            self.stop()
        if take is not None and take.id != playing:
            self.show(take, play=True)

    def seek(self, seconds: float) -> None:
        """Play the take that is shown from a position on."""
        now = self.playback
        if now.take is not None and now.waveform is not None:
            self._player.play(now.waveform, seconds)
            self._set(replace(now, playing=now.take.id if self._player.playing else 0))

    def stop(self) -> None:
        """Stop playing."""
        self._player.stop()
        self._set(replace(self.playback, playing=0, seconds=None))

    def _set(self, playback: Playback) -> None:
        self.playback = playback
        self.changed.emit(playback)

    async def _read(self, take: "TakeRecord", play: bool) -> None:
        def read(report: Report) -> "Waveform":
            from core import audio

            return audio.read(take.recording)

        try:
            waveform = await self._context.jobs.run("Reading the recording", read, key="annotate-listen", quiet=True)
        except JobCancelled:
            raise
        except Exception as error:
            self._fail(str(error))
            return
        self._set(replace(self.playback, take=take, waveform=waveform))
        if play:
            self.seek(0.0)

    def _fail(self, reason: str) -> None:
        self.stop()
        self.failed.emit(reason)
