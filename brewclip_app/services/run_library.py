"""Folders of runs: read all, begin one, delete one. For jobs."""

from collections.abc import Collection
from pathlib import Path

from send2trash import send2trash

from brewclip_app.localisation import _
from core.errors import TrainingError
from core.progress import Report, silent
from core.training.recipe import Recipe
from core.training.run_folder import RECIPE, RunFolder
from core.training.runs import RunReader, RunRecord, RunShelf, new_folder


class Shelves:
    """The runs of several folders; a folder that is a run itself counts as one."""

    def __init__(self, folders: Collection[Path]) -> None:
        self.folders = tuple(folders)
        self._shelves = {folder: RunShelf(folder) for folder in self.folders}
        self._readers = {folder: RunReader(folder) for folder in self.folders}

    def read(self, alive: Collection[Path] = ()) -> tuple[RunRecord, ...]:
        """All runs, each once. `alive`: those with a known process."""
        records: dict[Path, RunRecord] = {}
        for folder in self.folders:
            if (folder / RECIPE).is_file():
                records.setdefault(folder, self._readers[folder].read(True if folder in alive else None))
            for record in self._shelves[folder].read(alive):
                records.setdefault(record.path, record)
        return tuple(records.values())


def begin(folder: Path, recipe: Recipe, report: Report = silent) -> Path:
    """Create a run and return its folder. TrainingError, DatasetError: nothing is left of it."""
    from core.training import run as job

    try:
        path = new_folder(folder)
    except OSError as error:
        reason = error.strerror or error
        raise TrainingError(_("No folder for the run could be made in {folder}: {reason}.").format(
            folder=folder, reason=reason), "not_written") from error
    try:
        job.begin(RunFolder(path), recipe)
    except BaseException:
        if not any(path.iterdir()):
            path.rmdir()
        raise
    return path


def discard(path: Path) -> None:
    """Put a run's folder into the bin. TrainingError: busy; not_deleted: it is still there."""
    if RunFolder(path).busy:
        raise TrainingError(_("The run is going on. Stop it first."), "busy")
    try:
        send2trash(path)
    except OSError as error:
        raise TrainingError(_("The run could not be put into the bin ({error}). It is still in {path}.").format(
            error=error, path=path),
                            "not_deleted") from error
