"""Faithfulness of relevance maps: the score while relevant parts are deleted, or inserted alone.

Petsiuk et al. 2018 (RISE). Deletion: the most relevant parts go first; a faithful map makes the score fall early, so a
small area under the curve is good. Insertion: they come first; a large area is good. Parts are patches of the picture
(deleted: the backbone's mean colour; inserted into: the picture blurred), words (their tokens removed) and frames of
the voice (left out of the acoustic branch, which knows no order). What is not touched stays as it was, the recogniser's
signals too. Whisper's states know of their neighbours, so a frame left out takes less away than silence in the
recording would.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor
from torch.nn import functional

from core.explain.methods import Floats, Method
from core.explain.observation import Observation, Target, Tower
from core.models.brewclip import BrewCLIP
from core.progress import Progress, Report, WorkStep, silent

if TYPE_CHECKING:
    from core.explain.maps import Maps

STEPS = 10  # of a curve
DRAWS = 3  # random orders, averaged, that a map is compared with
AT_ONCE = 16  # pictures in one pass
FRAMES_AT_ONCE = 20_000  # frames in one pass: 40 MB of states
BLUR = 1 / 16  # of the square's side, the standard deviation
Order = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """Areas under the two curves and the curves, scores (k,) at `fractions` (k,) of the parts, from 0 to 1."""

    deletion: float
    insertion: float
    fractions: Floats
    deleted: Floats
    inserted: Floats


@dataclass(frozen=True, eq=False)
class _Part:
    """An input that can be taken apart: how many parts, and scores after deleting or inserting the first of them."""

    count: int
    deleted: Callable[[Order, Sequence[int]], Tensor]
    inserted: Callable[[Order, Sequence[int]], Tensor]
    without: Callable[[Sequence[Order]], Tensor]  # scores without each of some groups of parts


class Judge:
    """Judges maps of one observation and target. `pixels` and the model are those of the observation."""

    def __init__(self, model: BrewCLIP, pixels: np.ndarray, observation: Observation, target: Target) -> None:
        self._model, self._pixels, self._observation, self._target = model, pixels, observation, target
        self._device = model.log_scale.device
        self._image = self._tensor(observation.image)
        self._text, self._acoustic = (None if vector is None else self._tensor(vector) for vector in
                                      (observation.branches.text, observation.branches.acoustic))
        utterance = observation.utterance
        self._batch = model.collate([utterance.transcript], [utterance.states]) if self._acoustic is not None else None
        self._parts = {name: make() for name, make in self._makers().items()}

    @property
    def towers(self) -> tuple[Tower, ...]:
        """The inputs whose maps can be judged: those with at least one part."""
        return tuple(name for name, part in self._parts.items() if part.count)

    def judge(self, tower: Tower, relevance: Floats, steps: int = STEPS) -> Faithfulness:
        """The faithfulness of relevance (parts,): patches row by row, words that were read, or frames."""
        part = self._parts[tower]
        if relevance.shape != (part.count,):
            raise ValueError(f"relevance is {relevance.shape}, not ({part.count},)")
        with torch.inference_mode():
            return _measured(part, _order(relevance), steps)

    def chance(self, tower: Tower, steps: int = STEPS, draws: int = DRAWS) -> Faithfulness:
        """Faithfulness of random maps, averaged over `draws`, the same at each call."""
        part, random = self._parts[tower], np.random.default_rng(1)
        with torch.inference_mode():
            measured = [_measured(part, random.permutation(part.count), steps) for _ in range(draws)]
        return _faithfulness(measured[0].fractions, np.mean([measure.deleted for measure in measured], axis=0),
                             np.mean([measure.inserted for measure in measured], axis=0))

    def without(self, tower: Tower, groups: Sequence[Order]) -> Floats:
        """The scores (groups,) without each of some groups of parts."""
        with torch.inference_mode():
            return _numpy(self.left(tower, groups))

    def left(self, tower: Tower, groups: Sequence[Order]) -> Tensor:
        """Scores of `without` as a tensor on the model's device: no value is read."""
        return self._parts[tower].without(groups)

    def count(self, tower: Tower) -> int:
        """Number of parts of an input."""
        return self._parts[tower].count

    def relevance(self, maps: "Maps", tower: Tower) -> Floats:
        """A map's relevance as `judge` takes it."""
        if tower == "picture":
            return maps.picture.relevance.ravel()
        if tower == "words":
            assert maps.words is not None
            return np.array([maps.words.words[place].relevance for place in self._read_words()], np.float32)
        assert maps.sound is not None
        return maps.sound.frames

    # --- what there is to take apart ---

    def _makers(self) -> dict[Tower, Callable[[], _Part]]:
        makers: dict[Tower, Callable[[], _Part]] = {"picture": self._picture_part}
        if self._text is not None and self._target != "acoustic":
            makers["words"] = self._words_part
        if self._acoustic is not None and self._target != "text":
            makers["sound"] = self._sound_part
        return makers

    def _picture_part(self) -> _Part:
        side = self._pixels.shape[0]
        rows, columns = self._observation.grid
        row, column = np.arange(side) * rows // side, np.arange(side) * columns // side
        cells = row[:, None] * columns + column[None]  # (side, side): which patch a pixel belongs to
        mean = np.broadcast_to(np.round(np.array(self._model.built.mean) * 255).astype(np.uint8), self._pixels.shape)
        blurred = np.asarray(Image.fromarray(self._pixels).filter(ImageFilter.GaussianBlur(side * BLUR)))

        def scores(order: Order, counts: Sequence[int], chosen: np.ndarray, filler: np.ndarray) -> Tensor:
            pictures = (np.where(np.isin(cells, order[:count])[..., None], chosen, filler) for count in counts)
            return self._picture_scores(pictures)

        return _Part(rows * columns, lambda order, counts: scores(order, counts, mean, self._pixels),
                     lambda order, counts: scores(order, counts, self._pixels, blurred),
                     lambda groups: self._picture_scores(
                         np.where(np.isin(cells, group)[..., None], mean, self._pixels) for group in groups))

    def _words_part(self) -> _Part:
        places = self._read_words()
        spans = [self._observation.spans[place] for place in places]
        tokens = self._model.tokens([self._observation.utterance.transcript.text])[0][0, :2 + self._observation.kept]
        inner = [tokens[1 + span.start:1 + min(span.stop, self._observation.kept)] for span in spans]

        def scores(orders: Iterator[Order]) -> Tensor:
            rows = [torch.cat([tokens[:1], *(inner[place] for place in sorted(each)), tokens[-1:]]) for each in orders]
            text = self._model.encode_tokens(torch.nn.utils.rnn.pad_sequence(rows, batch_first=True).to(self._device))
            return self._query_scores(text, self._acoustic)

        return _Part(len(places), lambda order, counts: scores(order[count:] for count in counts),
                     lambda order, counts: scores(order[:count] for count in counts),
                     lambda groups: scores(np.setdiff1d(np.arange(len(places)), group) for group in groups))

    def _sound_part(self) -> _Part:
        assert self._batch is not None and self._batch.states is not None
        states = self._batch.states[0].to(self._device)
        frames = len(states)

        def scores(order: Order, lengths: Sequence[int]) -> Tensor:
            sorted_states = states[torch.from_numpy(order.copy()).to(self._device)]
            at_once = max(1, FRAMES_AT_ONCE // frames)
            return torch.cat([self._acoustic_scores(sorted_states, part) for part in _parts(lengths, at_once)])

        def without(groups: Sequence[Order]) -> Tensor:
            frames_left = (np.setdiff1d(np.arange(frames), group) for group in groups)
            return torch.cat([scores(each, [len(each)]) for each in frames_left])

        return _Part(frames, lambda order, counts: scores(order[::-1], [frames - count for count in counts]), scores,
                     without)

    def _read_words(self) -> list[int]:
        """The words with tokens that the text tower read."""
        return [place for place, span in enumerate(self._observation.spans)
                if span.start < min(span.stop, self._observation.kept)]

    # --- scores ---

    def _picture_scores(self, pictures: Iterator[np.ndarray]) -> Tensor:
        query = self._query(self._text, self._acoustic)
        scores = [functional.cosine_similarity(query, self._model.encode_stem(self._model.image_stem(np.stack(part))))
                 for part in _parts(list(pictures), AT_ONCE)]
        return torch.cat(scores)

    def _acoustic_scores(self, states: Tensor, lengths: Sequence[int]) -> Tensor:
        assert self._model.acoustic is not None
        longest = max(1, *lengths)
        batch = states[:longest].expand(len(lengths), -1, -1)
        acoustic = self._model.acoustic(batch, torch.tensor(lengths).to(self._device), self._model.prompts).float()
        return self._query_scores(self._text, acoustic)

    def _query_scores(self, text: Tensor | None, acoustic: Tensor | None) -> Tensor:
        return functional.cosine_similarity(self._query(text, acoustic), self._image)

    def _query(self, text: Tensor | None, acoustic: Tensor | None) -> Tensor:
        """The target's vectors; of the branches one may be a batch and the other a single row."""
        if self._target == "text" or acoustic is None:
            assert text is not None
            return text
        if self._target == "acoustic" or text is None:
            return acoustic
        assert self._batch is not None
        count = max(len(text), len(acoustic))
        text, acoustic = text.expand(count, -1), acoustic.expand(count, -1)
        batch = replace(self._batch, signals=self._batch.signals.expand(count, -1),
                        has_text=self._batch.has_text.expand(count)).to(self._device)
        return self._model.fuse(text, acoustic, batch)

    def _tensor(self, vector: np.ndarray) -> Tensor:
        return torch.from_numpy(vector.astype(np.float32))[None].to(self._device)


def judge_all(judge: Judge, drawn: "Sequence[tuple[Method, Maps]]", report: Report = silent
              ) -> dict[str, dict[Tower, Faithfulness]]:
    """The faithfulness of several methods' maps, by the method's name and the tower; a baseline's is that of chance."""
    judged: dict[str, dict[Tower, Faithfulness]] = {}
    total = len(drawn) * len(judge.towers)
    for place, (method, maps) in enumerate(drawn):
        judged[method.name] = {}
        for step, tower in enumerate(judge.towers):
            report(Progress(WorkStep.TESTING_MAPS, place * len(judge.towers) + step, total))
            judged[method.name][tower] = (judge.chance(tower) if method.baseline
                                         else judge.judge(tower, judge.relevance(maps, tower)))
    return judged


def _measured(part: _Part, order: Order, steps: int) -> Faithfulness:
    counts = np.unique(np.linspace(0, part.count, steps + 1).round().astype(int))
    return _faithfulness((counts / part.count).astype(np.float32), _numpy(part.deleted(order, counts.tolist())),
                         _numpy(part.inserted(order, counts.tolist())))


def _faithfulness(fractions: Floats, deleted: Floats, inserted: Floats) -> Faithfulness:
    return Faithfulness(float(np.trapezoid(deleted, fractions)), float(np.trapezoid(inserted, fractions)), fractions,
                        deleted, inserted)


def _numpy(scores: Tensor) -> Floats:
    array: Floats = scores.cpu().numpy()
    return array


def _order(relevance: Floats) -> Order:
    """The parts, most relevant first. Equals in random order: their places would favour some parts."""
    return np.lexsort((np.random.default_rng(2).permutation(len(relevance)), -relevance.astype(np.float64)))


def _parts(items: Sequence[Any], length: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), length):
        yield items[start:start + length]
