"""The rail at the left: one button for each panel, icon over word."""

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QSizePolicy, QVBoxLayout, QWidget

from brewclip_app import theme
from brewclip_app.widgets.common import look

MARK = 3  # px, the violet line at the left of the chosen one


class RailButton(QAbstractButton):
    """Icon over word; the chosen one has a line at its left, bold words and a tint."""

    def __init__(self, icon: str, title: str, keys: str) -> None:
        super().__init__()
        self._icon = icon
        self._ring = False
        self.setText(title)
        self.setCheckable(True)
        self.setToolTip(f"{title} ({keys})")
        self.setAccessibleName(title)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(max(84, metrics.horizontalAdvance(self.text()) + 24), metrics.height() + 42)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """A click needs no ring: the chosen one is marked."""
        self._ring = event.reason() not in (Qt.FocusReason.MouseFocusReason, Qt.FocusReason.ActiveWindowFocusReason)
        super().focusInEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = self.isChecked()
        if chosen or self.underMouse():
            painter.fillRect(self.rect(), theme.colour("track" if chosen else "hover"))
        if chosen:
            painter.fillRect(0, 0, MARK, self.height(), theme.colour("main"))
        ink = theme.colour("words" if chosen else "quiet")
        theme.icon(self._icon, "words" if chosen else "quiet").paint(painter, (self.width() - 22) // 2, 9, 22, 22)
        painter.setFont(theme.font("quiet", bold=chosen))
        painter.setPen(ink)
        painter.drawText(self.rect().adjusted(0, 34, 0, -6), Qt.AlignmentFlag.AlignCenter, self.text())
        if self._ring and self.hasFocus() and self.window().isActiveWindow():
            self._draw_focus(painter, theme.colour("main"))
        painter.end()

    def _draw_focus(self, painter: QPainter, ink: QColor) -> None:
        painter.setPen(ink)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(5.5, 2.5, -3.5, -2.5), 7, 7)


class Rail(QWidget):
    """Chooses the panel; what belongs `below` stands at the bottom."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        look(self, "rail")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.buttons: dict[str, RailButton] = {}
        self._group = QButtonGroup(self)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 10, 1, 10)
        self._box.setSpacing(2)
        self._box.addStretch(1)
        self._above = 0
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)

    def add(self, key: str, icon: str, title: str, keys: str, below: bool = False) -> None:
        """Add a panel's button: above the gap, or below it."""
        made = RailButton(icon, title, keys)
        made.clicked.connect(lambda: self.chosen.emit(key))
        self._group.addButton(made)
        self.buttons[key] = made
        if below:
            self._box.addWidget(made)
        else:
            self._box.insertWidget(self._above, made)
            self._above += 1
        self._keep_width()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._keep_width()

    def _keep_width(self) -> None:
        """Whatever a panel asks for, the way to the other panels stays whole."""
        self.setFixedWidth(max(button.sizeHint().width() for button in self.buttons.values()) + 1)

    def show_chosen(self, key: str) -> None:
        """Mark a panel as the one in front."""
        self.buttons[key].setChecked(True)
