"""Texts from outside (names, paths, captions) kept as plain text where Qt would take them for HTML."""

import re
from html import escape

from PySide6.QtGui import QFontMetrics, Qt

from brewclip_app.localisation import as_shown

NUMBERED = re.compile(r"\d{3,}\)?$")
KEPT_BREAKS = '<p style="white-space: pre-wrap; margin: 0">{text}</p>'


def plain_tip(text: str) -> str:
    """The tool tip that shows `text` letter by letter.

    Tool tips have no plain-text mode: a text that Qt would take for HTML is escaped, every other one stays as it is.
    """
    text = as_shown(text)
    return KEPT_BREAKS.format(text=escape(text)) if Qt.mightBeRichText(text) else text


def plain_caption(text: str) -> str:
    """The caption of a button, box or menu row that shows `text` letter by letter: a lone & would mark a key."""
    return as_shown(text).replace("&", "&&")


def elided_name(metrics: QFontMetrics, name: str, width: int) -> str:
    """A file name shortened so that it can be told from its neighbours: of numbered ones the start is left out
    (000000123456.jpg), of the others the middle.
    """
    if metrics.horizontalAdvance(name) <= width:
        return name
    stem, dot, suffix = name.rpartition(".")
    if NUMBERED.search(stem if dot else suffix) is None:
        return metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, width)
    return metrics.elidedText(stem if dot else name, Qt.TextElideMode.ElideLeft, width)
