"""A split of a dataset, ready to be trained on or evaluated: all seen, all heard, nothing dropped."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.datasets.kinds import kind_of
from core.datasets.records import Dataset, Utterance
from core.errors import DatasetError
from core.explorer import Explorer
from core.features.image_cache import ImageFeature, ImageFeatureCache
from core.features.noise import CLEAN, Condition
from core.features.speech_cache import EMPTY, CachedUtterance, SpeechFeatureCache
from core.progress import Report, silent, steps

if TYPE_CHECKING:
    from core.models.vision_language import VisionLanguage

HEARING_COSTS = 30  # times what looking at a picture does, about
MISSING = "Its file is missing."


@dataclass(frozen=True, eq=False)
class Split:
    """The pictures (n) and utterances (m) of one split, in the order of the dataset's lists.

    `image_of` (m,) int64 gives for each utterance its picture's place in `image_ids`. What could not be read is in its
    place all the same, with the reason in `ImageFeature` or `CachedUtterance`: a miss in evaluation, left out in
    training.
    """

    name: str
    condition: Condition
    image_ids: tuple[str, ...]
    paths: tuple[Path | None, ...]
    pictures: tuple[ImageFeature, ...]
    utterances: tuple[Utterance, ...]
    spoken: tuple[CachedUtterance, ...]
    image_of: NDArray[np.int64]

    @property
    def unreadable(self) -> tuple[tuple[str, str], ...]:
        """Ids of pictures and utterances that could not be read, with the reason."""
        seen = [(name, one.reason) for name, one in zip(self.image_ids, self.pictures, strict=True) if one.reason]
        heard = [(utterance.utterance_id, one.reason)
                 for utterance, one in zip(self.utterances, self.spoken, strict=True) if one.reason]
        return (*seen, *heard)


@dataclass(frozen=True)
class Cost:
    """What preparing splits adds to the disk: new recordings, and bytes of encoder states and of pictures."""

    recordings: int
    states: int
    pictures: int

    @property
    def nbytes(self) -> int:
        """Both together."""
        return self.states + self.pictures


class FeaturePreparer:
    """Prepares splits of a dataset for a backbone and a crop policy. `states`: whether encoder states are wanted."""

    def __init__(self, explorer: Explorer, backbone: "VisionLanguage", crop: str, states: bool = True) -> None:
        self._explorer, self.seeing = explorer, ImageFeatureCache(explorer, backbone, crop)
        self._states, self._width = states, explorer.recogniser().width

    def cost(self, dataset: Dataset, splits: tuple[str, ...], condition: Condition = CLEAN) -> Cost:
        """What `prepare` of these splits would add; known files are not read again."""
        parts = [dataset.of(split) for split in splits]
        recordings = [one.recording for part in parts for one in part.utterances if one.recording]
        size = self._hearing(dataset).size(recordings, self._width, condition, self._states)
        pictures = [one.path for part in parts for one in part.images if one.path]
        return Cost(size.new, size.nbytes, self.seeing.nbytes(pictures))

    def prepare(self, dataset: Dataset, split: str, condition: Condition = CLEAN, report: Report = silent) -> Split:
        """The split, heard and seen.

        DatasetError: no_split, no_pairs; StoreError ("full"); WeightsError, ModelError.
        """
        part = dataset.of(split)
        if split not in dataset.splits:
            raise DatasetError(f"{dataset.folder.name} has no split {split!r}; it has {', '.join(dataset.splits)}.",
                               "no_split")
        if not part.images or not part.utterances:
            raise DatasetError(f"The split {split} of {dataset.folder.name} has {len(part.images)} pictures and "
                               f"{len(part.utterances)} utterances: there is nothing to pair.", "no_pairs")
        places = {image.image_id: number for number, image in enumerate(part.images)}
        utterances = tuple(each for each in part.utterances if each.image_id in places)
        hearing, seeing = steps(report, len(utterances) * HEARING_COSTS, len(part.images))
        spoken = self._heard(self._hearing(dataset), utterances, condition, hearing)
        paths = tuple(image.path for image in part.images)
        seen = iter(self.seeing.see([path for path in paths if path], seeing))
        pictures = tuple(next(seen) if path else ImageFeature(np.empty(0), MISSING) for path in paths)
        return Split(split, condition, tuple(places), paths, pictures, utterances, spoken,
                     np.array([places[each.image_id] for each in utterances], np.int64))

    def _hearing(self, dataset: Dataset) -> SpeechFeatureCache:
        return SpeechFeatureCache(self._explorer, kind_of(dataset.kind).language)

    def _heard(self, hearing: SpeechFeatureCache, utterances: tuple[Utterance, ...], condition: Condition,
               report: Report
               ) -> tuple[CachedUtterance, ...]:
        recordings = [each.recording for each in utterances if each.recording]
        heard = iter(hearing.hear(recordings, self._states, condition, report))
        return tuple(next(heard) if each.recording else CachedUtterance(EMPTY, reason=MISSING) for each in utterances)
