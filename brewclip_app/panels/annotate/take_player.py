"""Playback of takes: one at a time, read from the disk in jobs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from brewclip_app import tasks
from brewclip_app.capture.playback import Player, PlayerState
from brewclip_app.controller import Controller
from brewclip_app.localisation import _, localised
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
    problem: str = ""  # why the last take could not be read or played


class TakePlayer(Controller[Playback]):
    """Controller of playback."""

    def __init__(self, context: "Context", player: Player, parent: QObject | None = None) -> None:
        super().__init__(Playback(), parent)
        self._context, self._player = context, player
        player.changed.connect(self._follow_player)

    def show(self, take: "TakeRecord", play: bool = False) -> None:
        """Read the recording of a take, if it is not the one that was read last, and play it when asked for."""
        now = self.state
        if now.take is not None and now.take.digest == take.digest and now.waveform is not None:
            self._set(take=take, problem="")
            if play:
                self.seek(0.0)
        else:
            tasks.start(self._read(take, play))

    def toggle(self, take: "TakeRecord | None") -> None:
        """Play a take; stop when it is the one that plays."""
        playing = self.state.playing
        if playing:
            self.stop()
        if take is not None and take.id != playing:
            self.show(take, play=True)

    def seek(self, seconds: float) -> None:
        """Play the take that is shown from a position on."""
        if self.state.take is not None and self.state.waveform is not None:
            self._player.play(self.state.waveform, seconds)
            self._set(playing=self.state.take.id if self._player.playing else 0)

    def stop(self) -> None:
        """Stop playing."""
        self._player.stop()

    def _follow_player(self, player: PlayerState) -> None:
        self._set(playing=self.state.playing if player.seconds is not None else 0, seconds=player.seconds,
                  problem=player.problem)

    async def _read(self, take: "TakeRecord", play: bool) -> None:
        def read(report: Report) -> "Waveform":
            from core import audio

            return audio.read(take.recording)

        try:
            waveform = await self._context.jobs.run(_("Reading the recording"), read, key="annotate-listen", quiet=True)
        except JobCancelled:
            raise
        except Exception as error:
            self.stop()
            self._set(problem=localised(error))
            return
        self._set(take=take, waveform=waveform, problem="")
        if play:
            self.seek(0.0)
