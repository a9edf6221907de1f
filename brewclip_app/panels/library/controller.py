"""Controller of the Library screen: reads the galleries, shows one of them in detail and changes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from brewclip_app import wording
from brewclip_app.controller import Controller
from brewclip_app.localisation import _, as_shown
from brewclip_app.panels.library import facts as gallery_facts
from brewclip_app.panels.library.facts import Overview
from brewclip_app.services.downloads import DownloadsState
from brewclip_app.services.indexing import IndexingState
from core.progress import Progress, Report
from core.store.addresses import is_address

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.explorer import Explorer
    from core.galleries.copy import CopyResult
    from core.galleries.removal import RestoreResult
    from core.indexing.unfinished import UnfinishedRun
    from core.store.records import FailureRecord, GalleryState

RELOAD_MS = 2500  # interval at which a running job's stored pictures are shown


@dataclass(frozen=True, eq=False)
class LibraryState:
    """State of the Library screen."""

    overview: Overview | None = None  # None until the galleries were read
    chosen: str = ""  # name of the gallery in detail
    failures: "tuple[FailureRecord, ...]" = ()  # of the chosen gallery
    summaries: Mapping[str, str] = field(default_factory=dict)  # by gallery: what its last run did

    @property
    def galleries(self) -> "tuple[GalleryState, ...]":
        """The galleries in the order of the list."""
        return self.overview.states if self.overview else ()

    @property
    def names(self) -> frozenset[str]:
        """The names of all galleries."""
        return frozenset(state.gallery.name for state in self.galleries)

    def of(self, name: str) -> "GalleryState | None":
        """The gallery of a name."""
        return next((state for state in self.galleries if state.gallery.name == name), None)

    @property
    def gallery(self) -> "GalleryState | None":
        """The gallery in detail."""
        return self.of(self.chosen)

    @property
    def unfinished(self) -> "UnfinishedRun | None":
        """The last indexing run of the chosen gallery, if it did not end."""
        gallery = self.gallery
        return self.overview.unfinished.get(gallery.gallery.id) if self.overview and gallery else None

    @property
    def refusal(self) -> str:
        """Why the chosen gallery cannot be opened; "" when it can."""
        refusal = self.overview.refused.get(self.chosen) if self.overview else None
        return refusal.reason if refusal is not None else ""


class LibraryController(Controller[LibraryState]):
    """Every change goes through the store and comes back as `context.galleries_changed`."""

    def __init__(self, context: "Context", parent: QObject | None = None) -> None:
        super().__init__(LibraryState(), parent)
        self.context = context
        self.wanted = ""  # name of the gallery to show once the list is read
        self._later = QTimer(self, singleShot=True, interval=RELOAD_MS)
        self._later.timeout.connect(self.reload)
        context.galleries_changed.connect(self.reload)
        context.gallery_changed.connect(self.choose)
        context.settings_changed.connect(lambda _unused: self.reload())
        self._files = context.downloads.state.files
        self._results = context.indexing.state.results
        context.downloads.changed.connect(self._follow_downloads)
        context.indexing.changed.connect(self._follow_indexing)

    # ---- what is shown

    def reload(self) -> None:
        """Read all galleries again."""
        async def read() -> None:
            overview = await self.context.jobs.run(
                _("Reading the galleries"),
                lambda report: gallery_facts.read_overview(self.context.explorer, self.state.overview),
                key="library", quiet=True)
            before = self.state.gallery
            names = [state.gallery.name for state in overview.states]
            preferred = self.wanted or self.state.chosen or self.context.gallery
            if self.wanted in names:
                self.wanted = ""
            self._set(overview=overview, chosen=preferred if preferred in names else names[0] if names else "")
            await self._read_failures(before)

        self._start(read())

    def choose(self, name: str) -> None:
        """Show a gallery in detail; one that is not in the list is shown once it is read."""
        self.wanted = "" if name in self.state.names else self.wanted
        if name in self.state.names and name != self.state.chosen:
            before = self.state.gallery
            self._set(chosen=name)
            self._start(self._read_failures(before))

    def show_when_read(self, name: str) -> None:
        """Read the list again and show a gallery that is new or has a new name."""
        self.wanted = name
        self.context.galleries_changed.emit()

    def reload_soon(self) -> None:
        """Read the galleries again within seconds: a job has stored more."""
        if not self._later.isActive():
            self._later.start()

    async def _read_failures(self, before: "GalleryState | None") -> None:
        """Read what could not be read of the chosen gallery, if it is another one or their number changed."""
        gallery = self.state.gallery
        if gallery is None or self.state.refusal:
            self._set(failures=())
        elif (before is None or before.gallery.id != gallery.gallery.id
              or gallery.failed != len(self.state.failures)):
            self._set(failures=tuple(await self.context.jobs.run(
                _("Reading the list"), lambda report: gallery_facts.read_failures(self.context.explorer,
                                                                                  gallery.gallery),
                key="library:failures", quiet=True)))

    def _follow_downloads(self, downloads: DownloadsState) -> None:
        """Read the galleries again: a model may be there now."""
        if downloads.files is not self._files:
            self._files = downloads.files
            self.reload()

    def _follow_indexing(self, indexing: IndexingState) -> None:
        """Summarise new results in words."""
        if indexing.results is self._results:
            return
        for gallery, result in indexing.results.items():
            if self._results.get(gallery) is not result:
                self._set_summary(gallery, gallery_facts.result_in_words(
                    result.indexed, result.unchanged, result.moved, result.missing, result.failed, result.passed,
                    result.excluded))
        self._results = indexing.results

    def _set_summary(self, gallery: str, summary: str) -> None:
        self._set(summaries={**self.state.summaries, gallery: summary})

    # ---- indexing

    @property
    def progress(self) -> Progress | None:
        """Progress of indexing the chosen gallery; None while that is not going on."""
        return self.context.indexing.state.running.get(self.state.chosen)

    def index_again(self) -> None:
        """Scan all folders of the chosen gallery again."""
        if self.state.gallery is not None:
            self.context.indexing.start(self.state.chosen)

    def stop(self) -> None:
        """Stop indexing the chosen gallery."""
        self.context.indexing.cancel(self.state.chosen)

    # ---- changes

    def rename(self, name: str, new: str) -> None:
        """Follow a gallery to its new name."""
        if self.context.gallery == name:
            self.context.set_gallery(new)
        self.show_when_read(new)

    def create_at(self, address: str) -> None:
        """Create a gallery at an address and show it."""
        async def create() -> None:
            record = await self.context.jobs.run(
                _("Opening {address}").format(address=address),
                                                 lambda report: self.context.explorer.open_address(address, True))
            self.show_when_read(record.name)

        self._start(create())

    def copy(self, to: str) -> None:
        """Copy the chosen gallery to a name or an address: embeddings, tags and failures; pictures stay."""
        name, explorer = self.state.chosen, self.context.explorer

        def work(report: Report) -> "CopyResult":
            copied = explorer.copy_gallery(name, to, report)
            if is_address(to):
                explorer.open_address(to)
            return copied

        async def copy() -> None:
            copied = await self.context.jobs.run(_("Copying {name}").format(name=name), work)
            already = (_(", {already} of them were there").format(already=wording.count(copied.already))
                       if copied.already else "")
            self._set_summary(copied.gallery,
                              _("Copied: {pictures}{already}.").format(pictures=wording.pictures(copied.pictures),
                                                                       already=already))
            self.show_when_read(copied.gallery)

        self._start(copy(), _("What was copied is kept; copying to the same place again goes on from there."))

    def delete(self) -> None:
        """Delete the chosen gallery; one at an address is only removed from the list."""
        gallery = self.state.gallery
        if gallery is None:
            return
        record = gallery.gallery

        def change(explorer: "Explorer") -> None:
            if is_address(record.name):
                explorer.close_address(record.name)
            else:
                explorer.gallery(record).delete()

        def forget() -> None:
            if self.context.gallery == record.name:
                self.context.set_gallery("")

        self._change(change, forget)

    def remove_folder(self, folder: Path) -> None:
        """Remove a folder from the chosen gallery."""
        gallery = self.state.gallery
        if gallery is not None:
            name = gallery.gallery.name
            self._change(lambda explorer: explorer.gallery(gallery.gallery).remove_folder(folder),
                         lambda: self._set_summary(name, ""))

    def restore_removed(self) -> None:
        """Take all removed pictures back into the chosen gallery."""
        name = self.state.chosen

        results: list[RestoreResult] = []

        def change(explorer: "Explorer") -> None:
            from core.galleries import removal
            gallery = explorer.gallery(name)
            results.append(removal.restore(gallery, removal.removed(gallery)))

        self._change(change, lambda: self._set_summary(
            name, " ".join(_restored_words(result) for result in results)))

    def _change(self, change: "Callable[[Explorer], object]", then: Callable[[], object]) -> None:
        async def run() -> None:
            await self.context.jobs.run(_("Changing the gallery"), lambda report: change(self.context.explorer),
                                        quiet=True)
            then()
            self.context.galleries_changed.emit()

        self._start(run())


def _restored_words(result: "RestoreResult") -> str:
    words = _("{pictures} in the gallery again.").format(pictures=wording.pictures(result.restored))
    return f"{words} {as_shown(result.words)}".rstrip()
