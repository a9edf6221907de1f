"""Where the search looks: the galleries, how the current one stands, and what is shown while nothing is asked."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QPushButton, QStackedWidget, QWidget

from brewclip_app.panels.first_start.panel import FirstStart
from brewclip_app.panels.search.flow import GalleryView
from brewclip_app.panels.search.header import QueryHeader
from brewclip_app.panels.search.notices import Notice, notice_for, suggestions
from brewclip_app.panels.search.results import SearchResults
from brewclip_app.widgets.common import button
from brewclip_app.widgets.indexing_progress import IndexingProgress

if TYPE_CHECKING:
    from brewclip_app.context import Context

EMPTY = "no_galleries"  # key in the window's state: there was none when the galleries were read last


class SearchPlace(QObject):
    """Chooses between first start, notices and hits."""

    changed = Signal()  # another view of the gallery
    library_wanted = Signal()
    suggestion_wanted = Signal(object, str)  # Path of a suggested query, its words

    def __init__(self, context: "Context", header: QueryHeader, results: SearchResults, main: QWidget) -> None:
        super().__init__(main)
        self._context, self._header, self._results, self._main = context, header, results, main
        self.view: GalleryView | None = None  # None until the galleries were read
        self.first_start = FirstStart(context)
        self.pages = QStackedWidget()
        self.pages.addWidget(main)
        self.pages.addWidget(self.first_start)
        self._first = not context.gallery and (not context.home.store.exists() or bool(context.state.get(EMPTY, False)))
        self.pages.setCurrentWidget(self.first_start if self._first else main)
        self.first_start.choose_folder.connect(lambda: context.indexing.choose_folder(self.pages))
        self.first_start.open_demo.connect(context.indexing.make_demo)
        self._shown: tuple[Notice, str] | None = None

    @property
    def first(self) -> bool:
        """Whether there is no gallery at all; until the galleries were read, as far as can be told without them."""
        return self._first

    def take(self, view: GalleryView) -> None:
        """The galleries were read."""
        self.view, self._first = view, not view.names
        self._context.state.keep(EMPTY, self._first)
        self.pages.setCurrentWidget(self.first_start if self.first else self._main)
        self._header.show_galleries(view.names, self._context.gallery)
        self._results.filter.offer(view.tags, view.folders)
        if view.names and self._context.gallery not in view.names:
            self._context.set_gallery(view.names[0])
            return
        self.changed.emit()

    def show_notice(self) -> None:
        """Say what goes here; nothing is asked, or nothing can be found."""
        if self.view is None:
            return
        notice = notice_for(self.view, self._context.indexing.job(self._context.gallery) is not None)
        if self._shown == (notice, self._context.gallery) and not self._results.showing_hits():
            return
        self._shown = (notice, self._context.gallery)
        self._results.show_notice(notice.icon, notice.title, notice.sentence, *self._steps(notice))

    def _steps(self, notice: Notice) -> list[QWidget]:
        gallery, indexing = self._context.gallery, self._context.indexing
        steps = {"folder": lambda: indexing.choose_folder(self.pages, gallery),
                 "index": lambda: indexing.start(gallery), "library": self.library_wanted.emit}
        if notice.step == "library" and indexing.job(gallery) is not None:
            return [IndexingProgress(self._context, gallery), button(notice.button, steps["library"], "link")]
        if notice.step:
            return [button(notice.button, steps[notice.step], "main")]
        return [self._suggestion(said, path) for said, path in suggestions(gallery)]

    def _suggestion(self, said: str, path: Path) -> QPushButton:
        return button(f"“{said.rstrip('.')}”", partial(self.suggestion_wanted.emit, path, said), icon="play",
                      tip="Search with this recording")
