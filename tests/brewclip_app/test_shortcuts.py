"""Shortcuts of a panel hold while it is seen, those of one widget while it has the focus."""

import ast
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

import brewclip_app
from brewclip_app.shortcuts import add_shortcut


@pytest.mark.parametrize(("alone", "expected"), [(False, ["inside", "panel", "beside"]), (True, ["panel"])])
def test_a_shortcut_holds_in_the_window_or_in_its_widget_alone(qtbot, alone, expected):
    window, panel, inside, beside = QWidget(), QWidget(), QWidget(), QWidget()
    for widget, parent in ((panel, window), (beside, window), (inside, panel)):
        layout = parent.layout() or QHBoxLayout(parent)
        layout.addWidget(widget)
    pressed = []
    add_shortcut(panel, "F5", lambda: pressed.append(window.focusWidget().objectName()), alone=alone)
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    for name, widget in (("inside", inside), ("panel", panel), ("beside", beside)):
        widget.setObjectName(name)
        widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        widget.setFocus()
        qtbot.keyClick(widget, Qt.Key.Key_F5)
    assert pressed == expected
    panel.hide()
    beside.setFocus()
    qtbot.keyClick(beside, Qt.Key.Key_F5)
    assert pressed == expected, "a panel that is not seen has no keys"


def test_no_shortcut_is_made_with_a_function_and_a_context():
    made = []
    for path in Path(brewclip_app.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "QShortcut" and node.keywords and len(
                    node.args) > 2:
                made.append(f"{path.name}:{node.lineno}")
    assert not made, "PySide forgets the context: use add_shortcut"
