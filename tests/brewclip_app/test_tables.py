"""Tables of lines: chosen as a whole, by keyboard from the first to the last."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTableWidget, QTableWidgetItem

from brewclip_app.widgets.tables import of_lines


@pytest.fixture
def table(qtbot):
    made = QTableWidget(4, 3)
    for line in range(4):
        for column in range(3):
            made.setItem(line, column, QTableWidgetItem(f"{line} {column}"))
    qtbot.addWidget(of_lines(made, "Lines"))
    with qtbot.waitExposed(made):
        made.show()
    made.setFocus()
    return made


def chosen(table):
    return sorted(index.row() for index in table.selectionModel().selectedRows())


def test_home_and_end_choose_the_first_and_the_last_line(table, qtbot):
    table.setColumnHidden(0, True)
    table.selectRow(2)
    qtbot.keyClick(table, Qt.Key.Key_Home)
    assert (chosen(table), table.currentRow()) == ([0], 0)
    qtbot.keyClick(table, Qt.Key.Key_End)
    assert (chosen(table), table.currentRow()) == ([3], 3)
    table.setRowCount(0)
    qtbot.keyClick(table, Qt.Key.Key_Home)
    assert chosen(table) == []


def test_one_line_or_several(table, qtbot):
    table.selectRow(0)
    qtbot.keyClick(table, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert chosen(table) == [1]
    of_lines(table, "Lines", several=True)
    qtbot.keyClick(table, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert chosen(table) == [1, 2]
