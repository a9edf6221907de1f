"""Push-to-talk on the desk: what is pressed, what the microphone says of it, and where the recording goes."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from brewclip_app.capture.held_key import GRACE, HeldKey
from brewclip_app.capture.push_to_talk import PushToTalk
from brewclip_app.panels.annotate.desk import AnnotatePage
from brewclip_app.panels.annotate.listen import TakePlayer
from brewclip_app.panels.annotate.session import NOT_KEPT, AnnotateSession

if TYPE_CHECKING:
    from core.audio import Waveform

WATCH_AFTER_MS = 300  # after the first paint: looking for microphones loads QtMultimedia


class RecordingControl(QObject):
    """`panel` is whose keys are taken; the desk shows what happens, the session keeps what is said."""

    speaker_wanted = Signal()
    confirmed = Signal()  # Enter came before the recording was whole, and it is now

    def __init__(self, panel: QWidget, voice: PushToTalk, session: AnnotateSession, desk: AnnotatePage,
                 listener: TakePlayer) -> None:
        super().__init__(panel)
        self._panel, self._voice, self._session, self._desk, self._listener = panel, voice, session, desk, listener
        self._front = self._taking = self._confirms = False
        self.space = HeldKey(panel)
        self.space.pressed.connect(self.press)
        self.space.let_go.connect(lambda: voice.release(GRACE))
        card = desk.voice
        card.record.pressed_down.connect(self.press)
        card.record.let_go.connect(lambda: voice.release())
        card.keep_ready_changed.connect(self.settle)
        voice.spoken.connect(self._take)
        voice.problem.connect(self._failed)
        voice.microphone.state_changed.connect(self._follow)
        voice.microphone.devices_changed.connect(self.show)

    def come(self) -> None:
        """The panel is in front."""
        self._front = True
        QTimer.singleShot(WATCH_AFTER_MS, self._watch)

    def leave(self) -> None:
        """The panel is not in front any more."""
        self._front = False
        self.silence()
        self.settle()

    def _watch(self) -> None:
        if self._front:
            self._voice.watch()
            self.settle()

    def settle(self) -> None:
        """The stream stays open only while there is a picture to describe in a window that has the user's attention."""
        attended = self._front and self._panel.isActiveWindow() and self._desk.isVisibleTo(self._panel)
        self._voice.microphone.set_ready(attended and self._desk.voice.keep_ready)

    @property
    def busy(self) -> bool:
        """Whether a recording is not whole yet: no other picture comes to the front meanwhile."""
        return self._taking or self._voice.microphone.state in ("opening", "recording", "stopping")

    def confirm_later(self) -> bool:
        """Enter: whether a recording is just ending, which `confirmed` follows then."""
        state = self._voice.microphone.state
        self._confirms = self._taking or state == "stopping" or (state == "recording" and self.space.waits)
        return self._confirms

    def press(self, again: bool = False) -> None:
        """Record, or end the recording; `again`: in the place of what was said before, until the next press."""
        if self._voice.is_recording():
            self._voice.press()
        elif self._desk.isVisibleTo(self._panel) and not self.busy:
            self._desk.say("")
            self._confirms = False
            if self._session.aim(again):
                self._listener.stop()
                self._voice.start() if again else self._voice.press()
            elif self._session.speaker is None:
                self.space.free()
                self.speaker_wanted.emit()

    def silence(self) -> bool:
        """Stop recording and playing; whether there was anything to stop."""
        busy = self._voice.is_recording() or self._listener.plays != 0
        if self._voice.is_recording():
            self._voice.cancel()
        self._listener.stop()
        return busy

    def show(self) -> None:
        """The voice of the take that is worked on, or where it stays."""
        session, card = self._session, self._desk.voice
        take = session.current()
        if session.unkept is not None:
            card.show_take(session.unkept.waveform, NOT_KEPT)
        elif session.saving or self._taking:
            card.show_saving()
        elif take is None:
            card.show_take(None, "")
        elif not self._listener.plays:
            self._listener.show(take)

    def _follow(self, state: str) -> None:
        if state == "stopping":
            self._taking = True
        if state in ("ready", "off"):
            self.show()

    def _take(self, waveform: "Waveform", note: str) -> None:
        self._taking = False
        confirms, self._confirms = self._confirms, False
        self._session.record(waveform, note)
        if confirms:
            self.confirmed.emit()

    def _failed(self, kind: str, sentence: str) -> None:
        self._taking = self._confirms = False
        self.show()
        self._desk.say(sentence, "care")
