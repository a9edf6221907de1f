"""What can be done with hits: open, show in folder, copy, more like these, add to the query, tag."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QProcess, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from brewclip_app import wording
from brewclip_app.capture.multimedia import dbus
from brewclip_app.panels.search.copies_dialog import CopiesDialog
from brewclip_app.panels.search.selection_pane import MOST_EXAMPLES
from brewclip_app.thumbnails import to_qimage
from brewclip_app.widgets.name_dialogs import NameDialog
from core import private_files
from core.errors import ImageError
from core.progress import Report
from core.remote import is_remote, shown

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.picture_files import CopiedFiles
    from core.search.queries import Hit
    from core.store.records import ImageRecord

MOST_TAGS = 20  # in the menu


class HitActions(QObject):
    """Acts on hits; a file that is gone is said, not opened."""

    more_wanted = Signal(object)  # Hit
    add_wanted = Signal(object, int)  # Hit, sign
    why_wanted = Signal(object)  # Hit
    examples_wanted = Signal(list)  # Hits, as the terms of a new query
    examples_added = Signal(list)  # Hits, as more terms of the query
    copies_as_hits_wanted = Signal()
    tagged = Signal(object)  # ImageRecords with their new tags
    said = Signal(str)

    def __init__(self, context: "Context", owner: QWidget) -> None:
        super().__init__(owner)
        self._context, self._owner = context, owner
        self.tags: tuple[tuple[str, int], ...] = ()  # of the gallery

    def menu(self, hits: "Sequence[Hit]") -> QMenu:
        """The context menu of some hits."""
        menu = QMenu(self._owner)
        menu.aboutToHide.connect(menu.deleteLater)
        first, one, few = hits[0], len(hits) == 1, 1 < len(hits) <= MOST_EXAMPLES
        if not one:
            menu.addSection(f"{wording.count(len(hits))} selected")
        rows: tuple[tuple[str, Callable[[], object], bool] | None, ...] = (
            ("Open", partial(self.open, first), one),
            ("Show in folder", partial(self.show_in_folder, first.image), one),
            (f"List the {first.copies} copies…", partial(self.list_copies, first), one and first.copies > 1),
            None,
            ("Copy path" if one else f"Copy {len(hits)} paths", partial(self.copy_paths, hits), True),
            ("Copy picture", partial(self.copy_picture, first), one),
            ("Copy the file to a folder…" if one else "Copy the files to a folder…",
             partial(self.choose_target, hits), True),
            None,
            ("Why this picture?\tI", partial(self.why_wanted.emit, first), one),
            ("More like this", partial(self.more_wanted.emit, first), one),
            ("More like these", partial(self.examples_wanted.emit, hits), few),
            ("Add to the query", partial(self.add_wanted.emit, first, 1), one),
            ("Add these to the query", partial(self.examples_added.emit, hits), few),
            ("Leave out what is like this", partial(self.add_wanted.emit, first, -1), one),
            None)
        for row in rows:
            if row is None:
                menu.addSeparator()
            elif row[2]:
                menu.addAction(row[0], row[1])
        self._add_tags(menu, hits)
        return menu

    def open(self, hit: "Hit") -> None:
        """Open the picture in the system's viewer; one at an address is brought here first."""
        if is_remote(hit.image.path):
            self._bring(hit)
        elif self._is_there(hit.image.path) and not QDesktopServices.openUrl(_url(hit.image.path)):
            self.said.emit(f"No program on this computer opens {hit.image.path.name}.")

    def _bring(self, hit: "Hit") -> None:
        self._context.jobs.submit(f"Bringing {hit.image.path.name}",
                                  lambda report: _brought(hit.image.path, self._context.home.caches / "opened"),
                                  key="bring-picture",
                                  on_done=lambda path: QDesktopServices.openUrl(_url(path)),
                                  on_failed=lambda error: self.said.emit(str(error)))

    def show_in_folder(self, image: "ImageRecord") -> None:
        """Open the folder in the file manager, the picture selected where the system can."""
        path = image.path
        if is_remote(path):
            self.said.emit(f"It lies at {shown(path.parent)}.")
        elif not path.parent.exists():
            self.said.emit(f"The folder {path.parent} is gone.")
        elif sys.platform == "darwin":
            QProcess.startDetached("open", ["-R", str(path)])
        elif sys.platform == "win32":
            QProcess.startDetached("explorer", ["/select,", str(path)])
        elif not _select_by_dbus(path):
            QDesktopServices.openUrl(_url(path.parent))

    def copy_paths(self, hits: "Sequence[Hit]") -> None:
        """The paths, one on each line."""
        QGuiApplication.clipboard().setText("\n".join(shown(hit.image.path) for hit in hits))
        self.said.emit("Path copied." if len(hits) == 1 else f"{len(hits)} paths copied.")

    def list_copies(self, hit: "Hit") -> None:
        """The identical files of a hit."""
        CopiesDialog(self._owner, hit, self.show_in_folder, self.copies_as_hits_wanted.emit).open()

    def choose_target(self, hits: "Sequence[Hit]") -> None:
        """Let the user choose a folder and copy the files into it."""
        dialog = QFileDialog(self._owner, f"Copy {wording.pictures(len(hits))} to a folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly, True)
        dialog.setDirectory(str(self._context.state.get("copies_folder") or Path.home()))
        dialog.fileSelected.connect(lambda chosen: self.copy_files(hits, Path(chosen)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def copy_files(self, hits: "Sequence[Hit]", folder: Path) -> None:
        """Copy the files of hits into a folder; nothing there is overwritten."""
        paths = [hit.image.path for hit in hits]
        self._context.state.keep("copies_folder", str(folder))

        def work(report: Report) -> "CopiedFiles":
            from core.picture_files import copy_files
            return copy_files(paths, folder, report)

        self._context.jobs.submit(f"Copying {wording.pictures(len(paths))}", work, on_done=self._say_copied_files,
                                  on_failed=lambda error: self.said.emit(str(error)),
                                  on_cancelled=lambda: self.said.emit(f"Stopped. What was copied is in {folder}."))

    def _say_copied_files(self, done: "CopiedFiles") -> None:
        more = f" and {len(done.failed) - 1} more" if len(done.failed) > 1 else ""
        failed = f" {done.failed[0]}{more}" if done.failed else ""
        self.said.emit(f"{wording.pictures(done.copied)} copied to {done.folder}.{failed}")

    def copy_picture(self, hit: "Hit") -> None:
        """The picture itself, as large as it is."""
        limit = float(self._context.settings["images.max_megapixels"])

        def read(report: Report) -> QImage:
            from core import images
            return to_qimage(images.read(hit.image.path, limit).rgb)

        self._context.jobs.submit("Copying the picture", read, key="copy-picture", on_done=self._copied,
                                  on_failed=lambda error: self.said.emit(str(error)))

    def tag(self, hits: "Sequence[Hit]", name: str, put: bool, dialog: NameDialog | None = None) -> None:
        """Give a tag to pictures, or take it from them; a dialog that asked for it closes when that is done."""
        ids = [hit.image.id for hit in hits]
        gallery = self._context.gallery

        def work(report: Report) -> "list[ImageRecord]":
            target = self._context.explorer.gallery(gallery)
            (target.add_tag if put else target.remove_tag)(ids, name)
            return list(target.images(ids))

        if dialog is not None:
            dialog.save(self._context.jobs, "Tagging", work, self.tagged.emit)
        else:
            self._context.jobs.submit("Tagging", work, on_done=self.tagged.emit, quiet=True)

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
            action = tags.addAction(name.replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(all(name in hit.image.tags for hit in hits))
            action.triggered.connect(lambda put, name=name: self.tag(hits, name, put))

    def _copied(self, picture: QImage) -> None:
        QGuiApplication.clipboard().setImage(picture)
        self.said.emit("Picture copied.")

    def _is_there(self, path: Path) -> bool:
        if not path.exists():
            self.said.emit(f"{path.name} is gone from {path.parent}. Index the gallery again to take it out.")
            return False
        return True


def _brought(path: Path, folder: Path) -> Path:
    """A copy of a picture at an address; ImageError when there is none to be had."""
    from core import images

    copy = folder / sha256(str(path).encode()).hexdigest()[:12] / path.name
    content = images.fetched(path)
    try:
        private_files.make_folder(copy.parent)
        private_files.write_atomically(copy, content, durable=False)
    except OSError as error:
        raise ImageError(f"{path.name} could not be brought to this computer: {error.strerror}.",
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
