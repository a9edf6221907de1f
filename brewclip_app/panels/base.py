"""What every panel is to the window."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.audio import Waveform
    from core.evaluation.records import ModelChoice


@dataclass(frozen=True)
class Question:
    """What the Search panel is to be asked at once (payload of `go_to`): words or a recording."""

    text: str = ""
    speech: Path | None = None


@dataclass(frozen=True, eq=False)
class Asked:
    """One term of a query: words, or a voice (`text` where its words were edited)."""

    label: str
    text: str = ""
    waveform: "Waveform | None" = None


@dataclass(frozen=True, eq=False)
class Inspection:
    """What the Inspect panel is to take apart (payload of `go_to("inspect", ...)`): a query and a picture.

    A spoken query: `speech` (its file) or `waveform`, and `text` where its transcript was edited or is known; with ""
    it is heard. A typed one: `text` alone. The picture: `path`, and `gallery` with `image_id` where it is of a gallery.
    """

    text: str = ""
    speech: Path | None = None
    waveform: "Waveform | None" = None
    path: Path | None = None
    gallery: str = ""
    image_id: int | None = None
    caption: str = ""     # the reference text, where it is known: its rank is shown beside the transcript's
    model: "ModelChoice | None" = None  # None: that of the settings
    crop: str = ""        # how that model is to see the picture; "": as it was made for
    terms: tuple[Asked, ...] = ()  # of a query of several, to choose from; `term` is the one that is taken apart
    term: int = 0
    note: str = ""        # what the user is to know, such as that other terms of the query are left out


class Panel(QWidget):
    """One screen of the window. Subclasses say who they are and override what they need."""

    key: ClassVar[str] = ""
    title: ClassVar[str] = ""
    icon: ClassVar[str] = ""
    own_jobs: ClassVar[tuple[str, ...]] = ()  # keys of the jobs whose progress the panel shows itself, while in front

    status_changed = Signal(str)   # what the status bar says at the left; may be empty
    status_link = Signal(str, str)  # words after it that lead to another panel ("" for none), that panel's key
    go_to = Signal(str, object)    # key of a panel, payload: what that panel's `receive` gets
    failed = Signal(object, str)   # an exception that the window shows in its banner, and what is safe / to do ("")

    def __init__(self, context: "Context") -> None:
        super().__init__()
        self.context = context
        self.setProperty("look", "ground")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # a click beside everything ends typing: keys reach the panel

    def activated(self) -> None:
        """The panel came to the front."""

    def deactivated(self) -> None:
        """Another panel came to the front."""

    def receive(self, payload: object) -> None:
        """Another panel sent the user here with this (see `go_to`)."""

    def save_state(self) -> dict[str, Any]:
        """What is to be there again at the next start: plain values, JSON."""
        return {}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take up what `save_state` gave, or any part of it."""

    def shortcuts(self) -> list[tuple[str, str]]:
        """(keys, what they do), for the list that `?` shows."""
        return []

    def closing(self) -> None:
        """The window closes: stop recording and playing."""
