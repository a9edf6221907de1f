"""Playback of utterances; without a loudspeaker the user is told."""

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, QTimer, Signal, Slot

from brewclip_app.capture.multimedia import multimedia, problem

if TYPE_CHECKING:
    from core.audio import Waveform

TICK_MS = 40
NO_OUTPUT = "Nothing to play on: no loudspeaker or headphones found."


class Player(QObject):
    """Plays one utterance at a time."""

    moved = Signal(float)  # seconds
    finished = Signal()
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._sink: Any = None
        self._buffer: QBuffer | None = None
        self._start = 0.0
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.timeout.connect(self._tick)

    @property
    def playing(self) -> bool:
        """Whether an utterance is being played."""
        return self._sink is not None

    def play(self, waveform: "Waveform", start: float = 0.0) -> None:
        """Play from `start` seconds; `failed` with a sentence when there is nothing to play on."""
        self.stop()
        if multimedia is None:
            self.failed.emit(f"{NO_OUTPUT} ({problem})")
            return
        output = multimedia.QMediaDevices.defaultAudioOutput()
        if output.isNull():
            self.failed.emit(NO_OUTPUT)
            return
        form, rate = _format(output)
        self._start = start
        self._buffer = QBuffer(self)
        self._buffer.setData(QByteArray(_pcm(waveform, start, rate)))
        self._buffer.open(QIODevice.OpenModeFlag.ReadOnly)
        self._sink = multimedia.QAudioSink(output, form, self)
        self._sink.start(self._buffer)
        if self._failed_to_start():
            self.stop()
            self.failed.emit(NO_OUTPUT)
            return
        self._timer.start()

    def stop(self) -> None:
        """Stop playing."""
        self._timer.stop()
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.stop()
            sink.deleteLater()
        if self._buffer is not None:
            self._buffer.deleteLater()
            self._buffer = None

    def _failed_to_start(self) -> bool:
        fine = multimedia.QtAudio.Error
        return self._sink.error() not in (fine.NoError, fine.UnderrunError)

    @Slot()
    def _tick(self) -> None:
        assert self._buffer is not None
        if self._failed_to_start():
            self.stop()
            self.failed.emit(NO_OUTPUT)
        elif self._buffer.atEnd() and self._sink.state() == multimedia.QtAudio.State.IdleState:
            self.stop()
            self.finished.emit()
        else:
            self.moved.emit(self._start + self._sink.processedUSecs() / 1e6)


def _format(output: Any) -> tuple[Any, int]:
    """Format of 16 bit mono at 16 kHz, or at the device's own rate where that is not supported; and the rate."""
    from core.audio import RATE

    form, rate = multimedia.QAudioFormat(), RATE
    form.setSampleRate(rate)
    form.setChannelCount(1)
    form.setSampleFormat(multimedia.QAudioFormat.SampleFormat.Int16)
    if not output.isFormatSupported(form):
        rate = output.preferredFormat().sampleRate()
        form.setSampleRate(rate)
    return form, rate


def _pcm(waveform: "Waveform", start: float, rate: int) -> bytes:
    import numpy as np

    from core.audio import RATE

    samples = waveform.samples[round(start * RATE):]
    if rate != RATE:
        import soxr
        samples = soxr.resample(samples, RATE, rate)
    return np.ascontiguousarray(np.clip(samples, -1, 1) * 32767, np.int16).tobytes()
