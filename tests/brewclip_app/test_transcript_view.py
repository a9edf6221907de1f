"""The transcript: doubtful words marked, editing, Enter and Esc."""

import pytest
from PySide6.QtCore import Qt

from brewclip_app.widgets.growing_text import find_words
from brewclip_app.widgets.transcript_view import MOST_LINES, TranscriptView
from core.asr.transcript import Word

WORDS = (Word("a", 0, 0.1, 0.99), Word("brown", 0.1, 0.4, 0.95), Word("dog", 0.4, 0.6, 0.9),
         Word("runs", 0.6, 0.9, 0.43), Word("off.", 0.9, 1.0, 0.7))
TEXT = "a brown dog runs off."


@pytest.fixture
def view(qtbot):
    made = TranscriptView()
    qtbot.addWidget(made)
    made.resize(600, 40)
    with qtbot.waitExposed(made):
        made.show()
    return made


def underlined(view):
    """The text of the places that have a dotted line."""
    found = []
    block = view.document().begin()
    iterator = block.begin()
    while not iterator.atEnd():
        fragment = iterator.fragment()
        if fragment.charFormat().underlineStyle() == fragment.charFormat().UnderlineStyle.DotLine:
            found.append(fragment.text())
        iterator += 1
    return found


def test_doubtful_words_are_marked(view):
    view.show_words(TEXT, WORDS)
    assert view.doubtful() == ["runs", "off."]
    assert underlined(view) == ["runs", "off."]


def test_a_word_tells_its_confidence(view):
    view.show_words(TEXT, WORDS)
    assert view.word_at(TEXT.index("runs") + 1).probability == 0.43
    assert view.word_at(TEXT.index(" ")) is None


def test_words_are_found_in_their_order_and_missing_ones_left_out():
    twice = (Word("the", 0, 1, 0.9), Word("gone", 0, 1, 0.9), Word("the", 1, 2, 0.9))
    assert [start for start, _, _ in find_words("the end of the day", twice)] == [0, 11]


def test_enter_accepts_what_was_edited(view, qtbot):
    view.show_words(TEXT, WORDS)
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_End)
    qtbot.keyClicks(view, " now")
    assert view.edited
    with qtbot.waitSignal(view.accepted) as accepted:
        qtbot.keyClick(view, Qt.Key.Key_Return)
    assert accepted.args == [TEXT + " now"]
    assert not view.edited and underlined(view) == [], "edited words were not heard"


def test_enter_without_a_change_keeps_the_marks(view, qtbot):
    view.show_words(TEXT, WORDS)
    with qtbot.waitSignal(view.accepted):
        qtbot.keyClick(view, Qt.Key.Key_Return)
    assert underlined(view) == ["runs", "off."]


def test_esc_reverts_then_leaves(view, qtbot):
    view.show_words(TEXT, WORDS)
    qtbot.keyClicks(view, "xyz")
    with qtbot.assertNotEmitted(view.left):
        qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert view.text() == TEXT and underlined(view) == ["runs", "off."]
    with qtbot.waitSignal(view.left):
        qtbot.keyClick(view, Qt.Key.Key_Escape)


def test_nothing_is_not_accepted(view, qtbot):
    with qtbot.assertNotEmitted(view.accepted):
        qtbot.keyClick(view, Qt.Key.Key_Return)


def test_long_transcripts_wrap_to_three_lines(view):
    view.show_words("a dog")
    one = view.height()
    view.show_words("a very long description of a picture " * 20)
    assert one < view.height() <= MOST_LINES * view.fontMetrics().lineSpacing() + 8


def test_undo_does_not_reach_behind_what_was_shown(view, qtbot):
    view.show_words(TEXT, WORDS)
    view.undo()
    assert view.text() == TEXT


def test_right_to_left_words_are_marked_too(view):
    arabic = (Word("كلب", 0, 1, 0.3), Word("يجري", 1, 2, 0.9))
    view.show_words("كلب يجري", arabic)
    assert underlined(view) == ["كلب"]
