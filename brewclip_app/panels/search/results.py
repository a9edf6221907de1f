"""Below the header: the chips, order and filter, the grid with its detail pane, or what to do while there is none."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, Qt, Signal
from PySide6.QtWidgets import QComboBox, QSplitter, QStackedWidget, QWidget

from brewclip_app.item_models.hits import ORDERS
from brewclip_app.panels.search.detail_pane import DetailPane
from brewclip_app.panels.search.filter_bar import FilterBar
from brewclip_app.panels.search.hit_grid import HitGrid
from brewclip_app.panels.search.progress_line import ProgressLine
from brewclip_app.panels.search.query_chips import QueryChips
from brewclip_app.panels.search.selection_pane import SelectionPane
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import ElidedLabel, EmptyState, KeyCap, button, column, icon_button, label, row
from brewclip_app.widgets.hit_delegate import GAP
from core.progress import Progress

if TYPE_CHECKING:
    from core.search.queries import Hit

ZOOM_STEP = 20  # px a step of the wheel
EDGE = 20


class SearchResults(QWidget):
    """Shows hits or a notice; the panel says which."""

    zoomed = Signal(int)  # px by which a card is to grow

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chips = QueryChips()
        self.order = QComboBox()
        self.filter_button = button("Filter", self.turn_filter, tip="Search a part of the gallery (Ctrl+F)")
        self.history = icon_button("history", "History of queries (Ctrl+H)")
        self.filter = FilterBar()
        self.progress = ProgressLine()
        self.stale = ElidedLabel("", "care", Qt.TextElideMode.ElideRight)
        self.grid = HitGrid(thumbnails)
        self.detail = DetailPane(thumbnails)
        self.selection = SelectionPane(thumbnails)
        self.side = QStackedWidget()
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.stack = QStackedWidget()
        self._notice: EmptyState | None = None
        self._sayings = QWidget()
        self._speech = True  # it can be recognised
        self._set_up()
        self._lay_out()

    def _set_up(self) -> None:
        for key, (words, _) in ORDERS.items():
            self.order.addItem(words, key)
        self.order.setAccessibleName("Order of the hits")
        for part in (self.order, self.filter_button, self.history):
            part.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.filter_button.setCheckable(True)
        self.filter.hide()
        self.progress.hide()
        self.stale.hide()
        self.order.activated.connect(lambda at: self.set_order(self.order.itemData(at)))
        self.filter.closed.connect(partial(self.filter_button.setChecked, False))
        self.grid.current_changed.connect(self.detail.show_hit)
        self.grid.several_selected.connect(self._show_selection)
        self.grid.zoomed.connect(lambda steps: self.zoomed.emit(steps * ZOOM_STEP))

    def _lay_out(self) -> None:
        self._sayings.setLayout(row(label("Hold", "quiet"), KeyCap("Space"), label("to speak", "quiet"), space=5))
        tools = row(self._sayings, self.order, self.filter_button, self.history, space=8)
        chips = column(self.chips)
        chips.setContentsMargins(0, 3, 0, 0)  # a first line of chips stands level with the tools
        bar = row(chips, tools, space=12)
        bar.setStretch(0, 1)
        for layout in (bar, tools):
            layout.setAlignment(Qt.AlignmentFlag.AlignTop)
        grid = QWidget()
        inner = column(self.grid)
        inner.setContentsMargins(EDGE - GAP // 2, 0, 0, 0)
        grid.setLayout(inner)
        detail = QWidget()
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
        self.stack.addWidget(QWidget())  # until the galleries were read
        self.stack.addWidget(self.splitter)
        line = row(self.progress, self.stale, None, space=14)  # always there: the grid below never jumps
        above = column(bar, self.filter, line, space=4)
        above.setContentsMargins(EDGE, 0, EDGE, 0)
        whole = column(above, self.stack, space=0)
        whole.setStretch(1, 1)
        self.setLayout(whole)

    def show_hits(self, hits: "tuple[Hit, ...]", names: Mapping[str, str]) -> None:
        """Show the hits of a search; `names` are those of its shares, by their labels."""
        self.detail.names = names
        self.mark_stale("")
        self.grid.show_hits(hits)
        self.stack.setCurrentWidget(self.splitter)
        self._drop_notice()

    def mark_stale(self, query: str) -> None:
        """Say that the hits answer another query than the one above; "" when they do not."""
        there = bool(query) and self.showing_hits() and self.grid.hits.rowCount() > 0
        self.stale.setText(f"Results of “{query}”" if there else "")
        self.stale.setVisible(there)
        self.grid.set_faded(there)

    def drop_hits(self) -> None:
        """Show none: what was found answers no query any more."""
        self.mark_stale("")
        self.grid.show_hits(())

    def show_notice(self, icon: str, title: str, sentence: str = "", *steps: QWidget) -> None:
        """Show what goes here, and the first step, in the place of the hits."""
        self._drop_notice()
        self._notice = EmptyState(icon, title, sentence, *steps)
        self.stack.addWidget(self._notice)
        self.stack.setCurrentWidget(self._notice)

    def showing_hits(self) -> bool:
        """Whether the grid is in front."""
        return self.stack.currentWidget() is self.splitter

    def notice(self) -> str:
        """The title of the notice in front; "" while hits are shown."""
        return self._notice.title.text() if self._notice is not None and not self.showing_hits() else ""

    def set_order(self, order: str) -> None:
        """Sort the hits; the chosen one stays chosen."""
        current = self.grid.current()
        self.order.setCurrentIndex(max(0, self.order.findData(order)))
        self.grid.hits.set_order(order)
        if self.grid.hits.rowCount():
            self.grid.keep_current(current.image.id if current else None)

    def turn_filter(self, opened: bool | None = None) -> None:
        """Open or close the filter."""
        opened = self.filter.isHidden() if opened is None else opened
        self.filter_button.setChecked(opened)
        if opened:
            self.filter.show()
            self.filter.name.setFocus()
        elif not self.filter.isHidden():
            self.filter.close_bar()

    def show_progress(self, progress: Progress) -> None:
        """Show how far the search is."""
        self.progress.set_progress(progress)

    def splitter_state(self) -> str:
        """The splitter's place, for the next start."""
        return bytes(self.splitter.saveState().toBase64().data()).decode()

    def restore_splitter(self, state: str) -> None:
        """Take up what `splitter_state` gave."""
        self.splitter.restoreState(QByteArray.fromBase64(state.encode()))

    def resizeEvent(self, event: object) -> None:
        self._show_sayings()
        super().resizeEvent(event)  # type: ignore[arg-type]

    def offer_speech(self, possible: bool) -> None:
        """Say how to speak, or not: nothing can be recognised."""
        self._speech = possible
        self._show_sayings()

    def _show_sayings(self) -> None:
        self._sayings.setVisible(self._speech and self.width() > 1000)

    def _show_selection(self, hits: "list[Hit]") -> None:
        if hits:
            self.selection.show_hits(hits)
        self.side.setCurrentWidget(self.selection if hits else self.detail)

    def _drop_notice(self) -> None:
        if self._notice is not None and self._notice is not self.stack.currentWidget():
            self.stack.removeWidget(self._notice)
            self._notice.deleteLater()
            self._notice = None
