"""Microphones, and recording without losing the first or the last word.

Opening a microphone takes from 10 ms to over 2 s (measured: PulseAudio waking a suspended source; Bluetooth is the
same), which swallows first words. So while the Search panel is in front and the user lets it, the stream stays open and
the last `PRE_ROLL` seconds wait in memory; they are overwritten all the time and kept only when recording starts. After
the key is let go `TAIL` seconds more are taken; where `ends_with_sound` is set, fewer once the sound has ended, and the
silence after it is left out. The callback copies its block into a queue and nothing else; a timer
drains it on the window's thread.
"""

import queue
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from brewclip_app.capture.sound import (
    DEFAULT,
    Block,
    InputDevice,
    SoundThread,
    Stream,
    ignore,
    input_devices,
    list_again,
    portaudio,
    why_none,
    why_not_open,
)
from brewclip_app.capture.sound_end import SoundEnd
from brewclip_app.localisation import _

if TYPE_CHECKING:  # where it is used it is imported: not before the first paint
    import numpy as np

PRE_ROLL = 0.4  # seconds before the press
TAIL = 0.25  # seconds after the release
DRAIN_MS = 33
LAST_DRAIN_MS = 8  # after the release, when each one may be the last
SLOWEST_OPENING = 8.0  # seconds until the first block, then the microphone counts as dead
LONGEST_SILENCE = 1.5  # seconds without a block while recording: pulled out
SHORTEST = 0.3  # seconds held; below, nobody has said a word
QUIET = 0.01  # peak below which speech is lost in the noise of 16 bit microphones
FULL_SCALE = 0.999
CLIPPED_SHARE = 0.001  # of the samples at full scale, above which words suffer


@dataclass(frozen=True)
class Recording:
    """A recording: `samples` (n,) float32 mono in -1..1; `held` is seconds between press and release."""

    samples: "np.ndarray"
    rate: int
    held: float
    gaps: int = 0  # blocks the system lost since Python was late
    cut_short: bool = False  # the microphone was pulled out

    @property
    def seconds(self) -> float:
        """Length with pre-roll and tail."""
        return len(self.samples) / self.rate


@dataclass(frozen=True)
class SoFar:
    """A recording in progress. Nothing is copied before `samples` is read, which another thread may do."""

    blocks: "tuple[np.ndarray, ...]"
    rate: int
    end: int | None = None  # samples of it that `Microphone.ends_with_sound` would keep; None while the sound goes on
    ends_soon: bool = False  # it is silent just now

    @property
    def samples(self) -> "np.ndarray":
        """(n,) float32 mono in -1..1."""
        import numpy as np

        return np.concatenate(self.blocks) if self.blocks else np.zeros(0, np.float32)

    @property
    def seconds(self) -> float:
        """Its length."""
        return sum(len(block) for block in self.blocks) / self.rate


def fault(recording: Recording) -> tuple[str, str] | None:
    """Why a recording cannot be used, as (kind, sentence for the user); None when it can."""
    import numpy as np

    peak = float(np.abs(recording.samples).max(initial=0))
    if recording.held < SHORTEST or recording.seconds < SHORTEST:
        return "too_short", _("Too short. Hold the button while you speak, or tap it once and speak.")
    if peak == 0:
        return "muted", _("The microphone is muted: not one sample was above zero. Switch it on, or choose another.")
    if peak < QUIET:
        return "too_quiet", _("Too quiet to hear. Come closer, or turn the microphone up in the system's settings.")
    return None


def warning(recording: Recording) -> str:
    """Sentence on what may have damaged the recording; "" when nothing did."""
    import numpy as np

    clipped = float(np.mean(np.abs(recording.samples) >= FULL_SCALE)) if len(recording.samples) else 0.0
    if clipped > CLIPPED_SHARE:
        return _("Too loud: the recording is clipped. Turn the microphone down if words are wrong.")
    if recording.cut_short:
        return _("The microphone stopped sending. What was said until then is used.")
    if recording.gaps:
        return _("This computer was busy and lost a moment of the recording. Say it again if words are missing.")
    return ""


class Microphone(QObject):
    """One microphone at a time. `state` is off, opening, ready, recording or stopping."""

    state_changed = Signal(str)
    devices_changed = Signal()
    level = Signal(float)  # peak of the newest blocks, 0..1
    finished = Signal(object)  # Recording
    failed = Signal(str, str)  # kind, sentence

    def __init__(self, parent: QObject | None = None, sound: Callable[[bool], Any] = portaudio,
                 thread: SoundThread | None = None) -> None:
        super().__init__(parent)
        self.state = "off"
        self.devices: tuple[InputDevice, ...] = ()
        self.problem = ""  # why there is no microphone, in a sentence; "" while none is known
        self.ends_with_sound = False
        self._sound = sound
        self._thread = thread or SoundThread(self)
        self._chosen = DEFAULT
        self._keep_ready = False
        self._listed = False
        self._refresh_later = False
        self._stream: Stream | None = None
        self._opening = False
        self._blocks: queue.SimpleQueue[Block] = queue.SimpleQueue()
        self._ring: deque[np.ndarray] = deque()
        self._recorded: list[np.ndarray] = []
        self._sound_end = SoundEnd(1)
        self._gaps = 0
        self._pressed = self._released = self._last_block = 0.0
        self._tail_left = self._said_left = 0  # samples to take after the release; of them those from before it
        self._timer = QTimer(self, interval=DRAIN_MS)
        self._timer.timeout.connect(self.drain)

    # ---- which there are

    @property
    def chosen(self) -> str:
        """The id of the chosen device."""
        return self._chosen

    @property
    def device(self) -> InputDevice | None:
        """Chosen device, or the default one when the chosen is not plugged in; None when there is none."""
        named = [device for device in self.devices if device.id == self._chosen]
        return next(iter([*named, *self.devices]), None)

    def choose(self, device_id: str) -> None:
        """Record from another device from now on."""
        if device_id == self._chosen:
            return
        self._chosen = device_id
        if self.state in ("off", "ready"):
            self._close()
            self._reopen_if_wanted()

    def refresh(self) -> None:
        """List the devices again; after a recording in progress."""
        if self.state in ("opening", "recording", "stopping") or self._opening:
            self._refresh_later = True
            return
        self._refresh_later = False
        self._close()
        again = self._listed

        def look() -> tuple[InputDevice, ...]:
            return (list_again if again else input_devices)(self._sound(again))

        self._thread.call(look, self._looked)

    def _looked(self, answer: "Future[tuple[InputDevice, ...]]") -> None:
        error = answer.exception()
        self._listed = error is None
        self.devices = () if error else answer.result()
        self.problem = why_none(error, self.devices)
        self.devices_changed.emit()
        if self.state == "opening":  # pressed before the list was there
            self._pressed = monotonic()
            self._open() if self.device else self._fail("no_microphone", self.problem)
        else:
            self._reopen_if_wanted()

    # ---- recording

    def set_ready(self, keep: bool) -> None:
        """Keep the stream open with its pre-roll, or release the device."""
        self._keep_ready = keep
        if keep:
            self._reopen_if_wanted()
        elif self.state in ("off", "ready"):  # off: open, but nothing came yet
            self._close()

    def start(self) -> None:
        """Start recording, pre-roll included. `state` is opening until the device delivers."""
        if self.state in ("opening", "recording", "stopping"):
            return
        if self._listed and self.device is None:
            self.failed.emit("no_microphone", self.problem)
            return
        self._pressed = monotonic()
        self._gaps = 0
        if self.state == "ready":
            self.drain()
            self._recorded = []
            for block in self._ring:
                self._record(block)
            self._enter("recording")
            return
        self._recorded = []
        self._enter("opening")
        self._timer.start()
        self._last_block = monotonic()
        if not self._listed:
            self._thread.call(lambda: input_devices(self._sound(False)), self._looked)
        elif self._stream is None:
            self._open()

    def so_far(self) -> SoFar | None:
        """The recording in progress, pre-roll included; None while there is none."""
        if self.state != "recording" or self._stream is None:
            return None
        return SoFar(tuple(self._recorded), self._stream.device.rate, self._sound_end.sample, self._sound_end.is_close)

    def stop(self) -> None:
        """End the recording `TAIL` seconds from now, or with its sound; `finished` follows."""
        if self.state == "opening":
            self._drop()
            self.failed.emit("too_short", _("The microphone was not open yet. Hold the button until it turns red."))
        elif self.state == "recording":
            self.drain()  # what waits was said before the release and is no part of the tail
            self._released = monotonic()
            rate = self._stream.device.rate if self._stream else 0
            latency = self._stream.latency if self._stream else 0.0
            self._tail_left, self._said_left = round((TAIL + latency) * rate), round(latency * rate)
            self._timer.setInterval(LAST_DRAIN_MS)
            self._enter("stopping")

    def cancel(self) -> None:
        """Discard the recording."""
        if self.state in ("opening", "recording", "stopping"):
            self._drop()

    def close(self) -> None:
        """Release the device for good; waits for the sound thread."""
        self._keep_ready = False
        self._timer.stop()
        self._close()
        self._thread.close()

    # ---- inside

    def _enter(self, state: str) -> None:
        if state == self.state:
            return
        self.state = state
        self.state_changed.emit(state)
        if state in ("ready", "off") and self._refresh_later:
            self.refresh()

    def _reopen_if_wanted(self) -> None:
        if self._keep_ready and self._listed and self._stream is None and self.device is not None:
            self._open()

    def _open(self) -> None:
        device = self.device
        if self._opening or device is None:
            return
        self._opening = True
        blocks = self._blocks
        self._thread.call(lambda: Stream(self._sound(False), device, blocks), self._opened)

    def _opened(self, answer: "Future[Stream]") -> None:
        self._opening = False
        error = answer.exception()
        if error is not None:
            self._fail("no_microphone", why_not_open(error, self.device))
            return
        stream = answer.result()
        unwanted = not self._keep_ready and self.state != "opening"
        if unwanted or self.device is None or stream.device.index != self.device.index:
            self._thread.call(stream.close, ignore)
            if not unwanted:
                self._open()
            return
        self._stream = stream
        self.problem = ""
        self._timer.start()

    def _close(self) -> None:
        stream, self._stream = self._stream, None
        self._ring.clear()
        self._timer.stop()
        if stream is not None:
            self._thread.call(stream.close, ignore)
        if self.state == "ready":
            self._enter("off")

    def _drop(self) -> None:
        self._recorded = []
        self._rest()

    def _rest(self) -> None:
        """Go to ready where the stream is to stay open, else to off."""
        self._timer.setInterval(DRAIN_MS)
        if self._keep_ready and self._stream is not None:
            self._ring.clear()
            self._enter("ready")
        else:
            self._close()
            self._enter("off")

    def _fail(self, kind: str, message: str) -> None:
        requested = self.state == "opening"
        self.problem = message
        self._close()
        self._recorded = []
        self._enter("off")
        self.devices_changed.emit()
        if requested:
            self.failed.emit(kind, message)

    @Slot()
    def drain(self) -> None:
        """Take the blocks that the callback has queued; called by the timer."""
        peak = self._take_blocks()
        if peak is not None:
            self._last_block = monotonic()
            self.level.emit(peak)
        if self.state == "stopping" and (self._tail_left <= 0 or self._sound_ended()
                                         or monotonic() - self._last_block > 2 * TAIL):
            self._finish()
        elif self.state == "recording" and monotonic() - self._last_block > LONGEST_SILENCE:
            self._pulled_out()
        elif self.state == "opening" and self._listed and monotonic() - self._pressed > SLOWEST_OPENING:
            self._fail("no_microphone",
                       _("The microphone opens but sends nothing. Choose another, or plug it in again."))

    def _sound_ended(self) -> bool:
        """Whether nothing more is to be waited for: all that was said before the release came, and silence after it."""
        return self.ends_with_sound and self._said_left <= 0 and self._sound_end.sample is not None

    def _take_blocks(self) -> float | None:
        peak: float | None = None
        while not self._blocks.empty():
            stream, data, overflow = self._blocks.get()
            if stream is not self._stream:
                continue
            block = data.mean(axis=1) if data.shape[1] > 1 else data[:, 0]
            peak = max(peak or 0.0, float(abs(block).max(initial=0)))
            self._take(block, overflow)
        return peak

    def _take(self, block: "np.ndarray", overflow: bool) -> None:
        if self.state == "off":
            self._enter("ready")
        elif self.state == "opening":
            self._pressed = monotonic()
            self._last_block = self._pressed
            self._enter("recording")
        if self.state in ("recording", "stopping"):
            self._record(block)
            self._gaps += overflow
            if self.state == "stopping":
                self._tail_left -= len(block)
                self._said_left -= len(block)
            return
        self._ring.append(block)
        assert self._stream is not None
        spare = sum(len(block) for block in self._ring) - round(PRE_ROLL * self._stream.device.rate)
        while self._ring and spare >= len(self._ring[0]):
            spare -= len(self._ring.popleft())

    def _record(self, block: "np.ndarray") -> None:
        """Add samples to the recording."""
        assert self._stream is not None
        if not self._recorded:
            self._sound_end = SoundEnd(self._stream.device.rate)
        self._recorded.append(block)
        self._sound_end.add(block)

    def _finish(self, cut_short: bool = False) -> None:
        import numpy as np

        assert self._stream is not None
        samples = np.concatenate(self._recorded) if self._recorded else np.zeros(0, np.float32)
        if self.ends_with_sound:
            samples = samples[:self._sound_end.sample]
        recording = Recording(samples, self._stream.device.rate, self._released - self._pressed, self._gaps,
                              cut_short)
        self._drop()
        self.finished.emit(recording)

    def _pulled_out(self) -> None:
        self._released = self._last_block
        self._finish(cut_short=True)
        self._refresh_later = False
        self.refresh()
