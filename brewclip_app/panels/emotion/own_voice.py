"""Card for the user's own voice: a sentence under the probe of the shown run."""

from typing import TYPE_CHECKING

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from brewclip_app.capture.playback import PlayerState
from brewclip_app.capture.push_to_talk import PushToTalk
from brewclip_app.localisation import _, ngettext
from brewclip_app.panels.emotion import words
from brewclip_app.panels.emotion.emotion_bars import ShareBars
from brewclip_app.panels.emotion.emotion_curves import NAMES, EmotionCurves
from brewclip_app.panels.emotion.own_voice_controller import ENOUGH, OwnVoiceController, OwnVoiceState
from brewclip_app.widgets.common import Card, button, column, label, look, row
from brewclip_app.widgets.record_button import RecordButton
from brewclip_app.widgets.waveform import WaveformView

if TYPE_CHECKING:
    from brewclip_app.context import Context

TEXTS = {
    "off": _("Say a sentence (Space)"), "ready": _("Say a sentence (Space)"),
    "opening": _("Opening the microphone. Speak when it turns red."),
    "recording": _("Recording. Release or press again to finish; Esc cancels."),
         "stopping": _("Finishing the recording"),
}


class OwnVoiceCard(Card):
    """Shows the controller's state: record button, probabilities, and their course over the recording."""

    def __init__(self, context: "Context", voice: PushToTalk | None = None) -> None:
        super().__init__(_("Try your own voice"), space=8)
        self.voice = voice or PushToTalk(context, self)
        self.controller = OwnVoiceController(context, self.voice, self)
        self._shown = OwnVoiceState()
        self.record = RecordButton(texts=TEXTS)
        self.message = label("", "quiet", wrap=True)
        self.bars = ShareBars()
        self.waveform = WaveformView()
        self.waveform.setAccessibleName(_("Waveform of your sentence"))
        self.curves = EmotionCurves()
        self.about = label("", "quiet", wrap=True)
        self.own = button(_("Standardise by my voice…"))
        self.own.setCheckable(True)
        self.own_words = label("", "quiet", wrap=True)
        self.kept = label("", "quiet", wrap=True)
        self._lay_out()
        self._connect()
        self._show_state(self.controller.state)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.controller.warm_up()  # for a run that was read before the card was seen

    def _lay_out(self) -> None:
        wave = row(self.waveform, NAMES - 8)
        wave.setStretch(0, 1)
        self._sound = QWidget()  # takes no room before the first recording
        self._sound.setLayout(column(wave, self.curves, space=8))
        right = column(self.message, self.bars, self._sound, space=8)
        head = row(column(self.record, None), right, space=14)
        head.setStretch(1, 1)
        self._own_row = QWidget()
        line = row(self.own, self.own_words)
        line.setStretch(1, 1)
        self._own_row.setLayout(line)
        self.body.addLayout(head)
        for part in (self.about, self._own_row, self.kept):
            self.body.addWidget(part)
        self.body.addStretch(1)

    def _connect(self) -> None:
        voice, player = self.voice, self.voice.player
        self.controller.changed.connect(self._show_state)
        self.own.clicked.connect(self.controller.collect)
        self.record.pressed_down.connect(voice.press)
        self.record.let_go.connect(voice.release)
        voice.microphone.state_changed.connect(self.record.show_state)
        voice.microphone.level.connect(self._show_level)
        voice.started.connect(self._start_live)
        self.waveform.sought.connect(self._play)
        player.changed.connect(self._show_playing)

    def _show_state(self, state: OwnVoiceState) -> None:
        before, self._shown = self._shown, state
        self.message.setText(state.message)
        look(self.message, state.look)
        if state.probe is not None:
            result = state.probe.run.result
            shares = state.prediction.probabilities.tolist() if state.prediction is not None else None
            self.bars.show_shares(result.classes, shares)
            self.about.setText(words.learned_from(result))
            if before.probe is not state.probe and self.isVisible():
                self.controller.warm_up()
            if state.prediction is None:
                self.curves.clear()
            elif not state.live and state.waveform is not None and shares is not None:
                strong = sorted(range(len(shares)), key=lambda number: -shares[number])[:2]
                times, course = state.prediction.curve
                self.curves.show_curves(times.tolist(), course, result.classes, strong, state.waveform.seconds)
        if state.waveform is not None and state.waveform is not before.waveform:
            self.waveform.show_waveform(state.waveform)
        if not self.voice.is_recording():
            self._sound.setVisible(state.waveform is not None)
        self._own_row.setVisible(state.probe is not None and state.probe.run.result.options.speaker_statistics)
        self.own.setChecked(state.collecting)
        self.own_words.setText(self._sentences(state))
        recordings = ngettext("recording", "recordings", state.kept)
        self.kept.setText(_("{kept} {recordings} of yours kept with this run.").format(kept=state.kept,
                                                                                       recordings=recordings)
                          if state.kept else
                          _("Your recordings are kept with the run, on this computer."))

    @staticmethod
    def _sentences(state: OwnVoiceState) -> str:
        number = len(state.sentences)
        if state.collecting:
            return _("Say {enough} sentences in different moods: {number} of {enough}.").format(enough=ENOUGH,
                                                                                                number=number)
        if number >= ENOUGH:
            return _("Standardised by {number} sentences of yours.").format(number=number)
        return _("Without them you are treated as an average speaker.")

    def _start_live(self) -> None:
        self._sound.show()
        self.waveform.start_live()

    def _show_level(self, peak: float) -> None:
        self.record.show_level(peak)
        if self.voice.is_recording():
            self.waveform.add_level(peak)

    def _play(self, start: float) -> None:
        if self._shown.waveform is not None:
            self.voice.player.play(self._shown.waveform, start)

    def _show_playing(self, player: PlayerState) -> None:
        self.waveform.set_cursor(player.seconds)
        self.curves.set_cursor(player.seconds)
        if player.problem:
            self.controller.show_problem(player.problem)
