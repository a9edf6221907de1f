"""Points of a split for a map: pictures and utterances prepared as for an evaluation, their pairs and groups."""

import numpy as np
import pytest

from core.evaluation.diagnosis import diagnose
from core.evaluation.evaluate import evaluate
from core.evaluation.failures import KIND_TITLES
from core.evaluation.records import DataChoice
from core.mapping import split_points
from core.mapping.split_points import FOUND, of_split
from core.models.spec import ModelSpec

from .conftest import Said, voice
from .test_evaluate import PICTURES, SAID, request


@pytest.fixture
def made(world, monkeypatch):
    """The colours' world, whose model is that of the settings; the last utterance is heard wrongly."""
    found = world(PICTURES, [*SAID, Said("red.png", "green", "red", voice(), "9")])
    models = found.explorer.models
    monkeypatch.setattr(models, "spec", lambda settings: models.resolve(ModelSpec(), settings))
    return found


def test_points_are_pictures_and_utterances_with_their_pairs(made):
    points = of_split(made.explorer.workspace, DataChoice(made.folder))
    names = [item.name for item in points.items]
    assert sorted(names[:4]) == sorted(PICTURES) and points.spoken.tolist() == [False] * 4 + [True] * 5
    assert [names[pair] for pair in points.pair_of[4:]] == [*(said.image for said in SAID), "red.png"]
    assert np.allclose(np.linalg.norm(points.vectors, axis=1), 1)
    spoken = points.items[5]
    assert (spoken.text, spoken.transcript, spoken.speaker) == ("red", "a green one", "8")
    assert spoken.recording.is_file() and spoken.image is None and not points.gallery
    assert points.items[0].image.path.name == names[0] and points.items[0].image.id == 0
    groupings = {one.key: one for one in points.groupings}
    assert set(groupings) == {"modality", "speaker", "words"}
    assert [groupings["words"].names[at] for at in groupings["words"].group_of[4:]] == [
        "No word errors", "More than 50 % errors", "More than 50 % errors", "Up to 50 % errors",
        "More than 50 % errors"]


def test_what_cannot_be_read_has_no_point(made):
    points = of_split(made.explorer.workspace, DataChoice(made.folder))
    gone = next(item for item in points.items if item.name == "green.png")
    gone.image.path.write_bytes(b"no picture")
    fewer = of_split(made.explorer.workspace, DataChoice(made.folder))
    assert "green.png" not in [item.name for item in fewer.items] and len(fewer) == len(points) - 1
    assert fewer.pair_of.tolist().count(-1) == 4, "three pictures, and the utterance whose picture has no point"


def test_points_have_the_kinds_of_a_stored_diagnosis(made, monkeypatch):
    monkeypatch.setattr(split_points, "FAILED_BEYOND", 1)
    [record] = evaluate(made.explorer.workspace, request(made.folder))
    assert "failures" not in {one.key for one in of_split(made.explorer.workspace, DataChoice(made.folder)).groupings}
    diagnose(made.explorer.workspace, record.id, 1)
    points = of_split(made.explorer.workspace, DataChoice(made.folder))
    kinds = next(one for one in points.groupings if one.key == "failures")
    assert kinds.note == record.setup.title
    assert [kinds.names[at] for at in kinds.group_of[4:]] == [FOUND] * 4 + [KIND_TITLES["heard"]]
