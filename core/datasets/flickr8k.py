"""Flickr8k (Hodosh et al. 2013) with Flickr Audio Captions (Harwath and Glass 2015).

Three layouts go round: the classic text files, Kaggle's `captions.txt`, Karpathy's `dataset_flickr8k.json`. The
recordings lie beside them in `flickr_audio/`. A picture's id is its file name, as the lists write it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.datasets.draft import RECORDING_SUFFIXES, Draft
from core.datasets.lists import document, header, lines, malformed, table
from core.datasets.records import WHOLE, Dataset, Utterance
from core.datasets.tree import Tree
from core.images import IMAGE_SUFFIXES
from core.progress import Progress, Report, WorkStep, silent

KIND = "flickr8k"
TEXT_FOLDERS = ("Flickr8k_text", "Flickr_TextData", "")
PICTURE_FOLDERS = ("Flicker8k_Dataset", "Flickr8k_Dataset", "Images", "images", "Flickr8k_Dataset/Flicker8k_Dataset")
AUDIO_FOLDERS = ("flickr_audio", "")
TOKENS = "Flickr8k.token.txt"
KAGGLE = "captions.txt"
KARPATHY = "dataset_flickr8k.json"
SPLIT_LISTS = {"train": "Flickr_8k.trainImages.txt", "dev": "Flickr_8k.devImages.txt",
               "test": "Flickr_8k.testImages.txt"}

TOKEN_LINE = re.compile(r"(?P<image>\S+)#(?P<number>\d{1,6})(?:\t(?P<caption>.*))?\s*")
PAIR_LINE = re.compile(r"(?P<wav>\S+)\s+(?P<image>\S+)\s+#?(?P<number>\d{1,6})\s*")
SPEAKER_LINE = re.compile(r"(?P<wav>\S+)\s+(?P<speaker>\S+)\s*")


@dataclass
class _Lists:
    """Content of the text files: captions by picture and number, and each picture's splits in file order."""

    captions: dict[tuple[str, int], str] = field(default_factory=dict)
    splits: list[tuple[str, str]] = field(default_factory=list)


def signs(tree: Tree) -> tuple[str, ...]:
    """Evidence that a folder is Flickr8k, in sentences; () without any."""
    names = [name for name, folders in ((TOKENS, TEXT_FOLDERS), (KARPATHY, TEXT_FOLDERS)) if tree.find(name, folders)]
    sentences = [f"{name} is a list of Flickr8k." for name in names]
    if _kaggle_list(tree):
        sentences.append(f"{KAGGLE} pairs pictures and captions as Kaggle's Flickr8k does.")
    return tuple(sentences)


def load(tree: Tree, report: Report = silent) -> Dataset:
    """Flickr8k in whichever layout is there; the classic one first, then Karpathy's, then Kaggle's."""
    audio = next((folder for folder in AUDIO_FOLDERS if tree.find("wav2capt.txt", (folder,))), "flickr_audio")
    draft = Draft(tree, (*PICTURE_FOLDERS, ""), (f"{audio}/wavs", audio))
    lists = _read_lists(draft)
    if not lists.splits:
        draft.notes.append(f"No list of splits is there: every picture is in the split {WHOLE}.")
    in_split = {image for image, _ in lists.splits}
    for image, split in lists.splits:
        draft.image(image, (image,), split)
    for image in dict.fromkeys(image for image, _ in lists.captions):
        if image not in in_split:
            draft.image(image, (image,), "" if lists.splits else WHOLE)
    _add_utterances(draft, audio, lists, report)
    draft.unlisted("no_caption", f"{audio}/wavs", RECORDING_SUFFIXES)
    if pictures := tree.folder(PICTURE_FOLDERS):
        draft.unlisted("unlisted_picture", pictures, IMAGE_SUFFIXES)
    return draft.finish(KIND)


def _kaggle_list(tree: Tree) -> Path | None:
    path = tree.find(KAGGLE)
    return path if path and [name.lower() for name in header(path, ",")] == ["image", "caption"] else None


def _read_lists(draft: Draft) -> _Lists:
    tree = draft.tree
    layouts = (("the classic layout", TOKENS, tree.find(TOKENS, TEXT_FOLDERS), _classic),
               ("Karpathy's layout", KARPATHY, tree.find(KARPATHY, TEXT_FOLDERS), _karpathy),
               ("Kaggle's layout", KAGGLE, _kaggle_list(tree), _kaggle))
    present = [(title, name, path, read) for title, name, path, read in layouts if path]
    for title, _, path, read in present[:1]:
        draft.notes.append(f"Read in {title}, from {path.relative_to(tree.root).as_posix()}.")
        draft.notes.extend(f"{other} is there too and is not read." for _, other, _, _ in present[1:])
        return read(draft, path)
    return _Lists()


def _classic(draft: Draft, path: Path) -> _Lists:
    lists = _Lists(splits=_split_lists(draft))
    for line in lines(path, draft.problems):
        if match := TOKEN_LINE.fullmatch(line.text):
            key = match["image"], int(match["number"])
            _keep(draft, lists, key, match["caption"] or "", f"{path.name} line {line.number}")
        else:
            malformed(draft.problems, path.name, line.number, "no picture#number, tab, caption")
    return lists


def _keep(draft: Draft, lists: _Lists, key: tuple[str, int], caption: str, where: str) -> None:
    if key in lists.captions:
        draft.problems.add("duplicate_id", f"{where}: {key[0]}#{key[1]}")
    else:
        lists.captions[key] = draft.caption(caption, f"{key[0]}#{key[1]}")


def _split_lists(draft: Draft) -> list[tuple[str, str]]:
    paths = {split: draft.tree.find(name, TEXT_FOLDERS) for split, name in SPLIT_LISTS.items()}
    if not any(paths.values()):
        return []
    rows: dict[tuple[str, str], None] = {}
    for split, path in paths.items():
        if path is None:
            draft.problems.add("missing_list", SPLIT_LISTS[split])
            continue
        for line in lines(path, draft.problems):
            pair = line.text.strip(), split
            if pair in rows:
                draft.problems.add("duplicate_id", f"{path.name} line {line.number}: {pair[0]}")
            rows[pair] = None
    return list(rows)


def _kaggle(draft: Draft, path: Path) -> _Lists:
    lists = _Lists(splits=_split_lists(draft))
    numbers: dict[str, int] = {}
    for row in table(path, ",", draft.problems):
        image, caption = (value.strip() for value in row.values.values())
        if not image:
            draft.problems.add("malformed", f"{row.where}: no picture")
            continue
        number = numbers.setdefault(image, 0)
        numbers[image] += 1
        lists.captions[image, number] = draft.caption(caption, f"{image}#{number}")
    return lists


def _karpathy(draft: Draft, path: Path) -> _Lists:
    lists = _Lists()
    content = document(path, draft.problems)
    entries = content.get("images") if isinstance(content, dict) else None
    if content is not None and not isinstance(entries, list):
        draft.problems.add("unreadable_list", f"{path.name}: it holds no list of images")
    for number, entry in enumerate(entries if isinstance(entries, list) else (), 1):
        try:
            _karpathy_entry(draft, lists, entry)
        except (KeyError, TypeError, AttributeError):
            draft.problems.add("malformed", f"{path.name} image {number}: no filename, split and sentences[].raw")
    return lists


def _karpathy_entry(draft: Draft, lists: _Lists, entry: dict[str, Any]) -> None:
    image, split = entry["filename"].strip(), entry["split"].strip()
    captions = [sentence["raw"].strip() for sentence in entry["sentences"]]
    lists.splits.append((image, "train" if split == "restval" else split))
    for number, caption in enumerate(captions):
        _keep(draft, lists, (image, number), caption, KARPATHY)


def _pairs(draft: Draft, audio: str) -> Iterator[tuple[str, str, int]]:
    """Recording, picture and caption number, as `wav2capt.txt` has them."""
    path = draft.tree.find("wav2capt.txt", (audio,))
    if path is None:
        draft.problems.add("missing_list", f"{audio}/wav2capt.txt")
        return
    for line in lines(path, draft.problems):
        if match := PAIR_LINE.fullmatch(line.text):
            yield match["wav"], match["image"], int(match["number"])
        else:
            malformed(draft.problems, path.name, line.number, "no recording, picture, #number")


def _speakers(draft: Draft, audio: str) -> dict[str, str]:
    path = draft.tree.find("wav2spk.txt", (audio,))
    speakers: dict[str, str] = {}
    if path is None:
        draft.problems.add("missing_list", f"{audio}/wav2spk.txt")
        return speakers
    for line in lines(path, draft.problems):
        if match := SPEAKER_LINE.fullmatch(line.text):
            speakers[match["wav"]] = match["speaker"]
        else:
            malformed(draft.problems, path.name, line.number, "no recording, speaker")
    return speakers


def _add_utterances(draft: Draft, audio: str, lists: _Lists, report: Report) -> None:
    speakers = _speakers(draft, audio)
    spoken = set()
    listed = {image for image, _ in lists.splits} | {image for image, _ in lists.captions}
    for done, (wav, image, number) in enumerate(_pairs(draft, audio)):
        if done % 500 == 0:
            report(Progress(WorkStep.READING_DATASET, done, len(lists.captions), "Flickr8k"))
        key = image, number
        spoken.add(key)
        if image not in listed:
            draft.image(image, (image,), "" if lists.splits else WHOLE)
            listed.add(image)
        caption = lists.captions[key] if key in lists.captions else draft.caption(None, f"{wav}: {image}#{number}")
        draft.utterance(Utterance(Path(wav).stem, image, speakers.get(wav, ""), caption, None, ""), wav)
    for (image, number), caption in lists.captions.items():
        if (image, number) not in spoken:
            draft.unspoken(Utterance(f"{image}#{number}", image, "", caption, None, ""))
