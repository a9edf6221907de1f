"""Dialogs for files and folders: each begins in the folder that the last one of its kind ended in, else at home.

None blocks: `exec` would stop qasync's other tasks.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QStandardPaths
from PySide6.QtWidgets import QFileDialog, QWidget

from brewclip_app.localisation import _

Take = Callable[[Path], object]


class FolderMemory(Protocol):
    """Keeps plain values by key, as `WindowState` does."""

    def get(self, key: str, default: object = None) -> object:
        """A value kept."""

    def set(self, key: str, value: object) -> None:
        """Set a value."""


_memory: FolderMemory | None = None


def remember_in(memory: FolderMemory) -> None:
    """Keep the last folder of each kind of dialog there from now on."""
    global _memory
    _memory = memory


def ask_folder(parent: QWidget, kind: str, title: str, take: Take, start: Path | None = None) -> QFileDialog:
    """Ask for a folder. The next dialog of the kind begins beside it; the first one at `start`."""
    dialog = QFileDialog(parent, title)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly, True)
    return _open(dialog, kind, take, start)


def ask_picture_folder(parent: QWidget, take: Take) -> QFileDialog:
    """Ask for a folder of pictures; the first dialog begins at the system's own."""
    start = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation))
    return ask_folder(parent, "pictures", _("A folder of pictures"), take, start)


def ask_file(parent: QWidget, kind: str, title: str, filters: Sequence[str], take: Take) -> QFileDialog:
    """Ask for a file that is there."""
    dialog = QFileDialog(parent, title)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.setNameFilters(filters)
    return _open(dialog, kind, take)


def ask_target(parent: QWidget, kind: str, title: str, name: str, take: Take, *others: str) -> QFileDialog:
    """Ask where to write a file; `name` is offered, and its suffix, or the one of `others` that is chosen, is added to
    a name without one.
    """
    dialog = QFileDialog(parent, title)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    suffixes = {f"{suffix[1:].upper()} (*{suffix})": suffix[1:] for suffix in (Path(name).suffix, *others)}
    dialog.setNameFilters([*suffixes, _("All files (*)")])
    dialog.setDefaultSuffix(Path(name).suffix[1:])
    dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(suffixes.get(chosen, dialog.defaultSuffix())))
    _open(dialog, kind, take)
    dialog.selectFile(name)
    return dialog


def _open(dialog: QFileDialog, kind: str, take: Take, start: Path | None = None) -> QFileDialog:
    last = Path(str(_memory.get(f"dialogs/{kind}") or "")) if _memory is not None else Path()
    folders = (folder for folder in (last, start) if folder is not None and folder.is_absolute() and folder.is_dir())
    dialog.setDirectory(str(next(folders, Path.home())))

    def chosen(text: str) -> None:
        if _memory is not None:
            _memory.set(f"dialogs/{kind}", str(Path(text).parent))
        take(Path(text))

    dialog.fileSelected.connect(chosen)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog
