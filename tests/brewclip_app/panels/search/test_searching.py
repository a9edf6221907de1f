"""Typed queries, their terms, hits and messages."""

from dataclasses import replace
from datetime import datetime

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QWidget

from brewclip_app.panels.search.copies_dialog import CopiesDialog
from brewclip_app.panels.search.query import Query
from brewclip_app.panels.search.state import SpeechSupport
from brewclip_app.widgets.name_dialogs import NameDialog
from core import audio
from core.errors import ModelError, QueryError, WeightsError
from core.search.terms import QueryTerm
from core.store.records import Filter
from tests.brewclip_app.panels.search.helpers import ask, drop, select, wait_for_hits


def test_typed_words_find_pictures(panel, explorer, qtbot):
    hits = ask(qtbot, panel, explorer)
    gallery, [term], limits = explorer.asked[0]
    assert (gallery, term.kind, term.text, limits.name) == ("Flickr", "text", "a dog", "")
    assert len(hits) == 10 and panel.results.grid.unfold.isVisible()
    assert panel.results.grid.hasFocus(), "so that Space records and arrows walk"
    assert panel.said[-1].startswith("Searched 20 in 3 ms") and "Gallery Flickr · 8 of 8 indexed" in panel.said[-1]


def test_editing_follows_and_ctrl_z_goes_back(panel, explorer, tone, qtbot):
    panel.controller.add_recording(tone)
    wait_for_hits(qtbot, panel, explorer)
    ask(qtbot, panel, explorer, "a brown dog in snow")
    assert explorer.asked[-1][1][0].text == "a brown dog in snow"
    assert panel.header.transcript.doubtful() == []
    panel.controller.undo()
    wait_for_hits(qtbot, panel, explorer, 3)
    assert panel.header.transcript.text() == "a brown dog" and panel.header.transcript.doubtful() == ["brown"]


def test_chips_change_the_query(panel, explorer, qtbot):
    ask(qtbot, panel, explorer)
    panel.results.chips.words_added.emit("- people")
    wait_for_hits(qtbot, panel, explorer, 2)
    assert [(term.text, term.weight) for term in explorer.asked[-1][1]] == [("a dog", 1), ("people", -1)]
    panel.results.chips.chips[1].click()
    wait_for_hits(qtbot, panel, explorer, 3)
    assert explorer.asked[-1][1][1].weight == 1
    qtbot.keyClick(panel.results.chips.chips[1], Qt.Key.Key_Up)
    wait_for_hits(qtbot, panel, explorer, 4)
    assert explorer.asked[-1][1][1].weight == 1.5
    panel.results.chips.chips[1].setFocus()  # in the grid the key is of the pictures
    qtbot.keyClick(panel.results.chips.chips[1], Qt.Key.Key_Delete)
    wait_for_hits(qtbot, panel, explorer, 5)
    assert len(explorer.asked[-1][1]) == 1 and len(panel.results.chips.chips) == 1


def test_a_query_that_only_excludes_says_what_comes_first(panel, explorer, qtbot):
    ask(qtbot, panel, explorer, "people")
    assert panel.results.least.isHidden()
    panel.results.chips.chips[0].click()
    wait_for_hits(qtbot, panel, explorer, 2)
    assert panel.results.least.text() == "This query only excludes: the pictures least like “people” come first."
    assert panel.results.least.isVisibleTo(panel)
    panel.controller.add_text("- dogs")
    wait_for_hits(qtbot, panel, explorer, 3)
    assert "least like “people” and “dogs” come" in panel.results.least.text()
    panel.controller.add_text("snow")
    wait_for_hits(qtbot, panel, explorer, 4)
    assert panel.results.least.isHidden()


def test_more_like_this_and_adding_a_hit(panel, explorer, qtbot):
    ask(qtbot, panel, explorer)
    panel.hit_actions.exclude(panel.results.grid.selected())
    wait_for_hits(qtbot, panel, explorer, 2)
    assert (explorer.asked[-1][1][1].kind, explorer.asked[-1][1][1].weight) == ("image", -1)
    qtbot.mouseClick(panel.results.detail.more, Qt.MouseButton.LeftButton)
    wait_for_hits(qtbot, panel, explorer, 3)
    [term] = explorer.asked[-1][1]
    assert (term.kind, term.image_id) == ("image", 1) and panel.header.transcript.text() == ""


def test_the_latest_query_wins(panel, explorer, qtbot):
    explorer.gate.clear()
    panel.controller.type_text("first")
    qtbot.waitUntil(lambda: len(explorer.asked) == 1)
    panel.controller.type_text("second")
    explorer.gate.set()
    wait_for_hits(qtbot, panel, explorer, 2)
    assert panel.controller.state.query.text == "second" and panel.header.transcript.text() == "second"


def test_a_slow_search_shows_progress_and_esc_stops_it(panel, explorer, qtbot):
    place = panel.results.stack.geometry()
    explorer.gate.clear()
    panel.controller.type_text("slow")
    qtbot.waitUntil(panel.results.progress.isVisible)
    assert panel.results.progress.title.text() and panel.results.stack.geometry() == place, "nothing jumps"
    qtbot.keyClick(panel.results.grid, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not panel.controller.state.searching)
    assert panel.results.progress.isHidden()


def test_the_filter_goes_to_the_core_and_is_not_kept_as_a_query(panel, explorer, qtbot):
    ask(qtbot, panel, explorer)
    panel.results.toggle_filter()
    panel.results.filter.tag.setCurrentIndex(1)
    wait_for_hits(qtbot, panel, explorer, 2)
    assert explorer.asked[-1][2].tag == "holiday" and len(explorer.store.history) == 1
    qtbot.keyClicks(panel.results.filter.taken, "since 2024-05")
    wait_for_hits(qtbot, panel, explorer, 3)
    assert explorer.asked[-1][2] == Filter("holiday", since=datetime(2024, 5, 1))
    qtbot.keyClick(panel.results.filter.name, Qt.Key.Key_Escape)
    wait_for_hits(qtbot, panel, explorer, 4)
    assert explorer.asked[-1][2] == Filter() and panel.results.filter.isHidden()


def test_an_approximate_result_is_said_and_can_be_made_exact(panel, explorer, qtbot):
    explorer.large = True
    ask(qtbot, panel, explorer)
    assert "· approximately" in panel.controller.state.summary
    assert panel.header.action.text() == "Search exactly"
    kept = len(explorer.store.history)
    panel.header.action.click()
    wait_for_hits(qtbot, panel, explorer, 2)
    assert explorer.exact == [False, True] and explorer.asked[1][1][0].text == "a dog"
    assert "approximately" not in panel.controller.state.summary and panel.header.action.text() != "Search exactly"
    assert len(explorer.store.history) == kept


def test_nothing_passes_the_filter(panel, explorer, qtbot):
    explorer.levels = ()
    ask(qtbot, panel, explorer)
    assert panel.results.notice() == "There is nothing to search in yet"
    panel.results.filter.tag.setCurrentIndex(1)
    wait_for_hits(qtbot, panel, explorer, 2)
    assert panel.results.notice() == "No picture passes the filter"


@pytest.mark.parametrize(("error", "where"), [(QueryError("The terms take each other away.", "zero"), "header"),
                                             (WeightsError("Spoken queries need Whisper base.", "missing"), "header"),
                                             (ModelError("The model is damaged.", "damaged"), "header"),
                                             (ZeroDivisionError("oops"), "banner")])
def test_errors_are_said_in_their_place(panel, explorer, qtbot, error, where):
    told = []
    panel.failed.connect(lambda raised, safe: told.append(raised))
    explorer.error = error
    ask(qtbot, panel, explorer)
    if where == "header":
        assert panel.header.message.text() == str(error) and not told
    else:
        assert told == [error]


def test_too_long_a_text_is_said(panel, explorer, qtbot):
    explorer.cut = 12
    ask(qtbot, panel, explorer)
    assert "last 12 word parts were not used" in panel.header.message.text()


def test_the_chip_of_typed_words_shows_them(panel, explorer, qtbot):
    ask(qtbot, panel, explorer, "two cats")
    assert [chip.face.words for chip in panel.results.chips.chips] == ["two cats"]
    panel.controller.add_text("a dog")
    panel.controller.add_text("- people")
    assert [chip.face.words for chip in panel.results.chips.chips] == ["two cats", "also: a dog", "without: people"]


def test_on_a_very_wide_screen_play_keeps_its_size(panel, qtbot, tone):
    panel.resize(3000, 900)
    panel.controller._set(query=Query(QueryTerm("speech", "a dog", waveform=tone)))
    qtbot.waitUntil(lambda: panel.header.waveform.width() == panel.header.waveform.maximumWidth())
    assert panel.header.play.width() == panel.header.play.sizeHint().width()


def test_dropped_files_find_their_place(panel, explorer, pictures, tone, tmp_path, qtbot):
    drop(panel, pictures[0])
    wait_for_hits(qtbot, panel, explorer)
    assert explorer.asked[-1][1][0].path == pictures[0]
    audio.write_flac(tone, tmp_path / "said.flac")
    drop(panel, tmp_path / "said.flac")
    wait_for_hits(qtbot, panel, explorer, 2)
    assert panel.header.transcript.text() == "a brown dog" and len(explorer.asked[-1][1]) == 2
    drop(panel, text="two  cats")
    wait_for_hits(qtbot, panel, explorer, 3)
    assert panel.controller.state.query.main.text == "two cats"


def test_history_asks_again(panel, explorer, qtbot):
    ask(qtbot, panel, explorer)
    ask(qtbot, panel, explorer, "two cats")
    ask(qtbot, panel, explorer, "two cats")
    assert [record.text for record in explorer.store.history] == ["a dog", "two cats"], "the same query once"
    panel.results.history.click()
    qtbot.waitUntil(panel.history.isVisible)
    panel.history.list.setCurrentRow(1)
    panel.history.again.click()
    wait_for_hits(qtbot, panel, explorer, 4)
    assert panel.header.transcript.text() == "a dog"
    panel.history.clear.click()
    panel.history.clear.click()
    qtbot.waitUntil(lambda: not explorer.store.history)


def test_the_menu_of_a_hit(panel, explorer, qtbot):
    ask(qtbot, panel, explorer)
    menu = panel.hit_actions.menu(panel.results.grid.selected())
    actions = {action.text(): action for action in menu.actions()}
    actions["Copy path"].trigger()
    assert QGuiApplication.clipboard().text() == "/nowhere/picture 001.jpg" or QApplication.platformName() == "minimal"
    actions["Open"].trigger()
    assert "is gone" in panel.header.message.text()
    panel.away.ask_tag(panel.results.grid.selected())
    dialog = panel.findChild(NameDialog)
    dialog.field.setText(" a  tag ")
    dialog.accept_button.click()
    qtbot.waitUntil(lambda: explorer.store.tagged == [((1,), "a tag")])


def test_several_selected_pictures_are_counted_and_become_examples(panel, explorer, qtbot):
    ask(qtbot, panel, explorer)
    results = panel.results
    assert results.side.currentWidget() is results.detail
    widths = results.splitter.sizes(), panel.minimumSizeHint().width()
    select(panel, (1, 2))
    QApplication.processEvents()
    assert (results.splitter.sizes(), panel.minimumSizeHint().width()) == widths, "the grid keeps its columns"
    assert results.side.currentWidget() is results.selection and results.selection.count.text() == "3 selected"
    actions = panel.hit_actions.menu(results.grid.selected()).actions()
    texts = [action.text() for action in actions]
    assert texts[0] == "3 selected" and not actions[0].isSeparator() and not actions[0].isEnabled()
    assert {"3 selected", "Copy paths", "Copy files to a folder…", "More like these"} <= set(texts)
    assert "Show in folder" not in texts and "Open" not in texts
    bar = results.selection_bar
    assert bar.isVisible() and panel.said[-1].startswith("3 selected, 3 kB")
    qtbot.keyClick(results.grid, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert panel.header.message.text() == "3 pictures copied."
    bar.clear.click()
    assert not bar.isVisible() and results.grid.selected() == []
    select(panel, (0, 1, 2))
    add = next(button for button in bar.buttons if button.text() == "Add to the query")
    more = next(button for button in bar.buttons if button.text() == "More like these")
    add.click()
    wait_for_hits(qtbot, panel, explorer, 2)
    assert [term.kind for term in panel.controller.state.query.terms()] == ["text", "image", "image", "image"]
    assert results.side.currentWidget() is results.detail, "the new hits have one selected"
    select(panel, (1,))
    more.click()
    wait_for_hits(qtbot, panel, explorer, 3)
    assert [term.image_id for term in panel.controller.state.query.terms()] == [1, 2]
    select(panel, range(9))
    assert bar.count.text() == "9 selected" and not more.isEnabled()
    panel.controller.clear()
    assert not bar.isVisible() and "selected" not in panel.said[-1]
    assert results.side.currentWidget() is results.detail


def test_selected_pictures_are_tagged_and_their_files_copied(panel, explorer, qtbot, tmp_path, make_hit, pictures):
    explorer.make_hit = lambda rank, level: make_hit(rank, pictures[rank - 1] if rank < 4 else "", level)
    ask(qtbot, panel, explorer)
    select(panel, (1, 2, 3))
    panel.away.ask_tag(panel.results.grid.selected())
    dialog = panel.findChild(NameDialog)
    dialog.field.setText("t" * 101)
    assert not dialog.accept_button.isEnabled() and "at most 100" in dialog.problem.text()
    assert dialog.field.completer().model().index(0, 0).data() == "holiday", "a known tag is offered"
    dialog.field.setText("s3://is fine as a tag")
    dialog.accept_button.click()
    qtbot.waitUntil(lambda: explorer.store.tagged == [((1, 2, 3, 4), "s3://is fine as a tag")])
    there = tmp_path / "there"
    there.mkdir()
    panel.away.copy_files(panel.results.grid.selected(), there)
    qtbot.waitUntil(lambda: "copied to" in panel.header.message.text())
    assert panel.header.message.text() == f"3 pictures copied to {there}. 1 picture failed."
    panel.header.action.click()
    [box] = panel.findChildren(QMessageBox)
    assert "picture 004.jpg could not be copied" in box.informativeText()
    box.close()
    assert {path.name for path in there.iterdir()} == {path.name for path in pictures}


def test_identical_files_are_listed_and_shown_as_results(panel, explorer, qtbot, make_hit):
    def with_copies(rank, level):
        hit = make_hit(rank, level=level)
        return replace(hit, files=(hit.image, make_hit(77).image, make_hit(78).image)) if rank == 1 else hit

    explorer.make_hit = with_copies
    ask(qtbot, panel, explorer)
    detail = panel.results.detail
    assert detail.copies.isVisible() and detail.copies.text() == "3 copies"
    detail.copies.click()
    dialog = panel.findChild(CopiesDialog)
    assert [dialog.list.item(at).text() for at in range(3)] == [
        f"/nowhere/picture {number:03}.jpg" for number in (1, 77, 78)]
    dialog.as_hits.click()
    wait_for_hits(qtbot, panel, explorer, 2)
    assert explorer.all_copies and panel.header.action.text() == "Show one of them"
    panel.header.action.click()
    wait_for_hits(qtbot, panel, explorer, 3)
    assert not explorer.all_copies
    panel.results.grid.select_row(1)
    assert not detail.copies.isVisible()


def test_the_smallest_window_shows_the_score(panel, explorer, qtbot):
    panel.controller._set(speech=SpeechSupport(
        False, "To transcribe speech, the program needs Whisper base (145 MB). You can type meanwhile.", "Download"))
    panel.resize(916, 600)  # what 1000 x 640 leave
    ask(qtbot, panel, explorer)
    assert panel.minimumSizeHint().width() <= 916

    def is_whole() -> bool:
        """Looked up anew each time: the rows are made again when the results change."""
        score = next((words for words in panel.results.detail.findChildren(QLabel) if words.text() == "Score"), None)
        return score is not None and score.visibleRegion().boundingRect().height() == score.height() > 0

    qtbot.waitUntil(is_whole)


def test_i_takes_the_chosen_hit_apart(panel, explorer, qtbot, sound):
    ask(qtbot, panel, explorer, "a brown dog")
    panel.results.grid.setFocus()
    with qtbot.waitSignal(panel.go_to) as gone:
        qtbot.keyClick(panel.results.grid, Qt.Key.Key_I)
    key, asked = gone.args
    image = panel.results.grid.current()
    assert key == "inspect" and asked.text == "a brown dog"
    assert (asked.path, asked.image_id) == (image.path, image.id)
    assert asked.gallery == "Flickr" and asked.waveform is None and asked.note == ""
    panel.controller.add_text("a red ball")
    wait_for_hits(qtbot, panel, explorer, 2)
    with qtbot.waitSignal(panel.go_to) as gone:
        panel.results.detail.why.click()
    asked = gone.args[1]
    assert "of this one alone" in asked.note and (asked.text, asked.term) == ("a brown dog", 0)
    assert [(each.label, each.text) for each in asked.terms] == [("a brown dog",) * 2, ("a red ball",) * 2]
    assert "Why this picture?\tI" in [each.text() for each in panel.hit_actions.menu([image]).actions()]


def test_a_query_of_pictures_alone_cannot_be_taken_apart(panel, explorer, qtbot, pictures):
    panel.controller.add_image(pictures[0])
    hits = wait_for_hits(qtbot, panel, explorer)
    gone = []
    panel.go_to.connect(lambda *facts: gone.append(facts))
    panel.hit_actions.inspect([hits[0].image])
    assert not gone and "Only text and speech" in panel.header.message.text()


def test_the_size_of_cards_is_a_setting(panel, context):
    panel.results.zoom(2)
    assert context.settings["appearance.card_width"] == 204
    panel.results.zoom(999)
    assert context.settings["appearance.card_width"] == 420


@pytest.mark.parametrize("kind", ["speech", "text"])
def test_every_chip_can_be_taken_out(panel, explorer, tone, qtbot, kind):
    if kind == "speech":
        panel.controller.add_recording(tone)
        wait_for_hits(qtbot, panel, explorer)
    else:
        ask(qtbot, panel, explorer)
    [chip] = panel.results.chips.chips
    chip.setFocus()
    qtbot.keyClick(chip, Qt.Key.Key_Delete)
    assert panel.controller.state.query.terms() == () and panel.results.chips.chips == []


def test_a_failed_query_leaves_no_hits_of_an_earlier_one(panel, explorer, qtbot):
    ask(qtbot, panel, explorer)
    assert panel.results.showing_hits()
    explorer.error = QueryError("None of the 8 pictures of Flickr are indexed with the present model.", "not_indexed")
    panel.controller.type_text("two cats")
    qtbot.waitUntil(lambda: not panel.results.showing_hits())
    assert panel.results.grid.pictures.rowCount() == 0 and "nothing to show" in panel.results.notice()
    assert panel.header.action.text() == "Index now"


def test_hits_of_an_earlier_query_are_marked_while_another_is_searched_and_gone_when_it_is_stopped(
        panel, explorer, qtbot):
    ask(qtbot, panel, explorer, "a dog")
    explorer.gate.clear()
    panel.controller.type_text("a yellow submarine")
    qtbot.waitUntil(panel.results.stale.isVisible)
    assert "a dog" in panel.results.stale.text() and panel.results.grid.cards.faded
    qtbot.keyClick(panel.results.grid, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not panel.results.showing_hits())
    assert panel.results.notice() == "The search was stopped" and not panel.results.grid.cards.faded


def test_another_model_asks_the_same_query_again(panel, context, explorer, qtbot):
    ask(qtbot, panel, explorer)
    context.change("vision.model", "zero-shot")
    wait_for_hits(qtbot, panel, explorer, 2)
    assert [each.text for each in explorer.asked[-1][1]] == ["a dog"]


class Windows(QObject):
    """Notes the widgets that show as windows of their own."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.seen.append(watched)
        return False


def test_no_part_flashes_as_a_window_and_takes_the_focus(panel, explorer, context, qapp, qtbot):
    windows = Windows()
    qapp.installEventFilter(windows)
    ask(qtbot, panel, explorer)
    panel.results.chips.words_added.emit("- people")
    wait_for_hits(qtbot, panel, explorer, 2)
    panel.controller.clear()
    context.galleries_changed.emit()
    qtbot.waitUntil(lambda: panel.results.notice() == "Say what you look for")
    qapp.removeEventFilter(windows)
    assert windows.seen == []


def test_the_query_is_shown_on_the_map_of_its_gallery(panel, explorer, qtbot):
    panel.controller.show_on_map()  # nothing yet
    hits = ask(qtbot, panel, explorer)
    menu = panel.hit_actions.menu([hits[0].image])
    with qtbot.waitSignal(panel.go_to) as went:
        next(action for action in menu.actions() if action.text() == "Show the query on the map").trigger()
    key, query = went.args
    result = panel.controller.state.answer.result
    assert (key, query.gallery, query.label) == ("map", result.gallery, "a dog")
    assert query.vector.tolist() == pytest.approx((result.terms[0].vector / (result.terms[0].vector ** 2).sum() ** 0.5)
                                                  .tolist())
