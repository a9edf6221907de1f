"""Push-to-talk over the microphone, and playback of the recording."""

from time import monotonic
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from brewclip_app.capture.multimedia import multimedia
from brewclip_app.capture.playback import Player
from brewclip_app.capture.recording import Microphone, Recording, fault, warning
from core.progress import Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.audio import Waveform

TAP = 0.3  # s; a press this short records until the next one
PLUGGED_MS = 700  # after a microphone came or went: the system needs a moment to name it


class PushToTalk(QObject):
    """Emits `spoken` with a recording that can be searched, or `problem` with the reason why there is none."""

    spoken = Signal(object, str)  # Waveform, a warning or ""
    problem = Signal(str, str)  # kind, sentence
    started = Signal()

    def __init__(self, context: "Context", parent: QObject | None = None, microphone: Microphone | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self.microphone = microphone or Microphone(self)
        self.player = Player(self)
        self._pressed_at: float | None = None
        self._watcher: QObject | None = None
        self._plugged = QTimer(self, singleShot=True, interval=PLUGGED_MS)
        self._plugged.timeout.connect(self.microphone.refresh)
        self.microphone.finished.connect(self._take)
        self.microphone.failed.connect(self.problem)

    def is_recording(self) -> bool:
        """Whether a recording is on its way."""
        return self.microphone.state in ("opening", "recording")

    def press(self) -> None:
        """Handle a press of the key or the button."""
        if self.is_recording():  # tapped before: this press ends it
            self._pressed_at = None
            self.microphone.stop()
            return
        self.player.stop()
        self._pressed_at = monotonic()
        self.microphone.start()
        if self.is_recording():
            self.started.emit()

    def release(self, ago: float = 0.0) -> None:
        """Handle a release `ago` seconds ago: it ends the recording of a held key, not that of a tapped one."""
        pressed, self._pressed_at = self._pressed_at, None
        if pressed is not None and self.is_recording() and monotonic() - ago - pressed >= TAP:
            self.microphone.stop()

    def start(self) -> None:
        """Record until the next press, as after a tap."""
        if not self.is_recording():
            self.press()
            self._pressed_at = None

    def cancel(self) -> bool:
        """Stop recording or playing; whether there was anything to stop."""
        busy = self.is_recording() or self.player.playing
        self._pressed_at = None
        self.microphone.cancel()
        self.player.stop()
        return busy

    def watch(self) -> None:
        """Follow microphones as they come and go. Starts Qt's audio back end: after the first paint."""
        if self._watcher is not None:
            return
        if multimedia is not None:  # else a system library is missing; the list can still be refreshed by hand
            watcher = multimedia.QMediaDevices(self)
            watcher.audioInputsChanged.connect(self._plugged.start)
            self._watcher = watcher
        self.microphone.refresh()  # after it: this starts a thread that imports

    def close(self) -> None:
        """Release all devices."""
        self._plugged.stop()
        self.player.stop()
        self.microphone.close()

    def _take(self, recording: Recording) -> None:
        found = fault(recording)
        if found is not None:
            self.problem.emit(*found)
            return

        def prepare(report: Report) -> "Waveform":
            from core import audio

            return audio.from_samples(recording.samples, recording.rate)

        self._context.jobs.submit(
            "Taking the recording", prepare, key="recording", quiet=True,
            on_done=lambda waveform: self.spoken.emit(waveform, warning(recording)),
            on_failed=lambda error: self.problem.emit(getattr(error, "kind", "error"), str(error)))
