"""Layouts of an export on disk: one table, each row with its folders and lists.

The names are those that `core.datasets` reads, which are those of the published datasets.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.store.records import ImageRecord, TakeRecord


@dataclass(frozen=True)
class Item:
    """One utterance of an export: `picture` is the file's name there, `number` counts the captions of a picture."""

    take: TakeRecord
    image: ImageRecord
    picture: str
    number: int
    speaker: str
    split: str  # train, val or test

    @property
    def name(self) -> str:
        """The recording's name without its suffix."""
        return f"{Path(self.picture).stem}_{self.number}"


@dataclass(frozen=True)
class Layout:
    """A layout: `kind` is that of `core.datasets`; `write_lists` gets the export's folder."""

    kind: str
    title: str
    pictures: str
    recordings: str
    write_lists: Callable[[Path, Sequence[Item]], None]


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


LAYOUTS: tuple[Layout, ...] = (
    Layout("spokencoco", "SpokenCOCO", "images", "wavs", _write_spokencoco),
    Layout("flickr8k", "Flickr8k", "Flicker8k_Dataset", "flickr_audio/wavs", _write_flickr8k),
)
