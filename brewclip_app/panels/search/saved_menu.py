"""Small menu at the query: save this search, run a saved one."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu, QWidget

from brewclip_app import tasks, theme
from brewclip_app.localisation import _
from brewclip_app.panels.search.history import QueryHistory
from brewclip_app.panels.search.history_menu import ICONS
from brewclip_app.plain_text import plain_caption, plain_tip

if TYPE_CHECKING:
    from core.store.records import SavedSearch

MOST_LISTED = 20  # all of them are in the history's popup
LONGEST = 60  # characters of a name that the menu shows


class SavedMenu(QMenu):
    """Menu of the saved searches, read whenever it opens; `manage` shows them with what can be done to them."""

    def __init__(self, history: QueryHistory, manage: Callable[[], object], parent: QWidget) -> None:
        super().__init__(parent)
        self._history, self._manage = history, manage
        self.setToolTipsVisible(True)

    def open_under(self, place: QWidget) -> None:
        """Read the saved searches and open below a widget."""
        tasks.start(self._open_at(place.mapToGlobal(QPoint(0, place.height() + 4))))

    def _open(self, record: "SavedSearch") -> None:
        tasks.start(self._history.open(record))

    async def _open_at(self, corner: QPoint) -> None:
        records = await self._history.saved()
        self.clear()
        self.addAction(_("Save this search…\tCtrl+S"), self._history.ask_name)
        self.addSeparator()
        for record in records[:MOST_LISTED]:
            name = record.name if len(record.name) <= LONGEST else f"{record.name[:LONGEST]}…"
            action = self.addAction(theme.icon(ICONS[record.source], "quiet"), plain_caption(name),
                                    partial(self._open, record))
            action.setToolTip(plain_tip(_("{text}\nin {gallery}").format(text=record.text, gallery=record.gallery)))
        self.addSeparator()
        self.addAction(_("All saved searches…"), self._manage).setEnabled(bool(records))
        self.popup(corner)
