"""Waveform of an utterance: live while recording, with a cursor while it plays."""

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from brewclip_app import theme
from brewclip_app.localisation import _
from brewclip_app.widgets.seekable import SEEK_TIP, Seekable

if TYPE_CHECKING:
    from core.audio import Waveform

STEP = 4  # px from bar to bar
BAR = 2.2  # px wide
DOT = 1.2  # px: a bar of silence
LIVE_BARS = 2000


class WaveformView(Seekable):
    """Shows nothing, a recording in progress (`add_level`) or a whole utterance (`show_waveform`)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bars: list[float] = []
        self._live: deque[float] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(_("Waveform of the spoken query"))

    def bars(self) -> list[float]:
        """Heights of the drawn bars, 0..1, left to right."""
        return list(self._live) if self._live is not None else list(self._bars)

    def clear(self) -> None:
        """Show nothing."""
        self._waveform, self._live, self._cursor = None, None, None
        self._bars = []
        self._settle()

    def start_live(self) -> None:
        """Show levels as they come."""
        self.clear()
        self._live = deque(maxlen=LIVE_BARS)
        self._settle()

    def add_level(self, peak: float) -> None:
        """One more level of a recording in progress, 0..1."""
        if self._live is not None:
            self._live.append(peak)
            self.update()

    def show_waveform(self, waveform: "Waveform") -> None:
        """Show a whole utterance."""
        self.clear()
        self._waveform = waveform
        self._measure()
        self._settle()

    def sizeHint(self) -> QSize:
        return QSize(480, 40)

    def minimumSizeHint(self) -> QSize:
        return QSize(80, 40)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._measure()
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._live is not None:
            self._draw_live(painter)
        elif self._waveform is not None:
            self._draw_bars(painter, self._bars, 0.0)
            self._draw_cursor(painter)
        painter.end()

    def _settle(self) -> None:
        is_complete = self._waveform is not None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if is_complete else Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor if is_complete else Qt.CursorShape.ArrowCursor)
        self.setToolTip(SEEK_TIP if is_complete else "")
        self.update()

    def _measure(self) -> None:
        if self._waveform is not None:
            from core import audio

            peaks = audio.peaks(self._waveform, max(1, self.width() // STEP))
            self._bars = (peaks / max(float(peaks.max(initial=0.0)), 1e-4)).tolist()

    def _draw_live(self, painter: QPainter) -> None:
        """The newest level stands at the right end and moves left."""
        assert self._live is not None
        room = self.width() // STEP
        levels = list(self._live)[-room:]
        self._draw_bars(painter, [level ** 0.5 for level in levels], self.width() - STEP * max(1, len(levels)))

    def _draw_bars(self, painter: QPainter, bars: Sequence[float], left: float) -> None:
        middle, room = self.height() / 2, self.height() / 2 - 2
        played = None if self._cursor is None or self._waveform is None else self._cursor / self._waveform.seconds
        for number, height in enumerate(bars):
            ahead = played is not None and number / max(1, len(bars)) > played
            x = left + STEP * (number + 0.5)
            half = max(DOT / 2, height * room)
            painter.setPen(self._pen(faded=ahead))
            painter.drawLine(QPointF(x, middle - half), QPointF(x, middle + half))

    def _pen(self, faded: bool) -> QPen:
        ink = QColor(theme.colour("voice"))
        ink.setAlphaF(0.4 if faded else 1.0)
        return QPen(ink, BAR, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)

    def _draw_cursor(self, painter: QPainter) -> None:
        if self._cursor is None and not self.hasFocus():
            return
        assert self._waveform is not None
        x = (self._cursor or 0.0) / self._waveform.seconds * len(self._bars) * STEP
        painter.setPen(QPen(theme.colour("main" if self._cursor is None else "words"), 1.6))
        painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
