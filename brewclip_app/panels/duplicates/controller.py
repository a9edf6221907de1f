"""Controller of the Duplicates screen: the groups of the current gallery, and which file of each is kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from brewclip_app.controller import Controller
from brewclip_app.localisation import _
from core.progress import Progress

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.duplicates.clearing import GroupChoice
    from core.duplicates.groups import DuplicateGroup, Duplicates
    from core.store.records import ImageRecord

KINDS: "Mapping[str, tuple[str, Callable[[Duplicates], Duplicates]]]" = {
    "all": (_("All duplicates"), lambda known: known),
    "exact": (_("Identical files"), lambda known: known.exact),
    "near": (_("Resized or edited"), lambda known: known.near)}


@dataclass(frozen=True, eq=False)
class ReviewState:
    """State of the Duplicates screen. `kept` are ids chosen in place of the proposed best, by the best's id,
    `clearing` those of all files of groups of which a job moves files to the bin.
    """

    gallery: str = ""
    duplicates: "Duplicates | None" = None  # of the kind; None until they were read
    kind: str = "all"
    place: int = 0  # of the group in front
    kept: Mapping[int, int] = field(default_factory=dict)
    clearing: frozenset[int] = frozenset()
    complete: bool = False  # all pictures were compared
    progress: Progress | None = None  # of the search

    @property
    def groups(self) -> "tuple[DuplicateGroup, ...]":
        """The groups of the kind."""
        return self.duplicates.groups if self.duplicates is not None else ()

    @property
    def group(self) -> "DuplicateGroup | None":
        """The group in front."""
        return self.groups[self.place] if self.place < len(self.groups) else None

    def keeps(self, group: "DuplicateGroup") -> "ImageRecord":
        """The file of a group that is kept."""
        wanted = self.kept.get(group.best.id)
        return next((image for image in group.images if image.id == wanted), group.best)

    def is_clearing(self, group: "DuplicateGroup") -> bool:
        """Whether a job has files of the group: nothing can be decided about it."""
        return any(image.id in self.clearing for image in group.images)

    def choices(self, groups: "Sequence[DuplicateGroup]") -> "list[GroupChoice]":
        """Kept and spare pictures of groups, without those that a job has."""
        from core.duplicates.clearing import GroupChoice

        return [GroupChoice(kept, tuple(image for image in group.images if image is not kept))
                for group in groups if not self.is_clearing(group) for kept in (self.keeps(group),)]


class DuplicatesController(Controller[ReviewState]):
    """Follows the current gallery and its duplicates. What is not kept is moved to the bin by the view."""

    def __init__(self, context: "Context", parent: QObject | None = None) -> None:
        super().__init__(ReviewState(), parent)
        self._context = context
        self._wanted = -1  # id of a picture whose group is to be shown; -1 for none
        self._gone: frozenset[int] = frozenset()  # ids in the bin that the last search still had
        context.duplicates.changed.connect(lambda _unused: self._follow())
        context.duplicates.failed.connect(self.failed)
        context.gallery_changed.connect(self.show_gallery)
        context.galleries_changed.connect(lambda: context.duplicates.load(self.state.gallery))
        self.show_gallery(context.gallery)

    def show_gallery(self, gallery: str) -> None:
        """Show the duplicates of a gallery, what is known of them first."""
        if gallery != self.state.gallery:
            self._gone = frozenset()
            self._set(gallery=gallery, duplicates=None, place=0, kept={})
        self._follow()
        self._context.duplicates.load(gallery)

    def find(self) -> None:
        """Compare all pictures of the gallery."""
        self._context.duplicates.find(self.state.gallery)

    def stop(self) -> None:
        """Stop comparing."""
        self._context.duplicates.stop(self.state.gallery)

    def choose_kind(self, kind: str) -> None:
        """Show one kind of groups."""
        self._set(kind=kind, place=0)
        self._follow()

    def show_group_of(self, image_id: int) -> None:
        """Go to the group of a picture, of whatever kind, once it is read."""
        self._wanted = image_id
        self.choose_kind("all")

    def go(self, steps: int) -> None:
        """Go some groups on or back."""
        self._set(place=max(0, min(len(self.state.groups) - 1, self.state.place + steps)))

    def keep(self, number: int) -> None:
        """Keep another file of the group in front, by its place from 0."""
        group = self.state.group
        if group is not None and number < len(group.images) and not self.state.is_clearing(group):
            self._set(kept={**self.state.kept, group.best.id: group.images[number].id})

    def begin_clearing(self, choices: "Sequence[GroupChoice]") -> "list[GroupChoice]":
        """Those of the choices that no job has; until `end_clearing` of them nothing else is decided about them."""
        free = [choice for choice in choices if not choice.ids & self.state.clearing]
        self._set(clearing=self.state.clearing.union(*(choice.ids for choice in free)))
        return free

    def end_clearing(self, choices: "Sequence[GroupChoice]") -> None:
        """The job of these choices is over."""
        self._set(clearing=self.state.clearing.difference(*(choice.ids for choice in choices)))

    def leave_out(self, ids: frozenset[int]) -> None:
        """Leave out pictures that were moved to the bin, and groups of which one file is left."""
        self._gone |= ids
        self._follow()

    def take_back(self) -> None:
        """Show pictures that are back from the bin."""
        self._gone = frozenset()
        self._follow()

    def _follow(self) -> None:
        search, gallery = self._context.duplicates.state, self.state.gallery
        known = search.known.get(gallery)
        duplicates = KINDS[self.state.kind][1](known.without(self._gone)) if known is not None else None
        place = min(self.state.place, max(0, len(duplicates.groups) - 1)) if duplicates is not None else 0
        wanted = next((place for place, group in enumerate(duplicates.groups if duplicates is not None else ())
                       if any(image.id == self._wanted for image in group.images)), -1)
        if wanted >= 0:
            self._wanted, place = -1, wanted
        self._set(duplicates=duplicates, place=place, complete=gallery in search.found,
                  progress=search.running.get(gallery))
