"""The acoustic branch: Whisper's encoder states and the shared prompts, read out by a CLS vector (section 3.3).

One transformer encoder layer over [CLS, P_T, Linear(Z_A)], of whose output only CLS is used. Its query does not depend
on the utterance, so the layer is computed at CLS alone, and the key, value and input projections, being linear, are
applied to the query and to the pooled states in place of every frame. That is the same function with the same
parameters (a test compares it with PyTorch's layer), at two products a frame and head.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from core.errors import ModelError
from core.localisation import _
from core.models.variants import BrewClipOptions

SPAN = 15  # frames, 0.3 s: hidden at a time, about a syllable


class AcousticBranch(nn.Module):
    """Acoustic branch: Z_A and P_T to F_A.

    `speech_width`: of the encoder's states (512 for Whisper base); `width`: of the text tower and its prompts; `dim`:
    of the joint space. With the option `layers` above 1 it reads a learnt mixture of the encoder's last layers (ours;
    weights through softmax as in SUPERB, Yang et al. 2021, each layer standardised, see `standardise`), else Z_A alone.
    ModelError ("options") when the heads do not divide the width.
    """

    def __init__(self, speech_width: int, width: int, dim: int, options: BrewClipOptions) -> None:
        super().__init__()
        if width % options.heads:
            raise ModelError(_("{heads} heads do not divide the text tower's width of {width}.").format(
                heads=options.heads, width=width), "options")
        self.project = nn.Linear(speech_width, width)
        self.cls = nn.Parameter(torch.empty(width))
        nn.init.normal_(self.cls, std=options.cls_std)
        self.layer = nn.TransformerEncoderLayer(width, options.heads, options.feed_forward, options.dropout, "gelu",
                                                batch_first=True, norm_first=False)
        self.output = nn.Linear(width, dim)
        self.hide = options.mask_states
        several = options.layers > 1
        self.mixture = nn.Parameter(torch.zeros(options.layers)) if several else None
        self.shift = nn.Parameter(torch.zeros(options.layers, speech_width)) if several else None
        self.spread = nn.Parameter(torch.ones(options.layers, speech_width)) if several else None

    def forward(self, states: Tensor, lengths: Tensor, prompts: Tensor) -> Tensor:
        """F_A (n, dim), not normalised, of states (n, frames, speech width), padded, of which `lengths` (n,) are real.

        `prompts` (m, width). Frames at and beyond an utterance's length change nothing. Of several layers the states
        are side by side, (n, frames, layers * speech width), the last one being Z_A.
        """
        own = torch.cat([self.cls[None], prompts])
        x = self.cls + self.layer.dropout1(self._attend(own, self._mixed(states.to(self.cls.dtype)), lengths))
        x = self.layer.norm1(x)
        inner = self.layer.dropout(functional.gelu(self.layer.linear1(x)))
        x = self.layer.norm2(x + self.layer.dropout2(self.layer.linear2(inner)))
        features: Tensor = self.output(x)
        return features

    @torch.no_grad()
    def standardise(self, states: Sequence[NDArray[np.float16]]) -> None:
        """Begin with layers of zero mean and unit variance in the frames of `states` (frames, layers * width) each.

        The middle layers of Whisper have a few numbers a hundred times as large as the others, which would decide
        everything. Without several layers nothing is done.
        """
        if self.shift is None or self.spread is None:
            return
        frames = torch.from_numpy(np.concatenate(states).astype(np.float32)).unflatten(1, self.shift.shape)
        self.shift.copy_(frames.mean(dim=0))
        self.spread.copy_(1 / frames.std(dim=0).clamp(min=1e-3))

    def _mixed(self, states: Tensor) -> Tensor:
        """The mixture of layers (n, frames, speech width)."""
        if self.mixture is None:
            return states
        assert self.shift is not None and self.spread is not None
        layers = (states.unflatten(2, self.shift.shape) - self.shift) * self.spread
        return torch.einsum("nflw,l->nfw", layers, self.mixture.softmax(dim=0))

    def _attend(self, own: Tensor, states: Tensor, lengths: Tensor) -> Tensor:
        """The self-attention's output at CLS (n, width), over `own` tokens (1 + m, width) and the frames."""
        attention = self.layer.self_attn
        heads, width = attention.num_heads, attention.embed_dim
        to_query, to_key, to_value = attention.in_proj_weight.chunk(3)
        query_bias, _unused, value_bias = attention.in_proj_bias.chunk(
            3)  # a key's bias shifts all scores alike: no effect
        query = functional.linear(self.cls, to_query, query_bias).view(heads, 1, -1) * (width // heads) ** -0.5
        probe = (query @ to_key.view(heads, -1, width)).squeeze(1)  # (heads, width): score = probe . token
        attended = torch.arange(states.shape[1], device=states.device) < lengths[:, None]
        if self.training and self.hide:
            attended = attended & ~hidden(lengths, states.shape[1], self.hide)
        own_scores = own @ probe.T  # first: gradients are added up in the order of the graph, to the last bit
        scores = states @ (probe @ self.project.weight).T + probe @ self.project.bias  # (n, frames, heads)
        weights = self._weights(own_scores, scores, attended)
        weights = functional.dropout(weights, self.layer.self_attn.dropout, self.training)
        on_own, on_frames = weights.split([len(own), states.shape[1]], dim=2)
        frames = functional.linear(on_frames @ states, self.project.weight)
        pooled = on_own @ own + frames + on_frames.sum(dim=2, keepdim=True) * self.project.bias  # (n, heads, width)
        values = torch.einsum("nhw,hdw->nhd", pooled, to_value.view(heads, -1, width))
        values = values + weights.sum(dim=2, keepdim=True) * value_bias.view(heads, -1)  # not 1 under dropout
        return attention.out_proj(values.flatten(1))  # type: ignore[no-any-return]

    def _weights(self, own: Tensor, frames: Tensor, attended: Tensor) -> Tensor:
        """Attention (n, heads, 1 + m + frames), float32, from scores (1 + m, heads) and (n, frames, heads).

        `attended` (n, frames) bool.
        """
        frames = frames.float().masked_fill(~attended[..., None], -torch.inf)
        scores = torch.cat([own.float().expand(frames.shape[0], -1, -1), frames], dim=1)
        return scores.transpose(1, 2).softmax(dim=2)


def hidden(lengths: Tensor, frames: int, most: float) -> Tensor:
    """(n, frames) bool, drawn: spans of `SPAN` frames, of each utterance a share between none and `most`, below 1.

    No value is read from a GPU: there as many spans are drawn as `frames` allow, and the last of them hide nothing.
    """
    count = len(lengths)
    shares = most * torch.rand(count, 1, device=lengths.device)
    spans = (shares * lengths[:, None] / SPAN).long()  # they may overlap: never more than the share
    places = torch.arange(frames, device=lengths.device)
    mask = torch.zeros(count, frames, dtype=torch.bool, device=lengths.device)
    for number in range(_draws(spans, frames, most) if count else 0):
        start = (torch.rand(count, 1, device=lengths.device) * (lengths[:, None] - SPAN).clamp(min=0)).long()
        mask |= (places >= start) & (places < start + SPAN) & (number < spans)
    return mask


def _draws(spans: Tensor, frames: int, most: float) -> int:
    """Number of draws: the largest of `spans` where reading it costs nothing, else a bound on it."""
    return int(spans.max()) if spans.device.type == "cpu" else int(most * frames / SPAN) + 1


def pad(states: Sequence[Sequence[np.ndarray]]) -> tuple[Tensor, Tensor]:
    """Utterances as a batch: for each its windows (frames, width) -> (n, most frames, width) float16, lengths (n,).

    All windows of a long utterance follow each other: the branch sees every second of it. ValueError without frames.
    """
    joined = [np.concatenate(windows) for windows in states]
    lengths = [len(each) for each in joined]
    if not lengths or not min(lengths):
        raise ValueError("an utterance without encoder states")
    batch = torch.zeros(len(joined), max(lengths), joined[0].shape[1], dtype=torch.float16)
    for row, each in zip(batch, joined, strict=True):
        row[:len(each)] = torch.from_numpy(np.ascontiguousarray(each, np.float16))
    return batch, torch.tensor(lengths)
