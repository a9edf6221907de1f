"""Keyboard shortcuts of panels and of single widgets."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

Keys = str | QKeySequence | QKeySequence.StandardKey


def add_shortcut(widget: QWidget, keys: Keys, act: Callable[[], object], *, alone: bool = False) -> QShortcut:
    """A shortcut in the window of `widget` while that is seen; `alone`: only while it has the focus itself.

    A function given to the constructor of QShortcut makes PySide forget the context. That of a widget with its children
    is no choice for a panel: Qt counts the menus and lists that it opens among them, and Esc would not close these.
    """
    context = Qt.ShortcutContext.WidgetShortcut if alone else Qt.ShortcutContext.WindowShortcut
    shortcut = QShortcut(QKeySequence(keys), widget, context=context)
    shortcut.activated.connect(lambda: act())
    return shortcut
