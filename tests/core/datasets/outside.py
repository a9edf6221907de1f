"""Three pictures with two spoken captions each, written in the layouts of other programs by their own libraries."""

import gzip
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas
import pyarrow as pa
import soundfile
from PIL import Image as Picture
from pyarrow import parquet

COLOURS = ("red", "green", "blue")


@dataclass(frozen=True)
class Pair:
    """One spoken caption; `split` is Hugging Face's word."""

    picture: str
    image: bytes
    utterance: str
    audio: bytes
    caption: str
    speaker: str
    split: str


def pairs() -> list[Pair]:
    """a.jpg in train, b.jpg in validation, c.jpg in test; every recording is another tone."""
    rows = []
    for place, (colour, split) in enumerate(zip(COLOURS, ("train", "validation", "test"), strict=True)):
        image = io.BytesIO()
        Picture.new("RGB", (12, 10), colour).save(image, format="JPEG")
        for number in range(2):
            audio = io.BytesIO()
            tone = 0.3 * np.sin(2 * np.pi * (220 + 40 * place + 20 * number) * np.arange(8000) / 16000)
            soundfile.write(audio, tone, 16000, format="WAV")
            name = "abc"[place]
            rows.append(Pair(f"{name}.jpg", image.getvalue(), f"{name}_{number}", audio.getvalue(),
                             f"A {colour} picture, take {number}", f"s{number}", split))
    return rows


def files(root: Path, rows: Sequence[Pair], images: str = "images", audio: str = "audio") -> None:
    """Pictures and recordings as files."""
    for row in rows:
        for folder, name, content in ((images, row.picture, row.image), (audio, f"{row.utterance}.wav", row.audio)):
            (root / folder).mkdir(parents=True, exist_ok=True)
            (root / folder / name).write_bytes(content)


def hf_folder(root: Path, rows: Sequence[Pair], form: str) -> Path:
    """An AudioFolder: a list in each split's folder, made by pandas."""
    for split in ("train", "validation", "test"):
        own = [row for row in rows if row.split == split]
        files(root / split, own)
        frame = pandas.DataFrame({"file_name": [f"audio/{row.utterance}.wav" for row in own],
                                  "image": [f"images/{row.picture}" for row in own],
                                  "text": [row.caption for row in own], "speaker": [row.speaker for row in own]})
        if form == "csv":
            frame.to_csv(root / split / "metadata.csv", index=False)
        elif form == "jsonl":
            frame.to_json(root / split / "metadata.jsonl", orient="records", lines=True)
        else:
            frame.to_parquet(root / split / "metadata.parquet")
    return root


def hf_dataset(rows: Sequence[Pair]):
    """The rows as a dataset of Hugging Face's library, with embedded bytes."""
    return typed({"image": [{"path": row.picture, "bytes": row.image} for row in rows],
                  "audio": [{"path": f"{row.utterance}.wav", "bytes": row.audio} for row in rows],
                  "text": [row.caption for row in rows], "speaker": [row.speaker for row in rows]})


def typed(columns: dict):
    """Columns as a dataset of Hugging Face's library: "image" and "audio" are of its types, without torchcodec."""
    import datasets as hf

    kinds = {"image": hf.Image(decode=False), "audio": hf.Audio(decode=False), "score": hf.Value("int64")}
    plain = hf.Dataset.from_dict(columns)
    return plain.cast(hf.Features({name: kinds.get(name, hf.Value("string")) for name in columns}))


def hf_parquet(root: Path, rows: Sequence[Pair]) -> Path:
    """Parquet files as the Hub has them: data/split-00000-of-00001.parquet."""
    (root / "data").mkdir(parents=True)
    for split in ("train", "validation", "test"):
        hf_dataset([row for row in rows if row.split == split]).to_parquet(
            root / "data" / f"{split}-00000-of-00001.parquet")
    return root


def beir(root: Path, rows: Sequence[Pair], reverse: bool = False) -> Path:
    """A retrieval task as MTEB's own upload makes it, for the split test; a picture without a recording is in it."""
    pictures = {row.picture: row.image for row in rows}
    images = typed({"id": list(pictures), "image": [{"path": None, "bytes": image} for image in pictures.values()]})
    spoken = rows[:-2]
    sounds = typed({"id": [row.utterance for row in spoken], "text": [row.caption for row in spoken],
                    "audio": [{"path": None, "bytes": row.audio} for row in spoken]})
    ends = [(row.picture, row.utterance) if reverse else (row.utterance, row.picture) for row in spoken]
    qrels = typed({"query-id": [query for query, _ in ends], "corpus-id": [found for _, found in ends],
                   "score": [1] * len(ends)})
    roles = {"corpus": sounds if reverse else images, "queries": images if reverse else sounds, "qrels": qrels}
    for role, content in roles.items():
        (root / role).mkdir(parents=True)
        content.to_parquet(root / role / "test-00000-of-00001.parquet")
    return root


def webdataset(root: Path, rows: Sequence[Pair]) -> Path:
    """Shards by webdataset's ShardWriter."""
    import webdataset

    root.mkdir(parents=True, exist_ok=True)
    for split in ("train", "validation", "test"):
        with webdataset.ShardWriter(str(root / f"{split}-%06d.tar"), verbose=0) as sink:
            for row in rows:
                if row.split == split:
                    sink.write({"__key__": row.utterance, "jpg": row.image, "wav": row.audio, "txt": row.caption,
                                "json": {"speaker": row.speaker}})
    return root


def lhotse(root: Path, rows: Sequence[Pair], absolute: bool = False, cuts: bool = False) -> Path:
    """Manifests by Lhotse, with the pictures as a custom field."""
    from lhotse import CutSet, Recording, RecordingSet, SupervisionSegment, SupervisionSet

    files(root, rows)
    for split in ("train", "validation", "test"):
        own = [row for row in rows if row.split == split]
        recordings = [Recording.from_file(root / "audio" / f"{row.utterance}.wav", recording_id=row.utterance)
                      for row in own]
        if not absolute:
            recordings = [recording.with_path_prefix("audio") for recording in recordings]
            for recording in recordings:
                recording.sources[0].source = f"audio/{Path(recording.sources[0].source).name}"
        supervisions = [SupervisionSegment(row.utterance, row.utterance, 0.0, recording.duration, text=row.caption,
                                           speaker=row.speaker, custom={"image": f"images/{row.picture}"})
                        for row, recording in zip(own, recordings, strict=True)]
        sets = RecordingSet.from_recordings(recordings), SupervisionSet.from_segments(supervisions)
        if cuts:
            CutSet.from_manifests(*sets).to_file(root / f"cuts_{split}.jsonl.gz")
        else:
            sets[0].to_file(root / f"recordings_{split}.jsonl.gz")
            sets[1].to_file(root / f"supervisions_{split}.jsonl.gz")
    return root


def coco(root: Path, rows: Sequence[Pair]) -> Path:
    """COCO's captions; their JSON is what pycocotools reads (it writes none)."""
    (root / "annotations").mkdir(parents=True)
    for split, name in (("train", "train2017"), ("validation", "val2017")):
        own = [row for row in rows if row.split == split]
        ids = {picture: number for number, picture in enumerate(dict.fromkeys(row.picture for row in own), 1)}
        for row in own:
            (root / name).mkdir(exist_ok=True)
            (root / name / row.picture).write_bytes(row.image)
        content = {"info": {}, "licenses": [],
                   "images": [{"id": number, "file_name": picture} for picture, number in ids.items()],
                   "annotations": [{"id": f"{split}{number}", "image_id": ids[row.picture], "caption": row.caption}
                                   for number, row in enumerate(own)]}
        (root / "annotations" / f"captions_{name}.json").write_text(json.dumps(content))
    return root


def rewrite(path: Path, change) -> None:
    """Change the objects of a gzipped manifest."""
    with gzip.open(path, "rt") as file:
        objects = [json.loads(line) for line in file]
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps(entry) + "\n" for entry in map(change, objects) if entry is not None)


def table(path: Path, **columns) -> Path:
    """A Parquet file of these columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table(columns), path)
    return path
