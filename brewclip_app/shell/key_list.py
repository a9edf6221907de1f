"""Overlay with the keyboard shortcuts, opened by `?`."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QHideEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QFrame, QGridLayout, QHBoxLayout, QScrollArea, QWidget
from shiboken6 import isValid

from brewclip_app import theme
from brewclip_app.localisation import _
from brewclip_app.widgets.common import Card, KeyCap, clear, column, icon_button, label, row

Section = tuple[str, list[tuple[str, str]]]


class KeyList(QWidget):
    """Covers the window; any key or a click beside the card closes it, and the focus goes back to where it was."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._over = window
        self._before: QWidget | None = None  # had the focus
        self.card = Card(margin=18)
        head = row(label(_("Keys"), "title"), None,
                   icon_button("close", _("Close the list of keys"), self.hide, side=16))
        self.grid = QGridLayout()
        self.grid.setHorizontalSpacing(14)
        self.grid.setVerticalSpacing(7)
        inner = QWidget()
        inner.setLayout(column(self.grid, None))
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setWidget(inner)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._inner = inner
        self.card.body.addLayout(head)
        self.card.body.addWidget(scroll)
        self.setLayout(column(None, row(None, self.card, None), None))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(_("List of keys"))
        window.installEventFilter(self)
        self.hide()

    def open(self, sections: list[Section]) -> None:
        """Show the keys, section by section."""
        clear(self.grid)
        line = 0
        for title, keys in sections:
            if not keys:
                continue
            self.grid.addWidget(label(title, "heading"), line, 0, 1, 2)
            line += 1
            for names, act in keys:
                self.grid.addLayout(_caps(names), line, 0)
                self.grid.addWidget(label(act), line, 1)
                line += 1
        self.grid.setColumnStretch(1, 1)
        self._inner.adjustSize()
        self._cover()
        if not self.isVisible():
            self._before = QApplication.focusWidget()
        self.show()
        self.raise_()
        self.setFocus()

    def event(self, event: QEvent) -> bool:
        """Take keys before any shortcut of the panels or the window."""
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        return False  # Tab closes the list as any key does

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        before, self._before = self._before, None
        if before is not None and isValid(before) and before.isVisible():
            before.setFocus(Qt.FocusReason.PopupFocusReason)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._cover()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self.hide()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self.card.geometry().contains(event.position().toPoint()):
            self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        veil = theme.colour("ground")
        veil.setAlpha(200)
        painter = QPainter(self)
        painter.fillRect(self.rect(), veil)
        painter.end()

    def _cover(self) -> None:
        window = self._over
        self.setGeometry(window.rect())
        wanted = self._inner.sizeHint()
        self.card.setFixedSize(min(max(460, wanted.width() + 60), window.width() - 40),
                               min(wanted.height() + 96, window.height() - 40))


def _caps(names: str) -> QHBoxLayout:
    """ "Ctrl+F" as two keys; "Ctrl+1…9" stays together after the plus; of "Ctrl+Z Ctrl+Y" either will do."""
    chords = names.split(" ")
    chords = chords if all("+" in chord for chord in chords) else [names]
    parts: list[QWidget] = [KeyCap(part) for chord in chords
                            for part in (chord.split("+") if len(chord) > 1 else [chord])]
    if len(chords) > 1:
        parts.insert(chords[0].count("+") + 1, label(_("or"), "quiet"))
    return row(*parts, None, space=4)
