"""Browsing: the gallery's pictures while there is no query."""

from datetime import datetime

import pytest
from PySide6.QtCore import Qt

from brewclip_app.panels.base import GalleryPicture
from brewclip_app.panels.search.query import HitLimits
from core.duplicates.groups import DuplicateGroup, Duplicates, stacks_among
from core.store.records import Filter
from tests.brewclip_app.panels.search.helpers import ask, made_listing, new_status


@pytest.fixture
def browsed(panel, explorer, qtbot):
    """The panel over a gallery of 400 pictures."""
    explorer.store.listing = made_listing(400)
    panel.controller.refresh_gallery()
    qtbot.waitUntil(lambda: panel.results.grid.pictures.rowCount() == 400)
    return panel


def shown_ids(panel):
    return panel.results.grid.sequence()


def test_without_a_query_the_newest_pictures_are_shown_by_month(browsed):
    results, grid = browsed.results, browsed.results.grid
    assert results.showing_hits() and results.notice() == ""
    assert shown_ids(browsed)[:3] == [1, 2, 3] and grid.arrangement.groups[0].until == datetime(2024, 12, 31)
    assert grid.now() == "December 2024" and grid.selected() == []
    assert grid.time_line.isVisible() and not results.detail.isVisible()
    months = [text for _, text in grid.marks()]
    assert months[0] == "December 2024" and months[-1] == "January 2023" and len(months) == 24


def test_order_and_groups_are_chosen_and_remembered(browsed, context, qtbot):
    results = browsed.results
    results.browse_order.setCurrentIndex(1)
    results.browse_order.activated.emit(1)
    qtbot.waitUntil(lambda: shown_ids(browsed)[0] == 400)
    results.grouping.activated.emit(1)
    qtbot.waitUntil(lambda: results.grid.arrangement.grouping == "folder")
    assert len(results.grid.arrangement.groups) == 3 and results.grid.now() == "nowhere/0"
    saved = browsed.save_state()
    assert (saved["browse_order"], saved["grouping"]) == ("oldest", "folder")
    browsed.restore_state({"browse_order": "name", "grouping": "nonsense"})
    assert (browsed.browse.state.order, browsed.browse.state.grouping) == ("name", "folder")


def test_a_query_takes_the_place_and_ctrl_n_comes_back_to_it(browsed, explorer, qtbot):
    grid = browsed.results.grid
    grid.select([200])
    place = grid.verticalScrollBar().value()
    assert place > 0
    ask(qtbot, browsed, explorer)
    assert browsed.results.detail.isVisible() and grid.current_hit() is not None and not grid.time_line.isVisible()
    qtbot.keyClick(grid, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: grid.pictures.rowCount() == 400)
    qtbot.waitUntil(lambda: grid.verticalScrollBar().value() == place)
    assert [image.id for image in grid.selected()] == [200]


@pytest.mark.parametrize("key", [Qt.Key.Key_Escape, Qt.Key.Key_Return])
def test_an_emptied_query_comes_back_to_browsing(browsed, explorer, qtbot, key):
    ask(qtbot, browsed, explorer)
    browsed.header.transcript.setFocus()
    browsed.header.transcript.setPlainText("")
    qtbot.keyClick(browsed.header.transcript, key)
    qtbot.waitUntil(lambda: browsed.results.grid.pictures.rowCount() == 400)
    assert not browsed.controller.state.query.terms()


def test_the_filter_applies_to_browsing(browsed, explorer, qtbot):
    explorer.store.listing = made_listing(7)
    browsed.controller.set_limits(HitLimits(tag="holiday"))
    qtbot.waitUntil(lambda: browsed.results.grid.pictures.rowCount() == 7)
    assert explorer.store.chosen == Filter(tag="holiday")
    explorer.store.listing = made_listing(0)
    browsed.controller.set_limits(HitLimits(name="none"))
    qtbot.waitUntil(lambda: browsed.results.notice() == "No picture passes the filter")
    explorer.store.listing = made_listing(400)
    browsed.controller.set_limits(HitLimits())
    qtbot.waitUntil(lambda: browsed.results.grid.pictures.rowCount() == 400 and browsed.results.showing_hits())


def test_a_listing_that_did_not_change_is_not_shown_again(browsed, explorer, qtbot):
    arrangement = browsed.results.grid.arrangement
    explorer.store.listing = made_listing(400)
    with new_status(qtbot, browsed):
        browsed.controller.refresh_gallery()
    qtbot.waitUntil(lambda: not browsed.context.jobs.running(quiet=True))
    assert browsed.results.grid.arrangement is arrangement


def test_another_panel_shows_a_picture_of_a_gallery(browsed, qtbot):
    browsed.results.grid.select([3])
    browsed.receive(GalleryPicture("Holidays", 250))
    qtbot.waitUntil(lambda: browsed.browse.state.gallery == "Holidays" and browsed.browse.state.wanted < 0)
    grid = browsed.results.grid
    assert grid.current().id == 250 and grid.viewport().rect().intersects(grid.visualRect(grid.currentIndex()))


def test_a_gallery_that_cannot_be_listed_is_reported(browsed, explorer, qtbot):
    def refuse(gallery):
        raise OSError("the disk is gone")

    explorer.gallery = refuse
    with qtbot.waitSignal(browsed.failed):
        browsed.browse.read(HitLimits())


def test_a_picture_of_the_gallery_is_previewed_and_tagged(browsed, explorer, qtbot):
    grid = browsed.results.grid
    grid.select([5])
    browsed.preview(5)
    shown = browsed._preview.controller
    assert browsed._preview.isVisible() and shown.state.total == len(grid.sequence()) and shown.current_id == 5
    qtbot.waitUntil(lambda: shown.state.picture is not None)
    assert shown.state.image == grid.pictures.image(4) and "is not there any more" in shown.state.picture.problem
    explorer.store.listing = made_listing(3)
    shown.step(10)
    qtbot.waitUntil(lambda: shown.state.picture is not None)
    assert "not in the gallery any more" in shown.state.picture.problem
    shown.close()
    image = grid.pictures.image(4)
    assert image.id == 5 and browsed.hit_actions.menu([image]).actions()


def test_duplicates_are_one_picture_with_their_number(browsed, context, qtbot):
    grid = browsed.results.grid
    image = grid.pictures.image
    groups = [DuplicateGroup((image(0), image(5), image(9))), DuplicateGroup((image(20), image(21)))]
    first, behind = image(0).id, image(5).id
    context.duplicates._set(known={context.gallery: Duplicates(tuple(groups), 400)})
    qtbot.waitUntil(lambda: grid.pictures.rowCount() == 397)
    assert grid.pictures.copies(grid.pictures.row_of(first)) == 3
    assert grid.pictures.row_of(behind) == -1
    browsed.receive(GalleryPicture(context.gallery, behind))  # the one that stands for it is shown
    qtbot.waitUntil(lambda: [one.id for one in grid.selected()] == [first])
    context.duplicates._set(known={context.gallery: Duplicates((), 400)})
    qtbot.waitUntil(lambda: grid.pictures.rowCount() == 400)
    assert grid.pictures.copies(grid.pictures.row_of(first)) == 1


def test_a_stack_of_which_the_filter_leaves_some_is_of_those():
    assert stacks_among({1: (1, 5, 9), 2: (2, 3)}, [5, 9, 3]) == {5: (5, 9)}
