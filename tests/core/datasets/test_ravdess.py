import shutil

import pytest

from core import datasets
from core.datasets.ravdess import ActedUtterance, _expected


@pytest.fixture
def actors(made):
    """Actors 1 and 2, whole; one recording, copied, is enough."""
    sound = made.sound("one.wav")
    for actor in (1, 2):
        for name in _expected(actor):
            shutil.copy(sound, made.path(f"Actor_{actor:02d}/{name}"))
    sound.unlink()
    return made


@pytest.mark.slow
def test_what_the_names_say(actors):
    dataset = datasets.load(actors.root)
    assert dataset.kind == "ravdess" and dataset.splits == ("all",)
    assert len(dataset.utterances) == 120 and dataset.images == ()
    by_id = {u.utterance_id: u for u in dataset.utterances}
    spoken = by_id["03-01-06-02-02-01-02"]
    assert isinstance(spoken, ActedUtterance)
    assert (spoken.emotion, spoken.intensity, spoken.statement, spoken.repetition, spoken.actor, spoken.sex) == (
        "fearful", "strong", 2, 1, 2, "female")
    assert (spoken.speaker, spoken.caption) == ("02", "Dogs are sitting by the door")
    assert by_id["03-01-01-01-01-01-01"].sex == "male" and by_id["03-01-01-01-01-01-01"].emotion == "neutral"


def test_missing_actors_are_named(actors, found):
    missing = found(datasets.load(actors.root))["missing actors"]
    assert missing == tuple(f"Actor_{number:02d}" for number in range(3, 25))


def test_a_nested_copy_is_left_out(actors, found):
    shutil.copytree(actors.root / "Actor_01", actors.root / "audio_speech_actors_01-24/Actor_01")
    changed = actors.sound("audio_speech_actors_01-24/Actor_01/03-01-01-01-01-01-01.wav", channels=2)
    dataset = datasets.load(actors.root)
    assert len(dataset.utterances) == 120
    assert all("audio_speech" not in str(u.recording) for u in dataset.utterances)
    assert len(found(dataset)["nested duplicates"]) == 59
    assert found(dataset)["nested copies of another size"] == (changed.relative_to(actors.root).as_posix(),)


def test_only_the_inner_copy_is_there(actors):
    inner = actors.root / "audio_speech_actors_01-24"
    inner.mkdir()
    for actor in ("Actor_01", "Actor_02"):
        (actors.root / actor).rename(inner / actor)
    assert datasets.detect(actors.root).evidence == (
        "audio_speech_actors_01-24 holds 120 recordings named as in RAVDESS.",)
    assert len(datasets.load(actors.root).utterances) == 120


def test_one_actors_folder_alone_is_ravdess_too(actors):
    assert len(datasets.load(actors.root / "Actor_02").utterances) == 60


def test_defects(actors, found):
    folder = actors.root / "Actor_01"
    (folder / "03-01-03-01-01-01-01.wav").unlink()
    actors.sound("Actor_01/notes.wav")
    actors.sound("Actor_01/03-01-09-01-01-01-01.wav")
    actors.sound("Actor_01/03-02-03-01-01-01-01.wav")
    actors.text("Actor_01/01-01-03-01-01-01-01.mp4", "film")
    (folder / "03-01-04-01-01-01-01.wav").write_bytes(b"")
    (folder / "03-01-05-01-01-01-01.wav").write_bytes(b"not sound at all")
    actors.sound("Actor_01/03-01-02-01-01-02-01.wav", channels=2)
    (folder / "03-01-06-01-01-01-01.wav").rename(actors.root / "Actor_02/03-01-06-01-01-01-01.wav")
    dataset = datasets.load(actors.root)
    problems = found(datasets.report(dataset))
    assert len(dataset.utterances) == 119
    assert problems["missing recordings of actors"] == ("Actor_01/03-01-03-01-01-01-01.wav",)
    assert problems["odd ids"] == ("Actor_01/03-01-09-01-01-01-01.wav", "Actor_01/notes.wav",
                                   "Actor_02/03-01-06-01-01-01-01.wav: the name says actor 01")
    assert problems["files that are not speech of RAVDESS"] == ("Actor_01/01-01-03-01-01-01-01.mp4",
                                                                "Actor_01/03-02-03-01-01-01-01.wav")
    assert problems["empty recordings"] == ("Actor_01/03-01-04-01-01-01-01.wav",)
    assert problems["unreadable recordings"] == ("Actor_01/03-01-05-01-01-01-01.wav",)
    assert problems["stereo recordings"] == ("Actor_01/03-01-02-01-01-02-01.wav",)


def test_three_emotions_only(actors, found):
    for path in actors.root.rglob("*.wav"):
        if path.name[6:8] not in ("01", "03", "05"):
            path.unlink()
    problems = found(datasets.load(actors.root))
    assert problems["missing emotions"] == ("calm", "sad", "fearful", "disgust", "surprised")
    assert "missing recordings of actors" not in problems
