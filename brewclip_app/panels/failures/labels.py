"""Labels and notes on their way into the store: one at a time, in the order given, and back and forth again."""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, cast

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.evaluation.records import Way
    from core.store.records import FailureLabel

Work = Callable[[], "FailureLabel | None"]
Step = Literal["label", "undo", "redo"]


class Labeller(QObject):
    """Every change tells the labels as they are then; an undo or redo tells first what it was about.

    What is undone can be redone until something else is kept, or the program ends.
    """

    changed = Signal(int, object)  # evaluation id, {(way, query id): FailureLabel}
    moved = Signal(int, str, object)  # evaluation id, "undo" or "redo", FailureLabel or None: there was nothing
    failed = Signal(object)

    def __init__(self, context: "Context") -> None:
        super().__init__()
        self._context = context
        self._waiting: deque[tuple[int, Work, Step]] = deque()
        self._undone: dict[int, list[FailureLabel]] = {}  # by evaluation; used by one job at a time
        self._busy = False

    def label(self, evaluation_id: int, way: "Way", query_id: str, label: str, note: str) -> None:
        """Keep a label and a note; "" takes one away."""
        def work() -> "FailureLabel":
            from core.evaluation import labelling

            given = labelling.label(self._context.explorer.store, evaluation_id, way, query_id, label, note)
            self._undone.pop(evaluation_id, None)
            return given
        self._add(evaluation_id, work, "label")

    def undo(self, evaluation_id: int) -> None:
        """Take the newest change back."""
        def work() -> "FailureLabel | None":
            from core.evaluation import labelling

            undone = labelling.undo(self._context.explorer.store, evaluation_id)
            if undone is not None:
                self._undone.setdefault(evaluation_id, []).append(undone)
            return undone
        self._add(evaluation_id, work, "undo")

    def redo(self, evaluation_id: int) -> None:
        """Keep again what was undone last."""
        def work() -> "FailureLabel | None":
            from core.evaluation import labelling

            undone = self._undone.get(evaluation_id)
            if not undone:
                return None
            last = undone[-1]
            given = labelling.label(self._context.explorer.store, evaluation_id, cast("Way", last.way), last.query_id,
                                    last.label, last.note)
            undone.pop()
            return given
        self._add(evaluation_id, work, "redo")

    def _add(self, evaluation_id: int, work: Work, step: Step) -> None:
        self._waiting.append((evaluation_id, work, step))
        if not self._busy:
            self._next()

    def _next(self) -> None:
        self._busy = bool(self._waiting)
        if not self._waiting:
            return
        evaluation_id, work, step = self._waiting.popleft()

        def run() -> tuple[Any, Any]:
            from core.evaluation import labelling

            result = work()
            return result, labelling.labels(self._context.explorer.store, evaluation_id)

        self._context.jobs.submit("Keeping the label", lambda report: run(), quiet=True,
                                  on_done=lambda both: self._done(evaluation_id, step, *both),
                                  on_failed=self._fail, on_cancelled=self._next)

    def _done(self, evaluation_id: int, step: Step, result: Any, labels: Any) -> None:
        if not self._waiting:  # else the newest change is not among them yet
            self.changed.emit(evaluation_id, labels)
        if step != "label":
            self.moved.emit(evaluation_id, step, result)
        self._next()

    def _fail(self, error: BaseException) -> None:
        self.failed.emit(error)
        self._next()
