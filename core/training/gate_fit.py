"""Gate fitted on the development split (beyond the paper), where the branches are as good as in use.

The acoustic branch overfits its training utterances, and a gate trained there trusts it too much. Five numbers are
fitted to all development utterances under all conditions at once, by the outer loss.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from core.features.encode import SpokenVectors
from core.models.brewclip import Gate

RIDGE = 1e-3  # on the weights: a signal that tells nothing is left out
BEGIN = -2.0  # the bias to begin with: mostly words
STEPS = 200


@dataclass(frozen=True, eq=False)
class GateBatch:
    """m utterances under one condition: F_T and F_A (m, dim) without weights, signals (m, 3), their pictures' rows."""

    text: Tensor
    acoustic: Tensor
    signals: Tensor
    image_of: Tensor

    @classmethod
    def of(cls, text: NDArray[np.float32], acoustic: NDArray[np.float32], signals: Tensor, image_of: NDArray[np.int64]
           ) -> "GateBatch":
        """Rows with both text and acoustic vectors: the others do not pass the gate."""
        rows = np.isfinite(text).all(axis=1) & np.isfinite(acoustic).all(axis=1) & np.any(text != 0, axis=1)
        return cls(torch.from_numpy(text[rows]), torch.from_numpy(acoustic[rows]), signals[torch.from_numpy(rows)],
                   torch.from_numpy(image_of[rows]))


def fit(batches: Sequence[GateBatch], pictures: NDArray[np.float32], scale: float) -> tuple[float, ...]:
    """The gate's four weights and its bias; `pictures` (n, dim) of unit length, NaN where there is none."""
    images = torch.from_numpy(np.nan_to_num(pictures))
    gate = Gate()
    with torch.no_grad():
        gate.weigh.bias.fill_(BEGIN)
    optimiser = torch.optim.LBFGS(gate.parameters(), max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        total = RIDGE * gate.weigh.weight.square().sum()
        for batch in batches:
            if len(batch.text):
                logits = scale * functional.normalize(fused(gate, batch), dim=1) @ images.T
                total = total + functional.cross_entropy(logits, batch.image_of) / len(batches)
        total.backward()
        return total

    with torch.enable_grad():
        optimiser.step(loss)
    return numbers(gate)


def fused(gate: Gate, batch: GateBatch) -> Tensor:
    """F_L (m, dim) under a gate."""
    share: Tensor = gate(batch.text, batch.acoustic, batch.signals)
    return 2 * (1 - share) * batch.text + 2 * share * batch.acoustic


def under(values: Sequence[float], vectors: SpokenVectors, signals: Tensor) -> SpokenVectors:
    """Vectors made without a gate, as they are under one. Rows without words stay."""
    assert vectors.text is not None and vectors.acoustic is not None
    gate = Gate()
    put(gate, values)
    text, acoustic = torch.from_numpy(vectors.text), torch.from_numpy(vectors.acoustic)
    with torch.no_grad():
        share = gate(text, acoustic, signals).numpy()
    has_text = np.any(vectors.text != 0, axis=1, keepdims=True)
    parts = (np.where(has_text, 2 * (1 - share), 0) * vectors.text, np.where(has_text, 2 * share, 1) * vectors.acoustic)
    return SpokenVectors((parts[0] + parts[1]).astype(np.float32), *(part.astype(np.float32) for part in parts))


def numbers(gate: Gate) -> tuple[float, ...]:
    """The four weights of a gate and its bias."""
    found: list[float] = [*gate.weigh.weight.detach().flatten().tolist(), float(gate.weigh.bias.detach())]
    return tuple(found)


@torch.no_grad()
def put(gate: Gate, values: Sequence[float]) -> None:
    """Set the numbers of a gate, as `numbers` gives them."""
    gate.weigh.weight.copy_(torch.tensor([values[:4]]))
    gate.weigh.bias.copy_(torch.tensor(values[4:]))
