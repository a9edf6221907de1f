"""A lock that gives interactive work priority over background work."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_THREAD = threading.local()


@contextmanager
def background() -> Iterator[None]:
    """Context in which this thread yields to all others."""
    before = is_background()
    _THREAD.background = True
    try:
        yield
    finally:
        _THREAD.background = before


def is_background() -> bool:
    """Whether this thread is in a `background` block."""
    return bool(getattr(_THREAD, "background", False))


class PriorityLock:
    """Non-reentrant lock. Background threads get it only when no other thread waits for it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held = False
        self._waiting = 0  # threads that are not in the background

    def __enter__(self) -> None:
        with self._changed:
            self._take()

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._held = False
            self._changed.notify_all()

    def give_way(self) -> None:
        """Release the lock to waiting threads and take it again, if this thread is in the background."""
        if not is_background():
            return
        with self._changed:
            if self._waiting:
                self._held = False
                self._changed.notify_all()
                self._take()

    def _take(self) -> None:
        first = not is_background()
        self._waiting += first
        try:
            self._changed.wait_for(lambda: not self._held and (first or not self._waiting))
            self._held = True
        finally:
            self._waiting -= first
