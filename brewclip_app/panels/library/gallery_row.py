"""Row of a gallery in the list: mosaic, name, progress."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QProgressBar, QWidget

from brewclip_app import wording
from brewclip_app.localisation import _
from brewclip_app.panels.library import facts as gallery_facts
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import ElidedLabel, column, row
from brewclip_app.widgets.mosaic import Mosaic
from core.progress import Progress
from core.store.addresses import is_address

if TYPE_CHECKING:
    from core.indexing.unfinished import UnfinishedRun
    from core.store.records import GalleryState, ImageRecord


class GalleryListRow(QWidget):
    """Widget of a list item; the mouse passes through to the list."""

    def __init__(self, thumbnails: Thumbnails, state: "GalleryState", images: "Sequence[ImageRecord]",
                 unfinished: "UnfinishedRun | None" = None) -> None:
        super().__init__()
        self._state, self._unfinished = state, unfinished
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        mosaic = Mosaic(thumbnails, 4, 3, QSize(100, 74))
        mosaic.set_images(images)
        end = Qt.TextElideMode.ElideLeft if is_address(state.gallery.name) else Qt.TextElideMode.ElideRight
        self.name = ElidedLabel(state.gallery.name, "strong", end)  # what tells addresses apart stands at their end
        self.words = ElidedLabel("", "quiet", Qt.TextElideMode.ElideRight)
        self.failed = ElidedLabel(_("{failed} could not be read").format(failed=wording.count(state.failed))
                                  if state.failed else "", "quiet",
                                  Qt.TextElideMode.ElideRight)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        words = column(None, self.name, self.words, self.failed, self.bar, None, space=3)
        self.failed.setVisible(bool(state.failed))
        layout = row(mosaic, words, space=10)
        layout.setStretch(1, 1)
        layout.setContentsMargins(7, 6, 7, 6)
        self.setLayout(layout)
        self.show_progress(None)

    def show_progress(self, progress: Progress | None) -> None:
        """Show the progress of the running job; None when none runs."""
        self.bar.setVisible(progress is not None)
        if progress is None:
            self.words.setText(gallery_facts.how_far(self._state, unfinished=self._unfinished))
            return
        progress = gallery_facts.in_gallery(progress, self._unfinished)
        self.words.setText(progress.counts(wording.count) or _("looking for pictures"))
        done, total = progress.bar
        self.bar.setRange(0, 1000 if total > 0 else 0)
        self.bar.setValue(round(1000 * min(done, total) / total) if total > 0 else 0)
