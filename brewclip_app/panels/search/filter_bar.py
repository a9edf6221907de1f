"""Filter of the images that are searched: name, tag, folder, date, rating."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QLineEdit, QVBoxLayout, QWidget

from brewclip_app import wording
from brewclip_app.localisation import _, as_shown
from brewclip_app.panels.search.query import HitLimits
from brewclip_app.widgets.common import button, icon_button, label, look, row
from brewclip_app.widgets.limits_bar import LimitsBar, offer_choices
from brewclip_app.widgets.picture_grid.cards import STAR
from core.dates import ACCEPTED, Span, span

MOST_STARS = 5
TYPING_MS = 350  # after the last key
TAKEN_TIP = _("The picture's date: when it was taken, else the date of its file. Write {accepted}.").format(
    accepted=ACCEPTED)
NO_DATE = _("That date cannot be read, so it restricts nothing. Write {accepted}.").format(accepted=ACCEPTED)


class FilterBar(LimitsBar):
    """Filter by name, tag, folder, date and rating; Esc closes and resets it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(HitLimits(), TYPING_MS, parent)
        self.name = QLineEdit()
        self.name.setPlaceholderText(_("Part of the file name"))
        self.name.setClearButtonEnabled(True)
        self.name.setAccessibleName(_("Only pictures with this in their name"))
        self.tag, self.folder, self.rating = QComboBox(), QComboBox(), QComboBox()
        self.tag.setAccessibleName(_("Only pictures with this tag"))
        self.folder.setAccessibleName(_("Only pictures in this folder"))
        self.rating.setAccessibleName(_("Only pictures with this rating or more"))
        for stars in range(MOST_STARS + 1):
            self.rating.addItem(_("{star} or more").format(star=STAR * stars) if 0 < stars < MOST_STARS
                                else STAR * stars or _("Any rating"),
                                stars)
        for combo in (self.tag, self.folder, self.rating):
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(10)
            combo.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            combo.currentIndexChanged.connect(self._tell)
        self.taken = QLineEdit()
        self.taken.setPlaceholderText(_("Date, as 2024-05"))
        self.taken.setToolTip(TAKEN_TIP)
        self.taken.setClearButtonEnabled(True)
        self.taken.setAccessibleName(_("Only pictures of that date"))
        self.clear = button(_("Clear"), self.reset)
        close = icon_button("close", _("Close the filter"), self.close_bar, side=14)
        box = row(label(_("Only"), "quiet-body"), self.name, self.tag, self.folder, self.taken, self.rating, self.clear,
                  close)
        box.setStretch(1, 2)
        box.setStretch(2, 1)
        box.setStretch(3, 2)
        box.setStretch(4, 2)
        box.setStretch(5, 1)
        self.problem = label("", "problem")
        self.problem.setWordWrap(True)
        self.problem.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(box)
        layout.addWidget(self.problem)
        for field in (self.name, self.taken):
            field.textChanged.connect(lambda _unused: self._later.start())
            field.returnPressed.connect(self._tell)
        self.taken.textChanged.connect(lambda _unused: self._check_date())
        self.offer((), ())

    def limits(self) -> HitLimits:
        """Current limits; an invalid date is ignored."""
        return HitLimits(self.name.text().strip(), str(self.tag.currentData() or ""),
                         str(self.folder.currentData() or ""), self._taken() or (None, None),
                         int(self.rating.currentData() or 0))

    def offer(self, tags: Sequence[tuple[str, int]], folders: Sequence[Path]) -> None:
        """Set the tags (with counts) and folders to choose from; the choice stays when it is among them."""
        offer_choices(self.tag, _("Any tag"), [(f"{name} ({wording.count(number)})", name) for name, number in tags],
                      True)
        offer_choices(self.folder, _("Any folder"), [(_short(path, folders), str(path)) for path in folders], True)
        if not self._later.isActive():
            self._tell()  # what was chosen may not be there any more

    def fields(self) -> dict[str, Any]:
        """What the fields hold, for `restore`."""
        return {"name": self.name.text(), "tag": self.tag.currentData(), "folder": self.folder.currentData(),
                "taken": self.taken.text(), "rating": self.rating.currentData()}

    def restore(self, fields: object) -> HitLimits:
        """Fill the fields again, without a signal; returns their limits. A choice that is not offered any more is
        taken back when the choices come.
        """
        values = fields if isinstance(fields, dict) else {}
        boxes = (self.name, self.taken, self.tag, self.folder, self.rating)
        with ExitStack() as blocked:
            for box in boxes:
                blocked.enter_context(QSignalBlocker(box))
            self.name.setText(str(values.get("name") or ""))
            self.taken.setText(str(values.get("taken") or ""))
            for box, key in ((self.tag, "tag"), (self.folder, "folder")):
                if value := str(values.get(key) or ""):
                    box.addItem(as_shown(value), value)
                    box.setCurrentIndex(box.count() - 1)
            self.rating.setCurrentIndex(max(0, self.rating.findData(values.get("rating"))))
        self._check_date()
        self._told = self.limits()
        return self.limits()

    def reset(self) -> None:
        """Reset."""
        for combo in (self.tag, self.folder, self.rating):
            combo.setCurrentIndex(0)
        self.name.clear()
        self.taken.clear()
        self._tell()

    def _check_date(self) -> None:
        """Show the accepted forms when the date is invalid."""
        wrong = self._taken() is None
        look(self.taken, "wrong" if wrong else "")
        self.problem.setText(NO_DATE if wrong else "")
        self.problem.setVisible(wrong)

    def _taken(self) -> Span | None:
        """Typed span of time; None when it is invalid."""
        try:
            return span(self.taken.text())
        except ValueError:
            return None


def _short(path: Path, folders: Sequence[Path]) -> str:
    """Folder relative to the highest one in the list: "Holidays / 2024"."""
    above = [folder for folder in folders if folder != path and path.is_relative_to(folder)]
    root = min(above, key=lambda folder: len(folder.parts), default=path)
    return " / ".join((root.name or str(root), *path.relative_to(root).parts))
