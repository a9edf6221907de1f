"""One bad file of ten is missed, with its reason; the other nine are evaluated."""

import pytest

from core.evaluation import archive
from core.evaluation.evaluate import evaluate
from core.evaluation.records import DataChoice, Request
from core.features.noise import CLEAN, Condition
from core.images import CROPS
from core.models.spec import ModelSpec
from tests import bad_files

from .conftest import NAMES, Said, voice

pytestmark = pytest.mark.slow

TEN = NAMES[:10]


@pytest.mark.parametrize(("kind", "name"), bad_files.CASES)
def test_one_bad_file_of_ten_is_missed_and_nine_are_found(world, monkeypatch, kind, name):
    made = world({f"{colour}.png": (colour,) for colour in TEN},
                 [Said(f"{colour}.png", colour, colour, voice(**{colour: 1})) for colour in TEN])
    bad_files.spoil(made.folder / ("4.wav" if kind == "recording" else f"{TEN[4]}.png"), kind, name, monkeypatch)
    records = evaluate(made.explorer.workspace, Request((ModelSpec(),), (DataChoice(made.folder),), crops=CROPS,
                                              conditions=(CLEAN, Condition("babble", 0.0))))
    assert len(records) == 2 * len(CROPS)
    for record in records:
        opened = archive.open_evaluation(made.explorer.store, record.id)
        [(which, reason)] = opened.unreadable
        assert which in ("u4", f"{TEN[4]}.png") and reason
        assert record.unreadable == 1
        if record.setup.condition == CLEAN:
            assert [query.rank == 1 for query in opened.queries("speech_to_image")] == [row != 4 for row in range(10)]
