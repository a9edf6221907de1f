"""Stack of panels that scrolls a panel larger than its room, so that the window fits every screen and font size."""

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QApplication, QFrame, QScrollArea, QStackedWidget, QWidget


class PanelStack(QScrollArea):
    """One panel in front at a time; scroll bars appear only below the minimum size of that panel."""

    def __init__(self) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # no stop of Tab; what has the focus is scrolled into view
        self._inside = _Inside(self)
        self.setWidget(self._inside)

    def add(self, panel: QWidget) -> None:
        """Add a panel; it does not come to the front."""
        self._inside.stack.addWidget(panel)

    def current(self) -> QWidget | None:
        """The panel in front; None before the first was added."""
        return self._inside.stack.currentWidget()

    def show_panel(self, panel: QWidget) -> None:
        """Bring an added panel to the front, from its top left corner on."""
        self._inside.stack.setCurrentWidget(panel)
        self.fit_size()
        self.horizontalScrollBar().setValue(0)
        self.verticalScrollBar().setValue(0)

    def fit_size(self) -> None:
        """Apply the minimum size that the panel in front has now."""
        QApplication.sendEvent(self, QEvent(QEvent.Type.LayoutRequest))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)


class _Inside(QWidget):
    """Holds the stack without a layout: a layout would ask for the preferred height where the minimum is meant."""

    def __init__(self, area: PanelStack) -> None:
        super().__init__()
        self._area = area
        self.stack = QStackedWidget(self)

    def minimumSizeHint(self) -> QSize:
        panel = self.stack.currentWidget()
        return panel.minimumSizeHint() if panel is not None else QSize(0, 0)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self._area.fit_size()
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.stack.resize(event.size())
