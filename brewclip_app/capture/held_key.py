"""Push-to-talk key, and the repeats that the system makes of it while it is held."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

REPEAT_MS = 45  # X11 sends releases between the repeats of a held key, and Qt does not always know them as such


class HeldKey(QObject):
    """Space on a panel, which hands over its key events. While it is held, the panel has the keyboard.

    `on_release` takes the seconds by which it is called late; it is called as well when `free` is.
    """

    def __init__(self, panel: QWidget, on_press: Callable[[], object], on_release: Callable[[float], object]) -> None:
        super().__init__(panel)
        self._panel, self._on_press, self._on_release = panel, on_press, on_release
        self._later = QTimer(self, singleShot=True, interval=REPEAT_MS)
        self._later.timeout.connect(self.free)

    @staticmethod
    def is_it(event: QKeyEvent) -> bool:
        """Whether an event belongs to the key."""
        return event.key() == Qt.Key.Key_Space

    @property
    def waits(self) -> bool:
        """Whether it was released a moment ago, and may only be repeating."""
        return self._later.isActive()

    def down(self, event: QKeyEvent) -> None:
        """Handle a key press or a repeat."""
        if self.waits:
            self._later.stop()  # a repeat that was not marked as one
        elif not event.isAutoRepeat():
            self._panel.grabKeyboard()  # the release must come here, wherever the focus goes meanwhile
            self._on_press()

    def up(self, event: QKeyEvent) -> bool:
        """Handle a key release or a repeat; whether the event was of the key."""
        if not self.is_it(event) or event.isAutoRepeat():
            return False
        self._later.start()
        return True

    def free(self) -> None:
        """End the press."""
        self._later.stop()
        self._panel.releaseKeyboard()
        self._on_release(REPEAT_MS / 1000)
