"""A dialogue of ten turns: a query, and nine refinements of it by voice."""

import pytest
from PySide6.QtCore import Qt

from core.asr.transcript import Transcript
from tests.brewclip_app.panels.search.helpers import end_recording, speak, wait_for_hits

TURNS = (  # what is said, and the label and weight of the term that it adds; of a picture its rank
    ("A dog.", "a dog", 1.0),
    ("Only the ones at the beach.", "at the beach", 1.0),
    ("Without people.", "people", -1.0),
    ("More like the second one.", 2, 1.0),
    ("With a ball.", "a ball", 1.0),
    ("No cars, please.", "cars", -1.0),
    ("Less like number three.", 3, -1.0),
    ("Except for the red ones.", "red ones", -1.0),
    ("More like this.", 1, 1.0),
    ("And not at night.", "at night", -1.0),
)


@pytest.fixture
def dialogue(panel, explorer, sound, qtbot):
    """Says each sentence, all but the first with Shift; the words of each term and the hits that it could name."""
    said, named = [], []
    for turn, (sentence, _, _) in enumerate(TURNS, 1):
        explorer.transcript = Transcript(sentence.lower() if turn == 1 else sentence, "en", (), -0.1, 0.0, 1.0)
        named.append(panel.results.grid.pictures.hits())
        qtbot.keyPress(panel, Qt.Key.Key_Space,
                       Qt.KeyboardModifier.NoModifier if turn == 1 else Qt.KeyboardModifier.ShiftModifier)
        speak(panel, sound, 1.5)
        asked = len(explorer.asked)
        qtbot.keyRelease(panel, Qt.Key.Key_Space)
        end_recording(qtbot, panel, sound)
        qtbot.waitUntil(lambda turn=turn: len(panel.controller.state.query.terms()) == turn)
        wait_for_hits(qtbot, panel, explorer, asked + 1)
        said.append(panel.controller.state.query.terms())
    return said, named


def check_terms(terms, named):
    for term, (sentence, content, weight), hits in zip(terms, TURNS, named, strict=False):
        assert term.weight == weight, sentence
        if isinstance(content, int):
            assert term.kind == "image" and term.image_id == hits[content - 1].image.id, sentence
        else:
            assert term.text.rstrip(".") == content, sentence


@pytest.mark.slow
def test_ten_turns_add_a_chip_each_and_keep_the_others(panel, explorer, dialogue):
    said, named = dialogue
    for turn, terms in enumerate(said, 1):
        check_terms(terms, named)
        assert terms[:turn - 1] == said[turn - 2][:turn - 1] or turn == 1, "earlier terms stay as they were"
    assert [chip.face.weight for chip in panel.results.chips.chips] == [weight for _, _, weight in TURNS]
    _, terms, _ = explorer.asked[-1]
    assert [term.weight for term in terms] == [weight for _, _, weight in TURNS], "all of them are searched"


@pytest.mark.slow
def test_each_chip_of_a_dialogue_can_be_taken_away(panel, explorer, dialogue, qtbot):
    left = list(panel.controller.state.query.terms())
    while len(left) > 1:
        asked = len(explorer.asked)
        chip = panel.results.chips.chips[-2]
        chip.setFocus()
        qtbot.keyClick(chip, Qt.Key.Key_Delete)
        del left[-2]
        wait_for_hits(qtbot, panel, explorer, asked + 1)
        assert list(panel.controller.state.query.terms()) == left
