"""Dialog with the identical files of one picture."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from brewclip_app import wording
from brewclip_app.localisation import _, as_shown
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import button, label, look, row
from core.remote import shown

if TYPE_CHECKING:
    from core.search.queries import Hit

PATH = Qt.ItemDataRole.UserRole


class CopiesDialog(QDialog):
    """Lists the paths; a double click shows one in its folder."""

    def __init__(self, parent: QWidget, hit: "Hit", show_file: Callable[[Path], object],
                 show_as_hits: Callable[[], object]) -> None:
        super().__init__(parent)
        title = _("{copies} identical files").format(copies=wording.count(hit.copies))
        self.setWindowTitle(as_shown(title))
        self.resize(620, 380)
        self.list = QListWidget()
        self.list.setAccessibleName(_("Identical files"))
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setSpacing(2)
        look(self.list, "rows")
        for image in hit.files:
            item = QListWidgetItem(shown(image.path))
            item.setToolTip(plain_tip(shown(image.path)))
            item.setData(PATH, image.path)
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        self._show_file = show_file
        self.folder = button(_("Show in folder"), self._show)
        self.copy = button(_("Copy paths"), self._copy)
        self.as_hits = button(_("Show each copy as a result"), self.accept)
        self.accepted.connect(lambda: show_as_hits())
        close = button(_("Close"), self.reject, "main")
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 18, 20, 16)
        box.setSpacing(10)
        box.addWidget(label(title, "title"))
        box.addWidget(label(_("They hold the same picture, so the search shows it once."), "quiet-body", wrap=True))
        box.addWidget(self.list, 1)
        box.addLayout(row(self.folder, self.copy, self.as_hits, None, close))
        self.list.itemActivated.connect(lambda _unused: self._show())
        self.finished.connect(self.deleteLater)

    def _show(self) -> None:
        self._show_file(self.list.currentItem().data(PATH))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(self.list.item(at).text() for at in range(self.list.count())))
