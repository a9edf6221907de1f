import pytest

from core import datasets
from core.errors import DatasetError


def kind_of_error(call) -> tuple[str, str]:
    with pytest.raises(DatasetError) as caught:
        call()
    return caught.value.kind, str(caught.value)


def test_every_kind_has_a_name_and_a_title_of_its_own():
    names = [kind.name for kind in datasets.KINDS]
    assert names == ["flickr8k", "spokencoco", "localized_narratives", "ravdess", "tone", "hf_folder", "beir", "lhotse",
                     "coco_captions", "folder", "hf_parquet", "webdataset"]
    assert len({kind.title for kind in datasets.KINDS}) == len(names)


def test_the_evidence_is_told(made):
    found = datasets.detect(made.flickr8k())
    assert found.kind == "flickr8k"
    assert found.evidence == ("Flickr8k.token.txt is a list of Flickr8k.",)


def test_folders_that_are_none(made, tmp_path):
    assert kind_of_error(lambda: datasets.detect(tmp_path / "gone"))[0] == "missing"
    assert kind_of_error(lambda: datasets.detect(made.text("file.txt", "x")))[0] == "not_a_folder"
    kind, text = kind_of_error(lambda: datasets.detect(made.root))
    assert kind == "no_dataset" and "Flickr8k" in text and "RAVDESS" in text


def test_pictures_alone_are_no_dataset(made):
    made.picture("a.jpg")
    assert kind_of_error(lambda: datasets.detect(made.root))[0] == "no_dataset"


def test_the_folder_above_says_where_the_datasets_are(made):
    made.flickr8k()
    kind, text = kind_of_error(lambda: datasets.detect(made.root.parent))
    assert kind == "no_dataset" and "dataset (Flickr8k)" in text


def test_two_kinds_at_once_are_asked_about_and_can_be_chosen(made):
    made.flickr8k()
    made.json("SpokenCOCO_val.json", {"data": [{"image": "a.jpg", "captions": [
        {"text": "A", "speaker": "s", "uttid": "u", "wav": "w.wav"}]}]})
    kind, text = kind_of_error(lambda: datasets.load(made.root))
    assert kind == "several_kinds" and "flickr8k" in text and "spokencoco" in text
    assert datasets.load(made.root, "flickr8k").kind == "flickr8k"
    assert datasets.load(made.root, "spokencoco").kind == "spokencoco"


def test_a_list_of_pairs_beside_a_known_dataset_does_not_count(made):
    made.flickr8k()
    made.text("extra.csv", "image,audio\na.jpg,a.wav\n")
    assert datasets.detect(made.root).kind == "flickr8k"


def test_a_kind_that_is_not_there(made):
    made.flickr8k()
    assert kind_of_error(lambda: datasets.load(made.root, "ravdess"))[0] == "not_this_kind"
    kind, text = kind_of_error(lambda: datasets.load(made.root, "imagenet"))
    assert kind == "unknown_kind" and "localized_narratives" in text
