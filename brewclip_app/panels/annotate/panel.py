"""Annotate: describe the pictures of a gallery by voice, correct the transcripts, review them, export a dataset."""

from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from brewclip_app import tasks
from brewclip_app.capture.file_intake import Intake
from brewclip_app.capture.push_to_talk import PushToTalk
from brewclip_app.localisation import _, localised
from brewclip_app.panels.annotate.controller import AnnotateController
from brewclip_app.panels.annotate.describe_page import DescribePage
from brewclip_app.panels.annotate.empty_pages import NoGalleryPage, QueueEndPage
from brewclip_app.panels.annotate.exchange import Exchange, ExchangeBar
from brewclip_app.panels.annotate.header import EDIT, NEW, AnnotateHeader
from brewclip_app.panels.annotate.recording_control import RecordingControl
from brewclip_app.panels.annotate.review_page import ReviewPage
from brewclip_app.panels.annotate.speaker_dialog import SpeakerDialog
from brewclip_app.panels.annotate.state import AnnotateState
from brewclip_app.panels.annotate.take_player import Playback, TakePlayer
from brewclip_app.panels.base import Panel
from brewclip_app.shortcuts import add_shortcut
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import column
from brewclip_app.widgets.file_dialogs import ask_picture_folder
from brewclip_app.widgets.reading_page import ReadingPage
from brewclip_app.widgets.splitters import restore_sizes
from core.progress import JobCancelled, Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.audio import Waveform

SAVED = _("Every take is saved before the next picture appears")
KEYS = [("Space", _("Record: hold and describe, or press once to start and again to stop")),
        ("Enter", _("Accept and continue, even before the transcript; in the review: confirm late transcripts")),
        ("Ctrl+Enter", _("Accept and describe the same picture again")), ("R", _("Record again")),
        ("E", _("Edit the caption")), ("P", _("Play or stop")), ("S", _("Skip the picture")),
        ("Left", _("Previous picture")),
        ("Right", _("Next picture")), ("Delete", _("Move the recording to the bin")), ("Ctrl+Z", _("Undo")),
        (_("Ctrl+Shift+Z Ctrl+Y"), _("Redo")), ("Esc", _("Cancel recording; stop playing; close the review")),
        ("Ctrl+R", _("Review")), ("A", _("In the review: accept")), ("X", _("In the review: reject")),
        ("Ctrl+N", _("New speaker")), ("Ctrl+O", _("Use a recording from a file")), ("Ctrl+I", _("Import a dataset")),
        ("Ctrl+E", _("Export"))]


class AnnotatePanel(Panel):
    """View of the controller's state."""

    key: ClassVar[str] = "annotate"
    title: ClassVar[str] = _("Annotate")
    icon: ClassVar[str] = "annotate"

    def __init__(self, context: "Context", voice: PushToTalk | None = None) -> None:
        super().__init__(context)
        self.thumbnails = Thumbnails(context.home.caches / "thumbnails", self)
        self.voice = voice or PushToTalk(context, self)
        self.controller = AnnotateController(context, self)
        self.player = TakePlayer(context, self.voice.player, self)
        self.exchange, self.bar = Exchange(context, self), ExchangeBar(context)
        self.header = AnnotateHeader()
        self.page = DescribePage(self.voice.microphone, self.thumbnails, self.player.toggle)
        self.recording = RecordingControl(self, self.voice, self.controller, self.page, self.player, self.ask_speaker,
                                          self._accept)
        self.intake = Intake(context, self, recording=lambda waveform, sign: self._choose_file(waveform),
                             problem=lambda reason: self.page.message.show_text(reason, "care"))
        self.review = ReviewPage(self.controller, self.player, self.thumbnails)
        self.end, self.none = QueueEndPage(), NoGalleryPage()
        self.reading = ReadingPage("annotate", _("the gallery"), self.controller.reopen)
        self.pages = QStackedWidget()
        for page in (self.reading, self.none, self.page, self.end, self.review):
            self.pages.addWidget(page)
        box = column(self.header, self.bar, self.pages, space=12)
        box.setContentsMargins(20, 16, 20, 10)
        box.setStretch(2, 1)
        self.setLayout(box)
        self._connect_controllers()
        self._connect_header()
        self._connect_pages()
        self._make_shortcuts()

    # ---- wiring

    def _connect_controllers(self) -> None:
        context, controller = self.context, self.controller
        controller.changed.connect(self.show_state)
        controller.failed.connect(self.failed)
        controller.failed.connect(lambda error, _unused: self.reading.show_problem(localised(error)))
        for page in (self.page, self.end, self.review):
            controller.message.connect(page.message.show_text)
        self.player.changed.connect(self._show_playback)
        self.exchange.finished.connect(self.bar.show_result)
        self.exchange.failed.connect(lambda error: self.failed.emit(error, ""))
        context.gallery_changed.connect(lambda _unused: controller.reopen())
        context.galleries_changed.connect(controller.reopen)

    def _connect_header(self) -> None:
        header = self.header
        header.galleries.activated.connect(lambda at: self._choose_gallery(header.galleries.itemText(at)))
        header.queues.activated.connect(lambda at: self.choose_queue(header.queues.itemData(at)))
        header.speakers.activated.connect(lambda at: self._choose_speaker(header.speakers.itemData(at)))
        header.review.clicked.connect(self._show_review)
        header.bring_in.clicked.connect(self._import)
        header.export.clicked.connect(self._export)

    def _connect_pages(self) -> None:
        page, end, indexing = self.page, self.end, self.context.indexing
        page.strip.clicked.connect(lambda index: self._go(index.row()))
        page.caption.text.accepted.connect(self._accept)
        page.caption.text.left.connect(self.setFocus)
        page.recording.play.clicked.connect(lambda: self.player.toggle(self.controller.state.current_take))
        page.recording.waveform.sought.connect(self.player.seek)
        end.all.clicked.connect(lambda: self.choose_queue("all:"))
        end.first.clicked.connect(lambda: self.controller.go(self.controller.state.first_left or 0))
        end.review.clicked.connect(lambda: self._show_review(True))
        end.export.clicked.connect(self._export)
        self.none.folder.clicked.connect(lambda: ask_picture_folder(self, indexing.add_folder))
        self.none.demo.clicked.connect(indexing.make_demo)

    def _make_shortcuts(self) -> None:
        for keys, action in (("Ctrl+Z", self._undo), ("Ctrl+Shift+Z", self._redo), ("Ctrl+Y", self._redo),
                             ("Ctrl+R", lambda: self._show_review(not self.controller.state.reviewing)),
                             ("Ctrl+N", self.ask_speaker), ("Ctrl+O", self._open_file), ("Ctrl+I", self._import),
                             ("Ctrl+E", self._export), ("Ctrl+Return", lambda: self._accept(stay=True)),
                             ("Ctrl+Enter", lambda: self._accept(stay=True))):
            add_shortcut(self, keys, action)

    # ---- the panel's life

    def activated(self) -> None:
        self.status_changed.emit(SAVED)
        self.controller.reopen()
        tasks.start(self._load_recogniser())
        self.recording.activate()

    async def _load_recogniser(self) -> None:
        def load(report: Report) -> None:
            self.context.explorer.recogniser(report)

        try:
            await self.context.jobs.run(_("Loading the speech model"), load, key="annotate-preload", quiet=True)
        except JobCancelled:
            raise
        except Exception as error:
            self.page.message.show_text(localised(error), "care")

    def deactivated(self) -> None:
        self._save_typed()
        self.recording.deactivate()

    def closing(self) -> None:
        self._save_typed()
        self.controller.finish()
        self.voice.close()
        self.thumbnails.close()

    def receive(self, payload: object) -> None:
        """Open a queue, given as its specification: "failures:7" (see `core.annotation.queues`)."""
        if isinstance(payload, str) and ":" in payload:
            self.choose_queue(payload)

    def shortcuts(self) -> list[tuple[str, str]]:
        return list(KEYS)

    def save_state(self) -> dict[str, Any]:
        return {"split": self.page.split.sizes(), "review": self.review.split.sizes(),
                "microphone": self.voice.microphone.chosen, "keep_ready": self.page.recording.keep_ready.isChecked()}

    def restore_state(self, state: dict[str, Any]) -> None:
        for key, split in (("split", self.page.split), ("review", self.review.split)):
            restore_sizes(split, state.get(key))
        self.voice.microphone.choose(str(state.get("microphone", "")))
        self.page.recording.keep_ready.setChecked(bool(state.get("keep_ready", True)))

    # ---- rendering

    def show_state(self, state: AnnotateState) -> None:
        """Show a state of the controller."""
        self.header.show_state(state)
        self.page.show_state(state)
        self.end.show_state(state)
        if state.gallery is None:
            page: QWidget = self.none
        elif state.reviewing:
            page = self.review
        else:
            page = self.end if state.image is None else self.page
        self.pages.setCurrentWidget(page)
        if page is self.review:
            self.review.show_state(state)
        self.recording.update_microphone()
        self.recording.show_take()

    def _show_playback(self, playback: Playback) -> None:
        if playback.problem:
            self.page.message.show_text(playback.problem, "care")
        if self.pages.currentWidget() is self.review:
            self.review.show_playback(playback)
            return
        take, card = self.controller.state.current_take, self.page.recording
        if take is not None and playback.take is not None and playback.take.id == take.id:
            card.show_take(playback.waveform, take.warning)
        card.show_playing(take is not None and playback.playing == take.id, playback.seconds)

    @property
    def _describing(self) -> bool:
        return self.pages.currentWidget() is self.page

    # ---- choices in the header

    def _choose_gallery(self, name: str) -> None:
        self._save_typed()
        self.context.set_gallery(name)
        self.setFocus()

    def choose_queue(self, spec: str) -> None:
        """Open another queue of the gallery."""
        self._save_typed()
        self.controller.open(spec)
        self.setFocus()

    def _choose_speaker(self, speaker_id: int) -> None:
        if speaker_id in (NEW, EDIT):
            self.ask_speaker(edit=speaker_id == EDIT)
        elif speaker_id:
            self._save_typed()
            self.controller.choose_speaker(speaker_id)
            self.setFocus()

    def ask_speaker(self, edit: bool = False) -> SpeakerDialog:
        """Ask for a new profile, or for changes of the current one."""
        self._save_typed()
        state = self.controller.state
        speaker = state.speaker if edit else None
        dialog = SpeakerDialog(self, lambda *profile: self.controller.save_speaker(speaker, *profile),
                               frozenset(profile.name for profile in state.speakers), speaker)
        dialog.finished.connect(lambda _unused: self.header.show_speakers(self.controller.state))
        dialog.open()
        return dialog

    def _show_review(self, reviewing: bool) -> None:
        self._save_typed()
        self.recording.stop()
        self.review.message.show_text("")
        self.controller.show_review(reviewing)
        (self.review.table if reviewing else self).setFocus()

    def _import(self) -> None:
        if self.controller.state.gallery is not None:
            self.exchange.ask_import(self.controller.state.gallery.name)

    def _export(self) -> None:
        self._save_typed()
        if self.controller.state.gallery is not None:
            self.exchange.ask_export(self.controller.state.gallery.name)

    # ---- keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if self.recording.space.is_it(event) and self._describing:
            self.recording.space.down(event)
        elif key == Qt.Key.Key_Escape:
            if not self.recording.stop() and self.controller.state.reviewing:
                self._show_review(False)
            self.recording.show_take()
        elif self._describing and not event.isAutoRepeat() and self._handle_key(key):
            return
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and self._describing and not self.recording.busy:
            self._go(self.controller.state.row + (1 if key == Qt.Key.Key_Right else -1))
        else:
            super().keyPressEvent(event)

    def _handle_key(self, key: Qt.Key) -> bool:
        """Handle a key of the page; whether it is one. While a recording ends, only Enter is."""
        if self.recording.busy:
            return key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.recording.confirm_when_saved()
        keys = {Qt.Key.Key_Return: self._accept, Qt.Key.Key_Enter: self._accept, Qt.Key.Key_S: self._skip,
                Qt.Key.Key_R: lambda: self.recording.press(again=True), Qt.Key.Key_E: self._edit,
                Qt.Key.Key_F2: self._edit, Qt.Key.Key_Delete: self._delete,
                Qt.Key.Key_P: lambda: self.player.toggle(self.controller.state.current_take)}
        if key in keys:
            keys[key]()
        return key in keys

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not self.recording.space.up(event):
            super().keyReleaseEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.ActivationChange:
            if not self.isActiveWindow():
                self.recording.space.free()
            self.recording.update_microphone()
        super().changeEvent(event)

    # ---- actions on the picture in front

    def _accept(self, text: str | None = None, stay: bool = False) -> None:
        if self._describing and not self.recording.busy:
            self.page.message.show_text("")
            self.setFocus()
            self.controller.confirm(self.page.caption.text.text() if text is None else text, stay)

    def _open_file(self) -> None:
        if self._describing and self.controller.state.speaker is None:
            self.ask_speaker()
        elif self._describing and not self.recording.busy:
            self.intake.choose_recording()

    def _choose_file(self, waveform: "Waveform") -> None:
        if not self.recording.busy and self.controller.aim():
            self.controller.record(waveform)

    def _skip(self) -> None:
        self.page.message.show_text("")
        self._save_typed()
        self.controller.skip()

    def _go(self, row: int) -> None:
        if not self.recording.busy:
            self.page.message.show_text("")
            self._save_typed()
            self.controller.go(row)

    def _edit(self) -> None:
        self.page.caption.text.setFocus()
        self.page.caption.text.selectAll()

    def _delete(self) -> None:
        state = self.controller.state
        if state.unsaved is not None:
            self.controller.discard()
        elif state.current_take is not None:
            self.controller.move_to_bin([state.current_take])

    def _undo(self) -> None:
        if not self.recording.busy:
            self.page.message.show_text("")
            self.controller.undo()

    def _redo(self) -> None:
        if not self.recording.busy:
            self.page.message.show_text("")
            self.controller.redo()

    def _save_typed(self) -> None:
        """Save a caption that was typed and not confirmed, before another picture shows."""
        text = self.page.caption.text
        if text.edited:
            self.controller.save_typed(text.text())
