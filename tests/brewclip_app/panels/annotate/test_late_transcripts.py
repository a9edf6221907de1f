"""Takes that are accepted before their transcript is there."""

import pytest
from PySide6.QtCore import Qt

from brewclip_app import wording
from brewclip_app.panels.annotate.controller import LATER
from core import datasets
from core.annotation.captions import caption_of, stage_of
from core.annotation.exports import ExportOptions
from core.errors import WeightsError
from tests.brewclip_app.panels.annotate.steps import (
    CTRL,
    PICTURES,
    WAIT,
    finish_transcribing,
    image_name,
    press,
    press_ahead,
    settle,
    settle_changes,
    speak,
    speak_ahead,
    stored_takes,
)

pytestmark = pytest.mark.slow


def test_enter_before_the_words_goes_on_and_they_wait_in_the_review(panel, qtbot):
    speak_ahead(panel, qtbot, "a dog")
    assert "Enter to continue" in panel.page.caption.note.text()
    press_ahead(panel, qtbot, Qt.Key.Key_Return)
    assert image_name(panel) == "b.png" and [(take.state, take.text) for take in stored_takes(panel)] == [("done", "")]
    assert panel.page.message.text() == LATER
    speak_ahead(panel, qtbot, "a cat", peak=0.25)
    press_ahead(panel, qtbot, Qt.Key.Key_E)
    qtbot.keyClicks(panel.page.caption.text, "half a sen")
    finish_transcribing(panel, qtbot)
    assert panel.page.caption.text.hasFocus() and panel.page.caption.text.text() == "half a sen"
    assert image_name(panel) == "b.png" and panel.controller.state.left == PICTURES - 1
    first, second = stored_takes(panel)
    assert (first.state, first.text, caption_of(first), stage_of(first)) == ("done", "", "a dog", "late")
    assert (second.state, second.text) == ("draft", "a cat")


def test_words_are_recognised_one_after_the_other_and_those_in_front_first(panel, qtbot):
    for number in range(3):
        speak_ahead(panel, qtbot, f"number {number}", peak=0.2 + 0.1 * number)
        if number < 2:
            press_ahead(panel, qtbot, Qt.Key.Key_Return)
    assert len(panel.controller.state.awaited) == 3
    assert sum(job.name == "Transcribing the recording" for job in panel.context.jobs.running(quiet=True)) == 1
    finish_transcribing(panel, qtbot)
    captions = [caption_of(take) for take in stored_takes(panel)]
    assert captions == ["number 0", "number 2", "number 1"], "third before second"


def test_ctrl_enter_before_the_words_stays_for_another_description(panel, qtbot):
    speak_ahead(panel, qtbot, "a dog")
    press_ahead(panel, qtbot, Qt.Key.Key_Return, CTRL)
    speak_ahead(panel, qtbot, "a dog runs", peak=0.25)
    assert image_name(panel) == "a.png" and len(stored_takes(panel)) == 2
    finish_transcribing(panel, qtbot)
    assert panel.page.caption.text.text() == "a dog runs" and panel.controller.state.other_takes[0].text == ""


def test_undo_after_the_words_arrived_brings_the_draft_back_with_them(panel, qtbot):
    speak_ahead(panel, qtbot, "a dog")
    press_ahead(panel, qtbot, Qt.Key.Key_Return)
    finish_transcribing(panel, qtbot)
    press(panel, qtbot, Qt.Key.Key_Z, CTRL)
    assert image_name(panel) == "a.png" and panel.page.caption.text.text() == "a dog"
    assert [(take.state, take.text) for take in stored_takes(panel)] == [("draft", "a dog")]
    press(panel, qtbot, Qt.Key.Key_Return)
    assert [(take.state, take.text) for take in stored_takes(panel)] == [("done", "a dog")]


def test_undo_before_the_words_arrive_waits_for_them_in_front(panel, qtbot):
    speak_ahead(panel, qtbot, "a dog")
    press_ahead(panel, qtbot, Qt.Key.Key_Return)
    press_ahead(panel, qtbot, Qt.Key.Key_Z, CTRL)
    assert image_name(panel) == "a.png" and "Transcribing" in panel.page.caption.note.text()
    finish_transcribing(panel, qtbot)
    assert panel.page.caption.text.text() == "a dog" and stored_takes(panel)[0].state == "draft"


def test_words_that_closing_prevented_are_recognised_when_the_gallery_is_opened_again(panel, make_context, make_panel,
                                                                                   qtbot):
    speak_ahead(panel, qtbot)
    press_ahead(panel, qtbot, Qt.Key.Key_Return)
    panel.closing()
    panel.context.jobs.cancel_all()
    again = make_context()
    again.set_gallery("Holiday")
    again.explorer.models.parrot.says.append("heard at last")
    second = make_panel(again)
    assert image_name(second) == "b.png"
    [take] = stored_takes(second)
    assert (take.state, take.text, caption_of(take)) == ("done", "", "heard at last")


@pytest.mark.parametrize("reopened", [False, True])
def test_a_take_in_which_no_words_are_found_comes_back_as_a_draft_and_is_told(panel, qtbot, reopened):
    speak_ahead(panel, qtbot, "")
    press_ahead(panel, qtbot, Qt.Key.Key_Return)
    if reopened:  # the picture counts as described, and is none of the queue's
        panel.activated()
        settle_changes(panel, qtbot)
        assert len(panel.controller.state.images) == PICTURES - 1
    press_ahead(panel, qtbot, Qt.Key.Key_E)
    qtbot.keyClicks(panel.page.caption.text, "typed before it is said")
    finish_transcribing(panel, qtbot)
    assert [take.state for take in stored_takes(panel)] == ["draft"]
    assert panel.page.caption.text.text() == "typed before it is said"
    assert "Only noise was heard." in panel.page.message.text() and "draft" in panel.page.message.text()
    assert image_name(panel) == "b.png"
    assert len(panel.controller.state.images) == panel.controller.state.left == PICTURES


def test_at_the_end_of_the_queue_it_says_what_is_to_be_confirmed_and_what_came_back(panel, qtbot):
    for number in range(PICTURES):
        speak_ahead(panel, qtbot, f"number {number}" if number else "", peak=0.2 + 0.1 * number)
        press_ahead(panel, qtbot, Qt.Key.Key_Return)
    assert panel.pages.currentWidget() is panel.end
    assert "4 recordings were accepted without a transcript" in panel.end.words.sentence.text()
    finish_transcribing(panel, qtbot)
    assert "1 picture of 4" in panel.end.words.sentence.text() and "a.png" in panel.end.message.text()
    panel.end.first.click()
    settle(panel, qtbot)
    assert image_name(panel) == "a.png" and panel.page.caption.note.text() == "Only noise was heard."


def test_a_recogniser_that_fails_after_enter_brings_the_picture_back(panel, qtbot, monkeypatch):
    speak_ahead(panel, qtbot)
    press_ahead(panel, qtbot, Qt.Key.Key_Return)

    def broken(*_):
        raise WeightsError("Whisper base is damaged.", "damaged")

    monkeypatch.setattr(panel.context.explorer.models.parrot, "transcribe", broken)
    speak_ahead(panel, qtbot, peak=0.25)
    press_ahead(panel, qtbot, Qt.Key.Key_Return)
    finish_transcribing(panel, qtbot)
    states = {take.id: take.state for take in stored_takes(panel)}
    assert list(states.values()) == ["done", "draft"], "the first was on its way already"
    assert "b.png: Whisper base is damaged. The take is a draft again" in panel.page.message.text()


def test_an_export_in_between_leaves_out_what_is_not_confirmed(panel, qtbot, tmp_path):
    speak(panel, qtbot, "confirmed")
    press(panel, qtbot, Qt.Key.Key_Return)
    speak_ahead(panel, qtbot, "late", peak=0.25)
    press_ahead(panel, qtbot, Qt.Key.Key_Return)
    panel.exchange.export("Holiday", tmp_path / "out", ExportOptions())
    qtbot.waitUntil(lambda: (tmp_path / "out").exists(), timeout=WAIT)
    finish_transcribing(panel, qtbot)
    panel.exchange.export("Holiday", tmp_path / "later", ExportOptions())
    settle(panel, qtbot)
    for folder in ("out", "later"):
        assert [one.caption for one in datasets.load(tmp_path / folder).utterances] == ["confirmed"]
    assert "arrived after Enter and are not confirmed" in panel.bar.words.text()


def filtered(panel, qtbot, state):
    review = panel.review
    review.states.setCurrentIndex(review.states.findData(state))
    review.states.activated.emit(0)
    settle_changes(panel, qtbot)
    return review


def test_the_review_shows_what_is_awaited_and_enter_confirms_what_arrived(panel, qtbot):
    for number in range(2):
        speak_ahead(panel, qtbot, f"number {number}", peak=0.2 + 0.1 * number)
        press_ahead(panel, qtbot, Qt.Key.Key_Return)
    press_ahead(panel, qtbot, Qt.Key.Key_R, CTRL)
    review = filtered(panel, qtbot, "awaited")
    qtbot.waitUntil(lambda: review.model.rowCount() == 2, timeout=WAIT)
    assert "Transcribing" in review.detail.note.text() and not review.detail.accept.isEnabled()
    press_ahead(panel, qtbot, Qt.Key.Key_A)
    assert [take.state for take in stored_takes(panel)] == ["done", "done"]
    finish_transcribing(panel, qtbot)
    filtered(panel, qtbot, "late")
    settle(panel, qtbot)
    assert review.model.rowCount() == 2 and "2 to confirm" in review.count.text()
    assert review.detail.note.text().startswith("This transcript arrived after Enter.")
    assert review.detail.text.text() == "number 0" and review.detail.accept.isEnabled()
    press(panel, qtbot, Qt.Key.Key_Return)
    press(panel, qtbot, Qt.Key.Key_A)
    assert [(take.state, take.text) for take in stored_takes(panel)] == [("done", "number 0"), ("accepted", "number 1")]
    assert review.model.rowCount() == 0


def test_words_that_arrive_leave_alone_what_is_typed_and_selected_in_the_review(panel, qtbot):
    speak(panel, qtbot, "a dog")
    press(panel, qtbot, Qt.Key.Key_Return)
    speak_ahead(panel, qtbot, "a cat", peak=0.25)
    press_ahead(panel, qtbot, Qt.Key.Key_Return)
    press_ahead(panel, qtbot, Qt.Key.Key_R, CTRL)
    review = panel.review
    qtbot.waitUntil(lambda: review.model.rowCount() == 2, timeout=WAIT)
    review.table.selectAll()
    press_ahead(panel, qtbot, Qt.Key.Key_E)
    qtbot.keyClicks(review.detail.text, "half a sen")
    finish_transcribing(panel, qtbot)
    assert review.detail.text.hasFocus() and review.detail.text.text() == "half a sen"
    assert len(review.selected()) == 2 and caption_of(stored_takes(panel)[1]) == "a cat"


def test_doubtful_words_are_a_draft_to_check(panel, qtbot):
    speak(panel, qtbot, "?ducks ducks")
    assert panel.page.caption.text.text() == "ducks ducks" and panel.page.caption.note.text() == wording.DOUBTFUL
    assert stored_takes(panel)[0].state == "draft"
    press(panel, qtbot, Qt.Key.Key_Return)
    press(panel, qtbot, Qt.Key.Key_Left)
    assert panel.page.caption.note.text() == "", "it was looked at and confirmed"
