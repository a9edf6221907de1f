"""The Annotate panel on the real core with models of a few lines, keys pressed and a microphone that the test plays."""

import signal
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QMessageBox

from brewclip_app import wording
from brewclip_app.capture import push_to_talk as search_voice
from brewclip_app.capture import recording
from brewclip_app.capture.push_to_talk import PushToTalk
from brewclip_app.capture.recording import Microphone
from brewclip_app.context import Context
from brewclip_app.panels.annotate.exchange import ExportDialog
from brewclip_app.panels.annotate.level_meter import LevelMeter
from brewclip_app.panels.annotate.panel import AnnotatePanel
from brewclip_app.panels.annotate.session import LATER, NOT_KEPT
from brewclip_app.panels.annotate.speaker import SpeakerDialog
from core import datasets
from core.annotation.captions import caption_of, stage_of
from core.annotation.exports import ExportOptions
from core.errors import WeightsError
from core.explorer import Explorer
from core.settings import Settings
from core.store.store import Store
from tests.core.annotation.models import TwoModels

REPOSITORY = Path(__file__).resolve().parents[2]
WAIT = 60_000
PICTURES = 4


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "pictures"
    place.mkdir()
    for number in range(PICTURES):
        Image.new("RGB", (60, 40), (60 * number, 90, 120)).save(place / f"{chr(97 + number)}.png")
    return place


@pytest.fixture
def make_context(home):
    """Makes contexts on one home, as two windows would have."""
    made = []

    def make():
        made.append(Context(home, Explorer(home, Settings(), TwoModels(home))))
        return made[-1]

    yield make
    for context in made:
        context.explorer.models.parrot.gate.set()
        assert context.jobs.shutdown(20)
        context.close()


@pytest.fixture
def context(make_context):
    return make_context()


@pytest.fixture
def gallery(context, folder):
    """A gallery of four pictures, and someone who speaks."""
    context.explorer.index(folder, "Holiday")
    context.explorer.store.add_speaker("M.K.", "en", "agreed")
    context.set_gallery("Holiday")
    return context.explorer.store.gallery("Holiday")


@pytest.fixture
def make_panel(sound, direct_thread, qtbot, monkeypatch):
    """Makes panels whose microphone is the test's; a tap of any length is a held key."""
    monkeypatch.setattr(search_voice, "TAP", -1.0)  # the timer of a held key may fire some ms early
    monkeypatch.setattr(recording, "SHORTEST", 0.0)
    made = []

    def make(context):
        own = sound if not made else type(sound)()
        panel = AnnotatePanel(context, PushToTalk(context, None, Microphone(sound=own, thread=direct_thread)))
        panel.sound = own
        panel.voice.setParent(panel)
        made.append(panel)
        qtbot.addWidget(panel)
        panel.troubles = []
        panel.failed.connect(lambda error, safe: panel.troubles.append((error, safe)))
        panel.resize(1150, 720)
        panel.show()
        panel.voice.microphone.refresh()
        panel.setFocus()  # as the window does
        panel.activated()
        settle(panel, qtbot)
        return panel

    yield make
    for panel in made:
        panel.closing()


@pytest.fixture
def panel(make_panel, context, gallery):
    return make_panel(context)


def settle(panel, qtbot):
    qtbot.waitUntil(lambda: panel.context.jobs.is_idle() and not panel.session.line.busy, timeout=WAIT)


def press(panel, qtbot, key, modifier=Qt.KeyboardModifier.NoModifier):
    qtbot.keyClick(panel.focusWidget() or panel, key, modifier)
    settle(panel, qtbot)


def send_tail(panel, peak=0.2):
    while panel.voice.microphone.state == "stopping":
        panel.sound.streams[-1].send(peak, 0.05)
        panel.voice.microphone.drain()


def speak(panel, qtbot, says="a dog", peak=0.3, seconds=1.5):
    """Space is held while something is said; until its words are there."""
    panel.context.explorer.models.parrot.says.append(says)
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    panel.sound.streams[-1].send(peak, seconds)
    panel.voice.microphone.drain()
    assert panel.voice.microphone.state == "recording"
    qtbot.keyRelease(panel, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: panel.voice.microphone.state != "recording", timeout=WAIT)
    send_tail(panel, peak)
    settle(panel, qtbot)


def say(panel, qtbot, says="a dog", peak=0.3):
    """As `speak`, while the recogniser is busy: until the recording is on the disk."""
    parrot, awaited = panel.context.explorer.models.parrot, len(panel.session.hearing)
    parrot.gate.clear()
    parrot.says.append(says)
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    panel.sound.streams[-1].send(peak, 1.5)
    panel.voice.microphone.drain()
    qtbot.keyRelease(panel, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: panel.voice.microphone.state != "recording", timeout=WAIT)
    send_tail(panel, peak)
    qtbot.waitUntil(lambda: len(panel.session.hearing) > awaited, timeout=WAIT)
    go_on(panel, qtbot)


def go_on(panel, qtbot):
    """Until the line is empty; the recogniser may be busy."""
    qtbot.waitUntil(lambda: not panel.session.line.busy and not panel.session.saving, timeout=WAIT)


def tap(panel, qtbot, key, modifier=Qt.KeyboardModifier.NoModifier):
    """As `press`, while the recogniser is busy."""
    qtbot.keyClick(panel.focusWidget() or panel, key, modifier)
    go_on(panel, qtbot)


def words_arrive(panel, qtbot):
    panel.context.explorer.models.parrot.gate.set()
    settle(panel, qtbot)


CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def tone(path):
    """A second of a sine as a WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((8000 * np.sin(np.arange(16_000) * 0.05)).astype(np.int16).tobytes())


def kept(panel, **which):
    session = panel.session
    return panel.context.explorer.store.takes(session.view.gallery.id, **which)


def name(panel):
    return panel.session.image.path.name if panel.session.image else None


# ---- describing


def test_without_a_gallery_it_says_what_goes_there(make_panel, context):
    panel = make_panel(context)
    assert panel.pages.currentWidget() is panel.none
    assert not panel.header.export.isEnabled()


def test_from_the_first_to_the_last_picture_by_keys(panel, qtbot):
    seen = []
    for number in range(PICTURES):
        seen.append(name(panel))
        speak(panel, qtbot, f"a dog number {number}")
        [take] = panel.session.here()
        assert take.recording.exists() and take.state == "draft" and kept(panel)[-1] == take
        assert panel.desk.heard.text.text() == f"a dog number {number}"
        press(panel, qtbot, Qt.Key.Key_Return)
    assert sorted(seen) == ["a.png", "b.png", "c.png", "d.png"]
    assert [take.state for take in kept(panel)] == ["done"] * PICTURES
    assert panel.pages.currentWidget() is panel.done and panel.done.words.title.text() == "All described"
    assert panel.header.bar.value() == panel.header.bar.maximum() == PICTURES
    assert panel.troubles == []


def test_what_is_corrected_is_kept_and_shown(panel, qtbot):
    speak(panel, qtbot, "a man by the see")
    press(panel, qtbot, Qt.Key.Key_E)
    qtbot.keyClicks(panel.desk.heard.text, "A man by the sea")
    assert "<s>see</s>" in panel.desk.heard.changes.text() and panel.desk.heard.changes.isVisibleTo(panel)
    press(panel, qtbot, Qt.Key.Key_Return)
    assert name(panel) == "b.png" and panel.hasFocus()
    assert [(take.text, take.state) for take in kept(panel)] == [("A man by the sea", "done")]


def test_undo_goes_back_to_the_picture_and_once_more_takes_the_recording(panel, qtbot):
    speak(panel, qtbot)
    press(panel, qtbot, Qt.Key.Key_Return)
    press(panel, qtbot, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert name(panel) == "a.png" and kept(panel)[0].state == "draft"
    assert panel.desk.message.text() == "Undone: the caption."
    press(panel, qtbot, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert kept(panel) == [] and len(kept(panel, binned=True)) == 1
    press(panel, qtbot, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert panel.desk.message.text() == "Nothing to undo."


def test_undo_finds_a_picture_that_left_the_queue_when_it_was_opened_again(panel, qtbot):
    speak(panel, qtbot)
    press(panel, qtbot, Qt.Key.Key_Return)
    panel.activated()
    settle(panel, qtbot)
    assert len(panel.session.view.images) == PICTURES - 1
    press(panel, qtbot, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert name(panel) == "a.png" and len(panel.session.view.images) == PICTURES


def test_a_draft_gives_way_when_it_is_said_again(panel, qtbot):
    speak(panel, qtbot, "a dog")
    speak(panel, qtbot, "a cat", peak=0.25)
    assert [take.text for take in kept(panel)] == ["a cat"] and panel.desk.heard.text.text() == "a cat"
    assert [take.text for take in kept(panel, binned=True)] == ["a dog"]


def test_r_says_a_confirmed_caption_again(panel, sound, qtbot):
    speak(panel, qtbot, "a dog")
    press(panel, qtbot, Qt.Key.Key_Return)
    press(panel, qtbot, Qt.Key.Key_Left)
    assert name(panel) == "a.png" and panel.desk.heard.heading.text() == "Caption"
    panel.context.explorer.models.parrot.says.append("a cat")
    qtbot.keyClick(panel, Qt.Key.Key_R)  # as after a tap: until the next key
    sound.streams[-1].send(0.3, 1.0)
    panel.voice.microphone.drain()
    qtbot.keyClick(panel, Qt.Key.Key_Space)
    send_tail(panel)
    settle(panel, qtbot)
    assert [take.text for take in kept(panel)] == ["a cat"]
    assert [take.text for take in kept(panel, binned=True)] == ["a dog"]


def test_several_descriptions_of_one_picture(panel, qtbot):
    speak(panel, qtbot, "a dog")
    press(panel, qtbot, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert name(panel) == "a.png"
    speak(panel, qtbot, "a dog by the sea", peak=0.25)
    assert panel.desk.said.isVisibleTo(panel)
    press(panel, qtbot, Qt.Key.Key_Return)
    assert [take.text for take in kept(panel)] == ["a dog", "a dog by the sea"]
    assert {take.image_id for take in kept(panel)} == {kept(panel)[0].image_id} and name(panel) == "b.png"


def test_another_speaker_describes_the_same_picture(panel, qtbot):
    speak(panel, qtbot, "a dog")
    press(panel, qtbot, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    dialog = panel.ask_speaker()
    dialog.name.setText("m.k.")
    assert not dialog.save.isEnabled(), "nobody is two people"
    dialog.name.setText("A.B.")
    dialog.consent.setPlainText("agreed in writing")
    dialog.save.click()
    settle(panel, qtbot)
    assert panel.session.speaker.name == "A.B." and name(panel) == "a.png"
    assert panel.desk.heard.text.text() == "", "what M.K. said is not A.B.'s"
    speak(panel, qtbot, "a dog runs", peak=0.25)
    assert [take.speaker.name for take in panel.session.others()] == ["M.K."]
    assert panel.session.current().speaker.consent == "agreed in writing"


def test_without_a_speaker_space_asks_who_speaks(make_panel, context, folder, qtbot):
    context.explorer.index(folder, "Holiday")
    panel = make_panel(context)
    assert panel.session.speaker is None
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    [dialog] = panel.findChildren(SpeakerDialog)
    assert panel.voice.microphone.state not in ("opening", "recording")
    for _ in range(3):  # the key is held still
        qtbot.keyClick(dialog.name, Qt.Key.Key_Space)
    qtbot.keyClicks(dialog.name, "M. K.")
    assert dialog.name.text() == "M. K."
    qtbot.keyClick(dialog.name, Qt.Key.Key_Return)
    settle(panel, qtbot)
    speak(panel, qtbot)
    assert kept(panel)[0].speaker.name == "M. K."


def test_skipping_keeps_words_that_were_typed_and_can_be_undone(panel, qtbot):
    speak(panel, qtbot, "a dog")
    press(panel, qtbot, Qt.Key.Key_E)
    qtbot.keyClicks(panel.desk.heard.text, "half a sentence")
    panel.setFocus()
    press(panel, qtbot, Qt.Key.Key_S)
    assert name(panel) == "b.png"
    assert [(take.text, take.state) for take in kept(panel)] == [("half a sentence", "draft")]
    press(panel, qtbot, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert panel.session.image is not None


def test_the_last_picture_cannot_be_skipped_but_the_queue_of_all_ends(panel, qtbot):
    panel.header.queue_chosen.emit("all:")
    settle(panel, qtbot)
    for _ in range(PICTURES):
        press(panel, qtbot, Qt.Key.Key_S)
    assert name(panel) == "d.png" and panel.desk.message.text() == "This is the last picture of the queue."


def test_accepting_nothing_says_what_to_do(panel, qtbot):
    press(panel, qtbot, Qt.Key.Key_Return)
    assert "hold Space" in panel.desk.message.text() and name(panel) == "a.png"


def test_no_other_picture_comes_while_one_records_and_esc_forgets_it(panel, sound, qtbot):
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    sound.streams[-1].send(0.3, 1.0)
    panel.voice.microphone.drain()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_S, Qt.Key.Key_Return, Qt.Key.Key_R):
        qtbot.keyClick(panel, key)
    assert name(panel) == "a.png" and panel.voice.microphone.state == "recording"
    qtbot.keyClick(panel, Qt.Key.Key_Escape)
    settle(panel, qtbot)
    assert kept(panel) == [] and panel.voice.microphone.state in ("off", "ready")


def test_a_picture_waits_until_the_recording_before_is_on_the_disk(panel, sound, qtbot, monkeypatch):
    waiting = []
    monkeypatch.setattr(panel.session.line, "_go_on", lambda: waiting.append(1))  # a disk that does not answer
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    sound.streams[-1].send(0.3, 1.0)
    panel.voice.microphone.drain()
    qtbot.keyRelease(panel, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: panel.voice.microphone.state == "stopping", timeout=WAIT)
    send_tail(panel)
    qtbot.waitUntil(lambda: panel.session.saving == 1, timeout=WAIT)
    qtbot.keyClick(panel, Qt.Key.Key_Right)
    assert name(panel) == "a.png"
    monkeypatch.undo()
    panel.session.line._go_on()
    settle(panel, qtbot)
    assert name(panel) == "b.png" and len(kept(panel)) == 1


def test_enter_right_after_the_release_counts(panel, sound, qtbot):
    panel.context.explorer.models.parrot.says.append("a dog")
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    sound.streams[-1].send(0.3, 1.0)
    panel.voice.microphone.drain()
    qtbot.keyRelease(panel, Qt.Key.Key_Space)
    qtbot.keyClick(panel, Qt.Key.Key_Return)
    assert name(panel) == "a.png"
    qtbot.waitUntil(lambda: panel.voice.microphone.state == "stopping", timeout=WAIT)
    send_tail(panel)
    qtbot.waitUntil(lambda: name(panel) == "b.png", timeout=WAIT)
    settle(panel, qtbot)
    assert [take.state for take in kept(panel)] == ["done"]


def test_enter_while_the_recording_is_saved_goes_on_when_it_is_on_the_disk(panel, sound, qtbot, monkeypatch):
    panel.context.explorer.models.parrot.gate.clear()
    waiting = []
    with monkeypatch.context() as slow:
        slow.setattr(panel.session.line, "_go_on", lambda: waiting.append(1))  # a disk that does not answer
        qtbot.keyPress(panel, Qt.Key.Key_Space)
        sound.streams[-1].send(0.3, 1.0)
        panel.voice.microphone.drain()
        qtbot.keyRelease(panel, Qt.Key.Key_Space)
        qtbot.waitUntil(lambda: panel.voice.microphone.state == "stopping", timeout=WAIT)
        send_tail(panel)
        qtbot.waitUntil(lambda: panel.session.saving == 1, timeout=WAIT)
        for _ in range(2):  # impatient
            qtbot.keyClick(panel, Qt.Key.Key_Return)
        assert name(panel) == "a.png" and kept(panel) == []
    panel.session.line._go_on()
    go_on(panel, qtbot)
    assert name(panel) == "b.png" and [(take.state, take.text) for take in kept(panel)] == [("done", "")]


def test_words_that_are_typed_while_it_is_saved_are_the_new_recordings(panel, sound, qtbot, monkeypatch):
    speak(panel, qtbot, "a dog")
    with monkeypatch.context() as slow:
        slow.setattr(panel.session.line, "_go_on", lambda: None)
        qtbot.keyPress(panel, Qt.Key.Key_Space)
        sound.streams[-1].send(0.25, 1.0)
        panel.voice.microphone.drain()
        qtbot.keyRelease(panel, Qt.Key.Key_Space)
        qtbot.waitUntil(lambda: panel.voice.microphone.state == "stopping", timeout=WAIT)
        send_tail(panel, 0.25)
        qtbot.waitUntil(lambda: panel.session.saving == 1, timeout=WAIT)
        assert panel.desk.heard.text.text() == "", "the words before are of the recording before"
        qtbot.keyClick(panel, Qt.Key.Key_E)
        qtbot.keyClicks(panel.desk.heard.text, "a cat")
        qtbot.keyClick(panel.desk.heard.text, Qt.Key.Key_Return)
    panel.session.line._go_on()
    settle(panel, qtbot)
    assert [(take.state, take.text) for take in kept(panel)] == [("done", "a cat")]
    assert [take.text for take in kept(panel, binned=True)] == ["a dog"]


# ---- Enter before the words are there


def test_enter_before_the_words_goes_on_and_they_wait_in_the_review(panel, qtbot):
    say(panel, qtbot, "a dog")
    assert "Enter goes on" in panel.desk.heard.note.text()
    tap(panel, qtbot, Qt.Key.Key_Return)
    assert name(panel) == "b.png" and [(take.state, take.text) for take in kept(panel)] == [("done", "")]
    assert panel.desk.message.text() == LATER
    say(panel, qtbot, "a cat", peak=0.25)
    tap(panel, qtbot, Qt.Key.Key_E)
    qtbot.keyClicks(panel.desk.heard.text, "half a sen")
    words_arrive(panel, qtbot)
    assert panel.desk.heard.text.hasFocus() and panel.desk.heard.text.text() == "half a sen"
    assert name(panel) == "b.png" and panel.session.left() == PICTURES - 1
    first, second = kept(panel)
    assert (first.state, first.text, caption_of(first), stage_of(first)) == ("done", "", "a dog", "late")
    assert (second.state, second.text) == ("draft", "a cat")


def test_words_are_recognised_one_after_the_other_and_those_in_front_first(panel, qtbot):
    for number in range(3):
        say(panel, qtbot, f"number {number}", peak=0.2 + 0.1 * number)
        if number < 2:
            tap(panel, qtbot, Qt.Key.Key_Return)
    assert len(panel.session.hearing) == 3
    assert sum(job.name == "Recognising the words" for job in panel.context.jobs.running(quiet=True)) == 1
    words_arrive(panel, qtbot)
    assert [caption_of(take) for take in kept(panel)] == ["number 0", "number 2", "number 1"], "third before second"


def test_ctrl_enter_before_the_words_stays_for_another_description(panel, qtbot):
    say(panel, qtbot, "a dog")
    tap(panel, qtbot, Qt.Key.Key_Return, CTRL)
    say(panel, qtbot, "a dog runs", peak=0.25)
    assert name(panel) == "a.png" and len(kept(panel)) == 2
    words_arrive(panel, qtbot)
    assert panel.desk.heard.text.text() == "a dog runs" and panel.session.others()[0].text == ""


def test_undo_after_the_words_arrived_brings_the_draft_back_with_them(panel, qtbot):
    say(panel, qtbot, "a dog")
    tap(panel, qtbot, Qt.Key.Key_Return)
    words_arrive(panel, qtbot)
    press(panel, qtbot, Qt.Key.Key_Z, CTRL)
    assert name(panel) == "a.png" and panel.desk.heard.text.text() == "a dog"
    assert [(take.state, take.text) for take in kept(panel)] == [("draft", "a dog")]
    press(panel, qtbot, Qt.Key.Key_Return)
    assert [(take.state, take.text) for take in kept(panel)] == [("done", "a dog")]


def test_undo_before_the_words_arrive_waits_for_them_in_front(panel, qtbot):
    say(panel, qtbot, "a dog")
    tap(panel, qtbot, Qt.Key.Key_Return)
    tap(panel, qtbot, Qt.Key.Key_Z, CTRL)
    assert name(panel) == "a.png" and "Recognising" in panel.desk.heard.note.text()
    words_arrive(panel, qtbot)
    assert panel.desk.heard.text.text() == "a dog" and kept(panel)[0].state == "draft"


def test_words_that_closing_prevented_are_recognised_when_the_gallery_is_opened_again(panel, make_context, make_panel,
                                                                                   qtbot):
    say(panel, qtbot)
    tap(panel, qtbot, Qt.Key.Key_Return)
    panel.closing()
    panel.context.jobs.cancel_all()
    again = make_context()
    again.set_gallery("Holiday")
    again.explorer.models.parrot.says.append("heard at last")
    second = make_panel(again)
    assert name(second) == "b.png"
    assert [(take.state, take.text, caption_of(take)) for take in kept(second)] == [("done", "", "heard at last")]


@pytest.mark.parametrize("reopened", [False, True])
def test_a_take_in_which_no_words_are_found_comes_back_as_a_draft_and_is_told(panel, qtbot, reopened):
    say(panel, qtbot, "")
    tap(panel, qtbot, Qt.Key.Key_Return)
    if reopened:  # the picture counts as described, and is none of the queue's
        panel.activated()
        go_on(panel, qtbot)
        assert len(panel.session.view.images) == PICTURES - 1
    tap(panel, qtbot, Qt.Key.Key_E)
    qtbot.keyClicks(panel.desk.heard.text, "typed before it is said")
    words_arrive(panel, qtbot)
    assert [take.state for take in kept(panel)] == ["draft"]
    assert panel.desk.heard.text.text() == "typed before it is said"
    assert "Only noise was heard." in panel.desk.message.text() and "draft" in panel.desk.message.text()
    assert name(panel) == "b.png" and len(panel.session.view.images) == panel.session.left() == PICTURES


def test_at_the_end_of_the_queue_it_says_what_is_to_be_confirmed_and_what_came_back(panel, qtbot):
    for number in range(PICTURES):
        say(panel, qtbot, f"number {number}" if number else "", peak=0.2 + 0.1 * number)
        tap(panel, qtbot, Qt.Key.Key_Return)
    assert panel.pages.currentWidget() is panel.done
    assert "4 recordings were not there at Enter" in panel.done.words.sentence.text()
    words_arrive(panel, qtbot)
    assert "1 picture of 4" in panel.done.words.sentence.text() and "a.png" in panel.done.message.text()
    panel.done.first.click()
    settle(panel, qtbot)
    assert name(panel) == "a.png" and panel.desk.heard.note.text() == "Only noise was heard."


def test_a_recogniser_that_fails_after_enter_brings_the_picture_back(panel, qtbot, monkeypatch):
    say(panel, qtbot)
    tap(panel, qtbot, Qt.Key.Key_Return)

    def broken(*_):
        raise WeightsError("Whisper base is damaged.", "damaged")

    monkeypatch.setattr(panel.context.explorer.models.parrot, "transcribe", broken)
    say(panel, qtbot, peak=0.25)
    tap(panel, qtbot, Qt.Key.Key_Return)
    words_arrive(panel, qtbot)
    states = {take.id: take.state for take in kept(panel)}
    assert list(states.values()) == ["done", "draft"], "the first was on its way already"
    assert "b.png: Whisper base is damaged. The take is a draft" in panel.desk.message.text()


def test_an_export_in_between_leaves_out_what_is_not_confirmed(panel, qtbot, tmp_path):
    speak(panel, qtbot, "confirmed")
    press(panel, qtbot, Qt.Key.Key_Return)
    say(panel, qtbot, "late", peak=0.25)
    tap(panel, qtbot, Qt.Key.Key_Return)
    panel.exchange.export("Holiday", tmp_path / "out", ExportOptions())
    qtbot.waitUntil(lambda: (tmp_path / "out").exists(), timeout=WAIT)
    words_arrive(panel, qtbot)
    panel.exchange.export("Holiday", tmp_path / "later", ExportOptions())
    settle(panel, qtbot)
    for folder in ("out", "later"):
        assert [one.caption for one in datasets.load(tmp_path / folder).utterances] == ["confirmed"]
    assert "arrived after Enter and are not confirmed" in panel.bar.words.text()


def filtered(panel, qtbot, state):
    review = panel.review
    review.states.setCurrentIndex(review.states.findData(state))
    review.states.activated.emit(0)
    go_on(panel, qtbot)
    return review


def test_the_review_shows_what_is_awaited_and_enter_confirms_what_arrived(panel, qtbot):
    for number in range(2):
        say(panel, qtbot, f"number {number}", peak=0.2 + 0.1 * number)
        tap(panel, qtbot, Qt.Key.Key_Return)
    tap(panel, qtbot, Qt.Key.Key_R, CTRL)
    review = filtered(panel, qtbot, "awaited")
    qtbot.waitUntil(lambda: review.model.rowCount() == 2, timeout=WAIT)
    assert "still being recognised" in review.detail.note.text() and not review.detail.accept.isEnabled()
    tap(panel, qtbot, Qt.Key.Key_A)
    assert [take.state for take in kept(panel)] == ["done", "done"]
    words_arrive(panel, qtbot)
    filtered(panel, qtbot, "late")
    settle(panel, qtbot)
    assert review.model.rowCount() == 2 and "2 with words to confirm" in review.count.text()
    assert review.detail.note.text().startswith("Words arrived after Enter; confirm.")
    assert review.detail.text.text() == "number 0" and review.detail.accept.isEnabled()
    press(panel, qtbot, Qt.Key.Key_Return)
    press(panel, qtbot, Qt.Key.Key_A)
    assert [(take.state, take.text) for take in kept(panel)] == [("done", "number 0"), ("accepted", "number 1")]
    assert review.model.rowCount() == 0


def test_words_that_arrive_leave_alone_what_is_typed_and_selected_in_the_review(panel, qtbot):
    speak(panel, qtbot, "a dog")
    press(panel, qtbot, Qt.Key.Key_Return)
    say(panel, qtbot, "a cat", peak=0.25)
    tap(panel, qtbot, Qt.Key.Key_Return)
    tap(panel, qtbot, Qt.Key.Key_R, CTRL)
    review = panel.review
    qtbot.waitUntil(lambda: review.model.rowCount() == 2, timeout=WAIT)
    review.table.selectAll()
    tap(panel, qtbot, Qt.Key.Key_E)
    qtbot.keyClicks(review.detail.text, "half a sen")
    words_arrive(panel, qtbot)
    assert review.detail.text.hasFocus() and review.detail.text.text() == "half a sen"
    assert len(review.selected()) == 2 and caption_of(kept(panel)[1]) == "a cat"


def test_doubtful_words_are_a_draft_to_check(panel, qtbot):
    speak(panel, qtbot, "?ducks ducks")
    assert panel.desk.heard.text.text() == "ducks ducks" and panel.desk.heard.note.text() == wording.DOUBTFUL
    assert kept(panel)[0].state == "draft"
    press(panel, qtbot, Qt.Key.Key_Return)
    press(panel, qtbot, Qt.Key.Key_Left)
    assert panel.desk.heard.note.text() == "", "it was looked at and confirmed"


# ---- redo


def test_an_undo_that_takes_the_recording_says_where_it_is_and_redo_brings_it_back(panel, qtbot):
    speak(panel, qtbot)
    press(panel, qtbot, Qt.Key.Key_Return)
    for _ in range(2):
        press(panel, qtbot, Qt.Key.Key_Z, CTRL)
    assert panel.desk.message.text() == "Recording moved to the Bin; Ctrl+Shift+Z brings it back."
    assert kept(panel) == []
    press(panel, qtbot, Qt.Key.Key_Z, CTRL | SHIFT)
    assert [(take.state, take.text) for take in kept(panel)] == [("draft", "a dog")] and name(panel) == "a.png"
    assert panel.desk.message.text() == "Redone: the recording."
    press(panel, qtbot, Qt.Key.Key_Y, CTRL)
    assert kept(panel)[0].state == "done"
    press(panel, qtbot, Qt.Key.Key_Y, CTRL)
    assert panel.desk.message.text() == "Nothing to redo."


def test_a_skip_is_redone(panel, qtbot):
    press(panel, qtbot, Qt.Key.Key_S)
    press(panel, qtbot, Qt.Key.Key_Z, CTRL)
    assert name(panel) == "a.png"
    press(panel, qtbot, Qt.Key.Key_Y, CTRL)
    assert name(panel) == "b.png"


# ---- what may go wrong


def test_a_full_disk_keeps_the_recording_in_memory_until_there_is_room(panel, qtbot, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as no_room:
        no_room.setattr("core.private_files.os.fsync", full)
        speak(panel, qtbot, "a dog")
        [(error, safe)] = panel.troubles
        assert "No space left" in str(error) and "Enter" in safe and kept(panel) == []
        assert panel.desk.voice.hint.text() == NOT_KEPT
        press(panel, qtbot, Qt.Key.Key_Right)
        assert name(panel) == "a.png", "it stays until the recording is kept or forgotten"
        press(panel, qtbot, Qt.Key.Key_Return)
        assert kept(panel) == [] and panel.session.unkept is not None
    press(panel, qtbot, Qt.Key.Key_Return)
    assert len(kept(panel)) == 1 and panel.session.unkept is None
    press(panel, qtbot, Qt.Key.Key_Return)
    assert kept(panel)[0].state == "done" and name(panel) == "b.png"


def test_closing_tries_once_more_to_write_what_could_not_be_written(make_panel, context, gallery, qtbot, home):
    panel = make_panel(context)
    home.takes.write_text("in the way")
    speak(panel, qtbot)
    assert panel.session.unkept is not None
    home.takes.unlink()
    panel.closing()
    assert len(kept(panel)) == 1


def test_a_recording_that_cannot_be_kept_may_be_forgotten(panel, qtbot, monkeypatch, home):
    home.takes.write_text("in the way")
    speak(panel, qtbot)
    assert panel.session.unkept is not None
    press(panel, qtbot, Qt.Key.Key_Delete)
    press(panel, qtbot, Qt.Key.Key_Right)
    assert name(panel) == "b.png" and kept(panel) == []


def test_without_a_microphone_it_says_so(make_panel, context, gallery, sound, qtbot):
    sound.names.clear()
    panel = make_panel(context)
    assert "No microphone found" in panel.desk.voice.hint.text()
    qtbot.keyClick(panel, Qt.Key.Key_Space)
    settle(panel, qtbot)
    assert "No microphone found" in panel.desk.message.text() and kept(panel) == []


def test_a_recording_may_come_from_a_file_and_a_broken_one_is_said(panel, qtbot, tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"no sound at all")
    panel.intake.read_voice(tmp_path / "broken.wav")
    settle(panel, qtbot)
    assert panel.desk.message.text() and kept(panel) == []
    tone(tmp_path / "said.wav")
    panel.intake.read_voice(tmp_path / "said.wav")
    settle(panel, qtbot)
    assert [take.text for take in kept(panel)] == ["a dog"] and panel.desk.heard.text.text() == "a dog"


def test_without_the_model_that_hears_words_are_typed(panel, qtbot, monkeypatch):
    def missing(*_):
        raise WeightsError("Whisper base is not on this computer.", "missing")

    monkeypatch.setattr(panel.context.explorer.models, "recogniser", missing)
    speak(panel, qtbot)
    assert "type what was said" in panel.desk.message.text() and len(kept(panel)) == 1
    press(panel, qtbot, Qt.Key.Key_E)
    qtbot.keyClicks(panel.desk.heard.text, "a dog")
    press(panel, qtbot, Qt.Key.Key_Return)
    assert [(take.text, take.state) for take in kept(panel)] == [("a dog", "done")]


def test_only_noise_gives_a_reason_and_no_caption(panel, qtbot):
    speak(panel, qtbot, "")
    assert panel.desk.heard.note.text() == "Only noise was heard."
    press(panel, qtbot, Qt.Key.Key_Return)
    assert name(panel) == "a.png" and "needs words" in panel.desk.message.text()


def test_a_recording_that_is_gone_is_said(panel, qtbot, home):
    speak(panel, qtbot)
    press(panel, qtbot, Qt.Key.Key_Return)
    for path in home.takes.iterdir():
        path.unlink()
    panel.listener._waveform = None  # as after a restart
    press(panel, qtbot, Qt.Key.Key_Left)
    assert panel.desk.message.text() and kept(panel)[0].text == "a dog"


@pytest.mark.parametrize(("peak", "words"), [(1.0, "clipped"), (0.03, "Quiet")])
def test_level_is_warned_of_and_kept_with_the_take(panel, qtbot, peak, words):
    speak(panel, qtbot, peak=peak)
    assert words in kept(panel)[0].warning or "loud" in kept(panel)[0].warning
    assert panel.desk.voice.hint.text() == kept(panel)[0].warning


def test_the_level_meter_tells_quiet_good_and_loud(qtbot):
    meter = LevelMeter()
    qtbot.addWidget(meter)
    assert meter.verdict == ""
    for peak, verdict in ((0.01, "quiet"), (0.3, "good"), (0.99, "loud")):
        meter.clear()
        meter.add_level(peak)
        assert meter.verdict == verdict


def test_closing_at_once_keeps_the_take(make_panel, context, gallery, sound, qtbot):
    panel = make_panel(context)
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    sound.streams[-1].send(0.3, 1.0)
    panel.voice.microphone.drain()
    panel.session.line._running = True  # every thread is busy: nothing was written yet
    qtbot.keyRelease(panel, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: panel.voice.microphone.state == "stopping", timeout=WAIT)
    send_tail(panel)
    qtbot.waitUntil(lambda: panel.session.saving == 1, timeout=WAIT)
    assert kept(panel) == []
    panel.closing()
    assert len(kept(panel)) == 1 and kept(panel)[0].recording.exists()


CHILD = """
import os, signal, sys
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
import numpy as np
app = QApplication([])
import core.explorer
from tests.core.annotation.models import TwoModels
core.explorer.ModelRegistry = TwoModels
from brewclip_app.capture import multimedia
from brewclip_app.context import Context
from brewclip_app.panels.annotate.panel import AnnotatePanel
from core.audio import from_samples
from core.explorer import Explorer
from core.home import find_home
from core.settings import Settings
home = find_home()
multimedia.start()
context = Context(home, Explorer(home, Settings()))
context.set_gallery("Holiday")
panel = AnnotatePanel(context)
panel.session.open()
def until(true):
    while not true():
        QTest.qWait(5)
until(lambda: panel.session.image is not None)
voice = from_samples(0.3 * np.sin(np.arange(16_000) * 0.05).astype(np.float32), 16_000)
panel.session.record(voice, "")
until(lambda: panel.session.current() and panel.session.current().heard)
panel.session.confirm("a dog")
until(lambda: panel.session.image.path.name == "b.png" and not panel.session.line.busy)
panel.session.record(from_samples(voice.samples * 0.5, 16_000), "")
until(lambda: panel.session.current() is not None)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_window_goes_on_at_the_same_picture_with_every_take(make_panel, context, gallery, qtbot, home):
    child = subprocess.run([sys.executable, "-c", CHILD], cwd=REPOSITORY, timeout=120, check=False,
                           capture_output=True, text=True)
    assert child.returncode == -signal.SIGKILL, child.stderr
    panel = make_panel(context)
    assert name(panel) == "b.png" and panel.session.speaker.name == "M.K."
    assert [take.state for take in kept(panel)] == ["done", "draft"]
    assert all(take.recording.exists() for take in kept(panel))
    assert panel.session.current().heard, "what the kill left unheard is heard now"
    press(panel, qtbot, Qt.Key.Key_Return)
    assert name(panel) == "c.png"


def test_two_windows_on_one_store_lose_nothing(make_panel, make_context, context, gallery, qtbot):
    first, second = make_panel(context), make_context()
    second.set_gallery("Holiday")
    other = make_panel(second)
    for number, panel in enumerate((first, other)):
        speak(panel, qtbot, f"a dog {number}", peak=0.3 + 0.1 * number)
    for panel in (first, other):
        press(panel, qtbot, Qt.Key.Key_Return)
    assert [take.text for take in kept(first)] == ["a dog 0", "a dog 1"]
    first.activated()
    settle(first, qtbot)
    assert len(first.session.takes()) == 2 and first.troubles == other.troubles == []


# ---- the review


@pytest.fixture
def reviewed(panel, qtbot):
    """The review with two takes to look at."""
    for number, says in enumerate(("a dog", "a cat by the see")):
        speak(panel, qtbot, says, peak=0.3 + 0.1 * number)
        press(panel, qtbot, Qt.Key.Key_Return)
    press(panel, qtbot, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert panel.pages.currentWidget() is panel.review and panel.review.model.rowCount() == 2
    return panel


def test_models_hold_qts_contract(reviewed):
    for model in (reviewed.review.model, reviewed.desk.strip.walk):
        QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)


def test_takes_are_judged_by_keys_and_undone(reviewed, qtbot):
    press(reviewed, qtbot, Qt.Key.Key_A)
    press(reviewed, qtbot, Qt.Key.Key_X)
    assert [take.state for take in kept(reviewed)] == ["accepted", "rejected"]
    press(reviewed, qtbot, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert [take.state for take in kept(reviewed)] == ["accepted", "done"]
    press(reviewed, qtbot, Qt.Key.Key_Escape)
    assert reviewed.pages.currentWidget() is reviewed.desk


def test_a_correction_in_the_review_is_marked(reviewed, qtbot):
    press(reviewed, qtbot, Qt.Key.Key_Down)
    press(reviewed, qtbot, Qt.Key.Key_E)
    qtbot.keyClicks(reviewed.review.detail.text, "a cat by the sea")
    press(reviewed, qtbot, Qt.Key.Key_Return)
    assert kept(reviewed)[1].text == "a cat by the sea"
    assert "<s>see</s>" in reviewed.review.detail.heard.text()
    assert "1 of 5 words corrected" in reviewed.review.detail.facts.text()


def test_what_is_thrown_away_is_in_the_bin_until_it_is_deleted(reviewed, qtbot, home):
    press(reviewed, qtbot, Qt.Key.Key_Delete)
    assert len(kept(reviewed)) == 1 and len(list(home.takes.iterdir())) == 2
    review = reviewed.review
    review.states.setCurrentIndex(review.states.findData("bin"))
    review.states.activated.emit(0)
    settle(reviewed, qtbot)
    assert review.model.rowCount() == 1 and review.detail.throw.text() == "Bring back"
    review.erase.click()
    [question] = reviewed.findChildren(QMessageBox)
    next(each for each in question.buttons() if each.text() == "Delete").click()
    settle(reviewed, qtbot)
    assert kept(reviewed, binned=True) == [] and len(list(home.takes.iterdir())) == 1


def test_two_people_agree_or_not(reviewed, qtbot, context):
    store = context.explorer.store
    from core.annotation.takes import Annotator
    from core.audio import from_samples

    image, other = kept(reviewed)[0].image_id, store.add_speaker("A.B.")
    annotator = Annotator(context.explorer.store, context.explorer.home.takes)
    take = annotator.record(image, other.id, from_samples(np.full(16_000, 0.2, np.float32), 16_000))
    annotator.confirm(take, "a dog on the sea")
    reviewed.activated()
    settle(reviewed, qtbot)
    press(reviewed, qtbot, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    press(reviewed, qtbot, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert "1 picture described by more than one person" in reviewed.review.detail.agreement.text()


# ---- in and out


def test_an_export_from_the_panel_loads_again_without_a_problem(panel, qtbot, tmp_path):
    for number in range(PICTURES):
        speak(panel, qtbot, f"a dog number {number}", peak=0.2 + 0.1 * number)
        press(panel, qtbot, Qt.Key.Key_Return)
    press(panel, qtbot, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    [dialog] = panel.findChildren(ExportDialog)
    dialog.folder.setText(str(tmp_path / "out"))
    dialog.layouts.setCurrentIndex(1)
    dialog.export.click()
    settle(panel, qtbot)
    found = datasets.inspect(tmp_path / "out")
    assert found.kind == "flickr8k" and found.problems == () and sum(split.utterances for split in found.splits) == 4
    assert str(tmp_path / "out") in panel.bar.words.text() and panel.bar.isVisibleTo(panel)


def test_a_cancelled_export_leaves_nothing(panel, qtbot, tmp_path, monkeypatch):
    speak(panel, qtbot)
    press(panel, qtbot, Qt.Key.Key_Return)
    monkeypatch.setattr("core.annotation.exports._copy_picture", lambda *_: panel.bar.progress.cancel.click() or True)
    panel.exchange.export("Holiday", tmp_path / "out", ExportOptions())
    for job in panel.context.jobs.running():
        job.cancel()
    settle(panel, qtbot)
    assert not (tmp_path / "out").exists() and not panel.bar.isVisibleTo(panel)


def test_nothing_to_export_is_said(panel, qtbot, tmp_path):
    panel.exchange.export("Holiday", tmp_path / "out", ExportOptions())
    settle(panel, qtbot)
    assert "nothing to export" in str(panel.troubles[0][0])


def test_a_dataset_comes_in_and_shows_like_what_was_recorded_here(panel, qtbot, tmp_path):
    folder = tmp_path / "pairs"
    folder.mkdir()
    Image.new("RGB", (40, 30), "red").save(folder / "x.png")
    tone(folder / "x.wav")
    (folder / "pairs.csv").write_text("image,audio,caption\nx.png,x.wav,a red thing\n")
    panel.exchange.bring_in(folder, "Holiday")
    settle(panel, qtbot)
    assert panel.troubles == [] and "1 spoken caption came into Holiday" in panel.bar.words.text()
    assert [take.text for take in kept(panel)] == ["a red thing"]
    press(panel, qtbot, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert panel.review.model.rowCount() == 1


def test_in_a_small_window_it_can_be_read_who_speaks(panel, qtbot):
    for width, titled in ((1200, True), (920, False)):
        panel.resize(width, 600)
        qtbot.waitUntil(lambda titled=titled: panel.header.title.isVisibleTo(panel) is titled, timeout=WAIT)
        qtbot.waitUntil(lambda: panel.header.speakers.shown_text() == "M.K., English", timeout=WAIT)


def test_in_a_low_window_the_words_come_into_view_and_then_the_voice_again(panel, qtbot):
    panel.resize(700, 408)
    speak(panel, qtbot)
    heard, voice = panel.desk.heard, panel.desk.voice
    qtbot.waitUntil(lambda: heard.text.text() != "", timeout=WAIT)
    qtbot.waitUntil(lambda: heard.text.visibleRegion().boundingRect().height() == heard.text.height() > 0, timeout=WAIT)
    press(panel, qtbot, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel.desk.cards.verticalScrollBar().value() == 0 < voice.height(), timeout=WAIT)


def test_every_key_that_is_listed_is_known(panel):
    keys = [keys for keys, _ in panel.shortcuts()]
    assert len(keys) == len(set(keys)) and {"Space", "Enter", "R", "S", "Ctrl+Z"} <= set(keys)
    event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Q, Qt.KeyboardModifier.NoModifier, "q")
    event.setAccepted(True)
    panel.keyPressEvent(event)
    assert not event.isAccepted(), "other keys go on to the window"


def test_the_store_of_the_window_is_the_store_of_the_command_line(panel, qtbot, home):
    speak(panel, qtbot)
    store = Store.open(home.store)
    assert len(store.takes(store.gallery("Holiday").id)) == 1
    store.close()
