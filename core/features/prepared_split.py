"""A split of a dataset with the features of its images and utterances, ready to be trained on or evaluated."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.asr.transcript import EncodedUtterance, Transcript
from core.datasets.kinds import kind_of
from core.datasets.problems import pair_losses
from core.datasets.records import Dataset, Utterance
from core.errors import DatasetError
from core.features.image_cache import ImageFeature, ImageFeatureCache
from core.features.noise import CLEAN, Condition
from core.features.speech_cache import SpeechFeatureCache
from core.localisation import _
from core.progress import Report, silent, steps
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.models.vision_language import VisionLanguage

TRANSCRIBING_COSTS = 30  # about what an utterance costs, in images
MISSING = "Its file is missing."
NO_CAPTION = "It has no caption."
NOT_TRANSCRIBED = Transcript("", "", (), 0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Split:
    """The pictures (n) and utterances (m) of one split, in the order of the dataset's lists.

    `image_of` (m,) int64 gives for each utterance its picture's place in `image_ids`; `relevance` (n,) int64 a number
    for the class of each picture (`Dataset.relevance`), its own place where the dataset has no classes. What could not
    be read is in its place all the same, with the reason in `ImageFeature` or `EncodedUtterance`: a miss in evaluation,
    left out in training.
    """

    name: str
    condition: Condition
    image_ids: tuple[str, ...]
    paths: tuple[Path | None, ...]
    pictures: tuple[ImageFeature, ...]
    utterances: tuple[Utterance, ...]
    spoken: tuple[EncodedUtterance, ...]
    image_of: NDArray[np.int64]
    relevance: NDArray[np.int64]

    @property
    def unreadable(self) -> tuple[tuple[str, str], ...]:
        """Ids of pictures and utterances that could not be read, with the reason."""
        images = [(name, image.reason) for name, image in zip(self.image_ids, self.pictures, strict=True)
                  if image.reason]
        utterances = [(record.utterance_id, spoken.reason)
                      for record, spoken in zip(self.utterances, self.spoken, strict=True) if spoken.reason]
        return (*images, *utterances)


@dataclass(frozen=True)
class Cost:
    """Growth of the caches: new recordings, bytes of encoder states and of images."""

    recordings: int
    states: int
    pictures: int

    @property
    def nbytes(self) -> int:
        """Both together."""
        return self.states + self.pictures


def checked_split(dataset: Dataset, split: str) -> Dataset:
    """The part of a dataset that a split names. DatasetError: no_split, no_pairs, links, nothing_usable."""
    if split not in dataset.splits:
        there = ", ".join(dataset.splits)
        raise DatasetError(_("{name} has no split {split!r}{value}.").format(name=dataset.folder.name, split=split,
                                                                             value=_("; it has {there}").format(
                                                                                 there=there) if there
                                                                             else _(" nor any other")), "no_split")
    part = dataset.of(split)
    if not part.images or not part.utterances:
        raise DatasetError(_("The split {split} of {name} has {images} pictures and {utterances} utterances: there is "
                             "nothing to pair.").format(split=split, name=dataset.folder.name, images=len(part.images),
                                                        utterances=len(part.utterances)), "no_pairs")
    if not (any(image.path for image in part.images) and any(record.recording for record in part.utterances)):
        why, kind = pair_losses(dataset.problems)
        raise DatasetError(_("No picture of the split {split} of {name} has a recording that can be used{why}").format(
            split=split, name=dataset.folder.name, why=why), kind)
    return part


class FeaturePreparer:
    """Prepares splits of a dataset for a backbone and a crop policy.

    `states`: whether encoder states are wanted. `captions`: the captions are the texts in place of the transcripts;
    without states no recording is read then. `layers`: of the encoder that the states have (`TranscriptionOptions`).
    """

    def __init__(self, workspace: Workspace, backbone: "VisionLanguage", crop: str, states: bool = True,
                 captions: bool = False, layers: int = 0) -> None:
        self._layers = layers if states else 0
        self._workspace, self.images = workspace, ImageFeatureCache(workspace, backbone, crop)
        self._states, self._captions, self._width = states, captions, workspace.recogniser().width

    def cost(self, dataset: Dataset, splits: tuple[str, ...], condition: Condition = CLEAN) -> Cost:
        """Disk space that `prepare` of these splits would add; known files are not read again."""
        parts = [dataset.of(split) for split in splits]
        recordings = [record.recording for part in parts for record in part.utterances
                      if record.recording and self._reads_recordings]
        size = self._speech(dataset).size(recordings, self._width, condition, self._states)
        paths = [image.path for part in parts for image in part.images if image.path]
        return Cost(size.new, size.nbytes, self.images.nbytes(paths))

    def prepare(self, dataset: Dataset, split: str, condition: Condition = CLEAN, report: Report = silent) -> Split:
        """The split with the features of its utterances and images.

        DatasetError: no_split, no_pairs; StoreError ("full"); WeightsError, ModelError.
        """
        part = checked_split(dataset, split)
        rows = {image.image_id: row for row, image in enumerate(part.images)}
        utterances = tuple(record for record in part.utterances if record.image_id in rows)
        transcribing, reading = steps(report, len(utterances) * TRANSCRIBING_COSTS, len(part.images))
        paths = tuple(image.path for image in part.images)
        features = iter(self.images.load([path for path in paths if path], reading))
        return Split(split, condition, tuple(rows), paths,
                     tuple(next(features) if path else ImageFeature.unreadable(MISSING) for path in paths), utterances,
                     self._encoded(dataset, utterances, condition, transcribing),
                     np.array([rows[record.image_id] for record in utterances], np.int64), _classes(dataset, rows))

    @property
    def _reads_recordings(self) -> bool:
        return self._states or not self._captions

    def _encoded(self, dataset: Dataset, utterances: tuple[Utterance, ...], condition: Condition, report: Report
                 ) -> tuple[EncodedUtterance, ...]:
        """The utterances as the model reads them."""
        if not self._reads_recordings:
            return tuple(_captioned(EncodedUtterance(NOT_TRANSCRIBED), record) for record in utterances)
        recordings = [record.recording for record in utterances if record.recording]
        loaded = iter(self._speech(dataset).load(recordings, self._states, condition, report))
        encoded = [next(loaded) if record.recording else EncodedUtterance.unreadable(MISSING) for record in utterances]
        return tuple(map(_captioned, encoded, utterances) if self._captions else encoded)

    def _speech(self, dataset: Dataset) -> SpeechFeatureCache:
        return SpeechFeatureCache(self._workspace, kind_of(dataset.kind).language, self._layers)


def _classes(dataset: Dataset, rows: Mapping[str, int]) -> NDArray[np.int64]:
    """Numbers (n,) of the pictures' classes; without classes each picture is one of its own."""
    if not dataset.relevance:
        return np.arange(len(rows))
    names = sorted(set(dataset.relevance.values()))
    return np.array([names.index(dataset.relevance[image_id]) for image_id in rows], np.int64)


def _captioned(encoded: EncodedUtterance, record: Utterance) -> EncodedUtterance:
    """The utterance with its caption in place of the transcript's text."""
    if not record.caption:
        return replace(encoded, reason=encoded.reason or NO_CAPTION)
    return replace(encoded, transcript=replace(encoded.transcript, text=record.caption, reason=""))
