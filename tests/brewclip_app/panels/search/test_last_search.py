"""The results of the last start: the same hits, place, order and filter, without a new encode where nothing changed."""

import json
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QAbstractItemView

from brewclip_app.panels.search.last_search import NO_RECORDING, OTHER_GALLERY, OTHER_MODEL
from brewclip_app.panels.search.panel import SearchPanel
from tests.brewclip_app.panels.search.helpers import ask, made_listing, select, wait_for_hits


@pytest.fixture
def closed(panel, explorer, qtbot):
    """A search that was left somewhere; closing it returns its state as the window's file keeps it."""
    explorer.levels = ("strong",) * 40 + ("weak",) * 40
    ask(qtbot, panel, explorer)

    def close():
        return json.loads(json.dumps(panel.save_state()))

    return close


@pytest.fixture
def started(context, explorer, qtbot):
    """Start another panel with a state, and wait for its results."""
    panels = []

    def start(state, shown=True):
        again = SearchPanel(context)
        panels.append(again)
        qtbot.addWidget(again)
        again.resize(1180, 740)
        again.restore_state(state)
        again.show()
        again.controller.refresh_gallery()
        if shown:
            qtbot.waitUntil(lambda: again.controller.state.answer is not None)
        return again

    yield start
    for again in panels:
        again.closing()


def test_results_selection_and_order_are_there_again_without_an_encode(panel, closed, started, explorer, qtbot):
    panel.results.set_order("name")
    panel.results.grid.clear_selection()
    select(panel, (20, 21))
    panel.results.grid.scrollTo(panel.results.grid.pictures.index(30), QAbstractItemView.ScrollHint.PositionAtTop)
    grid, searches = panel.results.grid, len(explorer.asked)
    before = grid.sequence(), list(grid.selected_ids()), grid.current(), grid.verticalOffset()
    assert before[3] > 0
    again = started(closed()).results.grid
    assert (again.sequence(), list(again.selected_ids()), again.current()) == before[:3]
    qtbot.waitUntil(lambda: again.verticalOffset() == before[3])
    assert len(explorer.asked) == searches and len(explorer.repeated) == 1, "the query was encoded again"
    assert again.window().controller.state.message.text == ""


def test_weak_hits_that_were_unfolded_are_shown_again(panel, closed, started):
    panel.results.grid.unfold.click()
    count = panel.results.grid.pictures.rowCount()
    assert count == 80 and started(closed()).results.grid.pictures.rowCount() == count


def test_another_model_searches_again_and_says_so(closed, started, explorer, qtbot):
    state = closed()
    explorer.digest = "model 2"
    again = started(state)
    assert len(explorer.asked) == 2 and again.controller.state.message.text == OTHER_MODEL


def test_another_gallery_is_searched_without_an_encode_and_said(closed, started, explorer):
    state = closed()
    explorer.revision = "revision 2"
    again = started(state)
    assert len(explorer.asked) == 1 and again.controller.state.message.text == OTHER_GALLERY


def test_a_spoken_query_whose_recording_was_not_kept_is_searched_by_its_words(panel, started, explorer, qtbot, tone):
    panel.controller.add_recording(tone)
    wait_for_hits(qtbot, panel, explorer)
    explorer.store.history[-1] = replace(explorer.store.history[-1], recording=None)
    again = started(panel.save_state())
    assert not explorer.repeated and again.controller.state.message.text == NO_RECORDING
    assert again.controller.state.query.main.kind == "text"


@pytest.mark.parametrize("damage", [
    None, "nonsense", {"terms": []}, {"model": "model 1", "revision": "1", "terms": []},
    {"model": "model 1", "revision": "1", "terms": [{"kind": "text", "label": "a", "weight": 1, "vector": "AAAA",
                                                     "voice": ""}]}])
def test_damaged_vectors_are_made_again(closed, started, explorer, damage):
    state = {**closed(), "encoded": damage, "place": damage}
    again = started(state)
    assert len(explorer.asked) == 2 and not explorer.repeated
    assert again.results.grid.pictures.rowCount()


def test_another_query_meanwhile_is_not_answered_by_the_last_one(closed, started, explorer, qtbot):
    again = started(closed(), shown=False)
    again.controller.type_text("two cats")
    qtbot.waitUntil(lambda: again.controller.state.answer is not None and not again.controller.state.searching)
    assert again.controller.state.answer.query.text == "two cats" and not explorer.repeated


def test_a_program_closed_before_its_results_were_back_keeps_them(closed, context, qtbot):
    state = closed()
    again = SearchPanel(context)
    qtbot.addWidget(again)
    again.restore_state(state)
    kept = json.loads(json.dumps(again.save_state()))
    assert (kept["encoded"], kept["place"]) == (state["encoded"], state["place"])
    again.closing()


def test_the_filter_is_there_again_and_limits_the_results(panel, closed, started, explorer, qtbot):
    panel.results.toggle_filter(True)
    panel.results.filter.tag.setCurrentIndex(1)
    panel.results.filter.rating.setCurrentIndex(3)
    qtbot.waitUntil(lambda: len(explorer.asked) >= 2 and not panel.controller.state.searching)
    again = started(closed())
    limits = explorer.repeated[0][2]
    assert limits.tag == "holiday" and limits.min_rating == 3
    assert again.results.filter.isVisible() and again.results.filter.limits() == panel.results.filter.limits()


def test_a_tag_that_is_gone_limits_nothing(panel, closed, started, explorer, qtbot):
    panel.results.toggle_filter(True)
    panel.results.filter.tag.setCurrentIndex(1)
    qtbot.waitUntil(lambda: len(explorer.asked) >= 2 and not panel.controller.state.searching)
    state = closed()
    state["filter"]["tag"] = "gone"
    again = started(state)
    qtbot.waitUntil(lambda: not again.controller.state.limits.any and not again.controller.state.searching)
    assert again.results.filter.limits() == again.controller.state.limits


def test_nothing_of_a_search_is_kept_without_a_history(panel, closed, context):
    context.change("search.keep_history", False)
    assert not {"query", "encoded", "filter"} & closed().keys()


def test_the_gallery_is_browsed_again_where_it_was_left(panel, explorer, started, context, qtbot):
    explorer.store.listing = made_listing(400)
    panel.controller.clear()
    context.galleries_changed.emit()
    qtbot.waitUntil(lambda: panel.results.grid.pictures.rowCount() == 400)
    grid = panel.results.grid
    qtbot.waitUntil(lambda: grid._returning is None)
    grid.select([200, 201])
    left = grid.verticalOffset()
    assert left > 0
    again = started(json.loads(json.dumps(panel.save_state())), shown=False).results.grid
    qtbot.waitUntil(lambda: again.pictures.rowCount() == 400)
    assert list(again.selected_ids()) == [200, 201]
    qtbot.waitUntil(lambda: again.verticalOffset() == left)
