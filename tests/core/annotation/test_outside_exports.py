"""Exports in the layouts of other programs, read by their own libraries."""

import io
import json
import sys

import datasets as hf
import numpy as np
import pytest
import soundfile
import webdataset
from lhotse import CutSet, RecordingSet, SupervisionSet
from PIL import Image
from pycocotools.coco import COCO

from core import cli
from core.annotation.exports import ExportOptions
from core.errors import DatasetError
from tests.core.annotation.models import export_gallery

pytestmark = pytest.mark.slow
SPLITS = ("train", "validation", "test")


@pytest.fixture
def takes(describe):
    """Captions of seven pictures, with names that need care in JSON."""
    made = [describe(picture, f"Caption {picture}: a “dog” with ünicode", f"Speaker {picture % 2}")
            for picture in range(7)]
    return {take.text: take for take in [*made, describe(0, "the first once more", "Speaker 1")]}


@pytest.fixture
def exported(explorer, takes, tmp_path):
    def export(layout):
        result = export_gallery(explorer, "Holidays", tmp_path / "out", ExportOptions(layout))
        assert result.problems == () and result.left_out == ()
        return tmp_path / "out"
    return export


def samples_of(recording):
    return soundfile.read(recording, dtype="int16")[0]


@pytest.mark.parametrize("layout", ["hf_folder", "hf_parquet"])
def test_hugging_face_reads_them(exported, takes, tmp_path, layout):
    if layout == "hf_folder":
        pytest.importorskip("torchcodec.encoders", reason="datasets needs it for an AudioFolder",
                            exc_type=(ImportError, RuntimeError, OSError))
    folder = exported(layout)
    loaded = hf.load_dataset(str(folder), cache_dir=str(tmp_path / "hf"), streaming=True)
    assert set(loaded) == set(SPLITS)
    rows = [row for split in SPLITS for row in loaded[split].cast_column("audio", hf.Audio(decode=False))]
    assert {(row["text"], row["speaker"]) for row in rows} == {
        (text, take.speaker.name.replace(" ", "-")) for text, take in takes.items()}
    for row in rows:
        audio = row["audio"] if isinstance(row["audio"], dict) else {"path": row["audio"]}
        spoken = samples_of(io.BytesIO(audio["bytes"]) if audio.get("bytes") else audio["path"])
        assert np.array_equal(spoken, samples_of(takes[row["text"]].recording))
        if layout == "hf_parquet":
            assert isinstance(row["image"], Image.Image)
        else:
            assert any((folder / split / row["image"]).is_file() for split in SPLITS)


def test_mteb_s_tables_in_hugging_face(exported, takes, tmp_path):
    folder = exported("beir")
    tables = {role: hf.load_dataset(str(folder / role), split="train", cache_dir=str(tmp_path / "hf"))
              for role in ("corpus", "queries", "qrels")}
    assert set(tables["qrels"].column_names) == {"query-id", "corpus-id", "score"}
    assert set(tables["qrels"]["corpus-id"]) <= set(tables["corpus"]["id"])
    assert set(tables["qrels"]["query-id"]) <= set(tables["queries"]["id"])
    assert isinstance(tables["corpus"][0]["image"], Image.Image)


def test_webdataset_reads_them(exported, takes):
    folder = exported("webdataset")
    shards = [str(path) for path in sorted(folder.glob("*.tar"))]
    assert [path.rsplit("/", 1)[1] for path in shards] == [f"{split}-000000.tar" for split in sorted(SPLITS)]
    rows = list(webdataset.WebDataset(shards, shardshuffle=False, empty_check=False).decode("pil"))
    assert {row["txt"] for row in rows} == set(takes)
    for row in rows:
        assert row["png"].mode == "RGB" and row["json"]["speaker"].startswith("Speaker-")


def test_lhotse_reads_them(exported, takes, monkeypatch):
    folder = exported("lhotse")
    monkeypatch.chdir(folder)  # Lhotse's relative paths are those of the process
    texts = []
    for split in ("train", "val", "test"):
        recordings = RecordingSet.from_file(folder / f"recordings_{split}.jsonl.gz")
        supervisions = SupervisionSet.from_file(folder / f"supervisions_{split}.jsonl.gz")
        for cut in CutSet.from_manifests(recordings, supervisions):
            (spoken,) = cut.supervisions
            texts.append(spoken.text)
            expected = samples_of(takes[spoken.text].recording) / 32768
            assert np.allclose(cut.load_audio()[0], expected, atol=1e-4)
            assert Image.open(folder / spoken.custom["image"]).size
    assert sorted(texts) == sorted(takes)


def test_pycocotools_reads_them(exported, takes):
    folder = exported("coco_captions")
    texts = []
    for split in ("train", "val", "test"):
        theirs = COCO(folder / f"captions_{split}.json")
        for image in theirs.loadImgs(theirs.getImgIds()):
            assert (folder / "images" / image["file_name"]).is_file()
            texts += [entry["caption"] for entry in theirs.loadAnns(theirs.getAnnIds(imgIds=image["id"]))]
    assert sorted(texts) == sorted(takes)


def test_parquet_without_arrow_is_refused_before_anything_is_written(explorer, takes, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DatasetError, match=r"pip install \.\[formats\]") as raised:
        export_gallery(explorer, "Holidays", tmp_path / "out", ExportOptions("hf_parquet"))
    assert raised.value.kind == "no_arrow" and not (tmp_path / "out").exists()


def test_layouts_on_the_command_line(explorer, takes, tmp_path, capsys):
    explorer.close()
    assert cli.main(["export", "Holidays", str(tmp_path / "out"), "--layout", "webdataset", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["layout"] == "webdataset" and sum(split["utterances"] for split in shown["splits"].values()) == 8
