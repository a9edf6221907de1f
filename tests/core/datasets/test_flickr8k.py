import pytest

from core import datasets
from core.errors import DatasetError

TOKENS = "Flickr8k_text/Flickr8k.token.txt"


def counts(dataset):
    return {split: (len(part.images), len(part.utterances))
            for split in dataset.splits for part in [dataset.of(split)]}


def test_the_classic_layout_without_a_defect(made, found):
    dataset = datasets.load(made.flickr8k())
    assert dataset.kind == "flickr8k"
    assert counts(dataset) == {"train": (1, 2), "dev": (1, 2), "test": (1, 2)}
    assert dataset.problems == () and dataset.unspoken == ()
    first = dataset.utterances[1]
    assert (first.utterance_id, first.image_id, first.speaker, first.caption, first.split) == (
        "a_1", "a.jpg", "1", "A dog 1 on a.jpg .", "train")
    assert first.recording == made.root / "flickr_audio/wavs/a_1.wav"
    assert dataset.images[0].path == made.root / "Flicker8k_Dataset/a.jpg"


@pytest.mark.parametrize("folder", ["Flickr8k_Dataset", "Images"])
def test_pictures_in_the_other_folders_that_go_round(made, folder):
    made.flickr8k()
    (made.root / "Flicker8k_Dataset").rename(made.root / folder)
    assert all(image.path for image in datasets.load(made.root).images)


def test_kaggles_layout_has_no_splits_and_says_so(made):
    for name in ("a.jpg", "b.jpg"):
        made.picture(f"Images/{name}")
    made.text("captions.txt", 'image,caption\na.jpg,"A dog, a ""cat"" ."\na.jpg,Two\nb.jpg,Three\n')
    dataset = datasets.load(made.root)
    assert counts(dataset) == {"all": (2, 0)}
    assert [u.caption for u in dataset.unspoken] == ['A dog, a "cat" .', "Two", "Three"]
    assert [u.utterance_id for u in dataset.unspoken] == ["a.jpg#0", "a.jpg#1", "b.jpg#0"]
    assert any("No list of splits" in note for note in dataset.notes)


def test_kaggles_layout_with_the_recordings(made):
    made.picture("Images/a.jpg")
    made.text("captions.txt", "image,caption\na.jpg,One\na.jpg,Two\n")
    made.speech([("a.jpg", 1)])
    dataset = datasets.load(made.root)
    assert [(u.utterance_id, u.caption) for u in dataset.utterances] == [("a_1", "Two")]
    assert [u.caption for u in dataset.unspoken] == ["One"]


def test_karpathys_layout(made, found):
    entries = [{"filename": f"{name}.jpg", "split": split, "sentences": [{"raw": "One ."}, {"raw": "Two ."}]}
               for name, split in (("a", "train"), ("b", "val"), ("c", "test"), ("d", "restval"))]
    made.json("dataset_flickr8k.json", {"images": [*entries, {"filename": "e.jpg"}, 7]})
    for name in "abcd":
        made.picture(f"Images/{name}.jpg")
    made.speech([("c.jpg", 1)])
    dataset = datasets.load(made.root)
    assert counts(dataset) == {"train": (2, 0), "val": (1, 0), "test": (1, 1)}
    assert dataset.utterances[0].caption == "Two ."
    assert found(dataset)["malformed lines"] == tuple(
        f"dataset_flickr8k.json image {n}: no filename, split and sentences[].raw" for n in (5, 6))


def test_of_several_layouts_one_is_read_and_the_others_are_told(made):
    made.flickr8k()
    made.json("dataset_flickr8k.json", {"images": []})
    assert "dataset_flickr8k.json is there too and is not read." in datasets.load(made.root).notes


def test_the_odd_id_of_the_real_flickr8k_is_kept_as_written(made, found):
    made.flickr8k()
    made.append(TOKENS, "2258277193_586949ec62.jpg.1#0\tPeople waiting .\n2258277193_586949ec62.jpg.1#1\tTwo .\n")
    dataset = datasets.load(made.root)
    problems = found(dataset)
    odd = ("2258277193_586949ec62.jpg.1",)
    assert problems["odd ids"] == problems["missing pictures"] == problems["pictures in no split"] == odd
    assert counts(dataset)["train"] == (1, 2)


def test_a_picture_of_training_and_test_is_kept_out_of_training(made, found):
    made.flickr8k()
    made.append("Flickr8k_text/Flickr_8k.trainImages.txt", "c.jpg\n")
    dataset = datasets.load(made.root)
    assert found(dataset)["pictures in two splits"] == ("c.jpg: train and test",)
    assert counts(dataset) == {"train": (1, 2), "dev": (1, 2), "test": (1, 2)}
    assert {u.split for u in dataset.utterances if u.image_id == "c.jpg"} == {"test"}


def test_a_missing_recording_and_a_missing_picture_keep_their_records(made, found):
    made.flickr8k()
    (made.root / "flickr_audio/wavs/a_0.wav").unlink()
    (made.root / "Flicker8k_Dataset/b.jpg").unlink()
    dataset = datasets.load(made.root)
    assert found(dataset) == {"missing recordings": ("a_0.wav",), "missing pictures": ("b.jpg",)}
    assert [u.utterance_id for u in dataset.utterances if u.recording is None] == ["a_0"]
    assert [i.image_id for i in dataset.images if i.path is None] == ["b.jpg"]


def test_recordings_and_captions_that_do_not_meet(made, found):
    made.flickr8k()
    made.append("flickr_audio/wav2capt.txt", "z_9.wav a.jpg #9\n")
    made.append(TOKENS, "a.jpg#5\tNobody says this .\n")
    made.sound("flickr_audio/wavs/z_9.wav")
    made.sound("flickr_audio/wavs/stray.wav")
    dataset = datasets.load(made.root)
    assert found(dataset)["recordings without a caption"] == ("z_9.wav: a.jpg#9", "flickr_audio/wavs/stray.wav")
    assert found(dataset)["captions without a recording"] == ("a.jpg#5",)
    assert dataset.utterances[-1].caption == "" and dataset.utterances[-1].recording


def test_without_its_lists_of_recordings_nothing_is_paired_by_name(made, found):
    made.flickr8k()
    (made.root / "flickr_audio/wav2capt.txt").unlink()
    (made.root / "flickr_audio/wav2spk.txt").unlink()
    dataset = datasets.load(made.root)
    assert dataset.utterances == () and len(dataset.unspoken) == 6
    assert found(dataset)["missing lists"] == ("flickr_audio/wav2spk.txt", "flickr_audio/wav2capt.txt")
    assert len(found(dataset)["recordings without a caption"]) == 6


def test_a_missing_split_list_is_named(made, found):
    made.flickr8k()
    (made.root / "Flickr8k_text/Flickr_8k.devImages.txt").unlink()
    dataset = datasets.load(made.root)
    assert found(dataset) == {"missing lists": ("Flickr_8k.devImages.txt",), "pictures in no split": ("b.jpg",)}


def test_bad_lines_cost_themselves_and_are_named_by_number(made, found):
    made.flickr8k()
    made.text(TOKENS, "\ufeffa.jpg#0\tOne .\r\nno tab here\n\na.jpg#1 blank for a tab\nb.jpg#0\t\nb.jpg#1\n".encode()
              + b"a.jpg#1\tcaf\xe9 .\na.jpg#0\tagain\n\tx\nc.jpg#0\t\x00\n")
    dataset = datasets.load(made.root)
    problems = found(dataset)
    assert problems["byte order marks"] == ("Flickr8k.token.txt line 1",)
    assert problems["lists with Windows line ends"] == ("Flickr8k.token.txt",)
    assert problems["blank lines"] == ("Flickr8k.token.txt line 3",)
    assert problems["empty captions"] == ("b.jpg#0", "b.jpg#1")
    assert problems["duplicate ids"] == ("Flickr8k.token.txt line 8: a.jpg#0",)
    assert problems["lines that are not UTF-8"] == ("Flickr8k.token.txt line 7",)
    assert [item.split(":")[0] for item in problems["malformed lines"]] == [
        f"Flickr8k.token.txt line {n}" for n in (2, 4, 9, 10)]
    assert {u.utterance_id: u.caption for u in dataset.utterances}["a_1"] == "café ."


def test_lists_that_say_nothing_are_an_error_that_says_why(made):
    made.text(TOKENS, "rubbish\n")
    with pytest.raises(DatasetError, match=r"malformed lines: Flickr8k.token.txt line 1") as caught:
        datasets.load(made.root)
    assert caught.value.kind == "nothing_read"
