"""The losses, equations 1 and 2 of the paper: InfoNCE between pictures and utterances, and between voice and words.

Under several processes (torch.distributed) the negatives are those of all: each process scores its own rows against the
features of every process, and gradients flow back to where a feature was made. The mean over processes is then the loss
of the whole batch in one process, and the mean of their gradients its gradient, also where their shares differ.
"""

import math
from dataclasses import dataclass, fields
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import functional

ADDED = 1e-6  # by the authors' code to each sum of exponentials


@dataclass(frozen=True)
class Objective:
    """Form of the loss (docs/paper.md).

    `authors`: as their code has it, with the mean of both directions, in which the inner loss is computed on vectors
    that are not normalised and counted twice. `same_image_negatives`: other pairs of the same picture count as
    negatives, as in equation 1; else they are masked, as in the authors' code. `replicas`: the rows of this process are
    split into so many parts (as `torch.chunk` does, 32 into 11, 11 and 10) with negatives of their own, and the losses
    of the parts are averaged; 0: all rows of all processes are negatives of each other. `shares`: rows of each process
    in order of rank; (): all have as many.
    """

    authors: bool = False
    same_image_negatives: bool = False
    replicas: int = 0
    shares: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Losses:
    """Scalars with gradients: `total` = alpha * inner + (1 - alpha) * outer (equation 2)."""

    total: Tensor
    outer: Tensor
    inner: Tensor  # 0 where a branch is missing


def brewclip_loss(image: Tensor, spoken: Tensor, text: Tensor | None, acoustic: Tensor | None, has_text: Tensor,
                  image_ids: Tensor, scale: Tensor, inner_weight: float, objective: Objective = Objective()) -> Losses:
    """Equation 2 for n pairs: outer V <-> L, inner A <-> T; without both branches the outer loss alone.

    image F_V, spoken F_L, text F_T, acoustic F_A: (n, dim), normalised here; n is this process' share.
    `has_text` (n,) bool: rows without words take no part in the inner loss. `image_ids` (n,) int64 tell which pairs
    share a picture. `scale`: 1 / temperature. `inner_weight`: alpha.
    """
    if objective.replicas:
        losses = [_loss(image[rows], spoken[rows], None if text is None else text[rows],
                        None if acoustic is None else acoustic[rows], has_text[rows], image_ids[rows], scale,
                        inner_weight, objective)
                  for rows in torch.arange(len(image), device=image.device).chunk(objective.replicas)]
        return Losses(*(torch.stack([getattr(part, field.name) for part in losses]).mean() for field in fields(Losses)))
    return _loss(image, spoken, text, acoustic, has_text, image_ids, scale, inner_weight, objective)


def _loss(image: Tensor, spoken: Tensor, text: Tensor | None, acoustic: Tensor | None, has_text: Tensor,
          image_ids: Tensor, scale: Tensor, inner_weight: float, objective: Objective) -> Losses:
    """`brewclip_loss` of rows that are negatives of each other."""
    image, spoken = (functional.normalize(vectors.float(), dim=-1) for vectors in (image, spoken))
    outer = contrast(image, spoken, image_ids, torch.ones_like(has_text), scale, objective)
    if text is None or acoustic is None:
        return Losses(outer, outer, torch.zeros_like(outer))
    text, acoustic = text.float(), acoustic.float()
    if objective.authors:
        inner = 2 * contrast(acoustic, text, image_ids, has_text, scale, objective)
    else:
        inner = contrast(functional.normalize(acoustic, dim=-1), functional.normalize(text, dim=-1), image_ids,
                         has_text, scale, objective)
    return Losses(inner_weight * inner + (1 - inner_weight) * outer, outer, inner)


def contrast(first: Tensor, second: Tensor, image_ids: Tensor, taking_part: Tensor, scale: Tensor,
             objective: Objective = Objective()) -> Tensor:
    """Both directions of equation 1, first -> second plus second -> first, for pairs (n, dim) float32.

    Their mean in place of the sum for `objective.authors`. `taking_part` (n,) bool: rows that are queries and keys.
    """
    present = _Everywhere.of(taking_part.long(), objective)  # gloo gathers no booleans
    banned = (present.all[None, :] == 0).repeat(len(first), 1)
    if not objective.same_image_negatives:
        banned |= image_ids[:, None] == _Everywhere.of(image_ids, objective).all[None, :]
    own = torch.arange(len(first), device=first.device)
    banned[own, own + present.start] = False  # a pair is always its own positive
    rows = present.all.sum().clamp(min=1) / present.processes
    total = sum((_rows(left, _Everywhere.of(right, objective), banned, taking_part, scale, objective.authors) / rows
                 for left, right in ((first, second), (second, first))), torch.zeros((), device=first.device))
    return total / 2 if objective.authors else total


def _rows(queries: Tensor, keys: "_Everywhere", banned: Tensor, taking_part: Tensor, scale: Tensor,
          authors: bool) -> Tensor:
    """The sum of -log softmax at the positives, over the rows that take part."""
    with torch.autocast(queries.device.type, enabled=False):
        logits = (scale.float() * queries @ keys.all.T).masked_fill(banned, -torch.inf)
    targets = torch.arange(len(queries), device=queries.device) + keys.start
    if authors:
        added = torch.full_like(logits[:, :1], math.log(ADDED))
        losses = torch.cat([logits, added], dim=1).logsumexp(dim=1) - logits.gather(1, targets[:, None])[:, 0]
    else:
        losses = functional.cross_entropy(logits, targets, reduction="none")
    return (losses * taking_part).sum()


@dataclass(frozen=True, eq=False)
class _Everywhere:
    """Rows of all processes in order of rank; this process' own begin at `start`."""

    all: Tensor
    start: int
    processes: int

    @classmethod
    def of(cls, rows: Tensor, objective: Objective) -> "_Everywhere":
        """The rows of all processes; of this one alone if replicas have negatives of their own."""
        alone = not dist.is_available() or not dist.is_initialized() or dist.get_world_size() == 1
        if objective.replicas or alone:
            return cls(rows, 0, 1)
        shares = objective.shares or (len(rows),) * dist.get_world_size()
        joined: Tensor = _Gather.apply(rows, shares)
        return cls(joined, sum(shares[:dist.get_rank()]), dist.get_world_size())


class _Gather(torch.autograd.Function):
    """All processes' rows; backwards, a row receives what every process has to say of it."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, shares: tuple[int, ...]) -> Tensor:
        padded = rows.new_zeros(max(shares), *rows.shape[1:])  # all processes must gather tensors of one shape
        padded[:len(rows)] = rows
        gathered = [torch.empty_like(padded) for _ in shares]
        dist.all_gather(gathered, padded)
        ctx.shares = shares
        return torch.cat([part[:share] for part, share in zip(gathered, shares, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        total = gradients[0].contiguous()
        dist.all_reduce(total)
        return total.split(ctx.shares)[dist.get_rank()], None
