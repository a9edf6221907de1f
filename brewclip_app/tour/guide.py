"""Guide of a window: offers the tour once, when the demo is there, and opens it from Help at any time."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from brewclip_app.localisation import _
from brewclip_app.services.indexing import DEMO
from core.settings import INTERFACE

if TYPE_CHECKING:
    from brewclip_app.base_context import BaseContext
    from brewclip_app.panels.base import Panel
    from brewclip_app.panels.search.panel import SearchPanel
    from brewclip_app.tour.overlay import GuidedTour
    from brewclip_app.widgets.banner import Banner

OFFERED = "tour_offered"  # key in the window's state
OFFER = _("New here? A tour of five steps shows where things are.")
NO_GALLERY = _("The tour shows the controls of Search: open the demo or choose a folder of pictures first.")


class TourGuide(QObject):
    """Opens the tour over a window, of which it has the panels that were made; nothing of it is imported before."""

    def __init__(self, window: QWidget, context: "BaseContext", banner: "Banner", panels: "Mapping[str, Panel]",
                 show_panel: Callable[[str], object]) -> None:
        super().__init__(window)
        self._window, self._context, self._banner = window, context, banner
        self._panels, self._show_panel = panels, show_panel
        self.tour: GuidedTour | None = None
        self._context.gallery_changed.connect(self._follow_gallery)

    def open(self) -> None:
        """Show the Search panel and begin; without a gallery say what is needed first."""
        from brewclip_app.tour.overlay import GuidedTour
        from brewclip_app.tour.steps import facts_of

        panel = self._search()
        if panel.controller.state.first_start:
            self._banner.show_message(NO_GALLERY, "note")
            return
        panel.controller.show_message("")
        self._context.state.set(OFFERED, True)
        self.tour = self.tour or GuidedTour(self._window)
        self.tour.open(panel, facts_of(panel, self._context.settings[INTERFACE] == "simple"))

    def _follow_gallery(self, name: str) -> None:
        """Offer the tour under the query when the demo ends the first start, once in the life of the home."""
        from brewclip_app.panels.search.panel import SearchPanel

        panel = self._panels.get(SearchPanel.key)
        if (name == DEMO and isinstance(panel, SearchPanel) and panel.controller.state.first_start
                and not self._context.state.get(OFFERED, False)):
            self._context.state.set(OFFERED, True)
            panel.controller.show_message(OFFER, "quiet", _("Show me around"), self.open)

    def _search(self) -> "SearchPanel":
        from brewclip_app.panels.search.panel import SearchPanel

        self._show_panel(SearchPanel.key)
        panel = self._panels[SearchPanel.key]
        assert isinstance(panel, SearchPanel)
        return panel
