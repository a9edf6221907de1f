"""Popup with the history of queries and the saved searches: filter, search again, play, save, rename, delete."""

from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import QEvent, QLocale, QObject, QPoint, QSize, Qt, QTime
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QButtonGroup, QFrame, QLineEdit, QListWidget, QListWidgetItem, QWidget

from brewclip_app import tasks, theme
from brewclip_app.localisation import _
from brewclip_app.panels.search.history import QueryHistory
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import button, column, label, look, row
from brewclip_app.widgets.picture_facts import date_words

if TYPE_CHECKING:
    from core.store.records import QueryRecord, SavedSearch

SIZE = QSize(480, 420)
NO_QUERY = _("No query yet.")
NO_SAVED = _("No search is saved yet. Ctrl+S saves the one on the screen.")
HAYSTACK = Qt.ItemDataRole.UserRole + 1  # case folded
MOVING = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
ICONS = {"speech": "microphone", "text": "text", "image": "library", "mixed": "plus"}


def when_words(moment: datetime, now: datetime) -> str:
    """ "14:05" today, "12 Jan 2024" before. `moment` is in UTC, or has its zone."""
    local = moment.astimezone() if moment.tzinfo else moment
    if local.date() == now.date():
        return QLocale().toString(QTime(local.hour, local.minute), QLocale.FormatType.ShortFormat)
    return date_words(local)


def date_forms(moment: datetime, now: datetime) -> str:
    """A date as people may type it: "2026-05-04 4 May 2026 May Monday today"."""
    local = moment.astimezone() if moment.tzinfo else moment
    days = {0: "today", 1: "yesterday"}.get((now.date() - local.date()).days, "")
    return f"{local:%Y-%m-%d} {date_words(local)} {local:%B %A} {days}"


class HistoryMenu(QFrame):
    """Popup with past queries, newest first, or saved searches by name. Enter searches again, Delete deletes."""

    def __init__(self, history: QueryHistory, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._history = history
        look(self, "overlay")
        self.list = QListWidget()
        self.list.setAccessibleName(_("Queries"))
        self.past = button(_("History"), lambda: self._turn(False))
        self.saved = button(_("Saved searches"), lambda: self._turn(True))
        pages = QButtonGroup(self)
        for page in (self.past, self.saved):
            page.setCheckable(True)
            pages.addButton(page)
        self.past.setChecked(True)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.search = QLineEdit()
        self.search.setPlaceholderText(_("Words, gallery or date"))
        self.search.setToolTip(_("Such as: dog, Holidays, May, 2026-05, yesterday"))
        self.search.setAccessibleName(_("Search the queries: words, gallery or date"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.search.returnPressed.connect(self._open)
        self.search.installEventFilter(self)
        self.empty = label(NO_QUERY, "quiet-body")
        self.again = button(_("Search again"), self._open, "main")
        self.play = button(_("Play"), lambda: self._run(history.play), icon="play")
        self.save = button(_("Save…"), self._save, tip=_("Save this query under a name"))
        self.rename = button(_("Rename…"), self._rename)
        self.delete = button(_("Delete"), lambda: self._run(self._delete))
        self.clear = button(_("Delete all…"), self._clear, "danger")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        box = column(row(self.past, self.saved, None), self.search, self.empty, self.list,
                     row(self.again, self.play, self.save, self.rename, self.delete, None, self.clear))
        box.setContentsMargins(12, 10, 12, 12)
        for filling in (2, 3):  # the one that is shown
            box.setStretch(filling, 1)
        self.setLayout(box)
        self.list.itemActivated.connect(lambda _unused: self._open())
        self.list.currentItemChanged.connect(lambda now, before: self._settle())
        self._settle()

    def open_under(self, button: QWidget, saved: bool = False) -> None:
        """Read the history, or the saved searches, and open below a button."""
        (self.saved if saved else self.past).setChecked(True)
        tasks.start(self._open_at(button.mapToGlobal(QPoint(button.width(), button.height() + 4))))

    async def _open_at(self, corner: QPoint) -> None:
        await self.refresh()
        self.open_at(corner)

    async def refresh(self) -> None:
        """Read the page in front."""
        records: Sequence[QueryRecord | SavedSearch] = (
            await self._history.saved() if self.saved.isChecked() else await self._history.records())
        self.show_records(records, datetime.now().astimezone())

    def _turn(self, saved: bool) -> None:
        """Show the other page."""
        (self.saved if saved else self.past).setChecked(True)
        tasks.start(self.refresh())
        self.search.setFocus()

    def show_records(self, records: "Sequence[QueryRecord | SavedSearch]", now: datetime) -> None:
        """List queries in their order."""
        at = max(0, self.list.currentRow())
        self.list.clear()
        for record in records:
            first = self._first_words(record, now)
            item = QListWidgetItem(theme.icon(ICONS[record.source], "quiet"),
                                   f"{first}   {record.text}")
            item.setData(Qt.ItemDataRole.UserRole, record)
            words = (first, record.text, record.gallery, date_forms(record.created, now))
            item.setData(HAYSTACK, " ".join(words).casefold())
            item.setToolTip(plain_tip(_("{text}\nin {gallery}").format(text=record.text, gallery=record.gallery)))
            item.setSizeHint(QSize(0, theme.line_height(self.font()) + 12))
            self.list.addItem(item)
        self.list.setCurrentRow(min(at, len(records) - 1))
        self._filter()

    def open_at(self, corner: QPoint) -> None:
        """Open with the top right corner at a point of the screen."""
        self.resize(SIZE)
        screen = self.screen().availableGeometry()
        left = max(screen.left(), min(corner.x() - self.width(), screen.right() - self.width()))
        self.move(left, min(corner.y(), max(screen.top(), screen.bottom() - self.height())))
        self.search.clear()
        self.show()
        self.search.setFocus()

    def record(self) -> "QueryRecord | SavedSearch | None":
        """The chosen query."""
        item = self.list.currentItem()
        record: QueryRecord | SavedSearch | None = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
        return record

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
                self._run(self._delete)
                return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self._run(self._delete)
            return
        super().keyPressEvent(event)

    def _filter(self) -> None:
        """Show the queries that have all typed words in their text, name, gallery or date."""
        words = self.search.text().casefold().split()
        for at in range(self.list.count()):
            item = self.list.item(at)
            item.setHidden(not all(word in item.data(HAYSTACK) for word in words))
        current = self.list.currentItem()
        if current is None or current.isHidden():
            shown = self._shown()
            self.list.setCurrentRow(self.list.row(shown[0]) if shown else -1)
        self._settle()

    def _shown(self) -> list[QListWidgetItem]:
        return [item for at in range(self.list.count()) if not (item := self.list.item(at)).isHidden()]

    def _run(self, action: "Callable[[QueryRecord | SavedSearch], Coroutine[Any, Any, None]]") -> bool:
        """Act on the chosen query; whether there is one."""
        record = self.record()
        if record is not None:
            tasks.start(action(record))
        return record is not None

    def _open(self) -> None:
        if self._run(self._history.open):
            self.hide()

    def _save(self) -> None:
        record = self.record()
        if record is not None:
            self.hide()
            self._history.ask_name(record)

    def _rename(self) -> None:
        record = self.record()
        if record is not None:
            self.hide()
            self._history.ask_new_name(cast("SavedSearch", record))

    async def _delete(self, record: "QueryRecord | SavedSearch") -> None:
        await self._history.delete(record, self.saved.isChecked())
        await self.refresh()

    def _clear(self) -> None:
        """The first click asks, the second deletes."""
        confirmed = bool(self.clear.property("asked"))
        self._ask(not confirmed)
        if confirmed:
            tasks.start(self._delete_all())

    async def _delete_all(self) -> None:
        await self._history.clear()
        await self.refresh()

    def _ask(self, asked: bool) -> None:
        number = self.list.count()
        self.clear.setProperty("asked", asked)
        self.clear.setText(_("Delete all {number} and their recordings?").format(number=number) if asked
                           else _("Delete all…"))

    def _settle(self) -> None:
        record, some, shown = self.record(), self.list.count() > 0, bool(self._shown())
        saved = self.saved.isChecked()
        self.list.setVisible(shown)
        self.empty.setVisible(not shown)
        self.empty.setText(_("No query matches.") if some else NO_SAVED if saved else NO_QUERY)
        self.search.setVisible(some)
        self.again.setText(_("Search") if saved else _("Search again"))
        for control, here in ((self.save, not saved), (self.rename, saved), (self.clear, not saved)):
            control.setVisible(here)
        self.clear.setEnabled(some)
        for control in (self.again, self.save, self.rename, self.delete):
            control.setEnabled(record is not None)
        self.play.setEnabled(record is not None and bool(record.recordings))
        self._ask(False)

    def _first_words(self, record: "QueryRecord | SavedSearch", now: datetime) -> str:
        """Name of a saved search, time of one of the history."""
        saved = self.saved.isChecked()
        return cast("SavedSearch", record).name if saved else when_words(record.created, now)
