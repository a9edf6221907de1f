"""Datasets written by the libraries of others, and what can be wrong with them."""

import json
import shutil
import sys

import pytest
from pycocotools.coco import COCO

from core import caches, datasets
from core.datasets import unpacking
from core.errors import DatasetError
from tests.core.datasets import outside

WRITERS = {
    "hf_folder/csv": lambda root, rows: outside.hf_folder(root, rows, "csv"),
    "hf_folder/jsonl": lambda root, rows: outside.hf_folder(root, rows, "jsonl"),
    "hf_folder/parquet": lambda root, rows: outside.hf_folder(root, rows, "parquet"),
    "hf_parquet": outside.hf_parquet,
    "webdataset": outside.webdataset,
    "lhotse": outside.lhotse,
    "lhotse/absolute": lambda root, rows: outside.lhotse(root, rows, absolute=True),
    "lhotse/cuts": lambda root, rows: outside.lhotse(root, rows, cuts=True),
}


@pytest.fixture
def root(tmp_path, home):
    return tmp_path / "outside"


@pytest.mark.parametrize("form", WRITERS)
def test_written_by_their_library_and_read_here(root, form):
    rows = outside.pairs()
    WRITERS[form](root, rows)
    dataset = datasets.load(root)
    assert dataset.kind == form.split("/")[0] and dataset.problems == () and dataset.splits == ("train", "val", "test")
    images = {image.image_id: image.path.read_bytes() for image in dataset.images}
    assert len(images) == 3
    assert [(one.caption, one.speaker, one.split, images[one.image_id], one.recording.read_bytes())
            for one in sorted(dataset.utterances, key=lambda one: one.caption)] == [
        (row.caption, row.speaker, row.split.replace("validation", "val"), row.image, row.audio)
        for row in sorted(rows, key=lambda row: row.caption)]
    report = datasets.report(dataset)
    assert report.problems == () and [split.usable for split in report.splits] == [2, 2, 2]


@pytest.mark.parametrize("reverse", [False, True])
def test_retrieval_tasks_of_either_direction(root, reverse):
    rows = outside.pairs()
    dataset = datasets.load(outside.beir(root, rows, reverse))
    assert dataset.kind == "beir" and dataset.splits == ("test",) and dataset.problems == ()
    assert {image.image_id for image in dataset.images} == {"a.jpg", "b.jpg", "c.jpg"}  # one that nobody spoke of, too
    assert [(one.utterance_id, one.image_id, one.caption) for one in dataset.utterances] == [
        (row.utterance, row.picture, row.caption) for row in rows[:4]]
    assert [one.recording.read_bytes() for one in dataset.utterances] == [row.audio for row in rows[:4]]


def test_captions_of_coco(root):
    dataset = datasets.load(outside.coco(root, outside.pairs()))
    theirs = COCO(root / "annotations" / "captions_train2017.json")
    assert [entry["caption"] for entry in theirs.anns.values()] == [row.caption for row in outside.pairs()[:2]]
    assert dataset.kind == "coco_captions" and dataset.utterances == () and dataset.splits == ("train", "val")
    assert [(one.caption, one.image_id) for one in dataset.unspoken] == [
        (row.caption, row.picture) for row in outside.pairs()[:4]]
    assert all(image.path and image.path.is_file() for image in dataset.images)


def test_pictures_of_one_content_are_one_picture(root):
    rows = outside.pairs()
    dataset = datasets.load(outside.webdataset(root, rows))  # each sample has a copy of its picture
    assert {image.image_id for image in dataset.images} == {"a_0.jpg", "b_0.jpg", "c_0.jpg"}


def test_files_of_one_name_and_other_contents_stay_apart(root):
    rows = outside.pairs()
    renamed = [outside.Pair("x.jpg", row.image, "audio", row.audio, row.caption, row.speaker, row.split)
               for row in rows]
    dataset = datasets.load(outside.hf_parquet(root, renamed))
    assert len(dataset.images) == 3 and len({one.utterance_id for one in dataset.utterances}) == 6
    assert not dataset.problems


def test_a_container_is_unpacked_once(root, home, monkeypatch):
    outside.webdataset(root, outside.pairs())
    first = datasets.load(root)
    monkeypatch.setattr(unpacking, "_write", lambda *_: pytest.fail("unpacked again"))
    moved = root.rename(root.with_name("moved"))
    assert [one.recording for one in datasets.load(moved).utterances] == [one.recording for one in first.utterances]
    assert caches.usage(home.caches)["unpacked"] > 0


def test_what_was_deleted_from_the_caches_is_unpacked_again(root, home):
    outside.hf_parquet(root, outside.pairs())
    datasets.load(root).images[0].path.unlink()
    assert all(image.path.is_file() for image in datasets.load(root).images)


def test_unpacked_files_of_today_stay_when_the_caches_are_cleared(root, home):
    outside.webdataset(root, outside.pairs())
    dataset = datasets.load(root)
    caches.clear(home.caches)
    assert dataset.images[0].path.is_file()


def test_a_disk_without_room(root, home, monkeypatch):
    outside.webdataset(root, outside.pairs())
    monkeypatch.setattr(unpacking.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(DatasetError, match=r"takes 0\.0 GB, and the disk of the caches .* Nothing was unp") as caught:
        datasets.load(root)
    assert caught.value.kind == "space" and not (home.caches / "unpacked").exists()


def test_caches_that_cannot_be_written(root, home):
    outside.webdataset(root, outside.pairs())
    home.caches.parent.mkdir(parents=True, exist_ok=True)
    home.caches.write_text("a file in the way")
    with pytest.raises(DatasetError, match=r"not be unpacked into the caches: .* The dataset is as it was") as caught:
        datasets.load(root)
    assert caught.value.kind == "not_unpacked"


@pytest.mark.parametrize("writer", [outside.hf_parquet, outside.beir,
                                    lambda root, rows: outside.hf_folder(root, rows, "parquet")])
def test_without_arrow(root, monkeypatch, writer):
    writer(root, outside.pairs())
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DatasetError, match=r"pip install \.\[formats\]") as caught:
        datasets.load(root)
    assert caught.value.kind == "no_arrow"


@pytest.mark.parametrize("keep", [0.6, 0.97])
def test_a_tar_file_that_breaks_off(root, found, keep):
    outside.webdataset(root, outside.pairs())
    shard = root / "train-000000.tar"
    shard.write_bytes(shard.read_bytes()[:int(shard.stat().st_size * keep)])
    for _ in range(2):  # the second time from the caches
        dataset = datasets.load(root)
        assert found(dataset)["tar files that break off"] == ("train-000000.tar",)
        assert "A red picture, take 0" in {one.caption for one in (*dataset.utterances, *dataset.unspoken)}


def test_a_file_that_is_no_tar(root, found):
    outside.webdataset(root, outside.pairs())
    (root / "test-000000.tar").write_bytes(b"no tar at all" * 100)
    dataset = datasets.load(root)
    (item,) = found(dataset)["Parquet or tar files that cannot be read"]
    assert item.startswith("test-000000.tar: ") and dataset.splits == ("train", "val")


def test_a_parquet_file_that_breaks_off(root, found):
    outside.hf_parquet(root, outside.pairs())
    shard = root / "data" / "test-00000-of-00001.parquet"
    shard.write_bytes(shard.read_bytes()[:-200])
    dataset = datasets.load(root)
    (item,) = found(dataset)["Parquet or tar files that cannot be read"]
    assert item.startswith("test-00000-of-00001.parquet: ") and dataset.splits == ("train", "val")


def test_nothing_but_broken_files(root):
    (root / "data").mkdir(parents=True)
    (root / "data" / "train.parquet").write_bytes(b"PAR1")
    with pytest.raises(DatasetError, match=r"No caption or recording could be read .*train\.parquet") as caught:
        datasets.load(root)
    assert caught.value.kind == "nothing_read"


def test_parquet_without_the_columns_of_a_pair(root):
    outside.table(root / "data" / "train.parquet", weather=["fine"], wind=[3])
    with pytest.raises(DatasetError) as caught:
        datasets.load(root)
    assert caught.value.kind == "no_dataset"


def test_rows_without_a_picture(root, found):
    rows = outside.pairs()
    outside.hf_parquet(root, rows)
    outside.hf_dataset(rows[:1]).remove_columns("image").to_parquet(root / "data" / "extra-00000-of-00001.parquet")
    assert found(datasets.load(root))["malformed lines"] == ("extra-00000-of-00001.parquet row 1: no picture",)


def test_names_of_files_in_parquet_stay_in_the_folder(root, found):
    outside.files(root, outside.pairs()[:1])
    (root.parent / "secret.jpg").write_bytes(outside.pairs()[0].image)
    outside.table(root / "train.parquet", image=[{"bytes": None, "path": "../secret.jpg"},
                                                 {"bytes": None, "path": "images/a.jpg"}], text=["out", "in"])
    dataset = datasets.load(root)
    assert found(dataset)["paths that leave the folder"] == ("../secret.jpg",)
    assert [image.path for image in dataset.images] == [None, root / "images/a.jpg"]


def test_a_folder_with_missing_files_and_names_that_climb_out(root, found):
    outside.hf_folder(root, outside.pairs(), "csv")
    (root / "train/audio/a_1.wav").unlink()
    (root / "test/metadata.csv").write_text("file_name,image,text\naudio/c_0.wav,../../../c.jpg,out\n")
    problems = found(datasets.load(root))
    assert problems["missing recordings"] == ("train/audio/a_1.wav",)
    assert problems["paths that leave the folder"] == ("test/../../../c.jpg",)


def test_duplicate_ids(root, found):
    outside.webdataset(root, [outside.pairs()[-1], *outside.pairs()])
    assert found(datasets.load(root))["duplicate ids"] == ("utterance c_1",)


def test_a_task_with_defects(root, found):
    outside.beir(root, outside.pairs())
    outside.table(root / "qrels" / "test-00000-of-00001.parquet", **{
        "query-id": ["a_0", "a_0", "a_1", "b_0", "gone", None], "score": [1, 1, 1, 0, 1, 1],
        "corpus-id": ["a.jpg", "b.jpg", "nowhere.jpg", "b.jpg", "b.jpg", "b.jpg"]})
    dataset = datasets.load(root)
    assert found(dataset) == {
        "recordings that fit several pictures": ("a_0: a.jpg and b.jpg",),
        "malformed lines": ("test-00000-of-00001.parquet row 6: no query-id and corpus-id",
                            "qrels: nowhere.jpg is judged and has no row", "qrels: gone is judged and has no row")}
    assert [one.utterance_id for one in dataset.utterances] == ["a_0"]


def test_lhotse_recordings_that_are_no_files_are_not_run(root, found):
    outside.lhotse(root, outside.pairs())

    def foreign(entry):
        if entry["id"] == "a_0":
            entry["sources"] = [{"type": "command", "channels": [0], "source": f"touch {root}/ran"}]
        return entry

    outside.rewrite(root / "recordings_train.jsonl.gz", foreign)
    dataset = datasets.load(root)
    assert found(dataset) == {"recordings from commands, addresses or memory": (
        "supervisions_train.jsonl.gz line 1: command",)}
    assert not (root / "ran").exists() and len(dataset.utterances) == 5


def test_lhotse_parts_and_outside_paths(root, found, tmp_path):
    outside.lhotse(root, outside.pairs())
    outside.rewrite(root / "supervisions_train.jsonl.gz", lambda entry: {**entry, "recording_id": "a_0"})
    outside.rewrite(root / "recordings_test.jsonl.gz", lambda entry: {**entry, "sources": [
        {"type": "file", "channels": [0], "source": str(tmp_path / "elsewhere.wav")}]})
    outside.rewrite(root / "supervisions_validation.jsonl.gz",
                    lambda entry: {**entry, "recording_id": "unknown"} if entry["id"] == "b_0" else entry)
    problems = found(datasets.load(root))
    assert problems["captions of parts of recordings"] == ("supervisions_train.jsonl.gz line 1: a_0",
                                                           "supervisions_train.jsonl.gz line 2: a_1")
    assert problems["paths that leave the folder"] == (str(tmp_path / "elsewhere.wav"),) * 2
    assert problems["malformed lines"] == ("supervisions_validation.jsonl.gz line 1: recording unknown is in no "
                                           "manifest",)


def test_a_manifest_that_breaks_off(root, found):
    outside.lhotse(root, outside.pairs())
    path = root / "supervisions_test.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-30])
    (item,) = found(datasets.load(root))["unreadable lists"]
    assert item.startswith("supervisions_test.jsonl.gz after line ")


def test_coco_with_defects(root, found):
    outside.coco(root, outside.pairs())
    path = root / "annotations" / "captions_train2017.json"
    content = json.loads(path.read_text())
    content["images"] += [{"id": 1, "file_name": "other.jpg"}, {"id": 2}]
    content["annotations"] += [{"id": 9, "image_id": 99, "caption": "of nothing"}, {"id": "train0", "image_id": 1,
                                                                                  "caption": "again"}]
    path.write_text(json.dumps(content))
    (root / "annotations" / "captions_test2017.json").write_text('{"images": []}')
    problems = found(datasets.load(root))
    assert problems["unreadable lists"] == ("annotations/captions_test2017.json: it holds no images and annotations",)
    assert problems["duplicate ids"] == ("picture 1: a.jpg and other.jpg", "caption train0")
    assert problems["malformed lines"] == ("annotations/captions_train2017.json image 3: no id and file_name",
                                           "annotations/captions_train2017.json annotation 3: no id, caption and "
                                           "image_id of its images")


def test_an_archive_beside_a_dataset_is_no_dataset(made, home):
    root = made.flickr8k()
    (root / "flickr_audio.tar.gz").write_bytes(b"whatever was downloaded")
    assert datasets.detect(root).kind == "flickr8k"
