"""What each branch gave to a hit, as one bar: text blue, voice orange, pictures violet."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from brewclip_app import theme

if TYPE_CHECKING:
    from core.search.queries import ScoreShare

COLOURS = {"text": "transcript", "acoustic": "voice", "image": "main"}  # branch: colour of the table
THICKNESS = 6


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


class BranchBar(QWidget):
    """The bar as a widget."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shares: tuple[ScoreShare, ...] = ()
        self._full = 1.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_shares(self, shares: "tuple[ScoreShare, ...]", full: float) -> None:
        """Show other shares."""
        self._shares, self._full = shares, full
        words = ", ".join(f"{share.label} {share.value:.2f}" for share in shares)
        self.setAccessibleName(f"Shares of the score: {words}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(120, THICKNESS)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw_branch_bar(painter, QRectF(self.rect()), self._shares, self._full)
        painter.end()
