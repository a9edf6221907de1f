"""Describing pictures by voice and keyboard."""

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLabel

from brewclip_app.panels.annotate.controller import BINNED
from brewclip_app.panels.annotate.speaker_dialog import SpeakerDialog
from core.store.store import Store
from tests.brewclip_app.panels.annotate.steps import (
    CTRL,
    PICTURES,
    SHIFT,
    WAIT,
    image_name,
    press,
    send_tail,
    settle,
    settle_changes,
    speak,
    stored_takes,
)


def test_without_a_gallery_it_says_what_goes_there(make_panel, context):
    panel = make_panel(context)
    assert panel.pages.currentWidget() is panel.none
    assert not panel.header.export.isEnabled()


def test_from_the_first_to_the_last_picture_by_keys(panel, qtbot):
    seen = []
    for number in range(PICTURES):
        seen.append(image_name(panel))
        speak(panel, qtbot, f"a dog number {number}")
        [take] = panel.controller.state.image_takes
        assert take.recording.exists() and take.state == "draft" and stored_takes(panel)[-1] == take
        assert panel.page.caption.text.text() == f"a dog number {number}"
        press(panel, qtbot, Qt.Key.Key_Return)
    assert sorted(seen) == ["a.png", "b.png", "c.png", "d.png"]
    assert [take.state for take in stored_takes(panel)] == ["done"] * PICTURES
    assert panel.pages.currentWidget() is panel.end and panel.end.words.title.text() == "All pictures described"
    assert panel.header.bar.value() == panel.header.bar.maximum() == PICTURES
    assert panel.failures == []


def test_what_is_corrected_is_kept_and_shown(panel, qtbot):
    speak(panel, qtbot, "a man by the see")
    press(panel, qtbot, Qt.Key.Key_E)
    qtbot.keyClicks(panel.page.caption.text, "A man by the sea")
    assert "<s>see</s>" in panel.page.caption.changes.text() and panel.page.caption.changes.isVisibleTo(panel)
    press(panel, qtbot, Qt.Key.Key_Return)
    assert image_name(panel) == "b.png" and panel.hasFocus()
    assert [(take.text, take.state) for take in stored_takes(panel)] == [("A man by the sea", "done")]


def test_undo_goes_back_to_the_picture_and_once_more_takes_the_recording(panel, qtbot):
    speak(panel, qtbot)
    press(panel, qtbot, Qt.Key.Key_Return)
    press(panel, qtbot, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert image_name(panel) == "a.png" and stored_takes(panel)[0].state == "draft"
    assert panel.page.message.text() == "Undone: the caption."
    press(panel, qtbot, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert stored_takes(panel) == [] and len(stored_takes(panel, binned=True)) == 1
    press(panel, qtbot, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert panel.page.message.text() == "Nothing to undo."


def test_undo_finds_a_picture_that_left_the_queue_when_it_was_opened_again(panel, qtbot):
    speak(panel, qtbot)
    press(panel, qtbot, Qt.Key.Key_Return)
    panel.activated()
    settle(panel, qtbot)
    assert len(panel.controller.state.images) == PICTURES - 1
    press(panel, qtbot, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert image_name(panel) == "a.png" and len(panel.controller.state.images) == PICTURES


def test_a_draft_gives_way_when_it_is_said_again(panel, qtbot):
    speak(panel, qtbot, "a dog")
    speak(panel, qtbot, "a cat", peak=0.25)
    assert [take.text for take in stored_takes(panel)] == ["a cat"] and panel.page.caption.text.text() == "a cat"
    assert [take.text for take in stored_takes(panel, binned=True)] == ["a dog"]


def test_r_says_a_confirmed_caption_again(panel, sound, qtbot):
    speak(panel, qtbot, "a dog")
    press(panel, qtbot, Qt.Key.Key_Return)
    press(panel, qtbot, Qt.Key.Key_Left)
    assert image_name(panel) == "a.png" and panel.page.caption.heading.text() == "Caption"
    panel.context.explorer.models.parrot.says.append("a cat")
    qtbot.keyClick(panel, Qt.Key.Key_R)  # as after a tap: until the next key
    sound.streams[-1].send(0.3, 1.0)
    panel.voice.microphone.drain()
    qtbot.keyClick(panel, Qt.Key.Key_Space)
    send_tail(panel)
    settle(panel, qtbot)
    assert [take.text for take in stored_takes(panel)] == ["a cat"]
    assert [take.text for take in stored_takes(panel, binned=True)] == ["a dog"]


def test_several_descriptions_of_one_picture(panel, qtbot):
    speak(panel, qtbot, "a dog")
    press(panel, qtbot, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert image_name(panel) == "a.png"
    speak(panel, qtbot, "a dog by the sea", peak=0.25)
    assert panel.page.others.isVisibleTo(panel)
    press(panel, qtbot, Qt.Key.Key_Return)
    assert [take.text for take in stored_takes(panel)] == ["a dog", "a dog by the sea"]
    assert len({take.image_id for take in stored_takes(panel)}) == 1 and image_name(panel) == "b.png"


def test_another_speaker_describes_the_same_picture(panel, qtbot):
    speak(panel, qtbot, "a dog")
    press(panel, qtbot, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    dialog = panel.ask_speaker()
    assert dialog.windowTitle() == "New speaker" in [text.text() for text in dialog.findChildren(QLabel)]
    dialog.name.setText("m.k.")
    assert not dialog.save.isEnabled(), "nobody is two people"
    dialog.name.setText("A.B.")
    dialog.consent.setPlainText("agreed in writing")
    dialog.save.click()
    settle(panel, qtbot)
    assert panel.controller.state.speaker.name == "A.B." and image_name(panel) == "a.png"
    assert panel.page.caption.text.text() == "", "what M.K. said is not A.B.'s"
    speak(panel, qtbot, "a dog runs", peak=0.25)
    assert [take.speaker.name for take in panel.controller.state.other_takes] == ["M.K."]
    assert panel.controller.state.current_take.speaker.consent == "agreed in writing"


def test_without_a_speaker_space_asks_who_speaks(make_panel, context, folder, qtbot):
    context.explorer.index(folder, "Holiday")
    panel = make_panel(context)
    assert panel.controller.state.speaker is None
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
    assert stored_takes(panel)[0].speaker.name == "M. K."


def test_skipping_keeps_words_that_were_typed_and_can_be_undone(panel, qtbot):
    speak(panel, qtbot, "a dog")
    press(panel, qtbot, Qt.Key.Key_E)
    qtbot.keyClicks(panel.page.caption.text, "half a sentence")
    panel.setFocus()
    press(panel, qtbot, Qt.Key.Key_S)
    assert image_name(panel) == "b.png"
    assert [(take.text, take.state) for take in stored_takes(panel)] == [("half a sentence", "draft")]
    press(panel, qtbot, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert panel.controller.state.image is not None


def test_the_last_picture_cannot_be_skipped_but_the_queue_of_all_ends(panel, qtbot):
    panel.choose_queue("all:")
    settle(panel, qtbot)
    for _ in range(PICTURES):
        press(panel, qtbot, Qt.Key.Key_S)
    assert image_name(panel) == "d.png" and panel.page.message.text() == "This is the last picture of the queue."


def test_accepting_nothing_says_what_to_do(panel, qtbot):
    press(panel, qtbot, Qt.Key.Key_Return)
    assert "hold Space" in panel.page.message.text() and image_name(panel) == "a.png"


def test_no_other_picture_comes_while_one_records_and_esc_forgets_it(panel, sound, qtbot):
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    sound.streams[-1].send(0.3, 1.0)
    panel.voice.microphone.drain()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_S, Qt.Key.Key_Return, Qt.Key.Key_R):
        qtbot.keyClick(panel, key)
    assert image_name(panel) == "a.png" and panel.voice.microphone.state == "recording"
    qtbot.keyClick(panel, Qt.Key.Key_Escape)
    settle(panel, qtbot)
    assert stored_takes(panel) == [] and panel.voice.microphone.state in ("off", "ready")


def start_saving(panel, sound, qtbot, peak=0.3):
    """Record while the disk does not answer."""
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    sound.streams[-1].send(peak, 1.0)
    panel.voice.microphone.drain()
    qtbot.keyRelease(panel, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: panel.voice.microphone.state == "stopping", timeout=WAIT)
    send_tail(panel, peak)
    qtbot.waitUntil(lambda: panel.controller.state.saving == 1, timeout=WAIT)


def test_a_picture_waits_until_the_recording_before_is_on_the_disk(panel, sound, qtbot, slow_disk):
    start_saving(panel, sound, qtbot)
    qtbot.keyClick(panel, Qt.Key.Key_Right)
    assert image_name(panel) == "a.png"
    slow_disk.set()
    settle(panel, qtbot)
    assert image_name(panel) == "b.png" and len(stored_takes(panel)) == 1


def test_enter_right_after_the_release_counts(panel, sound, qtbot):
    panel.context.explorer.models.parrot.says.append("a dog")
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    sound.streams[-1].send(0.3, 1.0)
    panel.voice.microphone.drain()
    qtbot.keyRelease(panel, Qt.Key.Key_Space)
    qtbot.keyClick(panel, Qt.Key.Key_Return)
    assert image_name(panel) == "a.png"
    qtbot.waitUntil(lambda: panel.voice.microphone.state == "stopping", timeout=WAIT)
    send_tail(panel)
    qtbot.waitUntil(lambda: image_name(panel) == "b.png", timeout=WAIT)
    settle(panel, qtbot)
    assert [take.state for take in stored_takes(panel)] == ["done"]


@pytest.mark.slow
def test_enter_while_the_recording_is_saved_goes_on_when_it_is_on_the_disk(panel, sound, qtbot, slow_disk):
    panel.context.explorer.models.parrot.gate.clear()
    start_saving(panel, sound, qtbot)
    for _ in range(2):  # impatient
        qtbot.keyClick(panel, Qt.Key.Key_Return)
    assert image_name(panel) == "a.png" and stored_takes(panel) == []
    slow_disk.set()
    settle_changes(panel, qtbot)
    assert image_name(panel) == "b.png"
    assert [(take.state, take.text) for take in stored_takes(panel)] == [("done", "")]


def test_words_that_are_typed_while_it_is_saved_are_the_new_recordings(panel, sound, qtbot, slow_disk):
    slow_disk.set()
    speak(panel, qtbot, "a dog")
    slow_disk.clear()
    start_saving(panel, sound, qtbot, peak=0.25)
    assert panel.page.caption.text.text() == "", "the words before are of the recording before"
    qtbot.keyClick(panel, Qt.Key.Key_E)
    qtbot.keyClicks(panel.page.caption.text, "a cat")
    qtbot.keyClick(panel.page.caption.text, Qt.Key.Key_Return)
    slow_disk.set()
    settle(panel, qtbot)
    assert [(take.state, take.text) for take in stored_takes(panel)] == [("done", "a cat")]
    assert [take.text for take in stored_takes(panel, binned=True)] == ["a dog"]


def test_an_undo_that_takes_the_recording_says_where_it_is_and_redo_brings_it_back(panel, qtbot):
    speak(panel, qtbot)
    press(panel, qtbot, Qt.Key.Key_Return)
    for _ in range(2):
        press(panel, qtbot, Qt.Key.Key_Z, CTRL)
    assert panel.page.message.text() == BINNED
    assert stored_takes(panel) == []
    press(panel, qtbot, Qt.Key.Key_Z, CTRL | SHIFT)
    assert [(take.state, take.text) for take in stored_takes(panel)] == [("draft", "a dog")]
    assert image_name(panel) == "a.png"
    assert panel.page.message.text() == "Redone: the recording."
    press(panel, qtbot, Qt.Key.Key_Y, CTRL)
    assert stored_takes(panel)[0].state == "done"
    press(panel, qtbot, Qt.Key.Key_Y, CTRL)
    assert panel.page.message.text() == "Nothing to redo."


def test_a_skip_is_redone(panel, qtbot):
    press(panel, qtbot, Qt.Key.Key_S)
    press(panel, qtbot, Qt.Key.Key_Z, CTRL)
    assert image_name(panel) == "a.png"
    press(panel, qtbot, Qt.Key.Key_Y, CTRL)
    assert image_name(panel) == "b.png"


def test_in_a_small_window_it_can_be_read_who_speaks(panel, qtbot):
    for width, titled in ((1200, True), (920, False)):
        panel.resize(width, 600)
        qtbot.waitUntil(lambda titled=titled: panel.header.title.isVisibleTo(panel) is titled, timeout=WAIT)
        qtbot.waitUntil(lambda: panel.header.speakers.shown_text() == "M.K., English", timeout=WAIT)


def test_in_a_low_window_the_words_come_into_view_and_then_the_voice_again(panel, qtbot):
    panel.resize(700, 408)
    speak(panel, qtbot)
    heard, voice = panel.page.caption, panel.page.recording
    qtbot.waitUntil(lambda: heard.text.text() != "", timeout=WAIT)
    qtbot.waitUntil(lambda: heard.text.visibleRegion().boundingRect().height() == heard.text.height() > 0, timeout=WAIT)
    press(panel, qtbot, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel.page.cards.verticalScrollBar().value() == 0 < voice.height(), timeout=WAIT)


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
