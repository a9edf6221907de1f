"""Level of the microphone while recording: a bar with its good range, and a verdict."""

import math
from collections import deque

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _, as_shown

FLOOR = -48.0  # dB at the left end; the right one is 0
LOUD, CLIPPED = -6.0, -1.0  # dB from which it is loud, and clipped
QUIET = -26.0  # dB below which speech drowns in noise
MEMORY = 45  # levels that the verdict covers: 1.5 s
HEIGHT = 6
WORDS = {"": "", "quiet": _("too quiet: move closer"), "good": _("good level"), "loud": _("too loud: move away")}


def decibels(peak: float) -> float:
    """A peak of 0..1 in dB, not below the meter's floor."""
    return max(FLOOR, 20 * math.log10(peak)) if peak > 0 else FLOOR


class LevelMeter(QWidget):
    """Shows the newest level; `verdict` covers the last 1.5 s: "", quiet, good or loud."""

    def __init__(self) -> None:
        super().__init__()
        self._levels: deque[float] = deque(maxlen=MEMORY)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(_("Level of the microphone"))
        theme.changed.connect(self.update)

    @property
    def verdict(self) -> str:
        """Verdict on the level; "" before any sound."""
        if not self._levels:
            return ""
        loudest = max(self._levels)
        if loudest >= CLIPPED:
            return "loud"
        return "quiet" if loudest < QUIET else "good"

    def clear(self) -> None:
        """Forget all levels."""
        self._levels.clear()
        self.update()

    def add_level(self, peak: float) -> None:
        """Add the newest peak, 0..1."""
        self._levels.append(decibels(peak))
        self.setAccessibleDescription(as_shown(WORDS[self.verdict]))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        self._draw(painter, 1.0, theme.colour("track"))
        for start, name in ((LOUD, "care"), (CLIPPED, "record")):
            faint = theme.colour(name)
            faint.setAlphaF(0.5)
            painter.setBrush(faint)
            painter.drawRect(QRectF(self._share(start) * self.width(), 0, self.width(), HEIGHT))
        if self._levels:
            ink = theme.colour({"quiet": "care", "loud": "record"}.get(self.verdict, "good"))
            self._draw(painter, self._share(self._levels[-1]), ink)
        painter.end()

    def _draw(self, painter: QPainter, share: float, ink: QColor) -> None:
        painter.setBrush(ink)
        painter.drawRoundedRect(QRectF(0, 0, share * self.width(), HEIGHT), HEIGHT / 2, HEIGHT / 2)

    @staticmethod
    def _share(level: float) -> float:
        return (level - FLOOR) / -FLOOR
