"""Progress of indexing one gallery, for pages without another place for it."""

from typing import TYPE_CHECKING

from brewclip_app.widgets.common import ProgressRow

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from brewclip_app.jobs import Job

WIDTH = 480


class IndexingProgress(ProgressRow):
    """A bar with the time left and *Cancel*, which keeps what is done; hidden while the gallery has no job."""

    def __init__(self, context: "Context", gallery: str) -> None:
        super().__init__(f"Indexing {gallery}")
        self._indexing, self.gallery = context.indexing, gallery
        self.setFixedWidth(WIDTH)
        self.cancelled.connect(self._cancel)
        context.indexing.changed.connect(self._follow)
        self._follow(gallery)

    def _cancel(self) -> None:
        self._indexing.cancel(self.gallery)

    def _follow(self, gallery: str) -> None:
        if gallery != self.gallery:
            return
        job = self._indexing.job(gallery)
        if job is not None:
            self.title.setText(job.name)
            self.set_progress(*job.progress.bar, words_of(job))
        self.setVisible(job is not None)


def words_of(job: "Job") -> str:
    """Progress text of an indexing job, with the time left where known."""
    if job.progress.share is not None:
        return job.words()
    from brewclip_app.panels.library import facts as gallery_facts  # imports NumPy: not before the first paint
    return gallery_facts.progress_in_words(job.progress)
