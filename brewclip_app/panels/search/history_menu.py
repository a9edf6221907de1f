"""What was asked before: search in it, run it again, hear it, forget it."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QLocale, QObject, QPoint, QSize, Qt, QTime, Signal, SignalInstance
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QFrame, QLineEdit, QListWidget, QListWidgetItem, QWidget

from brewclip_app import theme
from brewclip_app.panels.search.detail_pane import date_words
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import button, column, label, look, row

if TYPE_CHECKING:
    from core.store.records import QueryRecord

SIZE = QSize(440, 420)
NOTHING_ASKED = "Nothing was asked yet."
MOVING = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
ICONS = {"speech": "microphone", "text": "text", "image": "library", "mixed": "plus"}


def when_words(moment: datetime, now: datetime) -> str:
    """ "14:05" today, "12 Jan 2024" before. `moment` is in UTC, or has its zone."""
    local = moment.astimezone() if moment.tzinfo else moment
    if local.date() == now.date():
        return QLocale().toString(QTime(local.hour, local.minute), QLocale.FormatType.ShortFormat)
    return date_words(local)


class HistoryMenu(QFrame):
    """A popup with past queries, newest first. Enter asks again, Delete forgets."""

    chosen = Signal(object)  # QueryRecord
    play_wanted = Signal(object)
    forgotten = Signal(object)
    cleared = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        look(self, "overlay")
        self.list = QListWidget()
        self.list.setAccessibleName("Past queries")
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search history")
        self.search.setAccessibleName("Search history")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.search.returnPressed.connect(lambda: self._tell(self.chosen))
        self.search.installEventFilter(self)
        self.empty = label(NOTHING_ASKED, "quiet-body")
        self.again = button("Ask again", lambda: self._tell(self.chosen), "main")
        self.play = button("Play", lambda: self._tell(self.play_wanted), icon="play")
        self.forget = button("Forget", lambda: self._tell(self.forgotten))
        self.clear = button("Clear all…", self._clear, "danger")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        box = column(label("History", "heading"), self.search, self.empty, self.list,
                     row(self.again, self.play, self.forget, None, self.clear))
        box.setContentsMargins(12, 10, 12, 12)
        for filling in (2, 3):  # the one that is shown
            box.setStretch(filling, 1)
        self.setLayout(box)
        self.list.itemActivated.connect(lambda _: self._tell(self.chosen))
        self.chosen.connect(self.hide)
        self.list.currentItemChanged.connect(lambda now, before: self._settle())
        self._settle()

    def show_records(self, records: "Sequence[QueryRecord]", now: datetime) -> None:
        """Show these, newest first."""
        at = max(0, self.list.currentRow())
        self.list.clear()
        for record in records:
            item = QListWidgetItem(theme.icon(ICONS[record.source], "quiet"),
                                   f"{when_words(record.created, now)}   {record.text}")
            item.setData(Qt.ItemDataRole.UserRole, record)
            item.setToolTip(plain_tip(f"{record.text}\nin {record.gallery}"))
            item.setSizeHint(QSize(0, theme.line_height(self.font()) + 12))
            self.list.addItem(item)
        self.list.setCurrentRow(min(at, len(records) - 1))
        self._filter()

    def open_at(self, corner: QPoint) -> None:
        """Open with the top right corner at a place of the screen."""
        self.resize(SIZE)
        screen = self.screen().availableGeometry()
        left = max(screen.left(), min(corner.x() - self.width(), screen.right() - self.width()))
        self.move(left, min(corner.y(), max(screen.top(), screen.bottom() - self.height())))
        self.search.clear()
        self.show()
        self.search.setFocus()

    def record(self) -> "QueryRecord | None":
        """The chosen one."""
        item = self.list.currentItem()
        found: QueryRecord | None = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
        return found

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keys that move in the list do so from the search field too; Esc empties the field first."""
        if watched is self.search and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in MOVING:
                QApplication.sendEvent(self.list, event)
                return True
            if event.key() == Qt.Key.Key_Escape and self.search.text():
                self.search.clear()
                return True
            if event.key() == Qt.Key.Key_Delete and not self.search.text():
                self._tell(self.forgotten)
                return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self._tell(self.forgotten)
            return
        super().keyPressEvent(event)

    def _filter(self) -> None:
        """Show the queries with all typed words in their text or their gallery's name."""
        words = self.search.text().casefold().split()
        for at in range(self.list.count()):
            item = self.list.item(at)
            record: QueryRecord = item.data(Qt.ItemDataRole.UserRole)
            text = f"{record.text} {record.gallery}".casefold()
            item.setHidden(not all(word in text for word in words))
        current = self.list.currentItem()
        if current is None or current.isHidden():
            shown = self._shown()
            self.list.setCurrentRow(self.list.row(shown[0]) if shown else -1)
        self._settle()

    def _shown(self) -> list[QListWidgetItem]:
        return [item for at in range(self.list.count()) if not (item := self.list.item(at)).isHidden()]

    def _tell(self, signal: SignalInstance) -> None:
        record = self.record()
        if record is None:
            return
        signal.emit(record)

    def _clear(self) -> None:
        """The first click asks, the second does it."""
        if self.clear.property("asked"):
            self._ask(False)
            self.cleared.emit()
        else:
            self._ask(True)

    def _ask(self, asked: bool) -> None:
        number = self.list.count()
        self.clear.setProperty("asked", asked)
        self.clear.setText(f"Forget all {number} and their recordings?" if asked else "Clear all…")

    def _settle(self) -> None:
        record, some, shown = self.record(), self.list.count() > 0, bool(self._shown())
        self.list.setVisible(shown)
        self.empty.setVisible(not shown)
        self.empty.setText("No query matches." if some else NOTHING_ASKED)
        self.search.setVisible(some)
        self.clear.setEnabled(some)
        for each in (self.again, self.forget):
            each.setEnabled(record is not None)
        self.play.setEnabled(record is not None and record.recording is not None)
        self._ask(False)
