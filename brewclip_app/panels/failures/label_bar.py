"""What a person says of a failure: one of the labels, by click or number key, and a note."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from brewclip_app.panels.failures.key_button import KeyButton
from brewclip_app.widgets.common import ElidedLabel, column, label, row
from brewclip_app.widgets.flow_layout import FlowLayout

TYPING_MS = 900  # after the last key a note is kept


class LabelBar(QWidget):
    """`labels` are (key of the label, words, what it means), in the order of the number keys from 1."""

    labelled = Signal(str)  # key of a label; "" takes it away
    noted = Signal(str)
    left = Signal()         # the keyboard goes back to the panel

    def __init__(self, labels: Sequence[tuple[str, str, str]]) -> None:
        super().__init__()
        self._of: object = None
        self._kept = ""
        self.buttons: dict[str, KeyButton] = {}
        flow = QWidget()
        self._flow = FlowLayout(flow)
        for number, (key, title, about) in enumerate(labels, 1):
            made = KeyButton(str(number), title, about)
            made.clicked.connect(lambda checked=False, key=key: self.labelled.emit(key if checked else ""))
            self.buttons[key] = made
            self._flow.addWidget(made)
        self.note = NoteField()
        self.note.setPlaceholderText("Note…")
        self.note.setAccessibleName("Note on this failure")
        self.note.setMaxLength(2000)
        self._later = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._later.timeout.connect(self.keep)
        self.note.textEdited.connect(lambda _: self._later.start())
        self.note.editingFinished.connect(self.keep)
        self.note.left.connect(self.left)
        self.note.returnPressed.connect(self.left)
        keys = ElidedLabel("0 takes it away, Ctrl+Z undoes, Ctrl+Shift+Z redoes", "quiet", Qt.TextElideMode.ElideRight)
        head = row(label("Your label", "heading"), keys)
        head.setStretch(1, 1)
        self.setLayout(column(head, flow, self.note, space=6))

    def show_label(self, of: object, key: str, note: str) -> None:
        """Show what is kept of a failure; `of` names it. What was typed of another must be kept by now (`keep`)."""
        for each, made in self.buttons.items():
            made.setChecked(each == key)
        typing = self._later.isActive() and of == self._of
        self._of, self._kept = of, note
        if not typing and self.note.text().strip() != note:
            blocker = QSignalBlocker(self.note)
            self.note.setText(note)
            blocker.unblock()

    def keep(self) -> None:
        """Tell the note now when it is another one."""
        self._later.stop()
        text = self.note.text().strip()
        if text != self._kept:
            self._kept = text
            self.noted.emit(text)


class NoteField(QLineEdit):
    """Esc and Enter give the keyboard back."""

    left = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
            return
        super().keyPressEvent(event)
