"""Takes on their way through the recogniser: one after the other, so that the jobs' threads stay free for saving."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from core.progress import Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.store.records import TakeRecord


class Transcribing(QObject):
    """A queue of takes whose words are awaited. The take in front goes first, the others in the order they came."""

    heard = Signal(object)  # TakeRecord, as it is stored with its words
    failed = Signal(object, object)  # TakeRecord, BaseException

    def __init__(self, context: "Context", front: "Callable[[], TakeRecord | None]", parent: QObject) -> None:
        super().__init__(parent)
        self._context, self._front = context, front
        self._waiting: dict[int, TakeRecord] = {}  # by id, oldest first
        self._running = 0  # id of a take; 0 when none is transcribed

    @property
    def ids(self) -> set[int]:
        """The takes whose words are awaited."""
        return {*self._waiting, self._running} - {0}

    def add(self, take: "TakeRecord") -> None:
        """Transcribe a take, unless it waits already."""
        if take.id not in self.ids:
            self._waiting[take.id] = take
            self._go_on()

    def _go_on(self) -> None:
        if self._running or not self._waiting:
            return
        front = self._front()
        first = front.id if front is not None and front.id in self._waiting else next(iter(self._waiting))
        take = self._waiting.pop(first)
        self._running = take.id

        def work(report: Report) -> "TakeRecord":
            from core.annotation.takes import transcribe

            explorer = self._context.explorer
            return transcribe(take, explorer.store, explorer.recogniser(report), explorer.query_options(), report)

        self._context.jobs.submit("Recognising the words", work, quiet=True,
                                  on_done=lambda new: self._over(partial(self.heard.emit, new)),
                                  on_failed=lambda error: self._over(partial(self.failed.emit, take, error)),
                                  on_cancelled=lambda: self._over(lambda: None))

    def _over(self, tell: Callable[[], object]) -> None:
        self._running = 0
        try:
            tell()
        finally:
            self._go_on()
