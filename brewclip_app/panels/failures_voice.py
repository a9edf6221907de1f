"""Utterances of the Failures panel: read in jobs, played one at a time."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from brewclip_app.playback import Player

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.audio import Waveform


class Voice(QObject):
    """`show` reads the utterance in front; `play` plays it, `play_other` any other recording."""

    read = Signal(object)        # Waveform of the utterance in front
    moved = Signal(object)       # seconds; None when nothing plays
    playing = Signal(bool)       # of the utterance in front
    unreadable = Signal(str)     # why the utterance in front cannot be heard
    failed = Signal(str)         # why nothing plays

    def __init__(self, context: "Context") -> None:
        super().__init__()
        self._context = context
        self._front: Path | None = None
        self._waveform: Waveform | None = None
        self._of_front = False  # whether what plays is the utterance in front
        self.player = Player(self)
        self.player.moved.connect(lambda seconds: self.moved.emit(seconds) if self._of_front else None)
        self.player.finished.connect(self.stop)
        self.player.failed.connect(self._take_failure)

    def show(self, recording: Path | None) -> None:
        """Another utterance is in front."""
        self.stop()
        self._front, self._waveform = recording, None
        if recording is not None:
            self._context.jobs.submit("Reading the recording", lambda report: _read(recording), key="failures:voice",
                                      quiet=True, on_done=lambda waveform: self._take(recording, waveform),
                                      on_failed=lambda error: self.unreadable.emit(str(error)))

    def turn(self) -> None:
        """Play the utterance in front, or stop."""
        if self.player.playing:
            self.stop()
        else:
            self.play(0.0)

    def play(self, start: float) -> None:
        """Play the utterance in front from a place in seconds."""
        if self._waveform is not None:
            self._of_front = True
            self.player.play(self._waveform, start)
            self.playing.emit(self.player.playing)

    def play_other(self, recording: Path) -> None:
        """Play another recording."""
        self.stop()
        self._context.jobs.submit("Reading the recording", lambda report: _read(recording), key="failures:other",
                                  quiet=True, on_done=self._play_read,
                                  on_failed=lambda error: self.failed.emit(str(error)))

    def stop(self) -> None:
        """Be silent."""
        self.player.stop()
        self.moved.emit(None)
        self.playing.emit(False)

    def _play_read(self, waveform: "Waveform") -> None:
        self._of_front = False
        self.player.play(waveform)

    def _take(self, recording: Path, waveform: "Waveform") -> None:
        if recording == self._front:
            self._waveform = waveform
            self.read.emit(waveform)

    def _take_failure(self, words: str) -> None:
        self.stop()
        self.failed.emit(words)


def _read(recording: Path) -> "Waveform":
    from core import audio

    return audio.read(recording)
