"""One training step: loss of the whole batch, its gradients, in micro-batches where asked, and the update.

Micro-batches are computed as in GradCache (Gao et al. 2021): all are embedded without a graph, the loss of the whole
batch is derived at the embeddings, and each micro-batch is then computed again with its graph, from the same random
numbers, to lead these derivatives to the parameters. It needs the memory of one micro-batch, and a second forward pass.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from importlib.util import find_spec
from shutil import which
from typing import Any

import torch
from torch import Tensor, nn

from core.errors import TrainingError
from core.localisation import _
from core.models.brewclip import BranchFeatures, BrewCLIP, Features
from core.models.losses import Losses, Objective
from core.training.dataset import PairBatch, PairDataset
from core.training.distillation import TextDistillation
from core.training.distributed import Processes, shares
from core.training.recipe import TrainingOptions, rate_at

STREAMS = 1_000_003  # seeds of steps, processes and micro-batches lie this far apart
COMPILERS = ("c++", "g++", "clang++", "cl")


class TrainingStep:
    """Updates a model's trained parameters, batch by batch; `lesson` is the text distillation, if any."""

    def __init__(self, model: BrewCLIP, corpus: PairDataset, options: TrainingOptions, processes: Processes,
                 lesson: TextDistillation | None = None) -> None:
        self._model, self._corpus, self._options, self._processes = model, corpus, options, processes
        self._lesson, self._trained = lesson, list(model.trained().values())
        self.device = model.log_scale.device
        self.precision = options.precision_on(self.device.type)
        self.optimiser = torch.optim.Adam(self._trained, lr=options.rate, weight_decay=options.weight_decay)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "float16")
        self._compiled = self._compiled_blocks()
        self._objective = Objective(options.loss == "authors", options.same_image_negatives,
                                    options.replicas // processes.count, shares(options.batch, processes.count))

    def _compiled_blocks(self) -> Any:
        """The image tower's blocks as the steps run them. TrainingError ("compile") where they cannot be compiled."""
        blocks, asked = self._model.backbone.visual.transformer, self._options.compile
        needs_tower = self._model.prompts.numel() > 0  # else its vectors are known
        if asked == "off" or not needs_tower or (asked == "auto" and not _compiles_for_gpu(self.device)):
            return blocks
        if not _compiles_for_gpu(self.device) and not (self.device.type == "cpu" and any(map(which, COMPILERS))):
            raise TrainingError(_("The image tower cannot be compiled here: that needs Triton for an NVIDIA GPU, or a "
                                  "C++ compiler for the CPU. What was computed so far is kept; begin a run with "
                                  "compile off."), "compile")
        return torch.compile(blocks, dynamic=False)

    def batches(self, step: int) -> tuple[PairBatch, ...]:
        """This process' share of a step's batch in micro-batches, ready for the device; for a thread that reads ahead.
        """
        found = self._corpus.batches(step, self._processes.rank, self._processes.count, self._options.micro_batch)
        return tuple(batch.pinned() for batch in found) if self.device.type == "cuda" else found

    def __call__(self, step: int, batches: Sequence[PairBatch]) -> Losses:
        """The update of a step (from 0) with its `batches`; the losses of this process' share."""
        self._model.train()
        losses = self._whole(step, batches[0]) if len(batches) == 1 else self._in_parts(step, batches)
        self._processes.average([parameter.grad for parameter in self._trained if parameter.grad is not None])
        for group in self.optimiser.param_groups:
            group["lr"] = rate_at(step, self._options)
        self.scaler.unscale_(self.optimiser)
        if self._options.clip:
            nn.utils.clip_grad_norm_(self._trained, self._options.clip)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        return losses

    def _whole(self, step: int, batch: PairBatch) -> Losses:
        """The losses of a share in one piece; leaves gradients in the parameters."""
        with self._autocast():
            losses = self._losses(self._features(step, 0, batch), [batch])
        self._backward(losses)
        return losses

    def _in_parts(self, step: int, batches: Sequence[PairBatch]) -> Losses:
        """As `_whole`, in micro-batches."""
        with torch.no_grad():
            embedded = [self._embedded(step, number, batch) for number, batch in enumerate(batches)]
        leaves = [None if vectors[0] is None else torch.cat(vectors).requires_grad_()
                  for vectors in zip(*(_vectors(features) for features in embedded), strict=True)]
        image, spoken, text, acoustic = leaves
        assert image is not None and spoken is not None
        has_text = torch.cat([features.speech.has_text for features in embedded])
        with self._autocast():
            losses = self._losses(Features(image, BranchFeatures(spoken, text, acoustic, has_text), self._model.scale),
                                  batches)
        self._backward(losses)
        sizes = [len(batch.rows) for batch in batches]
        gradients = zip(*([None] * len(sizes) if leaf is None or leaf.grad is None else leaf.grad.split(sizes)
                          for leaf in leaves), strict=True)
        for number, (batch, own) in enumerate(zip(batches, gradients, strict=True)):
            vectors = _vectors(self._embedded(step, number, batch))
            roots = [(vector, gradient) for vector, gradient in zip(vectors, own, strict=True)
                     if vector is not None and vector.requires_grad and gradient is not None]
            torch.autograd.backward([vector for vector, _unused in roots], [gradient for _unused, gradient in roots])
        return losses

    def _backward(self, losses: Losses) -> None:
        """Put the gradients of a loss in place of those before."""
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(losses.total).backward()

    def _embedded(self, step: int, number: int, batch: PairBatch) -> Features:
        """`_features` under an autocast of its own: one remembers weights that it converted without a graph."""
        with self._autocast():
            return self._features(step, number, batch)

    def _features(self, step: int, number: int, batch: PairBatch) -> Features:
        """The features of micro-batch `number`; all its randomness depends on the seed, the step and its place."""
        stream = self._processes.rank + self._processes.count * number
        torch.manual_seed(((self._options.seed * STREAMS + step) * STREAMS + stream) % 2**63)
        with (_checkpointed(self._model, self._options.activation_checkpointing and torch.is_grad_enabled()),
              _in_place(self._model.backbone.visual, self._compiled)):
            features: Features = self._model(self._corpus.stems(batch, self.device), batch.speech.to(self.device))
        return features

    def _losses(self, features: Features, batches: Sequence[PairBatch]) -> Losses:
        """The losses of a share, with that of the distillation in the total."""
        ids, rows = (torch.cat(each).to(self.device, non_blocking=True) for each in (
            [batch.image_ids for batch in batches], [batch.rows for batch in batches]))
        losses = self._model.loss(features, ids, self._objective)
        acoustic = features.speech.acoustic
        if self._lesson is None or acoustic is None:
            return losses
        share = len(rows) * self._processes.count / self._options.batch  # 1 where all processes have as many
        return replace(losses, total=losses.total + self._options.teach * share * self._lesson.loss(acoustic, rows))

    def _autocast(self) -> AbstractContextManager[Any]:
        return autocast(self.device, self.precision)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """A context that computes in a precision of `core.training.recipe.PRECISIONS`."""
    return nullcontext() if precision == "float32" else torch.autocast(device.type, getattr(torch, precision))


def _vectors(features: Features) -> tuple[Tensor | None, ...]:
    """Image, spoken, text and acoustic embeddings of pairs: all that the losses depend on beside the temperature."""
    return features.image, features.speech.spoken, features.speech.text, features.speech.acoustic


def _compiles_for_gpu(device: torch.device) -> bool:
    return device.type == "cuda" and find_spec("triton") is not None


@contextmanager
def _in_place(visual: Any, blocks: Any) -> Iterator[None]:
    """A context in which the image tower has these blocks; outside of steps, other shapes would be compiled anew."""
    before, visual.transformer = visual.transformer, blocks
    try:
        yield
    finally:
        visual.transformer = before


@contextmanager
def _checkpointed(model: BrewCLIP, active: bool) -> Iterator[None]:
    """A context in which the frozen towers keep the inputs of their blocks alone and compute the rest again for the
    backward pass.
    """
    towers = (model.backbone.transformer, model.backbone.visual.transformer) if active else ()
    for tower in towers:
        tower.grad_checkpointing = True
    try:
        yield
    finally:
        for tower in towers:
            tower.grad_checkpointing = False
