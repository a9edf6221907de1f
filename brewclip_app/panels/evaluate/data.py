"""The splits that are evaluated: folders of datasets, each with the splits that are ticked."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QFileDialog, QVBoxLayout, QWidget

from brewclip_app import wording
from brewclip_app.panels.evaluate import view as evaluate_view
from brewclip_app.panels.evaluate.view import DataOption
from brewclip_app.panels.train.dataset import LINKS_TIP
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import ElidedLabel, button, clear, column, icon_button, label, row, tab_before

if TYPE_CHECKING:
    from brewclip_app.context import Context

FIRST = ("test", "val", "dev")  # the split that is ticked in a new folder


class DataChoices(QWidget):
    """Folders are read in jobs; `changed` comes with every other choice."""

    changed = Signal()

    def __init__(self, context: "Context") -> None:
        super().__init__()
        self._context = context
        self._found: dict[Path, DataOption | None] = {}  # None while it is being read
        self.linked: set[Path] = set()                   # folders whose links may lead out
        self._ticked: set[tuple[str, str]] = set()       # folder, split
        self.rows = QVBoxLayout()
        self.rows.setSpacing(4)
        self._add_button = button("Add a dataset folder…", self.ask, icon="plus")
        self.setLayout(column(self.rows, row(self._add_button, None), space=6))
        self._fill()

    def folders(self) -> list[Path]:
        """All folders, read or not."""
        return list(self._found)

    def chosen(self) -> list[tuple[Path, str, str]]:
        """(folder, split, kind) of all that is ticked."""
        return [(folder, split, found.kind) for folder, found in self._found.items() if found
                for split, _, _ in found.splits if (str(folder), split) in self._ticked]

    def ticked(self) -> list[list[str]]:
        """What is ticked, to be remembered."""
        return [list(each) for each in sorted(self._ticked)]

    def restore(self, folders: Sequence[str], ticked: Sequence[Sequence[str]], linked: Sequence[str] = ()) -> None:
        """What was remembered."""
        self._ticked = {(str(each[0]), str(each[1])) for each in ticked if len(each) == 2}
        self.linked = {Path(each) for each in linked}
        for each in folders:
            self.add(Path(each), tick=False)

    def add(self, folder: Path, tick: bool = True) -> None:
        """Read a folder; its test split is ticked."""
        if folder in self._found:
            return
        self._found[folder] = None
        self._fill()
        follow = folder in self.linked
        self._context.jobs.submit(f"Reading {folder.name}",
                                  lambda report: evaluate_view.read_dataset(folder, follow_links=follow),
                                  key=f"evaluate:data:{folder}", quiet=True,
                                  on_done=lambda found: self._take(folder, found, tick),
                                  on_failed=lambda error: self._context.failed.emit(error, ""))

    def ask(self) -> None:
        """Let the user choose a folder."""
        dialog = QFileDialog(self, "A dataset's folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly, True)
        dialog.fileSelected.connect(lambda chosen: self.add(Path(chosen)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _take(self, folder: Path, found: DataOption, tick: bool) -> None:
        if folder not in self._found:
            return
        self._found[folder] = found
        names = [split for split, _, _ in found.splits]
        if tick and names:
            first = next((each for each in FIRST if each in names), names[0])
            self._ticked.add((str(folder), first))
        self._fill()
        self.changed.emit()

    def _remove(self, folder: Path) -> None:
        self._found.pop(folder, None)
        self.linked.discard(folder)
        self._ticked = {each for each in self._ticked if each[0] != str(folder)}
        self._fill()
        self.changed.emit()

    def _fill(self) -> None:
        clear(self.rows)
        rows = [self._row(folder, found) for folder, found in self._found.items()]
        for each in rows:
            self.rows.addWidget(each)
        tab_before(self._add_button, *rows)
        if not self._found:
            self.rows.addWidget(label("Flickr8k, SpokenCOCO, Localized Narratives, or a folder with a list.", "quiet",
                                      wrap=True))

    def _row(self, folder: Path, found: DataOption | None) -> QWidget:
        name = ElidedLabel(folder.name or str(folder), "strong")
        name.setToolTip(plain_tip(str(folder)))
        head = row(name, icon_button("close", f"Take {folder.name} out", lambda: self._remove(folder), 12), space=2)
        head.setStretch(0, 1)
        made = QWidget()
        box = column(head, space=4)
        if found is None:
            box.addWidget(label("Reading…", "quiet"))
        elif found.problem:
            box.addWidget(label(found.problem, "care", wrap=True))
        else:
            for split, pictures, utterances in found.splits:
                box.addWidget(self._split(folder, split, pictures, utterances))
        if found is not None and found.has_links:
            links = QCheckBox("Follow links")
            links.setToolTip(LINKS_TIP)
            links.setChecked(folder in self.linked)
            links.toggled.connect(lambda on: self._follow(folder, on))
            box.addWidget(links)
        made.setLayout(box)
        return made

    def _follow(self, folder: Path, on: bool) -> None:
        (self.linked.add if on else self.linked.discard)(folder)
        self._found.pop(folder, None)
        self.add(folder, tick=not any(each[0] == str(folder) for each in self._ticked))

    def _split(self, folder: Path, split: str, pictures: int, utterances: int) -> QCheckBox:
        said = f"{wording.count(utterances)} {'utterance' if utterances == 1 else 'utterances'}"
        made = QCheckBox(f"{split.replace('&', '&&')} · {said}")
        made.setToolTip(plain_tip(f"{said} of {wording.pictures(pictures)}"))
        made.setChecked((str(folder), split) in self._ticked)
        made.toggled.connect(lambda on: self._tick(folder, split, on))
        return made

    def _tick(self, folder: Path, split: str, on: bool) -> None:
        change = self._ticked.add if on else self._ticked.discard
        change((str(folder), split))
        self.changed.emit()
