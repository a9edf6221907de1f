"""What is fine-tuned: prompts and the acoustic layer under the classes' linear layer. Nothing else has gradients."""

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.emotion.probe import LinearProbe
from core.models import prompts
from core.models.acoustic import AcousticBranch
from core.models.variants import BrewClipOptions

if TYPE_CHECKING:
    from core.models.brewclip import BrewCLIP

LOWEST = -30.0  # log odds of a class that was never learned


class BranchHearer(nn.Module):
    """The paper's way: `kind` "fused", "acoustic" or "text" of a model, read by one linear layer at unit length."""

    def __init__(self, model: "BrewCLIP", kind: str, classes: int) -> None:
        super().__init__()
        self._model = (model,)  # in a tuple: its frozen towers are no part of what is learned and kept
        self.kind = kind
        self.prompts = nn.Parameter(model.prompts.detach().clone())
        self.acoustic: Any = None if kind == "text" else deepcopy(model.acoustic)
        self.head = nn.Linear(model.built.dim, classes)
        self.requires_grad_(True)

    def forward(self, states: Tensor, share: Tensor, tokens: Tensor | None) -> Tensor:
        """Logits (n, classes) from Z_A (n, t, width), `share` (n, t) of voice (-1: padding), tokens (n, k)."""
        logits: Tensor = self.head(self.features(states, share, tokens))
        return logits

    def features(self, states: Tensor, share: Tensor, tokens: Tensor | None) -> Tensor:
        """(n, dim) of unit length: what the linear layer reads."""
        parts = []
        model, = self._model
        if self.kind != "acoustic":
            assert tokens is not None
            parts.append(prompts.encode_text(model.backbone, tokens, self.prompts).float())
        if self.acoustic is not None:
            found = self.acoustic(states, (share >= 0).sum(dim=1), self.prompts)
            parts.append(model.options.acoustic_weight * found if parts else found)
        return functional.normalize(torch.stack(parts).sum(dim=0), dim=1)


class LayersHearer(nn.Module):
    """Beyond the paper: the acoustic layer looks at a learnt mixture of all layers, and what it finds is added to what
    a linear probe on their means says, which is where it begins.
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

    def forward(self, states: Tensor, share: Tensor, tokens: Tensor | None) -> Tensor:
        """Logits (n, classes) from standardised layers (n, layers, t, width), `share` (n, t) of voice (-1: padding)."""
        weights = share.clamp(min=0)
        means = torch.einsum("nltw,nt->nlw", states, weights / weights.sum(dim=1, keepdim=True))
        logits: Tensor = self.head(self.features(states, share, tokens)) + self.probe(means.flatten(1))
        return logits

    def features(self, states: Tensor, share: Tensor, tokens: Tensor | None) -> Tensor:
        """(n, width): what is read beside the means."""
        frames = torch.einsum("nltw,l->ntw", states, self.mix.softmax(dim=0))
        found: Tensor = self.acoustic(frames, (share >= 0).sum(dim=1), self.prompts)
        return found
