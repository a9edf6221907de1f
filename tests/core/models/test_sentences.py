"""Long texts in pieces: nothing is lost, and every piece fits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.models.sentences import pieces


def words(text: str) -> int:
    return len(text.split())


def test_a_text_that_fits_is_left_as_it_is() -> None:
    assert pieces("  a dog.  A  cat. ", words, 4) == ["  a dog.  A  cat. "]


def test_whole_sentences_share_a_piece_as_far_as_they_fit() -> None:
    text = "a b c. d e. f g h i. j"
    assert pieces(text, words, 5) == ["a b c. d e.", "f g h i. j"]
    assert pieces(text, words, 4) == ["a b c.", "d e.", "f g h i.", "j"]


def test_a_sentence_that_does_not_fit_is_cut_between_words() -> None:
    assert pieces("a b c d e. f", words, 2) == ["a b", "c d", "e. f"]


@given(text=st.text("ab .!?", max_size=60), room=st.integers(1, 6))
def test_no_word_is_lost_and_every_piece_fits(text: str, room: int) -> None:
    found = pieces(text, words, room)
    assert " ".join(found).split() == text.split()
    assert all(words(piece) <= room for piece in found)


@pytest.mark.parametrize("text", ["", " "])
def test_nothing_is_one_piece(text: str) -> None:
    assert pieces(text, words, 3) == [text]
