"""Forward and backward pass over a pair: scores, branch vectors, attention of each tower and the gradients by it.

One pass forward and one backward for each target give everything that maps need, so that changing method or target
afterwards costs nothing (`maps`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.asr.transcript import EncodedUtterance, Transcript
from core.errors import ModelError
from core.explain import words as texts
from core.explain.attention import Watch, WatchSoftmax, in_graph
from core.explain.methods import Floats, LayerAttention, Readings
from core.explain.shares import BranchVectors
from core.localisation import _
from core.models.brewclip import BrewCLIP

Target = Literal["fused", "text", "acoustic"]
Tower = Literal["picture", "words", "sound"]


@dataclass(frozen=True, eq=False)
class TowerObservation:
    """Attention in one tower. Its tokens: the readout at `own`, some others, the prompts, and those of the input.

    `readings`: by target; one that the tower has no part in is missing. `layers`: how many the tower has.
    """

    own: int
    prompts: slice
    painted: slice
    layers: int
    readings: Mapping[Target, Readings]


@dataclass(frozen=True, eq=False)
class Observation:
    """Result of the passes over a pair. `image` (dim,) is F_V, not normalised; `scores` the cosines of its targets.

    `towers` lacks "words" where there are none or the model does not use them, and "sound" likewise. `grid`:
    rows and columns of the image tower's patches. `spans`: the words of the text; `kept`: how many of its tokens the
    tower read.
    """

    branches: BranchVectors
    image: Floats
    scores: Mapping[Target, float]
    towers: Mapping[Tower, TowerObservation]
    grid: tuple[int, int]
    utterance: EncodedUtterance
    spans: tuple[texts.Span, ...]
    kept: int


@dataclass(frozen=True, eq=False)
class _Layer:
    """Attention in the graph: (1, heads, tokens, tokens), or (1, heads, tokens) of the readout alone (`own` None)."""

    weights: Tensor
    own: int | None
    similarity: Tensor  # (tokens,)

    def row(self, values: Tensor) -> Floats:
        """The readout's part (heads, tokens) of values shaped as the weights."""
        readout: Floats = (values[0] if self.own is None else values[0, :, self.own]).detach().float().cpu().numpy()
        return readout


@dataclass(frozen=True, eq=False)
class _Pass:
    """A tower's vector (1, dim), its penultimate and last layer, and its input."""

    vector: Tensor
    own: int
    prompts: slice
    painted: slice
    layers: int
    watched: tuple[_Layer, _Layer]
    entrance: Tensor  # (1, some of the tokens, width), in the graph
    entered: Tensor  # (some of the tokens,) int64: which tokens those are


@dataclass(frozen=True, eq=False)
class _Query:
    """F_L (1, dim), F_T and F_A (1, dim) or None, and the weights of these two in F_L where there are both."""

    fused: Tensor
    text: Tensor | None
    acoustic: Tensor | None
    weights: tuple[Tensor, Tensor] | None

    def branches(self) -> BranchVectors:
        """The same as numbers. QueryError ("not_finite")."""
        weights = ((float(self.text is not None), float(self.acoustic is not None)) if self.weights is None else
                   (self.weights[0].item(), self.weights[1].item()))
        return BranchVectors(_double(self.text), _double(self.acoustic), *weights)


@dataclass(frozen=True, eq=False)
class ForwardPass:
    """Forward pass of a pair, all of it on the model's device: no value was read."""

    passes: Mapping[Tower, _Pass]
    query: _Query
    scores: Mapping[Target, Tensor]


def typed(text: str) -> EncodedUtterance:
    """A typed text as a query without encoder states."""
    return EncodedUtterance(Transcript(" ".join(text.split()), "", (), 0.0, 0.0, 1.0), ())


def observe(model: BrewCLIP, pixels: np.ndarray, utterance: EncodedUtterance) -> Observation:
    """Observe one picture, (size, size, 3) uint8 as `core.images.pixels` gives it, and one utterance or typed text.

    The model is in eval mode. A query without encoder states is a typed text: the words alone, whatever the variant.
    QueryError: empty (neither words nor a voice that the model uses), not_finite. ModelError ("unsupported") for
    towers whose attention cannot be read.
    """
    with torch.inference_mode(False), torch.enable_grad():
        forward = forward_with_attention(model, pixels, utterance)
        branches = forward.query.branches()
        towers = _towers(forward.passes, forward.scores)
    read = towers["words"].painted if "words" in towers else slice(0, 0)
    return Observation(branches, _numpy(forward.passes["picture"].vector[0]),
                       {target: score.item() for target, score in forward.scores.items()}, towers,
                       model.backbone.visual.grid_size, utterance,
                       texts.spans(model.built.tokenizer, utterance.transcript.text), read.stop - read.start)


def forward_with_attention(model: BrewCLIP, pixels: np.ndarray, utterance: EncodedUtterance) -> ForwardPass:
    """Forward pass of `observe`, in the autograd graph. QueryError ("empty"), ModelError ("unsupported")."""
    passes: dict[Tower, _Pass] = {"picture": _picture(model, pixels)}
    if utterance.transcript.text and reads_words(model, utterance):
        passes["words"] = _words(model, utterance)
    if model.acoustic is not None and utterance.states:
        passes["sound"] = _sound(model, utterance)
    vectors = {name: each.vector for name, each in passes.items()}
    image, text, acoustic = vectors["picture"], vectors.get("words"), vectors.get("sound")
    query = _fused(model, utterance, text, acoustic)
    queries: dict[Target, Tensor | None] = {"fused": query.fused, "text": text, "acoustic": acoustic}
    return ForwardPass(passes, query, {target: functional.cosine_similarity(each, image)[0]
                                  for target, each in queries.items() if each is not None})


def reads_words(model: BrewCLIP, utterance: EncodedUtterance) -> bool:
    """Whether the model uses this query's words: `e2e` does so only for typed text."""
    return model.variant.text or not utterance.states


def branches_of(model: BrewCLIP, utterance: EncodedUtterance) -> BranchVectors:
    """A query's vectors alone, as `observe` finds them, without a picture and without gradients. QueryError too."""
    device = model.log_scale.device
    with torch.inference_mode():
        uses_words = utterance.transcript.text and reads_words(model, utterance)
        text = model.encode_texts([utterance.transcript.text]) if uses_words else None
        acoustic = None
        if model.acoustic is not None and utterance.states:
            batch = model.collate([utterance.transcript], [utterance.states]).to(device)
            assert batch.states is not None
            acoustic = model.acoustic(batch.states, batch.lengths, model.prompts).float()
        return _fused(model, utterance, text, acoustic).branches()


def _fused(model: BrewCLIP, utterance: EncodedUtterance, text: Tensor | None, acoustic: Tensor | None) -> _Query:
    """The query of F_T and F_A, (1, dim) each or None. QueryError ("empty")."""
    if text is None or acoustic is None:
        only = acoustic if text is None else text
        if only is None:
            BranchVectors(None, None, 0.0, 0.0)  # raises
        assert only is not None
        return _Query(only, text, acoustic, None)
    batch = model.collate([utterance.transcript], [utterance.states]).to(text.device)
    of_text, of_acoustic = model.weights(text, acoustic, batch)
    return _Query(of_text * text + of_acoustic * acoustic, text, acoustic, (of_text, of_acoustic))


def _picture(model: BrewCLIP, pixels: np.ndarray) -> _Pass:
    stem = in_graph(model.image_stem(pixels[None]))
    patches = stem.shape[1]
    transformer = model.backbone.visual.transformer
    with Watch(_ends(transformer)) as watch:
        vector = model.encode_stem(stem)
    return _Pass(vector, 0, slice(patches, patches + len(model.prompts)), slice(1, patches), len(transformer.resblocks),
                 _layers(watch, 0), stem, torch.arange(patches))


def _words(model: BrewCLIP, utterance: EncodedUtterance) -> _Pass:
    texts_of_one = [utterance.transcript.text]
    length, = model.lengths(texts_of_one)
    tokens = model.tokens(texts_of_one)[0][:, :length].to(model.log_scale.device)
    count = len(model.prompts) if model.variant.text else 0
    end = length - 1 + count
    transformer = model.backbone.transformer
    with Watch(_ends(transformer)) as watch:
        vector = model.encode_tokens(tokens)
    assert watch.embedded is not None
    return _Pass(vector, end, slice(1, 1 + count), slice(1 + count, end), len(transformer.resblocks),
                 _layers(watch, end), watch.embedded, torch.tensor([0, *range(1 + count, end + 1)]))


def _sound(model: BrewCLIP, utterance: EncodedUtterance) -> _Pass:
    assert model.acoustic is not None
    batch = model.collate([utterance.transcript], [utterance.states]).to(model.log_scale.device)
    assert batch.states is not None
    states = in_graph(batch.states.to(model.acoustic.cls.dtype))
    with WatchSoftmax() as watch:
        vector = model.acoustic(states, batch.lengths, model.prompts).float()
    weights, = watch.seen
    own = torch.cat([model.acoustic.cls[None], model.prompts])
    first = 1 + len(model.prompts)
    layer = _Layer(weights, None, _acoustic_similarity(model.acoustic.layer.self_attn, torch.cat(
        [own, model.acoustic.project(states[0])])))
    return _Pass(vector, 0, slice(1, first), slice(first, weights.shape[2]), 1, (layer, layer), states,
                 torch.arange(first, weights.shape[2]))


def _acoustic_similarity(attention: nn.MultiheadAttention, tokens: Tensor) -> Tensor:
    """Cosines (tokens,) of the query of the first of `tokens` (tokens, width) and all keys, heads joined."""
    to_query, to_key, _unused = attention.in_proj_weight.chunk(3)
    query_bias, key_bias, _unused = attention.in_proj_bias.chunk(3)
    query = functional.linear(tokens[:1], to_query, query_bias)
    return functional.cosine_similarity(query, functional.linear(tokens, to_key, key_bias), dim=1)


def _ends(transformer: Any) -> list[nn.MultiheadAttention]:
    """The attention of the last two blocks, or of the only one. ModelError ("unsupported")."""
    attention = [block.attn for block in transformer.resblocks[-2:]]
    if not all(type(each) is nn.MultiheadAttention for each in attention):
        raise ModelError(_("The attention of this backbone cannot be read, so there are no maps for it. Choose "
                           "another, such as ViT-L-14/openai."), "unsupported")
    return attention


def _layers(watch: Watch, own: int) -> tuple[_Layer, _Layer]:
    layers = []
    for attention in watch.seen:
        query = attention.query[0, :, own].flatten()
        keys = attention.key[0].transpose(0, 1).flatten(1)  # (tokens, width)
        layers.append(_Layer(attention.weights, own, functional.cosine_similarity(query[None], keys, dim=1)))
    return layers[0], layers[-1]


def _towers(passes: Mapping[Tower, _Pass], scores: Mapping[Target, Tensor]) -> dict[Tower, TowerObservation]:
    readings: dict[Tower, dict[Target, Readings]] = {name: {} for name in passes}
    for target, score in scores.items():
        for name, each in passes.items():
            by = gradients(score, each)
            if by[0] is not None:
                readings[name][target] = _readings(each, *by)
    return {name: TowerObservation(each.own, each.prompts, each.painted, each.layers, readings[name])
            for name, each in passes.items()}


def gradients(score: Tensor, tower: _Pass) -> tuple[Tensor, ...]:
    """Of a score by a tower's attention in its penultimate and last layer and by what entered; None where the tower
    has no part in it. No value is read.
    """
    tensors = [tower.watched[0].weights, tower.watched[1].weights, tower.entrance]
    return torch.autograd.grad(score, tensors, retain_graph=True, allow_unused=True)


def _readings(tower: _Pass, penultimate: Tensor, last: Tensor, entrance: Tensor) -> Readings:
    """Inputs of the methods, from the gradients by the two layers' weights and by the tower's input."""
    layers = [LayerAttention(layer.row(layer.weights), layer.row(gradient), _numpy(layer.similarity))
              for layer, gradient in zip(tower.watched, (penultimate, last), strict=True)]
    tokens = np.zeros(len(layers[0].similarity), np.float32)
    tokens[tower.entered.numpy()] = _numpy((entrance * tower.entrance).sum(dim=2)[0])
    return Readings(layers[0], layers[1], tokens)


def _numpy(values: Tensor) -> Floats:
    array: Floats = values.detach().float().cpu().numpy()
    return array


def _double(values: Tensor | None) -> np.ndarray | None:
    return None if values is None else values[0].detach().double().cpu().numpy()
