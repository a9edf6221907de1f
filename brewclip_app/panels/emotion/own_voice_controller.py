"""Controller of the card for the user's own voice: records sentences and probes them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from brewclip_app import tasks
from brewclip_app.capture.push_to_talk import PushToTalk
from brewclip_app.controller import Controller
from brewclip_app.jobs import JobReplaced
from brewclip_app.localisation import _, localised
from brewclip_app.panels.emotion.live_probe import ChosenProbe, LiveProbe, ProbeRunner
from core.figures import percents
from core.progress import JobCancelled, Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.audio import Waveform
    from core.emotion.predict import Prediction
    from core.emotion.run_store import KeptRun

ENOUGH = 3  # sentences; of core.emotion.predict
READY = _("Hold Space and say a sentence")
STATES = {"opening": _("Opening the microphone…"), "recording": _("Recording…"),
          "stopping": _("Finishing the recording…")}


@dataclass(frozen=True, eq=False)
class OwnVoiceState:
    """State of the card. `live`: the prediction covers the recording so far, which is not complete yet."""

    probe: ChosenProbe | None = None
    waveform: "Waveform | None" = None
    prediction: "Prediction | None" = None
    live: bool = False
    message: str = READY
    look: str = "quiet"
    collecting: bool = False
    sentences: "tuple[Waveform, ...]" = ()  # of the user, to standardise by
    kept: int = 0  # recordings stored with the run


class OwnVoiceController(Controller[OwnVoiceState]):
    """Probes recordings and stores them with the run."""

    def __init__(self, context: "Context", voice: PushToTalk, parent: QObject | None = None) -> None:
        super().__init__(OwnVoiceState(), parent)
        self._context = context
        self._runner = ProbeRunner(context)
        self.live = LiveProbe(context, voice.microphone, self._runner, self._show_live, self)
        voice.microphone.state_changed.connect(self._follow_microphone)
        voice.started.connect(lambda: self._set(prediction=None, waveform=None))
        voice.spoken.connect(self.take)
        voice.problem.connect(lambda kind, text: self.show_problem(text))

    def use(self, run: "KeptRun", feature: str) -> None:
        """Probe recordings with a feature's probe from now on; earlier ones are not probed again."""
        before = self.state.probe
        if before is None or before.run is not run or before.feature != feature:
            self.live.stop()
            self._set(probe=ChosenProbe(run, feature, self.state.sentences), waveform=None, prediction=None, live=False,
                      message=READY, look="quiet")
            tasks.start(self._count())

    def warm_up(self) -> None:
        """Load the models of the probe; an error is reported with the first recording."""
        probe = self.state.probe
        if probe is None:
            return

        async def load() -> None:
            try:
                await self._context.jobs.run(_("Loading the probe"), lambda report: self._runner.warm_up(probe, report),
                                             key="emotion-warm", quiet=True)
            except JobCancelled:
                raise
            except Exception:
                return

        tasks.start(load())

    def take(self, waveform: "Waveform", warning: str) -> None:
        """Probe a complete recording, or collect it to standardise by."""
        probe = self.state.probe
        if self.state.collecting:
            self._collect(waveform)
        elif probe is not None:
            self._set(waveform=waveform, prediction=None, live=False, message=_("Probing…"), look="quiet")
            tasks.start(self._predict(probe, waveform, warning))

    def collect(self, collecting: bool) -> None:
        """Begin to collect sentences to standardise by, or stop that."""
        self._set(collecting=collecting, sentences=() if collecting else self.state.sentences)

    def show_problem(self, text: str) -> None:
        """Show why something did not work."""
        self._set(message=text, look="care")

    def _collect(self, waveform: "Waveform") -> None:
        sentences, probe = (*self.state.sentences, waveform), self.state.probe
        enough = len(sentences) >= ENOUGH
        if enough and probe is not None:
            probe = ChosenProbe(probe.run, probe.feature, sentences)
        self._set(sentences=sentences, collecting=not enough, probe=probe, waveform=waveform, prediction=None,
                  message=READY, look="quiet")

    async def _predict(self, probe: ChosenProbe, waveform: "Waveform", warning: str) -> None:
        def work(report: Report) -> "Prediction":
            from core.emotion import predict

            prediction = self._runner.predict(probe, waveform, report)
            predict.keep(probe.run, probe.feature, waveform, prediction)
            return prediction

        try:
            prediction = await self._context.jobs.run(_("Probing the recording"), work, key="emotion-try")
        except JobReplaced:
            raise
        except JobCancelled:
            self._set(message=_("Probing was stopped."), look="quiet")
            return
        except Exception as error:
            if self.state.waveform is waveform:  # else another one was recorded meanwhile
                self.show_problem(localised(error))
            return
        if self.state.probe is probe and self.state.waveform is waveform:
            shares = prediction.probabilities.tolist()
            strongest = shares.index(max(shares))
            text = f"{probe.run.result.classes[strongest].capitalize()}, {percents(shares)[strongest]} %."
            self._set(prediction=prediction, message=warning or text, look="care" if warning else "strong")
            await self._count()

    def _show_live(self, prediction: "Prediction") -> None:
        probe = self.state.probe
        if probe is not None:
            shares = prediction.probabilities.tolist()
            strongest = probe.run.result.classes[shares.index(max(shares))]
            self._set(prediction=prediction, live=True,
                      message=_("Recording… So far {strongest}.").format(strongest=strongest), look="quiet")

    async def _count(self) -> None:
        """Count the recordings that are stored with the run."""
        probe = self.state.probe
        if probe is None:
            return

        def work(report: Report) -> int:
            from core.emotion import predict

            return len(predict.trials(probe.run))

        try:
            kept = await self._context.jobs.run(_("Counting recordings"), work, key="emotion-tries", quiet=True)
        except JobCancelled:
            raise
        except Exception:  # a folder that cannot be read
            kept = 0
        self._set(kept=kept)

    def _follow_microphone(self, state: str) -> None:
        if state in STATES:
            self._set(message=STATES[state], look="quiet")
        if state == "recording" and self.state.probe is not None and not self.state.collecting:
            self.live.start(self.state.probe)
        elif state != "recording":
            self.live.stop()
