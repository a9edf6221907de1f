"""Time line beside a grid: years, folders or letters where they are in the scroll range, and the present place."""

from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QScrollBar, QSizePolicy, QSlider, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _, as_shown

DASH = 26  # px, of the line of a mark
NARROWEST = 58  # px
WIDEST = 22  # average letters
RADIUS = 5


class TimeLine(QSlider):
    """Follows a scroll bar, and moves it: click or drag anywhere, Up and Down to the next mark, Home, End, Page keys.

    `on_now` gives the words of the place at the top of the view.
    """

    def __init__(self, bar: QScrollBar, on_now: Callable[[], str], parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Vertical, parent)
        self._bar, self._on_now = bar, on_now
        self._marks: tuple[tuple[int, str], ...] = ()  # values of the bar, and their words
        self._words = ""
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(_("Time line"))
        self.setToolTip(_("Jump to a time: click, drag, or use the arrow keys"))
        bar.rangeChanged.connect(self._follow)
        bar.valueChanged.connect(self._follow)
        self.valueChanged.connect(bar.setValue)
        theme.changed.connect(self.update)

    def set_marks(self, marks: Sequence[tuple[int, str]]) -> None:
        """Show marks: the scroll value of each, in order, and its words."""
        self._marks = tuple(marks)
        self._follow()

    def make_room_for(self, words: Iterable[str], marks: Iterable[str]) -> None:
        """Keep one width for these words of present places, and of marks."""
        metrics = QFontMetrics(theme.font("quiet"))
        self.setFixedWidth(min(WIDEST * metrics.averageCharWidth(), max(
            *(metrics.horizontalAdvance(text) + 14 for text in words),
            *(metrics.horizontalAdvance(text) + DASH + 8 for text in marks), NARROWEST)))

    def marks(self) -> list[tuple[float, str]]:
        """The marks that have room: height in px, words. The first and the last of those too near are kept."""
        line = theme.line_height(theme.font("quiet")) + 2
        shown: list[tuple[float, str]] = []
        for value, text in self._marks:
            y = self._height_of(value)
            if not shown or y - shown[-1][0] >= line:
                shown.append((y, text))
        return shown

    def _follow(self, *_unused: object) -> None:
        self.blockSignals(True)
        self.setRange(self._bar.minimum(), self._bar.maximum())
        self.setPageStep(self._bar.pageStep())
        self.setValue(self._bar.value())
        self.blockSignals(False)
        words = self._on_now()
        if words != self._words:
            self._words = words
            self.setAccessibleDescription(as_shown(words))
        self.update()

    def _edge(self) -> float:
        return theme.line_height(theme.font("quiet")) / 2 + 3

    def _height_of(self, value: int) -> float:
        share = value / max(1, self.maximum())
        return self._edge() + min(1.0, share) * (self.height() - 2 * self._edge())

    def _jump(self, y: float) -> None:
        share = (y - self._edge()) / max(1.0, self.height() - 2 * self._edge())
        self.setValue(round(min(1.0, max(0.0, share)) * self.maximum()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self._jump(event.position().y())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.isSliderDown():
            self._jump(event.position().y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.setSliderDown(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        values, now = [value for value, _unused in self._marks], self.value()
        if event.key() == Qt.Key.Key_Down:
            self.setValue(next((value for value in values if value > now), self.maximum()))
        elif event.key() == Qt.Key.Key_Up:
            self.setValue(next((value for value in reversed(values) if value < now), self.minimum()))
        elif event.key() == Qt.Key.Key_Home:
            self.setValue(self.minimum())
        elif event.key() == Qt.Key.Key_End:
            self.setValue(self.maximum())
        elif event.key() in (Qt.Key.Key_PageDown, Qt.Key.Key_PageUp):
            self.setValue(now + self.pageStep() * (1 if event.key() == Qt.Key.Key_PageDown else -1))
        else:
            event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = theme.font("quiet")
        painter.setFont(font)
        metrics, right = QFontMetrics(font), float(self.width())
        now, line = self._height_of(self.value()), metrics.height() + 4
        for y, text in self.marks():
            if abs(y - now) < line:  # under the words of the present place
                continue
            painter.setPen(QPen(theme.colour("line"), 1))
            painter.drawLine(QPointF(right - DASH, y), QPointF(right, y))
            painter.setPen(theme.colour("quiet"))
            words = metrics.elidedText(text, Qt.TextElideMode.ElideRight, round(right - DASH - 6))
            painter.drawText(QRectF(0, y - line / 2, right - DASH - 6, line),
                             Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)
        pill = QRectF(0, now - line / 2, right, line)
        width = min(right, metrics.horizontalAdvance(self._words) + 12.0)
        pill.setLeft(right - width)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("main"))
        painter.drawRoundedRect(pill, RADIUS, RADIUS)
        painter.setPen(theme.colour("on_main"))
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter,
                         metrics.elidedText(self._words, Qt.TextElideMode.ElideMiddle, round(width - 8)))
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.colour("words"), 1, Qt.PenStyle.DashLine))
            painter.drawRoundedRect(pill.adjusted(-1.5, -1.5, 1.5, 1.5), RADIUS + 1, RADIUS + 1)
        painter.end()
