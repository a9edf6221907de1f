"""A splitter of two parts."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QWidget

HANDLE = 12  # px, the space between cards


def splitter(orientation: Qt.Orientation, first: QWidget, second: QWidget, sizes: tuple[int, int], *,
             first_grows: bool = True) -> QSplitter:
    """A splitter whose parts do not collapse; `first_grows`: whether the first gets a share of new room."""
    split = QSplitter(orientation)
    split.setChildrenCollapsible(False)
    split.setHandleWidth(HANDLE)
    split.addWidget(first)
    split.addWidget(second)
    split.setStretchFactor(0, int(first_grows))
    split.setStretchFactor(1, 1)
    split.setSizes(list(sizes))
    return split
