"""Undo in the Search panel, over queries and changes of pictures alike; ratings, the filter for them, and keys."""

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox

from brewclip_app.panels.search.filter_bar import FilterBar
from brewclip_app.panels.search.query import HitLimits
from core.store.records import Filter
from tests.brewclip_app.panels.search.helpers import ask, select, wait_for_hits


def test_undo_takes_back_the_newest_step_whichever_it_was(panel, explorer, qtbot):
    ask(qtbot, panel, explorer, "a dog")
    qtbot.keyClick(panel.results.grid, Qt.Key.Key_4)
    qtbot.waitUntil(lambda: explorer.store.rated == [((1,), 4)])
    qtbot.waitUntil(lambda: panel.header.message.text() == "1 picture rated ★★★★.")
    panel.controller.type_text("a house by the sea")
    wait_for_hits(qtbot, panel, explorer, 2)
    assert panel.controller.undo() and panel.controller.state.query.text == "a dog"
    assert panel.controller.undo()
    qtbot.waitUntil(lambda: explorer.store.rated[-1] == ((1,), 0))
    assert panel.controller.undo() and panel.controller.state.query.text == ""
    assert not panel.controller.undo()


def test_the_message_undoes_once(panel, explorer, qtbot):
    ask(qtbot, panel, explorer)
    undone = []
    panel.away.done.emit("2 pictures moved to the bin.", lambda: undone.append(1))
    message = panel.controller.state.message
    assert (message.text, message.action) == ("2 pictures moved to the bin.", "Undo")
    message.act()
    message.act()
    assert undone == [1] and panel.controller.state.message.text == ""
    assert panel.controller.undo() and panel.controller.state.query.text == "", "the query before"


def test_an_utterance_without_words_leaves_changes_to_be_undone(panel, explorer, qtbot):
    ask(qtbot, panel, explorer)
    undone = []
    panel.controller.open(panel.controller.state.query.plus(panel.controller.state.query.main))
    panel.away.done.emit("", lambda: undone.append(1))
    panel.controller._nothing_heard(None, "Nothing was said.")
    assert panel.controller.state.query.text == "a dog"
    assert panel.controller.undo() and undone == [1]


def test_pictures_that_left_go_out_of_the_grid_where_it_is(panel, explorer, qtbot):
    ask(qtbot, panel, explorer)
    grid, shown = panel.results.grid, panel.results.grid.sequence()
    grid.select([shown[4]])
    panel.away.left.emit(frozenset(shown[4:6]))
    assert grid.sequence() == [*shown[:4], *shown[6:]]
    assert grid.current().id == shown[6] and len(panel.controller.state.answer.hits) == 18
    panel.away.returned.emit()
    wait_for_hits(qtbot, panel, explorer, 2)
    assert grid.sequence() == shown


def test_delete_asks_before_the_bin(panel, explorer, qtbot):
    ask(qtbot, panel, explorer)
    select(panel, (1,))
    qtbot.keyClick(panel.results.grid, Qt.Key.Key_Delete)
    box = panel.findChild(QMessageBox)
    assert box.text() == "Move 2 pictures to the bin?"
    box.reject()


def test_a_rating_is_on_the_card_and_in_the_details(panel, explorer, qtbot, make_hit):
    def rated(rank, level):
        hit = make_hit(rank, level=level, tags=("beach",))
        return replace(hit, image=replace(hit.image, rating=3)) if rank == 1 else hit

    explorer.make_hit = rated
    ask(qtbot, panel, explorer)
    grid = panel.results.grid
    assert panel.results.detail.tags.text() == "★★★ · Tags: beach"
    says = [grid.pictures.index(row).data(Qt.ItemDataRole.AccessibleTextRole) for row in (0, 1)]
    assert says[0].endswith(", 3 stars") and "star" not in says[1]
    with_stars = grid.grab().toImage()
    grid.pictures.replace_images([replace(grid.pictures.hits()[0].image, rating=0)])
    assert grid.grab().toImage() != with_stars


def test_the_filter_asks_for_a_rating_or_more(panel, explorer, qtbot):
    ask(qtbot, panel, explorer)
    panel.results.toggle_filter(True)
    bar: FilterBar = panel.results.filter
    assert [bar.rating.itemText(at) for at in (0, 4, 5)] == ["Any rating", "★★★★ or more", "★★★★★"]
    bar.rating.setCurrentIndex(4)
    wait_for_hits(qtbot, panel, explorer, 2)
    assert explorer.asked[-1][2] == Filter(min_rating=4) and panel.controller.state.limits == HitLimits(min_rating=4)
    bar.clear.click()
    wait_for_hits(qtbot, panel, explorer, 3)
    assert explorer.asked[-1][2] == Filter() and bar.rating.currentIndex() == 0
