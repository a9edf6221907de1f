"""Controller of browsing: the pictures of the current gallery while no query is entered, in an order and grouped."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from brewclip_app.controller import Controller
from brewclip_app.localisation import _
from brewclip_app.panels.search import search_job
from brewclip_app.panels.search.query import HitLimits
from brewclip_app.services.duplicates import DuplicatesState
from core.progress import JobCancelled, Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.duplicates.groups import Duplicates
    from core.galleries.listing import Arrangement, ImageListing

ORDERS = {"newest": _("Newest first"), "oldest": _("Oldest first"), "name": _("By name"), "folder": _("By folder")}
GROUPINGS = {"month": _("Months"), "folder": _("Folders"), "none": _("No groups")}


@dataclass(frozen=True, eq=False)
class BrowseState:
    """Pictures of a gallery; `listing` and `arrangement` are None until they were read.

    `wanted` is the id of a picture to be shown once it is there, -1 for none. `stacks` are the ids of duplicates by the
    id of the picture that stands for them.
    """

    gallery: str = ""
    listing: "ImageListing | None" = None
    arrangement: "Arrangement | None" = None
    order: str = "newest"
    grouping: str = "month"
    wanted: int = -1
    stacks: "Mapping[int, tuple[int, ...]]" = field(default_factory=dict)

    def shown(self, image_id: int) -> int:
        """Id of the picture that stands for a picture: its own where it is in no stack."""
        return next((best for best, ids in self.stacks.items() if image_id in ids), image_id)


class BrowseController(Controller[BrowseState]):
    """Lists the gallery in jobs. The latest request wins."""

    def __init__(self, context: "Context", parent: QObject | None = None) -> None:
        super().__init__(BrowseState(), parent)
        self._context = context
        self._limits = HitLimits()
        self._known: Duplicates | None = None  # of the current gallery
        context.duplicates.changed.connect(self._follow_duplicates)

    def read(self, limits: HitLimits) -> None:
        """List the pictures of the current gallery that pass the limits."""
        self._limits = limits
        self._start(self._read())
        self._context.duplicates.load(self._context.gallery)

    def set_order(self, order: str) -> None:
        """Sort by one of `ORDERS`."""
        if order in ORDERS and order != self.state.order:
            self._set(order=order)
            self._start(self._read())

    def set_grouping(self, grouping: str) -> None:
        """Group by one of `GROUPINGS`."""
        if grouping in GROUPINGS and grouping != self.state.grouping:
            self._set(grouping=grouping)
            self._start(self._read())

    def want(self, image_id: int) -> None:
        """Show a picture once it is listed; -1: it was shown."""
        if image_id != self.state.wanted:
            self._set(wanted=self.state.shown(image_id))

    def _follow_duplicates(self, duplicates: DuplicatesState) -> None:
        """List the pictures again when other duplicates are known."""
        known = duplicates.known.get(self._context.gallery)
        if known is not None and known is not self._known:
            self._known = known
            self._start(self._read())

    async def _read(self) -> None:
        state, name, limits = self.state, self._context.gallery, self._limits
        if not name:
            return

        all_stacks = self._context.duplicates.state.stacks(name)

        def work(report: Report) -> "tuple[ImageListing, Arrangement, Mapping[int, tuple[int, ...]]]":
            from core.duplicates.groups import stacks_among
            from core.galleries.listing import arrange

            listing = self._context.explorer.gallery(name).listing(search_job.filter_of(limits))
            stacks = stacks_among(all_stacks, listing.ids.tolist()) if all_stacks else {}
            before, arranged = state.listing, state.arrangement
            if before is not None and arranged is not None and state.gallery == name and before.same_as(listing):
                if (arranged.order, arranged.grouping, state.stacks) == (state.order, state.grouping, stacks):
                    return before, arranged, state.stacks
                listing = before
            behind = {image_id for ids in stacks.values() for image_id in ids[1:]}
            return listing, arrange(listing, state.order, state.grouping, behind), stacks  # type: ignore[arg-type]

        try:
            listing, arrangement, stacks = await self._context.jobs.run(
                _("Listing the pictures"), work, key="browse", quiet=True)
        except JobCancelled:
            return
        if arrangement is not self.state.arrangement and name == self._context.gallery:
            self._set(gallery=name, listing=listing, arrangement=arrangement, stacks=stacks)
            self.want(self.state.shown(self.state.wanted))
