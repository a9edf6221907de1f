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
from core.progress import Report, silent
from core.training import gate_fit

if TYPE_CHECKING:
    from core.models.brewclip import BrewCLIP

WEIGHTS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0)  # of F_A beside F_T


@dataclass(frozen=True)
class DevResult:
    """Recall on dev in percent, means over the conditions; `weight` of F_A.

    `gate` has the numbers of the gate that was fitted, () where none was. `at`: recalls that the score is made of.
    """

    speech_to_image: tuple[float, ...]  # at `AT`
    image_to_speech: tuple[float, ...]
    weight: float
    gate: tuple[float, ...] = ()
    at: tuple[int, ...] = AT

    @property
    def score(self) -> float:
        """Model-selection score: mean of the recalls `at` in both directions."""
        return float(np.mean([recalls[AT.index(at)] for recalls in (self.speech_to_image, self.image_to_speech)
                              for at in self.at]))

    def to_json(self) -> dict[str, Any]:
        """A plain dict: recall by name, score, weight."""
        named = {direction: {f"R@{at}": round(value, 2) for at, value in zip(AT, values, strict=True)}
                 for direction, values in (("speech_to_image", self.speech_to_image),
                                           ("image_to_speech", self.image_to_speech))}
        gate = {"gate": [round(number, 6) for number in self.gate]} if self.gate else {}
        return {**named, "score": round(self.score, 4), "acoustic_weight": self.weight, **gate}


class Validator:
    """Evaluates models on the development split under its conditions."""

    def __init__(self, splits: Sequence[Split], images: ImageFeatureCache, choose_weight: bool,
                 fit_gate: bool = False, at: tuple[int, ...] = AT) -> None:
        self._splits, self._images, self._choose, self._fit = tuple(splits), images, choose_weight, fit_gate
        self._at = at

    def evaluate(self, model: "BrewCLIP", report: Report = silent) -> DevResult:
        """Recall of a model, in eval mode meanwhile; with the best weight of F_A and the gate that fits, where they are
        to be chosen. JobCancelled by `report`.
        """
        choose = self._choose and model.variant.text and model.variant.acoustic
        fit, training = self._fit and model.gate is not None, model.training
        model.eval()
        plain = model.with_options(**({"acoustic_weight": 1.0} if choose else {}), **({"gate": False} if fit else {}))
        try:
            pictures = encode.encode_pictures(plain, self._images, self._splits[0], report)
            spoken = [encode.encode_utterances(plain, split, report=report) for split in self._splits]
        finally:
            model.train(training)
        gate, spoken = self._with_gate(model, spoken, pictures) if fit else ((), spoken)
        if not choose:
            return self._result([ranks(vectors.fused, pictures, split.image_of)
                                 for vectors, split in zip(spoken, self._splits, strict=True)],
                                model.options.acoustic_weight, gate)
        results = [self._weighed(spoken, pictures, weight, gate) for weight in WEIGHTS]
        return max(results, key=lambda result: result.score)  # the smallest of equals: the first

    def _with_gate(self, model: "BrewCLIP", spoken: Sequence[encode.SpokenVectors], pictures: encode.Floats
                   ) -> tuple[tuple[float, ...], list[encode.SpokenVectors]]:
        """A gate that fits dev, and the vectors under it."""
        signals = [model.signals([utterance.transcript for utterance in split.spoken]) for split in self._splits]
        batches = [gate_fit.GateBatch.of(vectors.text, vectors.acoustic, own, split.image_of)
                   for vectors, own, split in zip(spoken, signals, self._splits, strict=True)
                   if vectors.text is not None and vectors.acoustic is not None]
        values = gate_fit.fit(batches, pictures, float(model.scale.detach()))
        return values, [gate_fit.under(values, vectors, own) for vectors, own in zip(spoken, signals, strict=True)]

    def _weighed(self, spoken: Sequence[encode.SpokenVectors], pictures: encode.Floats, weight: float,
                 gate: tuple[float, ...]) -> DevResult:
        """The result with a weight of F_A; the vectors were made with 1."""
        weighed = []
        for vectors, split in zip(spoken, self._splits, strict=True):
            assert vectors.text is not None and vectors.acoustic is not None
            has_text = np.any(vectors.text != 0, axis=1, keepdims=True)  # without, F_L is F_A alone
            fused = vectors.text + np.where(has_text, weight, 1) * vectors.acoustic
            weighed.append(ranks(fused.astype(np.float32), pictures, split.image_of))
        return self._result(weighed, weight, gate)

    def _result(self, by_split: Sequence[Ranks], weight: float, gate: tuple[float, ...]) -> DevResult:
        figures = [tuple(100 * float(np.mean([recall(getattr(each, direction), at) for each in by_split])) for at in AT)
                   for direction in ("speech_to_image", "image_to_speech")]
        return DevResult(figures[0], figures[1], weight, gate, self._at)


def as_chosen(model: "BrewCLIP", result: DevResult) -> "BrewCLIP":
    """The model with the weight and the gate that a validation chose; it shares the other parameters."""
    view = model.with_options(acoustic_weight=result.weight)
    if view.gate is not None and result.gate:
        view.gate = copy.deepcopy(view.gate)
        gate_fit.put(view.gate, result.gate)
    return view
