"""The models that are evaluated: zero-shot, the program's own, runs, any folder."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QFileDialog, QVBoxLayout, QWidget

from brewclip_app.panels.evaluate.view import ModelOption
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import button, clear, column, label, row, tab_before

LONGEST = 34  # characters of a title


class ModelChoices(QWidget):
    """`changed` comes with every other choice; `added` when the list is to be read again."""

    changed = Signal()
    added = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._options: tuple[ModelOption, ...] = ()
        self._ticked: set[str] = {"zero-shot:auto"}
        self.others: list[str] = []  # folders that the user added
        self.rows = QVBoxLayout()
        self.rows.setSpacing(4)
        self._add_button = button("Add a model's folder…", self.ask, icon="plus")
        self.setLayout(column(self.rows, row(self._add_button, None), space=6))

    def show_models(self, options: list[ModelOption]) -> None:
        """Show these; what is ticked stays ticked while it is there."""
        if tuple(options) == self._options:
            return
        self._options = tuple(options)
        clear(self.rows)
        rows = [self._row(each) for each in options]
        for each in rows:
            self.rows.addWidget(each)
        tab_before(self._add_button, *rows)
        self.changed.emit()

    def options(self) -> tuple[ModelOption, ...]:
        """All that are offered."""
        return self._options

    def chosen(self) -> list[ModelOption]:
        """What is ticked and can be used."""
        return [each for each in self._options if each.key in self._ticked and not each.problem]

    def ticked(self) -> list[str]:
        """What is ticked, to be remembered."""
        return sorted(self._ticked)

    def restore(self, ticked: list[str], others: list[str]) -> None:
        """What was remembered."""
        self._ticked, self.others = set(ticked) or self._ticked, [*others]

    def take(self, folder: Path) -> None:
        """A folder that is to be evaluated: ticked, alone."""
        key = str(folder)
        known = next((each for each in self._options if each.checkpoint in (key, str(folder.parent))), None)
        if known is None and key not in self.others:
            self.others.append(key)
        self._ticked = {known.key if known else key}
        shown, self._options = list(self._options), ()
        self.show_models(shown)
        self.added.emit()

    def ask(self) -> None:
        """Let the user choose a folder."""
        dialog = QFileDialog(self, "The folder of a run or a checkpoint")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly, True)
        dialog.fileSelected.connect(lambda chosen: self._add(Path(chosen)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _add(self, folder: Path) -> None:
        if str(folder) not in self.others:
            self.others.append(str(folder))
        self._ticked.add(str(folder))
        self.added.emit()

    def _row(self, option: ModelOption) -> QWidget:
        title = option.title if len(option.title) <= LONGEST else f"{option.title[:LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
        box = QCheckBox(title.replace("&", "&&"))
        box.setAccessibleName(f"{option.title}, {option.about}")
        box.setToolTip(plain_tip(option.checkpoint or option.title))
        box.setChecked(option.key in self._ticked and not option.problem)
        box.setEnabled(not option.problem)
        box.toggled.connect(lambda on: self._tick(option.key, on))
        about = label(option.problem or option.about, "care" if option.problem else "quiet", wrap=True)
        about.setContentsMargins(26, 0, 0, 0)
        made = QWidget()
        made.setLayout(column(box, about, space=0))
        about.setVisible(bool(about.text()))  # once it has a parent: it would flash as a window and take the focus
        return made

    def _tick(self, key: str, on: bool) -> None:
        change = self._ticked.add if on else self._ticked.discard
        change(key)
        self.changed.emit()
