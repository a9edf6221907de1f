"""State of the preview. The controller replaces it, the view renders it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from brewclip_app import wording
from brewclip_app.localisation import _
from brewclip_app.widgets.preview.geometry import ViewGeometry
from brewclip_app.widgets.preview.loading import LoadedPicture

if TYPE_CHECKING:
    from core.search.queries import Hit
    from core.store.records import ImageRecord

SlideShow = Literal["off", "running", "paused"]


@dataclass(frozen=True, eq=False)
class PreviewState:
    """One picture of a sequence, in front. `picture` is None while it is read; `interval` is in seconds."""

    opened: bool = False
    position: int = 0
    total: int = 0
    picture: LoadedPicture | None = None
    hit: "Hit | None" = None
    view: ViewGeometry = field(default_factory=ViewGeometry)
    information: bool = False
    slide_show: SlideShow = "off"
    interval: float = 4.0

    @property
    def image(self) -> "ImageRecord | None":
        """Record of the picture in front, as far as it is known."""
        if self.picture is not None:
            return self.picture.image
        return self.hit.image if self.hit is not None else None

    @property
    def place_words(self) -> str:
        """ "3 of 250"."""
        return _("{position} of {total}").format(position=wording.count(self.position + 1),
                                                 total=wording.count(self.total))

    @property
    def zoom_words(self) -> str:
        """ "Fit · 42 %" for the whole picture, "100 %"; "" without one."""
        if self.picture is None or self.picture.problem:
            return ""
        percent = f"{round(100 * self.view.scale)} %"
        return _("Fit · {percent}").format(percent=percent) if self.view.zoom is None else percent
