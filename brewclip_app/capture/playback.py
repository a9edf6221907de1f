"""Playback of utterances through PortAudio; without a loudspeaker the user is told."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Slot

from brewclip_app.capture.sound import OpenStream, SoundThread, ignore, portaudio
from brewclip_app.controller import Controller
from brewclip_app.localisation import _

if TYPE_CHECKING:
    import numpy as np

    from core.audio import Waveform

TICK_MS = 40
LATENCY = 0.1  # seconds of buffer asked for: Python may be late while a model loads
LONGEST_SILENCE = 1.5  # seconds without a request for samples: the loudspeaker is gone
NO_OUTPUT = _("Nothing to play on: no loudspeaker or headphones found.")


class OutputStream(OpenStream):
    """A waveform from `start` seconds on, on its way to the system's default loudspeaker.

    Mono at 16 kHz where the device takes that, else stereo, else resampled to the device's own rate.
    """

    def __init__(self, sound: Any, waveform: "Waveform", start: float) -> None:
        from core.audio import RATE

        self._sound, self._start = sound, start
        self._samples = waveform.samples[round(start * RATE):]
        self._sent = 0
        self.rate = RATE
        self.last_request = monotonic()
        super().__init__(sound, self._openings())

    def _openings(self) -> list[Callable[[], Any]]:
        own = round(self._sound.query_devices(kind="output")["default_samplerate"])
        return [lambda rate=rate, channels=channels: self._make(rate, channels)  # type: ignore[misc]
                for rate in dict.fromkeys((self.rate, own)) for channels in (1, 2)]

    def _make(self, rate: int, channels: int) -> Any:
        self._sound.check_output_settings(samplerate=rate, channels=channels, dtype="float32")
        if rate != self.rate:
            import soxr

            self._samples, self.rate = soxr.resample(self._samples, self.rate, rate), rate
        return self._sound.OutputStream(samplerate=rate, channels=channels, dtype="float32", latency=LATENCY,
                                        callback=self._fill)

    def _fill(self, block: "np.ndarray", frames: int, time: Any, status: Any) -> None:
        """Copy the next samples into `block` (frames, channels); PortAudio calls it on a thread of its own."""
        self.last_request = monotonic()
        part = self._samples[self._sent:self._sent + frames]
        block[:len(part)] = part.clip(-1, 1)[:, None]
        block[len(part):] = 0
        self._sent += len(part)
        if self.is_sent:
            raise self._sound.CallbackStop

    @property
    def is_sent(self) -> bool:
        """Whether the device has all samples."""
        return self._sent >= len(self._samples)

    @property
    def seconds(self) -> float:
        """Position that is heard now, in seconds of the waveform."""
        return self._start + max(0.0, self._sent / self.rate - self.latency)


@dataclass(frozen=True)
class PlayerState:
    """Position in the utterance that plays, in seconds; None while none plays. `problem`: why the last did not."""

    seconds: float | None = None
    problem: str = ""


class Player(Controller[PlayerState]):
    """Plays one utterance at a time."""

    def __init__(self, parent: QObject | None = None, sound: Callable[[bool], Any] = portaudio,
                 thread: SoundThread | None = None) -> None:
        super().__init__(PlayerState(), parent)
        self._sound = sound
        self._thread = thread or SoundThread(self)
        self._stream: OutputStream | None = None
        self._request = 0  # number of the newest request to play; 0 while nothing plays
        self._requests = 0
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.timeout.connect(self._tick)

    @property
    def playing(self) -> bool:
        """Whether an utterance is being played, or its device opened."""
        return self._request != 0

    def play(self, waveform: "Waveform", start: float = 0.0) -> None:
        """Play from `start` seconds; the state's `problem` says when there is nothing to play on."""
        self._release()
        self._requests += 1
        self._request = request = self._requests
        self._set(seconds=start, problem="")
        self._thread.call(lambda: OutputStream(self._sound(False), waveform, start),
                          lambda answer: self._opened(request, answer))

    def toggle(self, waveform: "Waveform | None") -> None:
        """Stop, or play an utterance from its beginning."""
        if self.playing:
            self.stop()
        elif waveform is not None:
            self.play(waveform, 0.0)

    def stop(self) -> None:
        """Stop playing."""
        if self.playing:
            self._end()

    def _end(self, problem: str = "") -> None:
        self._release()
        self._set(seconds=None, problem=problem)

    def _release(self) -> None:
        self._timer.stop()
        self._request = 0
        stream, self._stream = self._stream, None
        if stream is not None:
            self._thread.call(stream.close, ignore)

    def _opened(self, request: int, answer: "Future[OutputStream]") -> None:
        error = answer.exception()
        if request != self._request:  # stopped meanwhile
            if error is None:
                self._thread.call(answer.result().close, ignore)
        elif error is not None:
            self._end(f"{NO_OUTPUT} ({error})" if str(error) else NO_OUTPUT)
        else:
            self._stream = answer.result()
            self._timer.start()

    @Slot()
    def _tick(self) -> None:
        assert self._stream is not None
        ended = not self._stream.is_active()
        if ended and self._stream.is_sent:
            self._end()
        elif ended or monotonic() - self._stream.last_request > LONGEST_SILENCE + self._stream.latency:
            self._end(NO_OUTPUT)
        else:
            self._set(seconds=self._stream.seconds)
