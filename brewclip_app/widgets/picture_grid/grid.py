"""Grid of pictures: cards in as many columns as fit, and a line below that shows the weak hits."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelectionModel, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListView,
    QPushButton,
    QSizePolicy,
    QStyle,
    QWidget,
)

from brewclip_app import theme, wording
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets import common
from brewclip_app.widgets.picture_grid.cards import GAP, PictureDelegate
from brewclip_app.widgets.picture_grid.model import PictureModel

if TYPE_CHECKING:
    from core.search.queries import Hit
    from core.store.records import ImageRecord

FOOTER_HEIGHT = 36
SHRINK = 0.12  # of a card that may be missing for one more column: all then are a little narrower
REPAINT_MS = 30  # thumbnails that come within this time are painted together


class PictureGrid(QListView):
    """Cards of pictures. Arrows walk, Enter or a double click activates, Ctrl+wheel changes the size."""

    selection_changed = Signal()  # the current picture, or the selected ones
    activated = Signal(int)  # id of the picture that Enter or a double click chose
    context_requested = Signal(QPoint)  # on the screen; there are selected pictures

    def __init__(self, thumbnails: Thumbnails, on_zoom: Callable[[int], object]) -> None:
        super().__init__()
        self._zoom = on_zoom
        self.pictures = PictureModel(self)
        self.cards = PictureDelegate(thumbnails, self)
        self._card_width = 164
        self._roomy = 0  # cards that were seen at once since these hits came
        self._make_footer()
        self._set_up()
        self.setModel(self.pictures)
        self.setItemDelegate(self.cards)
        self._repaint_later = QTimer(self, singleShot=True, interval=REPAINT_MS)
        self._repaint_later.timeout.connect(self.viewport().update)
        thumbnails.ready.connect(lambda _: self._repaint_later.isActive() or self._repaint_later.start())
        self.selectionModel().currentChanged.connect(self.selection_changed)
        self.selectionModel().selectionChanged.connect(self.selection_changed)
        self.pictures.modelReset.connect(self.selection_changed)
        self.customContextMenuRequested.connect(self._show_menu)
        self.pictures.modelReset.connect(self._show_fold)
        theme.changed.connect(self._fit)

    def set_faded(self, faded: bool) -> None:
        """Draw the hits pale, as those of an earlier query."""
        if self.cards.faded != faded:
            self.cards.faded = faded
            self.viewport().update()

    def _set_up(self) -> None:
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)  # together with setGridSize: else every card is asked for its size
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setMouseTracking(True)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setStyleSheet("PictureGrid { background: transparent; }")
        self.viewport().setAutoFillBackground(False)
        self.setAccessibleName("Pictures")

    def _make_footer(self) -> None:
        self._footer = QWidget(self.viewport())
        row = QHBoxLayout(self._footer)
        row.setContentsMargins(GAP // 2, 0, GAP // 2, 0)
        row.setSpacing(4)
        self._folded_words = common.label()
        self._folded_words.setProperty("look", "quiet")
        self.unfold = QPushButton("Show them")
        self.unfold.setProperty("look", "quiet-link")
        self.unfold.setCursor(Qt.CursorShape.PointingHandCursor)
        self.unfold.clicked.connect(self._show_weak)
        row.addWidget(self._folded_words)
        row.addWidget(self.unfold)
        row.addStretch(1)
        self._footer.hide()

    def show_hits(self, hits: "tuple[Hit, ...]") -> None:
        """Show the hits of another search, the first one selected."""
        self.cards.full_score = _full(hits)
        self._roomy = 0
        self.pictures.set_hits(())  # what was shown before has no say in how much room there is
        self._fill_room()
        self.pictures.set_hits(hits)
        self.scrollToTop()
        self.select_row(0)

    def selected(self) -> "list[ImageRecord]":
        """The selected pictures in the order of the grid."""
        rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        return [self.pictures.hits()[row].image for row in rows]

    def _show_menu(self, at: QPoint) -> None:
        if self.selectionModel().hasSelection():
            self.context_requested.emit(self.viewport().mapToGlobal(at))

    def current(self) -> "ImageRecord | None":
        """The picture that has the keyboard."""
        hit = self.current_hit()
        return hit.image if hit is not None else None

    def current_hit(self) -> "Hit | None":
        """The hit that has the keyboard."""
        return self.pictures.hit(self.currentIndex())

    def sequence(self) -> list[int]:
        """Ids of all pictures in the order shown."""
        return [hit.image.id for hit in self.pictures.hits()]

    def select(self, ids: Collection[int]) -> None:
        """Select these pictures, the first of them in the order shown becoming the current one."""
        wanted = set(ids)
        rows = [row for row, image_id in enumerate(self.sequence()) if image_id in wanted]
        self.selectionModel().clearSelection()
        for row in rows[:1]:
            self.select_row(row)
            self.scrollTo(self.currentIndex())
        for row in rows[1:]:
            self.selectionModel().select(self.pictures.index(row), QItemSelectionModel.SelectionFlag.Select)

    def select_row(self, row: int) -> None:
        """Select one hit; a row that is not there selects none."""
        if 0 <= row < self.pictures.rowCount():
            self.selectionModel().setCurrentIndex(self.pictures.index(row),
                                                  QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def keep_current(self, image_id: int | None) -> None:
        """Select a picture again after the order changed."""
        self.select_row(max(0, self.pictures.row_of(image_id)) if image_id is not None else 0)
        if self.currentIndex().isValid():
            self.scrollTo(self.currentIndex())

    def set_card_width(self, width: int) -> None:
        """The width of a picture, px; cards grow from there, or shrink a little, to fill the row."""
        if width != self._card_width:
            self._card_width = width
            self._fit()

    def columns(self) -> int:
        """Number of cards side by side."""
        return max(1, int(self._room() / (self._card_width + GAP) + SHRINK))

    def _room(self) -> int:
        """The width that QListView fills: it keeps the style's width of a scroll bar free, shown or not."""
        style, bar = self.style(), self.verticalScrollBar()
        extent = max(style.pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent, None, bar), bar.sizeHint().width())
        frame = style.pixelMetric(QStyle.PixelMetric.PM_DefaultFrameWidth, None, self)
        return self.maximumViewportSize().width() - extent - 2 * frame - 1

    def _fit(self) -> None:
        columns = self.columns()
        width = self._room() // columns
        self.cards.cell = QSize(width, self.cards.cell_height(width))
        if self.gridSize() != self.cards.cell:
            self.setGridSize(self.cards.cell)
        self._fill_room()
        self._place_footer()

    def _fill_room(self) -> None:
        """A large window shows more weak hits; a smaller one folds none away that were seen."""
        rows = (self.viewport().height() - FOOTER_HEIGHT) // max(1, self.cards.cell.height())
        room = self.columns() * rows
        if room <= self._roomy:
            return
        self._roomy = room
        current = self.current()
        if self.pictures.set_room(room) and current is not None:
            self.keep_current(current.id)

    def _show_fold(self) -> None:
        folded = self.pictures.folded
        best = wording.count(self.pictures.rowCount() + folded)  # a search gives the best, not all that it looked at
        self._folded_words.setText(f"{wording.count(folded)} more of the {best} best pictures are weak matches.")
        self._footer.setVisible(folded > 0)
        self._footer.adjustSize()
        self.scheduleDelayedItemsLayout()

    def _show_weak(self) -> None:
        current = self.current()
        first_new = self.pictures.rowCount()
        self.pictures.show_weak()
        self.keep_current(current.id if current else None)
        self.setFocus()
        if first_new < self.pictures.rowCount() and self.pictures.order == "relevance":
            self.scrollTo(self.pictures.index(first_new), QAbstractItemView.ScrollHint.EnsureVisible)

    def _bottom(self) -> int:
        """Lower end of the cards, px from their top."""
        return -(-self.pictures.rowCount() // self.columns()) * self.gridSize().height()

    def _place_footer(self) -> None:
        if self._footer.isVisibleTo(self.viewport()):
            self._footer.setGeometry(0, self._bottom() - self.verticalOffset(), self.viewport().width(), FOOTER_HEIGHT)

    def updateGeometries(self) -> None:
        """Room for the line below the last row."""
        super().updateGeometries()
        if self.pictures.folded:
            beyond = self._bottom() + FOOTER_HEIGHT - self.viewport().height()
            self.verticalScrollBar().setMaximum(max(self.verticalScrollBar().maximum(), beyond, 0))
        self._place_footer()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        super().scrollContentsBy(dx, dy)
        self._place_footer()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        super().resizeEvent(event)
        self._place_footer()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._zoom(1 if event.angleDelta().y() > 0 else -1)
            event.accept()
            return
        super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:  # records, everywhere on the panel
            event.ignore()
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._activate()
            return
        super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.indexAt(event.position().toPoint()).isValid():
            self._activate()

    def _activate(self) -> None:
        current = self.current()
        if current is not None:
            self.activated.emit(current.id)


def _full(hits: "tuple[Hit, ...]") -> float:
    """The score that fills a bar: a little above the best of these hits, so that bars can be compared."""
    best = max((hit.score for hit in hits[:1]), default=0.0)
    return best * 1.25 if best > 0 else 1.0
