"""A button with its shortcut key drawn in front of the title."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QPushButton, QSizePolicy

from brewclip_app.widgets.common import KeyCap, label, row

PAD = 7  # px at the sides


class KeyButton(QPushButton):
    """Checkable button with a key cap."""

    def __init__(self, key: str, title: str) -> None:
        super().__init__()
        self.cap, self.words = KeyCap(key), label(title)
        for part in (self.cap, self.words):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        box = row(self.cap, self.words, space=6)
        box.setContentsMargins(PAD, 4, PAD + 2, 4)
        self.setLayout(box)
        self.setCheckable(True)
        self.setAutoDefault(False)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(title)

    def sizeHint(self) -> QSize:
        box = self.layout()
        return box.sizeHint() if box is not None else super().sizeHint()

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()
