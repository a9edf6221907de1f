"""Results of a search: query chips, order and filter, the grid with its detail pane, or a notice."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, Qt, Signal
from PySide6.QtWidgets import QComboBox, QProgressBar, QSplitter, QStackedWidget, QWidget

from brewclip_app.capture.file_intake import Intake
from brewclip_app.localisation import _, as_shown
from brewclip_app.panels.search.actions import MOST_EXAMPLES, HitActions
from brewclip_app.panels.search.browsing import GROUPINGS, BrowseController, BrowseState
from brewclip_app.panels.search.browsing import ORDERS as BROWSE_ORDERS
from brewclip_app.panels.search.controller import SearchController
from brewclip_app.panels.search.detail_pane import DetailPane
from brewclip_app.panels.search.filter_bar import FilterBar
from brewclip_app.panels.search.notices import FILTERED, Notice
from brewclip_app.panels.search.query import HitLimits, Query
from brewclip_app.panels.search.query_chips import ChipFace, QueryChips
from brewclip_app.panels.search.selection_pane import SelectionPane
from brewclip_app.panels.search.state import SearchAnswer, SearchState
from brewclip_app.thumbnails import Thumbnails, record_of
from brewclip_app.widgets.common import ElidedLabel, EmptyState, KeyCap, button, clear, column, icon_button, label, row
from brewclip_app.widgets.file_dialogs import ask_picture_folder
from brewclip_app.widgets.flow_layout import FlowLayout
from brewclip_app.widgets.indexing_progress import IndexingProgress
from brewclip_app.widgets.new_pictures import NewPicturesButton
from brewclip_app.widgets.picture_grid.cards import GAP
from brewclip_app.widgets.picture_grid.grid import PictureGrid
from brewclip_app.widgets.picture_grid.model import ORDERS, moves
from brewclip_app.widgets.picture_grid.place import GridPlace
from brewclip_app.widgets.score_shares import TRANSCRIPT
from brewclip_app.widgets.selection_bar import SelectionBar
from core.progress import Progress, WorkStep
from core.search.terms import BY_KIND, MINUS, QueryTerm
from core.settings import BY_KEY

if TYPE_CHECKING:
    from brewclip_app.context import Context

ZOOM_STEP = 20  # px a step of the wheel
EDGE = 20
CARD_WIDTH = "appearance.card_width"
CHIP_IMAGE = 96  # px, more than a chip needs on any screen
BAR_WIDTH = 160


class SearchResults(QWidget):
    """View of the query's terms, and of the hits or a notice."""

    selection_changed = Signal()

    def __init__(self, context: "Context", controller: SearchController, actions: HitActions, intake: Intake,
                 thumbnails: Thumbnails, browse: BrowseController) -> None:
        super().__init__()
        self._context, self._controller, self._thumbnails = context, controller, thumbnails
        self._actions, self._browse = actions, browse
        self.chips = QueryChips(controller, intake)
        self.new = button(_("New search"), tip=_("Begin a new search: no query, no filter (Ctrl+N)"))
        self.order = QComboBox()
        self.browse_order, self.grouping = QComboBox(), QComboBox()  # of the gallery while there is no query
        self.filter_button = button(_("Filter"), self.toggle_filter, tip=_("Search a part of the gallery (Ctrl+F)"))
        self.saved = icon_button("bookmark", _("Saved searches (Ctrl+S saves this one)"))
        self.history = icon_button("history", _("History of queries (Ctrl+H)"))
        self.new_pictures = NewPicturesButton(context)
        self.filter = FilterBar()
        self.progress = ProgressLine(controller.stop)
        self.stale = ElidedLabel("", "care", Qt.TextElideMode.ElideRight)
        self.least = ElidedLabel("", "quiet", Qt.TextElideMode.ElideRight)
        self.grid = PictureGrid(thumbnails, self.zoom)
        self.detail = DetailPane(thumbnails, actions)
        self.selection = SelectionPane(thumbnails)
        self.selection_bar = SelectionBar(actions.away, self.grid.selected, actions.hits, self.grid.clear_selection,
                                          ((_("More like these"), actions.more_like, MOST_EXAMPLES),
                                           (_("Add to the query"), actions.add, MOST_EXAMPLES)))
        self.side = QStackedWidget()
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.stack = QStackedWidget()
        self._notice: EmptyState | None = None
        self._listed = ""  # the gallery whose pictures the grid showed last
        self._last_place: GridPlace | None = None  # of the last start, until its hits are there
        self._suggested: tuple[tuple[str, Path], ...] = ()
        self._blank, self._sayings = QWidget(), QWidget()  # blank: until the galleries were read
        self._way, self._purpose = label(_("Hold"), "quiet"), label(_("to speak"), "quiet")
        self._tap_previews = False
        self._set_up()
        self._lay_out()
        self.apply_settings()

    def _set_up(self) -> None:
        for key, (words, _unused) in ORDERS.items():
            self.order.addItem(as_shown(words), key)
        for box, choices, name in ((self.browse_order, BROWSE_ORDERS, _("Order of the pictures")),
                                   (self.grouping, GROUPINGS, _("Groups of the pictures"))):
            for key, text in choices.items():
                box.addItem(as_shown(text), key)
            box.setAccessibleName(as_shown(name))
        self.order.setAccessibleName(_("Order of the hits"))
        for part in (self.new, self.order, self.browse_order, self.grouping, self.filter_button, self.saved,
                     self.history):
            part.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.filter_button.setCheckable(True)
        for hidden in (self.browse_order, self.grouping, self.grid.time_line, self.filter):
            hidden.hide()
        self.progress.hide()
        self.stale.hide()
        self.least.hide()
        self.order.activated.connect(lambda at: self.set_order(self.order.itemData(at)))
        self.browse_order.activated.connect(lambda at: self._browse.set_order(self.browse_order.itemData(at)))
        self.grouping.activated.connect(lambda at: self._browse.set_grouping(self.grouping.itemData(at)))
        self._browse.changed.connect(self._render_browse)
        self.filter.closed.connect(partial(self.filter_button.setChecked, False))
        self.filter.changed.connect(self._controller.set_limits)
        self.grid.selection_changed.connect(self._show_selection)
        self.grid.context_requested.connect(
            lambda at: self._actions.show_menu(self.grid.selected(), at, self.grid.current_hit()))
        self._context.gallery_changed.connect(self.new_pictures.set_gallery)
        self._thumbnails.ready.connect(lambda image_id: self._show_chips())

    def _lay_out(self) -> None:
        self._sayings.setLayout(row(self._way, KeyCap("Space"), self._purpose, space=5))
        tools = row(self._sayings, self.new, self.order, self.browse_order, self.grouping, self.filter_button,
                    self.saved, self.history, self.new_pictures, space=8)
        chips = column(self.chips)
        chips.setContentsMargins(0, 3, 0, 0)  # a first line of chips stands level with the tools
        bar = row(chips, tools, space=12)
        bar.setStretch(0, 1)
        for layout in (bar, tools):
            layout.setAlignment(Qt.AlignmentFlag.AlignTop)
        grid = QWidget()
        inner = row(self.grid, self.grid.time_line, space=4)
        inner.setStretch(0, 1)
        inner.setContentsMargins(EDGE - GAP // 2, 0, 0, 0)
        grid.setLayout(inner)
        self._grid_box, self._beside = inner, QWidget()
        detail = self._beside
        self.side.addWidget(self.detail)
        self.side.addWidget(self.selection)
        outer = column(self.side)
        outer.setContentsMargins(0, GAP // 2, EDGE, EDGE - 8)
        detail.setLayout(outer)
        self.splitter.addWidget(grid)
        self.splitter.addWidget(detail)
        self.splitter.setStretchFactor(0, 4)  # a large screen gives more columns and a larger picture
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setCollapsible(0, False)
        self.splitter.setHandleWidth(8)
        self.splitter.setSizes([880, 288])
        self.stack.addWidget(self._blank)
        self.stack.addWidget(self.splitter)
        line = row(self.stale, self.least, self.progress, self.selection_bar, space=14)  # always there: the grid below
        line.setStretch(3, 1)  # never jumps
        self._suggestions = QWidget()
        self._suggestion_row = FlowLayout(self._suggestions)
        above = column(bar, self.filter, self._suggestions, line, space=4)
        above.setContentsMargins(EDGE, 0, EDGE, 0)
        page = column(above, self.stack, space=0)
        page.setStretch(1, 1)
        self.setLayout(page)

    def render_state(self, state: SearchState, before: SearchState) -> None:
        """Show what differs from the state before."""
        if state.query is not before.query:
            self._show_chips()
        self.new.setVisible(bool(state.query.terms()) or state.limits.any)
        if state.answer is not before.answer:
            self.detail.names = _share_names(state.answer.query) if state.answer is not None else {}
            if state.answer is not None or not self._browsing(state):
                self._show_hits(state.answer, before.answer, state.follows)
        if state.notice != before.notice or state.answer is not before.answer or state.limits != before.limits:
            self._show_notice(state)
        answered = state.answer.query if state.answer is not None and self.showing_hits() else Query()
        stale = state.stale and bool(answered.terms())
        least = answered.least_like
        self.stale.setText(_("Results of “{text}”").format(text=answered.text) if stale else "")
        self.least.setText(_("This query only excludes: the pictures least like {least} come first.").format(
            least=least) if least else "")
        self.stale.setVisible(stale)
        self.least.setVisible(bool(least) and not stale)
        self.grid.set_faded(stale)
        if state.progress is not None:
            self.progress.set_progress(state.progress)
        self.progress.setVisible(state.progress is not None)
        if state.gallery is not before.gallery and state.gallery is not None:
            self.filter.offer(state.gallery.tags, state.gallery.folders)
        if state.can_speak != before.can_speak:
            self._show_sayings()

    def _show_hits(self, answer: SearchAnswer | None, before: SearchAnswer | None,
                   follows: SearchAnswer | None) -> None:
        hits = answer.hits if answer is not None else ()
        if answer is not None and before is not None and answer.result.terms is before.result.terms:  # fewer of them
            self.grid.leave_out({hit.image.id for hit in before.hits} - {hit.image.id for hit in hits})
        elif follows is not None:
            self.grid.follow_hits(hits, moves(follows.hits, hits))
            self._last_place = None
        else:
            self.grid.show_hits(hits)
            if answer is not None and answer.restored and self._last_place is not None:
                self.grid.go_to(self._last_place)
            self._last_place = None if answer is not None else self._last_place

    def _browsing(self, state: SearchState) -> bool:
        """Whether the pictures of the gallery are shown, for want of a query."""
        listing = self._browse.state.listing
        return (state.answer is None and state.notice is not None and state.notice.invites and listing is not None
                and len(listing) > 0 and self._browse.state.gallery == self._context.gallery)

    def _render_browse(self, browse: BrowseState) -> None:
        self.browse_order.setCurrentIndex(self.browse_order.findData(browse.order))
        self.grouping.setCurrentIndex(self.grouping.findData(browse.grouping))
        self._show_notice(self._controller.state)

    def _show_listing(self) -> None:
        """Show the pictures of the gallery where they were left, or at the picture that is wanted."""
        browse = self._browse.state
        assert browse.listing is not None and browse.arrangement is not None
        if self.grid.arrangement is not browse.arrangement:
            if self._listed != browse.gallery:
                self.grid.forget_place()
                self._listed = browse.gallery
            self.grid.show_listing(browse.listing, browse.arrangement)
            self.grid.pictures.set_stacks({best: len(ids) for best, ids in browse.stacks.items()})
        if browse.wanted >= 0 and self.grid.pictures.row_of(browse.wanted) >= 0:
            self.grid.select([browse.wanted])
            self.grid.setFocus()
            self._browse.want(-1)

    def _show_notice(self, state: SearchState) -> None:
        """Show the notice in the place of the hits, or the hits, or the pictures of the gallery."""
        before, self._notice = self._notice, None
        notice, browsing, listing = state.notice, self._browsing(state), self._browse.state.listing
        for part in (self.browse_order, self.grouping):
            part.setVisible(browsing)
        self.order.setVisible(not browsing)
        self._beside.setVisible(not browsing)
        self._grid_box.setContentsMargins(EDGE - GAP // 2, 0, EDGE if browsing else 0, 0)
        self._show_suggestions(notice if browsing else None)
        if browsing:
            self._show_listing()
            notice = None
        elif notice is not None and notice.invites and listing is not None and state.limits.any and not len(listing):
            notice = FILTERED
        self.grid.time_line.setVisible(browsing and len(self.grid.marks()) > 1)
        if notice is None:
            self.stack.setCurrentWidget(self.splitter if state.answer is not None or browsing else self._blank)
        else:
            self._notice = EmptyState(notice.icon, notice.title, notice.sentence, *self._steps(notice))
            self.stack.addWidget(self._notice)
            self.stack.setCurrentWidget(self._notice)
        if before is not None:
            self.stack.removeWidget(before)
            before.deleteLater()

    def _show_suggestions(self, notice: Notice | None) -> None:
        """Queries of the demo, above its pictures."""
        wanted = notice.suggestions if notice is not None else ()
        if wanted != self._suggested:
            self._suggested = wanted
            clear(self._suggestion_row)
            for part in self._steps(notice) if notice is not None else ():
                self._suggestion_row.addWidget(part)
        self._suggestions.setVisible(bool(wanted))

    def _steps(self, notice: Notice) -> list[QWidget]:
        gallery, indexing = self._context.gallery, self._context.indexing
        acts: dict[str, Callable[[], object]] = {
            "folder": lambda: ask_picture_folder(
                self, lambda folder: indexing.add_folder(folder, gallery)), "index": self._controller.index,
            "library": self._controller.show_library, "search": self._controller.search}
        if notice.progress:
            return [IndexingProgress(self._context, gallery), button(notice.button, acts[notice.step], "link")]
        if notice.step:
            return [button(notice.button, acts[notice.step], "main")]
        return [button(f"“{text.rstrip('.')}”", partial(self._controller.open_suggestion, path, text), icon="play",
                       tip=_("Search with this recording")) for text, path in notice.suggestions]

    def _show_chips(self) -> None:
        terms = self._controller.state.query.terms()
        first = next((term for term in terms if term.weight > 0), None)
        self.chips.show_faces([self._face(term, first is term, term is self._controller.state.query.main)
                               for term in terms])

    def _face(self, term: QueryTerm, first: bool, main: bool) -> ChipFace:
        image = None
        if term.kind == "image" and term.path is not None:
            image = self._thumbnails.get(record_of(term.path), CHIP_IMAGE)
        spoken = main and term.kind == "speech"  # its words stand above
        return ChipFace(BY_KIND["speech"].label if spoken else term.label, term.weight, term.kind, first, picture=image)

    def showing_hits(self) -> bool:
        """Whether the grid is in front."""
        return self.stack.currentWidget() is self.splitter

    def notice(self) -> str:
        """Title of the notice in front; "" while hits are shown."""
        return self._notice.title.text() if self._notice is not None else ""

    # ---- order, filter, size

    def apply_settings(self) -> None:
        """Follow the setting for the size of the cards."""
        self.grid.set_card_width(int(self._context.settings[CARD_WIDTH]))

    def zoom(self, steps: int) -> None:
        """Make the cards larger or smaller by some steps of the wheel."""
        setting = BY_KEY[CARD_WIDTH]
        width = int(self._context.settings[CARD_WIDTH]) + steps * ZOOM_STEP
        self._context.change(CARD_WIDTH, int(min(setting.high, max(setting.low, width))))

    def set_order(self, order: str) -> None:
        """Sort the hits; the chosen one stays chosen."""
        current = self.grid.current()
        self.order.setCurrentIndex(max(0, self.order.findData(order)))
        self.grid.pictures.set_order(order)
        if self.grid.pictures.rowCount():
            self.grid.keep_current(current.id if current else None)

    def toggle_filter(self, opened: bool | None = None) -> None:
        """Open or close the filter."""
        opened = self.filter.isHidden() if opened is None else opened
        self.filter_button.setChecked(opened)
        if opened:
            self.filter.show()
            self.filter.name.setFocus()
        elif not self.filter.isHidden():
            self.filter.close_bar()

    def places(self) -> dict[str, Any]:
        """Places of the hits and of the pictures of the gallery, for the next start."""
        listed, hits = self.grid.listing_place(), self._last_place
        if self._controller.state.answer is not None and self.grid.arrangement is None:
            hits = self.grid.place()
        return {"place": hits.to_json() if hits is not None else None, "listed": self._listed,
                "listing_place": listed.to_json() if listed is not None else None}

    def restore_places(self, state: dict[str, Any]) -> None:
        """Show the pictures at the places of the last start, once they are there."""
        self._last_place = GridPlace.from_json(state.get("place"))
        if state.get("listed") == self._context.gallery:
            self._listed = self._context.gallery
            self.grid.begin_at(GridPlace.from_json(state.get("listing_place")))

    def restore_filter(self, state: dict[str, Any]) -> HitLimits:
        """Show the filter of the last start; returns its limits."""
        limits = self.filter.restore(state.get("filter"))
        if limits.any:
            self.filter.show()
            self.filter_button.setChecked(True)
        return limits

    def splitter_state(self) -> str:
        """State of the splitter, for the next start."""
        return bytes(self.splitter.saveState().toBase64().data()).decode()

    def restore_splitter(self, state: str) -> None:
        """Restore the state of the splitter."""
        self.splitter.restoreState(QByteArray.fromBase64(state.encode()))

    def resizeEvent(self, event: object) -> None:
        self._show_sayings()
        super().resizeEvent(event)  # type: ignore[arg-type]

    def show_tap(self, previews: bool) -> None:
        """Say whether a tap of Space shows a preview now."""
        if previews != self._tap_previews:
            self._tap_previews = previews
            self._show_sayings()

    def _show_sayings(self) -> None:
        speak = self._controller.state.can_speak
        tap = _("to speak, tap to preview") if speak else _("to preview")
        self._way.setText(_("Hold") if speak else _("Tap"))
        self._purpose.setText(tap if self._tap_previews else _("to speak"))
        self._sayings.setVisible((speak or self._tap_previews) and self.width() > 1000)

    def _show_selection(self) -> None:
        ids, nbytes = self.grid.selected_ids(), self.grid.selected_bytes()
        if self.grid.arrangement is None:  # there is no pane beside the pictures of a gallery
            self.detail.show_hit(self.grid.current_hit())
            if len(ids) > 1:
                self.selection.show_images(self.grid.selected())
        self.selection_bar.show_selection(len(ids), nbytes)
        self.selection_changed.emit()
        self.side.setCurrentWidget(self.selection if len(ids) > 1 else self.detail)


def _share_names(query: Query) -> dict[str, str]:
    """Names of the terms' score shares in the detail pane, by the terms' labels."""
    names = {term.label: f"{MINUS} {as_shown(term.label)}" for term in query.extras if term.weight < 0}
    if query.main is not None and query.main.kind == "speech":
        names[query.main.label] = TRANSCRIPT
    return names


class ProgressLine(QWidget):
    """A step, a bar and a button that stops it."""

    def __init__(self, stop: Callable[[], object]) -> None:
        super().__init__()
        self.title = ElidedLabel("", "quiet", Qt.TextElideMode.ElideRight)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(BAR_WIDTH)
        self.cancel = icon_button("close", _("Stop (Esc)"), stop, side=10)
        self.cancel.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.cancel.setStyleSheet("padding: 1px;")
        layout = row(self.title, self.bar, self.cancel, None, space=8)
        self.setLayout(layout)
        self.setFixedHeight(max(18, self.title.sizeHint().height()))

    def set_progress(self, progress: Progress) -> None:
        """Show the progress of a search."""
        (done, total), step = progress.bar, progress.title or WorkStep.SEARCHING.value
        self.title.setText(step)
        self.bar.setAccessibleName(as_shown(step))
        self.bar.setRange(0, 1000 if total > 0 else 0)
        if total > 0:
            self.bar.setValue(round(1000 * min(done, total) / total))
