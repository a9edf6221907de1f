"""The Search panel: speak, type or show what you look for, and see the pictures."""

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QApplication, QStackedWidget, QWidget

from brewclip_app.capture.file_intake import Intake
from brewclip_app.capture.held_key import HeldKey
from brewclip_app.capture.push_to_talk import TAP, PushToTalk
from brewclip_app.localisation import _
from brewclip_app.panels.base import GalleryPicture, Panel, Question
from brewclip_app.panels.first_start.panel import FirstStart
from brewclip_app.panels.search.actions import HitActions
from brewclip_app.panels.search.browsing import BrowseController
from brewclip_app.panels.search.controller import KEY, SearchController
from brewclip_app.panels.search.header import QueryHeader
from brewclip_app.panels.search.history import QueryHistory
from brewclip_app.panels.search.history_menu import HistoryMenu
from brewclip_app.panels.search.results import EDGE, SearchResults
from brewclip_app.panels.search.saved_menu import SavedMenu
from brewclip_app.panels.search.state import SearchState
from brewclip_app.shortcuts import add_shortcut
from brewclip_app.taking_away import STARS, TakeAway
from brewclip_app.thumbnails import Thumbnail, Thumbnails
from brewclip_app.widgets.common import column
from brewclip_app.widgets.preview.overlay import PreviewActions, PreviewOverlay, open_preview
from brewclip_app.widgets.preview.sequence import PictureSequence

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.store.records import ImageRecord

WATCH_AFTER_MS = 300  # after the first paint: looking for microphones starts PortAudio
WALKING = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End,
           Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
KEYS = [("Space", _("Record: hold and speak, or tap, speak, tap again")),
        ("Shift+Space", _("Refine the result by voice: “only at night”, “without people”, “more like the second one”")),
        ("Space", _("Tapped on a picture that you chose: preview")),
        ("Esc", _("Stop recording, playing or searching")), ("Enter", _("Search with the edited text; preview")),
        ("Ctrl+Enter", _("Open the chosen picture in another program")), ("Ctrl+L", _("Edit or type the text")),
        ("Ctrl+N", _("New search")),
        ("Ctrl+F", _("Filter")), ("Ctrl+O", _("Open a recording")), ("Ctrl+H", _("History and saved searches")),
        ("Ctrl+S", _("Save this search under a name")),
        ("Ctrl+Z", _("Undo the latest change: of pictures (tag, rating, removed, bin) or of the query")),
        (_("Arrows"), _("Move between pictures, Home, End and Page too; letters find a name")),
        ("Ctrl+wheel", _("Size of the pictures")), ("Ctrl+C", _("Copy the pictures")),
        ("0…5", _("Rate the selected pictures; 0 for no rating")), ("Del", _("Move the selected pictures to the bin")),
        ("I", _("Why this picture? Explain the result"))]


class SearchPanel(Panel):
    """View of the search: renders the controller's state; takes keys and drops."""

    key = "search"
    title = _("Search")
    icon = "microphone"
    own_jobs = (KEY,)

    def __init__(self, context: "Context", voice: PushToTalk | None = None) -> None:
        super().__init__(context)
        self.setAcceptDrops(True)
        self._front = self._refining = False
        self.controller = SearchController(context, voice, self)
        self.browse = BrowseController(context, self)
        self.voice = self.controller.voice
        self.thumbnails = Thumbnails(context.home.caches / "thumbnails", self)
        self.space = HeldKey(self, self._press_space, self._release_space)
        self._walked = False  # whether the user chose a picture since these hits came
        self._space_on_picture = False  # Space went down on a picture
        self._undecided = False  # whether it is held or tapped: nothing of the recording is shown yet
        self._preview: PreviewOverlay | None = None
        self.intake = Intake(
            context, self, recording=self.controller.add_recording, text=self.controller.type_text,
            image=lambda path, sign: self.controller.add_image(path, sign=sign), folder=self.controller.offer_folder,
            problem=lambda text: self.controller.show_message(text, "care"))
        self.away = TakeAway(context, self)
        self.hit_actions = HitActions(context, self.controller, self, self.away)
        self.header = QueryHeader(self.controller, self.intake)
        self.results = SearchResults(context, self.controller, self.hit_actions, self.intake, self.thumbnails,
                                     self.browse)
        self.queries = QueryHistory(context, self.controller, self)
        self.history = HistoryMenu(self.queries, self)
        self.saved = SavedMenu(self.queries, lambda: self.history.open_under(self.results.history, saved=True), self)
        self.first_start = FirstStart(context)
        self.pages = QStackedWidget()
        self._main = QWidget()
        self._lay_out()
        self._connect()
        self._make_shortcuts()
        self._shown = SearchState()
        self.render_state(self.controller.state)

    def _lay_out(self) -> None:
        above = column(self.header)
        above.setContentsMargins(EDGE, 16, EDGE, 0)
        layout = column(above, self.results, space=12)
        layout.setStretch(1, 1)
        self._main.setLayout(layout)
        self.pages.addWidget(self._main)
        self.pages.addWidget(self.first_start)
        self.setLayout(column(self.pages))

    def _connect(self) -> None:
        context, controller, header, chips = self.context, self.controller, self.header, self.results.chips
        controller.changed.connect(self.render_state)
        controller.failed.connect(self.failed)
        self.browse.failed.connect(self.failed)
        controller.go_to.connect(self.go_to)
        header.record.pressed_down.connect(self._press)
        header.record.let_go.connect(lambda: self.voice.release())
        header.keep_ready.toggled.connect(lambda _unused: self._update_microphone())
        self.results.new.clicked.connect(self._begin_anew)
        header.transcript.accepted.connect(self._type)
        header.transcript.left.connect(self._leave_words)
        chips.words_added.connect(self._add_words)
        self.results.history.clicked.connect(lambda: self.history.open_under(self.results.history))
        self.results.saved.clicked.connect(lambda: self.saved.open_under(self.results.saved))
        context.settings_changed.connect(self.results.apply_settings)
        grid = self.results.grid
        grid.activated.connect(self.preview)
        self.results.detail.activated.connect(self._preview_current)
        for part in (grid, grid.viewport()):
            part.installEventFilter(self)
        self.away.said.connect(lambda text, action, act: controller.show_message(text, "quiet", action, act))
        self.away.done.connect(controller.add_undo)
        self.away.changed.connect(self._show_changed)
        self.away.left.connect(controller.leave_out)
        self.away.left.connect(lambda ids: self._preview.controller.leave_out(ids) if self._preview else None)
        self.away.returned.connect(controller.search_again)
        for changed in (self.away.left, self.away.returned):
            changed.connect(lambda *_unused: self.browse.read(controller.state.limits))
        self.results.selection_changed.connect(self._show_status)

    def _make_shortcuts(self) -> None:
        grid = self.results.grid
        for keys, do in (("Ctrl+N", self._begin_anew), ("Ctrl+F", self.results.toggle_filter),
                         ("Ctrl+O", self.intake.choose_recording),
                         ("Ctrl+H", self.results.history.click), ("Ctrl+S", self.queries.ask_name),
                         ("Ctrl+Z", self.controller.undo), ("Ctrl+L", self._edit),
                         ("Ctrl++", lambda: self.results.zoom(1)),
                         ("Ctrl+-", lambda: self.results.zoom(-1))):
            add_shortcut(self, keys, do)
        for key, act in ((QKeySequence("I"), lambda: self.hit_actions.inspect(grid.selected())),
                         (QKeySequence(QKeySequence.StandardKey.Copy), lambda: self.away.copy(grid.selected())),
                         (QKeySequence("Ctrl+Return"), self._open_elsewhere),
                         (QKeySequence("Ctrl+Enter"), self._open_elsewhere),
                         (QKeySequence(QKeySequence.StandardKey.Delete), lambda: self.away.ask_bin(grid.selected())),
                         *((QKeySequence(str(stars)), lambda stars=stars: self.away.rate(grid.selected(), stars))
                           for stars in range(STARS + 1))):
            add_shortcut(grid, key, act, alone=True)

    # ---- the state

    def render_state(self, state: SearchState) -> None:
        """Show another state; only what differs from the one before is touched."""
        if self._undecided:
            return
        before, self._shown = self._shown, state
        first = self._main if not state.first_start else self.first_start
        if self.pages.currentWidget() is not first:
            self.pages.setCurrentWidget(first)
            if first is self._main and self._front:
                self.header.record.setFocus()  # the button that had it is hidden now
        self.header.render_state(state, before)
        self.results.render_state(state, before)
        if state.first_start != before.first_start:
            self._update_microphone()
        if state.answer is not before.answer:
            self._walked = False
            if state.answer is not None and not self.voice.is_recording():
                self._focus_hits()
        if state.message is not before.message and self._preview is not None:
            self._preview.show_message(state.message.text)
        self.results.show_tap(self._tap_previews())
        if state.gallery is not before.gallery:
            self.header.show_galleries(state.gallery.names if state.gallery else (), self.context.gallery)
            self.away.tags = state.gallery.tags if state.gallery else ()
            self.status_link.emit(state.gallery.unreadable if state.gallery else "", "library")
        if state.gallery is not None and state.gallery.state is not None and (
                state.gallery is not before.gallery or state.limits != before.limits):
            self.browse.read(state.limits)
        if state.status != before.status:
            self._show_status()

    # ---- the panel's life

    def activated(self) -> None:
        self._front = True
        self.header.record.setFocus()
        self.controller.refresh_gallery()
        QTimer.singleShot(WATCH_AFTER_MS, self._watch)

    def deactivated(self) -> None:
        self._front = False
        self.controller.silence()
        self._update_microphone()

    def closing(self) -> None:
        self._front = False
        self.controller.close()
        self.thumbnails.close()

    def receive(self, payload: object) -> None:
        if isinstance(payload, Question):
            self.controller.ask(payload)
        elif isinstance(payload, GalleryPicture):
            self.context.set_gallery(payload.gallery)
            self.controller.clear()
            self.browse.want(payload.image_id)

    def shortcuts(self) -> list[tuple[str, str]]:
        return list(KEYS)

    def save_state(self) -> dict[str, Any]:
        search = self.controller.saved_query()
        if search:
            search["filter"] = self.results.filter.fields()
        return {"order": self.results.grid.pictures.order, "splitter": self.results.splitter_state(),
                "browse_order": self.browse.state.order, "grouping": self.browse.state.grouping,
                "microphone": self.voice.microphone.chosen, "keep_ready": self.header.keep_ready.isChecked(),
                **self.results.places(), **search}

    def restore_state(self, state: dict[str, Any]) -> None:
        self.results.set_order(str(state.get("order", "relevance")))
        self.browse.set_order(str(state.get("browse_order", "newest")))
        self.browse.set_grouping(str(state.get("grouping", "month")))
        self.results.restore_splitter(str(state.get("splitter", "")))
        self.voice.microphone.choose(str(state.get("microphone", "")))
        self.header.keep_ready.setChecked(bool(state.get("keep_ready", True)))
        self.results.restore_places(state)
        if state.get("query") and state.get("gallery") == self.context.gallery:
            self.controller.restore_query(state, self.results.restore_filter(state))

    # ---- microphone and keys

    def _watch(self) -> None:
        if self._front:
            self.voice.watch()
            self._update_microphone()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange:
            if not self.isActiveWindow():
                self.space.free()
            self._update_microphone()

    def _update_microphone(self) -> None:
        """The stream stays open only while this panel is in front of a window that has the user's attention."""
        wanted = (self._front and self.isActiveWindow() and not self.controller.state.first_start
                  and self.header.keep_ready.isChecked())
        self.voice.microphone.set_ready(wanted)

    def _press(self) -> None:
        if self.controller.state.speech.available and self.header.transcript.hasFocus():
            self.setFocus()  # the transcript is shown there: the next Space records again, not types
        chosen = self.results.grid.selected()
        self.controller.press(self._refining, chosen[0] if len(chosen) == 1 else None)
        self._refining = False

    def _press_space(self) -> None:
        """Record from the first moment, on a picture too: whether the key is held or tapped shows at its release."""
        self._space_on_picture = not self._refining and self._tap_previews() and not self.voice.is_recording()
        if self.controller.state.can_speak or not self._space_on_picture:
            self._undecided = self._space_on_picture
            QTimer.singleShot(round(TAP * 1000), self, self._show_held)
            self._press()

    def _show_held(self) -> None:
        """Space is held: show the recording, which a tap on a picture never does."""
        if self._undecided:
            self._undecided = False
            self.render_state(self.controller.state)

    def _release_space(self, ago: float) -> None:
        """End a recording; a tap on a picture that the user chose drops it and shows the preview."""
        on_picture, self._space_on_picture = self._space_on_picture, False
        tapped = self.voice.release(ago)
        if on_picture and (tapped or not self.controller.state.can_speak):
            self._undecided = False
            self.controller.silence()
            self._preview_current()
        self._show_held()

    def _tap_previews(self) -> bool:
        """Whether a tap of Space shows a preview: on a picture that was chosen, not just found, by the user."""
        grid = self.results.grid
        return (grid.hasFocus() and grid.current() is not None
                and (self._walked or not self.controller.state.query.terms()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the user in the grid."""
        kind = event.type()
        if kind == QEvent.Type.MouseButtonPress or (
                kind == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and event.key() in WALKING):
            self._walked = True
        if kind in (QEvent.Type.MouseButtonPress, QEvent.Type.KeyRelease, QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            QTimer.singleShot(0, self, lambda: self.results.show_tap(self._tap_previews()))
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.space.is_it(event) and not self.controller.state.first_start:
            self._refining = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.space.down(event)
        elif event.key() == Qt.Key.Key_Escape:
            if not self.controller.silence() and not self.controller.stop():
                self.results.toggle_filter(False)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not self.space.up(event):
            super().keyReleaseEvent(event)

    # ---- text and focus

    def _type(self, text: str) -> None:
        self.setFocus()  # so that Space records again; the grid may be hidden still
        if text or not self.controller.state.query.terms():
            self.controller.type_text(text)
        else:  # emptied
            self.controller.clear()

    def _begin_anew(self) -> None:
        self.controller.clear()
        self.results.toggle_filter(False)
        self.header.transcript.setFocus()

    def _leave_words(self) -> None:
        """Keys reach the hits, or the panel while none are shown: a hidden grid takes no focus."""
        (self.results.grid if self.results.showing_hits() else self).setFocus()

    def _add_words(self, text: str) -> None:
        self._leave_words()  # the field is hidden now, and the focus went to the next control
        self.controller.add_text(text)

    def _focus_hits(self) -> None:
        """Arrows walk the hits, unless the user has gone on to type somewhere."""
        if QApplication.focusWidget() in (self, self.header.record):
            self.results.grid.setFocus()

    def _edit(self) -> None:
        self.header.transcript.setFocus()
        self.header.transcript.selectAll()

    # ---- hits and files

    def preview(self, image_id: int) -> None:
        """Show a picture of the grid over the whole window, and the others of the grid beside it."""
        grid, actions, gallery = self.results.grid, self.hit_actions, self.context.gallery
        hits = {hit.image.id: hit for hit in grid.pictures.hits()}
        ids = grid.sequence()

        def read(at: int) -> "ImageRecord | None":
            if at in hits:
                return hits[at].image
            return next(iter(self.context.explorer.gallery(gallery).images([at])), None)

        def thumbnail(at: int) -> "Thumbnail | None":
            row = grid.pictures.row_of(at)
            return self.thumbnails.best_now(grid.pictures.image(row)) if row >= 0 else None

        self._preview = open_preview(
            self.context, self, PictureSequence(ids, read, hits.get), ids.index(image_id),
            PreviewActions(self._leave_preview, {
                "Ctrl+Enter": (_("Open in another program"), lambda image: actions.open([image])),
                "Ctrl+C": (_("Copy the picture"), lambda image: self.away.copy([image])),
                "Del": (_("Move to the bin"), lambda image: self.away.ask_bin([image]))},
                           lambda image: actions.menu([image], hits.get(image.id)),
                           (lambda image: actions.inspect([image])) if hits else None, thumbnail,
                           self.results.detail.names))

    def _preview_current(self) -> None:
        current = self.results.grid.current()
        if current is not None:
            self.preview(current.id)

    def _leave_preview(self, image_id: int) -> None:
        """Go on in the grid at the picture that was in front."""
        grid = self.results.grid
        current = grid.current()
        if current is None or current.id != image_id:
            grid.select([image_id])
        self._walked = True
        if self.results.showing_hits():
            grid.setFocus()

    def _open_elsewhere(self) -> None:
        current = self.results.grid.current()
        if current is not None:
            self.hit_actions.open([current])

    def _show_status(self) -> None:
        self.status_changed.emit("     ".join(filter(None, (self.results.selection_bar.summary, self._shown.status))))

    def _show_changed(self, images: "list[ImageRecord]") -> None:
        self.results.grid.pictures.replace_images(images)
        if self._preview is not None:
            self._preview.controller.replace_images(images)
        self.results.detail.show_hit(self.results.grid.current_hit())
        self.controller.refresh_gallery()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.source() is None and self.intake.wants(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        self.intake.take(event.mimeData())
        event.acceptProposedAction()
