"""State of the Map panel, and what of it is shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brewclip_app.jobs import JobProgress
from brewclip_app.localisation import _

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.mapping.groups import Grouping
    from core.mapping.points import MapPoints
    from core.mapping.projection import Projection

SHOWN: Mapping[str, str] = {"all": _("Pictures and utterances"), "pictures": _("Pictures"),
                            "utterances": _("Utterances")}


@dataclass(frozen=True)
class MapSource:
    """Source of a map: a gallery, or a split of a dataset's folder."""

    title: str
    gallery: str = ""
    folder: Path | None = None
    split: str = ""
    kind: str = ""
    follow_links: bool = False

    @property
    def key(self) -> str:
        """Its name in the saved state."""
        return (_("gallery {gallery}").format(gallery=self.gallery) if self.gallery
                else _("split {split} {folder}").format(split=self.split, folder=self.folder))


@dataclass(frozen=True, eq=False)
class PlacedQuery:
    """A query on the map: its vector, position (2,) and the rows of its best pictures, best first."""

    label: str
    vector: "NDArray[np.float32]"
    position: "NDArray[np.float32]"
    hits: "NDArray[np.int64]"


@dataclass(frozen=True, eq=False)
class MapState:
    """All that the panel renders. `sources` is None until they are read.

    `projection` is PCA's until UMAP's is there (`projecting`). `problem` says why there is no map (`kind` names it),
    `notice` what else is to be said. `selected` are rows, ascending.
    """

    sources: tuple[MapSource, ...] | None = None
    source: MapSource | None = None
    points: "MapPoints | None" = None
    projection: "Projection | None" = None
    method: str = "umap"
    centred: bool = False
    shown: str = "all"
    grouping: str = ""
    hidden: frozenset[int] = frozenset()
    selected: tuple[int, ...] = ()
    query: PlacedQuery | None = None
    progress: JobProgress | None = None
    problem: str = ""
    kind: str = ""
    notice: str = ""
    folders: Mapping[Path, tuple[MapSource, ...]] = field(default_factory=dict)  # datasets that the user added

    @property
    def groups(self) -> "Grouping | None":
        """The grouping that colours the points."""
        return next((one for one in self.points.groupings if one.key == self.grouping), None) if self.points else None

    @cached_property
    def visible(self) -> "NDArray[Any]":
        """Which points are shown (n,): by modality, and by the groups that the legend has on."""
        import numpy as np

        assert self.points is not None
        spoken = self.points.spoken
        shown = np.ones(len(spoken), bool) if self.shown == "all" else spoken == (self.shown == "utterances")
        groups = self.groups
        if groups is not None and self.hidden:
            shown = shown & ~np.isin(groups.group_of, list(self.hidden))
        return shown
