"""Actions on hits: open, show in folder, copy, more like these, add to the query, tag."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QPoint, QProcess, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication, QImage
from PySide6.QtWidgets import QMenu, QWidget

from brewclip_app import tasks, wording
from brewclip_app.panels.search.controller import SearchController
from brewclip_app.panels.search.copies_dialog import CopiesDialog
from brewclip_app.plain_text import plain_caption
from brewclip_app.qt_imports import dbus
from brewclip_app.thumbnails import to_qimage
from brewclip_app.widgets.file_dialogs import ask_folder
from brewclip_app.widgets.name_dialogs import NameDialog
from core import private_files
from core.errors import BrewclipError, ImageError
from core.progress import JobCancelled, Report
from core.remote import is_remote, shown

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.picture_files import CopiedFiles
    from core.search.queries import Hit
    from core.store.records import ImageRecord

T = TypeVar("T")
MOST_TAGS = 20  # in the menu
MOST_EXAMPLES = 8  # images of a query; more of them add nothing


class HitActions:
    """Actions on some hits; those for one alone take the first. A file that is gone is reported, not opened."""

    def __init__(self, context: "Context", controller: SearchController, owner: QWidget,
                 on_tagged: "Callable[[list[ImageRecord]], object]") -> None:
        self._context, self._controller, self._owner, self._on_tagged = context, controller, owner, on_tagged
        self.tags: tuple[tuple[str, int], ...] = ()  # of the gallery

    def show_menu(self, hits: "Sequence[Hit]", at: QPoint) -> None:
        """Open the context menu of some hits; `at` is on the screen."""
        self.menu(hits).popup(at)

    def menu(self, hits: "Sequence[Hit]") -> QMenu:
        """The context menu of some hits."""
        menu = QMenu(self._owner)
        menu.aboutToHide.connect(menu.deleteLater)
        first, one, few = hits[0], len(hits) == 1, 1 < len(hits) <= MOST_EXAMPLES
        if not one:
            menu.addAction(f"{wording.count(len(hits))} selected").setEnabled(False)
            menu.addSeparator()
        rows: tuple[tuple[str, Callable[[Sequence[Hit]], object], bool] | None, ...] = (
            ("Open", self.open, one),
            ("Show in folder", self.show_in_folder, one),
            (f"List the {first.copies} copies…", self.list_copies, one and first.copies > 1),
            None,
            ("Copy path" if one else f"Copy {len(hits)} paths", self.copy_paths, True),
            ("Copy picture", self.copy_picture, one),
            ("Copy the file to a folder…" if one else "Copy the files to a folder…", self.choose_target, True),
            None,
            ("Why this picture?\tI", self.inspect, one),
            ("More like this", self.more_like, one),
            ("More like these", self.more_like, few),
            ("Add to the query", self.add, one),
            ("Add these to the query", self.add, few),
            ("Exclude pictures like this", self.exclude, one),
            None)
        for row in rows:
            if row is None:
                menu.addSeparator()
            elif row[2]:
                menu.addAction(row[0], partial(row[1], hits))
        self._add_tags(menu, hits)
        return menu

    def inspect(self, hits: "Sequence[Hit]") -> None:
        """Explain a hit in the Inspect panel."""
        if hits:
            self._controller.inspect(hits[0])

    def more_like(self, hits: "Sequence[Hit]") -> None:
        """A new query of these images."""
        self._controller.more_like(hits)

    def add(self, hits: "Sequence[Hit]") -> None:
        """Add images to the query."""
        self._controller.add_hits(hits)

    def exclude(self, hits: "Sequence[Hit]") -> None:
        """Exclude what is like an image from the query."""
        self._controller.add_image(hits[0].image.path, hits[0].image.id, -1)

    def open(self, hits: "Sequence[Hit]") -> None:
        """Open an image in the system's viewer; one at an address is downloaded first."""
        path = hits[0].image.path
        if is_remote(path):
            tasks.start(self._download(path))
        elif not path.exists():
            self._controller.show_message(
                f"{path.name} is gone from {path.parent}. Index the gallery again to remove it.")
        elif not QDesktopServices.openUrl(_url(path)):
            self._controller.show_message(f"No program on this computer opens {path.name}.")

    async def _download(self, path: Path) -> None:
        copy = await self._run(f"Downloading {path.name}",
                               lambda report: _downloaded(path, self._context.home.caches / "opened"), "bring-picture")
        if copy is not None:
            QDesktopServices.openUrl(_url(copy))

    async def _run(self, name: str, work: Callable[[Report], T], key: str = "") -> T | None:
        """Run a job; None, and a message, when it fails."""
        try:
            return await self._context.jobs.run(name, work, key=key)
        except BrewclipError as error:
            self._controller.show_message(str(error))
            return None

    def show_in_folder(self, hits: "Sequence[Hit]") -> None:
        """Show an image in the file manager."""
        self.show_file(hits[0].image.path)

    def show_file(self, path: Path) -> None:
        """Open the folder of a file in the file manager, the file selected where the system can."""
        if is_remote(path):
            self._controller.show_message(f"It is stored at {shown(path.parent)}.")
        elif not path.parent.exists():
            self._controller.show_message(f"The folder {path.parent} is gone.")
        elif sys.platform == "darwin":
            QProcess.startDetached("open", ["-R", str(path)])
        elif sys.platform == "win32":
            QProcess.startDetached("explorer", ["/select,", str(path)])
        elif not _select_by_dbus(path):
            QDesktopServices.openUrl(_url(path.parent))

    def copy_paths(self, hits: "Sequence[Hit]") -> None:
        """The paths, one on each line."""
        QGuiApplication.clipboard().setText("\n".join(shown(hit.image.path) for hit in hits))
        self._controller.show_message("Path copied." if len(hits) == 1 else f"{len(hits)} paths copied.")

    def list_copies(self, hits: "Sequence[Hit]") -> None:
        """List the identical files of a hit."""
        CopiesDialog(self._owner, hits[0], self.show_file, lambda: self._controller.show_copies(True)).open()

    def choose_target(self, hits: "Sequence[Hit]") -> None:
        """Let the user choose a folder and copy the files into it."""
        ask_folder(self._owner, "copies", f"Copy {wording.pictures(len(hits))} to a folder",
                   lambda folder: self.copy_files(hits, folder))

    def copy_files(self, hits: "Sequence[Hit]", folder: Path) -> None:
        """Copy the files of hits into a folder; nothing there is overwritten."""
        tasks.start(self._copy_files([hit.image.path for hit in hits], folder))

    async def _copy_files(self, paths: list[Path], folder: Path) -> None:
        def work(report: Report) -> "CopiedFiles":
            from core.picture_files import copy_files
            return copy_files(paths, folder, report)

        try:
            copied = await self._run(f"Copying {wording.pictures(len(paths))}", work)
        except JobCancelled:
            self._controller.show_message(f"Stopped. What was copied is in {folder}.")
            return
        if copied is not None:
            more = f" and {len(copied.failed) - 1} more" if len(copied.failed) > 1 else ""
            failed = f" {copied.failed[0]}{more}" if copied.failed else ""
            self._controller.show_message(f"{wording.pictures(copied.copied)} copied to {copied.folder}.{failed}")

    def copy_picture(self, hits: "Sequence[Hit]") -> None:
        """Copy an image in full size to the clipboard."""
        tasks.start(self._copy_picture(hits[0].image.path))

    async def _copy_picture(self, path: Path) -> None:
        limit = float(self._context.settings["images.max_megapixels"])

        def read(report: Report) -> QImage:
            from core import images
            return to_qimage(images.read(path, limit).rgb)

        picture = await self._run("Copying the picture", read, "copy-picture")
        if picture is not None:
            QGuiApplication.clipboard().setImage(picture)
            self._controller.show_message("Picture copied.")

    def tag(self, hits: "Sequence[Hit]", name: str, put: bool, dialog: NameDialog | None = None) -> None:
        """Give a tag to pictures, or take it from them; a dialog that asked for it closes when that is done."""
        ids = [hit.image.id for hit in hits]
        gallery = self._context.gallery

        def work(report: Report) -> "list[ImageRecord]":
            target = self._context.explorer.gallery(gallery)
            (target.add_tag if put else target.remove_tag)(ids, name)
            return list(target.images(ids))

        if dialog is not None:
            dialog.save(self._context.jobs, "Tagging", work, self._on_tagged)
        else:
            self._context.jobs.submit("Tagging", work, on_done=self._on_tagged, quiet=True)

    def ask_tag(self, hits: "Sequence[Hit]") -> None:
        """Let the user type a tag."""
        NameDialog(self._owner, f"Tag {wording.pictures(len(hits))}", "Tag",
                   lambda name, dialog: self.tag(hits, name, True, dialog), holder="tag").open()

    def _add_tags(self, menu: QMenu, hits: "Sequence[Hit]") -> None:
        tags = menu.addMenu("Tag")
        tags.addAction("New tag…", partial(self.ask_tag, hits))
        own = sorted({tag for hit in hits for tag in hit.image.tags})
        names = list(dict.fromkeys([*own, *(name for name, _ in self.tags)]))[:MOST_TAGS]
        if names:
            tags.addSeparator()
        for name in names:
            action = tags.addAction(plain_caption(name))
            action.setCheckable(True)
            action.setChecked(all(name in hit.image.tags for hit in hits))
            action.triggered.connect(lambda put, name=name: self.tag(hits, name, put))


def _downloaded(path: Path, folder: Path) -> Path:
    """Local copy of an image at an address; ImageError when it cannot be read."""
    from core import images

    copy = folder / sha256(str(path).encode()).hexdigest()[:12] / path.name
    content = images.fetched(path)
    try:
        private_files.make_folder(copy.parent)
        private_files.write_atomically(copy, content, durable=False)
    except OSError as error:
        raise ImageError(f"{path.name} could not be downloaded: {error.strerror}.",
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
