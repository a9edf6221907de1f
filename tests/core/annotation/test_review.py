"""What the review shows: differences, agreement, progress."""

import pytest

from core.annotation.agreement import overlap
from core.annotation.differences import Piece, corrected_words, differences
from core.annotation.progress import by_speaker
from tests.core.annotation.models import measure_takes


def test_punctuation_that_stands_by_itself_is_no_difference():
    assert differences("Two dogs run.", "two dogs , run .") == (Piece("same", "Two dogs run.", "two dogs , run ."),)
    assert differences("A dog.", "\" a cat .") == (
        Piece("same", "A", "\" a"), Piece("changed", "dog.", "cat ."))
    assert differences(".", "") == (Piece("left_out", ".", ""),)


def test_differences_ignore_case_and_punctuation():
    pieces = differences("A man climbs, above the see.", "a man climbs above the sea")
    assert pieces == (Piece("same", "A man climbs, above the", "a man climbs above the"),
                      Piece("changed", "see.", "sea"))
    assert corrected_words(pieces) == 1


@pytest.mark.parametrize(("heard", "text", "changes", "count"), [
    ("a dog", "a big dog", ["same", "added", "same"], 1),
    ("a big big dog", "a dog", ["same", "left_out", "same"], 2),
    ("", "a dog", ["added"], 2),
    ("a dog", "", ["left_out"], 2),
    ("", "", [], 0),
    ("it's wet – very", "its wet – very", ["changed", "same"], 1),
])
def test_differences_word_by_word(heard, text, changes, count):
    pieces = differences(heard, text)
    assert [piece.change for piece in pieces] == changes
    assert corrected_words(pieces) == count
    assert " ".join(piece.heard for piece in pieces if piece.heard) == heard
    assert " ".join(piece.text for piece in pieces if piece.text) == text


def test_overlap_is_the_share_of_words_that_both_used():
    assert overlap("A dog runs.", "a dog sleeps") == pytest.approx(2 / 4)
    assert (overlap("dog", "cat"), overlap("", ""), overlap("dog", "")) == (0, 1, 0)


@pytest.mark.slow
def test_agreement_compares_different_speakers_of_the_same_picture(explorer, gallery, describe):
    describe(0, "dog dog sea", "M.K.")
    describe(0, "dog sea", "A.B.")
    describe(0, "dog", "M.K.")  # the same speaker again: a pair with A.B. only
    describe(1, "cat", "M.K.")
    describe(2, "car", "A.B.")
    found = measure_takes(explorer, explorer.store.takes(gallery.id))
    assert found.pictures == 1
    assert [(pair.first.text, pair.second.text) for pair in found.pairs] == [
        ("dog sea", "dog"), ("dog dog sea", "dog sea")]
    assert found.pairs[1].overlap == 1 and found.pairs[0].overlap == 0.5
    expected = (0.04 + 1) / ((0.04 + 2) * (0.04 + 1)) ** 0.5
    assert found.pairs[0].cosine == pytest.approx(expected, abs=1e-6)
    assert found.cosine == pytest.approx((found.pairs[0].cosine + found.pairs[1].cosine) / 2, abs=1e-6)
    assert found.elsewhere < 0.1
    assert [pair.nearer for pair in found.pairs] == [None, None], "two other captions say nothing"


@pytest.mark.slow
def test_nearness_is_a_share_of_captions_of_other_pictures(explorer, gallery, describe):
    describe(0, "dog", "M.K.")
    describe(0, "dog dog", "A.B.")
    for picture in range(1, 10):
        describe(picture, "cat", "M.K.")
    describe(9, "dog dog dog", "M.K.")  # nearer to "dog dog" than "dog" is, but not to "dog"
    [pair] = measure_takes(explorer, explorer.store.takes(gallery.id)).pairs
    assert pair.nearer == pytest.approx(19 / 20)


@pytest.mark.slow
def test_only_confirmed_captions_are_compared(explorer, gallery, describe):
    describe(0, "dog", "M.K.", state="rejected")
    describe(0, "dog", "A.B.")
    describe(0, "", "C.D.")
    assert measure_takes(explorer, explorer.store.takes(gallery.id)).pairs == ()


@pytest.mark.slow
def test_progress_counts_by_speaker(explorer, gallery, describe):
    describe(0, speaker="A.B.")
    describe(0, speaker="M.K.", state="accepted")
    describe(0, speaker="M.K.", state="rejected")
    describe(1, text="", speaker="M.K.")
    first, second = by_speaker(explorer.store.takes(gallery.id))
    assert (first.speaker.name, first.takes, first.pictures) == ("M.K.", 3, 2)
    assert (first.drafts, first.done, first.accepted, first.rejected) == (1, 0, 1, 1)
    assert first.seconds == pytest.approx(1.5)
    assert (second.speaker.name, second.done) == ("A.B.", 1)
