"""Texts of stored evaluations in the table of Evaluate."""

import pytest

from brewclip_app.panels.evaluate import cells
from core.evaluation.records import IMPORTED
from core.features.noise import Condition

pytestmark = pytest.mark.slow


def test_a_model_is_told_by_crop_backbone_and_recogniser(store_context, make_evaluation):
    record = make_evaluation(store_context.explorer.store, Condition("babble", 5.0), crop="letterbox", captions=True)
    facts = cells.facts_of(record)
    assert "brewclip-mini, base" in facts and "20 utterances of 10 pictures" in facts
    assert cells.data_title(record).startswith("flickr8k test · captions · babble 5 dB · ")
    [line] = cells.lines_of([record])
    assert line.cells[0].text == "BrewCLIP (7)" and record.setup.title in line.cells[0].tip


def test_imported_vectors_are_told_as_such_and_have_no_word_error_rate(store_context, make_evaluation):
    record = make_evaluation(store_context.explorer.store, variant=IMPORTED, checkpoint=None, backbone="", whisper="",
                             crop="", model="SpeechCLIP-P")
    facts = cells.facts_of(record)
    assert "imported vectors" in facts and ", ," not in facts and "centre" not in facts.lower()
    assert cells.data_title(record) == "flickr8k test"
    assert record.setup.title == "flickr8k test · SpeechCLIP-P"
