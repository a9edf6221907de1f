"""Duplicates of galleries: what is known of them, and the searches that run."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from brewclip_app.controller import Controller
from brewclip_app.localisation import _
from core.progress import JobCancelled, Progress, Report

if TYPE_CHECKING:
    from brewclip_app.base_context import BaseContext
    from core.duplicates.groups import Duplicates

KEPT = _("What was compared is kept; the next search goes on from there.")


@dataclass(frozen=True, eq=False)
class DuplicatesState:
    """Duplicates by the names of galleries. `found` are galleries whose pictures were all compared; of the others only
    identical files and what an earlier search found are known.
    """

    known: "Mapping[str, Duplicates]" = field(default_factory=dict)
    found: frozenset[str] = frozenset()
    running: Mapping[str, Progress] = field(default_factory=dict)

    def stacks(self, gallery: str) -> dict[int, tuple[int, ...]]:
        """Ids of each group by the id of its best, which stands for them in a grid."""
        return self.known[gallery].stacks() if gallery in self.known else {}


class DuplicateSearch(Controller[DuplicatesState]):
    """Finds duplicates. On the GUI thread."""

    def __init__(self, context: "BaseContext") -> None:
        super().__init__(DuplicatesState(), context)
        self._context = context
        self._revisions: dict[str, str] = {}  # of what is known

    def load(self, gallery: str) -> None:
        """Read what is known of a gallery, if it has changed since: identical files, and near ones found before."""
        if gallery and gallery not in self.state.running:
            self._start(self._load(gallery))

    def find(self, gallery: str) -> None:
        """Compare the pictures of a gallery that were not compared yet."""
        if gallery and gallery not in self.state.running:
            self._set(running={**self.state.running, gallery: Progress()})
            self._start(self._find(gallery), KEPT)

    def stop(self, gallery: str) -> None:
        """Stop comparing."""
        job = self._context.jobs.of_key(f"duplicates:{gallery}")
        if job is not None:
            job.cancel()

    async def _load(self, gallery: str) -> None:
        before = self._revisions.get(gallery, "")

        def work(report: Report) -> "tuple[str, Duplicates | None]":
            from core.duplicates.find import known_duplicates

            opened = self._context.explorer.gallery(gallery)
            revision = opened.revision("")
            return revision, None if revision == before else known_duplicates(opened, self._context.home.caches)

        revision, known = await self._context.jobs.run(_("Reading duplicates"), work, key=f"stacks:{gallery}",
                                                       quiet=True)
        if known is not None:
            self._revisions[gallery] = revision
            self._set(known={**self.state.known, gallery: known}, found=self.state.found - {gallery})

    async def _find(self, gallery: str) -> None:
        limit = float(self._context.settings["images.max_megapixels"])

        def work(report: Report) -> "tuple[str, Duplicates]":
            from core.duplicates.find import find_duplicates

            opened = self._context.explorer.gallery(gallery)
            revision = opened.revision("")
            return revision, find_duplicates(opened, self._context.home.caches, report, max_megapixels=limit)

        def show(progress: Progress) -> None:
            self._set(running={**self.state.running, gallery: progress})

        try:
            revision, known = await self._context.jobs.run(
                _("Finding duplicates in {gallery}").format(gallery=gallery), work, key=f"duplicates:{gallery}",
                                                           on_progress=show)
        except (JobCancelled, Exception):
            self._end(gallery)
            raise
        self._revisions[gallery] = revision
        self.state = replace(self.state, known={**self.state.known, gallery: known},
                             found=self.state.found | {gallery})
        self._end(gallery)

    def _end(self, gallery: str) -> None:
        self._set(running={name: progress for name, progress in self.state.running.items() if name != gallery})
