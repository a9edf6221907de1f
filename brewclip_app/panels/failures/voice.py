"""Utterances of the Failures panel: read in jobs, played one at a time."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from brewclip_app.capture.playback import Player

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.audio import Waveform
    from core.features.noise import Condition
    from core.progress import Report


class FailureVoice(QObject):
    """`show` reads the utterance in front; `play` plays it, `play_other` any other recording.

    All sound as the evaluation heard them, noise and all (`under`).
    """

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
        self._condition: Condition | None = None
        self._recordings: tuple[Path, ...] = ()
        self._asking: Callable[[Waveform | None], object] | None = None
        self.player = Player(self)
        self.player.moved.connect(lambda seconds: self.moved.emit(seconds) if self._of_front else None)
        self.player.finished.connect(self.stop)
        self.player.failed.connect(self._take_failure)

    def under(self, condition: "Condition", recordings: Sequence[Path]) -> None:
        """The condition of the evaluation, and all recordings of its split."""
        self._condition, self._recordings = condition, tuple(recordings)

    def show(self, recording: Path | None) -> None:
        """Another utterance is in front."""
        self.stop()
        self._front, self._waveform, self._asking = recording, None, None
        if recording is not None:
            self._context.jobs.submit("Reading the recording", self._reading(recording), key="failures:voice",
                                      quiet=True, on_done=lambda waveform: self._take(recording, waveform),
                                      on_failed=self._take_unreadable)

    def ask(self, tell: "Callable[[Waveform | None], object]") -> None:
        """Tell the utterance in front, as soon as it is read; None where there is none that can be."""
        if self._waveform is not None or self._front is None:
            tell(self._waveform)
        else:
            self._asking = tell

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
        self._context.jobs.submit("Reading the recording", self._reading(recording), key="failures:other",
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
            self._answer(waveform)

    def _take_unreadable(self, error: BaseException) -> None:
        self._front = None
        self.unreadable.emit(str(error))
        self._answer(None)

    def _answer(self, waveform: "Waveform | None") -> None:
        tell, self._asking = self._asking, None
        if tell is not None:
            tell(waveform)

    def _reading(self, recording: Path) -> "Callable[[Report], Waveform]":
        condition, recordings = self._condition, self._recordings

        def read(report: "Report") -> "Waveform":
            from core.features.noise import CLEAN
            from core.features.speech_cache import read_under

            return read_under(recording, condition or CLEAN, recordings)

        return read

    def _take_failure(self, words: str) -> None:
        self.stop()
        self.failed.emit(words)
