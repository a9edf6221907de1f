"""Layout that wraps widgets into lines."""

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget

SPACE = 8
LINE_SPACE = 6


class FlowLayout(QLayout):
    """Wraps widgets into lines like the words of a text, each in the middle of its line's height."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._place(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._place(rect, move=True)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        return QSize(max((item.minimumSize().width() for item in self._items), default=0),
                     max((item.minimumSize().height() for item in self._items), default=0))

    def _place(self, rect: QRect, move: bool) -> int:
        """Place the items, or only measure: the height of all lines. Each item stands in the middle of its line."""
        y = rect.top()
        for line in self._lines(rect.width()):
            x, height = rect.left(), max(item.sizeHint().height() for item in line)
            for item in line:
                size = item.sizeHint()
                if move:
                    item.setGeometry(QRect(QPoint(x, y + (height - size.height()) // 2), size))
                x += size.width() + SPACE
            y += height + LINE_SPACE
        return max(0, y - LINE_SPACE - rect.top())

    def _lines(self, width: int) -> list[list[QLayoutItem]]:
        """The shown items, as many in a line as fit into a width."""
        lines: list[list[QLayoutItem]] = []
        left = 0
        for item in self._items:
            widget, wide = item.widget(), item.sizeHint().width()
            if widget is not None and widget.isHidden():
                continue
            if not lines or wide > left:
                lines.append([])
                left = width
            lines[-1].append(item)
            left -= wide + SPACE
        return lines
