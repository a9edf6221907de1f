"""What the Search panel shows of its galleries, and what comes back at the next start."""

import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
from PySide6.QtCore import Qt

from brewclip_app.panels.base import Question
from brewclip_app.panels.search.notices import notice_for
from brewclip_app.panels.search.panel import SearchPanel
from brewclip_app.panels.search.query import Query, to_history
from brewclip_app.widgets.indexing_progress import IndexingProgress
from core import audio
from core.fingerprint import Fingerprint
from core.indexing.unfinished import UnfinishedRun
from core.progress import Progress
from core.search.terms import QueryTerm
from tests.brewclip_app.panels.search.helpers import HEARD, ask, drop, new_status, wait_for_hits


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
        context.state.set("no_galleries", kept)
    explorer.store.records = {} if kept is not False else explorer.store.records
    panel = empty_panel(qtbot, context)
    first = kept is not False
    assert panel.controller.state.gallery is None and panel.controller.state.first_start == first
    assert panel.first_start.isVisible() == first
    panel.controller.refresh_gallery()
    context.jobs.release()
    qtbot.waitUntil(lambda: panel.controller.state.gallery is not None)
    assert panel.first_start.isVisible() == first and context.state.get("no_galleries") == first
    panel.closing()


def test_the_demos_progress_stands_on_the_first_page_with_a_way_to_stop_it(qtbot, context, explorer):
    explorer.store.records.clear()
    page = empty_panel(qtbot, context).first_start
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
    qtbot.waitUntil(lambda: panel.controller.state.gallery is not None)
    panel.focusWidget().clearFocus()  # as when the buttons are disabled while the demo is built
    explorer.store.records.update(kept)
    context.galleries_changed.emit()
    qtbot.waitUntil(lambda: not panel.controller.state.first_start)
    assert panel.focusWidget() is panel.header.record
    panel.closing()


def test_while_nothing_is_indexed_yet_the_notice_has_the_progress(panel, context, explorer, qtbot):
    explorer.store.counts["Flickr"] = (0, 0, 0)
    explorer.gate.clear()
    context.indexing._run("Flickr", "Indexing Flickr", explorer.wait)
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
    again.controller.refresh_gallery()
    qtbot.waitUntil(lambda: again.controller.state.gallery is not None)
    if kept:
        wait_for_hits(qtbot, again, explorer, 2)
        assert again.results.grid.pictures.rowCount() and len(explorer.store.history) == history
    else:
        assert again.results.notice() and len(explorer.asked) == 1
    again.closing()


def looks_spoken(header):
    return (header.transcript.doubtful(), header.language.text(), header.language.isHidden()) == (
        ["brown"], "English", False)


def test_a_spoken_query_of_the_history_looks_as_when_it_was_spoken(panel, explorer, qtbot, tmp_path, tone):
    panel.controller.add_recording(tone)
    wait_for_hits(qtbot, panel, explorer)
    assert looks_spoken(panel.header)
    audio.write_flac(tone, tmp_path / "voice.flac")
    explorer.store.history[-1] = replace(explorer.store.history[-1], recording=tmp_path / "voice.flac")
    explorer.transcribe_query = None  # nothing is transcribed again
    ask(qtbot, panel, explorer, "two cats")
    assert panel.header.language.isHidden() and not panel.header.transcript.doubtful()
    panel.results.history.click()
    qtbot.waitUntil(panel.history.isVisible)
    panel.history.list.setCurrentRow(1)
    panel.history.again.click()
    wait_for_hits(qtbot, panel, explorer, 3)
    assert panel.header.transcript.text() == HEARD.text and looks_spoken(panel.header)


def test_a_spoken_query_of_the_last_start_has_its_recording(panel, context, explorer, qtbot, tmp_path, tone):
    panel.controller.add_recording(tone)
    wait_for_hits(qtbot, panel, explorer)
    kept = tmp_path / "voice.flac"
    audio.write_flac(tone, kept)
    explorer.store.history[-1] = replace(explorer.store.history[-1], recording=kept)
    state, heard = panel.save_state(), panel.controller.state.query.main.text
    explorer.transcribe_query = None  # nothing is transcribed again
    again = SearchPanel(context)
    qtbot.addWidget(again)
    again.restore_state(state)
    assert again.header.transcript.text() == heard
    qtbot.waitUntil(lambda: again.controller.state.waveform is not None)
    assert looks_spoken(again.header)
    assert len(explorer.asked) == 1, "nothing is searched before the galleries were read"
    again.controller.refresh_gallery()
    wait_for_hits(qtbot, again, explorer, 2)
    [term] = explorer.repeated[-1][1].terms
    assert term.kind == "speech" and term.label == heard and len(explorer.asked) == 1, "nothing is encoded again"
    assert not again.header.play.isHidden() and again.voice.microphone.state == "off"
    assert len(explorer.store.history) == 1
    again.closing()


def test_the_recording_of_the_last_start_does_not_replace_what_is_asked_meanwhile(panel, context, explorer, qtbot,
                                                                                  tone):
    explorer.gate.clear()
    panel.restore_state({"query": to_history(Query(QueryTerm("speech", "a dog", waveform=tone))), "gallery": "Flickr"})
    assert panel.header.transcript.text() == "a dog"
    panel.controller.type_text("two cats")
    explorer.gate.set()
    wait_for_hits(qtbot, panel, explorer)
    qtbot.waitUntil(lambda: context.jobs.of_key("restored-voice") is None)
    assert panel.controller.state.query.text == "two cats"


def finished(gate):
    assert gate.wait(20)
    return SimpleNamespace(embedded=0, seconds=0.0)


def test_a_gallery_that_is_being_indexed_is_counted_to_its_end(panel, context, explorer, qtbot):
    explorer.store.counts["Flickr"], explorer.run = (384, 384, 0), UnfinishedRun(720)
    with new_status(qtbot, panel):
        panel.controller.refresh_gallery()
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
    assert not again.controller.state.query.terms()
    again.closing()


def test_without_galleries_the_first_start_is_shown(panel, explorer, context, qtbot):
    explorer.store.records.clear()
    context.set_gallery("")
    context.galleries_changed.emit()
    qtbot.waitUntil(lambda: panel.controller.state.first_start)
    assert panel.first_start.isVisible() and not panel.header.isVisible()
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    assert not panel.voice.is_recording()


@pytest.mark.parametrize(("counts", "fingerprints", "title", "step"), [
    ((0, 0, 0), (), "No pictures in Flickr yet", "folder"),
    ((8, 0, 0), ((Fingerprint.of({"backbone": "other"}), 8),), "The model has changed", "index"),
    ((8, 0, 0), (), "Flickr is not indexed yet", "index"),
    ((8, 8, 0), (), "Say what you look for", "")])
def test_what_is_shown_while_nothing_can_be_found(panel, explorer, context, qtbot, counts, fingerprints, title, step):
    explorer.store.counts["Flickr"], explorer.store.fingerprints = counts, fingerprints
    with new_status(qtbot, panel):
        context.galleries_changed.emit()
    assert panel.results.notice() == title
    assert notice_for(panel.controller.state.gallery, indexing=False).step == step


def test_while_indexing_the_notice_leads_to_the_progress(panel, explorer, context, qtbot):
    explorer.store.counts["Flickr"] = (0, 0, 0)
    with new_status(qtbot, panel):
        context.galleries_changed.emit()
    assert notice_for(panel.controller.state.gallery, indexing=True).step == "library"


def test_failed_files_are_counted_in_the_status(panel, explorer, context, qtbot):
    explorer.store.counts["Flickr"] = (8, 8, 3)
    links = []
    panel.status_link.connect(lambda *link: links.append(list(link)))
    with new_status(qtbot, panel):
        context.galleries_changed.emit()
    assert "8 of 11 indexed" in panel.said[-1] and links[-1] == ["3 could not be read", "library"]


def test_a_dropped_folder_is_offered_not_indexed(panel, context, pictures, qtbot, monkeypatch):
    added = []
    monkeypatch.setattr(context.indexing, "add_folder", added.append)
    drop(panel, pictures[0].parent)
    assert panel.header.action.text() == "Index the folder" and not added
    with qtbot.waitSignal(panel.go_to):
        panel.header.action.click()
    assert added == [pictures[0].parent]


def test_receive_asks_at_once_even_before_the_galleries_are_known(panel, explorer, qtbot):
    panel.controller._set(gallery=None)
    panel.receive(Question(text="a boat"))
    assert not explorer.asked
    panel.controller.refresh_gallery()
    wait_for_hits(qtbot, panel, explorer)
    assert panel.controller.state.query.text == "a boat"


def test_state_comes_back(panel, context, sound, qtbot):
    panel.results.set_order("name")
    panel.header.keep_ready.setChecked(False)
    panel.voice.microphone.choose("Headset (ALSA)")
    state = panel.save_state()
    other = SearchPanel(context)
    qtbot.addWidget(other)
    other.restore_state(state)
    assert other.results.grid.pictures.order == "name" and not other.header.keep_ready.isChecked()
    assert other.voice.microphone.chosen == "Headset (ALSA)"
    other.restore_state({})
    other.closing()
