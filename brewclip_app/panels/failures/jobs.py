"""Long work of the Failures panel: diagnosing and exporting."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from brewclip_app import wording

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from brewclip_app.jobs import Job

DIAGNOSE = "failures:diagnose"
SAFE = "The list and your labels are kept."


class FailureJobs(QObject):
    """One diagnosis at a time; it goes on while other lists are looked at."""

    moved = Signal()            # the diagnosis began, is further, or is over: see `diagnosis`
    diagnosed = Signal()
    said = Signal(str)          # what came of an export
    failed = Signal(object, str)

    def __init__(self, context: "Context") -> None:
        super().__init__()
        self._context = context
        self._of: tuple[int, int] = (0, 0)
        context.jobs.job_progress.connect(lambda job: self.moved.emit() if job.key == DIAGNOSE else None)

    def diagnosis(self, evaluation: int, at: int) -> "Job | None":
        """The running diagnosis of that list."""
        return self._context.jobs.of_key(DIAGNOSE) if self._of == (evaluation, at) else None

    def diagnose(self, evaluation: int, at: int) -> None:
        """Rank the failures again with one thing changed; another one that runs is stopped."""
        def work(report: Any) -> object:
            from core.evaluation import diagnosis

            return diagnosis.diagnose(self._context.explorer, evaluation, at, report)

        self._of = evaluation, at
        self._context.jobs.submit("Diagnosing failures", work, key=DIAGNOSE, on_done=lambda _: self.diagnosed.emit(),
                                  on_failed=self._not_diagnosed, on_cancelled=self.moved.emit,
                                  loss="What was heard is kept; the failures are diagnosed from the beginning the next "
                                       "time.")
        self.moved.emit()

    def job(self) -> "Job | None":
        """The diagnosis that runs."""
        return self._context.jobs.of_key(DIAGNOSE)

    def cancel(self) -> None:
        """Stop the diagnosis; what was stored before stays."""
        job = self._context.jobs.of_key(DIAGNOSE)
        if job is not None:
            job.cancel()
            self.moved.emit()

    def export(self, evaluation: int, at: int, folder: Path) -> None:
        """Write an evaluation's failures, both ways, into a folder."""
        def work(report: Any) -> int:
            from core.evaluation import exports

            return exports.export_failures(self._context.explorer.store, evaluation, at, folder, report)

        self._context.jobs.submit("Exporting failures", work, key="failures:export",
                                  on_done=lambda number: self.said.emit(_written(number, folder)),
                                  on_failed=lambda error: self.failed.emit(error, "Nothing here was changed."))

    def _not_diagnosed(self, error: BaseException) -> None:
        self.moved.emit()
        self.failed.emit(error, SAFE)


def _written(number: int, folder: Path) -> str:
    what = "failure" if number == 1 else "failures"
    return f"{wording.count(number)} {what} of both directions written to {folder}, with their pictures."
