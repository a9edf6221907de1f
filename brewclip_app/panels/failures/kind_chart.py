"""Number of failures of each kind, as bars; a click on one filters by it."""

from collections.abc import Sequence

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from brewclip_app import theme, wording
from brewclip_app.localisation import _, as_shown
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import clear, column
from brewclip_app.widgets.figure_export import Draw
from core.plots.charts import Bar, draw_bars
from core.plots.style import DrawnFigure

BAR = 11  # px high
GAP = 8   # px between name, bar and count


class KindChart(QWidget):
    """Horizontal bars. At most one is chosen; a second click clears the choice."""

    chosen = Signal(str)  # a bar's key; "" when none is chosen

    def __init__(self) -> None:
        super().__init__()
        self._bars: tuple[Bar, ...] = ()
        self._chosen = ""
        self._rows: list[BarRow] = []
        self._box = column(space=1)
        self.setLayout(self._box)
        self.setAccessibleName(_("Failures by kind"))

    def show_bars(self, bars: Sequence[Bar]) -> None:
        """Replace the bars; the chosen one stays chosen when it is among them."""
        if tuple(bars) == self._bars:
            return
        focused = next((line.bar.key for line in self._rows if line.hasFocus()), None)
        self._bars = tuple(bars)
        clear(self._box)
        width = max((QFontMetrics(self.font()).horizontalAdvance(bar.title) for bar in bars), default=0)
        highest = max((bar.count for bar in bars), default=0)
        self._rows = [BarRow(bar, width + GAP, highest) for bar in bars]
        for line in self._rows:
            line.clicked.connect(lambda _unused=False, key=line.bar.key: self._click(key))
            self._box.addWidget(line)
            if line.bar.key == focused:
                line.setFocus()
        self.choose(self._chosen if any(bar.key == self._chosen for bar in bars) else "")

    def bars(self) -> tuple[Bar, ...]:
        """The bars."""
        return self._bars

    def drawing(self) -> Draw | None:
        """Drawing of the chart for print; None while there are no bars."""
        bars, title = self._bars, self.accessibleName()
        return (lambda width, report: DrawnFigure(draw_bars(bars, title, width))) if bars else None

    def choose(self, key: str) -> None:
        """Mark a bar as chosen, without a signal."""
        self._chosen = key
        for line in self._rows:
            line.setChecked(line.bar.key == key)
            line.set_faded(bool(key) and line.bar.key != key)

    def _click(self, key: str) -> None:
        self.choose("" if key == self._chosen else key)
        self.chosen.emit(self._chosen)


class BarRow(QAbstractButton):
    """One bar: its name at the left, its count behind its end."""

    def __init__(self, bar: Bar, left: int, most: int) -> None:
        super().__init__()
        self.bar, self._left, self._most = bar, left, most
        self._faded = False
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(f"{as_shown(bar.title)}: {bar.count}")
        self.setToolTip(plain_tip(bar.tip or _("Show only “{title}”").format(title=bar.title)))

    def set_faded(self, faded: bool) -> None:
        """Draw it pale while another bar is chosen."""
        self._faded = faded
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._left + 120, self.fontMetrics().height() + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.underMouse() or self.hasFocus() or self.isChecked():
            painter.setPen(theme.colour("main") if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("chosen" if self.isChecked() else "hover"))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
        painter.setOpacity(0.55 if self._faded else 1.0)
        painter.setPen(theme.colour("words"))
        painter.drawText(QRect(4, 0, self._left, self.height()), Qt.AlignmentFlag.AlignVCenter, self.bar.title)
        self._draw_bar(painter)
        painter.end()

    def _draw_bar(self, painter: QPainter) -> None:
        number = wording.count(self.bar.count)
        room = self.width() - self._left - GAP * 3 - self.fontMetrics().horizontalAdvance(number)
        length = max(2.0, room * self.bar.count / self._most) if self.bar.count else 0.0
        place = QRectF(self._left + GAP, (self.height() - BAR) / 2, length, BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(self.bar.colour))
        painter.drawRoundedRect(place, 3, 3)
        painter.setPen(theme.colour("quiet"))
        behind = QRect(round(place.right()) + GAP, 0, self.width(), self.height())
        painter.drawText(behind, Qt.AlignmentFlag.AlignVCenter, number)
