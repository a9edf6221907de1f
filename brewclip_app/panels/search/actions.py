"""Actions on pictures: open, show in folder, copy, more like these, add to the query, tag."""

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
    """Actions on some pictures; those for one alone take the first. A file that is gone is reported, not opened."""

    def __init__(self, context: "Context", controller: SearchController, owner: QWidget,
                 on_tagged: "Callable[[list[ImageRecord]], object]") -> None:
        self._context, self._controller, self._owner, self._on_tagged = context, controller, owner, on_tagged
        self.tags: tuple[tuple[str, int], ...] = ()  # of the gallery

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
            menu.addAction(f"{wording.count(len(images))} selected").setEnabled(False)
            menu.addSeparator()
        rows: tuple[tuple[str, Callable[[Sequence[ImageRecord]], object], bool] | None, ...] = (
            ("Open", self.open, one),
            ("Show in folder", self.show_in_folder, one),
            (f"List the {copies} copies…", lambda _: self.list_copies(hit), copies > 1),
            None,
            ("Copy path" if one else f"Copy {len(images)} paths", self.copy_paths, True),
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
                menu.addAction(row[0], partial(row[1], images))
        self._add_tags(menu, images)
        return menu

    def inspect(self, images: "Sequence[ImageRecord]") -> None:
        """Explain a picture in the Inspect panel."""
        if images:
            self._controller.inspect(images[0])

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

    def show_in_folder(self, images: "Sequence[ImageRecord]") -> None:
        """Show an image in the file manager."""
        self.show_file(images[0].path)

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

    def copy_paths(self, images: "Sequence[ImageRecord]") -> None:
        """The paths, one on each line."""
        QGuiApplication.clipboard().setText("\n".join(shown(image.path) for image in images))
        self._controller.show_message("Path copied." if len(images) == 1 else f"{len(images)} paths copied.")

    def list_copies(self, hit: "Hit | None") -> None:
        """List the identical files of a hit."""
        if hit is not None:
            CopiesDialog(self._owner, hit, self.show_file, lambda: self._controller.show_copies(True)).open()

    def choose_target(self, images: "Sequence[ImageRecord]") -> None:
        """Let the user choose a folder and copy the files into it."""
        ask_folder(self._owner, "copies", f"Copy {wording.pictures(len(images))} to a folder",
                   lambda folder: self.copy_files(images, folder))

    def copy_files(self, images: "Sequence[ImageRecord]", folder: Path) -> None:
        """Copy the files of pictures into a folder; nothing there is overwritten."""
        tasks.start(self._copy_files([image.path for image in images], folder))

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

    def copy_picture(self, images: "Sequence[ImageRecord]") -> None:
        """Copy an image in full size to the clipboard."""
        tasks.start(self._copy_picture(images[0].path))

    async def _copy_picture(self, path: Path) -> None:
        limit = float(self._context.settings["images.max_megapixels"])

        def read(report: Report) -> QImage:
            from core import images
            return to_qimage(images.read(path, limit).rgb)

        picture = await self._run("Copying the picture", read, "copy-picture")
        if picture is not None:
            QGuiApplication.clipboard().setImage(picture)
            self._controller.show_message("Picture copied.")

    def tag(self, images: "Sequence[ImageRecord]", name: str, put: bool, dialog: NameDialog | None = None) -> None:
        """Give a tag to pictures, or take it from them; a dialog that asked for it closes when that is done."""
        ids = [image.id for image in images]
        gallery = self._context.gallery

        def work(report: Report) -> "list[ImageRecord]":
            target = self._context.explorer.gallery(gallery)
            (target.add_tag if put else target.remove_tag)(ids, name)
            return list(target.images(ids))

        if dialog is not None:
            dialog.save(self._context.jobs, "Tagging", work, self._on_tagged)
        else:
            self._context.jobs.submit("Tagging", work, on_done=self._on_tagged, quiet=True)

    def ask_tag(self, images: "Sequence[ImageRecord]") -> None:
        """Let the user type a tag."""
        NameDialog(self._owner, f"Tag {wording.pictures(len(images))}", "Tag",
                   lambda name, dialog: self.tag(images, name, True, dialog), holder="tag").open()

    def _add_tags(self, menu: QMenu, images: "Sequence[ImageRecord]") -> None:
        tags = menu.addMenu("Tag")
        tags.addAction("New tag…", partial(self.ask_tag, images))
        own = sorted({tag for image in images for tag in image.tags})
        names = list(dict.fromkeys([*own, *(name for name, _ in self.tags)]))[:MOST_TAGS]
        if names:
            tags.addSeparator()
        for name in names:
            action = tags.addAction(plain_caption(name))
            action.setCheckable(True)
            action.setChecked(all(name in image.tags for image in images))
            action.triggered.connect(lambda put, name=name: self.tag(images, name, put))


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
