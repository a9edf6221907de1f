"""Context of every panel: the shared state and the services."""

from typing import TYPE_CHECKING

from brewclip_app.base_context import BaseContext
from brewclip_app.jobs import JobRunner
from brewclip_app.services.downloads import Downloads
from brewclip_app.services.duplicates import DuplicateSearch
from brewclip_app.services.indexing import Indexing
from brewclip_app.services.runs import Training
from brewclip_app.services.watching import Watching
from core.home import Home

if TYPE_CHECKING:
    from core.explorer import Explorer


class Context(BaseContext):
    """The shared state with downloads of weights, indexing and watching of galleries, and training runs."""

    def __init__(self, home: Home, explorer: "Explorer | None" = None, jobs: JobRunner | None = None) -> None:
        super().__init__(home, explorer, jobs)
        self.downloads = Downloads(self)
        self.indexing = Indexing(self)
        self.watching = Watching(self, self.indexing)
        self.duplicates = DuplicateSearch(self)
        self.training = Training(self)
        for service in (self.downloads, self.indexing, self.watching, self.training):
            service.failed.connect(self.failed)

    def close(self) -> None:
        self.watching.close()
        super().close()
