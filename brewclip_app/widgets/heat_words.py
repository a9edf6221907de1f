"""The words of a query, each on its heat in the transcript's blue; what the model did not read is struck through."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QTextCursor
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextEdit, QToolTip

from brewclip_app import theme

MOST_LINES = 4
DEEPEST = 0.6  # opacity of the blue under the hottest word: the ink on it stays readable in both themes


@dataclass(frozen=True)
class HeatWord:
    """A word with its heat 0..1. `cut`: the model did not read all of it, `read` False: nothing of it."""

    text: str
    heat: float
    cut: bool = False
    read: bool = True

    @property
    def about(self) -> str:
        """What the tip says."""
        if not self.read:
            return f"“{self.text}” was cut off: the model reads 77 tokens at most"
        tail = "; a part of it was cut off" if self.cut else ""
        return f"“{self.text}”: {round(100 * self.heat)} % of the most relevant word{tail}"


class HeatWords(QTextEdit):
    """Editable: Enter accepts, Esc takes the edit back. Grows to four lines, then scrolls."""

    accepted = Signal(str)
    left = Signal()  # Esc with nothing to take back

    def __init__(self) -> None:
        super().__init__()
        self._shown = ""
        self._words: list[tuple[int, int, HeatWord]] = []
        self._spoken: tuple[int, int] | None = None
        self.setAcceptRichText(False)
        self.setAcceptDrops(False)  # files belong to the panel
        self.setTabChangesFocus(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setPlaceholderText("No words: type some")
        self.setAccessibleName("Words of the query")
        self.setAccessibleDescription("Edit them and press Enter: ranks and maps follow.")
        self.document().setDocumentMargin(4)
        self.textChanged.connect(self._fit)
        theme.changed.connect(self._dress)
        self._dress()

    @property
    def words(self) -> tuple[HeatWord, ...]:
        """The words that have heat now, in their order."""
        return tuple(word for _, _, word in self._words)

    def text(self) -> str:
        """The text, on one line."""
        return " ".join(self.toPlainText().split())

    def show_words(self, text: str, words: Sequence[HeatWord] = ()) -> None:
        """Show a text and the heat of its words; an edit that is not accepted yet stays."""
        text = " ".join(text.split())
        if self.text() == self._shown or not self.hasFocus():
            if self.text() != text:
                self.setPlainText(text)
                self.document().clearUndoRedoStacks()
            self._shown = text
        self._words = _placed(self.toPlainText(), words)
        said = ", ".join(f"{word.text} {round(100 * word.heat)} %" if word.read else f"{word.text} cut off"
                         for word in words)
        self.setAccessibleDescription(f"Edit them and press Enter: ranks and maps follow. Relevance: {said}"[:2000])
        self._fit()
        self.viewport().update()

    def show_spoken(self, place: tuple[int, int] | None) -> None:
        """Underline the word that is being played, at (start, end) of the text."""
        if place != self._spoken:
            self._spoken = place
            self.viewport().update()

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self._wanted_height())

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self._wanted_height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self.text() and self.text() != self._shown:
                self._shown = self.text()
                self._words = []
                self.accepted.emit(self._shown)
            return
        if event.key() == Qt.Key.Key_Escape:
            if self.text() != self._shown:
                self.setPlainText(self._shown)
            else:
                self.left.emit()
            return
        super().keyPressEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            position = self.cursorForPosition(event.pos()).position()
            word = next((word for start, end, word in self._words if start <= position < end), None)
            QToolTip.showText(event.globalPos(), word.about if word and self.text() == self._shown else "", self)
            return True
        return super().viewportEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        heated = self._words if self.text() == self._shown else []
        for start, end, word in heated:
            ink = QColor(theme.colour("transcript"))
            ink.setAlphaF(DEEPEST * word.heat)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ink)
            for place in self._places(start, end):
                painter.drawRoundedRect(QRectF(place).adjusted(-2, 1, 2, -1), 4, 4)
        painter.end()
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        for start, end, word in heated:
            if word.cut:
                self._strike(painter, start, end, 0.55, theme.colour("quiet" if word.read else "care_words"))
        if self._spoken is not None:
            self._strike(painter, *self._spoken, 0.95, theme.colour("voice"))
        painter.end()

    def _strike(self, painter: QPainter, start: int, end: int, height: float, ink: QColor) -> None:
        painter.setPen(QPen(ink, 2))
        for place in self._places(start, end):
            y = round(place.top() + height * place.height())
            painter.drawLine(place.left(), y, place.right(), y)

    def _places(self, start: int, end: int) -> list[QRect]:
        """Where a part of the text stands; more than one where a long word is broken."""
        found: list[QRect] = []
        cursor = QTextCursor(self.document())
        for position in range(start, end):
            cursor.setPosition(position)
            left = self.cursorRect(cursor)
            cursor.setPosition(position + 1)
            right = self.cursorRect(cursor)
            piece = QRect(left.left(), left.top(), max(1, right.left() - left.left()), left.height())
            if right.top() != left.top():  # the line breaks here
                piece.setWidth(8)
            if found and found[-1].top() == piece.top():
                found[-1] = found[-1].united(piece)
            else:
                found.append(piece)
        return found

    def _dress(self) -> None:
        self.setFont(theme.font("transcript"))
        self.setStyleSheet("QTextEdit { background: transparent; border: 1px solid transparent; border-radius: 7px; "
                           f"padding: 0; font-size: {theme.points('transcript'):.2f}pt; }}"
                           f"QTextEdit:hover {{ border: 1px solid {theme.colour('line').name()}; }}"
                           f"QTextEdit:focus {{ border: 1px solid {theme.colour('main').name()}; }}")

    def _wanted_height(self) -> int:
        line = self.fontMetrics().lineSpacing()
        content = self.document().size().height() if self.document().textWidth() > 0 else line + 8
        return round(min(max(content, line + 8), MOST_LINES * line + 8)) + 4

    def _fit(self) -> None:
        if self.height() != self._wanted_height():
            self.setFixedHeight(self._wanted_height())
        self.viewport().update()


def _placed(text: str, words: Sequence[HeatWord]) -> list[tuple[int, int, HeatWord]]:
    """Where each word stands in the text; a word that the model spells otherwise is left out."""
    found, position = [], 0
    for word in words:
        start = text.lower().find(word.text.lower(), position) if word.text else -1
        if start >= 0:
            position = start + len(word.text)
            found.append((start, position, word))
    return found
