"""Words that are edited in place and grow by lines: what the transcript and the words on their heat share."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextEdit, QWidget

from brewclip_app import theme


class HasText(Protocol):
    """A word, whatever else is known of it."""

    @property
    def text(self) -> str:
        """Text as it is written."""


W = TypeVar("W", bound=HasText)


class GrowingText(QTextEdit):
    """Enter accepts, Esc takes an edit back. Grows to `lines` lines, then scrolls; `margin` px lie around the text."""

    accepted = Signal(str)
    left = Signal()  # Esc with nothing to take back

    def __init__(self, lines: int, margin: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines, self._margin = lines, margin
        self.accepts_nothing = False  # whether Enter is told where there is no text, too
        self._shown = ""
        self.setAcceptRichText(False)
        self.setAcceptDrops(False)  # files belong to the panel
        self.setTabChangesFocus(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.document().setDocumentMargin(margin)
        self.textChanged.connect(self._fit)
        theme.changed.connect(self._set_up)
        self._set_up()

    @property
    def edited(self) -> bool:
        """Whether the text differs from what was shown or accepted last."""
        return self.text() != self._shown

    def text(self) -> str:
        """The text, on one line."""
        return " ".join(self.toPlainText().split())

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self._wanted_height())

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self._wanted_height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self.text() or self.accepts_nothing:
                self._accept()
        elif event.key() == Qt.Key.Key_Escape:
            if self.edited:
                self._take_back()
            else:
                self.left.emit()
        else:
            super().keyPressEvent(event)

    def _accept(self) -> None:
        """Enter, where there is a text."""
        raise NotImplementedError

    def _take_back(self) -> None:
        """Esc, where something was edited."""
        raise NotImplementedError

    def _set_up(self) -> None:
        self.setFont(theme.font("transcript"))
        self.setStyleSheet("QTextEdit { background: transparent; border: 1px solid transparent; border-radius: 7px; "
                           f"padding: 0 2px; font-size: {theme.points('transcript'):.2f}pt; }}"
                           f"QTextEdit:hover {{ border: 1px solid {theme.colour('line').name()}; }}"
                           f"QTextEdit:focus {{ border: 1px solid {theme.colour('main').name()}; }}")

    def _wanted_height(self) -> int:
        line, around = self.fontMetrics().lineSpacing(), 2 * self._margin
        content = self.document().size().height() if self.document().textWidth() > 0 else line + around
        return round(min(max(content, line + around), self._lines * line + around)) + 4

    def _fit(self) -> None:
        """Height of the text."""
        if self.height() != self._wanted_height():
            self.setFixedHeight(self._wanted_height())


def find_words(text: str, words: Sequence[W]) -> list[tuple[int, int, W]]:
    """Positions of words in a text: (start, end, word), regardless of case; absent words are left out.
    """
    matches, position = [], 0
    for word in words:
        start = text.lower().find(word.text.lower(), position) if word.text else -1
        if start >= 0:
            position = start + len(word.text)
            matches.append((start, position, word))
    return matches
