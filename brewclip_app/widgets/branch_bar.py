"""Score shares of a hit as bars: text blue, voice orange, pictures violet, minus terms in a colour of their own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QWidget

from brewclip_app import theme

if TYPE_CHECKING:
    from core.search.queries import ScoreShare

COLOURS = {"text": "transcript", "acoustic": "voice", "image": "main"}  # branch: colour of the table
THICKNESS = 6
BAR_WIDTH = 44  # px, of one share


def draw_branch_bar(painter: QPainter, place: QRectF, shares: "Sequence[ScoreShare]", full: float) -> None:
    """Draw the positive shares one after the other; `full` is the score that would fill the bar."""
    path = QPainterPath()
    path.addRoundedRect(place, place.height() / 2, place.height() / 2)
    painter.save()
    painter.setClipPath(path, Qt.ClipOperation.IntersectClip)
    painter.fillRect(place, theme.colour("track"))
    room, left = place.width(), place.left()
    lost = -sum(share.value for share in shares if share.value < 0)
    for share in shares:
        if share.value <= 0 or full <= 0:
            continue
        value = max(0.0, share.value - lost)  # what a minus term takes away shortens the bar
        lost = max(0.0, lost - share.value)
        width = min(room, value / full * place.width())
        painter.fillRect(QRectF(left, place.top(), width, place.height()), theme.colour(COLOURS[share.branch]))
        left, room = left + width, room - width
    painter.restore()


class ShareBar(QWidget):
    """One share as a bar from a common zero line: to the right what it adds, to the left what it takes away.

    `lowest` <= 0 and `highest` >= 0 are those of all shares of the hit; `ink` is a colour of the table.
    """

    def __init__(self, value: float, lowest: float, highest: float, ink: str) -> None:
        super().__init__()
        self._value, self._lowest, self._highest, self._ink = value, lowest, highest, ink
        self.setFixedSize(BAR_WIDTH, 2 * THICKNESS)

    def bar(self) -> QRectF:
        """Rectangle of the bar."""
        scale = self.width() / max(self._highest - self._lowest, 1e-9)
        zero = -self._lowest * scale
        return QRectF(zero, THICKNESS / 2, self._value * scale, THICKNESS).normalized()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.bar(), theme.colour(self._ink))
        zero = min(self.width() - 1.0, self.bar().left() if self._value >= 0 else self.bar().right())
        painter.fillRect(QRectF(zero, 0, 1, self.height()), theme.colour("line"))
        painter.end()
