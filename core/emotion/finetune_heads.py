"""Heads for fine-tuning: prompts and acoustic layer under a linear layer. Nothing else has gradients."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.asr.transcript import Transcript
from core.emotion.features import REFERENCE
from core.emotion.probe import LinearProbe
from core.models import prompts
from core.models.acoustic import AcousticBranch
from core.models.brewclip import SpokenBatch
from core.models.variants import BrewClipOptions

if TYPE_CHECKING:
    from core.models.brewclip import BrewCLIP

LOWEST = -30.0  # log odds of a class that was never learned


def text_batch(model: "BrewCLIP", transcripts: Sequence[Transcript]) -> SpokenBatch:
    """n transcripts as input of the text branch and the gate, without states."""
    texts = [transcript.text for transcript in transcripts]
    return SpokenBatch(model.tokens(texts)[0], None, torch.zeros(len(texts), dtype=torch.int64),
                       model.signals(transcripts), torch.tensor([bool(text) for text in texts]))


def text_rows(texts: SpokenBatch, rows: Sequence[int]) -> SpokenBatch:
    """Some rows of `text_batch`, in that order."""
    chosen = list(rows)
    return replace(texts, tokens=texts.tokens[chosen], lengths=texts.lengths[chosen], signals=texts.signals[chosen],
                   has_text=texts.has_text[chosen])


class FineTuneHead(nn.Module):
    """Module that is fine-tuned to classify voices."""

    def forward(self, states: Tensor, share: Tensor, texts: SpokenBatch | None) -> Tensor:
        """Logits (n, classes) from states, `share` (n, t) of voice (-1: padding), the words of n."""
        raise NotImplementedError

    def features(self, states: Tensor, share: Tensor, texts: SpokenBatch | None) -> Tensor:
        """(n, d): input of the linear layer."""
        raise NotImplementedError

    def loss(self, states: Tensor, share: Tensor, texts: SpokenBatch | None, targets: Tensor) -> Tensor:
        """The cross-entropy with class numbers (n,)."""
        return functional.cross_entropy(self(states, share, texts), targets)

    def pretrained(self) -> list[nn.Parameter]:
        """Parameters that a linear probe has learned already."""
        return []


class BranchHead(FineTuneHead):
    """The paper's head: one linear layer on `kind` "fused", "acoustic", "text" or "text-reference" of a model at unit
    length. Both branches are added as the model adds them; its gate, where it has one, stays frozen.
    """

    def __init__(self, model: "BrewCLIP", kind: str, classes: int) -> None:
        super().__init__()
        self._model = (model,)  # in a tuple: its frozen towers are no part of what is learned and kept
        self.kind = kind
        self.prompts = nn.Parameter(model.prompts.detach().clone())
        self.acoustic: Any = None if kind in ("text", REFERENCE) else deepcopy(model.acoustic)
        self.head = nn.Linear(model.built.dim, classes)
        self.requires_grad_(True)

    def forward(self, states: Tensor, share: Tensor, texts: SpokenBatch | None) -> Tensor:
        """Logits (n, classes) from Z_A (n, t, width), `share` (n, t) of voice (-1: padding), the words of n."""
        logits: Tensor = self.head(self.features(states, share, texts))
        return logits

    def features(self, states: Tensor, share: Tensor, texts: SpokenBatch | None) -> Tensor:
        """(n, dim) of unit length: input of the linear layer."""
        model, = self._model
        if self.acoustic is None:
            assert texts is not None
            return functional.normalize(self._text(texts), dim=1)
        acoustic: Tensor = self.acoustic(states, (share >= 0).sum(dim=1), self.prompts)
        if self.kind == "fused":
            assert texts is not None
            text = self._text(texts)
            of_text, of_acoustic = model.weights(text, acoustic, texts)
            acoustic = of_text * text + of_acoustic * acoustic
        return functional.normalize(acoustic, dim=1)

    def _text(self, texts: SpokenBatch) -> Tensor:
        """(n, dim); the same words are read once."""
        model, = self._model
        tokens, place = torch.unique(texts.tokens, dim=0, return_inverse=True)
        return prompts.encode_text(model.backbone, tokens, self.prompts).float()[place]


class LayerMixHead(FineTuneHead):
    """Beyond the paper: an acoustic layer over a learnt mixture of all layers. Its logits are added to those of a
    linear probe on the layers' means, with which training begins.
    """

    def __init__(self, start: LinearProbe, layers: int, width: int, options: BrewClipOptions) -> None:
        super().__init__()
        classes = len(start.bias)
        self.prompts = nn.Parameter(torch.randn(options.prompts, width) * options.prompt_std)
        self.acoustic = AcousticBranch(width, width, width, options)
        self.mix = nn.Parameter(torch.zeros(layers))
        self.probe = nn.Linear(layers * width, classes)
        self.head = nn.Linear(width, classes)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.probe.weight.data.copy_(torch.from_numpy(start.weights))
        self.probe.bias.data.copy_(torch.from_numpy(start.bias).clamp(min=LOWEST))

    def forward(self, states: Tensor, share: Tensor, texts: SpokenBatch | None) -> Tensor:
        """Logits (n, classes) from standardised layers (n, layers, t, width), `share` (n, t) of voice (-1: padding)."""
        weights = share.clamp(min=0)
        means = torch.einsum("nltw,nt->nlw", states, weights / weights.sum(dim=1, keepdim=True))
        logits: Tensor = self.head(self.features(states, share, texts)) + self.probe(means.flatten(1))
        return logits

    def features(self, states: Tensor, share: Tensor, texts: SpokenBatch | None) -> Tensor:
        """(n, width): input of the linear layer beside the means."""
        frames = torch.einsum("nltw,l->ntw", states, self.mix.softmax(dim=0))
        acoustic: Tensor = self.acoustic(frames, (share >= 0).sum(dim=1), self.prompts)
        return acoustic

    def pretrained(self) -> list[nn.Parameter]:
        """Parameters of the linear layer over the means."""
        return list(self.probe.parameters())


class Ensemble(FineTuneHead):
    """Ensemble of independently initialised heads; log-probabilities are averaged."""

    def __init__(self, members: Sequence[FineTuneHead]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    @property
    def _all(self) -> list[FineTuneHead]:
        return [member for member in self.members if isinstance(member, FineTuneHead)]

    def forward(self, states: Tensor, share: Tensor, texts: SpokenBatch | None) -> Tensor:
        """Log odds (n, classes), the mean of the members' log probabilities."""
        return torch.stack([member(states, share, texts).log_softmax(dim=1) for member in self._all]).mean(dim=0)

    def features(self, states: Tensor, share: Tensor, texts: SpokenBatch | None) -> Tensor:
        """(n, d): those of all members side by side."""
        return torch.cat([member.features(states, share, texts) for member in self._all], dim=1)

    def loss(self, states: Tensor, share: Tensor, texts: SpokenBatch | None, targets: Tensor) -> Tensor:
        """The sum of the members' own."""
        return torch.stack([member.loss(states, share, texts, targets) for member in self._all]).sum()

    def pretrained(self) -> list[nn.Parameter]:
        """Pretrained parameters of all members."""
        return [parameter for member in self._all for parameter in member.pretrained()]
