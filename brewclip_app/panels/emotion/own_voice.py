"""Try it: a sentence of one's own under the probe of the shown run; sentences of one's own to standardise by."""

from typing import TYPE_CHECKING

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from brewclip_app.capture.push_to_talk import PushToTalk
from brewclip_app.panels.emotion import words
from brewclip_app.panels.emotion.emotion_bars import ShareBars
from brewclip_app.panels.emotion.emotion_curves import NAMES, EmotionCurves
from brewclip_app.panels.emotion.live import Live, Probe, ProbeRunner
from brewclip_app.widgets.common import Card, button, column, label, look, row
from brewclip_app.widgets.record_button import RecordButton
from brewclip_app.widgets.waveform import WaveformView
from core.figures import percents

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.audio import Waveform
    from core.emotion.predict import Prediction
    from core.emotion.run_store import KeptRun
    from core.progress import Report

TEXTS = {
    "off": "Say a sentence (Space)", "ready": "Say a sentence (Space)",
    "opening": "Opening the microphone. Speak when it turns red.",
    "recording": "Recording. Let go, or press again, to hear what the probe says; Esc forgets it.",
    "stopping": "Taking the last word",
}
STATES = {"off": "Hold Space and say a sentence", "ready": "Hold Space and say a sentence",
          "opening": "Opening the microphone…", "recording": "Recording…", "stopping": "Taking the last word…"}
ENOUGH = 3  # of core.emotion.predict


class TryCard(Card):
    """The button, the bars, the curves. What is recorded is kept with the run."""

    def __init__(self, context: "Context", voice: PushToTalk | None = None) -> None:
        super().__init__("Try your own voice", space=8)
        self._context = context
        self._probe: Probe | None = None
        self._ear = ProbeRunner(context)
        self._collecting = False
        self._sentences: list[Waveform] = []
        self._waveform: Waveform | None = None
        self.voice = voice or PushToTalk(context, self)
        self.live = Live(context, self.voice.microphone, self._ear, self)
        self.record = RecordButton(texts=TEXTS)
        self.state = label(STATES["off"], "quiet", wrap=True)
        self.bars = ShareBars()
        self.waveform = WaveformView()
        self.waveform.setAccessibleName("Waveform of your sentence")
        self.curves = EmotionCurves()
        self.about = label("", "quiet", wrap=True)
        self.own = button("Standardise by my voice…", self._toggle_collecting)
        self.own.setCheckable(True)
        self.own_words = label("", "quiet", wrap=True)
        self.kept = label("", "quiet", wrap=True)
        self._lay_out()
        self._connect()

    def show_run(self, run: "KeptRun", feature: str) -> None:
        """Use the probe of a feature of a run; what was said before is not judged again."""
        if self._probe is not None and self._probe.run is run and self._probe.feature == feature:
            return
        self.live.stop()
        self._probe = Probe(run, feature, tuple(self._sentences))
        self.bars.show_shares(run.result.classes, None)
        self._forget_sound()
        self._waveform = None
        self.about.setText(words.learned_from(run.result))
        self._show_own()
        self._say(STATES["off"])
        self._show_kept()
        self.warm()

    def warm(self) -> None:
        """Load what the probe needs while nothing is said yet; what fails is told when something is."""
        probe = self._probe
        if probe is not None and self.isVisible():
            self._context.jobs.submit("Loading the probe", lambda report: self._ear.warm(probe, report),
                                      key="emotion-warm", quiet=True, on_failed=lambda error: None)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.warm()  # a run that was read before the card was seen

    def cancel(self) -> bool:
        """Forget what is being recorded, be silent; whether there was anything to stop."""
        return self.voice.cancel()

    def _lay_out(self) -> None:
        look(self.own, "")
        wave = row(self.waveform, NAMES - 8)
        wave.setStretch(0, 1)
        self._sound = QWidget()  # takes no room before something was said
        self._sound.setLayout(column(wave, self.curves, space=8))
        self._sound.hide()
        right = column(self.state, self.bars, self._sound, space=8)
        head = row(column(self.record, None), right, space=14)
        head.setStretch(1, 1)
        self.body.addLayout(head)
        self.body.addWidget(self.about)
        self._own_row = QWidget()
        line = row(self.own, self.own_words)
        line.setStretch(1, 1)
        self._own_row.setLayout(line)
        self.body.addWidget(self._own_row)
        self.body.addWidget(self.kept)
        self.body.addStretch(1)

    def _connect(self) -> None:
        self.record.pressed_down.connect(self.voice.press)
        self.record.let_go.connect(self.voice.release)
        self.voice.microphone.state_changed.connect(self._show_state)
        self.voice.microphone.level.connect(self._show_level)
        self.live.told.connect(self._show_live)
        self.voice.spoken.connect(self._take)
        self.voice.problem.connect(lambda kind, text: self._say(text, "care"))
        self.voice.started.connect(self._begin)
        self.voice.player.moved.connect(self._move)
        self.voice.player.finished.connect(lambda: self._move(None))
        self.voice.player.failed.connect(lambda text: self._say(text, "care"))
        self.waveform.sought.connect(self._play)

    def _show_state(self, state: str) -> None:
        self.record.show_state(state)
        if state in ("opening", "recording", "stopping"):
            self._say(STATES[state])
        if state == "recording" and self._probe is not None and not self._collecting:
            self.live.start(self._probe)
        elif state != "recording":
            self.live.stop()

    def _show_level(self, peak: float) -> None:
        self.record.show_level(peak)
        if self.voice.is_recording():
            self.waveform.add_level(peak)

    def _forget_sound(self) -> None:
        self.waveform.clear()
        self.curves.clear()
        self._sound.hide()

    def _begin(self) -> None:
        self._sound.show()
        self.curves.clear()
        if self._probe is not None:
            self.bars.show_shares(self._probe.run.result.classes, None)
        self.waveform.start_live()

    def _take(self, waveform: "Waveform", warning: str) -> None:
        if self._collecting:
            self._collect(waveform)
            return
        probe = self._probe
        if probe is None:
            return
        self._waveform = waveform
        self.waveform.show_waveform(waveform)
        self._say("Listening…")

        def listen(report: "Report") -> "Prediction":
            from core.emotion import predict as listening

            told = self._ear.ask(probe, waveform, report)
            listening.keep(probe.run, probe.feature, waveform, told)
            return told

        self._context.jobs.submit("Asking the probe", listen, key="emotion-try",
                                  on_done=lambda told: self._show(probe, warning, told),
                                  on_failed=lambda error: self._say(str(error), "care"))

    def _show_live(self, told: "Prediction") -> None:
        """While one speaks: the bars move, and the strongest class is said."""
        if self._probe is None:
            return
        classes, shares = self._probe.run.result.classes, told.probabilities.tolist()
        self.bars.show_shares(classes, shares)
        self._say(f"Recording… So far {classes[shares.index(max(shares))]}.")

    def _show(self, probe: Probe, warning: str, told: "Prediction") -> None:
        if self._probe is not probe or self._waveform is None:
            return
        classes = probe.run.result.classes
        shares = told.probabilities.tolist()
        self.bars.show_shares(classes, shares)
        strong = sorted(range(len(classes)), key=lambda number: -shares[number])[:2]
        self.curves.show_curves(told.curve[0].tolist(), told.curve[1], classes, strong, self._waveform.seconds)
        self._say(warning or f"{classes[strong[0]].capitalize()}, {percents(shares)[strong[0]]} %.",
                  "care" if warning else "strong")
        self._show_kept()

    def _play(self, start: float) -> None:
        if self._waveform is not None:
            self.voice.player.play(self._waveform, start)

    def _move(self, seconds: float | None) -> None:
        self.waveform.set_cursor(seconds)
        self.curves.set_cursor(seconds)

    # --- sentences of one's own

    def _toggle_collecting(self) -> None:
        self._collecting = self.own.isChecked()
        if self._collecting:
            self._sentences = []
        self._show_own()

    def _collect(self, waveform: "Waveform") -> None:
        self._sentences.append(waveform)
        self.waveform.show_waveform(waveform)
        if len(self._sentences) >= ENOUGH:
            self._collecting = False
            self.own.setChecked(False)
            if self._probe is not None:
                self._probe = Probe(self._probe.run, self._probe.feature, tuple(self._sentences))
        self._say(STATES["off"])
        self._show_own()

    def _show_own(self) -> None:
        self._own_row.setVisible(self._probe is not None and self._probe.run.result.options.speaker_statistics)
        number = len(self._sentences)
        if self._collecting:
            text = f"Say {ENOUGH} sentences in different moods: {number} of {ENOUGH}."
        elif number >= ENOUGH:
            text = f"Standardised by {number} sentences of yours."
        else:
            text = "Without them you are taken for the average speaker."
        self.own_words.setText(text)

    def _show_kept(self) -> None:
        probe = self._probe
        if probe is None:
            return

        def look_up(report: "Report") -> int:
            from core.emotion import predict as listening

            return len(listening.tries(probe.run))

        self._context.jobs.submit("Looking up recordings", look_up, key="emotion-tries", quiet=True,
                                  on_done=self._count, on_failed=lambda error: self._count(0))

    def _count(self, number: int) -> None:
        self.kept.setText(f"{number} {'recording' if number == 1 else 'recordings'} of yours kept with this run."
                          if number else "What you record is kept with the run, on this computer.")

    def _say(self, text: str, how: str = "quiet") -> None:
        look(self.state, how)
        self.state.setText(text)


