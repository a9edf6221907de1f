"""How good a model is on the dev split while it trains, and what is chosen there: the weight of the branches.

The score is the mean of R@1, R@5 and R@10 both ways, over all conditions that the model learns from or is looked at in.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.evaluation.ranks import AT, Ranks, ranks, recall
from core.features import encode
from core.features.image_cache import ImageFeatureCache
from core.features.prepared_split import Split
from core.progress import Report, silent
from core.training import gate_fit as gating

if TYPE_CHECKING:
    from core.models.brewclip import BrewCLIP

WEIGHTS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0)  # of F_A beside F_T


@dataclass(frozen=True)
class DevResult:
    """Recall on dev in percent, means over the conditions; `score` is the mean of all six, `weight` of F_A.

    `gate` has the numbers of the gate that was fitted, () where none was.
    """

    speech_to_image: tuple[float, ...]  # at `AT`
    image_to_speech: tuple[float, ...]
    weight: float
    gate: tuple[float, ...] = ()

    @property
    def score(self) -> float:
        """What the best model has the most of."""
        return float(np.mean([*self.speech_to_image, *self.image_to_speech]))

    def to_json(self) -> dict[str, Any]:
        """A plain dict: recall by name, score, weight."""
        named = {way: {f"R@{at}": round(value, 2) for at, value in zip(AT, found, strict=True)} for way, found in
                 (("speech_to_image", self.speech_to_image), ("image_to_speech", self.image_to_speech))}
        gate = {"gate": [round(each, 6) for each in self.gate]} if self.gate else {}
        return {**named, "score": round(self.score, 4), "acoustic_weight": self.weight, **gate}


class Validator:
    """The dev split under its conditions, ready to be looked at again and again."""

    def __init__(self, splits: Sequence[Split], seeing: ImageFeatureCache, choose_weight: bool,
                 fit_gate: bool = False) -> None:
        self._splits, self._seeing, self._choose, self._fit = tuple(splits), seeing, choose_weight, fit_gate

    def look(self, model: "BrewCLIP", report: Report = silent) -> DevResult:
        """The recall of a model, in eval mode meanwhile; with the best weight of F_A and the gate that fits, where they
        are to be chosen. JobCancelled by `report`.
        """
        both = model.variant.text and model.variant.acoustic
        choose, fit = self._choose and both, self._fit and model.gate is not None
        before, training, gate = model.options.acoustic_weight, model.training, model.gate
        model.eval()
        if choose:
            weighed(model, 1.0)
        if fit:
            model.gate = None
        try:
            pictures = encode.encode_pictures(model, self._seeing, self._splits[0], report)
            spoken = [encode.encode_utterances(model, split, report=report) for split in self._splits]
        finally:
            model.gate = gate
            model.train(training)
            weighed(model, before)
        fitted, spoken = self._fitted(model, spoken, pictures) if fit else ((), spoken)
        if not choose:
            return self._result([ranks(one.fused, pictures, split.image_of)
                                 for one, split in zip(spoken, self._splits, strict=True)], before, fitted)
        found = [self._weighed(spoken, pictures, each, fitted) for each in WEIGHTS]
        return max(found, key=lambda each: each.score)  # the smallest of equals: the first

    def _fitted(self, model: "BrewCLIP", spoken: Sequence[encode.SpokenVectors], pictures: encode.Floats
                ) -> tuple[tuple[float, ...], list[encode.SpokenVectors]]:
        """A gate that fits dev, and the vectors under it."""
        heard = [gating.GateBatch.of(one.text, one.acoustic, model.signals([each.transcript for each in split.spoken]),
                                 split.image_of)
                 for one, split in zip(spoken, self._splits, strict=True) if one.text is not None
                 and one.acoustic is not None]
        found = gating.fit(heard, pictures, float(model.scale.detach()))
        return found, [gating.under(found, one, model.signals([each.transcript for each in split.spoken]))
                       for one, split in zip(spoken, self._splits, strict=True)]

    def _weighed(self, spoken: Sequence[encode.SpokenVectors], pictures: encode.Floats, weight: float,
                 gate: tuple[float, ...]) -> DevResult:
        """The result with a weight of F_A; the vectors were made with 1."""
        found = []
        for one, split in zip(spoken, self._splits, strict=True):
            assert one.text is not None and one.acoustic is not None
            said = np.any(one.text != 0, axis=1, keepdims=True)  # where nothing was heard, F_L is F_A alone
            fused = one.text + np.where(said, weight, 1) * one.acoustic
            found.append(ranks(fused.astype(np.float32), pictures, split.image_of))
        return self._result(found, weight, gate)

    def _result(self, found: Sequence[Ranks], weight: float, gate: tuple[float, ...]) -> DevResult:
        ways = [tuple(100 * float(np.mean([recall(getattr(each, way), at) for each in found])) for at in AT)
                for way in ("speech_to_image", "image_to_speech")]
        return DevResult(ways[0], ways[1], weight, gate)


def weighed(model: "BrewCLIP", weight: float) -> None:
    """Give a model another weight of F_A."""
    model.options = replace(model.options, acoustic_weight=weight)


@contextmanager
def chosen(model: "BrewCLIP", result: DevResult) -> Iterator[None]:
    """The model with the weight and the gate that a look chose; afterwards it has its own again."""
    weight, own = model.options.acoustic_weight, gating.numbers(model.gate) if model.gate is not None else ()
    weighed(model, result.weight)
    if model.gate is not None and result.gate:
        gating.put(model.gate, result.gate)
    try:
        yield
    finally:
        weighed(model, weight)
        if model.gate is not None:
            gating.put(model.gate, own)
