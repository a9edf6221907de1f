"""Splitters of two parts, whose sizes a panel keeps."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QWidget

HANDLE = 12  # px, the space between cards


def splitter(first: QWidget, second: QWidget, sizes: tuple[int, int], stretch: tuple[int, int] = (0, 1),
             orientation: Qt.Orientation = Qt.Orientation.Horizontal, handle: int = HANDLE) -> QSplitter:
    """A splitter whose parts do not collapse; `stretch`: how new room is shared between them."""
    split = QSplitter(orientation)
    split.setChildrenCollapsible(False)
    split.setHandleWidth(handle)
    for place, part in enumerate((first, second)):
        split.addWidget(part)
        split.setStretchFactor(place, stretch[place])
    split.setSizes(list(sizes))
    return split


def restore_sizes(split: QSplitter, sizes: object) -> None:
    """Set the sizes of a stored state; what is not two whole numbers is ignored."""
    if isinstance(sizes, list) and len(sizes) == 2 and all(isinstance(size, int) for size in sizes):
        split.setSizes(sizes)
