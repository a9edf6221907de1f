"""Jobs that run one after the other: changes of the store in the order in which the user made them."""

import threading
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from brewclip_app import tasks
from core.errors import BrewclipError

if TYPE_CHECKING:
    from asyncio import Future

    from brewclip_app.jobs import JobRunner

T = TypeVar("T")


class SerialTask(Generic[T]):
    """A piece of work that runs exactly once, on whichever thread asks first; `outcome` is its awaitable result."""

    def __init__(self, name: str, work: Callable[[], T]) -> None:
        self.name, self._work, self._lock = name, work, threading.Lock()
        self.outcome: Future[T] = tasks.loop().create_future()
        self._result: list[T] = []

    def __call__(self) -> T:
        with self._lock:
            if not self._result:
                self._result.append(self._work())
            return self._result[0]


class SerialJobs:
    """A queue of jobs, first in, first out. None is dropped: `finish` does the rest when the window closes."""

    def __init__(self, jobs: "JobRunner") -> None:
        self._jobs = jobs
        self._queue: deque[SerialTask[Any]] = deque()
        self._awaited = 0

    @property
    def busy(self) -> bool:
        """Whether a task is queued or its result not taken yet."""
        return bool(self._queue or self._awaited)

    def add(self, name: str, work: Callable[[], T]) -> Coroutine[Any, Any, T]:
        """Queue work at once; await what is returned for its result or its error."""
        task = SerialTask(name, work)
        self._queue.append(task)
        self._awaited += 1
        if len(self._queue) == 1:
            tasks.start(self._run())
        return self._wait(task)

    def finish(self) -> None:
        """Do on this thread what is still queued: the window closes and its jobs are about to be cancelled."""
        for task in list(self._queue):
            with suppress(BrewclipError):
                task()

    async def _wait(self, task: SerialTask[T]) -> T:
        try:
            return await task.outcome
        finally:
            self._awaited -= 1

    async def _run(self) -> None:
        while self._queue:
            task = self._queue[0]
            try:
                result = await self._jobs.run(task.name, lambda report, task=task: task(),  # type: ignore[misc]
                                              quiet=True)
            except Exception as error:  # JobCancelled as well: the window closes, after `finish`
                task.outcome.set_exception(error)
            else:
                task.outcome.set_result(result)
            self._queue.popleft()
