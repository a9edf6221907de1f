"""Header of the Search panel: record button, waveform, transcript, message, microphone and gallery."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QLocale, QObject, Qt
from PySide6.QtWidgets import QMenu, QWidget

from brewclip_app import wording
from brewclip_app.capture.file_intake import Intake
from brewclip_app.localisation import _, as_shown
from brewclip_app.panels.search.controller import SearchController
from brewclip_app.panels.search.state import Message, SearchState
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import Card, button, column, icon_button, label, look, row, show_play_button
from brewclip_app.widgets.elided_combo import ElidedCombo
from brewclip_app.widgets.record_button import RecordButton
from brewclip_app.widgets.transcript_view import TranscriptView
from brewclip_app.widgets.waveform import WaveformView

CHOICES_WIDTH = 236
HINT = _("Hold Space, or press the red button, and say what you look for.")
STATE_HINTS = {"opening": _("Opening the microphone… Speak when the button turns red."),
               "recording": _("Listening… Let go, or press again, to search. Esc cancels."),
               "stopping": _("Finishing the recording…")}
KEEP_READY = _("Keep the microphone ready")
KEEP_READY_TIP = (_("While this screen is in front, the last 0.4 s stay in memory so that no first word is lost. They "
                    "are overwritten all the time and kept only when you record. Off: the microphone is opened when "
                    "you press, which can take a moment."))


def language_name(code: str) -> str:
    """The English name of a language code; the code where Qt knows none."""
    language = QLocale.codeToLanguage(code)
    return code.upper() if language == QLocale.Language.AnyLanguage else QLocale.languageToString(language)


class QueryHeader(Card):
    """View of the microphone, the transcript, the message and the gallery."""

    def __init__(self, controller: SearchController, intake: Intake) -> None:
        super().__init__(margin=14, space=0)
        self._controller, self._intake = controller, intake
        self._microphone = microphone = controller.voice.microphone
        self.record = RecordButton()
        self.waveform = WaveformView()
        self.hint = label(HINT, "quiet-body", wrap=True)
        self.seconds = label("", "quiet")
        self.play = button(_("Play"), controller.toggle_play, icon="play")
        self.drop_voice = look(icon_button("close", _("Remove the recording, keep its text"), controller.drop_recording,
                                           side=12), "on-picture")
        self.transcript = TranscriptView()
        self.transcript.speaks_when_empty = self.transcript.accepts_nothing = True
        self.language = label("", "pill")
        self.original = label("", "quiet-body", wrap=True)
        self.message = label("", "quiet", wrap=True)
        self.action = button("", self._act, "link")
        self._message = Message()
        self.get_speech = button("", controller.readiness.get_speech, "link")
        self.look_again = button(_("Look again"), microphone.refresh, "link", tip=_("Look for microphones again"))
        self.microphones, self.galleries = ElidedCombo(_("Microphone"), characters=8), ElidedCombo(_("Gallery"),
                                                                                                   characters=8)
        self.more = icon_button("more", _("Microphone and recordings"))
        self.more.setMenu(self._menu())
        self.more.setPopupMode(self.more.ToolButtonPopupMode.InstantPopup)
        for part in (self.play, self.drop_voice, self.more, self.action):
            part.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for words in (self.hint, self.original, self.message):
            words.setMinimumHeight(1)  # else the page counts on their height in a narrow column, and scrolls
        self._lay_out()
        self._connect()
        self._show_microphone(microphone.state)
        self._show_transcript(controller.state)
        self._show_message(Message())

    def _lay_out(self) -> None:
        self.waveform.setLayout(column(row(None, self.drop_voice), None))
        wave = row(self.waveform, self.hint, self.get_speech, self.look_again, self.seconds, self.play, None, space=12)
        wave.setStretch(0, 1000)  # up to its greatest width; what is left on a very wide screen stays empty
        wave.setStretch(1, 1000)
        self.waveform.setMaximumWidth(900)
        words = row(self.transcript, self.language, None, space=8)
        words.setStretch(0, 1000)  # up to its greatest width, which is that of the words
        words.setAlignment(self.language, Qt.AlignmentFlag.AlignVCenter)
        message = row(self.message, self.action, None, space=8)
        message.setStretch(0, 1000)
        middle = column(None, wave, words, self.original, message, None, space=4)
        self._choices = QWidget()
        self._choices.setFixedWidth(CHOICES_WIDTH)
        microphone = row(self.microphones, self.more, space=2)
        microphone.setStretch(0, 1)
        self._choices.setLayout(column(None, microphone, self.galleries, None, space=8))
        layout = row(self.record, middle, self._choices, space=14)
        layout.setStretch(1, 1)
        self.body.addLayout(layout)

    def _connect(self) -> None:
        microphone = self._microphone
        self.record.installEventFilter(self)
        self.waveform.sought.connect(lambda seconds: self._controller.play(self._controller.state.waveform, seconds))
        self._controller.voice.player.changed.connect(lambda player: self.waveform.set_cursor(player.seconds))
        microphone.state_changed.connect(self._show_microphone)
        microphone.level.connect(self._show_level)
        microphone.devices_changed.connect(self.show_devices)
        self.microphones.activated.connect(lambda row: microphone.choose(self.microphones.itemData(row)))
        self.galleries.activated.connect(lambda row: self._controller.choose_gallery(self.galleries.itemText(row)))

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.addAction(_("Look for microphones again"), self._microphone.refresh)
        self.keep_ready = menu.addAction(KEEP_READY)
        self.keep_ready.setCheckable(True)
        self.keep_ready.setChecked(True)
        self.keep_ready.setToolTip(KEEP_READY_TIP)
        menu.addSeparator()
        self.open_recording = menu.addAction(_("Open a recording…"), self._intake.choose_recording)
        return menu

    def render_state(self, state: SearchState, before: SearchState) -> None:
        """Show what differs from the state before."""
        if (state.waveform is not before.waveform or state.recording != before.recording
                or state.speech != before.speech):
            self.record.setEnabled(state.speech.available)
            self._show_microphone(self._microphone.state)
        if (state.query is not before.query or state.recording != before.recording
                or (state.partial, state.sure) != (before.partial, before.sure)):
            self._show_transcript(state)
        if state.message is not before.message:
            self._show_message(state.message)
        if state.playing != before.playing:
            show_play_button(self.play, state.playing)

    # ---- microphone and recording

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonPress and not self.record.isEnabled():
            self._controller.show_missing_speech()  # a disabled button gets no press
        return super().eventFilter(watched, event)

    def _show_level(self, peak: float) -> None:
        self.record.show_level(peak)
        if self._microphone.state == "recording":
            self.waveform.add_level(peak)

    def _show_microphone(self, microphone: str) -> None:
        """Show the live recording, else the recording of the query, else a hint."""
        state, speech, problem = self._controller.state, self._controller.state.speech, self._microphone.problem
        self.record.show_state(microphone)
        self.record.show_missing(problem)
        live, idle = microphone in ("recording", "stopping"), microphone in ("off", "ready")
        if idle and state.recording:  # it was recorded, and comes in a moment
            return
        recorded = idle and state.waveform is not None
        if microphone == "recording":
            self.waveform.start_live()
        elif recorded and state.waveform is not None:
            self.waveform.show_waveform(state.waveform)
        elif not live:
            self.waveform.clear()
        self.waveform.setVisible(live or recorded)
        self.seconds.setVisible(live or recorded)
        self.seconds.setText(wording.duration(state.waveform.seconds) if recorded and state.waveform is not None
                             else STATE_HINTS.get(microphone, ""))
        self.play.setVisible(recorded)
        self.drop_voice.setVisible(recorded)
        self.hint.setVisible(not live and not recorded)
        self.hint.setText(STATE_HINTS.get(microphone, speech.missing or problem or HINT))
        self.get_speech.setText(speech.action)
        self.get_speech.setVisible(bool(speech.action))
        self.look_again.setVisible(bool(problem) and not speech.missing and not live and not recorded)

    def show_devices(self) -> None:
        """List the microphones; why there is none when there is none."""
        microphone = self._microphone
        self.microphones.clear()
        for device in microphone.devices:
            self.microphones.addItem(as_shown(device.name), device.id)
        if not microphone.devices:
            self.microphones.addItem(_("No microphone"), "")
        self.microphones.setEnabled(bool(microphone.devices))
        self.microphones.setCurrentIndex(max(0, self.microphones.findData(microphone.chosen)))
        self.microphones.setToolTip(plain_tip(microphone.problem))
        self._show_microphone(microphone.state)

    def show_galleries(self, names: Sequence[str], current: str) -> None:
        """List the galleries."""
        self.galleries.clear()
        self.galleries.addItems(list(names))
        self.galleries.setCurrentIndex(self.galleries.findText(current))
        self.galleries.setEnabled(bool(names))

    # ---- transcript and message

    def _show_transcript(self, state: SearchState) -> None:
        """Show the transcript; below it the original of a translation, whether it is in doubt, and notes."""
        main = state.query.main
        text = main.text if main is not None and not state.recording else ""
        if state.partial and not text:
            self.transcript.show_partial(state.partial, state.sure)
            for part in (self.language, self.original):
                part.hide()
            return
        transcript = main.transcript if text and main is not None and not main.edited else None
        words = transcript.words if transcript is not None and not transcript.original else ()
        self.transcript.show_words(text, words)
        language = transcript.language if transcript is not None else ""
        below = []
        if transcript is not None:
            below = [_("Said: “{original}”").format(original=transcript.original)] if transcript.original else []
            below += [wording.DOUBTFUL] if transcript.doubtful else []
            below += transcript.notes
        self.language.setText(language_name(language) if language else "")
        self.language.setVisible(bool(language))
        self.language.setFixedHeight(max(20, self.language.fontMetrics().height() + 6))  # its corners need a height
        self.language.setToolTip(_("Translated to English for the search") if transcript and transcript.original
                                 else "")
        self.original.setText("\n".join(below))
        self.original.setVisible(bool(below))

    def _show_message(self, message: Message) -> None:
        self._message = message
        look(self.message, message.kind)
        self.message.setText(message.text)
        self.message.setVisible(bool(message.text))
        widest = self.message.fontMetrics().horizontalAdvance(message.text) + 6  # the action stands beside the text
        self.message.setMaximumWidth(widest)
        self.action.setText(message.action)
        self.action.setVisible(bool(message.action))

    def _act(self) -> None:
        if self._message.act is not None:
            self._message.act()
