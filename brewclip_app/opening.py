"""Files and folders given to the program to open: by `brewclip-app PATH`, or by a file manager through it.

Where a window is open already, they are handed to it by a file in the home.
"""

import json
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QFileSystemWatcher, QObject, Qt, Signal

from brewclip_app.other_window import is_open
from brewclip_app.panels.base import Question
from core import plain_json, private_files
from core.home import Home

if TYPE_CHECKING:
    from brewclip_app.main_window import MainWindow


def hand_over(home: Home, paths: Sequence[Path]) -> bool:
    """Give paths to the window that is open on this home; False when there is none, or it cannot be told."""
    if not is_open(home):
        return False
    with suppress(OSError):
        private_files.make_folder(home.opening)
        private_files.write_atomically(home.opening / f"{uuid.uuid4().hex}.json", json.dumps(
            [str(path) for path in paths]).encode())
        return True
    return False


def show(window: "MainWindow", paths: Sequence[Path]) -> None:
    """Index folders and show the Library; search with pictures, else with the first recording."""
    from core.images import IMAGE_SUFFIXES

    folders = [path for path in paths if path.is_dir()]
    files = [path for path in paths if path.is_file()]
    pictures = tuple(path for path in files if path.suffix.lower() in IMAGE_SUFFIXES)
    for folder in folders:
        window.context.indexing.add_folder(folder)
    if folders:
        window.show_panel("library")
    elif pictures:
        window.show_panel("search", Question(pictures=pictures))
    elif files:
        window.show_panel("search", Question(speech=files[0]))


class OpenRequests(QObject):
    """Emits the paths that later starts of the program hand over to this window."""

    received = Signal(object)  # list of Path

    def __init__(self, home: Home, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = home.opening
        self._watcher = QFileSystemWatcher(self)
        self._watcher.directoryChanged.connect(self.take)

    def start(self) -> None:
        """Discard what an earlier window left, and follow the folder."""
        with suppress(OSError):
            private_files.make_folder(self._folder)
            for request in self._folder.glob("*.json"):
                request.unlink(missing_ok=True)
            self._watcher.addPath(str(self._folder))

    def take(self) -> None:
        """Emit what waits; two windows on one home never take the same."""
        for request in sorted(self._folder.glob("*.json")):
            with suppress(OSError, ValueError):
                paths = plain_json.read(request)
                request.unlink()
                if isinstance(paths, list):
                    self.received.emit([Path(path) for path in paths if isinstance(path, str)])


def raise_window(window: "MainWindow") -> None:
    """Bring the window to the front, as far as the desktop lets it."""
    window.setWindowState((window.windowState() & ~Qt.WindowState.WindowMinimized) | Qt.WindowState.WindowActive)
    window.raise_()
    window.activateWindow()
