"""Layouts of an export on disk: one table, each row with its folders and lists.

The names are those that `core.datasets` reads, which are those of the published datasets.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.annotation import outside_layouts
from core.annotation.export_items import Item
from core.annotation.layout_names import LAYOUT_TITLES


@dataclass(frozen=True)
class Layout:
    """A layout: `kind` is that of `core.datasets`; `write_lists` gets the export's folder, and may pack its files."""

    kind: str
    title: str
    pictures: str
    recordings: str
    write_lists: Callable[[Path, Sequence[Item]], None]
    needs_arrow: bool = False


def _write_spokencoco(folder: Path, items: Sequence[Item]) -> None:
    """A list for each split that has something: one entry a picture, with its captions."""
    for split in dict.fromkeys(item.split for item in items):
        pictures: dict[str, dict[str, Any]] = {}
        for item in items:
            if item.split == split:
                entry = pictures.setdefault(item.picture, {"image": item.picture, "captions": []})
                entry["captions"].append({"text": item.take.text, "speaker": item.speaker, "uttid": item.name,
                                          "wav": f"wavs/{item.name}.wav"})
        _write(folder / f"SpokenCOCO_{split}.json", json.dumps({"data": list(pictures.values())}, indent=1,
                                                               ensure_ascii=False))


def _write_flickr8k(folder: Path, items: Sequence[Item]) -> None:
    """The classic text files and those of Flickr Audio Captions; all three lists of splits, an empty one too."""
    texts, sounds = folder / "Flickr8k_text", folder / "flickr_audio"
    texts.mkdir()
    _write(texts / "Flickr8k.token.txt",
           "".join(f"{item.picture}#{item.number}\t{item.take.text}\n" for item in items))
    for name, split in (("train", "train"), ("dev", "val"), ("test", "test")):
        pictures = dict.fromkeys(item.picture for item in items if item.split == split)
        _write(texts / f"Flickr_8k.{name}Images.txt", "".join(f"{picture}\n" for picture in pictures))
    _write(sounds / "wav2capt.txt",
           "".join(f"{item.name}.wav {item.picture} #{item.number}\n" for item in items))
    _write(sounds / "wav2spk.txt", "".join(f"{item.name}.wav {item.speaker}\n" for item in items))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="replace", newline="\n")


def _outside(kind: str, write_lists: Callable[[Path, Sequence[Item]], None], needs_arrow: bool = False) -> Layout:
    return Layout(kind, LAYOUT_TITLES[kind], outside_layouts.PICTURES, outside_layouts.RECORDINGS, write_lists,
                  needs_arrow)


LAYOUTS: tuple[Layout, ...] = (
    Layout("spokencoco", LAYOUT_TITLES["spokencoco"], "images", "wavs", _write_spokencoco),
    Layout("flickr8k", LAYOUT_TITLES["flickr8k"], "Flicker8k_Dataset", "flickr_audio/wavs", _write_flickr8k),
    _outside("hf_folder", outside_layouts.write_hf_folder),
    _outside("hf_parquet", outside_layouts.write_hf_parquet, needs_arrow=True),
    _outside("beir", outside_layouts.write_beir, needs_arrow=True),
    _outside("webdataset", outside_layouts.write_webdataset),
    _outside("lhotse", outside_layouts.write_lhotse),
    _outside("coco_captions", outside_layouts.write_coco_captions),
)
