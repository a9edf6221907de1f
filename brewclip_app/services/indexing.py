"""Indexing jobs: start, stop, progress, speed. One job per gallery; further folders wait."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from brewclip_app.controller import Controller
from brewclip_app.jobs import Job
from brewclip_app.localisation import _
from core.errors import StoreError
from core.priority import background
from core.progress import JobCancelled, Progress, Report

if TYPE_CHECKING:
    from brewclip_app.base_context import BaseContext
    from core.explorer import Explorer
    from core.indexing.local import IndexResult

DEMO = "demo"
WORTH_MEASURING = 16  # pictures; fewer tell more of the start than of the speed
RESUMABLE = _("What was indexed before is kept, and indexing goes on from there.")


@dataclass(frozen=True, eq=False)
class IndexingState:
    """Indexing by the names of galleries: running jobs, folders that wait for them, the last results."""

    running: Mapping[str, Progress] = field(default_factory=dict)
    waiting: Mapping[str, tuple[Path | None, ...]] = field(default_factory=dict)
    results: "Mapping[str, IndexResult]" = field(default_factory=dict)


class Indexing(Controller[IndexingState]):
    """Indexing jobs of all galleries. On the GUI thread."""

    def __init__(self, context: "BaseContext") -> None:
        super().__init__(IndexingState(), context)
        self._context = context

    def job(self, gallery: str) -> Job | None:
        """The running job of a gallery."""
        return self._context.jobs.of_key(_key(gallery))

    def rate(self, backbone: str) -> float:
        """Images per second last measured with a backbone; 0 when never measured."""
        return float(self._context.state.get(_rate_key(backbone), 0.0))

    def start(self, gallery: str, folder: Path | None = None, unasked: bool = False) -> None:
        """Index a folder into a gallery (made when missing), or all its folders again; waits for a running job.

        `unasked`: all other work goes first.
        """
        if gallery in self.state.running:
            folders = (*self.state.waiting.get(gallery, ()), folder)
            self._set(waiting={**self.state.waiting, gallery: folders})
        else:
            def work(report: Report) -> "IndexResult":
                with background() if unasked else nullcontext():
                    return self._context.explorer.index(folder, gallery, report)

            self._run(gallery, _("Indexing {gallery}").format(gallery=gallery), work)

    def resume(self) -> None:
        """Resume runs that a crash or closing the window interrupted."""
        async def resume() -> None:
            with suppress(Exception):  # logged by the job; the galleries show that their indexing stopped
                for gallery in await self._context.jobs.run(
                        _("Looking for unfinished indexing"), lambda report: abandoned(self._context.explorer),
                        quiet=True):
                    self.start(gallery)

        self._start(resume())

    def make_demo(self) -> None:
        """Build the demo gallery, or bring it up to date, and make it the current one."""
        def work(report: Report) -> "IndexResult":
            from core import demo
            return demo.build(self._context.explorer, report)

        if DEMO not in self.state.running:
            self._run(DEMO, _("Building the demo"), work)

    def add_folder(self, folder: Path, gallery: str = "") -> None:
        """Index a folder into a gallery; "" makes a new one named like the folder, or takes the one that has it."""
        async def add() -> None:
            name = await self._context.jobs.run(
                _("Making a gallery"), lambda report: name_for(self._context.explorer, folder), quiet=True)
            self._context.set_gallery(name)
            self._context.galleries_changed.emit()
            self.start(name, folder)

        if gallery:
            self.start(gallery, folder)
        else:
            self._start(add())

    def cancel(self, gallery: str) -> None:
        """Stop a gallery's job; embeddings stay, and the next run resumes there."""
        self._set(waiting={name: folders for name, folders in self.state.waiting.items() if name != gallery})
        job = self.job(gallery)
        if job is not None:
            job.cancel()

    def _run(self, gallery: str, name: str, work: "Callable[[Report], IndexResult]") -> None:
        self._set(running={**self.state.running, gallery: Progress()})
        self._start(self._index(gallery, name, work), RESUMABLE)

    async def _index(self, gallery: str, name: str, work: "Callable[[Report], IndexResult]") -> None:
        try:
            result = await self._context.jobs.run(
                name, lambda report: self._unless_closing(gallery, work, report), key=_key(gallery),
                on_progress=lambda progress: self._set(running={**self.state.running, gallery: progress}))
        except Exception:
            self._end(gallery)
            raise
        if not self._context.gallery:
            self._context.set_gallery(gallery)
        self._set(results={**self.state.results, gallery: result})
        self._end(gallery)
        if result.embedded >= WORTH_MEASURING and result.seconds > 0:
            await self._measure(result)

    def _unless_closing(self, gallery: str, work: "Callable[[Report], IndexResult]", report: Report) -> "IndexResult":
        """Run indexing in a job, and have it resumed at the next start if only closing the window ends it."""
        try:
            return work(report)
        except JobCancelled:
            if self._context.jobs.is_closing:
                with suppress(StoreError):
                    self._context.explorer.unfinished.resume_later(self._context.explorer.gallery(gallery).info)
            raise

    def _end(self, gallery: str) -> None:
        """End a gallery's job and index the next folder that waits for it."""
        self._set(running={name: progress for name, progress in self.state.running.items() if name != gallery})
        self._context.galleries_changed.emit()
        next_folder, *others = self.state.waiting.get(gallery) or (None,)
        if gallery in self.state.waiting:
            self._set(waiting={name: folders for name, folders in self.state.waiting.items() if name != gallery}
                      | ({gallery: tuple(others)} if others else {}))
            self.start(gallery, next_folder)

    async def _measure(self, result: "IndexResult") -> None:
        """Store the speed of a run under its backbone."""
        with suppress(Exception):  # logged by the job; the speed of an earlier run stays
            fingerprint = await self._context.jobs.run(_("Noting the speed"),
                                                       lambda report: self._context.explorer.fingerprint(), quiet=True)
            self._context.state.set(_rate_key(str(fingerprint.facts().get("backbone", ""))),
                                     result.embedded / result.seconds)


def name_for(explorer: "Explorer", folder: Path) -> str:
    """Name of the gallery that has this folder; else one like the folder's that is free, and the gallery is made."""
    galleries = explorer.store.galleries()
    for gallery in galleries:
        if folder in gallery.folders:
            return gallery.name
    taken = {gallery.name for gallery in galleries}
    plain = folder.name or _("Pictures")
    name = next(name for name in (plain, *(f"{plain} {number}" for number in range(2, 10_000))) if name not in taken)
    explorer.store.ensure_gallery(name)
    return name


def abandoned(explorer: "Explorer") -> list[str]:
    """Names and addresses of the galleries whose last run was neither ended nor stopped by the user."""
    galleries = list(explorer.store.galleries())
    for address in explorer.addresses():
        with suppress(StoreError):
            galleries.append(explorer.gallery(address).info)
    runs = [(gallery, explorer.unfinished.of(gallery)) for gallery in galleries if gallery.folders]
    return [gallery.name for gallery, run in runs if run is not None and run.is_abandoned]


def _key(gallery: str) -> str:
    return f"index:{gallery}"


def _rate_key(backbone: str) -> str:
    return f"rates/{backbone.replace('/', '_')}"
