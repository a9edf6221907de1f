"""Saved searches: saved under a name, run, renamed and deleted; and the history's dates."""

from datetime import UTC, datetime

import pytest
from PySide6.QtCore import Qt

from brewclip_app.panels.search.history_menu import date_forms
from brewclip_app.widgets.name_dialogs import NameDialog
from core import audio
from core.explorer import Explorer
from core.search.terms import QueryTerm
from core.settings import Settings
from tests.brewclip_app.panels.search.helpers import ask, wait_for_hits

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def saved_as(qtbot, panel, name):
    """Save the present query with the keyboard alone."""
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    qtbot.keyClick(panel.results.grid, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    dialog = panel.findChild(NameDialog)
    dialog.field.setText(name)
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    return dialog


@pytest.fixture
def dogs(panel, explorer, qtbot):
    """A panel in which one search is saved and another is on the screen."""
    ask(qtbot, panel, explorer, "two dogs")
    panel.controller.add_text("- people")
    wait_for_hits(qtbot, panel, explorer, 2)
    saved_as(qtbot, panel, "Dogs alone")
    qtbot.waitUntil(lambda: bool(explorer.store.saved) and "Saved as Dogs alone" in panel.header.message.text())
    panel.results.new.click()
    return panel


def test_a_search_is_saved_and_run_from_the_menu_at_the_query(dogs, explorer, context, qtbot):
    assert explorer.store.saved[0].text == "two dogs − people"
    context.set_gallery("Holidays")
    dogs.results.saved.click()
    qtbot.waitUntil(dogs.saved.isVisible)
    texts = [action.text() for action in dogs.saved.actions() if not action.isSeparator()]
    assert texts == ["Save this search…\tCtrl+S", "Dogs alone", "All saved searches…"]
    dogs.saved.actions()[2].trigger()
    dogs.saved.hide()
    wait_for_hits(qtbot, dogs, explorer, 3)
    assert context.gallery == "Flickr" and [(term.text, term.weight) for term in explorer.asked[-1][1]] == [
        ("two dogs", 1.0), ("people", -1.0)]


def test_a_name_that_is_taken_is_said_in_the_dialog(dogs, explorer, qtbot):
    ask(qtbot, dogs, explorer, "cats")
    dialog = saved_as(qtbot, dogs, "Dogs alone")
    qtbot.waitUntil(lambda: "named Dogs alone" in dialog.problem.text())
    assert dialog.isVisible() and len(explorer.store.saved) == 1
    dialog.reject()


def test_without_a_query_there_is_nothing_to_save(panel, qtbot):
    assert panel.queries.ask_name() is None
    assert "no query to save" in panel.header.message.text()


def test_the_popup_lists_renames_and_deletes_saved_searches(dogs, explorer, qtbot):
    dogs.history.open_under(dogs.results.history, saved=True)
    qtbot.waitUntil(lambda: dogs.history.isVisible() and dogs.history.list.count() == 1)
    menu = dogs.history
    assert menu.list.item(0).text() == "Dogs alone   two dogs − people"
    assert menu.again.text() == "Search" and menu.clear.isHidden() and menu.save.isHidden()
    menu.rename.click()
    dialog = dogs.findChild(NameDialog)
    assert dialog.field.text() == "Dogs alone"
    dialog.field.setText("Only dogs")
    dialog.accept_button.click()
    qtbot.waitUntil(lambda: explorer.store.saved[0].name == "Only dogs")
    menu.open_under(dogs.results.history, saved=True)
    qtbot.waitUntil(lambda: menu.isVisible() and "Only dogs" in menu.list.item(0).text())
    qtbot.keyClick(menu.search, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: explorer.store.saved == [])
    qtbot.waitUntil(lambda: "Ctrl+S" in menu.empty.text() and menu.list.count() == 0)
    assert len(explorer.store.history) == 2, "the history stays"
    menu.past.click()
    qtbot.waitUntil(lambda: menu.list.count() == 2)
    assert menu.again.text() == "Search again" and not menu.clear.isHidden()
    menu.hide()


def test_a_query_of_the_history_is_saved_by_name(dogs, explorer, qtbot):
    dogs.history.open_under(dogs.results.history)
    qtbot.waitUntil(dogs.history.isVisible)
    dogs.history.list.setCurrentRow(1)
    dogs.history.save.click()
    dialog = dogs.findChild(NameDialog)
    assert dialog.field.text() == "two dogs"
    dialog.accept_button.click()
    qtbot.waitUntil(lambda: [each.text for each in explorer.store.saved] == ["two dogs − people", "two dogs"])


@pytest.mark.parametrize("words", ["2026-05-04", "may 2026", "monday", "today", "4 may"])
def test_dates_are_found_as_people_type_them(words):
    assert all(word in date_forms(NOW, NOW).casefold() for word in words.split())


def test_the_history_is_searched_by_date(panel, explorer, qtbot):
    ask(qtbot, panel, explorer, "two dogs")
    panel.results.history.click()
    qtbot.waitUntil(lambda: panel.history.isVisible() and panel.history.list.count() == 1)
    for words, shown in (("yesterday", False), ("today dogs", True), (f"{datetime.now():%Y-%m}", True)):
        panel.history.search.setText(words)
        assert panel.history.list.item(0).isHidden() != shown
    panel.history.hide()


def test_spoken_terms_come_back_with_their_recordings_after_a_restart(home, tone):
    explorer = Explorer(home, Settings())
    terms = (QueryTerm("text", "snow"), QueryTerm("speech", "a dog", waveform=tone, weight=-1.0))
    explorer.save_search("Snow", "Flickr", terms, "[]")
    explorer.close()
    again = Explorer(home, Settings())
    [saved] = again.store.saved_searches()
    assert saved.source == "mixed" and list(saved.recordings) == [1]
    assert saved.recordings[1].stem == tone.digest and audio.read(saved.recordings[1]).seconds == tone.seconds
    again.close()
