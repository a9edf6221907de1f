"""Training pairs: readable images with their utterances under each condition, and the batch of any step.

A step's batch depends on the seed and the step alone: a run resumes after a stop as if there had been none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.datasets.problems import pair_losses
from core.datasets.records import Dataset
from core.errors import TrainingError
from core.features.image_cache import ImageFeatureCache
from core.features.noise import CLEAN, Condition
from core.features.prepared_split import Split
from core.localisation import _
from core.progress import Report, silent
from core.training.distributed import shares

if TYPE_CHECKING:
    import torch

    from core.models.brewclip import BrewCLIP, SpokenBatch

DEV_NAMES = ("dev", "val")
HELD_OUT = "held out"  # the dev split of a dataset that has none
SHARE, MOST = 10, 1000  # one picture in so many is held out, and so many at most


def with_dev(dataset: Dataset, train: str, dev: str, seed: int, limit: int = 0) -> tuple[Dataset, str]:
    """The dataset and the name of its development split: `dev` if given, else "dev" or "val".

    Where there is neither, or `dev` is HELD_OUT, every tenth picture of the training split is held out, with its
    utterances; never "test".
    Of the development split at most `limit` pictures stay, with their utterances: always the same ones; 0: all.
    TrainingError ("no_split") when a split that was asked for is not there.
    """
    named = "" if dev == HELD_OUT else dev
    for name in (train, named):
        if name and name not in dataset.splits:
            raise TrainingError(_("{name} has no split {name_2!r}; it has {splits}.").format(name=dataset.folder.name,
                                                                                             name_2=name,
                                                                                             splits=", ".join(
                                                                                                 dataset.splits)),
                                "no_split")
    if dev == train:
        raise TrainingError(_("The model cannot be chosen on {dev}, which it learns from.").format(dev=dev), "no_split")
    found = named or next((name for name in DEV_NAMES if name in dataset.splits and name != train), "")
    if found and dev != HELD_OUT:
        return _limited(dataset, found, limit), found
    ids = sorted(image.image_id for image in dataset.images if image.split == train)
    order = np.random.default_rng(seed).permutation(len(ids))
    held = {ids[place] for place in order[:min(MOST, max(1, len(ids) // SHARE))]}
    divided = replace(
        dataset,
        images=tuple(replace(item, split=HELD_OUT) if item.image_id in held else item for item in dataset.images),
        utterances=tuple(replace(item, split=HELD_OUT) if item.image_id in held and item.split == train else item
                         for item in dataset.utterances))
    return _limited(divided, HELD_OUT, limit), HELD_OUT


def _limited(dataset: Dataset, split: str, limit: int) -> Dataset:
    """The dataset with at most `limit` pictures of a split; 0: all."""
    ids = sorted(image.image_id for image in dataset.images if image.split == split)
    if not 0 < limit < len(ids):
        return dataset
    gone = {ids[place] for place in np.random.default_rng(0).permutation(len(ids))[limit:]}
    return replace(dataset, images=tuple(image for image in dataset.images if image.image_id not in gone),
                   utterances=tuple(record for record in dataset.utterances if record.image_id not in gone))


def conditions(noise: str) -> tuple[Condition, ...]:
    """Clean, then those that the option `noise` lists. DatasetError ("condition")."""
    return (CLEAN, *(Condition.of(part) for part in noise.split(",") if part.strip()))


def check_enough(pairs: int, batch: int, broken: int = 0, dataset: Dataset | None = None) -> None:
    """TrainingError ("too_few") where the pairs do not fill one batch; `broken` files are given as a reason.

    ("links", "nothing_usable") where there is no pair at all, which is the `dataset`'s fault and not the batch's: it
    says why.
    """
    if not pairs and dataset is not None:
        why, kind = pair_losses(dataset.problems)
        raise TrainingError(_("No picture with its recording could be found to learn from{why}").format(why=why), kind)
    if pairs < batch:
        why = f" ({broken} pictures or recordings are missing or cannot be read)" if broken else ""
        raise TrainingError(_("There are {pairs} pairs to learn from{why}, which is less than a batch of {batch}. "
                              "Choose a smaller batch or more data.").format(pairs=pairs, why=why, batch=batch),
                            "too_few")


@dataclass(frozen=True, eq=False)
class PairBatch:
    """n pairs, as input of `BrewCLIP.forward` and `loss`.

    `pictures` (n, ...): kept features (`ImageFeatureCache.stems`), or embeddings where these never change.
    """

    pictures: NDArray[Any]
    speech: "SpokenBatch"
    image_ids: "torch.Tensor"  # (n,) int64: places of the pictures, or their classes where any of a class is right
    rows: "torch.Tensor"  # (n,) int64: rows of the utterances in the split

    def pinned(self) -> "PairBatch":
        """The same batch in pinned memory, from which a GPU copies while it computes."""
        import torch

        return PairBatch(torch.from_numpy(self.pictures).pin_memory().numpy(), self.speech.pinned(),
                         self.image_ids.pin_memory(), self.rows.pin_memory())


class PairDataset:
    """Training pairs over one or more conditions of the same split. TrainingError ("too_few")."""

    def __init__(self, splits: Sequence[Split], images: ImageFeatureCache, model: "BrewCLIP", batch: int, seed: int,
                 drop_unheard: bool) -> None:
        self._splits, self._images, self._model = tuple(splits), images, model
        self._batch, self._seed = batch, seed
        self._order = -1, np.empty(0, np.int64)  # an epoch, and its order of pairs
        self._classed = len(set(splits[0].relevance.tolist())) < len(splits[0].relevance)
        self._seen: NDArray[np.float32] | None = None  # F_V (images, dim) where it stays as it is
        self._read: tuple[torch.Tensor, ...] = ()  # F_T (utterances, dim) of each split, likewise
        text_only = not model.variant.acoustic
        self._pairs = [(part, row) for part, split in enumerate(splits) for row in range(len(split.utterances))
                       if usable(split, row, drop_unheard or text_only)]
        self.unheard = sum(not utterance.reason and not utterance.transcript.text for utterance in splits[0].spoken)
        check_enough(len(self._pairs), batch, len(splits[0].unreadable))

    def __len__(self) -> int:
        return len(self._pairs)

    @property
    def steps_per_epoch(self) -> int:
        """Full batches of an epoch."""
        return len(self._pairs) // self._batch

    def settle(self, report: Report = silent) -> None:
        """Compute the embeddings of images and texts once where they never change (without prompts).

        In batches of their own, so that a resumed run has the same bits.
        """
        if self._model.prompts.numel():
            return
        from core.features import encode

        self._seen = encode.encode_pictures(self._model, self._images, self._splits[0], report)
        if self._model.variant.text or self._model.options.learn_words:
            read = self._splits if self._model.variant.text else self._splits[:1]
            texts = [[utterance.transcript.text for utterance in split.spoken] for split in read]
            self._read = tuple(encode.encode_texts(self._model, words, report).cpu() for words in texts)

    def chosen(self, step: int) -> list[tuple[int, int]]:
        """The pairs (condition, utterance) of a step, over all processes."""
        epoch, place = divmod(step, self.steps_per_epoch)
        known, order = self._order
        if known != epoch:
            order = np.random.default_rng((self._seed, epoch)).permutation(len(self._pairs))
            self._order = epoch, order
        return [self._pairs[number] for number in order[place * self._batch:(place + 1) * self._batch]]

    def batches(self, step: int, rank: int = 0, processes: int = 1, micro: int = 0) -> tuple[PairBatch, ...]:
        """This rank's share of the step's batch, in micro-batches of at most `micro` pairs; 0: in one piece."""
        sizes = shares(self._batch, processes)
        first = sum(sizes[:rank])
        chosen, places = self.chosen(step), self._places(step)
        own, shown = chosen[first:first + sizes[rank]], places[first:first + sizes[rank]]
        return tuple(self._batch_of(own[start:start + (micro or len(own))], shown[start:start + (micro or len(own))])
                     for start in range(0, len(own), micro or len(own)))

    def _places(self, step: int) -> list[int]:
        """The picture of each pair of a step: its own, or where pictures have classes one of its class, drawn."""
        split = self._splits[0]
        own = [int(self._splits[part].image_of[row]) for part, row in self.chosen(step)]
        if not self._classed:
            return own
        draw = np.random.default_rng((self._seed, step, len(own)))
        readable = np.array([not picture.reason for picture in split.pictures])
        return [int(draw.choice(np.flatnonzero((split.relevance == split.relevance[place]) & readable)))
                for place in own]

    def _batch_of(self, chosen: Sequence[tuple[int, int]], places: Sequence[int]) -> PairBatch:
        import torch

        utterances = [self._splits[part].spoken[row] for part, row in chosen]
        states = [each.states for each in utterances] if self._model.variant.acoustic else None
        words = utterances if self._model.variant.text else [self._splits[0].spoken[row] for _unused, row in chosen]
        speech = self._model.collate([each.transcript for each in words], states)  # the teacher's speech is clean
        if self._read:
            speech = replace(speech, text=torch.stack([self._read[part % len(self._read)][row]
                                                       for part, row in chosen]))
        pictures = (np.stack([self._splits[0].pictures[place].array for place in places]) if self._seen is None
                    else self._seen[list(places)])
        return PairBatch(pictures, speech, torch.from_numpy(self._splits[0].relevance[list(places)]),
                         torch.tensor([row for _unused, row in chosen]))

    def stems(self, batch: PairBatch, device: "torch.device") -> "torch.Tensor":
        """The batch's pictures as `BrewCLIP.forward` takes them."""
        import torch

        if self._seen is not None:
            return torch.from_numpy(batch.pictures).to(device, non_blocking=True)
        return self._images.stems(self._model, batch.pictures, device)


def usable(split: Split, row: int, needs_words: bool) -> bool:
    """Whether an utterance and its image can be read, and the transcript has words where these are needed."""
    utterance = split.spoken[row]
    return not utterance.reason and not split.pictures[split.image_of[row]].reason and not (
        needs_words and not utterance.transcript.text)
