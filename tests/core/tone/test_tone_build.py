import json
from collections import Counter

import pytest

from core import datasets
from core.cli import main
from core.datasets import tone
from core.errors import DatasetError
from core.tone import build, emoji
from core.tone.build import BuildOptions


def _files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_set_loads_as_a_dataset_with_its_splits(tone_set):
    dataset = datasets.load(tone_set)
    assert dataset.kind == "tone" and set(dataset.splits) == set(tone.SPLITS) and not dataset.problems
    assert Counter(picture.split for picture in dataset.images) == {
        "train": 384, "dev": 144, "test-seen-style": 192, "test-unseen-style": 144}
    assert Counter(utterance.split for utterance in dataset.utterances) == dict.fromkeys(tone.SPLITS, 8)
    assert {utterance.split: utterance.speaker for utterance in dataset.utterances} == {
        "train": "01", "dev": "06", "test-seen-style": "19", "test-unseen-style": "19"}
    for utterance in dataset.utterances:
        assert dataset.relevance[utterance.image_id] == tone.class_of(utterance.subject, utterance.mood)


@pytest.mark.slow
def test_no_picture_style_of_dev_or_unseen_is_trained_on(tone_set):
    listed = json.loads((tone_set / "tone.json").read_text())
    styles = {split: {picture["style"] for picture in listed["pictures"] if picture["split"] == split}
              for split in tone.SPLITS}
    assert styles["train"] == styles["test-seen-style"] == set(emoji.TRAINED)
    assert styles["dev"] == {emoji.DEV} and styles["test-unseen-style"] == {emoji.UNSEEN}
    by_content = Counter(picture["sha256"] for picture in listed["pictures"])
    assert by_content.most_common(1)[0][1] == 1


def test_the_same_build_gives_the_same_files(tmp_path, ravdess, few_pictures):
    first, second = tmp_path / "first", tmp_path / "second"
    build.build(first, BuildOptions(ravdess))
    build.build(second, BuildOptions(ravdess))
    before = _files(first)
    assert before == _files(second)
    (first / "pictures" / "stray.png").write_bytes(b"of an earlier build")
    build.build(first, BuildOptions(ravdess))
    assert _files(first) == before


def test_actors_of_dev_and_test_can_be_chosen(tmp_path, ravdess, few_pictures):
    built = build.build(tmp_path / "set", BuildOptions(ravdess, dev_actors=(), test_actors=(1, 6)))
    assert built.utterances == {"train": 8, "dev": 0, "test-seen-style": 16, "test-unseen-style": 16}
    assert any("3 of RAVDESS' 24 actors" in note for note in built.notes)
    assert any("No actor of dev" in note for note in built.notes)


def test_without_recordings_there_are_pictures_with_captions(tmp_path, few_pictures):
    built = build.build(tmp_path / "set")
    assert sum(built.utterances.values()) == 0 and "no recordings" in built.notes[0]
    dataset = datasets.load(built.folder)
    assert {record.caption for record in dataset.unspoken} == {"Kids are talking by the door",
                                                              "Dogs are sitting by the door"}
    assert len(dataset.unspoken) == len(dataset.images) and not dataset.utterances


def test_a_further_set_is_an_unseen_style(tmp_path, ravdess, few_pictures):
    source = tmp_path / "package"
    source.mkdir()
    listed = json.loads((emoji.RESOURCES / "noto.json").read_bytes())
    (source / "icons.json").write_text(json.dumps({**listed, "prefix": "mine"}))
    built = build.build(tmp_path / "set", BuildOptions(ravdess, (source,)))
    assert built.pictures["test-unseen-style"] == 144
    assert "| mine | unknown | unknown |" in (built.folder / "README.md").read_text()
    (source / "icons.json").write_text(json.dumps({**listed, "prefix": "noto"}))
    with pytest.raises(DatasetError, match="already"):
        build.build(tmp_path / "set", BuildOptions(ravdess, (source,)))


@pytest.mark.parametrize(("options", "kind"), [
    (BuildOptions(dev_actors=(1, 2), test_actors=(2,)), "actors"), (BuildOptions(test_actors=(25,)), "actors")])
def test_impossible_actors_are_refused(tmp_path, options, kind):
    with pytest.raises(DatasetError) as refused:
        build.build(tmp_path / "set", options)
    assert refused.value.kind == kind and not (tmp_path / "set").exists()


def test_other_folders_are_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(DatasetError) as refused:
        build.build(tmp_path)
    assert refused.value.kind == "not_empty" and [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
    with pytest.raises(DatasetError):
        build.build(tmp_path / "letter.txt")


def test_ravdess_without_the_four_moods_is_refused(tmp_path, ravdess):
    folder = tmp_path / "source" / "Actor_01"
    folder.mkdir(parents=True)
    (folder / "03-01-06-01-01-01-01.wav").write_bytes(b"RIFF")
    with pytest.raises(DatasetError) as refused:
        build.build(tmp_path / "set", BuildOptions(tmp_path / "source"))
    assert refused.value.kind == "too_few" and not (tmp_path / "set").exists()


@pytest.mark.parametrize(("content", "kind"), [
    ("{", "damaged"), ("[]", "damaged"), ('{"format": 99}', "newer"), ('{"format": 1, "pictures": [{}]}', "damaged"),
    ('{"format": 1, "pictures": [], "recordings": [], "pairs": [{"recording": "x"}]}', "damaged"),
    ('{"format": 1, "pictures": [{"id": "a", "file": "a.png", "split": "train", "subject": "k ids", "mood": "m"}]}',
     "damaged")])
def test_a_damaged_list_is_refused(tmp_path, content, kind):
    (tmp_path / "tone.json").write_text(content)
    with pytest.raises(DatasetError) as refused:
        datasets.load(tmp_path)
    assert refused.value.kind == kind


def test_a_list_cannot_name_files_outside(tmp_path, few_pictures, ravdess):
    built = build.build(tmp_path / "set", BuildOptions(ravdess))
    listed = json.loads((built.folder / "tone.json").read_text())
    listed["pictures"][0]["file"] = "../../secret.png"
    (built.folder / "tone.json").write_text(json.dumps(listed))
    dataset = datasets.load(built.folder)
    assert dataset.images[0].path is None
    assert "leaves" in {problem.key for problem in dataset.problems}


def test_the_command_builds_and_says_what_is_missing(tmp_path, ravdess, few_pictures, capsys):
    assert main(["tone", "build", str(tmp_path / "set"), "--ravdess", str(ravdess), "--test-actors", "19,20",
                 "--json"]) == 0
    output = capsys.readouterr()
    result = json.loads(output.out)
    assert result["utterances"]["train"] == 8 and result["pictures"]["dev"] == 72
    assert "3 of RAVDESS' 24 actors" in output.err
    assert main(["tone", "build", str(tmp_path / "set")]) == 0
    assert "test-unseen-style" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["tone", "build", str(tmp_path / "set"), "--dev-actors", "six"])
