"""Pane for several selected pictures: a mosaic of them, their number and size."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy

from brewclip_app import wording
from brewclip_app.localisation import _
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import Card, label
from brewclip_app.widgets.mosaic import Mosaic

if TYPE_CHECKING:
    from core.store.records import ImageRecord


class SelectionPane(Card):
    """The selected pictures; what can be done with them is in the bar above the grid."""

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__(margin=12, space=8)
        self.count = label("", "strong")
        self.total = label("", "quiet", wrap=True)
        self.mosaic = Mosaic(thumbnails, 4, 4, QSize(160, 128))
        self.mosaic.setMinimumWidth(0)  # as wide as the pane, which it must not hold apart
        self.mosaic.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for part in (self.mosaic, self.count, self.total):
            self.body.addWidget(part)
        self.body.addStretch(1)
        self.setAccessibleName(_("The selected pictures"))

    def show_images(self, images: "Sequence[ImageRecord]") -> None:
        """Show several pictures."""
        self.count.setText(_("{images} selected").format(images=wording.count(len(images))))
        self.total.setText(_("{sum} in all").format(sum=wording.size(sum(image.size for image in images))))
        self.mosaic.set_images(list(images))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.mosaic.setFixedHeight(round(min(0.8 * self.width(), max(60, self.height() - 120))))
