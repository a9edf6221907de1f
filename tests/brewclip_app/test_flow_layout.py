"""Widgets that flow into lines."""

import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

from brewclip_app.widgets.flow_layout import LINE_SPACE, SPACE, FlowLayout


class Block(QWidget):
    """A widget of a fixed size."""

    def __init__(self, width, height):
        super().__init__()
        self._size = QSize(width, height)

    def sizeHint(self):
        return self._size


@pytest.fixture
def place(qtbot):
    """A widget of 100 px with a flow of a high, a low and, in the next line, a wide block."""
    made = QWidget()
    qtbot.addWidget(made)
    made.flow = FlowLayout(made)
    made.blocks = [Block(50, 32), Block(30, 20), Block(90, 10)]
    for block in made.blocks:
        made.flow.addWidget(block)
    made.resize(100, 200)
    made.show()
    made.flow.activate()
    return made


def test_each_stands_in_the_middle_of_its_line(place):
    high, low, wide = place.blocks
    assert (high.x(), high.y(), low.x(), low.y()) == (0, 0, 50 + SPACE, 6)
    assert (wide.x(), wide.y(), wide.height()) == (0, 32 + LINE_SPACE, 10)
    assert place.flow.heightForWidth(100) == 32 + LINE_SPACE + 10


def test_hidden_ones_take_no_room_and_a_block_too_wide_has_a_line_of_its_own(place):
    place.blocks[2].hide()
    assert place.flow.heightForWidth(100) == 32
    assert place.flow.heightForWidth(20) == 32 + LINE_SPACE + 20
    for block in place.blocks:
        block.hide()
    assert place.flow.heightForWidth(100) == 0
