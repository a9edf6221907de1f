"""Labels and notes on their way into the store: one at a time, in the order given, and back again."""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.evaluation.records import Way

Work = Callable[[], Any]


class Labeller(QObject):
    """Every change tells the labels as they are then; an undo tells first what it was about."""

    changed = Signal(int, object)  # evaluation id, {(way, query id): FailureLabel}
    undone = Signal(int, object)   # evaluation id, (way, query id) or None
    failed = Signal(object)

    def __init__(self, context: "Context") -> None:
        super().__init__()
        self._context = context
        self._waiting: deque[tuple[int, Work, bool]] = deque()
        self._busy = False

    def label(self, evaluation_id: int, way: "Way", query_id: str, label: str, note: str) -> None:
        """Keep a label and a note; "" takes one away."""
        def work() -> None:
            from core.evaluation import labelling

            labelling.label(self._context.explorer.store, evaluation_id, way, query_id, label, note)
        self._add(evaluation_id, work, False)

    def undo(self, evaluation_id: int) -> None:
        """Take the newest change back."""
        def work() -> Any:
            from core.evaluation import labelling

            return labelling.undo(self._context.explorer.store, evaluation_id)
        self._add(evaluation_id, work, True)

    def _add(self, evaluation_id: int, work: Work, undo: bool) -> None:
        self._waiting.append((evaluation_id, work, undo))
        if not self._busy:
            self._next()

    def _next(self) -> None:
        self._busy = bool(self._waiting)
        if not self._waiting:
            return
        evaluation_id, work, undo = self._waiting.popleft()

        def run() -> tuple[Any, Any]:
            from core.evaluation import labelling

            result = work()
            return result, labelling.labels(self._context.explorer.store, evaluation_id)

        self._context.jobs.submit("Keeping the label", lambda report: run(), quiet=True,
                                  on_done=lambda both: self._done(evaluation_id, undo, *both),
                                  on_failed=self._fail, on_cancelled=self._next)

    def _done(self, evaluation_id: int, undo: bool, result: Any, labels: Any) -> None:
        if not self._waiting:  # else the newest change is not among them yet
            self.changed.emit(evaluation_id, labels)
        if undo:
            self.undone.emit(evaluation_id, result)
        self._next()

    def _fail(self, error: BaseException) -> None:
        self.failed.emit(error)
        self._next()
