"""A key that is held to talk, told apart from the repeats that the system makes of it."""

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

REPEAT_MS = 45  # X11 sends releases between the repeats of a held key, and Qt does not always know them as such
GRACE = REPEAT_MS / 1000  # seconds by which `let_go` comes late


class HeldKey(QObject):
    """Space on a panel, which hands over its key events. While it is held, the panel has the keyboard."""

    pressed = Signal()
    let_go = Signal()  # also when it is freed because something else happened

    def __init__(self, panel: QWidget) -> None:
        super().__init__(panel)
        self._panel = panel
        self._later = QTimer(self, singleShot=True, interval=REPEAT_MS)
        self._later.timeout.connect(self.free)

    @staticmethod
    def is_it(event: QKeyEvent) -> bool:
        """Whether the event is of the key."""
        return event.key() == Qt.Key.Key_Space

    @property
    def waits(self) -> bool:
        """Whether it came up a moment ago, and may only be repeating."""
        return self._later.isActive()

    def down(self, event: QKeyEvent) -> None:
        """The key went down, or repeats."""
        if self.waits:
            self._later.stop()  # a repeat that was not marked as one
        elif not event.isAutoRepeat():
            self._panel.grabKeyboard()  # the release must come here, wherever the focus goes meanwhile
            self.pressed.emit()

    def up(self, event: QKeyEvent) -> bool:
        """The key came up, or repeats; whether that was all there is to it."""
        if not self.is_it(event) or event.isAutoRepeat():
            return False
        self._later.start()
        return True

    def free(self) -> None:
        """Nothing is held any more."""
        self._later.stop()
        self._panel.releaseKeyboard()
        self.let_go.emit()
