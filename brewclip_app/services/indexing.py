"""Indexing jobs: start, stop, progress, speed. One job per gallery; further folders wait."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QStandardPaths, Signal
from PySide6.QtWidgets import QWidget

from brewclip_app.jobs import Job
from brewclip_app.widgets.file_dialogs import ask_folder
from core.errors import StoreError
from core.progress import JobCancelled, Report

if TYPE_CHECKING:
    from brewclip_app.base_context import BaseContext
    from core.explorer import Explorer
    from core.indexing.local import IndexResult

DEMO = "demo"
WORTH_MEASURING = 16  # pictures; fewer tell more of the start than of the speed


class Indexing(QObject):
    """Indexing jobs of all galleries. On the GUI thread."""

    changed = Signal(str)            # name of the gallery whose job began, moved or ended
    finished = Signal(str, object)   # gallery, IndexResult
    failed = Signal(str, object)     # gallery, exception

    def __init__(self, context: "BaseContext") -> None:
        super().__init__(context)
        self._context = context
        self._waiting: dict[str, list[Path | None]] = {}
        context.jobs.job_progress.connect(self._moved)

    def job(self, gallery: str) -> Job | None:
        """The running job of a gallery."""
        return self._context.jobs.of_key(_key(gallery))

    def rate(self, backbone: str) -> float:
        """Images per second last measured with a backbone; 0 when never measured."""
        return float(self._context.state.get(f"rates/{_flat(backbone)}", 0.0))

    def start(self, gallery: str, folder: Path | None = None) -> None:
        """Index a folder into a gallery (made when missing), or all its folders again; waits for a running job."""
        if self.job(gallery) is not None:
            self._waiting.setdefault(gallery, []).append(folder)
            return

        def work(report: Report) -> "IndexResult":
            return self._unless_closing(gallery, lambda: self._context.explorer.index(folder, gallery, report))

        self._run(gallery, f"Indexing {gallery}", work)

    def resume(self) -> None:
        """Resume runs that a crash or closing the window interrupted."""
        self._context.jobs.submit("Looking for unfinished indexing",
                                  lambda report: abandoned(self._context.explorer),
                                  on_done=self._start_all,
                                  on_failed=lambda error: None, quiet=True)

    def make_demo(self) -> None:
        """Build the demo gallery, or bring it up to date, and make it the current one."""
        if self.job(DEMO) is not None:
            return

        def work(report: Report) -> "IndexResult":
            from core import demo
            return self._unless_closing(DEMO, lambda: demo.build(self._context.explorer, report))

        self._run(DEMO, "Building the demo", work)

    def choose_folder(self, parent: QWidget, gallery: str = "", then: Callable[[Path], object] | None = None) -> None:
        """Let the user choose a folder and index it: into a gallery, or into a new one named like the folder.

        With `then` that is called with the folder instead.
        """
        ask_folder(parent, "pictures", "A folder of pictures",
                   then or (lambda folder: self.add_folder(folder, gallery)), Path(_pictures()))

    def add_folder(self, folder: Path, gallery: str = "") -> None:
        """Index a folder into a gallery; "" makes a new one named like the folder, or takes the one that has it."""
        if gallery:
            self.start(gallery, folder)
            return
        self._context.jobs.submit("Making a gallery", lambda report: name_for(self._context.explorer, folder),
                                  on_done=lambda name: self._start_new(name, folder), quiet=True)

    def cancel(self, gallery: str) -> None:
        """Stop a gallery's job; embeddings stay, and the next run resumes there."""
        self._waiting.pop(gallery, None)
        job = self.job(gallery)
        if job is not None:
            job.cancel()

    def _start_new(self, name: str, folder: Path) -> None:
        self._context.set_gallery(name)
        self._context.galleries_changed.emit()
        self.start(name, folder)

    def _run(self, gallery: str, name: str, work: object) -> None:
        self._context.jobs.submit(
            name, work, key=_key(gallery), on_done=lambda result: self._done(gallery, result),  # type: ignore[arg-type]
            on_failed=lambda error: self._failed(gallery, error), on_cancelled=lambda: self._ended(gallery))
        self.changed.emit(gallery)

    def _start_all(self, galleries: list[str]) -> None:
        for gallery in galleries:
            self.start(gallery)

    def _unless_closing(self, gallery: str, work: "Callable[[], IndexResult]") -> "IndexResult":
        """Run indexing in a job, and have it resumed at the next start if only closing the window ends it."""
        try:
            return work()
        except JobCancelled:
            if self._context.jobs.is_closing:
                with suppress(StoreError):
                    self._context.explorer.unfinished.resume_later(self._context.explorer.gallery(gallery).info)
            raise

    def _moved(self, job: Job) -> None:
        if job.key.startswith(_key("")):
            self.changed.emit(job.key.removeprefix(_key("")))

    def _done(self, gallery: str, result: "IndexResult") -> None:
        if result.embedded >= WORTH_MEASURING and result.seconds > 0:
            self._context.jobs.submit("Noting the speed", lambda report: self._context.explorer.fingerprint(),
                                      on_done=lambda fingerprint: self._note_rate(
                                          str(fingerprint.facts().get("backbone", "")), result),
                                      on_failed=lambda error: None, quiet=True)
        if not self._context.gallery:
            self._context.set_gallery(gallery)
        self.finished.emit(gallery, result)
        self._ended(gallery)

    def _note_rate(self, backbone: str, result: "IndexResult") -> None:
        self._context.state.keep(f"rates/{_flat(backbone)}", result.embedded / result.seconds)

    def _failed(self, gallery: str, error: BaseException) -> None:
        self.failed.emit(gallery, error)
        self._ended(gallery)

    def _ended(self, gallery: str) -> None:
        self.changed.emit(gallery)
        self._context.galleries_changed.emit()
        waiting = self._waiting.pop(gallery, [])
        if waiting:
            self.start(gallery, waiting[0])
            self._waiting[gallery] = waiting[1:]


def name_for(explorer: "Explorer", folder: Path) -> str:
    """Name of the gallery that has this folder; else one like the folder's that is free, and the gallery is made."""
    galleries = explorer.store.galleries()
    for gallery in galleries:
        if folder in gallery.folders:
            return gallery.name
    taken = {gallery.name for gallery in galleries}
    plain = folder.name or "Pictures"
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


def _pictures() -> str:
    return QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)


def _key(gallery: str) -> str:
    return f"index:{gallery}"


def _flat(name: str) -> str:
    return name.replace("/", "_")
