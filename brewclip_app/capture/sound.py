"""PortAudio on its own thread: a slow device (Bluetooth, a sleeping sound server) never blocks the window."""

import importlib
import queue
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from PySide6.QtCore import QObject, Signal, Slot

from brewclip_app.capture import sound_check
from brewclip_app.localisation import _, localised

if TYPE_CHECKING:
    import numpy as np

LATENCY = 0.1  # seconds of buffer asked for: Python may be late while a model loads
DEFAULT = ""  # the id of "whatever the system has as default"

# Several panels record, each on a thread of its own: PortAudio takes one call at a time, and starting it again pulls
# away whatever stream is open.
_one_at_a_time = threading.RLock()
_open_streams: WeakKeyDictionary[Any, int] = WeakKeyDictionary()  # of each sound system

Result = TypeVar("Result")
Block = tuple["Stream", "np.ndarray", bool]  # (frames, channels) float32, and whether the system lost blocks before it


@dataclass(frozen=True)
class InputDevice:
    """A microphone. `id` survives restarts (names do, indices do not); `rate` in Hz is the device's own."""

    id: str
    name: str
    index: int
    rate: int
    channels: int


class SoundThread(QObject):
    """Runs calls into PortAudio one after the other on a thread of their own; answers arrive on the window's thread."""

    _answered = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sound")
        self._answered.connect(self._deliver)

    def call(self, work: Callable[[], Result], then: Callable[["Future[Result]"], None]) -> None:
        """Run `work` on the sound thread and `then` with its future on the window's."""
        try:
            future = self._pool.submit(work)
        except RuntimeError:  # closed: the window waits for its jobs, and a key may still be pressed
            return
        future.add_done_callback(lambda done: self._answered.emit(partial(then, done)))

    @Slot(object)
    def _deliver(self, answer: Callable[[], None]) -> None:
        answer()

    def close(self) -> None:
        """Wait for the running call; accept no more."""
        self._pool.shutdown(wait=True)


def portaudio(again: bool = False) -> Any:
    """The sounddevice module. OSError when the PortAudio library is not on this machine; SoundSystemError.

    `again`: PortAudio is about to be started again. Before it is loaded or started, a child process tries: a sound
    system that crashes takes its process along.
    """
    if again or "sounddevice" not in sys.modules:
        sound_check.check()
    return importlib.import_module("sounddevice")


def input_devices(sound: Any) -> tuple[InputDevice, ...]:
    """The system's default microphone first (with the id `DEFAULT`), then each one by name."""
    apis = [api["name"] for api in sound.query_hostapis()]
    rows = list(sound.query_devices())
    devices = [InputDevice(f"{row['name']} ({apis[row['hostapi']]})", row["name"], index,
                    round(row["default_samplerate"]), row["max_input_channels"])
             for index, row in enumerate(rows) if row["max_input_channels"] > 0]
    if not devices:
        return ()
    first = sound.default.device[0]
    default = next((device for device in devices if device.index == first), devices[0])
    return (InputDevice(DEFAULT, _("Default microphone"), default.index, default.rate, default.channels), *devices)


def list_again(sound: Any) -> tuple[InputDevice, ...]:
    """The devices that there are now: PortAudio lists them when it starts, so it is started again while it rests."""
    with _one_at_a_time:
        if not _open_streams.get(sound):
            sound._terminate()
            sound._initialize()
        return input_devices(sound)


class OpenStream:
    """A started PortAudio stream; made and closed on the sound thread."""

    def __init__(self, sound: Any, openings: Sequence[Callable[[], Any]]) -> None:
        """Start the first of `openings` that PortAudio does not refuse."""
        self._sound = sound
        with _one_at_a_time:
            self._open = self._first_that_opens(openings)
            _open_streams[sound] = _open_streams.get(sound, 0) + 1
            self._open.start()
            self.latency = float(self._open.latency)

    def _first_that_opens(self, openings: Sequence[Callable[[], Any]]) -> Any:
        for opening in openings[:-1]:
            with suppress(self._sound.PortAudioError):
                return opening()
        return openings[-1]()

    def is_active(self) -> bool:
        """Whether the device still takes or delivers samples."""
        return bool(self._open.active)

    def close(self) -> None:
        """Stop, then release the device."""
        with _one_at_a_time:
            _open_streams[self._sound] -= 1
            self._open.stop()
            self._open.close()


class Stream(OpenStream):
    """An open microphone: mono, else stereo, else all channels. Its blocks, (frames, channels), go to a queue."""

    def __init__(self, sound: Any, device: InputDevice, blocks: "queue.SimpleQueue[Block]") -> None:
        def callback(data: "np.ndarray", frames: int, time: Any, status: Any) -> None:
            blocks.put((self, data.copy(), bool(status.input_overflow)))

        def opening(channels: int) -> Any:
            return sound.InputStream(samplerate=device.rate, device=device.index, channels=channels, dtype="float32",
                                     latency=LATENCY, callback=callback)

        self.device = device
        channels = dict.fromkeys((1, min(2, device.channels), device.channels))
        super().__init__(sound, [partial(opening, count) for count in channels])


def ignore(answer: "Future[Any]") -> None:
    """A device that fails while it is closed is gone anyway."""
    answer.exception()


def why_none(error: BaseException | None, devices: tuple[InputDevice, ...]) -> str:
    """Why there is no microphone, in a sentence; empty when there is one."""
    if isinstance(error, sound_check.SoundSystemError):
        return localised(error)
    if isinstance(error, OSError):
        return _("The PortAudio library is missing, so nothing can be recorded (Debian: apt install libportaudio2).")
    if error is not None:
        return _("The sound system does not answer: {error}").format(error=error)
    return "" if devices else _("No microphone found. Plug one in, or open a recording.")


def why_not_open(error: BaseException, device: InputDevice | None) -> str:
    """Why a device cannot be opened, in a sentence."""
    name = device.name if device else _("The microphone")
    return _("{name} cannot be opened; another program may hold it, or the system does not allow it. ({error})").format(
        name=name, error=error)
