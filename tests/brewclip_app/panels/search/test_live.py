"""Searching while a query is spoken, recordings without hands, and refinements by voice."""

import numpy as np
import pytest
from PySide6.QtCore import Qt

from brewclip_app.panels.search import live
from brewclip_app.panels.search.live import pauses
from brewclip_app.panels.search.query import Query
from brewclip_app.panels.search.refining import refined
from core.asr.transcript import Transcript
from core.errors import ModelError
from core.search.terms import QueryTerm
from tests.brewclip_app.panels.search.helpers import HEARD, SILENT, ask, end_recording, speak, wait_for_hits

RATE = 16_000


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(live, "EVERY_S", 0.02)


def press(qtbot, panel, modifier=Qt.KeyboardModifier.NoModifier):
    qtbot.keyPress(panel, Qt.Key.Key_Space, modifier)
    assert panel.voice.is_recording()


def release(qtbot, panel, sound, explorer, count):
    qtbot.keyRelease(panel, Qt.Key.Key_Space)
    end_recording(qtbot, panel, sound)
    return wait_for_hits(qtbot, panel, explorer, count)


def test_hits_follow_the_words_and_the_end_is_as_without(panel, explorer, sound, qtbot):
    explorer.partials = ["a", "a", "a brown cat", "a brown dog"]
    press(qtbot, panel)
    speak(panel, sound, 1.5)
    qtbot.waitUntil(lambda: panel.controller.state.partial == "a brown dog")
    assert [terms[0].text for _, terms, _ in explorer.asked] == ["a", "a brown cat", "a brown dog"]
    assert panel.header.transcript.text() == "a brown dog" and panel.controller.state.sure == 2
    assert panel.controller.state.answer.query.text == "a brown dog" and panel.results.grid.pictures.hits()
    assert panel.voice.is_recording() and not panel.controller.state.stale
    assert explorer.partly_heard[0][0] == "" and explorer.partly_heard[1][0] == "en", "its language is detected once"
    assert explorer.store.history == [], "what was said so far is no query of the history"
    explorer.gate.clear()
    qtbot.keyRelease(panel, Qt.Key.Key_Space)
    end_recording(qtbot, panel, sound)
    qtbot.waitUntil(lambda: panel.controller.state.progress is not None)  # it takes a while
    assert not panel.controller.state.stale and panel.header.transcript.text() == "a brown dog"
    explorer.gate.set()
    wait_for_hits(qtbot, panel, explorer, 4)
    [term] = explorer.asked[-1][1]
    assert (term.kind, term.text) == ("speech", "a brown dog") and panel.controller.state.partial == ""
    assert len(explorer.store.history) == 1


def test_nothing_is_transcribed_before_a_second_or_without_models(panel, explorer, sound, qtbot, monkeypatch):
    explorer.partials = ["a dog"]
    press(qtbot, panel)
    speak(panel, sound, 0.5)
    qtbot.wait(100)
    assert explorer.partly_heard == []
    monkeypatch.setattr(live.LiveSearch, "_is_loaded", lambda self: False)
    speak(panel, sound, 1.0)
    qtbot.wait(100)
    assert explorer.partly_heard == [], "loading a model must not wait for the recording"
    panel.voice.cancel()
    panel.releaseKeyboard()


def test_escape_brings_back_the_hits_of_before(panel, explorer, sound, qtbot):
    ask(qtbot, panel, explorer, "a cat")
    before = panel.controller.state.answer
    explorer.partials = ["a dog"]
    press(qtbot, panel)
    speak(panel, sound, 1.5)
    qtbot.waitUntil(lambda: panel.controller.state.partial == "a dog")
    assert panel.controller.state.answer is not before
    qtbot.keyClick(panel, Qt.Key.Key_Escape)
    state = panel.controller.state
    assert state.answer is before and state.partial == "" and not state.stale
    assert panel.header.transcript.text() == "a cat"
    panel.releaseKeyboard()


def test_it_can_be_switched_off_and_errors_wait_for_the_end(panel, context, explorer, sound, qtbot, monkeypatch):
    context.settings = context.settings.with_value("search.live", False)
    explorer.partials = ["a dog"]
    press(qtbot, panel)
    speak(panel, sound, 1.5)
    qtbot.wait(100)
    assert explorer.partly_heard == []
    release(qtbot, panel, sound, explorer, 1)

    def fails(*arguments):
        explorer.partly_heard.append(arguments)
        raise ModelError("It broke.", "broken")

    context.settings = context.settings.with_value("search.live", True)
    monkeypatch.setattr(explorer, "transcribe_partial", fails)
    press(qtbot, panel)
    speak(panel, sound, 1.5)
    qtbot.waitUntil(lambda: len(explorer.partly_heard) > 2)
    assert panel.header.message.text() == "" and panel.voice.is_recording()
    release(qtbot, panel, sound, explorer, 2)
    assert panel.header.transcript.text() == "a brown dog"


def test_without_hands_a_pause_ends_a_tapped_recording_alone(panel, context, explorer, sound, qtbot):
    context.settings = context.settings.with_value("search.hands_free", True)
    explorer.partials = ["a dog"]
    panel.controller.record_term(0)
    stream = sound.streams[-1]
    stream.send(0.3, 1.5)
    panel.voice.microphone.drain()
    qtbot.waitUntil(lambda: panel.controller.state.partial == "a dog")
    assert panel.voice.is_recording(), "no pause yet"
    stream.send(0.001, 1.5)
    panel.voice.microphone.drain()
    panel.voice.microphone._pressed -= 3
    end_recording(qtbot, panel, sound)
    wait_for_hits(qtbot, panel, explorer, 3)  # a part, all before the pause, the end
    press(qtbot, panel)  # held: the hand says when it ends
    speak(panel, sound, 1.5)
    sound.streams[-1].send(0.001, 1.5)
    before = len(explorer.ahead)
    panel.voice.microphone.drain()
    qtbot.waitUntil(lambda: len(explorer.ahead) > before)
    qtbot.waitUntil(lambda: panel.controller.state.partial == HEARD.text)
    assert panel.voice.is_recording()
    panel.voice.cancel()
    panel.releaseKeyboard()


def test_a_pause_is_silence_after_something_louder():
    loud, quiet = np.full(RATE, 0.3, np.float32), np.full(2 * RATE, 0.002, np.float32)
    assert pauses(np.concatenate([loud, quiet]), RATE)
    assert not pauses(np.concatenate([loud, quiet[:RATE]]), RATE), "one second is a breath"
    assert not pauses(quiet, RATE) and not pauses(loud[:100], RATE) and not pauses(np.concatenate([quiet, loud]), RATE)


def test_what_was_said_is_transcribed_before_the_key_is_released(panel, explorer, sound, qtbot):
    explorer.partials = ["a brown"]
    press(qtbot, panel)
    speak(panel, sound, 1.5)
    qtbot.waitUntil(lambda: panel.controller.state.partial == "a brown")
    assert explorer.ahead == [], "the sound goes on"
    for _ in range(3):
        speak(panel, sound, 0.2, level=0.0)
        qtbot.waitUntil(lambda: panel.controller.state.partial == HEARD.text)
    explorer.spoken.clear()
    qtbot.keyRelease(panel, Qt.Key.Key_Space)
    end_recording(qtbot, panel, sound, level=0.0)
    wait_for_hits(qtbot, panel, explorer, 3)
    [ahead], [spoken] = explorer.ahead, explorer.spoken
    assert ahead.digest == spoken.digest, "the samples of the recording that ends"


def test_sound_after_a_pause_makes_another_end(panel, explorer, sound, qtbot):
    explorer.partials = ["a brown"]
    press(qtbot, panel)
    speak(panel, sound, 1.5)
    speak(panel, sound, 0.2, level=0.0)
    qtbot.waitUntil(lambda: len(explorer.ahead) == 1)
    speak(panel, sound, 0.5)
    speak(panel, sound, 0.2, level=0.0)
    qtbot.waitUntil(lambda: len(explorer.ahead) == 2)
    first, second = explorer.ahead
    assert second.seconds == pytest.approx(first.seconds + 0.7, abs=0.05)
    panel.voice.cancel()
    panel.releaseKeyboard()


def test_hits_move_from_those_of_the_words_before(panel, explorer, sound, qtbot):
    ask(qtbot, panel, explorer, "a cat")
    grid, resets = panel.results.grid, []
    explorer.partials = ["a", "a brown"]
    press(qtbot, panel)
    speak(panel, sound, 1.5)
    qtbot.waitUntil(lambda: panel.controller.state.partial == "a")
    assert panel.controller.state.follows is None, "the hits before are of another query"
    grid.pictures.modelReset.connect(lambda: resets.append(True))
    qtbot.waitUntil(lambda: panel.controller.state.partial == "a brown")
    assert panel.controller.state.follows.query.text == "a"
    release(qtbot, panel, sound, explorer, 4)
    assert panel.controller.state.follows.query.text == "a brown" and not resets


def test_no_words_at_the_end_bring_back_the_hits_of_before(panel, explorer, sound, qtbot):
    ask(qtbot, panel, explorer, "a cat")
    before = panel.controller.state.answer
    explorer.partials = ["you"]
    explorer.transcript = SILENT
    press(qtbot, panel)
    speak(panel, sound, 1.5)
    qtbot.waitUntil(lambda: panel.controller.state.partial == "you")
    qtbot.keyRelease(panel, Qt.Key.Key_Space)
    end_recording(qtbot, panel, sound)
    qtbot.waitUntil(lambda: panel.controller.state.message.text == SILENT.reason)
    state = panel.controller.state
    assert state.answer is before and not state.stale and state.query.text == "a cat" and state.partial == ""


@pytest.mark.parametrize("ends", ["no words", "escape"])
def test_without_hits_before_the_invitation_comes_back(panel, explorer, sound, qtbot, ends):
    explorer.partials = ["you"]
    explorer.transcript = SILENT
    invited = panel.controller.state.notice
    press(qtbot, panel)
    speak(panel, sound, 1.5)
    qtbot.waitUntil(lambda: panel.controller.state.answer is not None)
    if ends == "escape":
        qtbot.keyClick(panel, Qt.Key.Key_Escape)
        panel.releaseKeyboard()
    else:
        qtbot.keyRelease(panel, Qt.Key.Key_Space)
        end_recording(qtbot, panel, sound)
    qtbot.waitUntil(lambda: panel.controller.state.answer is None)
    assert panel.controller.state.notice == invited is not None


def test_hits_change_at_most_once_in_a_while(panel, explorer, sound, qtbot, monkeypatch):
    explorer.partials = ["a brown"]
    press(qtbot, panel)
    speak(panel, sound, 1.5)
    qtbot.waitUntil(lambda: panel.controller.state.partial == "a brown")
    monkeypatch.setattr(live, "EVERY_S", 60)
    asked = len(explorer.asked)
    speak(panel, sound, 0.2, level=0.0)
    qtbot.waitUntil(lambda: len(explorer.asked) > asked)
    assert panel.controller.state.partial == "a brown", "they wait"
    panel.voice.cancel()
    panel.releaseKeyboard()


def test_a_refinement_adds_chips_and_keeps_the_query(panel, explorer, sound, qtbot):
    ask(qtbot, panel, explorer, "a dog")
    second = panel.results.grid.pictures.hits()[1].image
    explorer.partials = ["without"]
    explorer.transcript = Transcript("Without people, more like the second one.", "en", (), -0.1, 0.0, 1.0)
    press(qtbot, panel, Qt.KeyboardModifier.ShiftModifier)
    assert not panel.controller.state.recording and panel.header.transcript.text() == "a dog"
    speak(panel, sound, 1.5)
    qtbot.waitUntil(lambda: "Refining" in panel.header.message.text())
    release(qtbot, panel, sound, explorer, 3)
    main, people, like = panel.controller.state.query.terms()
    assert (main.text, people.text, people.weight) == ("a dog", "people", -1.0)
    assert (like.kind, like.image_id, like.weight) == ("image", second.id, 1.0)
    assert panel.header.message.text() == ""
    panel.controller.change_term(1, lambda term: None)
    assert [term.kind for term in panel.controller.state.query.terms()] == ["text", "image"]


def test_a_refinement_that_cannot_be_done_is_told_and_loses_nothing(panel, explorer, sound, qtbot):
    ask(qtbot, panel, explorer, "a dog")
    explorer.transcript = Transcript("More like number 99", "en", (), -0.1, 0.0, 1.0)
    press(qtbot, panel, Qt.KeyboardModifier.ShiftModifier)
    speak(panel, sound, 1.0)
    qtbot.keyRelease(panel, Qt.Key.Key_Space)
    end_recording(qtbot, panel, sound)
    qtbot.waitUntil(lambda: "There is no result 99: there are 20 pictures." in panel.header.message.text())
    assert panel.controller.state.query.text == "a dog" and not panel.controller.state.searching
    assert panel.results.grid.pictures.hits()


def test_without_a_query_a_refinement_is_a_query(panel, explorer, sound, qtbot):
    press(qtbot, panel, Qt.KeyboardModifier.ShiftModifier)
    speak(panel, sound, 1.0)
    release(qtbot, panel, sound, explorer, 1)
    assert panel.controller.state.query.main.text == HEARD.text


def test_this_is_the_picture_that_is_selected(make_hit):
    query, hits = Query(QueryTerm("text", "a dog")), (make_hit(1), make_hit(2))
    changed, problem = refined(query, "less like this", hits, hits[1].image)
    assert (changed.extras[0].image_id, changed.extras[0].weight, problem) == (hits[1].image.id, -1.0, "")
    assert refined(query, "less like this", hits) == (
        query, "No picture is selected: say its number, or select it first.")
    assert refined(query, "more like the first one, at night", ())[0].text == "a dog + at night"
