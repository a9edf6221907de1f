"""Short works of a panel, one after the other and none left out, whatever else the jobs do."""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from PySide6.QtCore import QObject, Signal

from core.errors import BrewclipError

if TYPE_CHECKING:
    from brewclip_app.context import Context

T = TypeVar("T")


class Once(Generic[T]):
    """Work that is done once, whoever asks first; who asks meanwhile waits for it."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work, self._lock = work, threading.Lock()
        self._result: list[T] = []

    def __call__(self) -> T:
        with self._lock:
            if not self._result:
                self._result.append(self._work())
            return self._result[0]


@dataclass(frozen=True)
class SerialTask:
    """One work, and whom to tell what came of it."""

    name: str
    work: Once[Any]
    then: Callable[[Any], object]
    failed: Callable[[BaseException], object]


class SerialJobs(QObject):
    """Works one after the other, in jobs, in the order they were asked for; none is ever left out."""

    failed = Signal(object)  # BaseException, of works that said nothing else

    def __init__(self, context: "Context", parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._waiting: deque[SerialTask] = deque()
        self._running = False

    @property
    def busy(self) -> bool:
        """Whether something is not done yet."""
        return bool(self._waiting)

    def add(self, name: str, work: Callable[[], T], then: Callable[[T], object],
            failed: Callable[[BaseException], object] | None = None) -> None:
        """Do the work when those before it are over, then tell."""
        self._waiting.append(SerialTask(name, Once(work), then, failed or self.failed.emit))
        self._go_on()

    def finish(self) -> None:
        """Do here and now what is left: the window closes, and its jobs are about to be cancelled."""
        for errand in list(self._waiting):
            with suppress(BrewclipError):
                errand.work()

    def _go_on(self) -> None:
        if self._running or not self._waiting:
            return
        self._running = True
        errand = self._waiting[0]
        self._context.jobs.submit(errand.name, lambda report: errand.work(), quiet=True,
                                  on_done=lambda result: self._over(errand.then, result),
                                  on_failed=lambda error: self._over(errand.failed, error))

    def _over(self, tell: Callable[[Any], object], result: Any) -> None:
        self._waiting.popleft()
        self._running = False
        try:
            tell(result)
        finally:
            self._go_on()
