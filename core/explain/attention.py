"""Attention weights of layers that do not return them, kept in the graph so that a score has a gradient by them.

open_clip's blocks ask `scaled_dot_product_attention`, which never makes the weights. Inside `Watch` the watched layers
compute the same with weights; nothing in the model is changed, so another thread that uses it at the same time notices
nothing: the mode is the calling thread's own. The results agree but for float32's last bits.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

SIGNATURE = inspect.signature(functional.multi_head_attention_forward)


@dataclass(frozen=True, eq=False)
class SelfAttention:
    """One layer's self-attention over one sequence: `weights` (1, heads, tokens, tokens), part of the graph."""

    weights: Tensor
    query: Tensor  # (1, heads, tokens, width of a head)
    key: Tensor  # the same


class Watch(TorchFunctionMode):
    """Records the attention of the given layers, in their order, for one pass of one sequence: `seen` afterwards.

    Only for self-attention without dropout, as in the towers of a CLIP in eval mode.
    """

    def __init__(self, layers: Sequence[nn.MultiheadAttention]) -> None:
        super().__init__()
        self._layers = list(layers)
        self._found: dict[int, SelfAttention] = {}
        self.embedded: Tensor | None = None  # (1, tokens, width): what the tokens of a text became

    @property
    def seen(self) -> tuple[SelfAttention, ...]:
        """The attention of each layer."""
        return tuple(self._found[id(layer.in_proj_weight)] for layer in self._layers)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is functional.multi_head_attention_forward:
            arguments = SIGNATURE.bind(*args, **(kwargs or {})).arguments
            if any(arguments["in_proj_weight"] is layer.in_proj_weight for layer in self._layers):
                return self._attend(arguments), None
        if func is functional.embedding:
            self.embedded = in_graph(func(*args, **(kwargs or {})))
            return self.embedded
        return func(*args, **(kwargs or {}))

    def _attend(self, arguments: dict[str, Any]) -> Tensor:
        x = arguments["query"].transpose(0, 1)  # (tokens, 1, width) before
        heads = arguments["num_heads"]
        joined = functional.linear(x, arguments["in_proj_weight"], arguments["in_proj_bias"])
        query, key, value = (part.unflatten(2, (heads, -1)).transpose(1, 2) for part in joined.chunk(3, dim=2))
        scores = query @ key.transpose(2, 3) * query.shape[-1] ** -0.5
        if arguments.get("attn_mask") is not None:
            scores = scores + arguments["attn_mask"]
        weights = in_graph(scores.softmax(dim=3))
        self._found[id(arguments["in_proj_weight"])] = SelfAttention(weights, query, key)
        output = (weights @ value).transpose(1, 2).flatten(2)
        return functional.linear(output, arguments["out_proj_weight"], arguments["out_proj_bias"]).transpose(0, 1)


class WatchSoftmax(TorchFunctionMode):
    """Keeps the results of the softmaxes inside: the acoustic branch has exactly one, its attention at CLS."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func is torch.Tensor.softmax:
            self.seen.append(in_graph(result))
        return result


def in_graph(weights: Tensor) -> Tensor:
    """The same tensor, so that a gradient by it can be asked for even where nothing before it is trained."""
    return weights if weights.requires_grad else weights.requires_grad_()
