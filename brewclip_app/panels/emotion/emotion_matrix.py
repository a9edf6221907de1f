"""A confusion matrix: rows are true classes, columns predicted ones; a click selects a cell."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _
from brewclip_app.plain_text import plain_tip

if TYPE_CHECKING:
    from PySide6.QtGui import QHelpEvent

GAP = 2.0  # px between cells
HEAD = 22.0  # px above them
FAINT = 0.07  # opacity of a cell of no recording
DARK_FROM = 0.5  # opacity from which the figures are light
STEPS = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}
Cell = tuple[int, int]  # row, column


class EmotionMatrix(QWidget):
    """Emits `chosen` with the indices of a true and a predicted class."""

    chosen = Signal(int, int)

    def __init__(self) -> None:
        super().__init__()
        self._classes: tuple[str, ...] = ()
        self._counts: tuple[tuple[int, ...], ...] = ()
        self._tone = "voice"
        self._cell: Cell | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(_("Confusion matrix"))
        theme.changed.connect(self.update)

    @property
    def cell(self) -> Cell | None:
        """The selected cell."""
        return self._cell

    def show_counts(self, classes: Sequence[str], counts: Sequence[Sequence[int]], tone: str) -> None:
        """Show counts in a colour of the theme; the selected cell stays while the classes do."""
        if tuple(classes) != self._classes:
            self._cell = None
        self._classes, self._tone = tuple(classes), tone
        self._counts = tuple(tuple(row) for row in counts)
        self.update()

    def choose(self, cell: Cell | None) -> None:
        """Select a cell."""
        self._cell = cell
        self.update()
        if cell is not None:
            acted, predicted = (self._classes[number] for number in cell)
            self.setAccessibleDescription(_("{acted} predicted as {predicted}: {counts}").format(acted=acted,
                                                                                                 predicted=predicted,
                                                                                                 counts=self._counts[
                                                                                                     cell[0]][cell[1]]))
            self.chosen.emit(*cell)

    def sizeHint(self) -> QSize:
        return QSize(420, 290)

    def minimumSizeHint(self) -> QSize:
        return QSize(260, 34 * max(4, len(self._classes)) + round(HEAD))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        draw_matrix(painter, QRectF(self.rect()), self._classes, self._counts, self._tone)
        if self._cell is not None and self._classes:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.colour("main" if self.hasFocus() else "words"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self._grid().cell(*self._cell).adjusted(1, 1, -1, -1), 4, 4)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self._cell_at(event.position())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            self.choose(cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = STEPS.get(Qt.Key(event.key()))
        if step is None or not self._classes:
            super().keyPressEvent(event)
            return
        row, column = self._cell or (0, 0)
        last = len(self._classes) - 1
        self.choose((min(last, max(0, row + step[0])), min(last, max(0, column + step[1]))))

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip:
            self._show_tip(event)  # type: ignore[arg-type]
            return True
        return super().event(event)

    def _show_tip(self, event: "QHelpEvent") -> None:
        cell = self._cell_at(QPointF(event.pos()))
        if cell is None:
            QToolTip.hideText()
            return
        acted, predicted = (self._classes[number] for number in cell)
        count, of = self._counts[cell[0]][cell[1]], sum(self._counts[cell[0]])
        QToolTip.showText(event.globalPos(),
                          plain_tip(_("{count} of {of} {acted} predicted as {predicted}").format(count=count, of=of,
                                                                                                 acted=acted,
                                                                                                 predicted=predicted)),
                          self)

    def _grid(self) -> "Grid":
        return Grid(QRectF(self.rect()), self._classes, QFontMetricsF(theme.font("quiet")))

    def _cell_at(self, point: QPointF) -> Cell | None:
        grid = self._grid()
        for row in range(len(self._classes)):
            for column in range(len(self._classes)):
                if grid.cell(row, column).contains(point):
                    return row, column
        return None


class Grid:
    """Layout of a matrix in a rectangle."""

    def __init__(self, room: QRectF, classes: Sequence[str], metrics: QFontMetricsF) -> None:
        self.room, self.number = room, max(1, len(classes))
        self.left = max((metrics.horizontalAdvance(name) for name in classes), default=0) + 10
        self.width = (room.width() - self.left) / self.number
        self.height = (room.height() - HEAD) / self.number

    def cell(self, row: int, column: int) -> QRectF:
        """The rectangle of a cell, without the gap."""
        return QRectF(self.room.left() + self.left + column * self.width, self.room.top() + HEAD + row * self.height,
                      self.width - GAP, self.height - GAP)


def draw_matrix(painter: QPainter, room: QRectF, classes: Sequence[str], counts: Sequence[Sequence[int]], tone: str
                ) -> None:
    """Draw a matrix into a rectangle, in the colours of the theme; cells are as dark as their share of the row."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(theme.font("quiet"))
    grid = Grid(room, classes, QFontMetricsF(painter.font()))
    middle = Qt.AlignmentFlag.AlignCenter
    for number, name in enumerate(classes):
        painter.setPen(theme.colour("quiet"))
        head, side = grid.cell(0, number), grid.cell(number, 0)
        shown = QFontMetricsF(painter.font()).elidedText(name, Qt.TextElideMode.ElideRight, head.width())
        painter.drawText(QRectF(head.left(), room.top(), head.width(), HEAD - 4), middle, shown)
        painter.drawText(QRectF(room.left(), side.top(), grid.left - 8, side.height()),
                         Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, name)
    for row, line in enumerate(counts):
        for column, count in enumerate(line):
            share = FAINT + (1 - FAINT) * count / max(1, sum(line)) if count else FAINT
            fill = QColor(theme.colour(tone))
            fill.setAlphaF(share)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(fill)
            painter.drawRoundedRect(grid.cell(row, column), 4, 4)
            painter.setPen(theme.colour("on_main" if share > DARK_FROM else "words" if count else "quiet"))
            painter.setFont(theme.font("body"))
            painter.drawText(grid.cell(row, column), middle, str(count))
