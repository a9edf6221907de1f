"""One line that shows a correction: replaced words struck out, new words marked."""

from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSizePolicy

from brewclip_app import theme
from brewclip_app.localisation import _
from brewclip_app.widgets.common import look

if TYPE_CHECKING:
    from core.annotation.differences import Piece

ARROW = "\N{RIGHTWARDS ARROW}"


class DifferenceLine(QLabel):
    """`show_changes` tells only what changed; `show_whole` the sentence with the changes marked in it."""

    def __init__(self, name: str = "quiet") -> None:
        super().__init__()
        look(self, name)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setWordWrap(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)

    def show_changes(self, pieces: "tuple[Piece, ...]") -> None:
        """ "corrected: see -> sea"; nothing when nothing was."""
        changes = [_change(piece) for piece in pieces if piece.change != "same"]
        self.setText(_("corrected: {changes}").format(changes=" · ".join(changes)) if changes else "")
        self.setVisible(bool(changes))

    def show_whole(self, pieces: "tuple[Piece, ...]") -> None:
        """Both texts in one."""
        self.setText(" ".join(escape(piece.text) if piece.change == "same" else _change(piece, arrow="")
                              for piece in pieces))


def _change(piece: "Piece", arrow: str = f" {ARROW}") -> str:
    recognised = f"<s>{escape(piece.heard)}</s>" if piece.heard else ""
    blue = theme.colour("transcript").name()
    text = f'<span style="color:{blue}; text-decoration:underline">{escape(piece.text)}</span>' if piece.text else ""
    if piece.change == "added" and arrow:
        return _("{text} added").format(text=text)
    if piece.change == "left_out" and arrow:
        return _("{recognised} left out").format(recognised=recognised)
    return f"{recognised}{arrow} {text}".strip()
