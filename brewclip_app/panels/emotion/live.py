"""The probe while one speaks: what is heard so far is put to it every half second, and never in a queue."""

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from brewclip_app.capture.recording import QUIET, Microphone

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.audio import Waveform
    from core.emotion.predict import Prediction, ProbePredictor
    from core.emotion.run_store import KeptRun
    from core.progress import Report

JOB = "emotion-live"
EVERY_MS = 500
LEAST = 0.7  # s; before, there is hardly a syllable


@dataclass(frozen=True, eq=False)
class Probe:
    """Which probe is asked: a feature of a run, standardised by `sentences` of the speaker where there are any."""

    run: "KeptRun"
    feature: str
    sentences: "tuple[Waveform, ...]" = ()


class ProbeRunner:
    """Asks probes on workers' threads, one question at a time; the models of the last probe stay at hand."""

    def __init__(self, context: "Context") -> None:
        self._context = context
        self._lock = threading.Lock()
        self._probe: Probe | None = None
        self._listener: ProbePredictor | None = None

    def ask(self, probe: Probe, waveform: "Waveform", report: "Report") -> "Prediction":
        """What the probe says of a recording. Errors as `core.emotion.predict.ProbePredictor`."""
        with self._lock:
            return self._of(probe, report).listen(waveform)

    def warm(self, probe: Probe, report: "Report") -> None:
        """Have the probe's models at hand before something is said. Errors as `ask`."""
        with self._lock:
            self._of(probe, report).warm_up()

    def _of(self, probe: Probe, report: "Report") -> "ProbePredictor":
        if self._listener is None or self._probe is not probe:
            self._listener = self._made(probe, report)
            self._probe = probe
        return self._listener

    def _made(self, probe: Probe, report: "Report") -> "ProbePredictor":
        from core.emotion import predict as listening

        made = listening.ProbePredictor(self._context.explorer, probe.run, probe.feature, report)
        if made.takes_sentences and len(probe.sentences) >= listening.ENOUGH:
            made.standardise_by(probe.sentences)
        return made


class Live(QObject):
    """`told` says what the probe makes of the recording so far. While it still thinks, nothing new is asked."""

    told = Signal(object)  # Told

    def __init__(self, context: "Context", microphone: Microphone, ear: ProbeRunner,
                 parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context, self._microphone, self._ear = context, microphone, ear
        self._probe: Probe | None = None
        self._loudest = 0.0
        self._asked = False
        self.timer = QTimer(self, interval=EVERY_MS)
        self.timer.timeout.connect(self.ask)
        microphone.level.connect(self._hear_level)

    def start(self, probe: Probe) -> None:
        """Ask from now on, until `stop`."""
        self._probe, self._loudest = probe, 0.0
        self.timer.start()

    def stop(self) -> None:
        """Ask no more; an answer that is still to come is dropped."""
        self._probe = None
        self.timer.stop()

    def ask(self) -> None:
        """Put what is heard so far to the probe, unless it still thinks about what was heard before."""
        probe, heard = self._probe, self._microphone.so_far()
        if probe is None or heard is None or self._asked or self._loudest < QUIET or heard.seconds < LEAST:
            return
        self._asked = True

        def listen(report: "Report") -> "Prediction":
            from core import audio

            return self._ear.ask(probe, audio.from_samples(heard.samples, heard.rate), report)

        self._context.jobs.submit("Listening along", listen, key=JOB, quiet=True,
                                  on_done=lambda told: self._take(probe, told),
                                  on_failed=lambda _: self._rest(), on_cancelled=self._rest)

    def _take(self, probe: Probe, told: "Prediction") -> None:
        self._rest()
        if self._probe is probe and self.timer.isActive():
            self.told.emit(told)

    def _rest(self) -> None:
        """Free for the next question. A failure is told by the whole recording, which follows."""
        self._asked = False

    def _hear_level(self, peak: float) -> None:
        self._loudest = max(self._loudest, peak)
