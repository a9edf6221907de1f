"""From the hits to the preview and back: Space, Enter, double clicks, and the same place in the grid."""

from dataclasses import replace
from unittest.mock import Mock

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel

from tests.brewclip_app.panels.search.helpers import ask, speak

Key = Qt.Key


@pytest.fixture
def grid(panel, explorer, qtbot):
    """The grid with hits and the focus."""
    ask(qtbot, panel, explorer)
    panel.results.grid.setFocus()
    return panel.results.grid


def preview(panel, qtbot):
    qtbot.waitUntil(lambda: panel._preview is not None and panel._preview.isVisible())
    return panel._preview


def leave(panel, qtbot):
    qtbot.keyClick(QApplication.focusWidget(), Key.Key_Escape)
    qtbot.waitUntil(panel._preview.isHidden)


def hint(panel):
    return " ".join(words.text() for words in panel.results._sayings.findChildren(QLabel))


def test_enter_previews_and_esc_comes_back_to_the_picture_that_was_in_front(panel, grid, qtbot):
    qtbot.keyClick(grid, Key.Key_Right)
    qtbot.keyClick(grid, Key.Key_Return)
    shown = preview(panel, qtbot)
    ids = grid.sequence()
    assert (shown.controller.current_id, shown.controller.state.total) == (ids[1], len(ids))
    assert shown.controller.state.hit.rank == 2
    qtbot.keyClick(QApplication.focusWidget(), Key.Key_End)
    leave(panel, qtbot)
    assert grid.hasFocus() and grid.current().id == ids[-1]
    assert grid.viewport().rect().intersects(grid.visualRect(grid.currentIndex())), "scrolled into view"


def test_a_selection_stays_when_the_preview_did_not_move(panel, grid, qtbot):
    grid.selectAll()
    qtbot.keyClick(grid, Key.Key_Return)
    preview(panel, qtbot)
    leave(panel, qtbot)
    assert len(grid.selected()) == len(grid.sequence())


def test_a_double_click_previews(panel, grid, qtbot):
    place = grid.visualRect(grid.pictures.index(2)).center()
    qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseDClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert preview(panel, qtbot).controller.state.position == 2
    leave(panel, qtbot)
    qtbot.mouseDClick(panel.results.detail.picture, Qt.MouseButton.LeftButton)
    assert preview(panel, qtbot).controller.state.position == 2


def test_ctrl_enter_opens_in_another_program(panel, grid, qtbot, monkeypatch):
    opened = Mock()
    monkeypatch.setattr(panel.hit_actions, "open", opened)
    qtbot.keyClick(grid, Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    opened.assert_called_once_with([grid.current()])
    assert panel._preview is None
    qtbot.keyClick(grid, Key.Key_Return)
    preview(panel, qtbot)
    qtbot.keyClick(QApplication.focusWidget(), Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert opened.call_count == 2


def test_a_tap_of_space_previews_a_picture_that_the_user_chose(panel, grid, sound, qtbot):
    qtbot.keyClick(grid, Key.Key_Right)
    qtbot.waitUntil(lambda: "tap to preview" in hint(panel))
    qtbot.keyPress(grid, Key.Key_Space)
    assert panel.voice.is_recording(), "from the first moment: it may become a query"
    assert panel.header.transcript.text() == "a dog" and not grid.cards.faded, "nothing flickers"
    qtbot.keyRelease(panel, Key.Key_Space)
    assert preview(panel, qtbot).controller.state.position == 1
    assert not panel.voice.is_recording() and panel.header.transcript.text() == "a dog"
    leave(panel, qtbot)
    assert grid.current().id == grid.sequence()[1]
    qtbot.waitUntil(lambda: "tap to preview" in hint(panel))


def test_space_held_on_a_picture_records_as_everywhere(panel, grid, explorer, sound, qtbot):
    qtbot.keyClick(grid, Key.Key_Right)
    qtbot.keyPress(grid, Key.Key_Space)
    speak(panel, sound)
    qtbot.waitUntil(lambda: panel.header.transcript.text() == "" and grid.cards.faded)
    qtbot.keyRelease(panel, Key.Key_Space)
    qtbot.waitUntil(lambda: panel.voice.microphone.state == "stopping")
    assert panel._preview is None


def test_a_tap_records_on_while_no_picture_was_chosen(panel, grid, sound, qtbot):
    assert "preview" not in hint(panel)
    qtbot.keyClick(grid, Key.Key_Space)
    qtbot.waitUntil(lambda: not panel.space.waits)
    assert panel.voice.is_recording() and panel._preview is None
    panel.controller.silence()


def test_a_new_answer_makes_taps_record_again(panel, grid, explorer, sound, qtbot):
    qtbot.keyClick(grid, Key.Key_Down)
    qtbot.waitUntil(lambda: "tap to preview" in hint(panel))
    ask(qtbot, panel, explorer, "a cat")
    grid.setFocus()
    qtbot.waitUntil(lambda: "preview" not in hint(panel))


def test_a_tap_that_ends_a_recording_does_not_preview(panel, grid, sound, qtbot):
    panel.voice.start()
    qtbot.keyClick(grid, Key.Key_Right)
    qtbot.keyClick(grid, Key.Key_Space)
    qtbot.waitUntil(lambda: not panel.space.waits)
    assert not panel.voice.is_recording() and panel._preview is None


def test_space_previews_without_a_microphone(panel, grid, sound, qtbot):
    sound.names = []
    panel.voice.microphone.refresh()
    qtbot.waitUntil(lambda: not panel.controller.state.can_speak)
    qtbot.keyClick(grid, Key.Key_Right)
    qtbot.waitUntil(lambda: "Tap" in hint(panel))
    qtbot.keyClick(grid, Key.Key_Space)
    assert preview(panel, qtbot).controller.state.position == 1


def test_what_an_action_says_is_seen_in_the_preview(panel, grid, qtbot):
    qtbot.keyClick(grid, Key.Key_Return)
    shown = preview(panel, qtbot)
    panel.away.copy_paths([grid.current()])
    assert shown.message.text() == "Path copied." and shown.message.isVisible()


@pytest.mark.parametrize("key", [Key.Key_F, Key.Key_N, Key.Key_L, Key.Key_Z])
def test_keys_of_the_panel_rest_while_the_preview_covers_it(panel, grid, qtbot, key):
    qtbot.keyClick(grid, Key.Key_Return)
    shown, query = preview(panel, qtbot), panel.controller.state.query
    qtbot.keyClick(shown.canvas, key, Qt.KeyboardModifier.ControlModifier)
    assert shown.canvas.hasFocus() and panel.controller.state.query is query and panel.results.filter.isHidden()


def test_tags_ratings_and_removals_are_followed(panel, grid, qtbot):
    qtbot.keyClick(grid, Key.Key_Return)
    shown = preview(panel, qtbot)
    qtbot.waitUntil(lambda: shown.controller.state.picture is not None)
    shown.controller.toggle_information()
    first, second = grid.sequence()[:2]
    panel.away.changed.emit([replace(grid.current(), tags=("holiday",), rating=3)])
    assert shown.information.tags.text() == "holiday" and len(shown.information.rating.text()) == 3
    panel.away.left.emit(frozenset((first,)))
    assert shown.controller.current_id == second


def test_why_this_picture_leads_to_inspect(panel, grid, qtbot):
    qtbot.keyClick(grid, Key.Key_Return)
    shown = preview(panel, qtbot)
    with qtbot.waitSignal(panel.go_to) as going:
        shown.information.explain.emit()
    assert going.args[0] == "inspect" and going.args[1].image_id == grid.sequence()[0]
