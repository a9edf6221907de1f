"""Probes on recordings: of a whole one, and of what was recorded so far while the user speaks."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from brewclip_app import tasks
from brewclip_app.capture.recording import QUIET, Microphone
from brewclip_app.localisation import _
from core.progress import JobCancelled

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.audio import Waveform
    from core.emotion.predict import Prediction, ProbePredictor
    from core.emotion.run_store import KeptRun
    from core.progress import Report

JOB = "emotion-live"
EVERY_MS = 500
LEAST = 0.7  # s; shorter recordings hardly hold a syllable


@dataclass(frozen=True, eq=False)
class ChosenProbe:
    """A feature's probe in a run, standardised by `sentences` of the speaker where there are any."""

    run: "KeptRun"
    feature: str
    sentences: "tuple[Waveform, ...]" = ()


class ProbeRunner:
    """Runs probes on worker threads, one recording at a time; keeps the models of the last probe."""

    def __init__(self, context: "Context") -> None:
        self._context = context
        self._lock = threading.Lock()
        self._probe: ChosenProbe | None = None
        self._predictor: ProbePredictor | None = None

    def predict(self, probe: ChosenProbe, waveform: "Waveform", report: "Report") -> "Prediction":
        """The probe's prediction for a recording. Errors as `core.emotion.predict.ProbePredictor`."""
        with self._lock:
            return self._load(probe, report).predict(waveform)

    def warm_up(self, probe: ChosenProbe, report: "Report") -> None:
        """Load the probe's models before the first recording. Errors as `predict`."""
        with self._lock:
            self._load(probe, report).warm_up()

    def _load(self, probe: ChosenProbe, report: "Report") -> "ProbePredictor":
        if self._predictor is None or self._probe is not probe:
            from core.emotion import predict

            predictor = predict.ProbePredictor(self._context.explorer.workspace, probe.run, probe.feature, report)
            if predictor.takes_sentences and len(probe.sentences) >= predict.ENOUGH:
                predictor.standardise_by(probe.sentences)
            self._predictor, self._probe = predictor, probe
        return self._predictor


class LiveProbe(QObject):
    """Calls `show` with predictions for the recording so far, twice a second; none is queued while one is computed."""

    def __init__(self, context: "Context", microphone: Microphone, runner: ProbeRunner,
                 show: "Callable[[Prediction], object]", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context, self._microphone, self._runner, self._show = context, microphone, runner, show
        self._probe: ChosenProbe | None = None
        self._loudest = 0.0
        self._computing = False
        self.timer = QTimer(self, interval=EVERY_MS)
        self.timer.timeout.connect(self.predict)
        microphone.level.connect(self._follow_level)

    def start(self, probe: ChosenProbe) -> None:
        """Predict until `stop`."""
        self._probe, self._loudest = probe, 0.0
        self.timer.start()

    def stop(self) -> None:
        """Stop predicting; a prediction that is still computed is dropped."""
        self._probe = None
        self.timer.stop()

    def predict(self) -> None:
        """Predict for the recording so far, unless it is too short or silent, or the last one is still computed."""
        probe, recorded = self._probe, self._microphone.so_far()
        if (probe is None or recorded is None or self._computing or self._loudest < QUIET
                or recorded.seconds < LEAST):
            return
        self._computing = True

        def work(report: "Report") -> "Prediction":
            from core import audio

            return self._runner.predict(probe, audio.from_samples(recorded.samples, recorded.rate), report)

        async def run() -> None:
            try:
                prediction = await self._context.jobs.run(_("Probing the recording"), work, key=JOB, quiet=True)
            except JobCancelled:
                raise
            except Exception:  # the probe of the whole recording, which follows, reports it
                return
            finally:
                self._computing = False
            if self._probe is probe and self.timer.isActive():
                self._show(prediction)

        tasks.start(run())

    def _follow_level(self, peak: float) -> None:
        self._loudest = max(self._loudest, peak)
