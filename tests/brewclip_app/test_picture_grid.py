"""The grid of pictures: model, order, fold, columns, and 100 000 of them."""

from dataclasses import replace
from unittest.mock import Mock

import pytest
from PySide6.QtCore import QPersistentModelIndex, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication

from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.picture_grid.grid import FOOTER_HEIGHT, PictureGrid
from brewclip_app.widgets.picture_grid.model import FEWEST, HIT_ROLE, MOVE_ROLE, PictureModel, moves


@pytest.fixture
def thumbnails(tmp_path, qapp):
    made = Thumbnails(tmp_path / "thumbnails")
    yield made
    made.close()


@pytest.fixture
def grid(qtbot, thumbnails):
    on_zoom = Mock()
    made = PictureGrid(thumbnails, on_zoom)
    made.on_zoom = on_zoom
    qtbot.addWidget(made)
    made.resize(900, 600)
    with qtbot.waitExposed(made):
        made.show()
    return made


def levels(make_hit, *counts):
    """So many strong, fair and weak hits."""
    words = [level for level, count in zip(("strong", "fair", "weak"), counts, strict=True) for _ in range(count)]
    return tuple(make_hit(rank, level=level) for rank, level in enumerate(words, 1))


def test_the_model_keeps_qts_rules(qapp, make_hit):
    model = PictureModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.set_hits(levels(make_hit, 12, 5, 30))
    model.set_order("name")
    model.show_weak()
    model.replace_images([])
    model.set_hits(())
    assert tester.model() is model


def test_weak_hits_are_folded_but_never_all(qapp, make_hit):
    model = PictureModel()
    model.set_hits(levels(make_hit, 8, 6, 36))
    assert model.rowCount() == 14 and model.folded == 36
    model.set_hits(levels(make_hit, 0, 0, 50))
    assert model.rowCount() == FEWEST and model.folded == 40
    model.show_weak()
    assert model.rowCount() == 50 and model.folded == 0


def test_orders(qapp, make_hit):
    model = PictureModel()
    names = (("b", 1e9), ("C", 3e9), ("a", 2e9))
    model.set_hits(tuple(make_hit(rank, f"/x/{name}.jpg", mtime=mtime) for rank, (name, mtime) in enumerate(names, 1)))

    def ranks():
        return [hit.rank for hit in model.hits()]

    assert ranks() == [1, 2, 3]
    model.set_order("name")
    assert ranks() == [3, 1, 2]
    model.set_order("date")
    assert ranks() == [2, 3, 1]
    model.set_order("nonsense")
    assert model.order == "date"


def reranked(hits, *ids):
    """The hits with these pictures, in this order."""
    by_id = {hit.image.id: hit for hit in hits}
    return tuple(replace(by_id[image_id], rank=rank) for rank, image_id in enumerate(ids, 1))


def test_hits_that_follow_others_move_without_a_reset(qapp, make_hit, qtbot):
    model, hits = PictureModel(), levels(make_hit, 6, 0, 0)
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    before, resets, changes = reranked(hits, 1, 2, 3, 4), [], []
    model.set_hits(before)
    kept = [QPersistentModelIndex(model.index(row)) for row in range(4)]
    model.modelReset.connect(lambda: resets.append(True))
    for signal, name in ((model.rowsRemoved, "removed"), (model.rowsInserted, "inserted"),
                         (model.layoutChanged, "moved")):
        signal.connect(lambda *_, name=name: changes.append(name))
    now = reranked(hits, 1, 4, 6, 2)
    model.follow_hits(now, moves(before, now))
    assert [hit.image.id for hit in model.hits()] == [1, 4, 6, 2] and not resets
    assert changes == ["removed", "moved", "inserted"]
    assert [index.row() for index in kept] == [0, 3, -1, 1]
    badges = [getattr(model.data(model.index(row), MOVE_ROLE), "badge", "") for row in range(4)]
    assert badges == ["", "\N{BLACK UP-POINTING TRIANGLE} 2", "new", ""]
    words = [model.data(model.index(row), Qt.ItemDataRole.AccessibleTextRole).split(", ")[-1] for row in (1, 2)]
    assert words == ["up 2 ranks", "new"]
    changes.clear()
    model.follow_hits(now, {})
    assert changes == [] and not resets, "pictures that keep their rank keep their place"
    assert model.data(model.index(1), MOVE_ROLE) is None and tester.model() is model


def test_a_picture_that_was_folded_away_is_new(make_hit):
    before = levels(make_hit, 0, 0, 14)
    now = reranked(before, 14, 1, 2)
    assert {image_id: move.badge for image_id, move in moves(before, now).items()} == {14: "new"}


def test_the_grid_follows_hits_with_one_change_of_the_selection(grid, make_hit, qtbot):
    hits = levels(make_hit, 6, 0, 0)
    before, now = reranked(hits, 1, 2, 3), reranked(hits, 4, 3, 2)
    grid.follow_hits(before, {})
    assert [hit.image.id for hit in grid.pictures.hits()] == [1, 2, 3], "there were none to follow"
    shown = []
    grid.selection_changed.connect(lambda: shown.append(grid.current().id))
    grid.follow_hits(now, moves(before, now))
    assert set(shown) == {4} and grid.current().id == 4
    badged = grid.grab().toImage()
    grid.follow_hits(now, {})
    assert badged != grid.grab().toImage(), "badges are drawn"


def test_tags_are_taken_over_without_losing_the_place(grid, make_hit):
    grid.show_hits(levels(make_hit, 5, 0, 0))
    grid.select_row(3)
    changed = make_hit(4, tags=("holiday",)).image
    grid.pictures.replace_images([changed])
    assert grid.current().tags == ("holiday",)


def test_screen_readers_hear_rank_name_and_strength(qapp, make_hit):
    model = PictureModel()
    model.set_hits((make_hit(1, "/x/dog.jpg", "fair"),))
    assert model.data(model.index(0), Qt.ItemDataRole.AccessibleTextRole) == "Rank 1, dog.jpg, fair match"
    assert model.data(model.index(0), HIT_ROLE).rank == 1


def test_hits_can_be_dragged_as_files(qapp, make_hit, pictures):
    model = PictureModel()
    model.set_hits((make_hit(1, pictures[0]),))
    [url] = model.mimeData([model.index(0)]).urls()
    assert url.toLocalFile() == str(pictures[0])


@pytest.mark.parametrize("width", [330, 520, 886, 1000, 1460, 3000])
def test_columns_fill_the_row(grid, make_hit, width):
    grid.resize(width, 600)
    grid.show_hits(levels(make_hit, 40, 0, 0))
    QApplication.processEvents()
    tops = [grid.visualRect(grid.pictures.index(row)).top() for row in range(40)]
    assert tops.count(tops[0]) == min(40, grid.columns()), "as many columns as were counted"
    unused = grid.viewport().width() - grid.columns() * grid.cards.cell.width()
    assert unused < grid.cards.cell.width() / 2


def test_the_size_of_cards_follows_the_setting(grid, make_hit):
    grid.show_hits(levels(make_hit, 40, 0, 0))
    before = grid.columns()
    grid.set_card_width(300)
    assert grid.columns() < before


def test_the_fold_line_stands_below_the_last_row_and_unfolds(grid, make_hit, qtbot):
    grid.show_hits(levels(make_hit, 8, 2, 240))
    QApplication.processEvents()
    assert grid.unfold.isVisible()
    folded = grid.pictures.folded  # the more the fewer rows there are in this style
    assert 200 < folded <= 240 and grid.pictures.rowCount() == 250 - folded
    assert grid._folded_words.text() == f"{folded} more of the 250 best pictures are weak matches."
    last = grid.visualRect(grid.pictures.index(grid.pictures.rowCount() - 1)).bottom()
    assert grid._footer.y() > last - 5
    grid.select_row(2)
    qtbot.mouseClick(grid.unfold, Qt.MouseButton.LeftButton)
    assert grid.pictures.rowCount() == 250 and not grid._footer.isVisible()
    assert grid.current_hit().rank == 3, "the chosen one stays chosen"


def test_the_fold_line_can_be_scrolled_to(grid, make_hit):
    grid.resize(400, 300)
    grid.show_hits(levels(make_hit, 8, 2, 240))
    QApplication.processEvents()
    grid.verticalScrollBar().setValue(grid.verticalScrollBar().maximum())
    assert grid._footer.geometry().bottom() <= grid.viewport().height()


def test_arrows_walk_and_enter_opens(grid, make_hit, qtbot):
    grid.show_hits(levels(make_hit, 12, 0, 0))
    qtbot.keyClick(grid, Qt.Key.Key_Right)
    assert grid.current_hit().rank == 2
    qtbot.keyClick(grid, Qt.Key.Key_Down)
    assert grid.current_hit().rank == 2 + grid.columns()
    with qtbot.waitSignal(grid.activated, check_params_cb=lambda image_id: image_id == grid.current().id):
        qtbot.keyClick(grid, Qt.Key.Key_Return)


def test_pictures_are_selected_by_id_in_the_order_shown(grid, make_hit):
    grid.show_hits(levels(make_hit, 12, 0, 0))
    grid.select([7, 3, 99])
    assert grid.sequence() == list(range(1, 13))
    assert [image.id for image in grid.selected()] == [3, 7] and grid.current().id == 3


def test_a_double_click_activates_and_a_right_click_asks_for_the_menu(grid, make_hit, qtbot):
    grid.show_hits(levels(make_hit, 12, 0, 0))
    middle = grid.visualRect(grid.pictures.index(1)).center()
    with qtbot.waitSignal(grid.activated, check_params_cb=lambda image_id: image_id == 2):
        qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=middle)
        qtbot.mouseDClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    with qtbot.waitSignal(grid.context_requested):
        grid.customContextMenuRequested.emit(middle)


def test_several_can_be_selected(grid, make_hit, qtbot):
    grid.show_hits(levels(make_hit, 12, 0, 0))
    qtbot.keyClick(grid, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert [image.id for image in grid.selected()] == [1, 2]


def test_no_hits_tell_nobody_is_chosen(grid, make_hit, qtbot):
    grid.show_hits(levels(make_hit, 3, 0, 0))
    with qtbot.waitSignal(grid.selection_changed):
        grid.show_hits(())
    assert grid.current() is None and grid.selected() == []


def test_ctrl_wheel_zooms(grid, qtbot):
    event = QWheelEvent(QPointF(50, 50), QPointF(50, 50), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
                        Qt.KeyboardModifier.ControlModifier, Qt.ScrollPhase.NoScrollPhase, False)
    QApplication.sendEvent(grid.viewport(), event)
    grid.on_zoom.assert_called_once_with(1)


@pytest.mark.slow
def test_a_hundred_thousand_hits_ask_only_for_what_is_seen(grid, make_hit, thumbnails, monkeypatch):
    hits = tuple(make_hit(rank) for rank in range(1, 100_001))
    asked, laid_out = [], []
    monkeypatch.setattr(thumbnails, "get", lambda image, pixels: asked.append(image.id))
    monkeypatch.setattr(grid.cards, "sizeHint", lambda option, index: laid_out.append(index.row()) or grid.cards.cell)
    grid.show_hits(hits)
    QApplication.processEvents()
    grid.verticalScrollBar().setValue(grid.verticalScrollBar().maximum() // 2)
    grid.repaint()
    assert len(laid_out) < 1000, "a list that lays out each card takes minutes"
    assert 10 < len(set(asked)) < 200


def test_a_large_window_is_filled_with_weak_hits_and_folds_the_rest(grid, make_hit):
    grid.resize(1800, 1200)
    hits = levels(make_hit, 1, 0, 200)
    grid.show_hits(hits)
    rows = (grid.viewport().height() - FOOTER_HEIGHT) // grid.cards.cell.height()
    assert grid.pictures.rowCount() == grid.columns() * rows > FEWEST
    assert grid.pictures.folded == 201 - grid.pictures.rowCount() and grid.verticalScrollBar().maximum() == 0


def test_growing_shows_more_and_shrinking_takes_none_away(grid, make_hit):
    grid.show_hits(levels(make_hit, 0, 0, 200))
    grid.select_row(4)
    few, chosen = grid.pictures.rowCount(), grid.current()
    grid.resize(1800, 1200)
    many = grid.pictures.rowCount()
    assert many > few and grid.current() == chosen
    grid.resize(700, 500)
    assert grid.pictures.rowCount() == many and grid.current() == chosen
