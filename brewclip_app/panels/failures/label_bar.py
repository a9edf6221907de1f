"""The label of a failure, by click or number key, and a note on it."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QPushButton, QSizePolicy, QWidget

from brewclip_app.localisation import _, as_shown
from brewclip_app.widgets.common import ElidedLabel, KeyCap, column, label, row
from brewclip_app.widgets.flow_layout import FlowLayout

TYPING_MS = 900  # a note is saved after this pause
PAD = 7  # px at the sides


class LabelBar(QWidget):
    """`labels` are (key, title) in the order of the number keys from 1; `leave` moves the focus to the panel."""

    labelled = Signal(str)  # key of a label; "" removes it
    noted = Signal(str)

    def __init__(self, labels: Sequence[tuple[str, str]], leave: Callable[[], object]) -> None:
        super().__init__()
        self._of: object = None
        self._kept = ""
        self.buttons: dict[str, KeyButton] = {}
        flow = QWidget()
        self._flow = FlowLayout(flow)
        for number, (key, title) in enumerate(labels, 1):
            key_button = KeyButton(str(number), title)
            key_button.clicked.connect(lambda checked=False, key=key: self.labelled.emit(key if checked else ""))
            self.buttons[key] = key_button
            self._flow.addWidget(key_button)
        self.note = NoteField(leave)
        self.note.setPlaceholderText(_("Note…"))
        self.note.setAccessibleName(_("Note on this failure"))
        self.note.setMaxLength(2000)
        self._later = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._later.timeout.connect(self.keep)
        self.note.textEdited.connect(lambda _unused: self._later.start())
        self.note.editingFinished.connect(self.keep)
        keys = ElidedLabel(_("0: no label · Ctrl+Z: undo · Ctrl+Shift+Z: redo"), "quiet", Qt.TextElideMode.ElideRight)
        head = row(label(_("Your label"), "heading"), keys)
        head.setStretch(1, 1)
        self.setLayout(column(head, flow, self.note, space=6))

    def show_label(self, of: object, key: str, note: str) -> None:
        """Show label and note of the failure named by `of`. Call `keep` before changing to another one."""
        for name, made in self.buttons.items():
            made.setChecked(name == key)
        typing = self._later.isActive() and of == self._of
        self._of, self._kept = of, note
        if not typing and self.note.text().strip() != note:
            blocker = QSignalBlocker(self.note)
            self.note.setText(note)
            blocker.unblock()

    def keep(self) -> None:
        """Emit the note now if it was changed."""
        self._later.stop()
        text = self.note.text().strip()
        if text != self._kept:
            self._kept = text
            self.noted.emit(text)


class NoteField(QLineEdit):
    """Esc and Enter leave the field."""

    def __init__(self, leave: Callable[[], object]) -> None:
        super().__init__()
        self._leave = leave
        self.returnPressed.connect(lambda: leave())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._leave()
        else:
            super().keyPressEvent(event)


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
        self.setAccessibleName(as_shown(title))

    def sizeHint(self) -> QSize:
        box = self.layout()
        return box.sizeHint() if box is not None else super().sizeHint()

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()
