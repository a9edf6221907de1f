"""The grid over a listing: places of cards, keys across groups, headers, the time line, stacks, screen readers."""

from unittest.mock import Mock

import pytest
from PySide6.QtCore import QItemSelectionModel, QPoint, Qt
from PySide6.QtGui import QAccessible

from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.picture_grid.grid import PictureGrid
from brewclip_app.widgets.picture_grid.layout import CardLayout
from core.galleries.listing import arrange
from tests.brewclip_app.panels.search.helpers import made_listing


@pytest.fixture
def thumbnails(tmp_path, qapp):
    made = Thumbnails(tmp_path / "thumbnails")
    yield made
    made.close()


@pytest.fixture
def grid(qtbot, thumbnails):
    """400 pictures of 24 months, 16 or 17 in each."""
    made = PictureGrid(thumbnails, Mock())
    qtbot.addWidget(made)
    made.resize(700, 500)
    listing = made_listing(400)
    made.show_listing(listing, arrange(listing))
    with qtbot.waitExposed(made):
        made.show()
    return made


@pytest.mark.parametrize(("card", "place"), [(0, (0, 20)), (2, (100, 20)), (3, (0, 110)), (4, (0, 220)), (9, (0, 420))])
def test_cards_stand_in_lines_below_their_headers(card, place):
    layout = CardLayout((4, 5, 1), 3, (50, 90), header=20)
    assert layout.place(card) == place
    assert layout.card_at(place[0] + 1, place[1] + 1) == card and layout.bottom == 510


def test_gaps_and_headers_have_no_card():
    layout = CardLayout((4, 5, 1), 3, (50, 90), header=20)
    assert [layout.card_at(*point) for point in ((60, 120), (10, 5), (200, 30), (10, 600))] == [-1, -1, -1, -1]
    assert layout.nearest(60, 120) == 3 and (layout.header_at(205), layout.header_at(30)) == (1, -1)
    assert CardLayout((), 3, (50, 90)).nearest(0, 0) == -1


@pytest.mark.parametrize(("card", "lines", "expected"), [
    (1, 1, 3), (3, 1, 5), (5, -1, 3), (9, -1, 8), (0, -5, 1), (9, 7, 9), (1, 2, 5), (8, -3, 1)])
def test_steps_up_and_down_cross_groups(card, lines, expected):
    assert CardLayout((4, 5, 1), 3, (50, 90), header=20).moved(card, lines, 1) == expected


def test_only_cards_between_two_heights_are_painted():
    layout = CardLayout((4, 5, 1), 3, (50, 90), header=20)
    assert list(layout.visible(0, 20)) == [0, 1, 2] and list(layout.visible(111, 221)) == [3, 4, 5, 6]
    assert list(layout.sections(0, 200)) == [0] and list(layout.sections(199, 600)) == [0, 1, 2]


def test_keys_walk_and_select_across_groups(grid, qtbot):
    columns, first = grid.columns(), grid.arrangement.groups[0].count
    grid.select_row(first - 1)
    qtbot.keyClick(grid, Qt.Key.Key_Right)
    assert grid.currentIndex().row() == first
    qtbot.keyClick(grid, Qt.Key.Key_Up)
    assert grid.currentIndex().row() == (first - 1) // columns * columns, "the same column, in the group above"
    qtbot.keyClick(grid, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert [image.id for image in grid.selected()] == list(range((first - 1) // columns * columns + 1, first + 2))
    qtbot.keyClick(grid, Qt.Key.Key_End)
    assert grid.current().id == 400 and grid.verticalScrollBar().value() == grid.verticalScrollBar().maximum()
    qtbot.keyClick(grid, Qt.Key.Key_PageUp)
    assert 300 < grid.current().id < 400
    qtbot.keyClick(grid, Qt.Key.Key_Home)
    assert grid.current().id == 1 and grid.verticalScrollBar().value() == 0
    qtbot.keyClick(grid, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert grid.selected_ids().tolist() == grid.sequence() == list(range(1, 401))


def test_letters_find_a_name(grid, qtbot):
    qtbot.keyClicks(grid, "picture")
    grid.keyboardSearch(" 39")  # Space itself records
    assert grid.current().path.name == "picture 390.jpg"


def test_a_click_on_a_header_selects_its_group(grid, qtbot):
    qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(30, 8))
    assert len(grid.selected()) == grid.arrangement.groups[0].count
    grid.verticalScrollBar().setValue(int(grid._layout.tops[1]))
    qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, QPoint(30, 8))
    assert len(grid.selected()) == sum(group.count for group in grid.arrangement.groups[:2])


def test_the_time_line_follows_and_leads(grid, qtbot):
    line, bar = grid.time_line, grid.verticalScrollBar()
    line.resize(90, 400)
    assert grid.now() == "December 2024" and line.marks()[0][1] == "December 2024"
    qtbot.mouseClick(line, Qt.MouseButton.LeftButton, pos=QPoint(20, 399))
    assert bar.value() == bar.maximum() and line.accessibleDescription() == grid.now() != "December 2024"
    qtbot.keyClick(line, Qt.Key.Key_Home)
    qtbot.keyClick(line, Qt.Key.Key_Down)
    assert bar.value() == int(grid._layout.tops[1]) and grid.now() == "November 2024"
    qtbot.keyClick(line, Qt.Key.Key_Up)
    assert bar.value() == 0


def test_a_listing_sorted_anew_begins_at_its_top(grid):
    listing = grid.pictures.listing
    grid.verticalScrollBar().setValue(2000)
    grid.show_listing(listing, arrange(listing, "oldest"))
    assert grid.verticalScrollBar().value() == 0 and grid.sequence()[0] == 400


def test_pictures_that_came_later_do_not_move_what_is_read(grid):
    grid.verticalScrollBar().setValue(2000)
    first = grid.pictures.index(grid._seen().start)
    image_id, top = grid.pictures.image(first.row()).id, grid.visualRect(first).top()
    more = made_listing(420)
    grid.show_listing(more, arrange(more))
    assert grid.visualRect(grid.pictures.index(grid.pictures.row_of(image_id))).top() == top


def test_thumbnails_that_were_scrolled_past_are_not_made(grid, thumbnails, monkeypatch):
    dropped = []
    monkeypatch.setattr(thumbnails, "get", lambda image, pixels: None)
    monkeypatch.setattr(thumbnails, "drop_requests", lambda keys: dropped.extend(keys))
    grid.viewport().repaint()
    asked = set(grid.cards.asked)
    assert asked
    grid.verticalScrollBar().setValue(grid.verticalScrollBar().maximum())
    assert set(dropped) == asked and not grid.cards.asked.keys() & asked


def test_screen_readers_have_each_picture_with_its_stack(grid):
    grid.pictures.set_stacks({3: 7})
    reader = QAccessible.queryAccessibleInterface(grid)
    assert reader.role() == QAccessible.Role.List and reader.childCount() == 400
    item = reader.child(2)
    assert item.text(QAccessible.Text.Name).startswith("picture 002.jpg") and "7 copies" in item.text(
        QAccessible.Text.Name)
    place = grid.visualRect(grid.pictures.index(2))
    assert item.rect().topLeft() == grid.viewport().mapToGlobal(place.topLeft())


def test_selected_pictures_are_dragged_as_files(grid):
    grid.selectionModel().select(grid.pictures.index(1), QItemSelectionModel.SelectionFlag.ClearAndSelect)
    [url] = grid.pictures.mimeData(grid.selectedIndexes()).urls()
    assert url.toLocalFile() == "/nowhere/1/picture 001.jpg"
