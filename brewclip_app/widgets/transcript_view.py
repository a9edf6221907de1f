"""The transcript: big, editable, with a dotted line under the words that were heard with doubt."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QHelpEvent, QKeyEvent, QResizeEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextEdit, QToolTip, QWidget

from brewclip_app import theme

if TYPE_CHECKING:
    from core.models.transcripts import Word

DOUBT = 0.8  # probability below which a word gets a dotted line
STRONG_DOUBT = 0.5  # and below which it is shaded too
MOST_LINES = 3
WIDEST = 16_777_215  # Qt's own "no limit"


def find_words(text: str, words: "Sequence[Word]") -> list[tuple[int, int, "Word"]]:
    """Where each word stands in a text: (start, end, word). Words that are not there, since edited, are left out."""
    found, position = [], 0
    for word in words:
        start = text.find(word.text, position) if word.text else -1
        if start >= 0:
            position = start + len(word.text)
            found.append((start, position, word))
    return found


class TranscriptView(QTextEdit):
    """Enter accepts, Esc reverts. Grows to three lines, then scrolls."""

    accepted = Signal(str)
    left = Signal()  # Esc with nothing to revert

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = ""
        self._words: tuple[Word, ...] = ()
        self.setAcceptRichText(False)
        self.setAcceptDrops(False)  # files belong to the panel
        self.setTabChangesFocus(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setLineWrapMode(QTextEdit.LineWrapMode.WidgetWidth)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setPlaceholderText("Say what you look for, or type it here")
        self.setAccessibleName("What you look for")
        self.setAccessibleDescription("The transcript of your words. Edit it and press Enter to search again.")
        self.document().setDocumentMargin(2)
        self.textChanged.connect(self._fit)
        theme.changed.connect(self._dress)
        self._dress()

    @property
    def edited(self) -> bool:
        """Whether the text differs from what was shown or accepted last."""
        return self.text() != self._shown

    def text(self) -> str:
        """The text, on one line."""
        return " ".join(self.toPlainText().split())

    def show_words(self, text: str, words: "Sequence[Word]" = ()) -> None:
        """Show a transcript, the doubtful words marked; or any text."""
        self._shown, self._words = " ".join(text.split()), tuple(words)
        self.setPlainText(self._shown)
        self._mark()
        self.document().clearUndoRedoStacks()
        self._fit()

    def doubtful(self) -> list[str]:
        """The words that are marked now."""
        return [word.text for _, _, word in find_words(self.toPlainText(), self._words) if word.probability < DOUBT]

    def word_at(self, position: int) -> "Word | None":
        """The heard word at a position of the text."""
        places = find_words(self.toPlainText(), self._words)
        return next((word for start, end, word in places if start <= position < end), None)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self._wanted_height())

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self._wanted_height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._fit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self.text():
                self._accept()
            return
        if event.key() == Qt.Key.Key_Escape:
            self._escape()
            return
        if event.text():
            self.setCurrentCharFormat(QTextCharFormat())  # what is typed was not heard
        super().keyPressEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            word = self.word_at(self.cursorForPosition(event.pos()).position())
            tip = f"“{word.text}” was heard with {word.probability:.0%} confidence" if word else ""
            QToolTip.showText(event.globalPos(), tip.replace("%", " %"), self)
            return True
        return super().viewportEvent(event)

    def _accept(self) -> None:
        words = self._words if not self.edited else ()
        text = self.text()
        self.show_words(text, words)
        self.accepted.emit(text)

    def _escape(self) -> None:
        if self.edited:
            self.show_words(self._shown, self._words)
        else:
            self.left.emit()

    def _dress(self) -> None:
        self.setFont(theme.font("transcript"))
        self.setStyleSheet("QTextEdit { background: transparent; border: 1px solid transparent; border-radius: 7px; "
                           f"padding: 0 2px; font-size: {theme.points('transcript'):.2f}pt; }}"
                           f"QTextEdit:hover {{ border: 1px solid {theme.colour('line').name()}; }}"
                           f"QTextEdit:focus {{ border: 1px solid {theme.colour('main').name()}; }}")
        self._mark()

    def _mark(self) -> None:
        for start, end, word in find_words(self.toPlainText(), self._words):
            if word.probability < DOUBT:
                cursor = QTextCursor(self.document())
                cursor.setPosition(start)
                cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
                cursor.setCharFormat(_doubt(word.probability))

    def _wanted_height(self) -> int:
        line = self.fontMetrics().lineSpacing()
        content = self.document().size().height() if self.document().textWidth() > 0 else line + 4
        return round(min(max(content, line + 4), MOST_LINES * line + 4)) + 4

    def _fit(self) -> None:
        """As high as the text; as wide, too, unless it is being edited, so that the language stands beside it."""
        fitted = bool(self.toPlainText()) and not self.hasFocus() and not self.edited
        widest = round(self._ideal_width()) + 14 if fitted else WIDEST
        if self.maximumWidth() != widest:
            self.setMaximumWidth(widest)
        if self.height() != self._wanted_height():
            self.setFixedHeight(self._wanted_height())
        self.updateGeometry()

    def _ideal_width(self) -> float:
        return float(self.fontMetrics().horizontalAdvance(self.toPlainText())) + 2 * self.document().documentMargin()


def _doubt(probability: float) -> QTextCharFormat:
    form = QTextCharFormat()
    form.setUnderlineStyle(QTextCharFormat.UnderlineStyle.DotLine)
    form.setUnderlineColor(theme.colour("care"))
    if probability < STRONG_DOUBT:
        shade = QColor(theme.colour("care"))
        shade.setAlphaF(0.16)
        form.setBackground(shade)
    return form
