"""The losses, equations 1 and 2 of the paper: InfoNCE between pictures and utterances, and between voice and words.

Under several processes (torch.distributed) the negatives are those of all: each process scores its own rows against the
features of every process, and gradients flow back to where a feature was made. The mean over processes, which
DistributedDataParallel takes of gradients, is then the loss of the whole batch in one process.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, eq=False)
class Losses:
    """Scalars with gradients: `total` = alpha * inner + (1 - alpha) * outer (equation 2)."""

    total: Tensor
    outer: Tensor
    inner: Tensor  # 0 where a branch is missing


def brewclip_loss(image: Tensor, spoken: Tensor, text: Tensor | None, acoustic: Tensor | None, has_text: Tensor,
                  image_ids: Tensor, scale: Tensor, inner_weight: float) -> Losses:
    """Equation 2 for n pairs: outer V <-> L, inner A <-> T; without both branches the outer loss alone.

    image F_V, spoken F_L, text F_T, acoustic F_A: (n, dim), normalised here; n is the same in every process.
    `has_text` (n,) bool: rows without words take no part in the inner loss. `image_ids` (n,) int64: other pairs of the
    same picture are no negatives. `scale`: 1 / temperature. `inner_weight`: alpha.
    """
    ids = _Everywhere.of(image_ids)
    everyone = torch.ones_like(has_text)
    outer = contrast(image, spoken, image_ids, ids, everyone, scale)
    if text is None or acoustic is None:
        return Losses(outer, outer, torch.zeros_like(outer))
    inner = contrast(acoustic, text, image_ids, ids, has_text, scale)
    return Losses(inner_weight * inner + (1 - inner_weight) * outer, outer, inner)


def contrast(first: Tensor, second: Tensor, image_ids: Tensor, ids: "_Everywhere", taking_part: Tensor,
             scale: Tensor) -> Tensor:
    """Both directions of equation 1, first -> second plus second -> first, for pairs (n, dim), in float32."""
    first, second = (functional.normalize(each.float(), dim=-1) for each in (first, second))
    present = _Everywhere.of(taking_part.long())  # gloo gathers no booleans
    banned = (image_ids[:, None] == ids.all[None, :]) | (present.all[None, :] == 0)
    own = torch.arange(len(first), device=first.device)
    banned[own, own + present.start] = False  # a pair is always its own positive
    rows = present.all.sum().clamp(min=1) / present.processes
    return sum((_rows(left, _Everywhere.of(right), banned, taking_part, scale) / rows
                for left, right in ((first, second), (second, first))), torch.zeros((), device=first.device))


def _rows(queries: Tensor, keys: "_Everywhere", banned: Tensor, taking_part: Tensor, scale: Tensor) -> Tensor:
    """The sum of -log softmax at the positives, over the rows that take part."""
    with torch.autocast(queries.device.type, enabled=False):
        logits = (scale.float() * queries @ keys.all.T).masked_fill(banned, -torch.inf)
    targets = torch.arange(len(queries), device=queries.device) + keys.start
    return (functional.cross_entropy(logits, targets, reduction="none") * taking_part).sum()


@dataclass(frozen=True, eq=False)
class _Everywhere:
    """Rows of all processes in order of rank; this process' own begin at `start`."""

    all: Tensor
    start: int
    processes: int

    @classmethod
    def of(cls, rows: Tensor) -> "_Everywhere":
        if not dist.is_available() or not dist.is_initialized() or dist.get_world_size() == 1:
            return cls(rows, 0, 1)
        joined: Tensor = _Gather.apply(rows.contiguous())
        return cls(joined, dist.get_rank() * len(rows), dist.get_world_size())


class _Gather(torch.autograd.Function):
    """All processes' rows; backwards, a row receives what every process has to say of it."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        gathered = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
        dist.all_gather(gathered, rows)
        ctx.rows = len(rows)
        return torch.cat(gathered)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous()
        dist.all_reduce(total)
        start = dist.get_rank() * ctx.rows
        return total[start:start + ctx.rows]
