"""The Search panel as a user has it, over an explorer that answers at once; the last test is on real weights."""

import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QItemSelectionModel, QMimeData, QObject, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from brewclip_app.capture.push_to_talk import PushToTalk
from brewclip_app.capture.recording import Microphone
from brewclip_app.context import Context
from brewclip_app.panels.base import Question
from brewclip_app.panels.search.copies_dialog import CopiesDialog
from brewclip_app.panels.search.notices import notice_for
from brewclip_app.panels.search.panel import SearchPanel
from brewclip_app.panels.search.query import Query, to_history
from brewclip_app.widgets.indexing_progress import IndexingProgress
from brewclip_app.widgets.name_dialogs import NameDialog
from core import audio
from core.asr.transcript import Transcript, Word
from core.errors import ModelError, QueryError, WeightsError
from core.explorer import Explorer, ModelStatus, SearchResult
from core.fingerprint import Fingerprint
from core.indexing.unfinished import UnfinishedRun
from core.progress import Progress
from core.search.queries import EncodedTerm
from core.search.terms import QueryTerm
from core.settings import Settings
from core.store.records import Filter, GalleryRecord, GalleryState, QueryRecord

HEARD = Transcript("a brown dog", "en", (Word("a", 0, 0.1, 0.99), Word("brown", 0.1, 0.5, 0.4),
                                         Word("dog", 0.5, 0.8, 0.97)), -0.1, 0.01, 1.0)
SILENT = Transcript("", "", (), 0.0, 0.9, 0.0, reason="Nothing was said: the recording is silent.")


class FakeStore:
    def __init__(self):
        self.records = {name: GalleryRecord(at, name, datetime.now(UTC), (Path("/nowhere"),))
                        for at, name in enumerate(("Flickr", "Holidays"), 1)}
        self.counts = {"Flickr": (8, 8, 0), "Holidays": (5, 5, 0)}
        self.fingerprints = ()
        self.history, self.tagged = [], []

    def galleries(self):
        return list(self.records.values())

    def queries(self, limit=200):
        return self.history[::-1][:limit]

    def delete_query(self, query_id):
        self.history = [record for record in self.history if record.id != query_id]

    def clear_queries(self):
        self.history.clear()


class FakeGallery:
    def __init__(self, store, info):
        self.store, self.info = store, info

    def state(self, fingerprint=""):
        images, indexed, failed = self.store.counts[self.info.name]
        return GalleryState(self.info, images, indexed, failed, 0, self.store.fingerprints)

    def tags(self):
        return [("holiday", 2)]

    def add_tag(self, ids, tag):
        self.store.tagged.append((tuple(ids), tag))

    def images(self, ids=None):
        return []


class FakeExplorer:
    """Answers like `core.explorer.Explorer`; `gate` holds a search up, `error` makes it fail."""

    def __init__(self, make_hit):
        self.store, self.make_hit = FakeStore(), make_hit
        self.asked, self.transcript, self.error, self.cut = [], HEARD, None, 0
        self.exact, self.large = [], False  # whether each search was to be exact; whether an index answers
        self.levels = ("strong",) * 3 + ("weak",) * 17
        self.unfinished, self.run = SimpleNamespace(of=lambda gallery: self.run), None
        self.gate = threading.Event()
        self.gate.set()

    def warm_up(self, report):
        return None

    recogniser = warm_up

    def fingerprint(self):
        return Fingerprint.of({"backbone": "fake"})

    def status(self):
        return ModelStatus("fake", "", "Whisper base", "cpu", "", True, True)

    def use_settings(self, settings):
        pass

    def transcribe_query(self, waveform, report):
        self.wait(report)
        return self.transcript

    def wait(self, report):
        while not self.gate.wait(0.01):
            report(Progress(subject="Waiting"))

    def addresses(self):
        return ()

    def gallery(self, gallery):
        return FakeGallery(self.store, self.store.records[gallery])

    def search(self, gallery, asks, top, limits, report, exact=False, all_copies=False):
        self.asked.append((gallery, asks, limits))
        self.all_copies = all_copies
        self.exact.append(exact)
        self.wait(report)
        if self.error:
            raise self.error
        hits = tuple(self.make_hit(rank, level=level) for rank, level in enumerate(self.levels, 1))
        terms = tuple(EncodedTerm(ask.kind, ask.text, np.ones(3, np.float32), ask.weight) for ask in asks)
        return SearchResult(gallery, hits, len(hits), None, None, terms, self.cut, {"search": 3.2}, 0,
                            self.large and not exact)

    def remember(self, result, terms="[]"):
        number = len(self.store.history) + 1
        kinds = {term.kind for term in result.terms}
        self.store.history.append(QueryRecord(number, datetime.now(UTC), result.gallery, result.terms[0].label,
                                              kinds.pop() if len(kinds) == 1 else "mixed", None, terms))

    def close(self):
        pass


@pytest.fixture
def explorer(make_hit):
    made = FakeExplorer(make_hit)
    yield made
    made.gate.set()


@pytest.fixture
def context(qapp, home, explorer):
    made = Context(home, explorer)
    made.set_gallery("Flickr")
    yield made
    explorer.gate.set()
    made.jobs.shutdown()


@pytest.fixture
def panel(qtbot, context, sound, direct_thread, monkeypatch):
    microphone = Microphone(sound=sound, thread=direct_thread)
    monkeypatch.setattr(PushToTalk, "watch", lambda self: self.microphone.refresh())
    made = SearchPanel(context, PushToTalk(context, microphone=microphone))
    qtbot.addWidget(made)
    made.resize(1180, 740)
    made.said = []
    made.status_changed.connect(made.said.append)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    made.activated()
    qtbot.waitUntil(lambda: made.place.view is not None)
    microphone.refresh()
    yield made
    made.closing()


def wait_for_hits(qtbot, panel, explorer, count=1):
    qtbot.waitUntil(lambda: len(explorer.asked) >= count and not panel.flow.busy())
    return panel.results.grid.hits.hits()


def ask(qtbot, panel, explorer, text="a dog"):
    panel.header.transcript.setFocus()
    panel.header.transcript.setPlainText(text)
    before = len(explorer.asked)
    qtbot.keyClick(panel.header.transcript, Qt.Key.Key_Return)
    return wait_for_hits(qtbot, panel, explorer, before + 1)


def speak(panel, sound, seconds=1.0, level=0.3):
    """Hold Space (its time is given to `PushToTalk` by the test), speak, let go."""
    stream = sound.streams[-1]
    stream.send(level, seconds)
    panel.voice.microphone.drain()
    panel.voice._pressed_at -= seconds
    panel.voice.microphone._pressed -= seconds


def end_recording(qtbot, panel, sound, level=0.3):
    microphone = panel.voice.microphone

    def over():
        if microphone.state == "stopping":
            sound.streams[-1].send(level, 0.1)
            microphone.drain()
        return microphone.state in ("ready", "off")

    qtbot.waitUntil(over)


def test_typed_words_find_pictures(panel, explorer, qtbot):
    hits = ask(qtbot, panel, explorer)
    gallery, [term], limits = explorer.asked[0]
    assert (gallery, term.kind, term.text, limits.name) == ("Flickr", "text", "a dog", "")
    assert len(hits) == 10 and panel.results.grid.unfold.isVisible()
    assert panel.results.grid.hasFocus(), "so that Space records and arrows walk"
    assert panel.said[-1].startswith("Searched 20 in 3 ms") and "Gallery Flickr · 8 of 8 indexed" in panel.said[-1]


def test_space_held_records_and_searches(panel, explorer, sound, qtbot):
    panel.header.record.setFocus()
    qtbot.keyPress(panel.header.record, Qt.Key.Key_Space)
    assert panel.voice.is_recording()
    speak(panel, sound)
    assert panel.header.waveform.bars()
    qtbot.keyRelease(panel, Qt.Key.Key_Space)
    end_recording(qtbot, panel, sound)
    wait_for_hits(qtbot, panel, explorer)
    assert panel.header.transcript.text() == "a brown dog"
    assert panel.header.transcript.doubtful() == ["brown"]
    assert panel.header.language.text() == "English"
    [term] = explorer.asked[0][1]
    assert (term.kind, term.text) == ("speech", "a brown dog") and term.waveform.seconds > 1
    assert panel.said[-1].startswith("Heard ") and "recognised in" in panel.said[-1]
    assert panel.results.detail.names == {"a brown dog": "Transcript"}


def test_a_tap_records_until_the_next(panel, explorer, sound, qtbot):
    qtbot.mouseClick(panel.header.record, Qt.MouseButton.LeftButton)
    assert panel.voice.is_recording(), "a click is a tap"
    sound.streams[-1].send(0.3, 1.0)
    panel.voice.microphone.drain()
    panel.voice.microphone._pressed -= 1.0
    qtbot.mouseClick(panel.header.record, Qt.MouseButton.LeftButton)
    end_recording(qtbot, panel, sound)
    wait_for_hits(qtbot, panel, explorer)
    assert panel.header.transcript.text() == "a brown dog"


def test_releases_between_key_repeats_do_not_stop(panel, sound, qtbot):
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    speak(panel, sound)
    qtbot.keyRelease(panel, Qt.Key.Key_Space)
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    assert panel.voice.is_recording() and not panel.space.waits
    panel.voice.cancel()
    panel.releaseKeyboard()


def test_space_types_in_the_transcript(panel, qtbot):
    panel.header.transcript.setFocus()
    qtbot.keyClicks(panel.header.transcript, "a dog")
    assert panel.header.transcript.text() == "a dog" and not panel.voice.is_recording()


def test_space_in_the_empty_line_records_and_blanks_never_remain(panel, explorer, sound, qtbot):
    ask(qtbot, panel, explorer)
    line = panel.header.transcript
    qtbot.keyClick(panel.results.grid, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert panel.focusWidget() is line
    qtbot.keyPress(line, Qt.Key.Key_Space)
    assert panel.voice.is_recording() and line.toPlainText() == ""
    assert not line.hasFocus(), "the next Space records too, it types nothing into what was heard"
    qtbot.keyClick(panel, Qt.Key.Key_Escape)
    panel.releaseKeyboard()
    line.setFocus()
    line.setPlainText("  ")
    qtbot.keyClick(line, Qt.Key.Key_Escape)
    assert line.toPlainText() == "" and not line.hasFocus()


def test_from_the_moment_a_recording_starts_the_hits_are_marked_as_of_the_query_before(
        panel, explorer, sound, qtbot):
    ask(qtbot, panel, explorer)
    line, stale = panel.header.transcript, panel.results.stale
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    assert line.text() == "" and "a dog" in stale.text() and panel.results.grid.cards.faded
    qtbot.keyClick(panel, Qt.Key.Key_Escape)
    panel.releaseKeyboard()
    assert line.text() == "a dog" and not panel.results.grid.cards.faded
    explorer.gate.clear()
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    speak(panel, sound)
    qtbot.keyRelease(panel, Qt.Key.Key_Space)
    end_recording(qtbot, panel, sound)
    qtbot.waitUntil(panel.flow.busy)
    assert line.text() == "" and stale.isVisible() and panel.results.grid.cards.faded
    needed = line.fontMetrics().horizontalAdvance(line.placeholderText())
    qtbot.waitUntil(lambda: line.viewport().width() > needed)
    explorer.gate.set()
    qtbot.waitUntil(lambda: line.text() == "a brown dog" and not panel.results.grid.cards.faded)


def test_a_recording_of_a_further_term_leaves_words_and_hits_as_they_are(panel, explorer, sound, qtbot):
    ask(qtbot, panel, explorer)
    panel.results.chips.voice_wanted.emit(1)
    assert panel.voice.is_recording()
    assert panel.header.transcript.text() == "a dog" and not panel.results.grid.cards.faded


def test_a_recording_that_is_left_brings_the_query_before_back(panel, explorer, sound, qtbot):
    ask(qtbot, panel, explorer)
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    panel.deactivated()
    panel.releaseKeyboard()
    assert panel.header.transcript.text() == "a dog" and not panel.results.grid.cards.faded


def test_after_a_term_is_added_space_records(panel, explorer, sound, qtbot):
    ask(qtbot, panel, explorer)
    chips = panel.results.chips
    chips.open_field()
    qtbot.keyClicks(chips.field, "- people")
    qtbot.keyClick(chips.field, Qt.Key.Key_Return)
    assert panel.results.grid.hasFocus()
    wait_for_hits(qtbot, panel, explorer, 2)


def test_without_a_microphone_the_notice_is_said_once_and_the_page_does_not_grow(panel, explorer, sound, qtbot):
    sound.names.clear()
    panel.voice.microphone.set_ready(False)
    panel.voice.microphone.refresh()
    before = panel.minimumSizeHint().height()
    assert panel.header.record.missing and panel.header.record.toolTip()
    qtbot.keyClick(panel, Qt.Key.Key_Space)
    panel.releaseKeyboard()
    assert "No microphone found" in panel.header.hint.text() and panel.header.message.text() == ""
    panel.header.say("A sentence that is as long as the reasons of a sound system that cannot be loaded. " * 2, "care")
    one_line = panel.header.message.fontMetrics().lineSpacing()
    panel.layout().activate()
    assert panel.minimumSizeHint().height() - before <= 2 * one_line


def test_esc_cancels_a_recording_and_keeps_the_results(panel, explorer, sound, qtbot):
    ask(qtbot, panel, explorer)
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    speak(panel, sound)
    qtbot.keyClick(panel, Qt.Key.Key_Escape)
    assert not panel.voice.is_recording() and panel.header.transcript.text() == "a dog"
    assert panel.results.showing_hits() and len(explorer.asked) == 1
    panel.releaseKeyboard()


@pytest.mark.parametrize(("level", "words"), [(0.0, "muted"), (0.004, "Too quiet")])
def test_a_useless_recording_is_said_and_costs_nothing(panel, explorer, sound, qtbot, level, words):
    ask(qtbot, panel, explorer)
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    speak(panel, sound, level=level)
    qtbot.keyRelease(panel, Qt.Key.Key_Space)
    end_recording(qtbot, panel, sound, level)
    assert words in panel.header.message.text() and panel.results.showing_hits()


def test_no_microphone_is_said_where_it_is_missed(panel, sound, qtbot):
    sound.names.clear()
    panel.voice.microphone.set_ready(False)
    panel.voice.microphone.refresh()
    assert panel.header.microphones.currentText() == "No microphone"
    qtbot.mouseClick(panel.header.record, Qt.MouseButton.LeftButton)
    assert "No microphone found" in panel.header.hint.text()


def test_the_microphone_is_let_go_when_the_panel_is_not_in_front(panel, sound):
    panel.header.keep_ready.setChecked(True)
    panel.voice.microphone.set_ready(True)
    assert not sound.streams[-1].closed
    panel.deactivated()
    assert sound.streams[-1].closed


def test_nothing_heard_keeps_the_query_before(panel, explorer, tone, qtbot):
    ask(qtbot, panel, explorer)
    explorer.transcript = SILENT
    with qtbot.waitSignal(panel.flow.nothing_heard):
        panel.conductor.hear(tone, 0)
    assert panel.header.message.text() == SILENT.reason and panel.header.action.text() == "Hear the recording"
    assert panel.header.transcript.text() == "a dog" and panel.session.query.text == "a dog"
    assert panel.results.showing_hits()


def test_editing_follows_and_ctrl_z_goes_back(panel, explorer, tone, qtbot):
    panel.conductor.hear(tone, 0)
    wait_for_hits(qtbot, panel, explorer)
    ask(qtbot, panel, explorer, "a brown dog in snow")
    assert explorer.asked[-1][1][0].text == "a brown dog in snow"
    assert panel.header.transcript.doubtful() == []
    panel.session.undo()
    wait_for_hits(qtbot, panel, explorer, 3)
    assert panel.header.transcript.text() == "a brown dog" and panel.header.transcript.doubtful() == ["brown"]


def test_a_translation_shows_what_was_said(panel, explorer, tone, qtbot):
    explorer.transcript = Transcript("A cat.", "fr", (), -0.1, 0.01, 1.0, original="Un chat.")
    panel.conductor.hear(tone, 0)
    wait_for_hits(qtbot, panel, explorer)
    assert panel.header.language.text() == "French" and panel.header.original.text() == "Said: “Un chat.”"


def test_words_in_doubt_are_said_to_be_until_they_are_corrected(panel, explorer, tone, qtbot):
    explorer.transcript = Transcript("ducks, ducks", "en", (), -0.9, 0.5, 1.0, doubtful=True)
    panel.conductor.hear(tone, 0)
    wait_for_hits(qtbot, panel, explorer)
    assert panel.header.original.text().startswith("Doubtful") and not panel.header.original.isHidden()
    ask(qtbot, panel, explorer, "two ducks")
    assert panel.header.original.isHidden()


def test_notes_about_the_recording_stand_under_its_words(panel, explorer, tone, qtbot):
    explorer.transcript = Transcript("a dog", "en", (), -0.1, 0.01, 1.0, notes=("It was read to its end.",))
    panel.conductor.hear(tone, 0)
    wait_for_hits(qtbot, panel, explorer)
    assert panel.header.original.text() == "It was read to its end." and not panel.header.original.isHidden()


def test_chips_change_the_query(panel, explorer, qtbot):
    ask(qtbot, panel, explorer)
    panel.results.chips.words_added.emit("- people")
    wait_for_hits(qtbot, panel, explorer, 2)
    assert [(term.text, term.weight) for term in explorer.asked[-1][1]] == [("a dog", 1), ("people", -1)]
    panel.results.chips.flipped.emit(1)
    wait_for_hits(qtbot, panel, explorer, 3)
    assert explorer.asked[-1][1][1].weight == 1
    panel.results.chips.stepped.emit(1, 1)
    wait_for_hits(qtbot, panel, explorer, 4)
    assert explorer.asked[-1][1][1].weight == 1.5
    panel.results.chips.removed.emit(1)
    wait_for_hits(qtbot, panel, explorer, 5)
    assert len(explorer.asked[-1][1]) == 1 and len(panel.results.chips.chips) == 1


def test_more_like_this_and_adding_a_hit(panel, explorer, qtbot):
    ask(qtbot, panel, explorer)
    panel.hit_actions.add_wanted.emit(panel.results.grid.current(), -1)
    wait_for_hits(qtbot, panel, explorer, 2)
    assert (explorer.asked[-1][1][1].kind, explorer.asked[-1][1][1].weight) == ("image", -1)
    qtbot.mouseClick(panel.results.detail.more, Qt.MouseButton.LeftButton)
    wait_for_hits(qtbot, panel, explorer, 3)
    [term] = explorer.asked[-1][1]
    assert (term.kind, term.image_id) == ("image", 1) and panel.header.transcript.text() == ""


def test_the_latest_query_wins(panel, explorer, qtbot):
    explorer.gate.clear()
    panel.session.type_main("first")
    qtbot.waitUntil(lambda: len(explorer.asked) == 1)
    panel.session.type_main("second")
    explorer.gate.set()
    wait_for_hits(qtbot, panel, explorer, 2)
    assert panel.session.query.text == "second" and panel.header.transcript.text() == "second"


def test_a_slow_search_shows_progress_and_esc_stops_it(panel, explorer, qtbot):
    place = panel.results.stack.geometry()
    explorer.gate.clear()
    panel.session.type_main("slow")
    qtbot.waitUntil(panel.results.progress.isVisible)
    assert panel.results.progress.title.text() and panel.results.stack.geometry() == place, "nothing jumps"
    qtbot.keyClick(panel.results.grid, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not panel.flow.busy())
    assert panel.results.progress.isHidden()


def test_the_filter_goes_to_the_core_and_is_not_kept_as_a_query(panel, explorer, qtbot):
    ask(qtbot, panel, explorer)
    panel.results.turn_filter()
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
    assert "· approximately" in panel.conductor.words
    assert panel.header.action.text() == "Compare them all"
    kept = len(explorer.store.history)
    panel.header.action.click()
    wait_for_hits(qtbot, panel, explorer, 2)
    assert explorer.exact == [False, True] and explorer.asked[1][1][0].text == "a dog"
    assert "approximately" not in panel.conductor.words and panel.header.action.text() != "Compare them all"
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


def test_another_gallery_answers_the_same_query(panel, explorer, context, qtbot):
    ask(qtbot, panel, explorer)
    panel.header.galleries.setCurrentIndex(1)
    panel.header.galleries.activated.emit(1)
    wait_for_hits(qtbot, panel, explorer, 2)
    assert context.gallery == "Holidays" and explorer.asked[-1][0] == "Holidays"


def empty_panel(qtbot, context):
    context.set_gallery("")
    context.jobs.hold()  # as before the first paint
    made = SearchPanel(context)
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.mark.parametrize("kept", [None, True, False])
def test_the_right_page_is_shown_before_the_galleries_are_read(qtbot, context, explorer, sound, kept):
    """`kept`: whether the store, which is there, had no gallery the last time; None: there is no store."""
    if kept is not None:
        context.home.store.parent.mkdir(parents=True, exist_ok=True)
        context.home.store.touch()
        context.state.keep("no_galleries", kept)
    explorer.store.records = {} if kept is not False else explorer.store.records
    panel = empty_panel(qtbot, context)
    first = kept is not False
    assert panel.place.view is None and panel.place.first == first
    assert panel.place.first_start.isVisible() == first
    panel.flow.refresh_gallery()
    context.jobs.release()
    qtbot.waitUntil(lambda: panel.place.view is not None)
    assert panel.place.first_start.isVisible() == first and context.state.get("no_galleries") == first
    panel.closing()


def test_the_demos_progress_stands_on_the_first_page_with_a_way_to_stop_it(qtbot, context, explorer):
    explorer.store.records.clear()
    page = empty_panel(qtbot, context).place.first_start
    assert not page.progress.isVisible() and page.demo.isEnabled()

    def build(report):
        for number in range(1000):
            report(Progress(done=number, total=1000, subject="Drawing the demo's pictures"))
            explorer.gate.wait(0.01)

    explorer.gate.clear()
    context.jobs.release()
    context.indexing._run("demo", "Building the demo", build)
    qtbot.waitUntil(lambda: "Drawing" in page.progress.detail.text())
    assert page.progress.isVisible() and page.progress.title.text() == "Building the demo"
    assert not page.demo.isEnabled() and not page.choose.isEnabled()
    page.progress.cancel.click()
    qtbot.waitUntil(lambda: not page.progress.isVisible())
    assert page.demo.isEnabled()


def test_when_the_first_gallery_is_there_the_record_button_has_the_keyboard(qtbot, context, explorer, sound):
    kept = dict(explorer.store.records)
    explorer.store.records.clear()
    panel = empty_panel(qtbot, context)
    panel.activated()
    context.jobs.release()
    qtbot.waitUntil(lambda: panel.place.view is not None)
    panel.focusWidget().clearFocus()  # as when the buttons are disabled while the demo is built
    explorer.store.records.update(kept)
    context.galleries_changed.emit()
    qtbot.waitUntil(lambda: not panel.place.first)
    assert panel.focusWidget() is panel.header.record
    panel.closing()


def test_while_nothing_is_indexed_yet_the_notice_has_the_progress(panel, context, explorer, qtbot):
    explorer.store.counts["Flickr"] = (0, 0, 0)
    explorer.gate.clear()
    context.indexing._run("Flickr", "Indexing Flickr", explorer.wait)
    with qtbot.waitSignal(panel.place.changed):
        context.galleries_changed.emit()
    qtbot.waitUntil(lambda: panel.results.notice() == "Indexing Flickr")
    bar = panel.results._notice.findChild(IndexingProgress)
    assert bar.isVisible() and bar.cancel.isVisible()
    bar.cancel.click()
    qtbot.waitUntil(lambda: context.indexing.job("Flickr") is None)


@pytest.mark.parametrize("kept", [True, False])
def test_the_query_of_the_last_start_comes_back_without_the_microphone(panel, context, explorer, qtbot, sound, kept):
    ask(qtbot, panel, explorer, "a brown dog")
    context.change("search.keep_history", kept)
    state = panel.save_state()
    again = SearchPanel(context)
    qtbot.addWidget(again)
    again.restore_state(state)
    assert again.header.transcript.text() == ("a brown dog" if kept else "")
    assert len(explorer.asked) == 1, "nothing is searched before the window is there"
    assert again.voice.microphone.state == "off"
    history = len(explorer.store.history)
    again.flow.refresh_gallery()
    qtbot.waitUntil(lambda: again.place.view is not None)
    if kept:
        wait_for_hits(qtbot, again, explorer, 2)
        assert again.results.grid.hits.rowCount() and len(explorer.store.history) == history
    else:
        assert again.results.notice() and len(explorer.asked) == 1
    again.closing()


def test_a_spoken_query_of_the_last_start_has_its_recording(panel, context, explorer, qtbot, tmp_path, tone):
    panel.conductor.hear(tone, 0)
    wait_for_hits(qtbot, panel, explorer)
    kept = tmp_path / "voice.flac"
    audio.write_flac(tone, kept)
    explorer.store.history[-1] = replace(explorer.store.history[-1], recording=kept)
    state, heard = panel.save_state(), panel.session.query.main.text
    explorer.transcribe_query = None  # nothing is heard again
    again = SearchPanel(context)
    qtbot.addWidget(again)
    again.restore_state(state)
    assert again.header.transcript.text() == heard
    qtbot.waitUntil(lambda: again.conductor.utterance is not None)
    assert len(explorer.asked) == 1, "nothing is searched before the galleries were read"
    again.flow.refresh_gallery()
    wait_for_hits(qtbot, again, explorer, 2)
    assert explorer.asked[-1][1][0].waveform is again.conductor.utterance and explorer.asked[-1][1][0].text == heard
    assert not again.header.play.isHidden() and again.voice.microphone.state == "off"
    assert len(explorer.store.history) == 1
    again.closing()


def test_the_recording_of_the_last_start_does_not_replace_what_is_asked_meanwhile(panel, context, explorer, qtbot):
    panel.session.type_main("two cats")
    wait_for_hits(qtbot, panel, explorer)
    panel._take_restored(Query(), to_history(Query(QueryTerm("text", "a dog"))), None)
    assert panel.session.query.text == "two cats"


def test_the_chip_of_typed_words_shows_them(panel, explorer, qtbot):
    ask(qtbot, panel, explorer, "two cats")
    assert [chip.face.words for chip in panel.results.chips.chips] == ["+ two cats"]


def finished(gate):
    assert gate.wait(20)
    return SimpleNamespace(embedded=0, seconds=0.0)


def test_a_gallery_that_is_being_indexed_is_counted_to_its_end(panel, context, explorer, qtbot):
    explorer.store.counts["Flickr"], explorer.run = (384, 384, 0), UnfinishedRun(720)
    with qtbot.waitSignal(panel.place.changed):
        panel.flow.refresh_gallery()
    assert panel.said[-1].endswith("Gallery Flickr · 384 of 720 indexed")
    gate = threading.Event()
    context.indexing._run("Flickr", "Indexing Flickr", lambda report: finished(gate))
    explorer.store.counts["Flickr"] = (512, 512, 0)
    ask(qtbot, panel, explorer)
    qtbot.waitUntil(lambda: panel.said[-1].endswith("Gallery Flickr · 512 of 720 indexed"))
    gate.set()
    qtbot.waitUntil(lambda: context.indexing.job("Flickr") is None)


def test_a_query_kept_by_another_version_or_for_another_gallery_is_left_out(panel, context, explorer, qtbot):
    panel.restore_state({"query": "[{", "gallery": "Flickr"})
    panel.restore_state({"query": '[{"kind": "text"}]', "gallery": "Flickr"})
    ask(qtbot, panel, explorer, "two cats")
    state = {**panel.save_state(), "gallery": "Holidays"}
    again = SearchPanel(context)
    qtbot.addWidget(again)
    again.restore_state(state)
    assert not again.session.query.terms()
    again.closing()


def test_without_galleries_the_first_start_is_shown(panel, explorer, context, qtbot):
    explorer.store.records.clear()
    context.set_gallery("")
    context.galleries_changed.emit()
    qtbot.waitUntil(lambda: panel.place.first)
    assert panel.place.first_start.isVisible() and not panel.header.isVisible()
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    assert not panel.voice.is_recording()


@pytest.mark.parametrize(("counts", "fingerprints", "title", "step"), [
    ((0, 0, 0), (), "No pictures in Flickr yet", "folder"),
    ((8, 0, 0), ((Fingerprint.of({"backbone": "other"}), 8),), "Another model looks at the pictures now", "index"),
    ((8, 0, 0), (), "Flickr is not indexed yet", "index"),
    ((8, 8, 0), (), "Say what you look for", "")])
def test_what_is_shown_while_nothing_can_be_found(panel, explorer, context, qtbot, counts, fingerprints, title, step):
    explorer.store.counts["Flickr"], explorer.store.fingerprints = counts, fingerprints
    with qtbot.waitSignal(panel.place.changed):
        context.galleries_changed.emit()
    assert panel.results.notice() == title
    assert notice_for(panel.place.view, indexing=False).step == step


def test_while_indexing_the_notice_leads_to_the_progress(panel, explorer, context, qtbot):
    explorer.store.counts["Flickr"] = (0, 0, 0)
    with qtbot.waitSignal(panel.place.changed):
        context.galleries_changed.emit()
    assert notice_for(panel.place.view, indexing=True).step == "library"


def test_failed_files_are_counted_in_the_status(panel, explorer, context, qtbot):
    explorer.store.counts["Flickr"] = (8, 8, 3)
    links = []
    panel.status_link.connect(lambda *link: links.append(list(link)))
    with qtbot.waitSignal(panel.place.changed):
        context.galleries_changed.emit()
    assert "8 of 11 indexed" in panel.said[-1] and links[-1] == ["3 could not be read", "library"]


def test_a_first_query_says_what_it_waits_for(panel, explorer, qtbot, tone, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr(explorer, "status", lambda: ModelStatus("mini", "", "Whisper base", "", "", False, False))
    monkeypatch.setattr(explorer, "recogniser", lambda report: gate.wait(20))  # another job loads it: no report here
    panel.conductor.hear(tone, 0)
    qtbot.waitUntil(lambda: panel.results.progress.isVisibleTo(panel))
    assert panel.results.progress.title.text() == "Loading Whisper base"
    gate.set()
    wait_for_hits(qtbot, panel, explorer)


def test_without_a_microphone_nobody_is_told_to_hold_space(panel, explorer, sound, qtbot):
    sound.names = []
    panel.voice.microphone.refresh()
    ask(qtbot, panel, explorer)
    assert panel.header.hint.text() == panel.voice.microphone.problem != ""


def test_on_a_very_wide_screen_play_keeps_its_size(panel, qtbot, tone):
    panel.resize(3000, 900)
    panel.header.show_utterance(tone)
    qtbot.waitUntil(lambda: panel.header.waveform.width() == panel.header.waveform.maximumWidth())
    assert panel.header.play.width() == panel.header.play.sizeHint().width()


def drop(panel, *paths, text=""):
    data = QMimeData()
    if paths:
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    if text:
        data.setText(text)
    panel.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                               Qt.KeyboardModifier.NoModifier))


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
    assert panel.session.query.main.text == "two cats"


def test_a_file_that_is_no_recording_is_said(panel, tmp_path, qtbot):
    wrong = tmp_path / "letter.txt"
    wrong.write_text("dear all")
    drop(panel, wrong)
    qtbot.waitUntil(lambda: "letter.txt" in panel.header.message.text())


def test_a_dropped_folder_is_offered_not_indexed(panel, context, pictures, qtbot, monkeypatch):
    added = []
    monkeypatch.setattr(context.indexing, "add_folder", added.append)
    drop(panel, pictures[0].parent)
    assert panel.header.action.text() == "Index the folder" and not added
    with qtbot.waitSignal(panel.go_to):
        panel.header.action.click()
    assert added == [pictures[0].parent]


def test_history_asks_again(panel, explorer, qtbot):
    ask(qtbot, panel, explorer)
    ask(qtbot, panel, explorer, "two cats")
    ask(qtbot, panel, explorer, "two cats")
    assert [record.text for record in explorer.store.history] == ["a dog", "two cats"], "the same query once"
    panel.results.history.click()
    qtbot.waitUntil(panel.past.menu.isVisible)
    panel.past.menu.list.setCurrentRow(1)
    panel.past.menu.again.click()
    wait_for_hits(qtbot, panel, explorer, 4)
    assert panel.header.transcript.text() == "a dog"
    panel.past.menu.cleared.emit()
    qtbot.waitUntil(lambda: not explorer.store.history)


def test_the_menu_of_a_hit(panel, explorer, qtbot):
    ask(qtbot, panel, explorer)
    menu = panel.hit_actions.menu(panel.results.grid.selected())
    actions = {action.text(): action for action in menu.actions()}
    actions["Copy path"].trigger()
    assert QGuiApplication.clipboard().text() == "/nowhere/picture 001.jpg" or QApplication.platformName() == "minimal"
    actions["Open"].trigger()
    assert "is gone" in panel.header.message.text()
    panel.hit_actions.ask_tag(panel.results.grid.selected())
    dialog = panel.findChild(NameDialog)
    dialog.field.setText(" a  tag ")
    dialog.accept_button.click()
    qtbot.waitUntil(lambda: explorer.store.tagged == [((1,), "a tag")])


def select(panel, rows):
    for row in rows:
        index = panel.results.grid.hits.index(row)
        panel.results.grid.selectionModel().select(index, QItemSelectionModel.SelectionFlag.Select)


def test_several_selected_pictures_are_counted_and_become_examples(panel, explorer, qtbot):
    ask(qtbot, panel, explorer)
    results = panel.results
    assert results.side.currentWidget() is results.detail
    widths = results.splitter.sizes(), panel.minimumSizeHint().width()
    select(panel, (1, 2))
    QApplication.processEvents()
    assert (results.splitter.sizes(), panel.minimumSizeHint().width()) == widths, "the grid keeps its columns"
    assert results.side.currentWidget() is results.selection and results.selection.count.text() == "3 selected"
    texts = [action.text() for action in panel.hit_actions.menu(results.grid.selected()).actions()]
    assert {"3 selected", "Copy 3 paths", "Copy the files to a folder…", "More like these"} <= set(texts)
    assert "Show in folder" not in texts and "Open" not in texts
    results.selection.paths.click()
    assert panel.header.message.text() == "3 paths copied."
    results.selection.add.click()
    wait_for_hits(qtbot, panel, explorer, 2)
    assert [term.kind for term in panel.session.query.terms()] == ["text", "image", "image", "image"]
    assert results.side.currentWidget() is results.detail, "the new hits have one selected"
    select(panel, (1,))
    results.selection.more.click()
    wait_for_hits(qtbot, panel, explorer, 3)
    assert [term.image_id for term in panel.session.query.terms()] == [1, 2]
    select(panel, range(9))
    assert results.selection.count.text() == "9 selected" and not results.selection.more.isEnabled()
    results.drop_hits()
    assert results.side.currentWidget() is results.detail


def test_selected_pictures_are_tagged_and_their_files_copied(panel, explorer, qtbot, tmp_path, make_hit, pictures):
    explorer.make_hit = lambda rank, level: make_hit(rank, pictures[rank - 1] if rank < 4 else "", level)
    ask(qtbot, panel, explorer)
    select(panel, (1, 2, 3))
    panel.results.selection.tag.click()
    dialog = panel.findChild(NameDialog)
    dialog.field.setText("t" * 101)
    assert not dialog.accept_button.isEnabled() and "at most 100" in dialog.problem.text()
    dialog.field.setText("s3://is fine as a tag")
    dialog.accept_button.click()
    qtbot.waitUntil(lambda: explorer.store.tagged == [((1, 2, 3, 4), "s3://is fine as a tag")])
    there = tmp_path / "there"
    there.mkdir()
    panel.hit_actions.copy_files(panel.results.grid.selected(), there)
    qtbot.waitUntil(lambda: "copied to" in panel.header.message.text())
    words = panel.header.message.text()
    assert words.startswith("3 pictures copied to") and "picture 004" in words
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
    panel.header.show_missing_speech("To hear you, the program needs Whisper base (145 MB). You can type meanwhile.",
                                     "Get it")
    panel.resize(916, 600)  # what 1000 x 640 leave
    ask(qtbot, panel, explorer)
    assert panel.minimumSizeHint().width() <= 916
    score = next(words for words in panel.results.detail.findChildren(QLabel) if words.text() == "Score")
    qtbot.waitUntil(lambda: score.visibleRegion().boundingRect().height() == score.height() > 0)


def test_receive_asks_at_once_even_before_the_galleries_are_known(panel, explorer, qtbot):
    panel.place.view = None
    panel.receive(Question(text="a boat"))
    assert not explorer.asked
    panel.flow.refresh_gallery()
    wait_for_hits(qtbot, panel, explorer)
    assert panel.session.query.text == "a boat"


def test_state_comes_back(panel, context, sound, qtbot):
    panel.results.set_order("name")
    panel.header.keep_ready.setChecked(False)
    panel.voice.microphone.choose("Headset (ALSA)")
    state = panel.save_state()
    other = SearchPanel(context)
    qtbot.addWidget(other)
    other.restore_state(state)
    assert other.results.grid.hits.order == "name" and not other.header.keep_ready.isChecked()
    assert other.voice.microphone.chosen == "Headset (ALSA)"
    other.restore_state({})
    other.closing()


def test_i_takes_the_chosen_hit_apart(panel, explorer, qtbot, sound):
    ask(qtbot, panel, explorer, "a brown dog")
    panel.results.grid.setFocus()
    with qtbot.waitSignal(panel.go_to) as gone:
        qtbot.keyClick(panel.results.grid, Qt.Key.Key_I)
    key, asked = gone.args
    hit = panel.results.grid.selected()[0]
    assert key == "inspect" and asked.text == "a brown dog"
    assert (asked.path, asked.image_id) == (hit.image.path, hit.image.id)
    assert asked.gallery == "Flickr" and asked.waveform is None and asked.note == ""
    panel.session.type_extra("a red ball")
    wait_for_hits(qtbot, panel, explorer, 2)
    with qtbot.waitSignal(panel.go_to) as gone:
        panel.results.detail.why.click()
    asked = gone.args[1]
    assert "of this one alone" in asked.note and (asked.text, asked.term) == ("a brown dog", 0)
    assert [(each.label, each.text) for each in asked.terms] == [("a brown dog",) * 2, ("a red ball",) * 2]
    assert "Why this picture?\tI" in [each.text() for each in panel.hit_actions.menu([hit]).actions()]


def test_a_query_of_pictures_alone_cannot_be_taken_apart(panel, explorer, qtbot, pictures):
    panel.session.add_picture(pictures[0])
    hits = wait_for_hits(qtbot, panel, explorer)
    gone = []
    panel.go_to.connect(lambda *facts: gone.append(facts))
    panel.hit_actions.why_wanted.emit(hits[0])
    assert not gone and "Only words and voices" in panel.header.message.text()


def test_the_size_of_cards_is_a_setting(panel, context):
    panel._zoom(40)
    assert context.settings["appearance.card_width"] == 204
    panel._zoom(9999)
    assert context.settings["appearance.card_width"] == 420


def test_missing_weights_are_offered_and_typing_goes_on(panel, context, explorer, qtbot, monkeypatch):
    monkeypatch.setattr(context.downloads, "_found", {"whisper-base": None, "brewclip-mini": Path("/x")})
    context.downloads.changed.emit("")
    assert "Whisper base" in panel.header.hint.text() and panel.header.get_speech.text() == "Get it"
    assert panel.header.get_speech.isVisible() and not panel.header.record.isEnabled()
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    assert not panel.voice.is_recording()
    panel.releaseKeyboard()
    assert ask(qtbot, panel, explorer)
    assert panel.header.message.text() == "" and panel.header.get_speech.isVisible(), "offered, and not said again"
    monkeypatch.setattr(context.downloads, "_found", {"whisper-base": Path("/x")})
    context.downloads.changed.emit("whisper-base")
    assert panel.header.record.isEnabled() and panel.header.get_speech.isHidden()


def without_whisper(context, monkeypatch):
    monkeypatch.setattr(context.downloads, "_found", {"whisper-base": None, "brewclip-mini": Path("/x")})
    context.downloads.changed.emit("")


def test_a_press_without_whisper_says_what_is_missing(panel, context, qtbot, monkeypatch):
    assert panel.results._sayings.isVisible()
    without_whisper(context, monkeypatch)
    assert not panel.results._sayings.isVisible(), "holding Space does nothing now"
    wanted = []
    monkeypatch.setattr(context.downloads, "start", wanted.append)
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    assert "Whisper base" in panel.header.message.text() and panel.header.action.text() == "Get it"
    panel.releaseKeyboard()
    panel.header.say("")
    qtbot.mouseClick(panel.header.record, Qt.MouseButton.LeftButton)
    assert "Whisper base" in panel.header.message.text()
    panel.header.action.click()
    assert wanted == ["whisper-base"]
    monkeypatch.setattr(context.downloads, "_found", {"whisper-base": Path("/x")})
    context.downloads.changed.emit("whisper-base")
    assert panel.header.message.text() == "" and panel.results._sayings.isVisible()


def test_a_demo_sentence_is_searched_by_its_words_without_whisper(panel, context, explorer, qtbot, monkeypatch):
    without_whisper(context, monkeypatch)
    panel.place.suggestion_wanted.emit(Path("/a recording.flac"), "A cup of coffee with a spoon.")
    wait_for_hits(qtbot, panel, explorer)
    [asked] = explorer.asked[-1][1]
    assert (asked.kind, asked.text) == ("text", "A cup of coffee with a spoon.")
    assert "Whisper base" in panel.header.message.text()
    ask(qtbot, panel, explorer, "two cats")
    assert [each.text for each in explorer.asked[-1][1]] == ["two cats"]


def test_typed_words_replace_a_recording_that_was_never_transcribed(panel, context, explorer, tone, qtbot):
    explorer.error = WeightsError("Spoken queries need Whisper base.", "missing")
    panel.session.say(tone)
    qtbot.waitUntil(lambda: "Whisper" in panel.header.message.text())
    explorer.error = None
    explorer.transcribe_query = None
    ask(qtbot, panel, explorer, "two cats")
    [asked] = explorer.asked[-1][1]
    assert (asked.kind, asked.text) == ("text", "two cats")


@pytest.mark.parametrize("kind", ["speech", "text"])
def test_every_chip_can_be_taken_out(panel, explorer, tone, qtbot, kind):
    if kind == "speech":
        panel.session.say(tone)
        wait_for_hits(qtbot, panel, explorer)
    else:
        ask(qtbot, panel, explorer)
    [chip] = panel.results.chips.chips
    chip.setFocus()
    qtbot.keyClick(chip, Qt.Key.Key_Delete)
    assert panel.session.query.terms() == () and panel.results.chips.chips == []


def test_a_failed_query_leaves_no_hits_of_an_earlier_one(panel, explorer, qtbot):
    ask(qtbot, panel, explorer)
    assert panel.results.showing_hits()
    explorer.error = QueryError("None of the 8 pictures of Flickr are indexed with the present model.", "not_indexed")
    panel.session.type_main("two cats")
    qtbot.waitUntil(lambda: not panel.results.showing_hits())
    assert panel.results.grid.hits.rowCount() == 0 and "nothing to show" in panel.results.notice()
    assert panel.header.action.text() == "Index now"


def test_hits_of_an_earlier_query_are_marked_while_another_is_searched_and_gone_when_it_is_stopped(
        panel, explorer, qtbot):
    ask(qtbot, panel, explorer, "a dog")
    explorer.gate.clear()
    panel.session.type_main("a yellow submarine")
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


def test_other_words_begin_a_new_search_and_a_correction_keeps_the_recording(panel, explorer, tone, qtbot):
    panel.session.say(tone)
    wait_for_hits(qtbot, panel, explorer)
    panel.session.type_extra("- people")
    wait_for_hits(qtbot, panel, explorer, 2)
    ask(qtbot, panel, explorer, "a brown fog")
    assert [(each.kind, each.text) for each in explorer.asked[-1][1]] == [("speech", "a brown fog"), ("text", "people")]
    ask(qtbot, panel, explorer, "sunset over the sea")
    assert [(each.kind, each.text) for each in explorer.asked[-1][1]] == [("text", "sunset over the sea")]
    assert panel.header.action.text() == "Keep it"
    panel.header.action.click()
    wait_for_hits(qtbot, panel, explorer, 5)
    assert [each.kind for each in explorer.asked[-1][1]] == ["speech", "text"]


def test_ctrl_n_begins_anew_the_cross_drops_the_voice_and_undo_brings_both_back(panel, explorer, tone, qtbot):
    panel.session.say(tone)
    wait_for_hits(qtbot, panel, explorer)
    assert panel.header.drop_voice.isVisible() and panel.header.new.isVisible()
    panel.header.drop_voice.click()
    wait_for_hits(qtbot, panel, explorer, 2)
    assert [(each.kind, each.text) for each in explorer.asked[-1][1]] == [("text", "a brown dog")]
    assert panel.header.drop_voice.isHidden()
    panel.results.grid.setFocus()
    qtbot.keyClick(panel.results.grid, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert panel.session.query.terms() == () and panel.header.new.isHidden()
    assert panel.focusWidget() is panel.header.transcript and panel.header.transcript.text() == ""
    panel.session.undo()
    wait_for_hits(qtbot, panel, explorer, 3)
    assert panel.session.query.text == "a brown dog"


def test_spoken_query_on_real_weights(qtbot, home, whisper_base, pictures, sound, direct_thread):
    """The demo's recording, a photograph that scikit-learn brings, and three drawings that are not meant."""
    from importlib import resources

    from PIL import Image
    from sklearn.datasets import load_sample_image
    spoken = Path(str(resources.files("resources").joinpath("demo", "flower.flac")))
    Image.fromarray(load_sample_image("flower.jpg")).save(pictures[0].with_name("a flower.jpg"))
    settings = Settings().with_value("weights.folder", str(whisper_base.parent))
    explorer = Explorer(home, settings)
    explorer.index(pictures[0].parent, "drawn")
    context = Context(home, explorer)
    context.settings = settings
    context.set_gallery("drawn")
    panel = SearchPanel(context, PushToTalk(context, microphone=Microphone(sound=sound, thread=direct_thread)))
    qtbot.addWidget(panel)
    panel.show()
    panel.flow.refresh_gallery()
    panel.receive(Question(speech=spoken))
    with qtbot.waitSignal(panel.flow.found, timeout=120_000):
        pass
    assert "flower" in panel.header.transcript.text().lower()
    assert panel.results.grid.current().image.path.name == "a flower.jpg"
    assert explorer.store.queries()[0].recording.exists()
    panel.closing()
    context.jobs.shutdown()
    context.close()




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
    panel.session.clear()
    context.galleries_changed.emit()
    qtbot.waitUntil(lambda: panel.results.notice() == "Say what you look for")
    qapp.removeEventFilter(windows)
    assert windows.seen == []
