"""Transcript editor; words transcribed with doubt have a dotted line."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QFocusEvent, QHelpEvent, QKeyEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QToolTip, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.growing_text import GrowingText, find_words

if TYPE_CHECKING:
    from core.asr.transcript import Word

DOUBT = 0.8  # probability below which a word gets a dotted line
STRONG_DOUBT = 0.5  # and below which it is shaded too
MOST_LINES = 3
MARGIN = 2  # px around the text
WIDEST = 16_777_215  # Qt's own "no limit"


class TranscriptView(GrowingText):
    """Label as wide as its words while it is not edited, so that the language stands beside it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._words: tuple[Word, ...] = ()
        self.speaks_when_empty = False  # whether Space without a text is left to the panel, which records
        super().__init__(MOST_LINES, MARGIN, parent)
        self.setPlaceholderText(_("Say what you look for, or type it here"))
        self.setAccessibleName(_("What you look for"))
        self.setAccessibleDescription(_("The transcript of your words. Edit it and press Enter to search again."))

    def show_words(self, text: str, words: "Sequence[Word]" = ()) -> None:
        """Show a transcript, the doubtful words marked; or any text."""
        self._shown, self._words = " ".join(text.split()), tuple(words)
        self.setPlainText(self._shown)
        self._mark()
        self.document().clearUndoRedoStacks()
        self._fit()

    def show_partial(self, text: str, sure: int) -> None:
        """Show what was said so far; the words behind the first `sure` ones, which may still change, are quiet."""
        self.show_words(text)
        words = self._shown.split(" ")
        cursor = QTextCursor(self.document())
        cursor.setPosition(len(" ".join(words[:sure])))
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        form = QTextCharFormat()
        form.setForeground(theme.colour("quiet"))
        cursor.mergeCharFormat(form)

    def doubtful(self) -> list[str]:
        """Words that are marked as doubtful."""
        return [word.text for _unused, _unused, word in find_words(self.toPlainText(), self._words)
                if word.probability < DOUBT]

    def word_at(self, position: int) -> "Word | None":
        """Transcribed word at a position of the text."""
        places = find_words(self.toPlainText(), self._words)
        return next((word for start, end, word in places if start <= position < end), None)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._fit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if not self.text():
            self.clear()  # blanks alone hide the placeholder
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and self.speaks_when_empty and not self.text():
            event.ignore()
            return
        if event.text() and event.text().isprintable():
            self.setCurrentCharFormat(QTextCharFormat())  # what is typed was not heard
        super().keyPressEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            word = self.word_at(self.cursorForPosition(event.pos()).position())
            tip = (_("“{text}” was heard with {probability:.0%} confidence").format(text=word.text,
                                                                                    probability=word.probability)
                   if word else "")
            QToolTip.showText(event.globalPos(), plain_tip(tip.replace("%", " %")), self)
            return True
        return super().viewportEvent(event)

    def _accept(self) -> None:
        words = self._words if not self.edited else ()
        text = self.text()
        self.show_words(text, words)
        self.accepted.emit(text)

    def _take_back(self) -> None:
        if self.speaks_when_empty and not self.text():
            self._accept()
        else:
            self.show_words(self._shown, self._words)

    def _set_up(self) -> None:
        super()._set_up()
        self._mark()

    def _mark(self) -> None:
        for start, end, word in find_words(self.toPlainText(), self._words):
            if word.probability < DOUBT:
                cursor = QTextCursor(self.document())
                cursor.setPosition(start)
                cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
                cursor.setCharFormat(_doubt(word.probability))

    def _fit(self) -> None:
        """Height of the text, and its width unless it is being edited."""
        fitted = bool(self.toPlainText()) and not self.hasFocus() and not self.edited
        widest = round(self._ideal_width()) + 14 if fitted else WIDEST
        if self.maximumWidth() != widest:
            self.setMaximumWidth(widest)
        super()._fit()
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
