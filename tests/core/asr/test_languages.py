"""Weights of languages, and recordings that are cut where the language changes."""

import numpy as np
import pytest
import whisper.tokenizer

from core import settings
from core.asr.languages import COMMON, joined, pieces_of, prior
from core.asr.windows import Window
from core.audio import RATE
from core.spoken_languages import code_of, name_of


def sounding(*seconds: float) -> Window:
    """A window of tones and, where negative, of pauses, which begins one second into its recording."""
    parts = [np.sin(np.arange(round(abs(each) * RATE)) / 5) * (each > 0) for each in seconds]
    return Window(3, RATE, np.concatenate(parts).astype(np.float32))


def lengths(pieces: list[Window]) -> list[float]:
    return [round(piece.seconds, 1) for piece in pieces]


@pytest.mark.parametrize(("window", "expected"), [
    (sounding(2, -0.4, 2), [2.2, 2.2]), (sounding(2, -0.2, 2), [4.2]), (sounding(1, -0.4, 3), [4.4]),
    (sounding(2, -0.4, 2, -1, 2), [2.2, 2.7, 2.5]), (sounding(4), [4.0]), (sounding(0.01), [0.0])])
def test_a_recording_is_cut_at_pauses_into_pieces_that_tell_a_language(window: Window, expected: list[float]) -> None:
    pieces = pieces_of(window)
    assert lengths(pieces) == expected
    assert np.array_equal(np.concatenate([piece.samples for piece in pieces]), window.samples)
    ends = [piece.start + len(piece.samples) for piece in pieces]
    assert [piece.start for piece in pieces] == [RATE, *ends[:-1]] and {piece.recording for piece in pieces} == {3}


@pytest.mark.parametrize(("languages", "expected"), [
    ([("en", 0.9), ("de", 0.9), ("de", 0.9)], [2.2, 5.2]), ([("en", 0.9), ("de", 0.5), ("en", 0.9)], [7.4]),
    ([("en", 0.9), ("fr", 0.3), ("de", 0.7)], [4.9, 2.5]), ([("fr", 0.3), ("de", 0.7), ("de", 0.7)], [7.4]),
    ([("fr", 0.3), ("de", 0.3), ("en", 0.3)], [7.4])])
def test_neighbours_of_one_language_or_an_uncertain_one_stay_together(languages: list[tuple[str, float]],
                                                                      expected: list[float]) -> None:
    pieces = pieces_of(sounding(2, -0.4, 2, -1, 2))
    parts = joined(pieces, languages)
    assert lengths(parts) == expected
    assert sum(len(part.samples) for part in parts) == sum(len(piece.samples) for piece in pieces)


def test_common_languages_and_still_more_the_likely_ones_weigh_more_in_a_word_or_two() -> None:
    short = prior(("de", "cy"), 0.6)
    assert short["de"] == short["cy"] > short["fr"] > short.get("mi", 0.0)
    assert prior(("de", "cy"), 4.0) == {}, "enough is said to tell"
    assert prior((), 0.6) == {}, "a dataset is heard without"


def test_the_setting_offers_all_languages_of_whisper_the_common_ones_first() -> None:
    offered = settings.BY_KEY["speech.language"].choices
    assert [value for value, _ in offered[:16]] == ["auto", *COMMON]
    assert {code: name.lower() for code, name in offered[1:]} == whisper.tokenizer.LANGUAGES
    rest = [name for _, name in offered[16:]]
    assert rest == sorted(rest)
    assert [name_of(code) for code in ("de", "zh", "xx")] == ["German", "Chinese", "Xx"]


@pytest.mark.parametrize(("text", "code"), [("de", "de"), ("German", "de"), (" HAITIAN creole ", "ht"),
                                            ("auto", "auto"), ("Yue", "yue")])
def test_a_language_is_given_by_its_code_or_its_name(text: str, code: str) -> None:
    assert code_of(text) == code
    settings.Settings().with_value("speech.language", code)


@pytest.mark.parametrize("text", ["Klingon", "", "xx"])
def test_a_language_that_there_is_not_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="no language"):
        code_of(text)
