"""Coroutines of the window: they run on Qt's event loop, through qasync, and await `JobRunner.run`.

asyncio and qasync are imported at first use, after the window has painted itself.
"""

from collections.abc import Callable, Coroutine
from functools import cache
from typing import TYPE_CHECKING, Any

from brewclip_app.localisation import _

if TYPE_CHECKING:
    import asyncio

_waiting: list[Callable[[], Coroutine[Any, Any, None]]] = []  # for the first paint
_running: "set[asyncio.Task[Any]]" = set()  # asyncio itself keeps weak references only


@cache
def loop() -> "asyncio.AbstractEventLoop":
    """The asyncio loop of the GUI thread. Any Qt event loop drives it; a QApplication must exist."""
    import asyncio

    import qasync
    event_loop: asyncio.AbstractEventLoop = qasync.QEventLoop(already_running=True)
    asyncio.set_event_loop(event_loop)
    for function in _waiting:
        _begin(event_loop, function())
    _waiting.clear()
    return event_loop


def start(coroutine: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    """Run a coroutine of a controller. An error that it does not handle goes to the loop's exception handler.

    A stopped job (JobCancelled) ends the coroutine that awaits it without a word.
    """
    return _begin(loop(), coroutine)


def start_when_painted(function: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine function once there is a loop, which is after the window has painted itself."""
    if loop.cache_info().currsize:
        start(function())
    else:
        _waiting.append(function)


def is_idle() -> bool:
    """Whether no coroutine of the window is running."""
    return not _running


def abandon() -> None:
    """Forget the coroutines that still wait: the window is closing and nothing will wake them."""
    for task in _running:
        task._log_destroy_pending = False  # type: ignore[attr-defined]  # silences asyncio's warning
    _running.clear()


def _begin(loop: "asyncio.AbstractEventLoop", coroutine: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    task = loop.create_task(coroutine)
    _running.add(task)
    task.add_done_callback(_finish)
    return task


def _finish(task: "asyncio.Task[Any]") -> None:
    from core.progress import JobCancelled
    _running.discard(task)
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, JobCancelled):
        loop().call_exception_handler({"message": _("a coroutine of the window failed"), "exception": error})
