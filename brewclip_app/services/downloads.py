"""Downloads of weights: which are on this computer, and those in progress."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from brewclip_app import wording
from brewclip_app.jobs import Job
from core.progress import Report

if TYPE_CHECKING:
    from brewclip_app.base_context import BaseContext
    from core.weights import Weights


class Downloads(QObject):
    """Finds and downloads weights in jobs. On the GUI thread."""

    changed = Signal(str)   # name of weights whose state or progress is another; "" when all were looked at
    fetched = Signal(str)   # name of weights that are on this computer now

    def __init__(self, context: "BaseContext") -> None:
        super().__init__(context)
        self._context = context
        self._found: dict[str, Path | None] = {}
        self.errors: dict[str, BaseException] = {}
        self._folder = ""
        context.jobs.job_progress.connect(self._tell)
        context.settings_changed.connect(self._follow_folder)

    def table(self) -> "tuple[Weights, ...]":
        """Declared weights."""
        from core.pretrained.weight_table import WEIGHTS
        return WEIGHTS

    def is_known(self) -> bool:
        """Whether the disk was read yet."""
        return bool(self._found)

    def path(self, name: str) -> Path | None:
        """File of weights; None when they are missing, or the disk was not read yet."""
        return self._found.get(name)

    def job(self, name: str) -> Job | None:
        """The running download of weights."""
        return self._context.jobs.of_key(_key(name))

    def far(self, name: str) -> str:
        """ "90 of 145 MB", of the size in the table whatever a source sends; "" while unknown."""
        job, size = self.job(name), next(each.size for each in self.table() if each.name == name)
        if job is None or job.progress.total <= 0:
            return ""
        done, total = job.progress.done, job.progress.total
        return wording.size_of(done / total * size if size else done, size or total)

    def refresh(self) -> None:
        """Read the disk again."""
        home, folder = self._context.home, str(self._context.settings["weights.folder"])
        self._folder = folder
        table = self.table()

        def look(report: Report) -> dict[str, Path | None]:
            from core import weights
            return {each.name: weights.find(each.name, home, folder) for each in table}

        self._context.jobs.submit("Looking for weights", look, key="weights", on_done=self._take, quiet=True)

    def start(self, name: str) -> None:
        """Download weights, unless they are being downloaded."""
        if self.job(name) is not None:
            return
        home, folder = self._context.home, str(self._context.settings["weights.folder"])
        title = next(each.title for each in self.table() if each.name == name)
        self.errors.pop(name, None)

        def fetch(report: Report) -> Path:
            from core import weights
            return weights.fetch(name, home, folder, report)

        self._context.jobs.submit(f"Getting {title}", fetch, key=_key(name), on_done=lambda path: self._has(name, path),
                                  on_failed=lambda error: self._failed(name, error),
                                  on_cancelled=lambda: self.changed.emit(name))
        self.changed.emit(name)

    def cancel(self, name: str) -> None:
        """Stop a download; the next one resumes it."""
        job = self.job(name)
        if job is not None:
            job.cancel()

    def _follow_folder(self) -> None:
        if self._folder != str(self._context.settings["weights.folder"]):
            self.refresh()

    def _take(self, found: dict[str, Path | None]) -> None:
        self._found = found
        self.changed.emit("")

    def _has(self, name: str, path: Path) -> None:
        self._found[name] = path
        self.changed.emit(name)
        self.fetched.emit(name)

    def _failed(self, name: str, error: BaseException) -> None:
        self.errors[name] = error
        self.changed.emit(name)

    def _tell(self, job: Job) -> None:
        if job.key.startswith(_key("")):
            self.changed.emit(job.key.removeprefix(_key("")))


def _key(name: str) -> str:
    return f"fetch:{name}"
