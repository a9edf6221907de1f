"""A splitter of two parts."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QWidget

HANDLE = 12  # px, the space between cards


def splitter(orientation: Qt.Orientation, first: QWidget, second: QWidget, sizes: tuple[int, int], *,
             first_grows: bool = True) -> QSplitter:
    """A splitter whose parts do not collapse; `first_grows`: whether the first gets a share of new room."""
    made = QSplitter(orientation)
    made.setChildrenCollapsible(False)
    made.setHandleWidth(HANDLE)
    made.addWidget(first)
    made.addWidget(second)
    made.setStretchFactor(0, int(first_grows))
    made.setStretchFactor(1, 1)
    made.setSizes(list(sizes))
    return made
