"""Dialog for the gallery of a folder: a new one, or the selected one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtWidgets import QRadioButton, QWidget

from brewclip_app.localisation import _
from brewclip_app.plain_text import plain_caption, plain_tip
from brewclip_app.widgets.common import ElidedLabel, row
from brewclip_app.widgets.name_dialogs import SaveDialog, gallery_fault, name_field
from core.remote import shown

MOST_SHOWN = 4  # folders by their paths; of more the number


@dataclass(frozen=True)
class Destination:
    """Name of a gallery, and whether to create it; "" creates one for each folder."""

    gallery: str
    new: bool


class AddFolderDialog(SaveDialog):
    """Suggests a new gallery, named like the folder, so that two collections are not mixed by accident.

    `held`: the selected gallery has these folders already, so it is suggested.
    """

    def __init__(self, parent: QWidget, folders: Sequence[Path], selected: str, taken: frozenset[str],
                 on_chosen: "Callable[[Destination, AddFolderDialog], object]", held: bool = False) -> None:
        several = len(folders) > 1
        super().__init__(parent, _("Add {folders} folders").format(folders=len(folders)) if several
                         else _("Add a folder"), _("Add"))
        self._on_chosen, self._taken, self._selected = on_chosen, {name.casefold() for name in taken}, selected
        self.new = QRadioButton(_("New gallery"))
        self.each = QRadioButton(_("A new gallery for each folder"))
        verb = _("Look for new pictures in") if held else _("Add to")
        self.existing = QRadioButton(plain_caption(f"{verb} {_short(selected)}"))
        self.existing.setToolTip(plain_tip(selected))
        self.field = name_field(free_name(_title(folders), self._taken))
        for folder in folders[:MOST_SHOWN]:
            self.body.addWidget(ElidedLabel(shown(folder), "quiet-body"))
        if len(folders) > MOST_SHOWN:
            self.body.addWidget(ElidedLabel(_("and {folders} more").format(folders=len(folders) - MOST_SHOWN),
                                            "quiet-body"))
        self.body.addSpacing(4)
        self.body.addWidget(self.new)
        self.body.addLayout(row(24, self.field))
        for choice, offered in ((self.each, several), (self.existing, bool(selected))):
            self.body.addWidget(choice)
            choice.setVisible(offered)
        (self.existing if held else self.new).setChecked(True)
        self.field.setEnabled(not held)
        self.field.textChanged.connect(lambda _unused: self.check())
        self.new.toggled.connect(self._follow_choice)
        self.check()
        self.field.setFocus()
        self.field.selectAll()

    def ready(self) -> bool:
        return not self.new.isChecked() or bool(self.field.text().strip())

    def fault(self) -> str:
        return gallery_fault(self.field.text(), self._taken) if self.new.isChecked() else ""

    def take(self) -> None:
        if self.new.isChecked():
            self._on_chosen(Destination(" ".join(self.field.text().split()), new=True), self)
        else:
            self._on_chosen(Destination("" if self.each.isChecked() else self._selected, new=False), self)

    def _follow_choice(self) -> None:
        self.field.setEnabled(self.new.isChecked())
        self.check()


def free_name(wanted: str, taken: "set[str] | frozenset[str]") -> str:
    """The name, or the first of "name 2", "name 3", ... that no gallery has; `taken` is case folded."""
    names = (wanted, *(f"{wanted} {number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name.casefold() not in taken)


def _title(folders: Sequence[Path]) -> str:
    """A name for these folders: the folder's own, of several that of the folder they lie in."""
    return (folders[0] if len(folders) == 1 else folders[0].parent).name or _("Pictures")


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:39]}…"
