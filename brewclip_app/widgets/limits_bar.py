"""Base of the bars that filter a list: a change is emitted once typing pauses, and Esc closes the bar."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QWidget

from brewclip_app.localisation import as_shown
from brewclip_app.plain_text import plain_tip


class LimitsBar(QWidget):
    """Subclasses have the fields, and say what is let through (`limits`) and how all is (`reset`).

    `nothing`: the limits that let all through; `typing_ms`: how long after the last key a change is told.
    """

    changed = Signal(object)  # what `limits` gives
    closed = Signal()

    def __init__(self, nothing: object, typing_ms: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._told = nothing
        self._later = QTimer(self, singleShot=True, interval=typing_ms)
        self._later.timeout.connect(self._tell)

    def limits(self) -> object:
        """Current limits."""
        raise NotImplementedError

    def reset(self) -> None:
        """Reset."""
        raise NotImplementedError

    def close_bar(self) -> None:
        """Reset and hide."""
        self.reset()
        self.hide()
        self.closed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_bar()
            return
        super().keyPressEvent(event)

    def _tell(self) -> None:
        self._later.stop()
        limits = self.limits()
        if limits != self._told:
            self._told = limits
            self.changed.emit(limits)


def offer_choices(combo: QComboBox, nothing: str, rows: Sequence[tuple[str, str]], tips: bool = False) -> None:
    """Fill a box with `nothing`, which restricts nothing, and rows (words, value); what is chosen stays if it can.

    `tips`: the values are shown as tool tips.
    """
    chosen = combo.currentData()
    combo.blockSignals(True)
    combo.clear()
    combo.addItem(as_shown(nothing), "")
    for words, value in rows:
        combo.addItem(as_shown(words), value)
        if tips:
            combo.setItemData(combo.count() - 1, plain_tip(value), Qt.ItemDataRole.ToolTipRole)
    combo.setCurrentIndex(max(0, combo.findData(chosen)))
    combo.blockSignals(False)
