"""Actions on hits: open, show in folder, more like these, add to the query, and those of `TakeAway`."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QProcess, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMenu, QWidget

from brewclip_app import tasks, wording
from brewclip_app.localisation import _
from brewclip_app.panels.search.controller import SearchController
from brewclip_app.panels.search.copies_dialog import CopiesDialog
from brewclip_app.qt_imports import dbus
from brewclip_app.taking_away import TakeAway
from core import private_files
from core.errors import ImageError
from core.remote import is_remote, shown

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.search.queries import Hit
    from core.store.records import ImageRecord

MOST_EXAMPLES = 8  # images of a query; more of them add nothing


class HitActions:
    """Actions on some pictures; those for one alone take the first. A file that is gone is reported, not opened."""

    def __init__(self, context: "Context", controller: SearchController, owner: QWidget, away: TakeAway) -> None:
        self._context, self._controller, self._owner, self.away = context, controller, owner, away

    def hits(self) -> "dict[int, Hit]":
        """The hits that are shown, by the id of their picture."""
        answer = self._controller.state.answer
        return {hit.image.id: hit for hit in answer.hits} if answer is not None else {}

    def show_menu(self, images: "Sequence[ImageRecord]", at: QPoint, hit: "Hit | None" = None) -> None:
        """Open the context menu of some pictures; `at` is on the screen."""
        self.menu(images, hit).popup(at)

    def menu(self, images: "Sequence[ImageRecord]", hit: "Hit | None" = None) -> QMenu:
        """The context menu of some pictures; `hit` is that of a single one, if it has any."""
        menu = QMenu(self._owner)
        menu.aboutToHide.connect(menu.deleteLater)
        one, few = len(images) == 1, 1 < len(images) <= MOST_EXAMPLES
        copies = hit.copies if one and hit is not None else 1
        if not one:
            menu.addAction(_("{images} selected").format(images=wording.count(len(images)))).setEnabled(False)
            menu.addSeparator()
        rows: tuple[tuple[str, Callable[[Sequence[ImageRecord]], object], bool] | None, ...] = (
            (_("Open"), self.open, one),
            (_("Show in folder"), self.show_in_folder, one),
            (_("List the {copies} copies…").format(copies=copies), lambda _unused: self.list_copies(hit), copies > 1),
            (_("Duplicates of this picture…"), self.show_duplicates, one),
            None,
            (_("Why this picture?\tI"), self.inspect, one),
            (_("More like this"), self.more_like, one),
            (_("More like these"), self.more_like, few),
            (_("Add to the query"), self.add, one),
            (_("Add these to the query"), self.add, few),
            (_("Exclude pictures like this"), self.exclude, one),
            (_("Show the query on the map"), lambda _unused: self._controller.show_on_map(), bool(self.hits())),
            None)
        for row in rows:
            if row is None:
                menu.addSeparator()
            elif row[2]:
                menu.addAction(row[0], partial(row[1], images))
        self.away.add_to_menu(menu, images, self.hits())
        return menu

    def inspect(self, images: "Sequence[ImageRecord]") -> None:
        """Explain a picture in the Inspect panel."""
        if images:
            self._controller.inspect(images[0])

    def show_duplicates(self, images: "Sequence[ImageRecord]") -> None:
        """Show the duplicates of a picture in the Duplicates panel."""
        self._controller.go_to.emit("duplicates", images[0].id)

    def more_like(self, images: "Sequence[ImageRecord]") -> None:
        """A new query of these images."""
        self._controller.more_like(images)

    def add(self, images: "Sequence[ImageRecord]") -> None:
        """Add images to the query."""
        self._controller.add_images(images)

    def exclude(self, images: "Sequence[ImageRecord]") -> None:
        """Exclude what is like an image from the query."""
        self._controller.add_image(images[0].path, images[0].id, -1)

    def open(self, images: "Sequence[ImageRecord]") -> None:
        """Open an image in the system's viewer; one at an address is downloaded first."""
        path = images[0].path
        if is_remote(path):
            tasks.start(self._download(path))
        elif not path.exists():
            self._controller.show_message(
                _("{name} is gone from {parent}. Index the gallery again to remove it.").format(name=path.name,
                                                                                                parent=path.parent))
        elif not QDesktopServices.openUrl(_url(path)):
            self._controller.show_message(_("No program on this computer opens {name}.").format(name=path.name))

    async def _download(self, path: Path) -> None:
        copy = await self.away.run(_("Downloading {name}").format(name=path.name),
                                   lambda report: _downloaded(path, self._context.home.caches / "opened"),
                                   "bring-picture")
        if copy is not None:
            QDesktopServices.openUrl(_url(copy))

    def show_in_folder(self, images: "Sequence[ImageRecord]") -> None:
        """Show an image in the file manager."""
        self.show_file(images[0].path)

    def show_file(self, path: Path) -> None:
        """Open the folder of a file in the file manager, the file selected where the system can."""
        if is_remote(path):
            self._controller.show_message(_("It is stored at {shown}.").format(shown=shown(path.parent)))
        elif not path.parent.exists():
            self._controller.show_message(_("The folder {parent} is gone.").format(parent=path.parent))
        elif sys.platform == "darwin":
            QProcess.startDetached("open", ["-R", str(path)])
        elif sys.platform == "win32":
            QProcess.startDetached("explorer", ["/select,", str(path)])
        elif not _select_by_dbus(path):
            QDesktopServices.openUrl(_url(path.parent))

    def list_copies(self, hit: "Hit | None") -> None:
        """List the identical files of a hit."""
        if hit is not None:
            CopiesDialog(self._owner, hit, self.show_file, lambda: self._controller.show_copies(True)).open()


def _downloaded(path: Path, folder: Path) -> Path:
    """Local copy of an image at an address; ImageError when it cannot be read."""
    from core import images

    copy = folder / sha256(str(path).encode()).hexdigest()[:12] / path.name
    content = images.fetched(path)
    try:
        private_files.make_folder(copy.parent)
        private_files.write_atomically(copy, content, durable=False)
    except OSError as error:
        raise ImageError(_("{name} could not be downloaded: {strerror}.").format(name=path.name,
                                                                                 strerror=error.strerror),
                         "unreadable") from error
    return copy


def _url(path: Path) -> QUrl:
    return QUrl.fromLocalFile(str(path))


def _select_by_dbus(path: Path) -> bool:
    """Ask the desktop's file manager; False where there is none to ask."""
    if dbus is None:
        return False
    bus = dbus.QDBusConnection.sessionBus()
    if not bus.isConnected():
        return False
    manager = dbus.QDBusInterface("org.freedesktop.FileManager1", "/org/freedesktop/FileManager1",
                                  "org.freedesktop.FileManager1", bus)
    manager.setTimeout(1500)
    answer = manager.call("ShowItems", [_url(path).toString()], "")
    return bool(answer.type() != dbus.QDBusMessage.MessageType.ErrorMessage)
