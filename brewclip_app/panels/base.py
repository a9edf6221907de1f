"""Base class of the panels, and the payloads that panels send each other."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from brewclip_app.context import Context
    from core.audio import Waveform
    from core.models.spec import ModelSpec


@dataclass(frozen=True)
class Question:
    """A query for the Search panel (payload of `go_to`): text, a recording or pictures."""

    text: str = ""
    speech: Path | None = None
    pictures: tuple[Path, ...] = ()


@dataclass(frozen=True)
class GalleryPicture:
    """A picture of a gallery, to be shown among the others (payload of `go_to("search", ...)`); -1: none of them."""

    gallery: str
    image_id: int = -1


@dataclass(frozen=True, eq=False)
class Asked:
    """One term of a query: words, or a voice (`text` where its words were edited)."""

    label: str
    text: str = ""
    waveform: "Waveform | None" = None


@dataclass(frozen=True, eq=False)
class MapQuery:
    """A query for the Map panel (payload of `go_to`): its words, and its vector under the present model."""

    gallery: str
    label: str
    vector: "NDArray[np.float32]"


@dataclass(frozen=True, eq=False)
class Inspection:
    """A query and an image for the Inspect panel (payload of `go_to("inspect", ...)`).

    A spoken query has `speech` (its file) or `waveform`, and `text` where it has a transcript already. A typed one has
    `text` alone. The image: `path`, and `gallery` with `image_id` if it is of one.
    """

    text: str = ""
    speech: Path | None = None
    waveform: "Waveform | None" = None
    path: Path | None = None
    gallery: str = ""
    image_id: int | None = None
    caption: str = ""     # the reference text, if any: its rank is shown beside the transcript's
    model: "ModelSpec | None" = None  # None: that of the settings
    crop: str = ""        # crop policy; "": that of the model
    terms: tuple[Asked, ...] = ()  # of a query of several; `term` is the index of the one that is inspected
    term: int = 0
    note: str = ""        # for the user, such as that other terms of the query are left out


class Panel(QWidget):
    """One screen of the window. Subclasses set key, title and icon, and override what they need."""

    key: ClassVar[str] = ""
    title: ClassVar[str] = ""
    icon: ClassVar[str] = ""
    own_jobs: ClassVar[tuple[str, ...]] = ()  # keys of the jobs whose progress the panel shows itself, while in front

    status_changed = Signal(str)   # text at the left of the status bar; may be empty
    status_link = Signal(str, str)  # a link after it to another panel ("": none), that panel's key
    go_to = Signal(str, object)    # key of a panel, payload for its `receive`
    failed = Signal(object, str)   # an exception that the window shows in its banner, and what is safe / to do ("")

    def __init__(self, context: "Context") -> None:
        super().__init__()
        self.context = context
        self.setProperty("look", "ground")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # a click beside everything ends typing: keys reach the panel

    def activated(self) -> None:
        """Called when the panel comes to the front."""

    def deactivated(self) -> None:
        """Called when another panel comes to the front."""

    def receive(self, payload: object) -> None:
        """Take a payload from another panel (see `go_to`)."""

    def save_state(self) -> dict[str, Any]:
        """Plain values (JSON) to restore at the next start."""
        return {}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Restore what `save_state` gave, or any part of it."""

    def shortcuts(self) -> list[tuple[str, str]]:
        """(keys, action) pairs for the list that `?` shows."""
        return []

    def closing(self) -> None:
        """Stop recording and playing: the window closes."""
