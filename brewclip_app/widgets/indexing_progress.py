"""Progress of indexing one gallery, for pages without another place for it."""

from typing import TYPE_CHECKING

from brewclip_app.localisation import _
from brewclip_app.services.indexing import IndexingState
from brewclip_app.widgets.common import ProgressRow

if TYPE_CHECKING:
    from brewclip_app.context import Context

WIDTH = 480


class IndexingProgress(ProgressRow):
    """A bar with the time left and *Cancel*, which keeps what is done; hidden while the gallery has no job."""

    def __init__(self, context: "Context", gallery: str) -> None:
        super().__init__(_("Indexing {gallery}").format(gallery=gallery))
        self._indexing, self.gallery = context.indexing, gallery
        self.setFixedWidth(WIDTH)
        self.cancelled.connect(self._cancel)
        context.indexing.changed.connect(self._follow)
        self._follow(context.indexing.state)

    def _cancel(self) -> None:
        self._indexing.cancel(self.gallery)

    def _follow(self, indexing: IndexingState) -> None:
        progress, job = indexing.running.get(self.gallery), self._indexing.job(self.gallery)
        if progress is not None and job is not None:
            from brewclip_app.panels.library import facts  # imports NumPy: not before the first paint
            self.title.setText(job.name)
            self.set_progress(*progress.bar, facts.progress_in_words(progress) if progress.share is None
                              else job.words())
        self.setVisible(progress is not None)
