"""Texts from outside (names, paths, captions) shown as they are, where Qt would take them for HTML."""

from html import escape

from PySide6.QtGui import Qt

KEPT_BREAKS = '<p style="white-space: pre-wrap; margin: 0">{text}</p>'


def plain_tip(text: str) -> str:
    """The tool tip that shows `text` letter by letter.

    Tool tips have no plain-text mode: a text that Qt would take for HTML is escaped, every other one stays as it is.
    """
    return KEPT_BREAKS.format(text=escape(text)) if Qt.mightBeRichText(text) else text
