"""The words of a query on a blue background by relevance; what the model did not read is struck through."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen, QTextCursor
from PySide6.QtWidgets import QToolTip

from brewclip_app import theme
from brewclip_app.localisation import _, as_shown
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.growing_text import GrowingText, find_words

MOST_LINES = 4
EDIT = _("Edit the words and press Enter to update ranks and maps.")
MARGIN = 4  # px around the text, where the heat has room
DEEPEST = 0.6  # opacity of the blue under the hottest word: the ink on it stays readable in both themes


@dataclass(frozen=True)
class HeatWord:
    """A word with its relevance 0..1 (`heat`). `cut`: the model read only a part of it; `read` False: nothing."""

    text: str
    heat: float
    cut: bool = False
    read: bool = True

    @property
    def about(self) -> str:
        """Text of the tooltip."""
        if not self.read:
            return _("“{text}” was cut off: the model reads 77 tokens at most").format(text=self.text)
        tail = _("; a part of it was cut off") if self.cut else ""
        return _("“{text}”: {heat} % of the relevance of the top word{tail}").format(text=self.text,
                                                                                     heat=round(100 * self.heat),
                                                                                     tail=tail)


class HeatWords(GrowingText):
    """Editable words; after an edit they have no relevance until it is computed again."""

    def __init__(self) -> None:
        self._words: list[tuple[int, int, HeatWord]] = []
        self._spoken: tuple[int, int] | None = None
        super().__init__(MOST_LINES, MARGIN)
        self.setPlaceholderText(_("No words"))
        self.setAccessibleName(_("Words of the query"))
        self.setAccessibleDescription(as_shown(EDIT))

    @property
    def words(self) -> tuple[HeatWord, ...]:
        """The words with relevance, in their order."""
        return tuple(word for _unused, _unused, word in self._words)

    def show_words(self, text: str, words: Sequence[HeatWord] = ()) -> None:
        """Show a text and the relevance of its words; an edit that is not accepted yet stays."""
        text = " ".join(text.split())
        if not self.edited or not self.hasFocus():
            if self.text() != text:
                self.setPlainText(text)
                self.document().clearUndoRedoStacks()
            self._shown = text
        self._words = find_words(self.toPlainText(), words)
        relevance = ", ".join(f"{word.text} {round(100 * word.heat)} %" if word.read
                              else _("{text} cut off").format(text=word.text)
                              for word in words)
        self.setAccessibleDescription(_("{edit} Relevance: {relevance}").format(edit=EDIT, relevance=relevance)[:2000])
        self._fit()
        self.viewport().update()

    def show_spoken(self, place: tuple[int, int] | None) -> None:
        """Underline the word that is being played, at (start, end) of the text."""
        if place != self._spoken:
            self._spoken = place
            self.viewport().update()

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            position = self.cursorForPosition(event.pos()).position()
            word = next((word for start, end, word in self._words if start <= position < end), None)
            QToolTip.showText(event.globalPos(), plain_tip(word.about if word and not self.edited else ""), self)
            return True
        return super().viewportEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shown = [] if self.edited else self._words
        for start, end, word in shown:
            ink = QColor(theme.colour("transcript"))
            ink.setAlphaF(DEEPEST * word.heat)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ink)
            for place in self._places(start, end):
                painter.drawRoundedRect(QRectF(place).adjusted(-2, 1, 2, -1), 4, 4)
        painter.end()
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        for start, end, word in shown:
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
        """Rectangles of a part of the text; several where a long word is broken."""
        places: list[QRect] = []
        cursor = QTextCursor(self.document())
        for position in range(start, end):
            cursor.setPosition(position)
            left = self.cursorRect(cursor)
            cursor.setPosition(position + 1)
            right = self.cursorRect(cursor)
            piece = QRect(left.left(), left.top(), max(1, right.left() - left.left()), left.height())
            if right.top() != left.top():  # the line breaks here
                piece.setWidth(8)
            if places and places[-1].top() == piece.top():
                places[-1] = places[-1].united(piece)
            else:
                places.append(piece)
        return places

    def _accept(self) -> None:
        if self.edited:
            self._shown = self.text()
            self._words = []
            self.accepted.emit(self._shown)

    def _take_back(self) -> None:
        self.setPlainText(self._shown)

    def _fit(self) -> None:
        super()._fit()
        self.viewport().update()
