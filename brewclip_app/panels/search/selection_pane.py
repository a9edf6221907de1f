"""Pane for several selected pictures: their number and the actions on them."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from brewclip_app import wording
from brewclip_app.panels.search.actions import MOST_EXAMPLES, HitActions
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import Card, button, label
from brewclip_app.widgets.flow_layout import FlowLayout
from brewclip_app.widgets.mosaic import Mosaic

if TYPE_CHECKING:
    from core.store.records import ImageRecord

TOO_MANY = f"Up to {MOST_EXAMPLES} pictures can be examples of a query"


class SelectionPane(Card):
    """Count of the selected pictures, and actions on all of them."""

    def __init__(self, thumbnails: Thumbnails, actions: HitActions) -> None:
        super().__init__(margin=12, space=8)
        self._images: Sequence[ImageRecord] = ()
        self.count = label("", "strong")
        self.total = label("", "quiet", wrap=True)
        self.mosaic = Mosaic(thumbnails, 4, 4, QSize(160, 128))
        self.mosaic.setMinimumWidth(0)  # as wide as the pane, which it must not hold apart
        self.mosaic.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.more = self._button("More like these", actions.more_like, "main")
        self.add = self._button("Add to the query", actions.add)
        self.paths = self._button("Copy paths", actions.copy_paths)
        self.files = self._button("Copy files to a folder…", actions.choose_target)
        self.tag = self._button("Tag…", actions.ask_tag)
        buttons = QWidget()
        flow = FlowLayout(buttons)
        for control in (self.more, self.add, self.files, self.paths, self.tag):
            control.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            flow.addWidget(control)
        for part in (self.mosaic, self.count, self.total, buttons):
            self.body.addWidget(part)
        self.body.addStretch(1)
        self.setAccessibleName("The selected pictures")

    def show_images(self, images: "Sequence[ImageRecord]") -> None:
        """Show several pictures."""
        self._images = tuple(images)
        self.count.setText(f"{wording.count(len(images))} selected")
        self.total.setText(f"{wording.size(sum(image.size for image in images))} in all")
        self.mosaic.set_images(images)
        few = len(images) <= MOST_EXAMPLES
        for part in (self.more, self.add):
            part.setEnabled(few)
            part.setToolTip("" if few else TOO_MANY)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.mosaic.setFixedHeight(round(min(0.8 * self.width(), max(60, self.height() - 260))))

    def _button(self, text: str, action: "Callable[[Sequence[ImageRecord]], object]", look: str = "") -> QPushButton:
        return button(text, lambda: action(self._images), look)
