"""The Search panel: say, type or show what you look for, and see the pictures."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QWidget

from brewclip_app.capture.file_intake import Intake
from brewclip_app.capture.held_key import GRACE, HeldKey
from brewclip_app.capture.push_to_talk import PushToTalk
from brewclip_app.panels.base import Asked, Inspection, Panel, Question
from brewclip_app.panels.search.actions import HitActions
from brewclip_app.panels.search.conductor import WHISPER, Conductor
from brewclip_app.panels.search.flow import KEY as SEARCH_JOB
from brewclip_app.panels.search.flow import GalleryView, SearchFlow
from brewclip_app.panels.search.header import QueryHeader
from brewclip_app.panels.search.history import PastQueries
from brewclip_app.panels.search.place import SearchPlace
from brewclip_app.panels.search.query import Query, from_history, is_spoken, to_history
from brewclip_app.panels.search.results import EDGE, ZOOM_STEP, SearchResults
from brewclip_app.panels.search.session import SearchSession
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import column
from core.search.terms import QueryTerm
from core.settings import BY_KEY

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.audio import Waveform
    from core.search.queries import Hit
    from core.store.records import ImageRecord

WATCH_AFTER_MS = 300  # after the first paint: looking for microphones loads QtMultimedia
CARD_WIDTH = "appearance.card_width"
MODEL_SETTINGS = ("vision.backbone", "vision.model", "vision.crop", "device", "weights.folder")
KEYS = [("Space", "Record: hold and speak, or tap, speak, tap again"), ("Esc", "Stop recording, playing or searching"),
        ("Enter", "Search with the edited words; open the chosen picture"), ("Ctrl+L", "Edit or type the words"),
        ("Ctrl+N", "New search"),
        ("Ctrl+F", "Filter"), ("Ctrl+O", "Open a recording"), ("Ctrl+H", "History"), ("Ctrl+Z", "The query before"),
        ("Arrows", "Walk the pictures"), ("Ctrl+wheel", "Size of the pictures"), ("Ctrl+C", "Copy the paths"),
        ("I", "Why this picture? Take the result apart")]


class SearchPanel(Panel):
    """Wires voice, session, flow and widgets together; takes keys and drops."""

    key = "search"
    title = "Search"
    icon = "microphone"
    own_jobs = (SEARCH_JOB,)

    def __init__(self, context: "Context", voice: PushToTalk | None = None) -> None:
        super().__init__(context)
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._front = False
        self._voice_sign = 0
        self._loading = ""
        self._models = self._model_settings()
        self._waiting: Question | None = None  # asked before the galleries were read
        self._ask_restored = False  # the query of the last start is to be searched
        self.thumbnails = Thumbnails(context.home.caches / "thumbnails", self)
        self.voice = voice or PushToTalk(context, self)
        self.space = HeldKey(self)
        self.space.pressed.connect(self._press)
        self.space.let_go.connect(lambda: self.voice.release(GRACE))
        self.session = SearchSession(self)
        self.flow = SearchFlow(context, self)
        self.header = QueryHeader(self.voice.microphone)
        self.results = SearchResults(self.thumbnails)
        self.place = SearchPlace(context, self.header, self.results, self._main())
        self.conductor = Conductor(context, self.session, self.flow, self.header, self.results, self.thumbnails)
        self.hit_actions = HitActions(context, self)
        self.past = PastQueries(context, self)
        self.intake = Intake(context, self)
        self.setLayout(column(self.place.pages))
        for connect in (self._connect_voice, self._connect_query, self._connect_results, self._connect_context,
                        self._make_shortcuts):
            connect()
        self.results.grid.set_card_width(int(context.settings[CARD_WIDTH]))

    def _main(self) -> QWidget:
        above = column(self.header)
        above.setContentsMargins(EDGE, 16, EDGE, 0)
        whole = column(above, self.results, space=12)
        whole.setStretch(1, 1)
        main = QWidget()
        main.setLayout(whole)
        return main

    # ---- wiring

    def _connect_voice(self) -> None:
        voice, header = self.voice, self.header
        header.record.pressed_down.connect(self._press)
        header.record.let_go.connect(lambda: voice.release())
        header.keep_ready_changed.connect(lambda _: self._settle_microphone())
        header.recording_wanted.connect(self.intake.choose_recording)
        header.play_wanted.connect(self._turn_play)
        header.voice_dropped.connect(self.session.drop_voice)
        header.new_wanted.connect(self._begin_anew)
        header.waveform.sought.connect(lambda seconds: self._play(self.conductor.utterance, seconds))
        voice.spoken.connect(self._take_voice)
        voice.problem.connect(self._voice_failed)
        voice.started.connect(self._voice_started)
        voice.player.moved.connect(header.waveform.set_cursor)
        voice.player.finished.connect(lambda: header.show_playing(False))
        voice.player.failed.connect(self._cannot_play)

    def _connect_query(self) -> None:
        chips, session, conductor, intake = self.results.chips, self.session, self.conductor, self.intake
        self.header.transcript.accepted.connect(self._type)
        self.header.transcript.left.connect(self._leave_words)
        chips.flipped.connect(lambda at: conductor.change(at, lambda term: term.flipped()))
        chips.stepped.connect(lambda at, steps: conductor.change(at, lambda term: term.stepped(steps)))
        chips.weighed.connect(lambda at, size: conductor.change(at, lambda term: term.weighing(size)))
        chips.removed.connect(lambda at: session.change(at, None))
        chips.words_added.connect(self._add_words)
        chips.picture_wanted.connect(intake.choose_picture)
        chips.recording_wanted.connect(intake.choose_recording)
        chips.voice_wanted.connect(self._speak_extra)
        intake.voice.connect(conductor.hear)
        intake.picture.connect(lambda path, sign: session.add_picture(path, sign=sign))
        intake.words.connect(session.type_main)
        intake.folder.connect(self._offer_folder)
        intake.problem.connect(lambda text: self.header.say(text, "care"))
        conductor.said.connect(self._tell_status)
        self.flow.found.connect(self._focus_hits)
        conductor.failed.connect(self.failed)
        conductor.play_wanted.connect(self._play)
        conductor.index_wanted.connect(lambda: self.context.indexing.start(self.context.gallery))
        session.emptied.connect(self.place.show_notice)

    def _connect_results(self) -> None:
        results, acts = self.results, self.hit_actions
        results.grid.opened.connect(acts.open)
        results.grid.menu_wanted.connect(self._open_menu)
        results.detail.opened.connect(acts.open)
        results.detail.folder_wanted.connect(lambda hit: acts.show_in_folder(hit.image))
        results.detail.copies_wanted.connect(acts.list_copies)
        results.selection.more_wanted.connect(lambda hits: self.session.more_like(*hits))
        results.selection.add_wanted.connect(self.session.add_hits)
        results.selection.paths_wanted.connect(acts.copy_paths)
        results.selection.files_wanted.connect(acts.choose_target)
        results.selection.tag_wanted.connect(acts.ask_tag)
        results.detail.more_wanted.connect(self.session.more_like)
        results.detail.why_wanted.connect(self._why)
        results.zoomed.connect(self._zoom)
        results.history.clicked.connect(lambda: self.past.open_under(results.history))
        results.progress.cancelled.connect(self.flow.cancel)
        acts.more_wanted.connect(self.session.more_like)
        acts.examples_wanted.connect(lambda hits: self.session.more_like(*hits))
        acts.examples_added.connect(self.session.add_hits)
        acts.copies_as_hits_wanted.connect(lambda: self.conductor.show_copies(True))
        acts.why_wanted.connect(self._why)
        acts.add_wanted.connect(lambda hit, sign: self.session.add_picture(hit.image.path, hit.image.id, sign))
        acts.said.connect(self.header.say)
        acts.tagged.connect(self._take_tagged)
        self.past.chosen.connect(self._ask_again)
        self.past.play.connect(self._play)
        self.past.said.connect(lambda text: self.header.say(text, "care"))

    def _connect_context(self) -> None:
        context = self.context
        context.gallery_changed.connect(self._gallery_changed)
        context.galleries_changed.connect(self.flow.refresh_gallery)
        context.settings_changed.connect(self._take_settings)
        context.indexing.changed.connect(lambda name: self._show_place())
        context.downloads.changed.connect(lambda name: self.conductor.show_weights())
        context.downloads.fetched.connect(lambda name: self.flow.preload())
        self.header.gallery_chosen.connect(context.set_gallery)
        self.flow.gallery_known.connect(self._take_view)
        self.flow.loading.connect(self._show_loading)
        self.place.changed.connect(self._place_changed)
        self.place.library_wanted.connect(lambda: self.go_to.emit("library", None))
        self.place.suggestion_wanted.connect(self._ask_suggestion)

    def _make_shortcuts(self) -> None:
        grid = self.results.grid
        for keys, do in (("Ctrl+N", self._begin_anew), ("Ctrl+F", self.results.turn_filter),
                         ("Ctrl+O", self.intake.choose_recording),
                         ("Ctrl+H", self.results.history.click), ("Ctrl+Z", self.session.undo),
                         ("Ctrl+L", self._edit), ("Ctrl++", lambda: self._zoom(ZOOM_STEP)),
                         ("Ctrl+-", lambda: self._zoom(-ZOOM_STEP))):
            QShortcut(QKeySequence(keys), self, do, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)
        QShortcut(QKeySequence("I"), grid, self._why_chosen, context=Qt.ShortcutContext.WidgetShortcut)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), grid,
                  lambda: self.hit_actions.copy_paths(grid.selected()), context=Qt.ShortcutContext.WidgetShortcut)

    # ---- the panel's life

    def activated(self) -> None:
        self._front = True
        self.header.record.setFocus()
        self.flow.refresh_gallery()
        QTimer.singleShot(WATCH_AFTER_MS, self._watch)

    def deactivated(self) -> None:
        self._front = False
        self._silence()
        self._settle_microphone()

    def closing(self) -> None:
        self._front = False
        self.voice.close()
        self.thumbnails.close()

    def receive(self, payload: object) -> None:
        if isinstance(payload, Question):
            self._waiting = payload
            if self.place.view is not None:
                self._ask_waiting()

    def shortcuts(self) -> list[tuple[str, str]]:
        return list(KEYS)

    def save_state(self) -> dict[str, Any]:
        return {"order": self.results.grid.hits.order, "splitter": self.results.splitter_state(),
                "microphone": self.voice.microphone.chosen, "keep_ready": self.header.keep_ready.isChecked(),
                **self._last_query()}

    def restore_state(self, state: dict[str, Any]) -> None:
        self.results.set_order(str(state.get("order", "relevance")))
        self.results.restore_splitter(str(state.get("splitter", "")))
        self.voice.microphone.choose(str(state.get("microphone", "")))
        self.header.keep_ready.setChecked(bool(state.get("keep_ready", True)))
        if state.get("query") and state.get("gallery") == self.context.gallery:
            self._restore_query(str(state["query"]), str(state["gallery"]))

    def _last_query(self) -> dict[str, Any]:
        """What is asked, for the next start, unless queries are not to be kept; the history keeps a voice."""
        query = self.session.query
        if not query.terms() or not self.context.settings["search.keep_history"]:
            return {}
        return {"query": to_history(query), "gallery": self.context.gallery}

    def _restore_query(self, terms: str, gallery: str) -> None:
        """Show the query of the last start at once; it is searched when the galleries, and its voice, were read."""
        with suppress(ValueError, TypeError, KeyError):  # written by another version
            query = from_history(terms, None)
            ready = all(term.ready for term in query.terms())
            if ready:
                self.session.take(query)
                self.conductor.show_query(query)
                self._ask_restored = not is_spoken(terms)
                if not self._ask_restored:
                    self.past.find_voice(terms, gallery, lambda voice: self._take_restored(query, terms, voice))

    def _take_restored(self, shown: Query, terms: str, voice: "Waveform | None") -> None:
        """The recording of the last start's query, unless something else is asked by now. It is not heard again."""
        if self.session.query is not shown:
            return
        query = from_history(terms, voice, again=False)
        self.session.take(query)
        self.conductor.show_query(query)
        self._ask_restored = True
        if self.place.view is not None:
            self._ask_waiting()

    # ---- voice

    def _watch(self) -> None:
        if self._front:
            self.voice.watch()
            self._settle_microphone()

    def _settle_microphone(self) -> None:
        """The stream stays open only while this panel is in front of a window that has the user's attention."""
        wanted = self._front and self.isActiveWindow() and not self.place.first and self.header.keep_ready.isChecked()
        self.voice.microphone.set_ready(wanted)

    def _press(self) -> None:
        if self.header.record.isEnabled():
            self._voice_sign = self._voice_sign if self.voice.is_recording() else 0
            self.header.show_playing(False)
            if self.header.transcript.hasFocus():
                self.setFocus()  # what is heard comes there: the next Space records again, not types
            self.voice.press()
        else:
            self.header.say_missing_speech()

    def _speak_extra(self, sign: int) -> None:
        self._voice_sign = sign
        self.voice.start()

    def _voice_started(self) -> None:
        """A new main term: what was asked before is not the query any more. A further term leaves it."""
        if not self._voice_sign:
            self.conductor.set_aside()

    def _take_voice(self, waveform: "Waveform", note: str) -> None:
        sign, self._voice_sign = self._voice_sign, 0
        self.conductor.hear(waveform, sign, note)

    def _voice_failed(self, kind: str, sentence: str) -> None:
        self._voice_sign = 0
        self.conductor.take_back()
        if not self.header.tells(sentence):
            self.header.say(sentence, "care")

    def _turn_play(self) -> None:
        if self.voice.player.playing:
            self.voice.player.stop()
            self.header.show_playing(False)
        else:
            self._play(self.conductor.utterance)

    def _play(self, waveform: "Waveform | None", seconds: float = 0.0) -> None:
        if waveform is None or self.voice.is_recording():
            return
        self.voice.player.play(waveform, seconds)
        self.header.show_playing(self.voice.player.playing)

    def _cannot_play(self, why: str) -> None:
        self.header.show_playing(False)
        self.header.say(why, "care")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.space.is_it(event) and not self.place.first:
            self.space.down(event)
        elif event.key() == Qt.Key.Key_Escape:
            self._escape()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not self.space.up(event):
            super().keyReleaseEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.ActivationChange:
            if not self.isActiveWindow():
                self.space.free()
            self._settle_microphone()
        super().changeEvent(event)

    def _silence(self) -> bool:
        """Stop recording or playing; whether there was anything to stop. The query before is shown again."""
        recording = self.voice.microphone.state in ("opening", "recording", "stopping")
        busy = self.voice.cancel() or recording
        if recording:
            self._voice_sign = 0
            self.conductor.take_back()
        return busy

    def _escape(self) -> None:
        if self._silence():
            self.header.show_playing(False)
        elif not self.flow.cancel():
            self.results.turn_filter(False)

    # ---- query

    def _type(self, text: str) -> None:
        self.setFocus()  # so that Space records again; the grid may be hidden still
        self.session.type_main(text)

    def _ask_suggestion(self, path: Path, words: str) -> None:
        """A recording whose words are known is searched by these where nothing can be recognised."""
        downloads = self.context.downloads
        if downloads.is_known() and downloads.path(WHISPER) is None:
            self.session.open(Query(QueryTerm("text", words)))
            self.header.say("Searched with the words of this recording; to hear its voice, Whisper base is needed.")
        else:
            self.intake.read_voice(path)

    def _begin_anew(self) -> None:
        """Nothing asked, nothing said; Ctrl+Z brings the query back."""
        self.voice.cancel()
        self.header.show_playing(False)
        self.session.clear()
        self.header.transcript.setFocus()

    def _leave_words(self) -> None:
        """Keys reach the hits, or the panel while none are shown: a hidden grid takes no focus."""
        (self.results.grid if self.results.showing_hits() else self).setFocus()

    def _add_words(self, text: str) -> None:
        self._leave_words()  # the field is hidden now, and the focus went to the next control
        self.session.type_extra(text)

    def _focus_hits(self) -> None:
        """Arrows walk the hits, unless the user has gone on to type somewhere."""
        if QApplication.focusWidget() in (self, self.header.record):
            self.results.grid.setFocus()

    def _edit(self) -> None:
        self.header.transcript.setFocus()
        self.header.transcript.selectAll()

    def _ask_again(self, gallery: str, query: Query) -> None:
        if self.place.view is not None and gallery in self.place.view.names:
            self.context.set_gallery(gallery)
        self.session.open(query)

    def _ask_waiting(self) -> None:
        question, self._waiting = self._waiting, None
        restored, self._ask_restored = self._ask_restored, False
        if self.place.first:
            return
        if question is None:
            state = self.place.view.state if self.place.view is not None else None
            if restored and state is not None and state.indexed:
                self.conductor.ask_again()
            elif restored:
                self.place.show_notice()
            return
        if question.speech is not None:
            self.intake.read_voice(question.speech)
        elif question.text:
            self.session.type_main(question.text)

    def _why(self, hit: "Hit") -> None:
        """Take a hit apart; only what was said or typed can be, not the pictures in the query."""
        query = self.session.query
        terms = tuple(Asked(each.label, each.text if each.kind == "text" or each.edited else "", each.waveform)
                      for each in query.terms() if each.kind != "image" and each.ready)
        if not terms:
            self.header.say("Only words and voices can be taken apart, and this query has neither.", "care")
            return
        note = "One term of the query at a time: score and ranks here are of this one alone." if query.extras else ""
        self.go_to.emit("inspect", Inspection(terms[0].text, waveform=terms[0].waveform, path=hit.image.path, note=note,
                                              terms=terms, gallery=self.context.gallery, image_id=hit.image.id))

    def _why_chosen(self) -> None:
        hits = self.results.grid.selected()
        if hits:
            self._why(hits[0])

    def _open_menu(self, at: QPoint) -> None:
        hits = self.results.grid.selected()
        if hits:
            self.hit_actions.menu(hits).popup(at)

    def _take_tagged(self, images: "list[ImageRecord]") -> None:
        self.results.grid.hits.replace_images(images)
        self.results.detail.show_hit(self.results.grid.current())
        self.flow.refresh_gallery()

    # ---- gallery, settings, files

    def _take_view(self, view: GalleryView) -> None:
        was_first = self.place.first
        self.place.take(view)
        if was_first and not self.place.first and self._front:
            self.header.record.setFocus()  # the button that had it is hidden now

    def _place_changed(self) -> None:
        self._show_place()
        self._tell_status()
        self._settle_microphone()
        if not self.place.first and not self._loading:
            self.flow.preload()
        self._ask_waiting()

    def _show_place(self) -> None:
        if not self.session.query.terms():
            self.place.show_notice()

    def _gallery_changed(self) -> None:
        self.results.grid.show_hits(())
        self.flow.refresh_gallery()
        self.conductor.ask_again()

    def _model_settings(self) -> tuple[object, ...]:
        return tuple(self.context.settings[key] for key in MODEL_SETTINGS)

    def _take_settings(self) -> None:
        self.results.grid.set_card_width(int(self.context.settings[CARD_WIDTH]))
        if self._model_settings() != self._models:
            self._models = self._model_settings()
            self.flow.refresh_gallery()
            self.conductor.ask_again()  # what the other model found answers nothing now

    def _zoom(self, by: int) -> None:
        setting = BY_KEY[CARD_WIDTH]
        width = min(setting.high, max(setting.low, int(self.context.settings[CARD_WIDTH]) + by))
        self.context.change(CARD_WIDTH, int(width))

    def _show_loading(self, text: str) -> None:
        self._loading = text
        self._tell_status()

    def _tell_status(self) -> None:
        view = self.place.view
        loading = f"{self._loading}…" if self._loading else ""
        gallery = view.words if view is not None else ""
        self.status_changed.emit("     ".join(filter(None, (loading, self.conductor.words, gallery))))
        self.status_link.emit(view.unread if view is not None else "", "library")

    def _offer_folder(self, folder: Path) -> None:
        """A dropped folder is indexed only after a click: it may be large."""
        def index() -> None:
            self.header.say("")
            self.context.indexing.add_folder(folder)
            self.go_to.emit("library", None)

        self.header.say(f"Index the pictures in {folder.name}, to search them too?", "quiet", "Index the folder", index)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.source() is None and self.intake.wants(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        self.intake.take(event.mimeData())
        event.acceptProposedAction()
