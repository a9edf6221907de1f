"""Push-to-talk on the Annotate screen: keys and button in, recordings to the controller."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

from brewclip_app.capture.held_key import HeldKey
from brewclip_app.capture.push_to_talk import PushToTalk
from brewclip_app.localisation import _
from brewclip_app.panels.annotate.controller import NOT_SAVED, AnnotateController
from brewclip_app.panels.annotate.describe_page import DescribePage
from brewclip_app.panels.annotate.take_player import TakePlayer

if TYPE_CHECKING:
    from core.audio import Waveform

WATCH_AFTER_MS = 300  # after the first paint: listing microphones starts PortAudio


class RecordingControl(QObject):
    """`panel` is the widget whose keys are taken; `ask_speaker` opens a dialog, `confirm` accepts the caption."""

    def __init__(self, panel: QWidget, voice: PushToTalk, controller: AnnotateController, page: DescribePage,
                 player: TakePlayer, ask_speaker: Callable[[], object], confirm: Callable[[], object]) -> None:
        super().__init__(panel)
        self._panel, self._voice, self._controller, self._page, self._player = panel, voice, controller, page, player
        self._ask_speaker, self._confirm = ask_speaker, confirm
        self._in_front = self._finishing = self._confirm_when_saved = False
        self.space = HeldKey(panel, self.press, voice.release)
        card = page.recording
        card.record.pressed_down.connect(self.press)
        card.record.let_go.connect(lambda: voice.release())
        card.keep_ready.toggled.connect(lambda _unused: self.update_microphone())
        voice.spoken.connect(self._save_recording)
        voice.problem.connect(self._fail)
        voice.microphone.state_changed.connect(self._follow_microphone)
        voice.microphone.devices_changed.connect(self.show_take)

    def activate(self) -> None:
        """The panel comes to the front."""
        self._in_front = True
        QTimer.singleShot(WATCH_AFTER_MS, self._watch)

    def deactivate(self) -> None:
        """The panel leaves the front."""
        self._in_front = False
        self.stop()
        self.update_microphone()

    def _watch(self) -> None:
        if self._in_front:
            self._voice.watch()
            self.update_microphone()

    def update_microphone(self) -> None:
        """Keep the stream open only while there is a picture to describe in a window that has the focus."""
        attended = self._in_front and self._panel.isActiveWindow() and self._page.isVisibleTo(self._panel)
        self._voice.microphone.set_ready(attended and self._page.recording.keep_ready.isChecked())

    @property
    def busy(self) -> bool:
        """Whether a recording is not complete yet: no other picture comes to the front meanwhile."""
        return self._finishing or self._voice.microphone.state in ("opening", "recording", "stopping")

    def confirm_when_saved(self) -> bool:
        """Handle Enter while a recording is just ending: it is confirmed then. Whether one is ending."""
        state = self._voice.microphone.state
        self._confirm_when_saved = self._finishing or state == "stopping" or (
            state == "recording" and self.space.waits)
        return self._confirm_when_saved

    def press(self, again: bool = False) -> None:
        """Record or end the recording; `again` replaces a confirmed take, and records until the next press."""
        if self._voice.is_recording():
            self._voice.press()
        elif self._page.isVisibleTo(self._panel) and not self.busy:
            self._page.message.show_text("")
            self._confirm_when_saved = False
            if self._controller.aim(again):
                self._player.stop()
                self._voice.start() if again else self._voice.press()
            elif self._controller.state.speaker is None:
                self.space.free()
                self._ask_speaker()

    def stop(self) -> bool:
        """Cancel recording and stop playing; whether there was anything to stop."""
        busy = self._voice.is_recording() or self._player.state.playing != 0
        if self._voice.is_recording():
            self._voice.cancel()
        self._player.stop()
        return busy

    def show_take(self) -> None:
        """Show the recording of the current take, or that it is being saved."""
        state, card = self._controller.state, self._page.recording
        take = state.current_take
        if state.unsaved is not None:
            card.show_take(state.unsaved.waveform, NOT_SAVED)
        elif state.saving or self._finishing:
            card.state.setText(_("Saving the recording…"))
        elif take is None:
            card.show_take(None, "")
        elif not self._player.state.playing:
            self._player.show(take)

    def _follow_microphone(self, state: str) -> None:
        if state == "stopping":
            self._finishing = True
        if state in ("ready", "off"):
            self.show_take()

    def _save_recording(self, waveform: "Waveform", warning: str) -> None:
        self._finishing = False
        confirm, self._confirm_when_saved = self._confirm_when_saved, False
        self._controller.record(waveform, warning)
        if confirm:
            self._confirm()

    def _fail(self, kind: str, sentence: str) -> None:
        self._finishing = self._confirm_when_saved = False
        self.show_take()
        self._page.message.show_text(sentence, "care")
