"""The rank of a picture along the mix of transcript and voice: a curve with a dot, and a slider below it."""

import math
from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QSlider, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _
from brewclip_app.widgets.common import column, label, row

STEPS = 100  # of the slider
MIDDLE = STEPS // 2
HANDLE = 16  # px, width of the slider's handle
MARGIN = 44  # px at the left, for the ranks


class RankCurve(QWidget):
    """Curve of ranks on a logarithmic scale, rank 1 at the top."""

    def __init__(self) -> None:
        super().__init__()
        self._ranks: tuple[int, ...] = ()
        self._total = 1
        self._at = (0.5, 1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(96)
        theme.changed.connect(self.update)

    @property
    def ranks(self) -> tuple[int, ...]:
        """The ranks from transcript only to voice only."""
        return self._ranks

    def show_ranks(self, ranks: Sequence[int], total: int) -> None:
        """Show another curve; `total` pictures are ranked."""
        self._ranks, self._total = tuple(ranks), max(1, total)
        self.update()

    def show_place(self, t: float, rank: int) -> None:
        """Put the dot at a mix."""
        self._at = t, rank
        self.setAccessibleName(_("Rank {rank} of {total} at this mix").format(rank=rank, total=self._total))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(380, 120)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._ranks:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font("quiet"))
        metrics = QFontMetrics(theme.font("quiet"))
        for rank in (10 ** power for power in range(math.floor(math.log10(self._worst())) + 1)):
            y = self._y(rank)
            painter.setPen(QPen(theme.colour("line"), 1))
            painter.drawLine(QPointF(MARGIN, y), QPointF(self.width(), y))
            painter.setPen(theme.colour("quiet"))
            painter.drawText(QRectF(0, y - metrics.height() / 2, MARGIN - 10, metrics.height()),
                             Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, str(rank))
        path = QPainterPath()
        for number, rank in enumerate(self._ranks):
            point = QPointF(self._x(number / max(1, len(self._ranks) - 1)), self._y(rank))
            if number:
                path.lineTo(point)
            else:
                path.moveTo(point)
        painter.setPen(QPen(theme.colour("main"), 2))
        painter.drawPath(path)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("main"))
        painter.drawEllipse(QPointF(self._x(self._at[0]), self._y(self._at[1])), 5, 5)
        painter.end()

    def _worst(self) -> int:
        return max(10, *self._ranks, self._at[1])

    def _x(self, t: float) -> float:
        return MARGIN + HANDLE / 2 + t * (self.width() - MARGIN - HANDLE)

    def _y(self, rank: int) -> float:
        high = math.log10(self._worst())
        return 10 + math.log10(max(1, rank)) / high * (self.height() - 20)


class MixView(QWidget):
    """Curve and slider."""

    moved = Signal(float)  # t: 0 transcript only, 0.5 the model's own sum, 1 voice only

    def __init__(self) -> None:
        super().__init__()
        self._rank_at: Callable[[float], int] | None = None
        self.curve = RankCurve()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        self.slider.setValue(MIDDLE)
        self.slider.setPageStep(10)
        self.slider.setMinimumHeight(HANDLE + 4)
        self.slider.setAccessibleName(_("Mix of transcript and voice"))
        self.slider.valueChanged.connect(self._move)
        self.here = label("", "quiet")
        self.here.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        line = row(MARGIN, self.slider, space=0)
        words = row(MARGIN, label(_("Transcript only"), "quiet"), None, self.here, None,
                    label(_("Voice only"), "quiet"),
                    space=0)
        layout = column(self.curve, line, words, space=4)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        theme.changed.connect(self._set_up)
        self._set_up()

    def show_mix(self, ranks: Sequence[int], total: int, rank_at: Callable[[float], int]) -> None:
        """Show another picture's curve, and `rank_at` while the slider moves; the slider stays where it is."""
        self._rank_at = rank_at
        self.curve.show_ranks(ranks, total)
        self._update_place()

    def reset(self) -> None:
        """Set the slider back to the model's own sum."""
        self.slider.setValue(MIDDLE)

    def _move(self) -> None:
        self._update_place()
        self.moved.emit(self.slider.value() / STEPS)

    def _update_place(self) -> None:
        if self._rank_at is None:
            return
        t = self.slider.value() / STEPS
        rank = self._rank_at(t)
        self.curve.show_place(t, rank)
        self.here.setText(_("model's own sum: rank {rank}").format(rank=rank) if self.slider.value() == MIDDLE
                          else _("rank {rank}").format(rank=rank))

    def _set_up(self) -> None:
        blue, violet, orange, card = (theme.colour(name).name() for name in ("transcript", "main", "voice", "card"))
        self.slider.setStyleSheet(
            "QSlider::groove:horizontal { height: 5px; border-radius: 2px; background: qlineargradient(x1:0, y1:0, "
            f"x2:1, y2:0, stop:0 {blue}, stop:0.5 {violet}, stop:1 {orange}); }}"
            "QSlider::sub-page:horizontal { background: transparent; }"
            f"QSlider::handle:horizontal {{ background: {card}; border: 2px solid {violet}; width: {HANDLE - 4}px; "
            f"height: {HANDLE - 4}px; margin: -6px 0; border-radius: {HANDLE // 2}px; }}"
            f"QSlider::handle:horizontal:focus {{ background: {violet}; }}")
