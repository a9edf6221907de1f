"""Layouts of other programs that an export is written in: Hugging Face, BEIR, webdataset, Lhotse, COCO captions.

Pictures and recordings lie in the export's folders `images` and `audio` before. Layouts that embed them pack them and
take the folders away.
"""

import gzip
import io
import json
import shutil
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import soundfile

from core.annotation.export_items import Item
from core.datasets.shards import arrow

PICTURES, RECORDINGS = "images", "audio"
HF_SPLITS: Mapping[str, str] = {"train": "train", "val": "validation", "test": "test"}
ROWS_AT_ONCE = 64  # of a Parquet file's row groups: their files are in memory together
SAMPLES_A_SHARD = 1000
SAMPLE_RATE = 16_000  # of exported recordings
TEXT, NUMBER = {"dtype": "string", "_type": "Value"}, {"dtype": "int64", "_type": "Value"}
FEATURES: Mapping[str, Mapping[str, Any]] = {"image": {"_type": "Image"}, "audio": {"_type": "Audio"}, "score": NUMBER}


def write_hf_folder(folder: Path, items: Sequence[Item]) -> None:
    """AudioFolder: a folder for each split with its files and `metadata.jsonl`."""
    for split, own in _splits(items):
        place = folder / HF_SPLITS[split]
        for below in (PICTURES, RECORDINGS):
            (place / below).mkdir(parents=True)
        for picture in dict.fromkeys(item.picture for item in own):
            (folder / PICTURES / picture).rename(place / PICTURES / picture)
        for item in own:
            (folder / RECORDINGS / f"{item.name}.wav").rename(place / RECORDINGS / f"{item.name}.wav")
        _write_lines(place / "metadata.jsonl", (
            {"file_name": f"{RECORDINGS}/{item.name}.wav", "image": f"{PICTURES}/{item.picture}",
             "text": item.take.text, "speaker": item.speaker, "utterance_id": item.name} for item in own))
    _drop_files(folder)


def write_hf_parquet(folder: Path, items: Sequence[Item]) -> None:
    """Parquet files of the Hub's names and types, with embedded files; a picture is repeated for each caption."""
    for split, own in _splits(items):
        _write_parquet(folder / "data" / f"{HF_SPLITS[split]}-00000-of-00001.parquet", (
            {"image": _picture(folder, item), "audio": _recording(folder, item), "text": item.take.text,
             "speaker": item.speaker, "image_id": item.picture, "utterance_id": item.name} for item in own))
    _drop_files(folder)


def write_beir(folder: Path, items: Sequence[Item]) -> None:
    """A retrieval task for each split: the pictures are its corpus, the recordings its queries."""
    for split, own in _splits(items):
        name = f"{HF_SPLITS[split]}-00000-of-00001.parquet"
        pictures = {item.picture: item for item in own}
        _write_parquet(folder / "corpus" / name, ({"id": picture, "image": _picture(folder, item)}
                                                  for picture, item in pictures.items()))
        _write_parquet(folder / "queries" / name, (
            {"id": item.name, "audio": _recording(folder, item), "text": item.take.text, "speaker": item.speaker}
            for item in own))
        _write_parquet(folder / "qrels" / name, ({"query-id": item.name, "corpus-id": item.picture, "score": 1}
                                                 for item in own))
    _drop_files(folder)


def write_webdataset(folder: Path, items: Sequence[Item]) -> None:
    """Tar files of up to a thousand samples: picture, recording, text and fields under the utterance's name."""
    for split, own in _splits(items):
        for number, start in enumerate(range(0, len(own), SAMPLES_A_SHARD)):
            with tarfile.open(folder / f"{HF_SPLITS[split]}-{number:06d}.tar", "w") as tar:
                for item in own[start:start + SAMPLES_A_SHARD]:
                    key = item.name.replace(".", "_")
                    fields = {"speaker": item.speaker, "image_id": item.picture, "utterance_id": item.name}
                    for suffix, content in (
                            (Path(item.picture).suffix.lower(), (folder / PICTURES / item.picture).read_bytes()),
                            (".wav", (folder / RECORDINGS / f"{item.name}.wav").read_bytes()),
                            (".txt", item.take.text.encode("utf-8", "replace")),
                            (".json", json.dumps(fields).encode())):
                        member = tarfile.TarInfo(f"{key}{suffix}")
                        member.size = len(content)
                        tar.addfile(member, io.BytesIO(content))
    _drop_files(folder)


def write_lhotse(folder: Path, items: Sequence[Item]) -> None:
    """Recordings and supervisions of each split; paths are relative to the export's folder."""
    for split, own in _splits(items):
        lengths = [soundfile.info(str(folder / RECORDINGS / f"{item.name}.wav")).frames for item in own]
        _write_lines(folder / f"recordings_{split}.jsonl.gz", (
            {"id": item.name, "sources": [{"type": "file", "channels": [0],
                                           "source": f"{RECORDINGS}/{item.name}.wav"}],
             "sampling_rate": SAMPLE_RATE, "num_samples": frames, "duration": frames / SAMPLE_RATE, "channel_ids": [0]}
            for item, frames in zip(own, lengths, strict=True)))
        _write_lines(folder / f"supervisions_{split}.jsonl.gz", (
            {"id": item.name, "recording_id": item.name, "start": 0.0, "duration": frames / SAMPLE_RATE, "channel": 0,
             "text": item.take.text, "speaker": item.speaker,
             "custom": {"image": f"{PICTURES}/{item.picture}", "image_id": item.picture}}
            for item, frames in zip(own, lengths, strict=True)))


def write_coco_captions(folder: Path, items: Sequence[Item]) -> None:
    """COCO's captions of each split; annotations name recording, speaker and utterance too."""
    for split, own in _splits(items):
        numbers = {picture: number for number, picture in enumerate(dict.fromkeys(item.picture for item in own), 1)}
        content = {
            "info": {"description": "Spoken captions"}, "licenses": [],
            "images": [{"id": number, "file_name": picture} for picture, number in numbers.items()],
            "annotations": [{"id": number, "image_id": numbers[item.picture], "caption": item.take.text,
                             "recording": f"{RECORDINGS}/{item.name}.wav", "speaker": item.speaker,
                             "utterance_id": item.name} for number, item in enumerate(own, 1)]}
        (folder / f"captions_{split}.json").write_text(_json(content), encoding="utf-8")


def _splits(items: Sequence[Item]) -> Iterator[tuple[str, list[Item]]]:
    for split in HF_SPLITS:
        if own := [item for item in items if item.split == split]:
            yield split, own


def _drop_files(folder: Path) -> None:
    for below in (PICTURES, RECORDINGS):
        shutil.rmtree(folder / below)


def _picture(folder: Path, item: Item) -> dict[str, Any]:
    return {"bytes": (folder / PICTURES / item.picture).read_bytes(), "path": item.picture}


def _recording(folder: Path, item: Item) -> dict[str, Any]:
    return {"bytes": (folder / RECORDINGS / f"{item.name}.wav").read_bytes(), "path": f"{item.name}.wav"}


def _write_parquet(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows of one shape, a few at a time, with the types that Hugging Face's library reads from the schema."""
    parquet = arrow()
    import pyarrow

    path.parent.mkdir(exist_ok=True)
    kinds = {"image": pyarrow.struct({"bytes": pyarrow.binary(), "path": pyarrow.string()}), "score": pyarrow.int64()}
    kinds["audio"] = kinds["image"]
    remaining = iter(rows)
    first = next(remaining)
    features = {name: FEATURES.get(name, TEXT) for name in first}
    schema = pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in first],
                            {"huggingface": json.dumps({"info": {"features": features}})})
    with parquet.ParquetWriter(path, schema) as writer:
        batch = [_unicode(first)]
        for row in remaining:
            if len(batch) == ROWS_AT_ONCE:
                writer.write_table(pyarrow.Table.from_pylist(batch, schema))
                batch = []
            batch.append(_unicode(row))
        writer.write_table(pyarrow.Table.from_pylist(batch, schema))


def _unicode(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with lone surrogates replaced: Arrow's texts are UTF-8."""
    return {name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
            for name, value in row.items()}


def _write_lines(path: Path, entries: Iterable[Mapping[str, Any]]) -> None:
    content = "".join(f"{_json(entry)}\n" for entry in entries).encode("utf-8", "replace")
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()
