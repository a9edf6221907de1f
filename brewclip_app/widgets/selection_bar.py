"""Bar over a grid: how many pictures are selected, and what can be done with them."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLayout, QMenu, QPushButton, QSizePolicy, QWidget

from brewclip_app import wording
from brewclip_app.localisation import _
from brewclip_app.plain_text import plain_tip
from brewclip_app.taking_away import TakeAway
from brewclip_app.widgets.common import button, icon_button, label, row

if TYPE_CHECKING:
    from core.search.queries import Hit
    from core.store.records import ImageRecord

Images = Sequence["ImageRecord"]
Action = tuple[str, Callable[[Images], object], int]  # words, what to do, and for how many pictures at most
SPACE = 8
OWN = 4  # buttons that every bar has


class SelectionBar(QWidget):
    """Shown while several pictures are selected; as many buttons as there is room for, and all actions in a menu.

    `images` gives the selected pictures, which may be many, once something is done with them; `hits` gives the hits by
    picture, for lists that are exported; `more` are actions of the panel.
    """

    def __init__(self, away: TakeAway, images: Callable[[], Images], hits: "Callable[[], Mapping[int, Hit]]",
                 clear: Callable[[], object], more: Sequence[Action] = ()) -> None:
        super().__init__()
        self._away, self._images, self._hits, self._more = away, images, hits, more
        self._number = 0
        self.summary = ""  # "3 selected, 4.1 MB" for the status bar; "" while it is hidden
        self.count = label("", "pill")
        self.count.setMinimumHeight(20)  # a lower pill would lose its round ends
        self.buttons = [
            self._button(_("Copy to folder…"), away.choose_target),
            self._button(_("Export list…"), lambda images: away.export(images, hits())),
            self._button(_("Tag"), lambda images: self._open(self.buttons[2], partial(away.add_tags, images=images))),
            self._button(_("Rate"),
                         lambda images: self._open(self.buttons[3], partial(away.add_ratings, images=images))),
            *(self._button(words, act) for words, act, _unused in more)]
        self.menu = icon_button("more", _("All actions on the selected pictures"), self._open_all)
        self.clear = button(_("Clear"), clear, "quiet-link", tip=_("Select nothing"))
        box = row(self.count, *self.buttons, self.menu, self.clear, None, space=SPACE)
        box.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)  # narrower than its buttons
        self.setLayout(box)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setRetainSizeWhenHidden(True)  # the grid below never jumps
        self.setSizePolicy(policy)
        self.setAccessibleName(_("The selected pictures"))
        self.hide()

    def show_selection(self, number: int, nbytes: int) -> None:
        """Show the bar for several selected pictures, which have so many bytes; hide it for one or none."""
        self._number = number
        self.count.setText(_("{number} selected").format(number=wording.count(number)))
        self.summary = f"{self.count.text()}, {wording.size(nbytes)}" if number > 1 else ""
        for control, (_name, _act, most) in zip(self.buttons[OWN:], self._more, strict=True):
            control.setEnabled(number <= most)
            control.setToolTip(plain_tip("" if number <= most else _("For up to {most} pictures").format(most=most)))
        self.setVisible(number > 1)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        """As wide as without the buttons, which are in the menu too."""
        return QSize(self._width(()), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        fitting = 0
        while fitting < len(self.buttons) and self._width(self.buttons[:fitting + 1]) <= self.width():
            fitting += 1
        for number, control in enumerate(self.buttons):
            control.setVisible(number < fitting)

    def _width(self, buttons: Sequence[QPushButton]) -> int:
        parts = (self.count, *buttons, self.menu, self.clear)
        return sum(part.sizeHint().width() for part in parts) + SPACE * len(parts)

    def _button(self, words: str, act: Callable[[Images], object]) -> QPushButton:
        control = button(words, partial(self._act, act))
        control.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return control

    def _act(self, act: Callable[[Images], object]) -> None:
        act(self._images())

    def _open_all(self) -> None:
        def fill(menu: QMenu) -> None:
            for words, act, most in self._more:
                menu.addAction(words, partial(self._act, act)).setEnabled(self._number <= most)
            menu.addSeparator()
            self._away.add_to_menu(menu, self._images(), self._hits())

        self._open(self.menu, fill)

    def _open(self, under: QWidget, fill: Callable[[QMenu], object]) -> None:
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        fill(menu)
        menu.popup(under.mapToGlobal(QPoint(0, under.height())))
