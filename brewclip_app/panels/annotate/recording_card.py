"""The card for recording: button, live waveform, level, and what to do next."""

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from brewclip_app import wording
from brewclip_app.capture.recording import Microphone
from brewclip_app.localisation import _
from brewclip_app.panels.annotate.level_meter import WORDS, LevelMeter
from brewclip_app.plain_text import plain_caption
from brewclip_app.widgets.common import Card, button, icon_button, label, look, row, show_play_button
from brewclip_app.widgets.record_button import RecordButton
from brewclip_app.widgets.waveform import WaveformView

if TYPE_CHECKING:
    from core.audio import Waveform

TEXTS = {
    "off": _("Describe the picture (Space)"), "ready": _("Describe the picture (Space)"),
    "opening": _("Opening the microphone. Speak when it turns red."),
    "recording": _("Recording. Release or press again to finish; Esc cancels."),
         "stopping": _("Finishing the recording"),
}
STATES = {"off": _("Hold Space and describe the picture"), "ready": _("Hold Space and describe the picture"),
          "opening": _("Opening the microphone…"), "stopping": _("Finishing the recording…")}
VERDICT_LOOKS = {"": "quiet", "good": "good", "quiet": "care", "loud": "error"}
CLOCK_MS = 100


class RecordingCard(Card):
    """Shows what the microphone does, or the current take."""

    def __init__(self, microphone: Microphone) -> None:
        super().__init__(margin=16, space=8)
        self.microphone = microphone
        self.record = RecordButton(texts=TEXTS)
        self.state = label(STATES["off"], "strong")
        self.waveform = WaveformView()
        self.waveform.setAccessibleName(_("Waveform of the description"))
        self.meter = LevelMeter()
        self.hint = label("", "quiet", wrap=True)
        self.refresh = button(_("Refresh"), microphone.refresh, "link", tip=_("Look for microphones again"))
        self.play = button(_("Play"), icon="play")
        self.play.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.more = icon_button("more", _("Microphone"))
        self.more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self._fill_menu)
        self.keep_ready = QAction(_("Keep the microphone ready"), self, checkable=True,
                                  checked=True)  # no first word lost
        self._waveform: Waveform | None = None
        self._seconds = 0.0
        self._clock = QTimer(self, interval=CLOCK_MS)
        self._clock.timeout.connect(self._tick)
        self._lay_out()
        microphone.state_changed.connect(self._show_state)
        microphone.level.connect(self._show_level)
        self.show_take(None, "")

    def _lay_out(self) -> None:
        self.more.setMenu(self._menu)
        self.more.setPopupMode(self.more.ToolButtonPopupMode.InstantPopup)
        for words in (self.state, self.hint):
            words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        balance = label()
        balance.setFixedWidth(self.more.sizeHint().width())
        head = row(balance, None, self.record, None, self.more)
        head.setAlignment(self.more, Qt.AlignmentFlag.AlignTop)
        wave = row(self.waveform, self.play)
        wave.setStretch(0, 1)
        self.body.addLayout(head)
        self.body.addWidget(self.state)
        self.body.addLayout(wave)
        self.body.addWidget(self.meter)
        self.body.addWidget(self.hint)
        self.body.addLayout(row(None, self.refresh, None))
        self.refresh.hide()

    def show_take(self, waveform: "Waveform | None", warning: str) -> None:
        """Show a saved recording, ready to be played; None while there is none."""
        if self.microphone.state in ("opening", "recording", "stopping"):
            return
        self._clock.stop()
        self.meter.clear()
        self.meter.hide()
        self.play.setVisible(waveform is not None)
        self.waveform.setVisible(waveform is not None)
        if waveform is None:
            self.waveform.clear()
            self.state.setText(STATES["off"])
            problem = self.microphone.problem
            self._show_hint(problem or _("or press it once to start and again to stop"), "care" if problem else "quiet")
        else:
            if waveform is not self._waveform:
                self.waveform.show_waveform(waveform)
            self.state.setText(_("Recorded · {seconds}").format(seconds=wording.duration(waveform.seconds)))
            self._show_hint(warning, "care")
        self._waveform = waveform

    def show_playing(self, playing: bool, seconds: float | None) -> None:
        """Turn the button into Stop and move the cursor while the take plays."""
        show_play_button(self.play, playing)
        self.waveform.set_cursor(seconds if playing else None)

    def _show_state(self, state: str) -> None:
        self.record.show_state(state)
        if state == "recording":
            self._seconds, self._waveform = 0.0, None
            self.waveform.show()
            self.waveform.start_live()
            self.play.hide()
            self.meter.clear()
            self.meter.show()
            self._clock.start()
            self._tick()
        elif state in ("opening", "stopping"):
            self._clock.stop()
            self.state.setText(STATES[state])

    def _tick(self) -> None:
        self._seconds += CLOCK_MS / 1000
        self.state.setText(_("Recording · {seconds}").format(seconds=wording.duration(self._seconds)))

    def _show_level(self, peak: float) -> None:
        if self.microphone.state == "recording":
            self.record.show_level(peak)
            self.waveform.add_level(peak)
            self.meter.add_level(peak)
            verdict = self.meter.verdict
            self._show_hint(_("{words} · release Space to finish").format(words=WORDS[verdict]), VERDICT_LOOKS[verdict])

    def _show_hint(self, text: str, name: str) -> None:
        if self.hint.property("look") != name:
            look(self.hint, name)
        self.hint.setText(text)
        self.hint.setVisible(bool(text))
        self.refresh.setVisible(bool(text) and text == self.microphone.problem)

    def _fill_menu(self) -> None:
        self._menu.clear()
        for device in self.microphone.devices:
            action = self._menu.addAction(plain_caption(device.name), partial(self.microphone.choose, device.id))
            action.setCheckable(True)
            action.setChecked(self.microphone.device == device)
        self._menu.addAction(_("Refresh the list"), self.microphone.refresh)
        self._menu.addSeparator()
        self._menu.addAction(self.keep_ready)
