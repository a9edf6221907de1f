"""Two parts side by side or above each other, their share of the room dragged by the user."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QWidget

HANDLE = 12  # px, the space between cards


def splitter(way: Qt.Orientation, first: QWidget, second: QWidget, sizes: tuple[int, int], *,
             first_grows: bool = True) -> QSplitter:
    """A splitter that lets neither part vanish; `first_grows`: whether the first gets a part of new room."""
    made = QSplitter(way)
    made.setChildrenCollapsible(False)
    made.setHandleWidth(HANDLE)
    made.addWidget(first)
    made.addWidget(second)
    made.setStretchFactor(0, int(first_grows))
    made.setStretchFactor(1, 1)
    made.setSizes(list(sizes))
    return made
