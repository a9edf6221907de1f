from core import datasets


def caption(number: int, **changes) -> dict:
    return {"text": f"A CAT {number}", "speaker": f"m{number}", "uttid": f"m{number}-x",
            "wav": f"wavs/val/m{number}.wav", **changes}


def original(made, name="val2014/COCO_val2014_000000018575.jpg"):
    made.picture(name)
    for number in (1, 2):
        made.sound(f"wavs/val/m{number}.wav")
    made.json("SpokenCOCO_val.json", {"data": [{"image": name, "captions": [caption(1), caption(2)]}]})
    return made.root


def test_the_original_lists(made):
    dataset = datasets.load(original(made))
    assert dataset.kind == "spokencoco" and dataset.splits == ("val",) and dataset.problems == ()
    assert [image.image_id for image in dataset.images] == ["18575"]
    first = dataset.utterances[0]
    assert (first.utterance_id, first.image_id, first.speaker, first.caption) == ("m1-x", "18575", "m1", "A CAT 1")
    assert first.recording == made.root / "wavs/val/m1.wav"


def test_karpathys_lists_count_before_the_original_ones(made):
    original(made)
    for number, split in enumerate(("train", "val", "test"), 1):
        picture = f"val2014/COCO_val2014_{number:012d}.jpg"
        made.picture(picture)
        made.sound(f"wavs/val/m{number}.wav")
        made.json(f"SpokenCOCO_{split}_unrolled_karpathy.json",
                  {"data": [{"image": picture, "caption": caption(number)}]})
    dataset = datasets.load(made.root)
    assert {u.split: u.utterance_id for u in dataset.utterances} == {"train": "m1-x", "val": "m2-x", "test": "m3-x"}
    assert "SpokenCOCO_val.json is there too and is not read." in dataset.notes
    assert "Read with Karpathy's split." in dataset.notes


def test_restval_is_trained_on(made):
    made.json("SpokenCOCO_train_unrolled_karpathy.json",
              {"data": [{"image": "val2014/COCO_val2014_000000000001.jpg", "split": "restval", "caption": caption(1)}]})
    assert datasets.load(made.root).utterances[0].split == "train"


def test_a_picture_is_found_by_its_number_in_another_release(made):
    original(made)
    (made.root / "val2014").rename(made.root / "val2017")
    old = made.root / "val2017/COCO_val2014_000000018575.jpg"
    old.rename(made.root / "val2017/000000018575.jpg")
    dataset = datasets.load(made.root)
    assert dataset.images[0].path == made.root / "val2017/000000018575.jpg"
    assert any("another release" in note for note in dataset.notes)


def test_defects_are_listed_by_entry_and_the_rest_goes_on(made, found):
    original(made)
    good = {"image": "val2014/COCO_val2014_000000018575.jpg", "captions": [caption(1)]}
    made.sound("wavs/val/stray.wav")
    made.json("SpokenCOCO_val.json", {"data": [
        good, "text", None, {"image": 5, "captions": []}, {"image": "x.jpg"}, {"image": "x.jpg", "captions": [{}]},
        {**good, "captions": [caption(1), caption(2, text=" "), caption(3), caption(4, wav=None),
                              caption(5, text=None)]},
    ]})
    dataset = datasets.load(made.root)
    problems = found(dataset)
    assert [item.split(":")[0] for item in problems["malformed lines"]] == [
        f"SpokenCOCO_val.json entry {n}" for n in (2, 3, 4, 5, 6)]
    assert problems["duplicate ids"] == ("utterance m1-x",)
    assert problems["empty captions"] == ("wavs/val/m2.wav",)
    assert problems["missing recordings"] == ("wavs/val/m3.wav", "wavs/val/m5.wav")
    assert problems["captions without a recording"] == ("m4-x",)
    assert problems["recordings without a caption"] == ("wavs/val/m5.wav", "wavs/val/stray.wav")
    assert [u.utterance_id for u in dataset.utterances] == ["m1-x", "m2-x", "m3-x", "m5-x"]


def test_one_broken_list_does_not_cost_the_other(made, found):
    original(made)
    made.text("SpokenCOCO_train.json", '{"data": [{"image": "a.jpg", ')
    dataset = datasets.load(made.root)
    assert len(dataset.utterances) == 2
    assert found(dataset)["unreadable lists"][0].startswith("SpokenCOCO_train.json: no JSON")


def test_deep_nesting_is_an_unreadable_list(made, found):
    original(made)
    made.text("SpokenCOCO_test.json", "[" * 200_000)
    assert found(datasets.load(made.root))["unreadable lists"][0].startswith("SpokenCOCO_test.json: no JSON")
