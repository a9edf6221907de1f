"""The methods of relevance maps, declared: command line, window, documents and tests iterate over them. No torch here.

They read a layer's attention at the token that a tower is read out from (class, EOT or CLS), or the tokens as they
enter the tower, and what the score's gradient says of them. Relevance is 0 or more; only its proportions within a map
mean something.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import QueryError
from core.localisation import _

Floats = NDArray[np.float32]
Place = Literal["penultimate", "last", "entrance", "input"]


@dataclass(frozen=True, eq=False)
class LayerAttention:
    """One layer's attention from the readout token to all tokens of its tower."""

    attention: Floats  # (heads, tokens), each head's row adds up to 1
    gradient: Floats  # (heads, tokens): of the score by the attention
    similarity: Floats  # (tokens,): cosine of the readout's query and each token's key, the heads joined


@dataclass(frozen=True, eq=False)
class Readings:
    """All that methods read of one tower and target. A tower of one layer has it as both.

    `entrance` (tokens,): gradient x value of each token where it enters, added up over its channels, below 0 where it
    works against the score; 0 for prompts, which are no input. `drops` (tokens,): what the score loses without that
    part of the input; None before occlusion (`core.explain.occlusion`).
    """

    penultimate: LayerAttention
    last: LayerAttention
    entrance: Floats
    drops: Floats | None = None


Relevance = Callable[[Readings, slice], Floats]  # what was read, the tokens that are painted -> (tokens,)


@dataclass(frozen=True)
class Method:
    """A method of relevance maps. `baseline`: chance, which the others are compared with.

    `occludes`: the map needs a pass for each covered part, which takes seconds.
    """

    name: str
    title: str
    about: str
    place: Place
    relevance: Relevance
    baseline: bool = False
    occludes: bool = False


def gradient_attention(readings: Readings, painted: slice) -> Floats:
    """relu(gradient x attention), averaged over the heads: appendix A of the paper, after Chefer et al. 2021, eq. 5."""
    reading = readings.penultimate
    relevance: Floats = np.maximum(reading.gradient * reading.attention, 0).mean(axis=0)
    return relevance


def grad_eclip(readings: Readings, painted: slice) -> Floats:
    """relu(sum over channels of w v_i x lambda_i), Zhao et al. 2024, equations 7 to 9.

    w is the gradient by the attention's output at the readout and v_i the value of token i. As that output is the sum
    of attention x value, w v_i added up over a head's channels is the gradient by the attention itself. lambda_i, the
    "loosened attention", is the cosine of query and key, spread over 0..1 within what is painted.
    """
    reading = readings.last
    gain = np.maximum(reading.gradient.sum(axis=0), 0)
    inside = reading.similarity[painted]
    if not inside.size:
        return np.zeros_like(gain)
    low, high = float(inside.min()), float(inside.max())
    loosened = (reading.similarity - low) / (high - low) if high > low else np.ones_like(reading.similarity)
    relevance: Floats = gain * np.clip(loosened, 0, 1)
    return relevance


def gradient_input(readings: Readings, painted: slice) -> Floats:
    """relu(gradient x input) at the tower's entrance, Shrikumar et al. 2016.

    Where the first layers already mix what the places know, as in the bundled backbone, attention of late layers no
    longer tells where things are; this does.
    """
    return np.maximum(readings.entrance, 0)


def occlusion(readings: Readings, painted: slice) -> Floats:
    """relu(loss of score without each part), Zeiler and Fergus 2014. ValueError before occlusion."""
    if readings.drops is None:
        raise ValueError(_("occlusion of this pair was not computed"))
    return np.maximum(readings.drops, 0)


def chance(readings: Readings, painted: slice) -> Floats:
    """Random numbers, the same at each call."""
    return np.random.default_rng(0).random(readings.entrance.shape, np.float32)


METHODS: tuple[Method, ...] = (
    Method("gradient", _("Gradient × attention (paper)"),
           _("Where attention and the score's gradient agree, one layer before the last."), "penultimate",
           gradient_attention),
    Method("grad-eclip", _("Grad-ECLIP"),
           _("What each part's value adds to the score, by how well its key answers, in the last layer."), "last",
           grad_eclip),
    Method("gradient-input", _("Gradient × input"),
           _("What each part adds to the score where it enters the tower, to first order."), "entrance",
           gradient_input),
    Method("occlusion", _("Occlusion"),
           _("What the score loses when each part is covered; nothing is assumed of the model."),
           "input", occlusion, occludes=True),
    Method("random", _("Random"), _("Chance, to compare the others with."), "entrance", chance, baseline=True),
)
BY_NAME: Mapping[str, Method] = {each.name: each for each in METHODS}


def method(name: str) -> Method:
    """The method of that name; QueryError ("method") when there is none."""
    if name not in BY_NAME:
        raise QueryError(_("There is no method {name!r} for maps; choose one of {by_name}.").format(name=name,
                                                                                                    by_name=", ".join(
                                                                                                        BY_NAME)),
                         "method")
    return BY_NAME[name]
