import json

import pytest

from core import datasets
from core.errors import DatasetError


@pytest.fixture
def files(made):
    for name in "ab":
        made.picture(f"images/{name}.jpg")
        made.sound(f"audio/{name}.wav")
    return made


@pytest.mark.parametrize(("name", "content"), [
    ("pairs.csv", "image,audio,caption,speaker,split\nimages/a.jpg,audio/a.wav,\"A, dog\",s1,train\n"
                  "images\\b.jpg,audio/b.wav,B,s2,validation\n"),
    ("pairs.csv", "Image;Audio;Caption;Speaker;Split\na.jpg;a.wav;A, dog;s1;train\nb.jpg;b.wav;B;s2;val\n"),
    ("pairs.tsv", "split\tspk\ttext\twav\tfile_name\ntrain\ts1\tA, dog\ta.wav\ta.jpg\nvalid\ts2\tB\tb.wav\tb.jpg\n"),
    ("pairs.jsonl", "".join(json.dumps(row) + "\n" for row in (
        {"picture": "a.jpg", "recording": "a.wav", "sentence": "A, dog", "voice": "s1", "subset": "train"},
        {"picture": "b.jpg", "recording": "b.wav", "sentence": "B", "voice": "s2", "subset": "val"}))),
])
def test_every_form_of_a_list(files, name, content):
    files.text(name, content)
    dataset = datasets.load(files.root)
    assert dataset.kind == "folder" and dataset.splits == ("val", "train")[::-1] and dataset.problems == ()
    assert [(u.caption, u.speaker, u.split, u.recording) for u in dataset.utterances] == [
        ("A, dog", "s1", "train", files.root / "audio/a.wav"), ("B", "s2", "val", files.root / "audio/b.wav")]
    assert [image.path for image in dataset.images] == [files.root / f"images/{name}.jpg" for name in "ab"]


def test_the_notes_tell_which_column_was_read_as_what(files):
    files.text("pairs.csv", "photo,wav,text,mood\na.jpg,a.wav,A,happy\n")
    notes = datasets.load(files.root).notes
    assert notes[0] == 'pairs.csv (commas): "photo" as image, "wav" as recording, "text" as caption.'
    assert notes[1] == "pairs.csv has no column for: speaker, split, image id, utterance id."


def test_one_list_a_split(files):
    files.text("train.csv", "image,audio\na.jpg,a.wav\n")
    files.text("test.csv", "image,audio\nb.jpg,b.wav\n")
    assert {u.split for u in datasets.load(files.root).utterances} == {"train", "test"}


def test_several_lists_are_not_chosen_from(files):
    files.text("old.csv", "image,audio\na.jpg,a.wav\n")
    files.text("new.csv", "image,audio\nb.jpg,b.wav\n")
    with pytest.raises(DatasetError, match=r"new\.csv, old\.csv") as caught:
        datasets.load(files.root)
    assert caught.value.kind == "several_lists"


def test_defects(files, found):
    files.picture("images/lonely.jpg")
    files.sound("audio/lonely.wav")
    files.text("pairs.csv", 'image,audio,caption\na.jpg,a.wav,A\nb.jpg\n,b.wav,none\na.jpg,a.wav,again\n'
                            'b.jpg,,no recording\nb.jpg,gone.wav,\n"b.jpg,b.wav,open quote\nb.jpg,b.wav,B\n')
    dataset = datasets.load(files.root)
    assert found(dataset) == {
        "malformed lines": ("pairs.csv line 3: 1 fields in place of 3", "pairs.csv line 4: no picture",
                            "pairs.csv line 8: a quotation mark is not closed"),
        "missing recordings": ("gone.wav",), "captions without a recording": ("b.jpg#0",),
        "recordings without a caption": ("audio/lonely.wav",), "empty captions": ("gone",),
        "pictures without a caption": ("images/lonely.jpg",), "duplicate ids": ("utterance a",)}
    assert [u.utterance_id for u in dataset.utterances] == ["a", "gone", "b"]


def test_values_that_are_no_text_are_malformed(files, found):
    files.text("pairs.jsonl", '{"image": "a.jpg", "audio": "a.wav", "speaker": 7}\n{"image": ["b.jpg"], "audio": 1}\n')
    dataset = datasets.load(files.root)
    assert [u.speaker for u in dataset.utterances] == ["7"]
    assert found(dataset)["malformed lines"] == ("pairs.jsonl line 2: a value is a list or an object",)
