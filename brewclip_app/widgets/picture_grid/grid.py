"""Grid of pictures: cards in as many columns as fit, under headers of their groups; a line below shows weak hits.

A QListView for its selection, its keys and its items for screen readers; where cards stand is `CardLayout`'s, so that
100 000 of them cost no more than those that are seen.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import (
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QRegion,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHBoxLayout,
    QListView,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionViewItem,
    QWidget,
)

from brewclip_app import theme, wording
from brewclip_app.localisation import _
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets import common
from brewclip_app.widgets.picture_grid.cards import GAP, PictureDelegate
from brewclip_app.widgets.picture_grid.layout import CardLayout
from brewclip_app.widgets.picture_grid.model import Move, PictureModel
from brewclip_app.widgets.picture_grid.place import GridPlace
from brewclip_app.widgets.picture_grid.time_line import TimeLine

if TYPE_CHECKING:
    import numpy as np

    from core.galleries.listing import Arrangement, ImageGroup, ImageListing
    from core.search.queries import Hit
    from core.store.records import ImageRecord

FOOTER_HEIGHT = 36
SHRINK = 0.12  # of a card that may be missing for one more column: all then are a little narrower
REPAINT_MS = 30  # thumbnails that come within this time are painted together
CARD_WIDTH = 164
SETTLED_MS = 100
FEW_YEARS = 3
Index = QModelIndex | QPersistentModelIndex
Select = QItemSelectionModel.SelectionFlag


class PictureGrid(QListView):
    """Cards of pictures. Arrows walk, Enter or a double click activates, Ctrl+wheel changes the size, typing finds a
    name, a click on a header selects its group.
    """

    selection_changed = Signal()  # the current picture, or the selected ones
    activated = Signal(int)  # id of the picture that Enter or a double click chose
    context_requested = Signal(QPoint)  # on the screen; there are selected pictures

    def __init__(self, thumbnails: Thumbnails, on_zoom: Callable[[int], object]) -> None:
        super().__init__()
        self._zoom, self._thumbnails = on_zoom, thumbnails
        self.pictures = PictureModel(self)
        self.cards = PictureDelegate(thumbnails, self)
        self._card_width = CARD_WIDTH
        self._roomy = 0  # cards that were seen at once since these hits came
        self.arrangement: Arrangement | None = None  # None while hits are shown
        self._layout = CardLayout((), 1, (1, 1))
        self._goal = -1, 0  # the card that a step up or down led to, and the column that it began in
        self._place: GridPlace | None = None  # of the listing, while hits are shown
        self._returning: GridPlace | None = None  # while the panes around settle, after a listing came back
        self._typed, self._typed_at = "", 0.0
        self._arrived: set[int] = set()  # ids whose thumbnails came since the last repaint
        self._make_footer()
        self._set_up()
        self.setModel(self.pictures)
        self.setItemDelegate(self.cards)
        self.time_line = TimeLine(self.verticalScrollBar(), self.now)
        self._repaint_later = QTimer(self, singleShot=True, interval=REPAINT_MS)
        self._repaint_later.timeout.connect(self._show_arrived)
        thumbnails.ready.connect(self._note_arrived)
        self._following = False  # hits are changing place: one change of the selection at their end
        self.selectionModel().currentChanged.connect(self._follow_selection)
        self.selectionModel().selectionChanged.connect(self._follow_selection)
        self.pictures.modelReset.connect(self._show_reset)
        self.customContextMenuRequested.connect(self._show_menu)
        theme.changed.connect(self._fit)

    def set_faded(self, faded: bool) -> None:
        """Draw the hits pale, as those of an earlier query."""
        if self.cards.faded != faded:
            self.cards.faded = faded
            self.viewport().update()

    def _set_up(self) -> None:
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setMouseTracking(True)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # scrolling moves what was painted
        self.setAccessibleName(_("Pictures"))

    def _make_footer(self) -> None:
        self._footer = QWidget(self.viewport())
        row = QHBoxLayout(self._footer)
        row.setContentsMargins(GAP // 2, 0, GAP // 2, 0)
        row.setSpacing(4)
        self._folded_words = common.label()
        self._folded_words.setProperty("look", "quiet")
        self.unfold = QPushButton(_("Show them"))
        self.unfold.setProperty("look", "quiet-link")
        self.unfold.setCursor(Qt.CursorShape.PointingHandCursor)
        self.unfold.clicked.connect(self._show_weak)
        row.addWidget(self._folded_words)
        row.addWidget(self.unfold)
        row.addStretch(1)
        self._footer.hide()

    # ---- what is shown

    def show_hits(self, hits: "tuple[Hit, ...]") -> None:
        """Show the hits of another search, the first one selected."""
        if self.arrangement is not None:
            self._place, self.arrangement = self.place(), None
        self.cards.full_score = _full(hits)
        self._roomy = 0
        self.pictures.set_hits(())  # what was shown before has no say in how much room there is
        self._fill_room()
        self.pictures.set_hits(hits)
        self.scrollToTop()
        self.select_row(0)

    def follow_hits(self, hits: "tuple[Hit, ...]", moves: "Mapping[int, Move]") -> None:
        """Show the hits of a query that follows the one shown, the first one selected: pictures that keep their rank
        keep their place, and the others move, with `moves` as badges.
        """
        if self.arrangement is not None or not self.pictures.rowCount():
            self.show_hits(hits)
            return
        self._following = True
        self.cards.full_score = _full(hits)
        self.pictures.follow_hits(hits, moves)
        self._show_reset()
        self._following = False
        self.scrollToTop()
        self.select_row(0)
        self.selection_changed.emit()

    def _follow_selection(self) -> None:
        if not self._following:
            self.selection_changed.emit()

    def show_listing(self, listing: "ImageListing", arrangement: "Arrangement") -> None:
        """Show all images of a listing, at the place where the listing before was left."""
        before, place = self.arrangement, self.place() if self.arrangement is not None else self._place
        self.arrangement = arrangement
        by_folder = arrangement.grouping == "folder"
        months = (wording.month(datetime(2000, number, 1)) for number in range(1, 13))
        self.time_line.make_room_for([group_title(group, by_folder) for group in arrangement.groups] or months,
                                     [text for _unused, text in self.marks()])
        self.pictures.set_listing(listing, arrangement)
        if place is not None:
            sorted_anew = before is not None and (before.order, before.grouping) != (
                arrangement.order, arrangement.grouping)
            self._take_place(place, scrolled=not sorted_anew)
            if sorted_anew and not place.selected:
                self.scrollToTop()
        if not self.currentIndex().isValid() and self.pictures.rowCount():
            self.selectionModel().setCurrentIndex(self.pictures.index(0), Select.NoUpdate)

    def forget_place(self) -> None:
        """Begin at the top when a listing is shown the next time: it is that of another gallery."""
        self._place = None
        if self.arrangement is not None:
            self.selectionModel().clear()
            self.scrollToTop()

    def listing_place(self) -> GridPlace | None:
        """Where the listing is, or was left; None before one was shown."""
        return self.place() if self.arrangement is not None else self._place

    def begin_at(self, place: GridPlace | None) -> None:
        """Show the next listing at a place."""
        self._place = place

    def go_to(self, place: GridPlace) -> None:
        """Show the hits at a place where they were left."""
        if place.weak:
            self.pictures.show_weak()
        self._take_place(place)

    def _take_place(self, place: GridPlace, *, scrolled: bool = True) -> None:
        """Select and scroll as in a place; again while the panes around settle."""
        self.select(place.selected)
        current = self.pictures.row_of(place.current)
        if current >= 0:
            self.selectionModel().setCurrentIndex(self.pictures.index(current), Select.NoUpdate)
        if scrolled:
            self._returning = place
            self._return()
            QTimer.singleShot(SETTLED_MS, self, self._stay)

    def place(self) -> GridPlace:
        """Where the grid is."""
        top = self._layout.nearest(0, self.verticalOffset())
        current = self.current()
        return GridPlace(int(self.pictures.ids[top]) if top >= 0 else -1,
                         self.verticalOffset() - self._layout.place(top)[1] if top >= 0 else 0,
                         current.id if current is not None else -1, tuple(map(int, self.selected_ids())),
                         self.verticalOffset(), self.pictures.with_weak)

    def _return(self) -> None:
        """Scroll to where the listing was left; one that was at its top shows what is new there."""
        place = self._returning
        if place is not None:
            top = self.pictures.row_of(place.top) if place.value else -1
            self.verticalScrollBar().setValue(self._layout.place(top)[1] + place.offset if top >= 0 else place.value)

    def _stay(self) -> None:
        self._returning = None

    def _show_reset(self) -> None:
        self._thumbnails.drop_requests(self.cards.asked)
        self.cards.asked.clear()
        folded = self.pictures.folded
        best = wording.count(self.pictures.rowCount() + folded)  # a search gives the best, not all that it looked at
        self._folded_words.setText(_("{folded} more of the {best} best pictures are weak matches.").format(
            folded=wording.count(folded), best=best))
        self._footer.setVisible(folded > 0)
        self._footer.adjustSize()
        self._fit()
        self._follow_selection()

    # ---- selection

    def _selected_rows(self) -> "np.ndarray":
        import numpy as np

        parts = [np.arange(part.top(), part.bottom() + 1) for part in self.selectionModel().selection().toList()]
        return np.unique(np.concatenate(parts)) if parts else np.empty(0, np.int64)

    def selected_ids(self) -> "np.ndarray":
        """Ids of the selected pictures in the order of the grid, int64 (n,): cheap, however many they are."""
        rows = self._selected_rows()
        ids: np.ndarray = self.pictures.ids[rows] if len(rows) else rows
        return ids

    def selected_bytes(self) -> int:
        """Size of the selected files together."""
        return self.pictures.nbytes(self._selected_rows())

    def selected(self) -> "list[ImageRecord]":
        """The selected pictures in the order of the grid."""
        return [self.pictures.image(int(row)) for row in self._selected_rows()]

    def _show_menu(self, at: QPoint) -> None:
        if self.selectionModel().hasSelection():
            self.context_requested.emit(self.viewport().mapToGlobal(at))

    def current(self) -> "ImageRecord | None":
        """The picture that has the keyboard."""
        index = self.currentIndex()
        return self.pictures.image(index.row()) if index.isValid() else None

    def current_hit(self) -> "Hit | None":
        """The hit that has the keyboard."""
        return self.pictures.hit(self.currentIndex())

    def sequence(self) -> list[int]:
        """Ids of all pictures in the order shown."""
        return list(map(int, self.pictures.ids))

    def select(self, ids: Collection[int]) -> None:
        """Select these pictures, the first of them in the order shown becoming the current one."""
        import numpy as np

        self._returning = None
        rows = np.flatnonzero(np.isin(self.pictures.ids, np.array(list(ids), np.int64)))
        self.selectionModel().clearSelection()
        if not len(rows):
            return
        chosen = QItemSelection()
        for part in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
            chosen.append(QItemSelectionRange(self.pictures.index(int(part[0])), self.pictures.index(int(part[-1]))))
        self.selectionModel().setCurrentIndex(self.pictures.index(int(rows[0])), Select.NoUpdate)
        self.selectionModel().select(chosen, Select.ClearAndSelect)
        self.scrollTo(self.currentIndex())

    def clear_selection(self) -> None:
        """Select nothing; the keyboard stays where it is."""
        self.selectionModel().clearSelection()

    def leave_out(self, ids: Collection[int]) -> None:
        """Take pictures out without moving the others more than that takes; the next one becomes current."""
        row, at = self.currentIndex().row(), self.verticalScrollBar().value()
        self.pictures.leave_out(ids)
        self.select_row(min(row, self.pictures.rowCount() - 1))
        self.verticalScrollBar().setValue(at)

    def select_row(self, row: int) -> None:
        """Select one picture; a row that is not there selects none."""
        if 0 <= row < self.pictures.rowCount():
            self.selectionModel().setCurrentIndex(self.pictures.index(row), Select.ClearAndSelect)

    def keep_current(self, image_id: int | None) -> None:
        """Select a picture again after the order changed."""
        self.select_row(max(0, self.pictures.row_of(image_id)) if image_id is not None else 0)
        if self.currentIndex().isValid():
            self.scrollTo(self.currentIndex())

    # ---- sizes and places

    def set_card_width(self, width: int) -> None:
        """The width of a picture, px; cards grow from there, or shrink a little, to fill the row."""
        if width != self._card_width:
            self._card_width = width
            self._fit()

    def columns(self) -> int:
        """Number of cards side by side."""
        return max(1, int(self._room() / (self._card_width + GAP) + SHRINK))

    def _room(self) -> int:
        """The width for cards: that of a scroll bar is kept free, shown or not."""
        return self.maximumViewportSize().width() - self.verticalScrollBar().sizeHint().width()

    def _fit(self) -> None:
        """Lay out the cards, the one at the top staying there."""
        top = self._layout.nearest(0, self.verticalOffset())
        offset = self.verticalOffset() - self._layout.place(top)[1] if top >= 0 else 0
        columns, groups = self.columns(), self.arrangement.groups if self.arrangement is not None else ()
        width = max(1, self._room() // columns)
        self.cards.cell = QSize(width, self.cards.cell_height(width, self.arrangement is None))
        header = theme.line_height(theme.font("heading")) + GAP if groups else 0
        rows = self.pictures.rowCount()
        counts = [group.count for group in groups] or ([rows] if rows else [])
        self._layout = CardLayout(counts, columns, self.cards.cell.toTuple(), header)
        self.updateGeometries()
        if self._returning is not None:
            self._return()
        elif 0 <= top < rows:
            self.verticalScrollBar().setValue(self._layout.place(top)[1] + offset)
        if self.arrangement is None:
            self._fill_room()
        self.time_line.set_marks([(self._top_of(row), text) for row, text in self.marks()])
        self._place_footer()
        self.viewport().update()

    def _top_of(self, row: int) -> int:
        """The scroll value that brings a card to the top, with the header of its group if it is in the first line."""
        section = self._layout.section_of(row)
        top = self._layout.place(row)[1]
        first = int(self._layout.tops[section])
        return first if top == first + self._layout.header else top

    def _fill_room(self) -> None:
        """A large window shows more weak hits; a smaller one folds none away that were seen."""
        rows = (self.viewport().height() - FOOTER_HEIGHT) // max(1, self.cards.cell.height())
        room = self.columns() * rows
        if room <= self._roomy:
            return
        self._roomy = room
        returning, place = self._returning, self.place()
        if self.pictures.set_room(room):
            self._take_place(returning or place, scrolled=returning is not None)

    def _show_weak(self) -> None:
        current = self.current()
        first_new = self.pictures.rowCount()
        self.pictures.show_weak()
        self.keep_current(current.id if current else None)
        self.setFocus()
        if first_new < self.pictures.rowCount() and self.pictures.order == "relevance":
            self.scrollTo(self.pictures.index(first_new), QAbstractItemView.ScrollHint.EnsureVisible)

    def _place_footer(self) -> None:
        if self._footer.isVisibleTo(self.viewport()):
            self._footer.setGeometry(0, self._layout.bottom - self.verticalOffset(), self.viewport().width(),
                                     FOOTER_HEIGHT)

    def marks(self) -> Sequence[tuple[int, str]]:
        """Places of the time line: years, but months where there are one or two years; folders, letters."""
        arranged = self.arrangement
        if arranged is None:
            return ()
        if arranged.grouping == "month" and len(arranged.marks) < FEW_YEARS:
            return [(group.start, group_title(group, False)) for group in arranged.groups]
        return arranged.marks

    def now(self) -> str:
        """The words of the place at the top: a month, a folder or a letter; "" for hits."""
        row = self._layout.nearest(0, self.verticalOffset() + self._layout.header)
        listing, arrangement = self.pictures.listing, self.arrangement
        if listing is None or arrangement is None or not 0 <= row < len(arrangement.rows):
            return ""
        if arrangement.groups:
            return group_title(arrangement.groups[self._layout.section_of(row)], arrangement.grouping == "folder")
        if arrangement.order in ("newest", "oldest"):
            return wording.month(listing.dates[arrangement.rows[row]].item())
        return next((text for start, text in reversed(arrangement.marks) if start <= row), "")

    # ---- QListView, with `CardLayout` for its places

    def doItemsLayout(self) -> None:
        QAbstractItemView.doItemsLayout(self)

    def updateGeometries(self) -> None:
        bar, height = self.verticalScrollBar(), self.viewport().height()
        footer = FOOTER_HEIGHT if self.pictures.folded else 0
        bar.setSingleStep(max(20, self.cards.cell.height() // 3))
        bar.setPageStep(height)
        bar.setRange(0, max(0, self._layout.bottom + footer - height))
        self._place_footer()

    def horizontalOffset(self) -> int:
        return 0

    def verticalOffset(self) -> int:
        return self.verticalScrollBar().value()

    def visualRect(self, index: Index) -> QRect:
        if not index.isValid() or index.row() >= self._layout.cards:
            return QRect()
        left, top = self._layout.place(index.row())
        return QRect(QPoint(left, top - self.verticalOffset()), self.cards.cell)

    def indexAt(self, point: QPoint) -> QModelIndex:
        row = self._layout.card_at(point.x(), point.y() + self.verticalOffset())
        return self.pictures.index(row) if 0 <= row < self.pictures.rowCount() else QModelIndex()

    def isIndexHidden(self, index: Index) -> bool:
        return False

    def scrollTo(self, index: Index, hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible,
                 ) -> None:
        if not index.isValid() or index.row() >= self._layout.cards or self._returning is not None:
            return  # Qt scrolls to the current card of a view that was hidden
        top, height, bar = self._top_of(index.row()), self.viewport().height(), self.verticalScrollBar()
        bottom = self._layout.place(index.row())[1] + self.cards.cell.height()
        if hint == QAbstractItemView.ScrollHint.PositionAtCenter:
            bar.setValue((top + bottom - height) // 2)
        elif hint == QAbstractItemView.ScrollHint.PositionAtTop or top < bar.value():
            bar.setValue(top)
        elif hint == QAbstractItemView.ScrollHint.PositionAtBottom or bottom > bar.value() + height:
            bar.setValue(min(top, bottom - height) if bottom - top > height else bottom - height)

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        count, current, action_of = self._layout.cards, self.currentIndex().row(), QAbstractItemView.CursorAction
        if not count or current < 0:
            return self.pictures.index(0) if count else QModelIndex()
        page = max(1, self.viewport().height() // max(1, self.cards.cell.height()))
        lines = {action_of.MoveUp: -1, action_of.MoveDown: 1, action_of.MovePageUp: -page,
                 action_of.MovePageDown: page}.get(action, 0)
        if lines:
            column = self._goal[1] if self._goal[0] == current else self._layout.place(current)[0] // self._layout.width
            row = self._layout.moved(current, lines, column)
            self._goal = row, column
        else:
            row = {action_of.MoveHome: 0, action_of.MoveEnd: count - 1, action_of.MoveLeft: current - 1,
                   action_of.MovePrevious: current - 1}.get(action, current + 1)
        return self.pictures.index(min(max(0, row), count - 1))

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:
        """From the card at one corner to that at the other, as in a text."""
        offset = self.verticalOffset()
        ends = sorted(self._layout.nearest(point.x(), point.y() + offset)
                      for point in (rect.topLeft(), rect.bottomRight()))
        if ends[0] >= 0:
            self.selectionModel().select(
                QItemSelection(self.pictures.index(ends[0]), self.pictures.index(ends[1])), command)

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        region, seen = QRegion(), self._seen()
        for part in selection.toList():
            for row in range(max(part.top(), seen.start), min(part.bottom() + 1, seen.stop)):
                region += self.visualRect(self.pictures.index(row))
        return region

    def keyboardSearch(self, text: str) -> None:
        """The next picture whose name begins with what was typed."""
        now = monotonic()
        goes_on = now - self._typed_at < QApplication.keyboardInputInterval() / 1000
        self._typed, self._typed_at = (self._typed if goes_on else "") + text.casefold(), now
        count, start = self.pictures.rowCount(), max(0, self.currentIndex().row()) + (len(self._typed) == 1)
        listing, arrangement = self.pictures.listing, self.arrangement
        for row in (*range(start, count), *range(min(start, count))):
            name = (listing.names[arrangement.rows[row]] if listing is not None and arrangement is not None
                    else self.pictures.image(row).path.name.casefold())
            if name.startswith(self._typed):
                self.select_row(row)
                return

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        self.viewport().scroll(0, dy)
        self._place_footer()
        seen = self._seen()
        passed = [key for key, row in self.cards.asked.items() if row not in seen]
        self._thumbnails.drop_requests(passed)
        for key in passed:
            del self.cards.asked[key]

    def _seen(self) -> range:
        return self._layout.visible(self.verticalOffset(), self.verticalOffset() + self.viewport().height())

    def _note_arrived(self, image_id: int) -> None:
        self._arrived.add(image_id)
        if not self._repaint_later.isActive():
            self._repaint_later.start()

    def _show_arrived(self) -> None:
        seen = self._seen()
        for row in seen:
            if int(self.pictures.ids[row]) in self._arrived:
                self.viewport().update(self.visualRect(self.pictures.index(row)))
        self._arrived.clear()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        part, offset = event.rect(), self.verticalOffset()
        painter.fillRect(part, theme.colour("ground"))
        top, bottom = part.top() + offset, part.bottom() + 1 + offset
        if self._layout.header:
            for section in self._layout.sections(top, bottom):
                self._draw_header(painter, section)
        option = QStyleOptionViewItem()
        self.initViewItemOption(option)
        state, selection, current = option.state, self.selectionModel(), self.currentIndex()
        under = self.indexAt(self.viewport().mapFromGlobal(self.cursor().pos())) if self.underMouse() else QModelIndex()
        for row in self._layout.visible(top, bottom):
            index = self.pictures.index(row)
            option.rect = self.visualRect(index)
            option.state = state
            if selection.isSelected(index):
                option.state |= QStyle.StateFlag.State_Selected
            if index == under:
                option.state |= QStyle.StateFlag.State_MouseOver
            if index == current and self.hasFocus():
                option.state |= QStyle.StateFlag.State_HasFocus
            else:
                option.state &= ~QStyle.StateFlag.State_HasFocus
            self.cards.paint(painter, option, index)
        painter.end()

    def _draw_header(self, painter: QPainter, section: int) -> None:
        assert self.arrangement is not None
        by_folder, group = self.arrangement.grouping == "folder", self.arrangement.groups[section]
        place = QRect(GAP // 2, int(self._layout.tops[section]) - self.verticalOffset(), self.viewport().width() - GAP,
                      self._layout.header)
        bold, quiet = theme.font("heading"), theme.font("quiet")
        title = QFontMetrics(bold).elidedText(group_title(group, by_folder), Qt.TextElideMode.ElideLeft, place.width())
        painter.setFont(bold)
        painter.setPen(theme.colour("words"))
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(place, flags, title)
        place.setLeft(place.left() + QFontMetrics(bold).horizontalAdvance(title) + GAP)
        painter.setFont(quiet)
        painter.setPen(theme.colour("quiet"))
        painter.drawText(place, flags, QFontMetrics(quiet).elidedText(
            group_note(group, by_folder), Qt.TextElideMode.ElideRight, max(0, place.width())))

    # ---- events

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        super().resizeEvent(event)
        self._place_footer()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._zoom(1 if event.angleDelta().y() > 0 else -1)
            event.accept()
            return
        super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self._returning = None
        if event.key() == Qt.Key.Key_Space:  # records, everywhere on the panel
            event.ignore()
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._activate()
            return
        super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        section = self._layout.header_at(round(event.position().y()) + self.verticalOffset())
        if section < 0 or event.button() != Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        first, last = int(self._layout.starts[section]), int(self._layout.starts[section + 1]) - 1
        adds = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        self.selectionModel().setCurrentIndex(self.pictures.index(first), Select.NoUpdate)
        self.selectionModel().select(QItemSelection(self.pictures.index(first), self.pictures.index(last)),
                                     Select.Toggle if adds else Select.ClearAndSelect)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.indexAt(event.position().toPoint()).isValid():
            self._activate()

    def _activate(self) -> None:
        current = self.current()
        if current is not None:
            self.activated.emit(current.id)


def group_title(group: "ImageGroup", by_folder: bool) -> str:
    """ "May 2024", or "Holiday/2024"."""
    return _folder(group.folder) if by_folder else wording.month(group.until)


def group_note(group: "ImageGroup", by_folder: bool) -> str:
    """ "181 pictures · Holiday/2024", or "181 pictures · April 2024 – May 2024"."""
    if not by_folder:
        where = (_folder(group.folder) if group.folders == 1
                 else _("{folders} folders").format(folders=wording.count(group.folders)))
        return f"{wording.pictures(group.count)} · {where}"
    months = dict.fromkeys((wording.month(group.since), wording.month(group.until)))
    return f"{wording.pictures(group.count)} · {' – '.join(months)}"


def _folder(path: str) -> str:
    return "/".join(Path(path).parts[-2:]).lstrip("/") or path


def _full(hits: "tuple[Hit, ...]") -> float:
    """The score that fills a bar: a little above the best of these hits, so that bars can be compared."""
    best = max((hit.score for hit in hits[:1]), default=0.0)
    return best * 1.25 if best > 0 else 1.0
