"""Speaking a query: the key, the microphone, the recording and its transcript."""

import shutil
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from brewclip_app.capture.push_to_talk import PushToTalk
from brewclip_app.capture.recording import Microphone
from brewclip_app.context import Context
from brewclip_app.panels.base import Question
from brewclip_app.panels.search.panel import SearchPanel
from core.asr.transcript import Transcript
from core.errors import WeightsError
from core.explorer import Explorer, ModelStatus
from core.settings import Settings
from tests.brewclip_app.panels.search.helpers import SILENT, ask, drop, end_recording, speak, wait_for_hits


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
    assert panel.said[-1].startswith("1.") and "of speech · transcribed in" in panel.said[-1]
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
    qtbot.waitUntil(lambda: panel.controller.state.searching)
    assert line.text() == "" and stale.isVisible() and panel.results.grid.cards.faded
    needed = line.fontMetrics().horizontalAdvance(line.placeholderText())
    qtbot.waitUntil(lambda: line.viewport().width() > needed)
    explorer.gate.set()
    qtbot.waitUntil(lambda: line.text() == "a brown dog" and not panel.results.grid.cards.faded)


def test_a_recording_of_a_further_term_leaves_words_and_hits_as_they_are(panel, explorer, sound, qtbot):
    ask(qtbot, panel, explorer)
    panel.controller.record_term(1)
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
    long = "A sentence that is as long as the reasons of a sound system that cannot load. " * 2
    panel.controller.show_message(long, "care")
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
    panel.controller.add_recording(tone)
    qtbot.waitUntil(lambda: not panel.controller.state.searching)
    assert panel.header.message.text() == SILENT.reason and panel.header.action.text() == "Play the recording"
    assert panel.header.transcript.text() == "a dog" and panel.controller.state.query.text == "a dog"
    assert panel.results.showing_hits()


def test_a_translation_shows_what_was_said(panel, explorer, tone, qtbot):
    explorer.transcript = Transcript("A cat.", "fr", (), -0.1, 0.01, 1.0, original="Un chat.")
    panel.controller.add_recording(tone)
    wait_for_hits(qtbot, panel, explorer)
    assert panel.header.language.text() == "French" and panel.header.original.text() == "Said: “Un chat.”"


def test_words_in_doubt_are_said_to_be_until_they_are_corrected(panel, explorer, tone, qtbot):
    explorer.transcript = Transcript("ducks, ducks", "en", (), -0.9, 0.5, 1.0, doubtful=True)
    panel.controller.add_recording(tone)
    wait_for_hits(qtbot, panel, explorer)
    assert panel.header.original.text().startswith("Doubtful") and not panel.header.original.isHidden()
    ask(qtbot, panel, explorer, "two ducks")
    assert panel.header.original.isHidden()


def test_notes_about_the_recording_stand_under_its_words(panel, explorer, tone, qtbot):
    explorer.transcript = Transcript("a dog", "en", (), -0.1, 0.01, 1.0, notes=("It was read to its end.",))
    panel.controller.add_recording(tone)
    wait_for_hits(qtbot, panel, explorer)
    assert panel.header.original.text() == "It was read to its end." and not panel.header.original.isHidden()


def test_a_first_query_says_what_it_waits_for(panel, explorer, qtbot, tone, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr(explorer, "status", lambda: ModelStatus("mini", "", "Whisper base", "", "", False, False))
    monkeypatch.setattr(explorer, "recogniser", lambda report: gate.wait(20))  # another job loads it: no report here
    panel.controller.add_recording(tone)
    qtbot.waitUntil(lambda: panel.results.progress.isVisibleTo(panel))
    assert panel.results.progress.title.text() == "Loading Whisper base"
    gate.set()
    wait_for_hits(qtbot, panel, explorer)


def test_without_a_microphone_nobody_is_told_to_hold_space(panel, explorer, sound, qtbot):
    sound.names = []
    panel.voice.microphone.refresh()
    qtbot.waitUntil(lambda: panel.results.notice() == "Type what you look for")
    assert not panel.results._sayings.isVisibleTo(panel)
    ask(qtbot, panel, explorer)
    assert panel.header.hint.text() == panel.voice.microphone.problem != ""


def test_a_file_that_is_no_recording_is_said(panel, tmp_path, qtbot):
    wrong = tmp_path / "letter.txt"
    wrong.write_text("dear all")
    drop(panel, wrong)
    qtbot.waitUntil(lambda: "letter.txt" in panel.header.message.text())


def test_missing_weights_are_offered_and_typing_goes_on(panel, context, explorer, qtbot, monkeypatch):
    context.downloads._set(files={"whisper-base": None, "brewclip-mini": Path("/x")})
    assert "Whisper base" in panel.header.hint.text() and panel.header.get_speech.text() == "Download"
    assert panel.results.notice() == "Type what you look for"
    assert panel.header.get_speech.isVisible() and not panel.header.record.isEnabled()
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    assert not panel.voice.is_recording()
    panel.releaseKeyboard()
    assert ask(qtbot, panel, explorer)
    assert panel.header.message.text() == "" and panel.header.get_speech.isVisible(), "offered, and not said again"
    context.downloads._set(files={"whisper-base": Path("/x")})
    assert panel.header.record.isEnabled() and panel.header.get_speech.isHidden()


def test_the_recogniser_of_the_settings_is_the_one_that_is_needed(panel, context, tmp_path):
    context.downloads._set(files={"whisper-base": Path("/x")})
    assert panel.header.record.isEnabled()
    context.change("speech.recogniser", "whisper-base.en")
    assert "Whisper base.en" in panel.header.hint.text() and panel.header.get_speech.text() == "Download"
    context.downloads._set(files={"whisper-base": None, "whisper-base.en": Path("/x")})
    assert panel.header.record.isEnabled() and panel.header.get_speech.isHidden()
    own = tmp_path / "own.pt"
    context.change("speech.recogniser", str(own))
    assert f"There is no file {own}." in panel.header.hint.text() and panel.header.get_speech.isHidden()
    own.touch()
    context.downloads._set(files={})
    assert panel.header.record.isEnabled()


def without_whisper(context, monkeypatch):
    context.downloads._set(files={"whisper-base": None, "brewclip-mini": Path("/x")})


def test_a_press_without_whisper_says_what_is_missing(panel, context, qtbot, monkeypatch):
    assert panel.results._sayings.isVisible()
    without_whisper(context, monkeypatch)
    assert not panel.results._sayings.isVisible(), "holding Space does nothing now"
    wanted = []
    monkeypatch.setattr(context.downloads, "start", wanted.append)
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    assert "Whisper base" in panel.header.message.text() and panel.header.action.text() == "Download"
    panel.releaseKeyboard()
    panel.controller.show_message("")
    qtbot.mouseClick(panel.header.record, Qt.MouseButton.LeftButton)
    assert "Whisper base" in panel.header.message.text()
    panel.header.action.click()
    assert wanted == ["whisper-base"]
    context.downloads._set(files={"whisper-base": Path("/x")})
    assert panel.header.message.text() == "" and panel.results._sayings.isVisible()


def test_a_demo_sentence_is_searched_by_its_words_without_whisper(panel, context, explorer, qtbot, monkeypatch):
    without_whisper(context, monkeypatch)
    panel.controller.open_suggestion(Path("/a recording.flac"), "A cup of coffee with a spoon.")
    wait_for_hits(qtbot, panel, explorer)
    [asked] = explorer.asked[-1][1]
    assert (asked.kind, asked.text) == ("text", "A cup of coffee with a spoon.")
    assert "Whisper base" in panel.header.message.text()
    ask(qtbot, panel, explorer, "two cats")
    assert [each.text for each in explorer.asked[-1][1]] == ["two cats"]


def test_typed_words_replace_a_recording_that_was_never_transcribed(panel, context, explorer, tone, qtbot):
    explorer.error = WeightsError("Spoken queries need Whisper base.", "missing")
    panel.controller.add_recording(tone)
    qtbot.waitUntil(lambda: "Whisper" in panel.header.message.text())
    explorer.error = None
    explorer.transcribe_query = None
    ask(qtbot, panel, explorer, "two cats")
    [asked] = explorer.asked[-1][1]
    assert (asked.kind, asked.text) == ("text", "two cats")


def test_other_words_begin_a_new_search_and_a_correction_keeps_the_recording(panel, explorer, tone, qtbot):
    panel.controller.add_recording(tone)
    wait_for_hits(qtbot, panel, explorer)
    panel.controller.add_text("- people")
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
    panel.controller.add_recording(tone)
    wait_for_hits(qtbot, panel, explorer)
    assert panel.header.drop_voice.isVisible() and panel.results.new.isVisible()
    panel.header.drop_voice.click()
    wait_for_hits(qtbot, panel, explorer, 2)
    assert [(each.kind, each.text) for each in explorer.asked[-1][1]] == [("text", "a brown dog")]
    assert panel.header.drop_voice.isHidden()
    panel.results.grid.setFocus()
    qtbot.keyClick(panel.results.grid, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert panel.controller.state.query.terms() == () and panel.results.new.isHidden()
    assert panel.focusWidget() is panel.header.transcript and panel.header.transcript.text() == ""
    panel.controller.undo()
    wait_for_hits(qtbot, panel, explorer, 3)
    assert panel.controller.state.query.text == "a brown dog"


def test_a_new_search_clears_query_hits_filter_message_and_recording(panel, explorer, sound, qtbot):
    assert not panel.results.new.isVisible(), "there is nothing to clear"
    ask(qtbot, panel, explorer)
    panel.results.toggle_filter(True)
    panel.results.filter.name.setText("IMG")
    qtbot.waitUntil(lambda: panel.controller.state.limits.name == "IMG")
    wait_for_hits(qtbot, panel, explorer, 2)
    panel.controller.show_message("Something.", "care")
    panel.controller.press()
    panel.results.new.click()
    state = panel.controller.state
    assert not state.recording and not panel.voice.is_recording() and state.message.text == ""
    assert state.query.terms() == () and state.answer is None and not state.limits.any and not state.stale
    assert panel.results.filter.isHidden() and panel.results.filter.name.text() == ""
    assert panel.results.notice() == "Say what you look for" and len(explorer.asked) == 2
    assert panel.header.waveform.isHidden() and panel.results.new.isHidden()


@pytest.mark.slow
def test_spoken_query_on_real_weights(qtbot, home, whisper_base, pictures, sound, direct_thread):
    """A recording and a photograph of the demo, and three drawings that are not meant."""
    from importlib import resources

    demo = Path(str(resources.files("resources").joinpath("demo")))
    spoken = demo / "flower.flac"
    shutil.copy(demo / "photographs" / "flower.jpg", pictures[0].with_name("a flower.jpg"))
    settings = Settings().with_value("weights.folder", str(whisper_base.parent))
    explorer = Explorer(home, settings)
    explorer.index(pictures[0].parent, "drawn")
    context = Context(home, explorer)
    context.settings = settings
    context.set_gallery("drawn")
    panel = SearchPanel(context, PushToTalk(context, microphone=Microphone(sound=sound, thread=direct_thread)))
    qtbot.addWidget(panel)
    panel.show()
    panel.controller.refresh_gallery()
    panel.receive(Question(speech=spoken))
    qtbot.waitUntil(lambda: panel.controller.state.answer is not None, timeout=120_000)
    assert "flower" in panel.header.transcript.text().lower()
    assert panel.results.grid.current().path.name == "a flower.jpg"
    assert explorer.store.queries()[0].recording.exists()
    panel.closing()
    context.jobs.shutdown()
    context.close()
