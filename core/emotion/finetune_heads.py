"""What is fine-tuned: prompts and the acoustic layer under the classes' linear layer. Nothing else has gradients."""

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


def words_of(model: "BrewCLIP", transcripts: Sequence[Transcript]) -> SpokenBatch:
    """n transcripts as the text branch and the gate take them, without states."""
    texts = [one.text for one in transcripts]
    return SpokenBatch(model.tokens(texts)[0], None, torch.zeros(len(texts), dtype=torch.int64),
                       model.signals(transcripts), torch.tensor([bool(text) for text in texts]))


def rows(words: SpokenBatch, places: Sequence[int]) -> SpokenBatch:
    """Some of `words_of`, in that order."""
    chosen = list(places)
    return replace(words, tokens=words.tokens[chosen], lengths=words.lengths[chosen], signals=words.signals[chosen],
                   has_text=words.has_text[chosen])


class FineTuneHead(nn.Module):
    """What is fine-tuned, and says classes of voices."""

    def forward(self, states: Tensor, share: Tensor, words: SpokenBatch | None) -> Tensor:
        """Logits (n, classes) from states, `share` (n, t) of voice (-1: padding), the words of n."""
        raise NotImplementedError

    def features(self, states: Tensor, share: Tensor, words: SpokenBatch | None) -> Tensor:
        """(n, d): what the classes are read from."""
        raise NotImplementedError

    def loss(self, states: Tensor, share: Tensor, words: SpokenBatch | None, targets: Tensor) -> Tensor:
        """The cross-entropy with class numbers (n,)."""
        return functional.cross_entropy(self(states, share, words), targets)

    def learned_before(self) -> list[nn.Parameter]:
        """What a linear probe has learned already."""
        return []


class BranchHead(FineTuneHead):
    """The paper's way: `kind` "fused", "acoustic", "text" or "text-reference" of a model, read by one linear layer at
    unit length. Both branches are added as the model adds them; its gate, where it has one, stays as it is.
    """

    def __init__(self, model: "BrewCLIP", kind: str, classes: int) -> None:
        super().__init__()
        self._model = (model,)  # in a tuple: its frozen towers are no part of what is learned and kept
        self.kind = kind
        self.prompts = nn.Parameter(model.prompts.detach().clone())
        self.acoustic: Any = None if kind in ("text", REFERENCE) else deepcopy(model.acoustic)
        self.head = nn.Linear(model.built.dim, classes)
        self.requires_grad_(True)

    def forward(self, states: Tensor, share: Tensor, words: SpokenBatch | None) -> Tensor:
        """Logits (n, classes) from Z_A (n, t, width), `share` (n, t) of voice (-1: padding), the words of n."""
        logits: Tensor = self.head(self.features(states, share, words))
        return logits

    def features(self, states: Tensor, share: Tensor, words: SpokenBatch | None) -> Tensor:
        """(n, dim) of unit length: what the linear layer reads."""
        model, = self._model
        if self.acoustic is None:
            assert words is not None
            return functional.normalize(self._text(words), dim=1)
        found: Tensor = self.acoustic(states, (share >= 0).sum(dim=1), self.prompts)
        if self.kind == "fused":
            assert words is not None
            text = self._text(words)
            of_text, of_acoustic = model.weights(text, found, words)
            found = of_text * text + of_acoustic * found
        return functional.normalize(found, dim=1)

    def _text(self, words: SpokenBatch) -> Tensor:
        """(n, dim); the same words are read once."""
        model, = self._model
        tokens, place = torch.unique(words.tokens, dim=0, return_inverse=True)
        return prompts.encode_text(model.backbone, tokens, self.prompts).float()[place]


class LayerMixHead(FineTuneHead):
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

    def forward(self, states: Tensor, share: Tensor, words: SpokenBatch | None) -> Tensor:
        """Logits (n, classes) from standardised layers (n, layers, t, width), `share` (n, t) of voice (-1: padding)."""
        weights = share.clamp(min=0)
        means = torch.einsum("nltw,nt->nlw", states, weights / weights.sum(dim=1, keepdim=True))
        logits: Tensor = self.head(self.features(states, share, words)) + self.probe(means.flatten(1))
        return logits

    def features(self, states: Tensor, share: Tensor, words: SpokenBatch | None) -> Tensor:
        """(n, width): what is read beside the means."""
        frames = torch.einsum("nltw,l->ntw", states, self.mix.softmax(dim=0))
        found: Tensor = self.acoustic(frames, (share >= 0).sum(dim=1), self.prompts)
        return found

    def learned_before(self) -> list[nn.Parameter]:
        """As `FineTuneHead`."""
        return list(self.probe.parameters())


class Ensemble(FineTuneHead):
    """Several of one kind that begin differently; they learn each for themselves, and what they say is averaged."""

    def __init__(self, members: Sequence[FineTuneHead]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    @property
    def _all(self) -> list[FineTuneHead]:
        return [each for each in self.members if isinstance(each, FineTuneHead)]

    def forward(self, states: Tensor, share: Tensor, words: SpokenBatch | None) -> Tensor:
        """Log odds (n, classes), the mean of the members' log probabilities."""
        return torch.stack([each(states, share, words).log_softmax(dim=1) for each in self._all]).mean(dim=0)

    def features(self, states: Tensor, share: Tensor, words: SpokenBatch | None) -> Tensor:
        """(n, d): those of all members side by side."""
        return torch.cat([each.features(states, share, words) for each in self._all], dim=1)

    def loss(self, states: Tensor, share: Tensor, words: SpokenBatch | None, targets: Tensor) -> Tensor:
        """The sum of the members' own."""
        return torch.stack([each.loss(states, share, words, targets) for each in self._all]).sum()

    def learned_before(self) -> list[nn.Parameter]:
        """As `FineTuneHead`, of all members."""
        return [one for each in self._all for one in each.learned_before()]
