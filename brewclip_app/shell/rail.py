"""Navigation rail at the left: one button per panel, icon over word; icons alone where there is little room."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFocusEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QSizePolicy, QVBoxLayout, QWidget

from brewclip_app import theme
from brewclip_app.localisation import as_shown
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import look, scrolling

MARK = 3  # px, the violet line at the left of the chosen one
ICON = 22  # px
COMPACT = QSize(52, 40)  # px, a button without its word
LOWEST = 28  # px, its height where little room is left
NARROW = 900  # px; a window narrower than this has no room for the words


class RailButton(QAbstractButton):
    """Icon over word; the chosen one has a line at its left, bold words and a tint."""

    def __init__(self, icon: str, title: str, keys: str) -> None:
        super().__init__()
        self._icon = icon
        self._ring = False
        self._compact = 0
        self.setText(title)
        self.setCheckable(True)
        self.setToolTip(plain_tip(f"{title} ({keys})" if keys else title))
        self.setAccessibleName(as_shown(title))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(COMPACT.width(), self._compact) if self._compact else self.full_size()

    def full_size(self) -> QSize:
        """Size of icon and word, px."""
        metrics = self.fontMetrics()
        return QSize(max(84, metrics.horizontalAdvance(self.text()) + 24), metrics.height() + 42)

    def set_compact(self, height: int) -> None:
        """Show the icon alone, in a button of this height; 0: icon and word. The tool tip keeps the word."""
        self._compact = height
        self.updateGeometry()
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show no focus ring after a click: the chosen button is marked."""
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
        top = 9 if not self._compact else (self.height() - ICON) // 2
        theme.icon(self._icon, "words" if chosen else "quiet").paint(
            painter, (self.width() - ICON) // 2, top, ICON, ICON)
        if not self._compact:
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
    """Chooses the panel. Scrolls where not even the icons fit."""

    def __init__(self, on_choose: Callable[[str], object]) -> None:
        super().__init__()
        self._on_choose = on_choose
        look(self, "rail")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.buttons: dict[str, RailButton] = {}
        self._compact = 0  # height of a button without its word; 0: with it
        self._extra: list[RailButton] = []
        self._group = QButtonGroup(self)
        inside = look(QWidget(), "bare")
        self._box = QVBoxLayout(inside)
        self._box.setContentsMargins(0, 10, 0, 10)
        self._box.setSpacing(2)
        self._box.addStretch(1)
        self._above = 0
        self.area = look(scrolling(inside), "bare")
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setParent(self)  # placed by hand: the width is chosen while the rail is being resized
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)

    @property
    def is_compact(self) -> bool:
        """Whether icons stand without their words."""
        return bool(self._compact)

    def add(self, key: str, icon: str, title: str, keys: str, below: bool = False) -> None:
        """Add a panel's button: above the gap, or below it."""
        rail_button = RailButton(icon, title, keys)
        rail_button.clicked.connect(lambda: self._on_choose(key))
        self._group.addButton(rail_button)
        self.buttons[key] = rail_button
        if below:
            self._box.addWidget(rail_button)
        else:
            self._box.insertWidget(self._above, rail_button)
            self._above += 1
        self._keep_width()

    def add_action(self, icon: str, title: str, tip: str, on: Callable[[], object]) -> None:
        """Add a button at the very bottom that opens something and is never the chosen one."""
        self.action_button = RailButton(icon, title, tip)
        self.action_button.setCheckable(False)
        self.action_button.setToolTip(plain_tip(tip))
        self.action_button.clicked.connect(on)
        self._box.addWidget(self.action_button)
        self._extra.append(self.action_button)
        self._keep_width()

    def show_button(self, key: str, shown: bool) -> None:
        """Show or hide the button of a panel."""
        self.buttons[key].setVisible(shown)
        self._fit()

    def show_chosen(self, key: str) -> None:
        """Mark a panel as the one in front."""
        self.buttons[key].setChecked(True)
        self.area.ensureWidgetVisible(self.buttons[key], 0, 0)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    def minimumSizeHint(self) -> QSize:
        return QSize(self.width(), COMPACT.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Words where they have room, icons alone where they have not."""
        margins, shown = self._box.contentsMargins(), [entry for entry in self._all() if not entry.isHidden()]
        room = self.height() - margins.top() - margins.bottom() - self._box.spacing() * len(shown)
        compact = 0
        if shown and (self.window().width() < NARROW or room < sum(entry.full_size().height() for entry in shown)):
            compact = max(LOWEST, min(COMPACT.height(), room // len(shown)))
        if compact != self._compact:
            self._compact = compact
            for entry in self._all():
                entry.set_compact(compact)
        self._keep_width()

    def _all(self) -> list[RailButton]:
        return [*self.buttons.values(), *self._extra]

    def _keep_width(self) -> None:
        """Keep the rail's width whatever a panel asks for."""
        width = max((entry.sizeHint().width() for entry in self._all()), default=0) + 1
        if width != self.width():
            self.setFixedWidth(width)
        self.area.setGeometry(0, 0, width - 1, self.height())
