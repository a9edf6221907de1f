"""Push-to-talk over the microphone, and playback of the recording."""

from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from brewclip_app import tasks
from brewclip_app.capture.playback import Player
from brewclip_app.capture.recording import Microphone, Recording, fault, warning
from brewclip_app.localisation import _, localised
from core.progress import JobCancelled, Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.audio import Waveform

DEVICES = Path("/dev/snd")  # Linux: a file for each microphone; absent while there is no sound card
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
        self._watcher: QFileSystemWatcher | None = None
        self._plugged = QTimer(self, singleShot=True, interval=PLUGGED_MS)
        self._plugged.timeout.connect(self.microphone.refresh)
        self.microphone.finished.connect(self._finish)
        self.microphone.failed.connect(self.problem)

    def is_recording(self) -> bool:
        """Whether a recording is on its way."""
        return self.microphone.state in ("opening", "recording")

    @property
    def is_held(self) -> bool:
        """Whether the key or button that began the recording may still be held: it was not let go, nor tapped."""
        return self._pressed_at is not None

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

    def release(self, ago: float = 0.0) -> bool:
        """Handle a release `ago` seconds ago: it ends the recording of a held key, not that of a tapped one.

        Returns whether the key was tapped to begin a recording.
        """
        pressed, self._pressed_at = self._pressed_at, None
        tapped = pressed is not None and monotonic() - ago - pressed < TAP
        if pressed is not None and not tapped and self.is_recording():
            self.microphone.stop()
        return tapped

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
        """Follow microphones as they come and go: on Linux; elsewhere the list is refreshed by hand."""
        if self._watcher is not None:
            return
        self._watcher = QFileSystemWatcher(self)
        self._watcher.directoryChanged.connect(self._devices_changed)
        self._watch_devices()
        self.microphone.refresh()

    def _devices_changed(self, folder: str) -> None:
        self._watch_devices()
        if folder == str(DEVICES) or DEVICES.is_dir():
            self._plugged.start()

    def _watch_devices(self) -> None:
        """Watch the folder of devices, or the one in which it will appear."""
        assert self._watcher is not None
        for folder in self._watcher.directories():
            self._watcher.removePath(folder)
        self._watcher.addPath(str(DEVICES if DEVICES.is_dir() else DEVICES.parent))

    def close(self) -> None:
        """Release all devices."""
        self._plugged.stop()
        self.player.stop()
        self.microphone.close()

    def _finish(self, recording: Recording) -> None:
        problem = fault(recording)
        if problem is not None:
            self.problem.emit(*problem)
        else:
            tasks.start(self._resample(recording))

    async def _resample(self, recording: Recording) -> None:
        def work(report: Report) -> "Waveform":
            from core import audio

            return audio.from_samples(recording.samples, recording.rate)

        try:
            waveform = await self._context.jobs.run(_("Taking the recording"), work, key="recording", quiet=True)
        except JobCancelled:
            raise
        except Exception as error:
            self.problem.emit(getattr(error, "kind", "error"), localised(error))
        else:
            self.spoken.emit(waveform, warning(recording))
