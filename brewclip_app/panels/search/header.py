"""The card at the top of the Search panel: record, see the voice, read and edit the transcript, choose where."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QLocale, QObject, Qt, Signal
from PySide6.QtWidgets import QComboBox, QMenu, QSizePolicy, QWidget

from brewclip_app import theme, wording
from brewclip_app.capture.recording import Microphone
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import Card, button, column, icon_button, label, look, row
from brewclip_app.widgets.elided_combo import ElidedCombo
from brewclip_app.widgets.record_button import RecordButton
from brewclip_app.widgets.transcript_view import TranscriptView
from brewclip_app.widgets.waveform import WaveformView

if TYPE_CHECKING:
    from core.asr.transcript import Word
    from core.audio import Waveform

CHOICES_WIDTH = 236
HINT = "Hold Space, or press the red button, and say what you look for."
STATE_HINTS = {"opening": "Opening the microphone… Speak when the button turns red.",
               "recording": "Listening… Let go, or press again, to search. Esc cancels.",
               "stopping": "Taking the last word…"}
NOT_HEARD = "Speaking waits: without Whisper base, your words cannot be recognised."
MESSAGE_LOOKS = {"error": "error", "care": "care", "good": "good", "quiet": "quiet"}
KEEP_READY = "Keep the microphone ready"
KEEP_READY_TIP = ("While this screen is in front, the last 0.4 s wait in memory so that no first word is lost. "
                  "They are overwritten all the time and kept only when you record. Off: the microphone is opened when "
                  "you press, which can take a moment.")


def language_name(code: str) -> str:
    """The English name of a language code; the code where Qt knows none."""
    known = QLocale.codeToLanguage(code)
    return code.upper() if known == QLocale.Language.AnyLanguage else QLocale.languageToString(known)


class QueryHeader(Card):
    """Shows the microphone's states and the transcript; tells what the user wants."""

    gallery_chosen = Signal(str)
    recording_wanted = Signal()  # open one from a file
    keep_ready_changed = Signal(bool)
    play_wanted = Signal()
    weights_wanted = Signal()    # get what is needed to speak
    new_wanted = Signal()        # nothing asked, nothing said
    voice_dropped = Signal()     # the words of the recording alone

    def __init__(self, microphone: Microphone) -> None:
        super().__init__(margin=14, space=0)
        self._microphone = microphone
        self.record = RecordButton()
        self.waveform = WaveformView()
        self.hint = label(HINT, "quiet-body", wrap=True)
        self.seconds = label("", "quiet")
        self.play = button("Play", self.play_wanted.emit, icon="play")
        self.drop_voice = icon_button("close", "Remove the recording, keep its words", self.voice_dropped.emit, side=12)
        self.new = icon_button("refresh", "New search (Ctrl+N)", self.new_wanted.emit, side=16)
        self.transcript = TranscriptView()
        self.transcript.speaks_when_empty = True
        self.language = label("", "pill")
        self.original = label("", "quiet-body", wrap=True)
        self.message = label("", "quiet", wrap=True)
        self.action = button("", self._act, "link")
        self.progress = label("", "quiet")
        self._missing = ""
        self._on_action: Callable[[], object] | None = None
        self.get_speech = button("", self.weights_wanted.emit, "link")
        self.get_speech.hide()
        self.look_again = button("Look again", self._microphone.refresh, "link", tip="Look for microphones again")
        self.look_again.hide()
        self.microphones, self.galleries = _combo("Microphone"), _combo("Gallery")
        self.more = icon_button("more", "Microphone and recordings")
        self.more.setMenu(self._menu())
        self.more.setPopupMode(self.more.ToolButtonPopupMode.InstantPopup)
        for part in (self.play, self.drop_voice, self.new, self.more, self.action):
            part.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for words in (self.hint, self.original, self.message):
            words.setMinimumHeight(1)  # else the page counts on their height in a narrow column, and scrolls
        self._lay_out()
        self._connect()
        self.new.hide()
        self.show_idle()
        self.show_transcript("")
        self.say("")

    def _lay_out(self) -> None:
        wave = row(self.waveform, self.hint, self.get_speech, self.look_again, self.seconds, self.play,
                   self.drop_voice, None, space=12)
        wave.setStretch(0, 1000)  # up to its greatest width; what is left on a very wide screen stays empty
        wave.setStretch(1, 1000)
        self.waveform.setMaximumWidth(900)
        words = row(self.transcript, self.language, self.new, None, space=8)
        words.setStretch(0, 1000)  # up to its greatest width, which is that of the words
        words.setAlignment(self.language, Qt.AlignmentFlag.AlignVCenter)
        said = row(self.message, self.action, None, space=8)
        said.setStretch(0, 1000)
        middle = column(None, wave, words, self.original, said, None, space=4)
        self._choices = QWidget()
        self._choices.setFixedWidth(CHOICES_WIDTH)
        microphone = row(self.microphones, self.more, space=2)
        microphone.setStretch(0, 1)
        self._choices.setLayout(column(None, microphone, self.galleries, None, space=8))
        whole = row(self.record, middle, self._choices, space=14)
        whole.setStretch(1, 1)
        self.body.addLayout(whole)

    def _connect(self) -> None:
        mic = self._microphone
        self.record.installEventFilter(self)
        mic.state_changed.connect(self._show_state)
        mic.devices_changed.connect(lambda: self.record.show_missing(mic.problem))
        mic.level.connect(self.record.show_level)
        mic.level.connect(lambda peak: self.waveform.add_level(peak) if mic.state == "recording" else None)
        mic.devices_changed.connect(self.show_devices)
        self.microphones.activated.connect(lambda at: mic.choose(self.microphones.itemData(at)))
        self.galleries.activated.connect(lambda at: self.gallery_chosen.emit(self.galleries.itemText(at)))

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.addAction("Look for microphones again", self._microphone.refresh)
        self.keep_ready = menu.addAction(KEEP_READY)
        self.keep_ready.setCheckable(True)
        self.keep_ready.setChecked(True)
        self.keep_ready.setToolTip(KEEP_READY_TIP)
        self.keep_ready.toggled.connect(self.keep_ready_changed)
        menu.addSeparator()
        self.open_recording = menu.addAction("Open a recording…", self.recording_wanted.emit)
        return menu

    # ---- what is shown

    def show_idle(self) -> None:
        """Nothing was said."""
        self.waveform.clear()
        self._show_wave(False)
        self._show_hint()

    def tells(self, sentence: str) -> bool:
        """Whether a sentence stands in the place of the hint already."""
        return not self.hint.isHidden() and self.hint.text() == sentence

    def show_missing_speech(self, missing: str, action: str = "") -> None:
        """Say in the place of the hint what speaking needs, with a way to get it; "" when it is there."""
        self._missing = missing
        if not missing and self.message.text() == NOT_HEARD:
            self.say("")
        self.get_speech.setText(action)
        self.get_speech.setVisible(bool(missing and action))
        self._show_hint()

    def say_missing_speech(self) -> None:
        """Answer a press of the button that can do nothing yet, with the way to get what is missing."""
        if self._missing:
            self.say(NOT_HEARD, "care", self.get_speech.text(), self.weights_wanted.emit)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonPress and not self.record.isEnabled():
            self.say_missing_speech()  # a button that is off hears of no press
        return super().eventFilter(watched, event)

    def _show_hint(self) -> None:
        problem = "" if self._missing else self._microphone.problem
        self.hint.setText(self._missing or problem or HINT)
        self.look_again.setVisible(bool(problem) and self.waveform.isHidden())

    def show_utterance(self, waveform: "Waveform") -> None:
        """The waveform of what was said, ready to be played."""
        self.waveform.show_waveform(waveform)
        self.seconds.setText(wording.duration(waveform.seconds))
        self._show_wave(True)
        self.seconds.show()
        self.play.show()
        self.drop_voice.show()

    def show_new(self, shown: bool) -> None:
        """Offer to begin anew: there is something to leave."""
        self.new.setVisible(shown)

    def show_transcript(self, text: str, words: "Sequence[Word]" = (), language: str = "", original: str = "",
                        doubtful: bool = False, notes: Sequence[str] = ()) -> None:
        """The words of the query; under them what was said in another language, whether that is in doubt, and notes.
        """
        self.transcript.show_words(text, () if original else words)
        self.language.setText(language_name(language) if language else "")
        self.language.setVisible(bool(language))
        self.language.setFixedHeight(max(20, self.language.fontMetrics().height() + 6))  # its corners need a height
        self.language.setToolTip("Translated to English for the search" if original else "")
        below = [f"Said: “{original}”"] if original else []
        if doubtful:
            below.append(wording.DOUBTFUL)
        below += notes
        self.original.setText("\n".join(below))
        self.original.setVisible(bool(below))

    def say(self, text: str, kind: str = "quiet", action: str = "", on_action: Callable[[], object] | None = None,
            ) -> None:
        """One line under the transcript, with one thing to do about it; empty takes it away."""
        look(self.message, MESSAGE_LOOKS[kind])
        self.message.setText(text)
        self.message.setVisible(bool(text))
        widest = self.message.fontMetrics().horizontalAdvance(text) + 6  # the action stands beside the words
        self.message.setMaximumWidth(widest)
        self.action.setText(action)
        self.action.setVisible(bool(action))
        self._on_action = on_action

    def show_playing(self, playing: bool) -> None:
        """The button stops what plays."""
        self.play.setText("Stop" if playing else "Play")
        theme.set_icon(self.play, "stop" if playing else "play")
        if not playing:
            self.waveform.set_cursor(None)

    def show_devices(self) -> None:
        """List the microphones; why there is none when there is none."""
        mic = self._microphone
        self.microphones.clear()
        for device in mic.devices:
            self.microphones.addItem(device.name, device.id)
        if not mic.devices:
            self.microphones.addItem("No microphone", "")
        self.microphones.setEnabled(bool(mic.devices))
        self.microphones.setCurrentIndex(max(0, self.microphones.findData(mic.chosen)))
        self.microphones.setToolTip(plain_tip(mic.problem))
        if self.hint.text() not in STATE_HINTS.values() or (mic.problem and self.waveform.isHidden()):
            self._show_hint()

    def show_galleries(self, names: Sequence[str], current: str) -> None:
        """List the galleries."""
        self.galleries.clear()
        self.galleries.addItems(list(names))
        self.galleries.setCurrentIndex(self.galleries.findText(current))
        self.galleries.setEnabled(bool(names))

    def _show_state(self, state: str) -> None:
        self.record.show_state(state)
        self.record.show_missing(self._microphone.problem)
        if state == "recording":
            self.waveform.start_live()
            self._show_wave(True)
            self.seconds.setText(STATE_HINTS[state])
            self.seconds.show()
            self.say("")
        elif state in STATE_HINTS:
            self.seconds.setText(STATE_HINTS[state])
            self.hint.setText(STATE_HINTS[state])

    def _show_wave(self, shown: bool) -> None:
        self.waveform.setVisible(shown)
        self.hint.setVisible(not shown)
        self.look_again.setVisible(not shown and bool(self._microphone.problem) and not self._missing)
        self.seconds.hide()
        self.play.hide()
        self.drop_voice.hide()

    def _act(self) -> None:
        if self._on_action is not None:
            self._on_action()


def _combo(name: str) -> QComboBox:
    made = ElidedCombo()
    made.setAccessibleName(name)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(8)
    made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return made
