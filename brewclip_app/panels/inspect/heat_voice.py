"""An utterance as bars, the darker the more relevant, with its words below where they were spoken."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen, QResizeEvent

from brewclip_app import theme
from brewclip_app.localisation import _
from brewclip_app.widgets.seekable import SEEK_TIP, Seekable

if TYPE_CHECKING:
    import numpy as np

    from core.asr.transcript import Word
    from core.audio import Waveform

STEP, BAR = 4, 2.4  # px from bar to bar, px wide
BARS = 58  # px high
PALEST = 0.22  # opacity of a bar without relevance


class HeatVoice(Seekable):
    """Waveform of an utterance, coloured by relevance; grey without it."""

    def __init__(self) -> None:
        super().__init__()
        self._frames: np.ndarray | None = None
        self._words: tuple[Word, ...] = ()
        self._bars: list[tuple[float, float]] = []  # height, heat
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(SEEK_TIP)
        self.setAccessibleName(_("Waveform of the query"))

    def bars(self) -> list[tuple[float, float]]:
        """Heights and relevance, 0..1, as drawn."""
        return list(self._bars)

    def show_voice(self, waveform: "Waveform", frames: "np.ndarray | None", words: "Sequence[Word]") -> None:
        """Show an utterance; `frames` relevance at 50 a second, None where the score does not depend on the voice."""
        self._waveform, self._frames, self._words = waveform, frames, tuple(words)
        self._measure()
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(480, BARS + 8 + QFontMetrics(theme.font("quiet")).height())

    def minimumSizeHint(self) -> QSize:
        return QSize(80, self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._measure()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._waveform is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = BARS / 2
        for number, (height, heat) in enumerate(self._bars):
            x, half = STEP * (number + 0.5), max(0.6, height * (middle - 2))
            painter.setPen(self._pen(heat))
            painter.drawLine(QPointF(x, middle - half), QPointF(x, middle + half))
        self._draw_words(painter)
        if self._cursor is not None or self.hasFocus():
            x = (self._cursor or 0.0) / max(self._waveform.seconds, 1e-9) * self.width()
            painter.setPen(QPen(theme.colour("main" if self._cursor is None else "words"), 1.6))
            painter.drawLine(QPointF(x, 0), QPointF(x, BARS))
        painter.end()

    def _pen(self, heat: float) -> QPen:
        if self._frames is None:
            return QPen(theme.colour("quiet"), BAR, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
        ink = QColor(theme.colour("voice"))
        ink.setAlphaF(PALEST + (1 - PALEST) * heat)
        return QPen(ink, BAR, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)

    def _draw_words(self, painter: QPainter) -> None:
        assert self._waveform is not None
        painter.setFont(theme.font("quiet"))
        metrics, free = QFontMetrics(theme.font("quiet")), 0.0
        for word in self._words:
            x = word.start / max(self._waveform.seconds, 1e-9) * self.width()
            wide = metrics.horizontalAdvance(word.text)
            now = self._cursor is not None and word.start <= self._cursor < word.end
            if now:
                painter.setPen(theme.colour("voice_words"))
            elif x < free:
                continue
            else:
                painter.setPen(theme.colour("quiet"))
            x = min(x, max(0.0, self.width() - wide))
            if now:
                painter.fillRect(QRectF(x - 2, BARS + 5, wide + 4, metrics.height()), theme.colour("card"))
            painter.drawText(QPointF(x, BARS + 5 + metrics.ascent()), word.text)
            free = x + wide + 6

    def _measure(self) -> None:
        if self._waveform is None:
            return
        import numpy as np

        from core.explain.figure import bars

        count = max(1, self.width() // STEP)
        frames = self._frames if self._frames is not None else np.zeros(1, np.float32)
        heights, heats = bars(self._waveform, frames, count)
        self._bars = list(zip(heights.tolist(), heats.tolist(), strict=True))
