"""Whether another window uses the same home: both may work, and the user is to know that there are two."""

from PySide6.QtCore import QLockFile, QObject, QTimer, Signal

from core.home import Home

LOOK_MS = 5000
FILE = "window.lock"


class OtherWindow(QObject):
    """Holds the home's lock file, or looks from time to time whether it came free. A lock whose owner died counts as
    free; where no file can be written nothing is said.
    """

    changed = Signal(bool)  # whether another window is open

    def __init__(self, home: Home, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = QLockFile(str(home.root / FILE))
        self._lock.setStaleLockTime(0)
        self.is_open = False
        self._clock = QTimer(self, interval=LOOK_MS)
        self._clock.timeout.connect(self.look)

    def look(self) -> None:
        """Look now, and go on looking while there is another one."""
        free = self._lock.isLocked() or self._lock.tryLock(0)
        there = not free and self._lock.error() == QLockFile.LockError.LockFailedError
        if there:
            self._clock.start()
        else:
            self._clock.stop()
        if there != self.is_open:
            self.is_open = there
            self.changed.emit(there)

    def close(self) -> None:
        """Let go of the lock."""
        self._clock.stop()
        self._lock.unlock()
