"""Queries as the window holds them: terms, signs, weights, undo, history."""

from pathlib import Path

import pytest

from brewclip_app.panels.search.query import Query, from_history, is_spoken, to_history, typed
from core.asr.transcript import Transcript
from core.search.terms import QueryTerm, text_of


@pytest.mark.parametrize(("text", "words", "weight"), [
    ("people", "people", 1), ("- people", "people", -1), ("−people", "people", -1), ("+ red  car", "red car", 1),
    ("– a dog", "a dog", -1)])
def test_typed_words(text, words, weight):
    term = typed(text)
    assert (term.text, term.weight) == (words, weight)


@pytest.mark.parametrize("text", ["", "  ", "-", "- "])
def test_nothing_typed_is_no_term(text):
    assert typed(text) is None


def test_signs_and_weights():
    term = QueryTerm("text", "people")
    assert term.flipped().weight == -1 and term.flipped().stepped(1).weight == -1.5
    assert term.stepped(99).weight == 2 and term.stepped(-99).weight == 0.25
    assert term.weighing(0.5).flipped().weight == -0.5


def test_words_of_a_query():
    query = Query(QueryTerm("text", "beach"), (QueryTerm("image", path=Path("/x/IMG_1.jpg")),
                                               QueryTerm("text", "people", weight=-1)))
    assert query.text == "beach + IMG_1.jpg − people"
    assert query.source == "mixed" and text_of(()) == ""


def test_terms_are_replaced_and_taken_out_by_their_place():
    one, two, three = (QueryTerm("text", text) for text in ("one", "two", "three"))
    query = Query(one, (two, three))
    assert query.with_term(1, None).terms() == (one, three)
    assert query.with_term(0, None).terms() == (two, three)
    assert Query(None, (two, three)).with_term(0, None).terms() == (three,)
    assert query.with_term(2, one).extras == (two, one)


def test_editing_keeps_the_voice(tone):
    spoken = Query(QueryTerm("speech", "a dog", waveform=tone))
    assert spoken.with_text("a dog") is spoken
    edited = spoken.with_text("a cat").main
    assert edited.edited and edited.waveform is tone and edited.text == "a cat"


def test_an_utterance_is_ready_once_its_words_are_known(tone):
    assert not QueryTerm("speech", waveform=tone).ready and QueryTerm("speech", "dog", waveform=tone).ready


def test_history_gives_the_query_back(tone):
    query = Query(QueryTerm("speech", "a dog", waveform=tone),
                  (QueryTerm("image", path=Path("/x.jpg"), image_id=7, weight=-0.5), QueryTerm("text", "snow")))
    back = from_history(to_history(query), {0: tone})
    assert back.main.waveform is tone and back.main.text == "a dog"
    assert [(term.kind, term.weight) for term in back.extras] == [("image", -0.5), ("text", 1.0)]
    assert back.extras[0].image_id == 7


def test_history_of_an_edited_or_lost_voice(tone):
    edited = Query(QueryTerm("speech", "a cat", waveform=tone, edited=True))
    assert from_history(to_history(edited), {0: tone}).main.text == "a cat"
    lost = from_history(to_history(edited))
    assert (lost.main.kind, lost.main.text) == ("text", "a cat")


def test_a_voice_comes_back_with_the_transcript_of_its_words(tone):
    other, same = (Transcript(text, "de", (), -0.1, 0.01, 1.0) for text in ("a hog", "a dog"))
    terms = to_history(Query(QueryTerm("speech", "a dog", waveform=tone)))
    back = from_history(terms, {0: tone}, (other, same))
    assert is_spoken(terms) and back.main.waveform is tone and back.main.transcript is same and back.main.ready
    assert from_history(terms, {0: tone}, (other,)).main.transcript is None
    edited = to_history(Query(QueryTerm("speech", "a dog", waveform=tone, edited=True)))
    assert from_history(edited, {0: tone}, (same,)).main.transcript is None
    assert to_history(back) == terms
    assert not is_spoken(to_history(Query(QueryTerm("text", "a dog"))))
