"""Drawing of an utterance in which a click or an arrow key seeks."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _

if TYPE_CHECKING:
    from core.audio import Waveform

SEEK_KEYS = {Qt.Key.Key_Left: -0.25, Qt.Key.Key_Right: 0.25}  # seconds
SEEK_TIP = _("Click to play from here")


class Seekable(QWidget):
    """Subclasses draw `_waveform` and the cursor over their whole width."""

    sought = Signal(float)  # seconds, where the user clicked

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._waveform: Waveform | None = None
        self._cursor: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    @property
    def cursor_seconds(self) -> float | None:
        """Position of playback in s; None while nothing plays."""
        return self._cursor

    def set_cursor(self, seconds: float | None) -> None:
        """Show the position of playback; None hides the cursor."""
        if seconds != self._cursor:
            self._cursor = seconds
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._waveform is not None and event.button() == Qt.MouseButton.LeftButton:
            share = min(1.0, max(0.0, event.position().x() / max(1, self.width())))
            self.sought.emit(share * self._waveform.seconds)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = SEEK_KEYS.get(Qt.Key(event.key()))
        if step is None or self._waveform is None:
            super().keyPressEvent(event)
            return
        self.sought.emit(min(self._waveform.seconds, max(0.0, (self._cursor or 0.0) + step)))
