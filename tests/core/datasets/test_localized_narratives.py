import json

import pytest

from core import datasets
from core.datasets.localized_narratives import Narrative, TimedCaption, TracePoint
from core.errors import DatasetError


def entry(number: int, split: str = "val", **changes) -> str:
    return json.dumps({
        "dataset_id": f"mscoco_{split}2017", "image_id": str(number), "annotator_id": 93,
        "caption": f"In this image é {number}",
        "timed_caption": [{"utterance": "In this", "start_time": 0.5, "end_time": 0.9},
                          {"utterance": "image", "start_time": 0.9, "end_time": 1.4}],
        "traces": [[{"x": 0.1, "y": -0.02, "t": 0.02}, {"x": 0.2, "y": 0.3, "t": 0.04}], []],
        "voice_recording": f"coco_{split}/coco_{split}_{number}_93.ogg", **changes}, ensure_ascii=False) + "\n"


def narratives(made, split="val", shard="coco_val_localized_narratives.jsonl", numbers=(137576, 5)):
    made.text(shard, "".join(entry(number, split) for number in numbers))
    for number in numbers:
        made.picture(f"{split}2017/{number:012d}.jpg")
        made.sound(f"coco_{split}/coco_{split}_{number}_93.ogg")
    return made.root


def test_narratives_with_times_and_traces(made):
    dataset = datasets.load(narratives(made))
    assert dataset.kind == "localized_narratives" and dataset.splits == ("val",) and dataset.problems == ()
    second = dataset.utterances[1]
    assert isinstance(second, Narrative)
    assert (second.utterance_id, second.image_id, second.speaker) == ("coco_val_5_93", "5", "93")
    assert second.caption == "In this image é 5"
    details = second.details()
    assert details.timed_caption[1] == TimedCaption("image", 0.9, 1.4)
    assert details.traces == ((TracePoint(0.1, -0.02, 0.02), TracePoint(0.2, 0.3, 0.04)), ())


def test_details_are_found_behind_a_byte_order_mark_and_windows_line_ends(made):
    narratives(made)
    path = made.root / "coco_val_localized_narratives.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert all(len(narrative.details().traces) == 2 for narrative in datasets.load(made.root).utterances)


def test_details_of_a_changed_shard_are_an_error(made):
    dataset = datasets.load(narratives(made))
    made.text("coco_val_localized_narratives.jsonl", "{}\n" * 100)
    with pytest.raises(DatasetError) as caught:
        dataset.utterances[1].details()
    assert caught.value.kind == "changed"


def test_shards_of_training_and_the_missing_ones(made, found):
    narratives(made)
    narratives(made, "train", "coco_train_localized_narratives-00001-of-00004.jsonl", (9,))
    dataset = datasets.load(made.root)
    assert {u.split for u in dataset.utterances} == {"train", "val"}
    assert found(dataset)["missing lists"] == tuple(
        f"coco_train_localized_narratives-{part:05d}-of-00004.jsonl" for part in (0, 2, 3))


def test_the_same_picture_has_the_same_id_in_spokencoco(made, tmp_path):
    dataset = datasets.load(narratives(made))
    made.root = tmp_path / "other"
    made.json("SpokenCOCO_val.json", {"data": [{"image": "val2014/COCO_val2014_000000137576.jpg", "captions": [
        {"text": "A", "speaker": "m", "uttid": "u", "wav": "u.wav"}]}]})
    assert datasets.load(made.root).images[0].image_id == dataset.images[0].image_id == "137576"


def test_defects(made, found):
    narratives(made)
    made.append("coco_val_localized_narratives.jsonl", "{broken\n\n[1]\n{}\n" + entry(5) + entry(7, caption="")
                + entry(8, voice_recording="") + entry(11, voice_recording="../../x.ogg"))
    made.sound("coco_val/stray.ogg")
    dataset = datasets.load(made.root)
    problems = found(dataset)
    assert [item.split(":")[0].rsplit(" ", 1)[1] for item in problems["malformed lines"]] == ["3", "5", "6"]
    assert problems["duplicate ids"] == ("utterance coco_val_5_93",)
    assert problems["missing recordings"] == ("coco_val/coco_val_7_93.ogg",)
    assert problems["missing pictures"] == tuple(f"val2017/{n:012d}.jpg" for n in (7, 8, 11))
    assert problems["captions without a recording"] == ("coco_val_8_93",)
    assert problems["paths that leave the folder"] == ("../../x.ogg",)
    assert problems["recordings without a caption"] == ("coco_val/stray.ogg",)
