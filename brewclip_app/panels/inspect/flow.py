"""The jobs of the Inspect panel: look, rank, judge the maps. Latest wins; nothing here draws."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from brewclip_app.panels.base import Inspection
from brewclip_app.panels.inspect.case import InspectCase, Looker
from core.progress import Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from brewclip_app.panels.inspect.case import Judged
    from core.explain.inspection import Explanation
    from core.explain.observation import Target

LOOK, SECOND, STRIP, JUDGE = "inspect", "inspect-second", "inspect-strip", "inspect-judge"
SETTLED_MS = 90  # after the last move of the slider


class InspectFlow(QObject):
    """Every answer comes on the window's thread; one that is no longer wanted never comes."""

    began = Signal()
    progressed = Signal(int, int, str)
    found = Signal(object)  # Case
    second_found = Signal(object)  # Case, to compare with
    failed = Signal(object)
    ended = Signal()
    ranked = Signal(object, object)  # Case, the Neighbours around it
    judging = Signal(int, int)
    judged = Signal(object, str, object)  # Case, the target, Judged
    unjudged = Signal()  # stopped, or it failed

    def __init__(self, context: "Context", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context, self._looker = context, Looker()
        self._known: dict[tuple[InspectCase, str], Judged] = {}
        self._asked: tuple[InspectCase, float] | None = None
        self._settled = QTimer(self, singleShot=True, interval=SETTLED_MS)
        self._settled.timeout.connect(self._rank)

    def look(self, subject: Inspection) -> None:
        """Take another subject apart."""
        jobs = self._context.jobs
        for key in (JUDGE, SECOND):
            job = jobs.of_key(key)
            if job is not None:
                job.cancel()
        self.began.emit()
        jobs.submit("Taking a result apart",
                    lambda report: self._looker.look(self._context.explorer, subject, report), key=LOOK,
                    on_done=self._done, on_failed=self._fail, on_cancelled=self.ended.emit,
                    on_progress=self.progressed.emit)

    def look_second(self, subject: Inspection, target: "Target | None" = None) -> None:
        """Take a second picture apart, to stand beside the first; with what takes long, of a target."""
        def look(report: Report) -> InspectCase:
            if target is None:
                return self._looker.look(self._context.explorer, subject, report)
            return self._looker.look_and_try(self._context.explorer, subject, target, report)

        self._context.jobs.submit("Taking a second result apart", look, key=SECOND, on_done=self.second_found.emit,
                                  on_failed=self.failed.emit)

    def rank(self, case: InspectCase, t: float) -> None:
        """Ask for the pictures around a case at a mix; moves that follow each other closely are one."""
        self._asked = case, t
        self._settled.start()

    def judge(self, case: InspectCase, target: "Target") -> None:
        """Test the maps of a target, unless that is known."""
        known = self._known.get((case, target))
        if known is not None:
            job = self._context.jobs.of_key(JUDGE)
            if job is not None:
                job.cancel()
            self.judged.emit(case, target, known)
            return
        self.judging.emit(0, 0)
        self._context.jobs.submit("Testing the maps", lambda report: self._looker.judge(case, target, report),
                                  key=JUDGE, on_done=lambda found: self._take_judged(case, target, found),
                                  on_failed=lambda error: self.unjudged.emit(), on_cancelled=self.unjudged.emit,
                                  on_progress=lambda done, total, text: self.judging.emit(done, total), quiet=True)

    def stop_judging(self) -> None:
        """Stop testing the maps."""
        job = self._context.jobs.of_key(JUDGE)
        if job is not None:
            job.cancel()

    def busy(self) -> bool:
        """Whether a subject is being taken apart."""
        return self._context.jobs.of_key(LOOK) is not None

    def cancel(self) -> bool:
        """Stop what runs; whether there was anything."""
        jobs = [job for job in map(self._context.jobs.of_key, (LOOK, SECOND, JUDGE)) if job is not None]
        for job in jobs:
            job.cancel()
        return bool(jobs)

    def _done(self, case: InspectCase) -> None:
        self._known = {key: found for key, found in self._known.items() if key[0] is case}
        self.ended.emit()
        self.found.emit(case)

    def _fail(self, error: BaseException) -> None:
        self.ended.emit()
        self.failed.emit(error)

    def _rank(self) -> None:
        if self._asked is None:
            return
        case, t = self._asked
        self._context.jobs.submit("Ranking", lambda report: self._looker.neighbours(self._context.explorer, case, t),
                                  key=STRIP, on_done=lambda rows: self.ranked.emit(case, rows), quiet=True,
                                  on_failed=lambda error: self.ranked.emit(case, ()))

    def _take_judged(self, case: InspectCase, target: "Target", found: "tuple[Explanation, Judged]") -> None:
        case.tried[target], self._known[case, target] = found
        self.judged.emit(case, target, found[1])
