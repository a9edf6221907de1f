"""Annotate: describe the pictures of a gallery by voice, correct what was heard, review it, make a dataset of it."""

from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QStackedWidget, QWidget

from brewclip_app import wording
from brewclip_app.capture.file_intake import Intake
from brewclip_app.capture.push_to_talk import PushToTalk
from brewclip_app.panels.annotate.desk import AnnotatePage
from brewclip_app.panels.annotate.exchange import Exchange, ExchangeBar
from brewclip_app.panels.annotate.header import AnnotateHeader
from brewclip_app.panels.annotate.listen import TakePlayer
from brewclip_app.panels.annotate.pages import Done, NoGallery
from brewclip_app.panels.annotate.review import Review
from brewclip_app.panels.annotate.session import AnnotateSession
from brewclip_app.panels.annotate.speaker import SpeakerDialog, Speakers
from brewclip_app.panels.annotate.steps import Steps
from brewclip_app.panels.annotate.talk import RecordingControl
from brewclip_app.panels.base import Panel
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import column
from brewclip_app.widgets.dialogs import confirm
from core.progress import Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.audio import Waveform
    from core.store.records import TakeRecord

SAVED = "Every take is saved before the next picture shows"
KEYS = [("Space", "Record: hold and describe, or tap, speak, tap again"),
        ("Enter", "Accept and go on, also before the words are there; in the review: confirm words that came later"),
        ("Ctrl+Enter", "Accept, and describe the same picture once more"), ("R", "Say it again"),
        ("E", "Edit the words"), ("P", "Listen"), ("S", "Skip the picture"), ("Left", "The picture before"),
        ("Right", "The next picture"), ("Delete", "Throw the recording away"), ("Ctrl+Z", "Undo"),
        ("Ctrl+Shift+Z Ctrl+Y", "Redo"),
        ("Esc", "Forget what is being recorded; stop playing; leave the review"), ("Ctrl+R", "Review"),
        ("A", "In the review: accept"), ("X", "In the review: reject"), ("Ctrl+N", "Another speaker"),
        ("Ctrl+O", "Take a recording from a file"),
        ("Ctrl+I", "Bring a dataset in"), ("Ctrl+E", "Export")]


class AnnotatePanel(Panel):
    """Ties the parts together; the session has the state."""

    key: ClassVar[str] = "annotate"
    title: ClassVar[str] = "Annotate"
    icon: ClassVar[str] = "annotate"

    def __init__(self, context: "Context", voice: PushToTalk | None = None) -> None:
        super().__init__(context)
        self.thumbnails = Thumbnails(context.home.caches / "thumbnails", self)
        self.voice = voice or PushToTalk(context, self)
        self.session = AnnotateSession(context, self)
        self.steps = Steps(self.session)
        self.listener = TakePlayer(context, self.voice.player, self)
        self.exchange, self.bar = Exchange(context, self), ExchangeBar(context)
        self.header = AnnotateHeader()
        self.desk = AnnotatePage(self.voice.microphone, self.thumbnails)
        self.talk = RecordingControl(self, self.voice, self.session, self.desk, self.listener)
        self.speakers = Speakers(context, self.session, self)
        self.intake = Intake(context, self)
        self.review = Review(context, self.session, self.thumbnails)
        self.done, self.none, self.waiting = Done(), NoGallery(), QWidget()
        self.pages = QStackedWidget()
        self._lay_out()
        for connect in (self._connect_session, self._connect_voice, self._connect_header, self._connect_pages,
                        self._make_shortcuts):
            connect()

    def _lay_out(self) -> None:
        for page in (self.waiting, self.none, self.desk, self.done, self.review):
            self.pages.addWidget(page)
        box = column(self.header, self.bar, self.pages, space=12)
        box.setContentsMargins(20, 16, 20, 10)
        box.setStretch(2, 1)
        self.setLayout(box)

    # ---- wiring

    def _connect_session(self) -> None:
        session, context = self.session, self.context
        session.opened.connect(self._show_gallery)
        session.moved.connect(self._show_place)
        session.changed.connect(self._show_takes)
        for place in (self.desk, self.done, self.review):
            session.said.connect(place.say)
        session.failed.connect(self.failed)
        context.gallery_changed.connect(lambda _: self._reopen())
        context.galleries_changed.connect(self._reopen)

    def _connect_voice(self) -> None:
        card, listener = self.desk.voice, self.listener
        card.play_wanted.connect(lambda: listener.turn(self.session.current()))
        card.waveform.sought.connect(listener.seek)
        self.talk.speaker_wanted.connect(self.ask_speaker)
        self.talk.confirmed.connect(self._accept)
        self.intake.voice.connect(lambda waveform, sign: self._take_file(waveform))
        self.intake.problem.connect(lambda why: self.desk.say(why, "care"))
        listener.shown.connect(self._show_voice)
        listener.playing.connect(self._show_playing)
        listener.moved.connect(self._show_cursor)
        listener.failed.connect(self._cannot_play)

    def _connect_header(self) -> None:
        header = self.header
        header.gallery_chosen.connect(self._choose_gallery)
        header.queue_chosen.connect(self._choose_queue)
        header.speaker_chosen.connect(self._choose_speaker)
        header.speaker_wanted.connect(self.ask_speaker)
        header.review_turned.connect(self._turn_review)
        header.import_wanted.connect(self._import)
        header.export_wanted.connect(self._export)

    def _connect_pages(self) -> None:
        desk, done, review, indexing = self.desk, self.done, self.review, self.context.indexing
        desk.chosen.connect(self._go)
        desk.heard.confirmed.connect(lambda text: self._accept(text))
        desk.heard.left.connect(self.setFocus)
        desk.said.play_wanted.connect(self.listener.turn)
        done.all_wanted.connect(lambda: self._choose_queue("all:"))
        done.first_wanted.connect(self._first_left)
        done.review_wanted.connect(lambda: self.header.review.setChecked(True))
        done.export_wanted.connect(self._export)
        self.none.folder_wanted.connect(lambda: indexing.choose_folder(self))
        self.none.demo_wanted.connect(indexing.make_demo)
        review.play_wanted.connect(self.listener.turn)
        review.shown.connect(self._show_reviewed)
        review.left.connect(lambda: self.header.review.setChecked(False))
        review.erase.clicked.connect(self._ask_erase)
        self.exchange.said.connect(self.bar.say)
        self.exchange.failed.connect(lambda error: self.failed.emit(error, ""))
        self.exchange.imported.connect(lambda gallery: self._reopen())

    def _make_shortcuts(self) -> None:
        for keys, do in (("Ctrl+Z", self._undo), ("Ctrl+Shift+Z", self._redo), ("Ctrl+Y", self._redo),
                         ("Ctrl+R", self.header.review.toggle), ("Ctrl+N", self.ask_speaker),
                         ("Ctrl+O", self._open_file), ("Ctrl+I", self._import), ("Ctrl+E", self._export),
                         ("Ctrl+Return", lambda: self._accept(stay=True)),
                         ("Ctrl+Enter", lambda: self._accept(stay=True))):
            QShortcut(QKeySequence(keys), self, do, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)

    # ---- the panel's life

    def activated(self) -> None:
        self.status_changed.emit(SAVED)
        self._reopen()
        self.context.jobs.submit("Loading the model that hears", self._preload, key="annotate-preload", quiet=True,
                                 on_failed=lambda error: self.desk.say(str(error), "care"))
        self.talk.come()

    def _preload(self, report: Report) -> None:
        self.context.explorer.recogniser(report)

    def deactivated(self) -> None:
        self._keep_words()
        self.talk.leave()

    def closing(self) -> None:
        self._keep_words()
        self.session.finish()
        self.voice.close()
        self.thumbnails.close()

    def receive(self, payload: object) -> None:
        """A queue, written as `core.annotation.queues` does: "failures:7"."""
        if isinstance(payload, str) and ":" in payload:
            self._choose_queue(payload)

    def shortcuts(self) -> list[tuple[str, str]]:
        return list(KEYS)

    def save_state(self) -> dict[str, Any]:
        return {"split": self.desk.split.sizes(), "review": self.review.split.sizes(),
                "microphone": self.voice.microphone.chosen, "keep_ready": self.desk.voice.keep_ready}

    def restore_state(self, state: dict[str, Any]) -> None:
        for key, split in (("split", self.desk.split), ("review", self.review.split)):
            sizes = state.get(key)
            if isinstance(sizes, list) and len(sizes) == 2:
                split.setSizes([int(size) for size in sizes])
        self.voice.microphone.choose(str(state.get("microphone", "")))
        self.desk.voice.keep_ready = bool(state.get("keep_ready", True))

    # ---- what is shown

    def _reopen(self) -> None:
        """Read anew what there is; the queue stays as long as the gallery does."""
        view = self.session.view
        same = view.queue is not None and view.gallery is not None and view.gallery.name == self.context.gallery
        self.session.open(view.queue.spec if view.queue is not None and same else "")

    def _show_gallery(self) -> None:
        view = self.session.view
        if view.gallery is not None and self.context.gallery not in view.names:
            self.context.set_gallery(view.gallery.name)
        self.header.show_session(self.session)
        self.desk.show_queue(self.session)

    def _show_place(self) -> None:
        self._show_page()
        self.desk.show_place(self.session)
        self._show_takes()

    def _show_page(self) -> None:
        if self.session.view.gallery is None:
            page: QWidget = self.none
        elif self.header.review.isChecked():
            page = self.review
        else:
            page = self.done if self.session.image is None else self.desk
        self.pages.setCurrentWidget(page)
        self.talk.settle()

    def _show_takes(self) -> None:
        self.header.show_progress(self.session)
        self.desk.show_takes(self.session)
        self.done.show_session(self.session)
        self.talk.show()

    def _show_voice(self, take: "TakeRecord", waveform: "Waveform") -> None:
        reviewed, current = self.review.current(), self.session.current()
        if self._reviewing():
            if reviewed is not None and reviewed.id == take.id:
                self.review.detail.show_waveform(waveform)
        elif current is not None and current.id == take.id:
            self.desk.voice.show_take(waveform, take.warning)

    def _show_reviewed(self, take: "TakeRecord") -> None:
        if self._reviewing():
            self.listener.stop()
            self.listener.show(take)

    def _show_playing(self, take_id: int) -> None:
        current, reviewed = self.session.current(), self.review.current()
        self.desk.voice.show_playing(bool(take_id) and current is not None and current.id == take_id)
        self.review.detail.show_playing(bool(take_id) and reviewed is not None and reviewed.id == take_id)

    def _show_cursor(self, seconds: float) -> None:
        shown = self.review.current() if self._reviewing() else self.session.current()
        if shown is not None and shown.id == self.listener.plays:
            (self.review.detail.waveform if self._reviewing() else self.desk.voice.waveform).set_cursor(seconds)

    def _reviewing(self) -> bool:
        return self.pages.currentWidget() is self.review

    def _describing(self) -> bool:
        return self.pages.currentWidget() is self.desk

    # ---- choices

    def _choose_gallery(self, name: str) -> None:
        self._keep_words()
        self.context.set_gallery(name)
        self.setFocus()

    def _choose_queue(self, spec: str) -> None:
        self._keep_words()
        self.session.open(spec)
        self.setFocus()

    def _choose_speaker(self, speaker_id: int) -> None:
        self._keep_words()
        self.session.choose_speaker(speaker_id)
        self.setFocus()

    def ask_speaker(self, edit: bool = False) -> SpeakerDialog:
        """Ask for a new profile, or for changes of the present one."""
        self._keep_words()
        dialog = self.speakers.ask(edit)
        dialog.finished.connect(lambda _: self.header.show_session(self.session))
        return dialog

    def _turn_review(self, on: bool) -> None:
        self._keep_words()
        self.talk.silence()
        self._show_page()
        if on:
            self.review.open()
        else:
            self.setFocus()
            self._show_takes()

    def _first_left(self) -> None:
        done = self.session.done()
        row = next((row for row, image in enumerate(self.session.view.images) if image.id not in done), None)
        if row is not None:
            self.session.go(row)

    def _import(self) -> None:
        if self.session.view.gallery is not None:
            self.exchange.ask_import(self.session.view.gallery.name)

    def _export(self) -> None:
        self._keep_words()
        if self.session.view.gallery is not None:
            self.exchange.ask_export(self.session.view.gallery.name)

    def _ask_erase(self) -> None:
        number = len(self.review.model.takes())
        confirm(self, "Delete for good?", f"{wording.count(number)} recordings in the bin and their words are deleted "
                "from this computer. Recordings of imported datasets stay where they are.", "Delete",
                lambda: self.review.erase_all(lambda gone: self.desk.say(f"{wording.count(gone)} deleted.")))

    # ---- voice

    def _cannot_play(self, why: str) -> None:
        self._show_playing(0)
        self.desk.say(why, "care")

    # ---- keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if self.talk.space.is_it(event) and self._describing():
            self.talk.space.down(event)
        elif key == Qt.Key.Key_Escape:
            self._escape()
        elif self._describing() and not event.isAutoRepeat() and self._take_key(key):
            return
        elif key not in (Qt.Key.Key_Left, Qt.Key.Key_Right) or not self._walk(key):
            super().keyPressEvent(event)

    def _take_key(self, key: Qt.Key) -> bool:
        """The keys of the desk: whether it was one of them. While a recording ends, Enter alone is."""
        if self.talk.busy:
            return key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.talk.confirm_later()
        do = {Qt.Key.Key_Return: self._accept, Qt.Key.Key_Enter: self._accept, Qt.Key.Key_S: self._skip,
              Qt.Key.Key_R: lambda: self.talk.press(again=True), Qt.Key.Key_E: self._edit, Qt.Key.Key_F2: self._edit,
              Qt.Key.Key_P: lambda: self.listener.turn(self.session.current()),
              Qt.Key.Key_Delete: self._throw_away}.get(key)
        if do is not None:
            do()
        return do is not None

    def _walk(self, key: Qt.Key) -> bool:
        if not self._describing() or self.talk.busy:
            return False
        self._go(self.session.row + (1 if key == Qt.Key.Key_Right else -1))
        return True

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not self.talk.space.up(event):
            super().keyReleaseEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.ActivationChange:
            if not self.isActiveWindow():
                self.talk.space.free()
            self.talk.settle()
        super().changeEvent(event)

    def _escape(self) -> None:
        if not self.talk.silence() and self._reviewing():
            self.header.review.setChecked(False)
        self.talk.show()

    # ---- steps

    def _accept(self, text: str | None = None, stay: bool = False) -> None:
        if not self._describing() or self.talk.busy:
            return
        self.desk.say("")
        self.setFocus()
        self.session.confirm(self.desk.heard.text.text() if text is None else text, stay)

    def _open_file(self) -> None:
        if self._describing() and self.session.speaker is None:
            self.ask_speaker()
        elif self._describing() and not self.talk.busy:
            self.intake.choose_recording()

    def _take_file(self, waveform: "Waveform") -> None:
        if not self.talk.busy and self.session.aim():
            self.session.record(waveform, "")

    def _skip(self) -> None:
        self.desk.say("")
        self._keep_words()
        self.session.skip()

    def _go(self, row: int) -> None:
        if self.talk.busy:
            return
        self.desk.say("")
        self._keep_words()
        self.session.go(row)

    def _edit(self) -> None:
        self.desk.heard.text.setFocus()
        self.desk.heard.text.selectAll()

    def _throw_away(self) -> None:
        take = self.session.current()
        if self.session.unkept is not None:
            self.session.forget()
        elif take is not None:
            self.session.throw_away([take])

    def _undo(self) -> None:
        if not self.talk.busy:
            self.desk.say("")
            self.steps.undo()

    def _redo(self) -> None:
        if not self.talk.busy:
            self.desk.say("")
            self.steps.redo()

    def _keep_words(self) -> None:
        """Words that were typed and not confirmed go with their take before another picture shows."""
        text = self.desk.heard.text
        if text.edited:
            self.session.keep_words(text.text())
