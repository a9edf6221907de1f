"""What stands in the place of one picture's details while several are selected: how many, and what to do with them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from brewclip_app import wording
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import Card, button, label
from brewclip_app.widgets.flow_layout import FlowLayout
from brewclip_app.widgets.mosaic import Mosaic

if TYPE_CHECKING:
    from core.search.queries import Hit

MOST_EXAMPLES = 8  # pictures of a query; more of them say nothing that these do not
TOO_MANY = f"Up to {MOST_EXAMPLES} pictures can be examples of a query"


class SelectionPane(Card):
    """Counts the selected pictures and offers what can be done with all of them."""

    more_wanted = Signal(object)   # Hits, as examples of a new query
    add_wanted = Signal(object)    # Hits, as more terms of the query
    paths_wanted = Signal(object)
    files_wanted = Signal(object)
    tag_wanted = Signal(object)

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__(margin=12, space=8)
        self._hits: Sequence[Hit] = ()
        self.count = label("", "strong")
        self.total = label("", "quiet", wrap=True)
        self.mosaic = Mosaic(thumbnails, 4, 4, QSize(160, 128))
        self.mosaic.setMinimumWidth(0)  # as wide as the pane, which it must not hold apart
        self.mosaic.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.more = self._button("More like these", self.more_wanted, "main")
        self.add = self._button("Add to the query", self.add_wanted)
        self.paths = self._button("Copy paths", self.paths_wanted)
        self.files = self._button("Copy files to a folder…", self.files_wanted)
        self.tag = self._button("Tag…", self.tag_wanted)
        buttons = QWidget()
        flow = FlowLayout(buttons)
        for each in (self.more, self.add, self.files, self.paths, self.tag):
            each.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            flow.addWidget(each)
        for part in (self.mosaic, self.count, self.total, buttons):
            self.body.addWidget(part)
        self.body.addStretch(1)
        self.setAccessibleName("The selected pictures")

    def show_hits(self, hits: "Sequence[Hit]") -> None:
        """Show several hits."""
        self._hits = tuple(hits)
        self.count.setText(f"{wording.count(len(hits))} selected")
        self.total.setText(f"{wording.size(sum(hit.image.size for hit in hits))} in all")
        self.mosaic.set_images([hit.image for hit in hits])
        few = len(hits) <= MOST_EXAMPLES
        for part in (self.more, self.add):
            part.setEnabled(few)
            part.setToolTip("" if few else TOO_MANY)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.mosaic.setFixedHeight(round(min(0.8 * self.width(), max(60, self.height() - 260))))

    def _button(self, words: str, signal: SignalInstance, look: str = "") -> QPushButton:
        return button(words, lambda: signal.emit(self._hits), look)
