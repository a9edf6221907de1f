"""Placeholder of a screen that needs PyTorch, where that is not installed: the bundle leaves it out."""

from typing import TYPE_CHECKING, Any

from brewclip_app.localisation import _
from brewclip_app.panels.base import Panel
from brewclip_app.widgets.common import EmptyState, column

if TYPE_CHECKING:
    from brewclip_app.context import Context

WHAT_TO_DO = (_("This installation leaves PyTorch out to stay small. Search, Library, Annotate and Settings work "
                "without it. To use this screen, install the whole program as its README says: your galleries, "
                "captions and settings stay as they are."))


class NeedsTorchPanel(Panel):
    """Says what is missing and how to get it. What is sent to the screen is not read; its saved state stays."""

    def __init__(self, context: "Context", title: str, icon: str) -> None:
        super().__init__(context)
        self._state: dict[str, Any] = {}
        self.words = EmptyState(icon, _("{title} needs PyTorch").format(title=title), WHAT_TO_DO)
        self.setLayout(column(self.words))

    def save_state(self) -> dict[str, Any]:
        return self._state

    def restore_state(self, state: dict[str, Any]) -> None:
        self._state = state
