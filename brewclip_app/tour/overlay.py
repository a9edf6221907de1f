"""Overlay of the guided tour: a veil with a hole around the control, and a card that says what it does."""

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QHideEvent,
    QKeyEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from brewclip_app import theme
from brewclip_app.localisation import _, as_shown
from brewclip_app.panels.search.panel import SearchPanel
from brewclip_app.tour.steps import STEPS, TourFacts
from brewclip_app.widgets.common import Card, button, label, row, width_of

CARD = 46  # letters wide
MARGIN = 16  # px, of the card
EDGE = 12  # px between the card, the control and the window's edges
AROUND = 4  # px of the hole around the control
CORNER = 8
VEIL = 190  # of 255


class GuidedTour(QWidget):
    """Covers the window. Enter and Right go on, Left goes back, Esc ends it at any step; the focus goes back then."""

    left = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._over = window
        self._before: QWidget | None = None  # had the focus
        self._panel: SearchPanel | None = None
        self._facts = TourFacts()
        self.place = 0
        self.card = Card(margin=MARGIN, space=8)
        self.card.setParent(self)
        self.title, self.words = label("", "heading"), label("", wrap=True)
        self.count = label("", "quiet")
        self.end = button(_("End the tour"), self.hide, "quiet-link", tip="Esc")
        self.back = button(_("Back"), lambda: self.go(self.place - 1))
        self.next = button(_("Next"), lambda: self.go(self.place + 1), "main")
        self.card.body.addWidget(self.title)
        self.card.body.addWidget(self.words)
        self.card.body.addLayout(row(self.count, None, self.end, self.back, self.next))
        self.setAccessibleName(_("Guided tour"))
        window.installEventFilter(self)
        theme.changed.connect(self._cover)
        self.hide()

    def open(self, panel: SearchPanel, facts: TourFacts) -> None:
        """Begin at the first step, with the controls of a Search panel."""
        self._panel, self._facts = panel, facts
        if not self.isVisible():
            self._before = QApplication.focusWidget()
        self.place = 0
        self._show_step()
        self.show()
        self.raise_()
        self._cover()  # the fonts of the style sheet are known once it is shown
        self.next.setFocus(Qt.FocusReason.PopupFocusReason)

    def go(self, place: int) -> None:
        """Show a step by its place from 0; after the last one the tour ends."""
        if place >= len(STEPS):
            self.hide()
        elif place >= 0:
            self.place = place
            self._show_step()

    def target(self) -> QRect:
        """Rectangle of the control in the overlay; empty where it is not seen."""
        control = STEPS[self.place].target(self._panel) if self._panel is not None else None
        if control is None or not control.isVisible():
            return QRect()
        corner = control.mapTo(self._over, QPoint(0, 0))
        return QRect(corner, control.size()).adjusted(-AROUND, -AROUND, AROUND, AROUND) & self.rect()

    def _show_step(self) -> None:
        step = STEPS[self.place]
        self.title.setText(step.title)
        self.words.setText(step.words(self._facts))
        self.count.setText(_("{place} of {steps}").format(place=self.place + 1, steps=len(STEPS)))
        self.next.setText(_("Done") if self.place + 1 == len(STEPS) else _("Next"))
        self.back.setEnabled(self.place > 0)
        if not self.back.isEnabled() and self.back.hasFocus():
            self.next.setFocus()
        said = f"{self.count.text()}: {self.title.text()}. {self.words.text()}"
        for part in (self.card, self.next, self.back):
            part.setAccessibleDescription(as_shown(said))
        QAccessible.updateAccessibility(QAccessibleEvent(self.next, QAccessible.Event.DescriptionChanged))
        self._cover()

    def _cover(self) -> None:
        """Cover the window, the card beside the control."""
        self.setGeometry(self._over.rect())
        width = min(width_of("0" * CARD, self), self.width() - 2 * EDGE)
        self.words.ensurePolished()
        inner = width - 2 * (MARGIN + 1)
        self.words.setFixedSize(inner, self.words.heightForWidth(inner) + 2)
        self.card.body.invalidate()
        self.card.setFixedSize(width, self.card.body.sizeHint().height())
        self.card.move(self._corner(self.target()))
        self.update()

    def _corner(self, target: QRect) -> QPoint:
        """The card's corner: below the control, above, right or left of it, else over its middle; in the window."""
        size, room = self.card.size(), self.rect().adjusted(EDGE, EDGE, -EDGE, -EDGE)
        if target.isEmpty():
            return room.center() - QPoint(size.width() // 2, size.height() // 2)
        middle = target.center() - QPoint(size.width() // 2, size.height() // 2)
        places = (QPoint(target.left(), target.bottom() + EDGE),
                  QPoint(target.left(), target.top() - EDGE - size.height()),
                  QPoint(target.right() + EDGE, target.top()),
                  QPoint(target.left() - EDGE - size.width(), target.top()))
        for corner in places:
            card = QRect(corner, size)
            card.moveLeft(max(room.left(), min(card.left(), room.right() - size.width())))
            if room.contains(card) and not card.intersects(target):
                return card.topLeft()
        return QPoint(max(room.left(), min(middle.x(), room.right() - size.width())),
                      max(room.top(), min(middle.y(), room.bottom() - size.height())))

    def event(self, event: QEvent) -> bool:
        """Take keys before any shortcut of the panels or the window."""
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._cover()
        return False

    def focusNextPrevChild(self, forward: bool) -> bool:
        stops = [part for part in (self.end, self.back, self.next) if part.isEnabled()]
        at = next((place for place, part in enumerate(stops) if part.hasFocus()), -1)
        stops[(at + (1 if forward else -1)) % len(stops)].setFocus(Qt.FocusReason.TabFocusReason)
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        if event.key() == keys.Key_Escape:
            self.hide()
        elif event.key() in (keys.Key_Return, keys.Key_Enter):
            focus = next((part for part in (self.end, self.back) if part.hasFocus()), self.next)
            focus.click()
        elif event.key() in (keys.Key_Right, keys.Key_PageDown):
            self.next.click()
        elif event.key() in (keys.Key_Left, keys.Key_PageUp):
            self.back.click()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        before, self._before = self._before, None
        if before is not None and isValid(before) and before.isVisible():
            before.setFocus(Qt.FocusReason.PopupFocusReason)
        self.left.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        veil, target = theme.colour("ground"), QRectF(self.target())
        veil.setAlpha(VEIL)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        whole, hole = QPainterPath(), QPainterPath()
        whole.addRect(QRectF(self.rect()))
        if not target.isEmpty():
            hole.addRoundedRect(target, CORNER, CORNER)
        painter.fillPath(whole.subtracted(hole), veil)
        painter.setPen(QPen(theme.colour("main"), 2))
        painter.drawPath(hole)
        painter.end()
