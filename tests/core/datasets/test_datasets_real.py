"""The real data, cut down; skipped where it is absent."""

from collections import Counter

import pytest

from core import datasets
from core.errors import DatasetError

pytestmark = pytest.mark.data


def shape(development_data, name):
    return datasets.to_json(datasets.inspect(development_data / name))


@pytest.mark.slow
def test_flickr8k(development_data):
    found = shape(development_data, "flickr8k")
    assert found["kind"] == "flickr8k"
    assert found["splits"] == {"train": {"images": 460, "utterances": 920}, "dev": {"images": 60, "utterances": 60},
                               "test": {"images": 200, "utterances": 396}}
    assert [(problem["what"], problem["count"]) for problem in found["problems"]] == [
        ("captions without a recording", 3600 - 1376)]


@pytest.mark.slow
def test_flickr8k_captions_belong_to_their_recordings(development_data):
    dataset = datasets.load(development_data / "flickr8k")
    pairs = (development_data / "flickr8k/flickr_audio/wav2capt.txt").read_text().split("\n")
    tokens = dict(line.split("\t") for line in
                  (development_data / "flickr8k/Flickr8k_text/Flickr8k.token.txt").read_text().splitlines())
    expected = {wav[:-4]: (image, tokens[image + number].strip()) for wav, image, number in map(str.split, pairs[:-1])}
    assert {u.utterance_id: (u.image_id, u.caption) for u in dataset.utterances} == expected
    assert len({u.speaker for u in dataset.utterances}) == 13


def test_spokencoco(development_data):
    assert shape(development_data, "spokencoco") == {
        "kind": "spokencoco", "splits": {"val": {"images": 110, "utterances": 110}}, "problems": []}


@pytest.mark.slow
def test_ravdess(development_data):
    found = shape(development_data, "ravdess")
    assert found["splits"] == {"all": {"images": 0, "utterances": 480}}
    assert [(problem["what"], problem["count"]) for problem in found["problems"]] == [("missing actors", 16)]
    emotions = Counter(u.emotion for u in datasets.load(development_data / "ravdess").utterances)
    assert emotions == {"neutral": 32, **dict.fromkeys(
        ("calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"), 64)}


def test_the_folder_above_them_is_none_of_them(development_data):
    with pytest.raises(DatasetError, match=r"flickr8k \(Flickr8k\).*ravdess \(RAVDESS\)"):
        datasets.detect(development_data)
