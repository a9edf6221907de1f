"""Splitters and their stored sizes."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from brewclip_app.widgets.splitters import restore_sizes, splitter


@pytest.fixture
def split(qtbot):
    made = splitter(QWidget(), QWidget(), (300, 100), (1, 0), Qt.Orientation.Vertical)
    qtbot.addWidget(made)
    made.resize(200, 400 + made.handleWidth())
    made.show()
    return made


def test_new_room_goes_to_the_part_that_stretches(split):
    assert split.sizes() == [300, 100] and not split.childrenCollapsible()
    split.resize(200, 600 + split.handleWidth())
    assert split.sizes() == [500, 100]


def test_stored_sizes_come_back(split):
    restore_sizes(split, [150, 250])
    assert split.sizes() == [150, 250]


@pytest.mark.parametrize("sizes", [None, 7, [1], [1, 2, 3], ["x", 2], {"a": 1}])
def test_damaged_sizes_are_ignored(split, sizes):
    restore_sizes(split, sizes)
    assert split.sizes() == [300, 100]
