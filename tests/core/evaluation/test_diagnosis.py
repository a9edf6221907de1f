"""Failures whose kind is known, made on purpose: the diagnosis names it, by the change that brings the picture back."""

import pytest
from PIL import Image

from core.errors import EvaluationError
from core.evaluation import archive
from core.evaluation.diagnosis import diagnose
from core.evaluation.evaluate import evaluate
from core.evaluation.failures import CHANGES, KINDS, counts
from core.evaluation.records import DataChoice, Request
from core.models.spec import ModelSpec

from .conftest import Said, use, voice

LONG = "orange orange orange in front of a wall. Behind it all green"  # the green is beyond the context
PICTURES = {
    "wide.png": ("blue", "red", "blue"), "three.png": ("red+blue+olive",),
    "green.png": ("green",), "yellow.png": ("yellow",),
    "purple.png": ("purple",), "white.png": ("white",), "black.png": ("black",),
    "orange-green.png": ("orange+green+green",), "orange.png": ("orange",),
    "pink-1.png": ("pink",), "pink-2.png": ("pink",),
    "cyan.png": ("cyan",), "brown.png": ("brown",), "olive.png": ("olive",),
}
SAID = {
    "crop": Said("wide.png", "red blue", "red blue", voice()),
    "heard": Said("green.png", "yellow", "green", voice()),
    "voice": Said("purple.png", "purple", "purple", voice(white=5)),
    "words": Said("black.png", "white white white white", "white white white white", voice(black=1)),
    "cut": Said("orange-green.png", LONG, LONG, voice()),
    "ambiguous": Said("pink-1.png", "pink", "pink", voice()),
    "none": Said("cyan.png", "yellow", "yellow", voice()),
    "several": Said("brown.png", "white white", "brown brown", voice(brown=1)),
    "unreadable": Said("olive.png", "olive", "olive", voice()),
}
FOUND = [Said("yellow.png", "yellow", "yellow", voice()),
         Said("three.png", "red red blue olive", "red red blue olive", voice())]


def request(folder, **options):
    return Request((ModelSpec(),), (DataChoice(folder),), **options)


@pytest.fixture
def made(world):
    """The world of known failures, evaluated; one recording is broken."""
    made = world(PICTURES, [*SAID.values(), *FOUND])
    (made.folder / f"{list(SAID).index('unreadable')}.wav").write_bytes(b"RIFF")
    [record] = evaluate(made.explorer.workspace, request(made.folder))
    made.record = record
    return made


def kinds_of(found, direction):
    return {each.query_id: each.kind for each in found.diagnoses if each.direction == direction}


@pytest.mark.slow
def test_the_kind_of_every_failure_is_named(made):
    evaluation = archive.open_evaluation(made.explorer.store, made.record.id)
    assert len(evaluation.failures("speech_to_image", at=1)) == len(SAID)
    found = diagnose(made.explorer.workspace, made.record.id, at=1)
    assert kinds_of(found, "speech_to_image") == {f"u{number}": kind for number, kind in enumerate(SAID)}
    assert archive.diagnosis(made.explorer.store, made.record.id, at=1) == found
    assert set(SAID) == {kind.key for kind in KINDS}


@pytest.mark.slow
def test_the_change_is_told_with_its_rank_and_the_gain(made):
    found = diagnose(made.explorer.workspace, made.record.id, at=1)
    by_kind = dict(zip(SAID, [each for each in found.diagnoses if each.direction == "speech_to_image"], strict=True))
    crop = {again.change: again for again in by_kind["crop"].again}
    assert list(crop) == [change.key for change in CHANGES]
    assert (by_kind["crop"].rank, by_kind["crop"].then, by_kind["crop"].gain) == (2, 1, 1)
    assert [crop[key].rank for key in ("letterbox", "squash", "multi-crop")] == [1, 1, 1]
    assert crop["caption"].rank is None
    assert crop["caption"].why == "it was heard rightly"
    assert crop["sentences"].why == "nothing was cut"
    assert by_kind["several"].kinds == ("heard", "words")
    assert {again.change for again in by_kind["ambiguous"].again if again.rank == 1} == {"excused"}
    assert by_kind["none"].then is None
    assert by_kind["none"].gain == 0
    squares = [again for again in by_kind["heard"].again if again.change == "letterbox"]
    assert squares[0].why == "the crop cut off next to nothing"


@pytest.mark.slow
def test_pictures_that_find_no_speech_are_diagnosed_the_same_way(made):
    kinds = kinds_of(diagnose(made.explorer.workspace, made.record.id, at=1), "image_to_speech")
    assert kinds["wide.png"] == "crop"
    assert kinds["green.png"] == "heard"
    assert kinds["cyan.png"] == "none"
    assert kinds["olive.png"] == "unreadable"
    assert "three.png" not in kinds
    assert "pink-2.png" not in kinds, "it has no utterance: nothing can be missed"


@pytest.mark.slow
def test_a_voice_that_leads_a_picture_astray(world):
    made = world({"purple.png": ("purple",), "white.png": ("white",)},
                 [SAID["voice"], Said("white.png", "purple white", "purple white", voice(purple=0.1))])
    [record] = evaluate(made.explorer.workspace, request(made.folder))
    found = kinds_of(diagnose(made.explorer.workspace, record.id, at=1), "image_to_speech")
    assert found["purple.png"] == "voice"


@pytest.mark.slow
def test_the_whole_gallery_is_seen_with_the_other_crop(world):
    """A rival that shows the described colours once it is seen whole keeps the picture from coming back."""
    rival = ("red+blue", "red+blue+olive+cyan", "red+blue")
    said = [Said(name, "red blue", "red blue", voice()) for name in ("wide.png", "rival.png")]
    made = world({"wide.png": ("blue", "red", "white"), "rival.png": rival}, said)
    [record] = evaluate(made.explorer.workspace, request(made.folder))
    found = diagnose(made.explorer.workspace, record.id, at=1)
    failure = found.of("speech_to_image", 0)
    assert (failure.query_id, failure.kind) == ("u0", "none")
    assert [again.rank for again in failure.again if again.change == "letterbox"] == [2]


@pytest.mark.slow
def test_a_model_of_words_alone_has_no_branch_to_blame(world):
    made = world(PICTURES, [SAID["voice"], SAID["words"]])
    use(made, "zero-shot")
    [record] = evaluate(made.explorer.workspace, request(made.folder))
    found = diagnose(made.explorer.workspace, record.id, at=1)
    assert kinds_of(found, "speech_to_image") == {"u1": "none"}
    whys = {again.change: again.why for again in found.diagnoses[0].again}
    assert whys["text"] == whys["acoustic"] == "the model has one branch"


@pytest.mark.slow
def test_silence_is_blamed_on_the_hearing_when_the_caption_finds_the_picture(world):
    made = world(PICTURES, [Said("green.png", "", "green", voice())])
    use(made, "zero-shot")
    [record] = evaluate(made.explorer.workspace, request(made.folder))
    assert (record.nothing_heard, record.unreadable) == (1, 0)
    diagnosis = diagnose(made.explorer.workspace, record.id, at=1)
    [failure] = [each for each in diagnosis.diagnoses if each.direction == "speech_to_image"]
    assert (failure.kind, failure.rank, failure.then) == ("heard", len(PICTURES) + 1, 1)
    assert {again.change: again.why for again in failure.again}["excused"] == "no picture looks like the best hit"


@pytest.mark.slow
def test_captions_are_not_blamed_where_they_were_used(world):
    made = world(PICTURES, [SAID["heard"], SAID["none"]])
    record = evaluate(made.explorer.workspace, request(made.folder, captions=(True,)))[0]
    found = diagnose(made.explorer.workspace, record.id, at=1)
    assert kinds_of(found, "speech_to_image") == {"u1": "none"}
    assert found.diagnoses[0].again[0].why == "the caption was used"


def test_other_crops_are_compared_with_the_centre_alone(world):
    made = world(PICTURES, [SAID["crop"], SAID["none"]])
    [record] = evaluate(made.explorer.workspace, request(made.folder, crops=("letterbox",)))
    found = diagnose(made.explorer.workspace, record.id, at=1)
    assert kinds_of(found, "speech_to_image") == {"u1": "none"}
    assert "letterbox" in found.note


def test_nothing_failed_and_nothing_is_said(world):
    made = world({"green.png": ("green",), "red.png": ("red",)}, [Said("green.png", "green", "green", voice())])
    [record] = evaluate(made.explorer.workspace, request(made.folder))
    found = diagnose(made.explorer.workspace, record.id)
    assert (found.diagnoses, sum(counts(found.diagnoses).values())) == ((), 0)


@pytest.mark.slow
def test_a_changed_dataset_is_not_diagnosed_as_if_it_were_the_old_one(made):
    for name in PICTURES:
        Image.new("RGB", (32, 32), "red").save(made.folder / name)
    with pytest.raises(EvaluationError, match="Evaluate again") as raised:
        diagnose(made.explorer.workspace, made.record.id, at=1)
    assert raised.value.kind == "changed"
    (made.folder / "pairs.csv").write_text("image,audio,caption,split\ngreen.png,1.wav,green,test\n")
    with pytest.raises(EvaluationError, match="added to the split"):
        diagnose(made.explorer.workspace, made.record.id, at=1)


def test_what_is_not_there_is_told(made):
    with pytest.raises(EvaluationError, match="no such evaluation"):
        diagnose(made.explorer.workspace, made.record.id + 1)
    with pytest.raises(EvaluationError, match="1 or more"):
        diagnose(made.explorer.workspace, made.record.id, at=0)


@pytest.mark.slow
def test_a_second_diagnosis_hears_and_sees_nothing_anew(made, monkeypatch):
    first = diagnose(made.explorer.workspace, made.record.id, at=1)
    before = made.ears.hearings
    monkeypatch.setattr("core.images.pixels", None)
    monkeypatch.setattr("core.images.views", None)
    assert diagnose(made.explorer.workspace, made.record.id, at=1).diagnoses == first.diagnoses
    assert made.ears.hearings == before
