"""Downloads of weights: which are on this computer, and those in progress."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from brewclip_app import wording
from brewclip_app.controller import Controller
from brewclip_app.localisation import _
from core.progress import JobCancelled, Progress, Report

if TYPE_CHECKING:
    from brewclip_app.base_context import BaseContext
    from core.weights import Weights


@dataclass(frozen=True, eq=False)
class DownloadsState:
    """Weights by their names: their files (None: missing), running downloads and the errors of the last ones."""

    files: Mapping[str, Path | None] | None = None  # None until the disk was read
    running: Mapping[str, Progress] = field(default_factory=dict)
    errors: Mapping[str, Exception] = field(default_factory=dict)

    def path(self, name: str) -> Path | None:
        """File of weights; None when they are missing, or the disk was not read yet."""
        return (self.files or {}).get(name)


class Downloads(Controller[DownloadsState]):
    """Finds and downloads weights in jobs. On the GUI thread."""

    def __init__(self, context: "BaseContext") -> None:
        super().__init__(DownloadsState(), context)
        self._context = context
        self._folder = ""
        context.settings_changed.connect(self._follow_folder)

    def table(self) -> "tuple[Weights, ...]":
        """Declared weights."""
        from core.pretrained.weight_table import WEIGHTS
        return WEIGHTS

    def amount(self, name: str) -> str:
        """ "90 of 145 MB", of the size in the table whatever a source sends; "" while unknown."""
        progress = self.state.running.get(name, Progress())
        if progress.total <= 0:
            return ""
        size = self._weights(name).size
        return wording.size_of(progress.done / progress.total * size if size else progress.done,
                               size or progress.total)

    def refresh(self) -> None:
        """Read the disk again."""
        self._start(self._refresh())

    def start(self, name: str) -> None:
        """Download weights, unless they are being downloaded."""
        if name not in self.state.running:
            self._set(running={**self.state.running, name: Progress()}, errors=_without(self.state.errors, name))
            self._start(self._download(name))

    def cancel(self, name: str) -> None:
        """Stop a download; the next one resumes it."""
        job = self._context.jobs.of_key(_key(name))
        if job is not None:
            job.cancel()

    async def _refresh(self) -> None:
        home, folder, table = self._context.home, str(self._context.settings["weights.folder"]), self.table()
        self._folder = folder

        def find_all(report: Report) -> dict[str, Path | None]:
            from core import weights
            return {row.name: weights.find(row.name, home, folder) for row in table}

        self._set(files=await self._context.jobs.run(_("Looking for weights"), find_all, key="weights", quiet=True))

    async def _download(self, name: str) -> None:
        context, settings = self._context, self._context.settings

        def fetch(report: Report) -> Path:
            from core import weights
            path = weights.fetch(name, context.home, str(settings["weights.folder"]), report)
            context.explorer.models.prepare(name, settings, report)
            return path

        try:
            path = await self._context.jobs.run(
                _("Getting {title}").format(title=self._weights(name).title), fetch, key=_key(name),
                on_progress=lambda progress: self._set(running={**self.state.running, name: progress}))
        except JobCancelled:
            self._end(name)
        except Exception as error:
            self._end(name, errors={**self.state.errors, name: error})
        else:
            self._end(name, files={**(self.state.files or {}), name: path})

    def _end(self, name: str, **changes: object) -> None:
        self._set(running=_without(self.state.running, name), **changes)

    def _weights(self, name: str) -> "Weights":
        return next(row for row in self.table() if row.name == name)

    def _follow_folder(self) -> None:
        if self._folder != str(self._context.settings["weights.folder"]):
            self.refresh()


def _without(values: Mapping[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in values.items() if key != name}


def _key(name: str) -> str:
    return f"fetch:{name}"
