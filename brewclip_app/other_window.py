"""Detection of another window that uses the same home: both may work, and the user is told."""

from collections.abc import Callable

from PySide6.QtCore import QLockFile, QObject, QTimer

from core.home import Home

LOOK_MS = 5000


def is_open(home: Home) -> bool:
    """Whether a window of another process uses this home now."""
    lock = _lock(home)
    if lock.tryLock(0):
        lock.unlock()
        return False
    return lock.error() == QLockFile.LockError.LockFailedError


def _lock(home: Home) -> QLockFile:
    lock = QLockFile(str(home.window_lock))
    lock.setStaleLockTime(0)
    return lock


class OtherWindow(QObject):
    """Holds the home's lock file, or checks from time to time whether it is free.

    A lock whose owner died counts as free, as does one in a folder that cannot be written.
    """

    def __init__(self, home: Home, parent: QObject | None = None,
                 on_change: Callable[[bool], object] = lambda is_open: None) -> None:
        super().__init__(parent)
        self._on_change = on_change
        self._lock = _lock(home)
        self.is_open = False
        self._clock = QTimer(self, interval=LOOK_MS)
        self._clock.timeout.connect(self.look)

    def look(self) -> None:
        """Check now, and again while there is another window."""
        free = self._lock.isLocked() or self._lock.tryLock(0)
        is_open = not free and self._lock.error() == QLockFile.LockError.LockFailedError
        if is_open:
            self._clock.start()
        else:
            self._clock.stop()
        if is_open != self.is_open:
            self.is_open = is_open
            self._on_change(is_open)

    def close(self) -> None:
        """Release the lock."""
        self._clock.stop()
        self._lock.unlock()
