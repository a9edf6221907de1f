"""A screen reader finds a name and a role for every control of every panel, and no text is too small to read."""

import pytest
from PySide6.QtGui import QAccessible, QFontInfo
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QWidget,
)

from brewclip_app.main_window import PANELS
from brewclip_app.widgets.common import button, icon_button
from tests.brewclip_app.test_keyboard import bring, can_be_reached, named, window

__all__ = ["window"]  # a fixture

pytestmark = pytest.mark.slow
SMALLEST = 11  # px
NO_ROLES = (QAccessible.Role.NoRole, QAccessible.Role.Client)
CONTROLS = (QAbstractButton, QAbstractItemView, QAbstractSpinBox, QComboBox, QLineEdit)


def nameless(root: QWidget) -> list[str]:
    """Controls without a name or a role for a screen reader."""
    found = []
    for control in root.findChildren(QWidget):
        if not (can_be_reached(control) or (isinstance(control, CONTROLS) and control.isVisible()
                                            and control.focusProxy() is None
                                            and control.objectName() not in ("qt_spinbox_lineedit",)
                                            and not isinstance(control.parentWidget(), (QComboBox, QAbstractSpinBox,
                                                                                        QAbstractItemView)))):
            continue
        interface = QAccessible.queryAccessibleInterface(control)
        if not interface.text(QAccessible.Text.Name).strip() or interface.role() in NO_ROLES:
            found.append(f"{named(control)} in {named(control.parentWidget())}, {interface.role()}")
    return found


@pytest.mark.parametrize("key", [entry.key for entry in PANELS])
def test_every_control_has_a_name_and_a_role(window, qtbot, key):
    bring(window, key, qtbot)
    assert nameless(window) == []


@pytest.mark.parametrize("key", [entry.key for entry in PANELS])
def test_no_text_is_below_eleven_pixels(window, qtbot, key):
    bring(window, key, qtbot)
    small = [f"{named(part)} {part.text()[:40]!r}: {QFontInfo(part.font()).pixelSize()} px"
             for part in window.findChildren(QWidget) if isinstance(part, (QLabel, QAbstractButton))
             and part.isVisible() and part.text().strip() and QFontInfo(part.font()).pixelSize() < SMALLEST]
    assert small == []


def test_what_lacks_a_name_is_found(qtbot):
    root = QWidget()
    qtbot.addWidget(root)
    icon_button("close", "", side=12).setParent(root)
    button("Search").setParent(root)
    field = QLineEdit(root)
    root.show()
    assert len(nameless(root)) == 2
    field.setAccessibleName("Name of the gallery")
    assert len(nameless(root)) == 1
