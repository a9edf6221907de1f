"""A dataset while it is being read: loaders say what the lists hold, the draft finds files and keeps ids unique."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

from core.datasets.problems import Problems
from core.datasets.records import SPLIT_ORDER, Dataset, ImageEntry, Utterance
from core.datasets.tree import LeavesFolder, LinkLeavesFolder, Tree
from core.errors import DatasetError
from core.images import IMAGE_SUFFIXES
from core.localisation import _

RECORDING_SUFFIXES = frozenset((".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".aac", ".aiff", ".aif", ".webm",
                                ".mp4", ".wma", ".amr"))


class Draft:
    """Collects the records of one dataset. `pictures` and `recordings` are the folders that names are relative to."""

    def __init__(self, tree: Tree, pictures: Sequence[str] = ("",), recordings: Sequence[str] = ("",)) -> None:
        self.tree = tree
        self.problems = Problems()
        self.notes: list[str] = []
        self._pictures = pictures
        self._recordings = recordings
        self._images: dict[str, ImageEntry] = {}
        self._names: dict[str, str] = {}
        self._utterances: dict[str, Utterance] = {}
        self._unspoken: dict[str, Utterance] = {}

    def image(self, image_id: str, names: Sequence[str], split: str, path: Path | None = None) -> None:
        """A picture, with the names that its file may have (the first is the one the list says).

        `path` is the file where it is known: one that was unpacked.
        """
        image = self._images.get(image_id)
        if image is None:
            path = path or self._locate("missing_picture", names, self._pictures)
            self._images[image_id] = ImageEntry(image_id, path, split)
            self._names[image_id] = names[0]
            if Path(names[0].replace("\\", "/")).suffix.lower() not in IMAGE_SUFFIXES:
                self.problems.add("odd_id", image_id)
            return
        if self._names[image_id] != names[0]:
            self.problems.add("duplicate_id", f"picture {image_id}: {self._names[image_id]} and {names[0]}")
        if image.split != split:
            self._images[image_id] = replace(image, split=self._one_split(image_id, image.split, split))

    def utterance(self, record: Utterance, name: str, path: Path | None = None) -> None:
        """A caption with the recording that the list names; its split becomes that of its picture, if it has one.

        `path` is the recording where it is known: one that was unpacked.
        """
        if record.utterance_id in self._utterances:
            self.problems.add("duplicate_id", f"utterance {record.utterance_id}")
            return
        path = path or self._locate("missing_recording", (name,), self._recordings)
        self._utterances[record.utterance_id] = replace(record, recording=path)

    def unspoken(self, record: Utterance) -> None:
        """A caption that no recording is named for."""
        if record.utterance_id in self._unspoken:
            self.problems.add("duplicate_id", f"caption {record.utterance_id}")
            return
        self.problems.add("no_recording", record.utterance_id)
        self._unspoken[record.utterance_id] = record

    def caption(self, text: str | None, where: str) -> str:
        """A caption without blanks around it, and noted when it has no words (None: there is no caption at all)."""
        if text is None:
            self.problems.add("no_caption", where)
            return ""
        words = text.encode("utf-8", "replace").decode("utf-8").strip()
        if not words:
            self.problems.add("empty_caption", where)
        return words

    def unlisted(self, key: str, folder: str, suffixes: frozenset[str]) -> None:
        """Note the files below a folder that no record uses."""
        if not folder:
            return
        used = {str(image.path) for image in self._images.values()}
        used |= {str(utterance.recording) for utterance in self._utterances.values()}
        root = str(self.tree.root)
        for name in self.tree.walk(folder, suffixes):
            if os.path.join(root, *name.split("/")) not in used and self._is_own(name):  # noqa: PTH118 (speed)
                self.problems.add(key, name)

    def stand_ins(self) -> int:
        """Number of pictures found under another name than in the list."""
        return sum(image.path is not None
                   and image.path.name.casefold() != Path(self._names[image.image_id]).name.casefold()
                   for image in self._images.values())

    def finish(self, kind: str, relevance: Mapping[str, str] = MappingProxyType({})) -> Dataset:
        """The dataset; DatasetError ("nothing_read") when nothing could be read."""
        for image in self._images.values():
            if not image.split:
                self.problems.add("no_split", image.image_id)
        for link in self.tree.refused:
            self.problems.add("links_out", link)
        problems = self.problems.found()
        if not self._utterances and not self._unspoken:
            why = "; ".join(f"{problem.what}: {problem.examples[0]}" for problem in problems[:3])
            raise DatasetError(_("No caption or recording could be read in {name}{value}.").format(
                name=self.tree.root.name, value=f' ({why})' if why else ""), "nothing_read")
        utterances, unspoken = (tuple(self._with_split(record) for record in records.values())
                                for records in (self._utterances, self._unspoken))
        return Dataset(kind, self.tree.root, tuple(self._images.values()), utterances, unspoken, tuple(self.notes),
                       problems, self.tree.follow_links, relevance)

    def _locate(self, key: str, names: Sequence[str], folders: Sequence[str]) -> Path | None:
        """The file of the first name that is there; None, and the reason noted, when there is none."""
        try:
            for name in names:
                if path := self.tree.find(name, folders):
                    return path
            for name in names:
                if path := self.tree.find_alike(name, folders):
                    self._note_place(name, path)
                    return path
            self.problems.add(key, names[0])
        except LinkLeavesFolder:
            self.problems.add("links_out", names[0])
        except LeavesFolder:
            self.problems.add("leaves", names[0])
        return None

    def _note_place(self, name: str, path: Path) -> None:
        """Note that a file lies elsewhere than the list says: one folder deeper, or spelled otherwise."""
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
        below = path.relative_to(self.tree.root).parts
        doubled = any(upper.casefold() == lower.casefold() for upper, lower in pairwise(below[:-1]))
        listed = any(upper.casefold() == lower.casefold() for upper, lower in pairwise(parts[:-1]))
        self.problems.add("doubled_folder" if doubled and not listed else "other_spelling",
                          f"{name}: {path.relative_to(self.tree.root).as_posix()}")

    def _is_own(self, name: str) -> bool:
        """Whether a file is the folder's own: a link that leads out was noted where a list names it."""
        try:
            return self.tree.find(name) is not None
        except LeavesFolder:
            return False

    def _one_split(self, image_id: str, known: str, other: str) -> str:
        if not known or not other:
            return known or other
        self.problems.add("two_splits", f"{image_id}: {known} and {other}")
        return min(known, other, key=lambda split: (SPLIT_ORDER.index(split) if split in SPLIT_ORDER else -1))

    def _with_split(self, record: Utterance) -> Utterance:
        image = self._images.get(record.image_id)
        return record if image is None or image.split == record.split else replace(record, split=image.split)
