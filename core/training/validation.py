"""Validation: recall on the development split during training, and the weight and gate of the branches chosen there.

The score is the mean of R@1, R@5 and R@10 in both directions, or of R@1 alone, over all conditions of the run.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.evaluation.ranks import AT, Ranks, ranks, recall
from core.features import encode
from core.features.image_cache import ImageFeatureCache
from core.features.prepared_split import Split
from core.progress import JobCancelled, Report, silent
from core.training import gate_fit
from core.training.distributed import Processes
from core.training.recipe import TrainingOptions
from core.training.step import autocast

if TYPE_CHECKING:
    from core.models.brewclip import BrewCLIP

WEIGHTS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0)  # of F_A beside F_T


@dataclass(frozen=True)
class DevResult:
    """Recall on dev in percent, means over the conditions; `weight` of F_A.

    `gate` has the numbers of the gate that was fitted, () where none was. `at`: recalls that the score is made of.
    `limit`: most pictures of dev that were looked at; 0: all.
    """

    speech_to_image: tuple[float, ...]  # at `AT`
    image_to_speech: tuple[float, ...]
    weight: float
    gate: tuple[float, ...] = ()
    at: tuple[int, ...] = AT
    limit: int = 0

    @property
    def score(self) -> float:
        """Model-selection score: mean of the recalls `at` in both directions."""
        return float(np.mean([recalls[AT.index(at)] for recalls in (self.speech_to_image, self.image_to_speech)
                              for at in self.at]))

    def to_json(self) -> dict[str, Any]:
        """A plain dict: recall by name, score, weight; the limit where there is one."""
        named = {direction: {f"R@{at}": round(value, 2) for at, value in zip(AT, values, strict=True)}
                 for direction, values in (("speech_to_image", self.speech_to_image),
                                           ("image_to_speech", self.image_to_speech))}
        gate = {"gate": [round(number, 6) for number in self.gate]} if self.gate else {}
        limit = {"limit": self.limit} if self.limit else {}
        return {**named, "score": round(self.score, 4), "acoustic_weight": self.weight, **gate, **limit}


@dataclass(frozen=True, eq=False)
class DevVectors:
    """Vectors of the development split under a model: pictures, and utterances under each condition."""

    pictures: encode.Floats
    spoken: Sequence[encode.SpokenVectors]


class Validator:
    """Evaluates models on the development split under its conditions, by the training `options`.

    All processes encode: whole batches in turn, so that vectors have the bits of one process.
    """

    def __init__(self, splits: Sequence[Split], images: ImageFeatureCache, options: TrainingOptions,
                 processes: Processes = Processes()) -> None:
        self._splits, self._images, self._options, self._processes = tuple(splits), images, options, processes

    def evaluate(self, model: "BrewCLIP", report: Report = silent) -> DevResult:
        """Recall of a model; with the best weight of F_A and the gate that fits, where they are to be chosen.

        A collective call. JobCancelled in all processes by the `report` of any.
        """
        return self.judge(model, self.embed(model, report))

    def embed(self, model: "BrewCLIP", report: Report = silent) -> DevVectors:
        """The vectors of dev under a model, in eval mode and the precision of training; see `evaluate`."""
        stopped: JobCancelled | None = None
        processes, training = self._processes, model.training
        device, batches = model.log_scale.device, slice(processes.rank, None, processes.count)
        model.eval()  # before its view is made, which has a mode of its own
        plain = model.with_options(**({"acoustic_weight": 1.0} if self._chooses(model) else {}),
                                   **({"gate": False} if self._fits(model) else {}))
        try:
            with autocast(device, self._options.precision_on(device.type)):
                vectors = DevVectors(
                    encode.encode_pictures(plain, self._images, self._splits[0], report, batches),
                    [encode.encode_utterances(plain, split, report=report, batches=batches) for split in self._splits])
        except JobCancelled as cancelled:
            stopped = cancelled
        finally:
            model.train(training)
        if processes.any(stopped is not None):
            raise stopped or JobCancelled
        for rows in (vectors.pictures, *(getattr(spoken, kind) for spoken in vectors.spoken
                                         for kind in ("fused", "text", "acoustic"))):
            if rows is not None:
                processes.merge(rows)
        return vectors

    def judge(self, model: "BrewCLIP", vectors: DevVectors) -> DevResult:
        """The result of the vectors that `embed` made of a model."""
        gate, spoken = self._with_gate(model, vectors) if self._fits(model) else ((), vectors.spoken)
        pictures = vectors.pictures
        if not self._chooses(model):
            return self._result([ranks(each.fused, pictures, split.image_of, split.relevance)
                                 for each, split in zip(spoken, self._splits, strict=True)],
                                model.options.acoustic_weight, gate)
        results = [self._weighed(spoken, pictures, weight, gate) for weight in WEIGHTS]
        return max(results, key=lambda result: result.score)  # the smallest of equals: the first

    def _chooses(self, model: "BrewCLIP") -> bool:
        return self._options.choose_weight and model.variant.text and model.variant.acoustic

    def _fits(self, model: "BrewCLIP") -> bool:
        return self._options.fit_gate and model.gate is not None

    def _with_gate(self, model: "BrewCLIP", dev: DevVectors
                   ) -> tuple[tuple[float, ...], list[encode.SpokenVectors]]:
        """A gate that fits dev, and the vectors under it."""
        signals = [model.signals([utterance.transcript for utterance in split.spoken]) for split in self._splits]
        batches = [gate_fit.GateBatch.of(vectors.text, vectors.acoustic, own, split.image_of)
                   for vectors, own, split in zip(dev.spoken, signals, self._splits, strict=True)
                   if vectors.text is not None and vectors.acoustic is not None]
        values = gate_fit.fit(batches, dev.pictures, float(model.scale.detach()))
        return values, [gate_fit.under(values, vectors, own) for vectors, own in zip(dev.spoken, signals, strict=True)]

    def _weighed(self, spoken: Sequence[encode.SpokenVectors], pictures: encode.Floats, weight: float,
                 gate: tuple[float, ...]) -> DevResult:
        """The result with a weight of F_A; the vectors were made with 1."""
        weighed = []
        for vectors, split in zip(spoken, self._splits, strict=True):
            assert vectors.text is not None and vectors.acoustic is not None
            has_text = np.any(vectors.text != 0, axis=1, keepdims=True)  # without, F_L is F_A alone
            fused = vectors.text + np.where(has_text, weight, 1) * vectors.acoustic
            weighed.append(ranks(fused.astype(np.float32), pictures, split.image_of, split.relevance))
        return self._result(weighed, weight, gate)

    def _result(self, by_split: Sequence[Ranks], weight: float, gate: tuple[float, ...]) -> DevResult:
        figures = [tuple(100 * float(np.mean([recall(getattr(each, direction), at) for each in by_split])) for at in AT)
                   for direction in ("speech_to_image", "image_to_speech")]
        at = (1,) if self._options.select == "r1" else AT
        return DevResult(figures[0], figures[1], weight, gate, at, self._options.dev_limit)


def as_chosen(model: "BrewCLIP", result: DevResult) -> "BrewCLIP":
    """The model with the weight and the gate that a validation chose; it shares the other parameters."""
    view = model.with_options(acoustic_weight=result.weight)
    if view.gate is not None and result.gate:
        view.gate = copy.deepcopy(view.gate)
        gate_fit.put(view.gate, result.gate)
    return view
