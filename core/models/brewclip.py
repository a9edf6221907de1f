"""BrewCLIP (section 3.3): a frozen CLIP and Whisper's states, joined by shared prompts and an acoustic branch.

    F_T = text tower [SOS, P_T, words, EOT]      F_V = image tower [class, patches, Linear(P_T)]
    F_A = acoustic branch [CLS, P_T, Linear(Z_A)]      F_L = F_A + F_T, not normalised before the sum

What is trained: prompts, the Linear to P_V, the acoustic branch, the temperature, the gate where there is one. Vectors
come out un-normalised, in float32 whatever autocast is on; the backbone stays in eval mode and without gradients.
"""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.asr.transcript import Transcript
from core.models import prompts, sentences
from core.models.acoustic import AcousticBranch, pad
from core.models.gate_inputs import gate_inputs
from core.models.losses import Losses, Objective, brewclip_loss
from core.models.open_clip_models import Built, prepare
from core.models.variants import BrewClipOptions, variant

SHARPEST = math.log(100)  # of the learnt log scale, as in CLIP: beyond it training becomes unstable


@dataclass(frozen=True, eq=False)
class SpokenBatch:
    """n utterances as tensors."""

    tokens: Tensor  # (n, k) int64, k <= context; of texts in several pieces (p, k), p >= n
    states: Tensor | None  # (n, frames, speech width) float16, padded; None where no acoustic branch reads them
    lengths: Tensor  # (n,) int64, frames of `states` that are real
    signals: Tensor  # (n, 3) float32: mean log probability, no-speech probability, share of the words that was cut
    has_text: Tensor  # (n,) bool: whether anything was transcribed
    owners: Tensor | None = None  # (p,) int64: the utterance of each row of `tokens`; None where it is its own row
    text: Tensor | None = None  # (n, dim) float32: F_T where it is known already

    def to(self, device: torch.device | str) -> "SpokenBatch":
        """The same batch on a device."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def pinned(self) -> "SpokenBatch":
        """The same batch in pinned memory, from which a GPU copies while it computes."""
        return self._each(Tensor.pin_memory)

    def _each(self, change: Callable[[Tensor], Tensor]) -> "SpokenBatch":
        tensors = {value.name: getattr(self, value.name) for value in fields(self)}
        return replace(self, **{name: change(tensor) for name, tensor in tensors.items() if tensor is not None})


@dataclass(frozen=True, eq=False)
class BranchFeatures:
    """Vectors of n utterances, (n, dim) float32, not normalised. F_T or F_A is None where the variant lacks it."""

    spoken: Tensor  # F_L
    text: Tensor | None  # F_T
    acoustic: Tensor | None  # F_A
    has_text: Tensor  # (n,) bool


@dataclass(frozen=True, eq=False)
class Features:
    """Vectors of n pairs; `image` is F_V (n, dim) float32, not normalised, `scale` 1 / temperature."""

    image: Tensor
    speech: BranchFeatures
    scale: Tensor


class BrewCLIP(nn.Module):
    """A variant over a backbone. `speech_width`: of Whisper's encoder states, 512 for base.

    The variant zero-shot takes every backbone. ModelError: unsupported (another variant over a backbone without a place
    for prompts), unknown (variant), options.
    """

    def __init__(self, built: Built, variant_name: str, options: BrewClipOptions | None = None,
                 speech_width: int = 512) -> None:
        super().__init__()
        self.variant, self.options = variant(variant_name), options or BrewClipOptions()
        trained = self.variant.prompts or self.variant.acoustic
        if trained:
            prompts.check(built.model)
        self.built, self.speech_width = built, speech_width
        self.backbone: Any = built.model.eval().requires_grad_(False)
        width, vision_width = prompts.widths(built.model)
        count = self.options.prompts if self.variant.prompts else 0
        self.prompts = nn.Parameter(torch.empty(count, width), requires_grad=count > 0)
        nn.init.normal_(self.prompts, std=self.options.prompt_std)
        self.to_image = nn.Linear(width, vision_width) if count else None
        self.acoustic = (AcousticBranch(speech_width, width, built.dim, self.options)
                         if self.variant.acoustic else None)
        self.gate = Gate() if self.options.gate and self.variant.text and self.variant.acoustic else None
        self.log_scale = nn.Parameter(torch.tensor(-math.log(self.options.temperature)),
                                      requires_grad=trained and self.options.learn_temperature)

    def train(self, mode: bool = True) -> "BrewCLIP":
        """Set the training mode of the trained parts; the backbone always stays in eval mode."""
        super().train(mode)
        self.backbone.eval()
        return self

    def with_options(self, **changes: Any) -> "BrewCLIP":
        """This model under other options that need no other tensors; its parameters are shared.

        `gate=False` leaves the gate out. ModelError ("options").
        """
        view = copy.copy(self)
        view._modules = dict(self._modules)
        view.options = replace(self.options, **changes)
        view.gate = self.gate if view.options.gate else None
        return view

    @property
    def scale(self) -> Tensor:
        """1 / temperature, a scalar; at most 100."""
        return self.log_scale.clamp(max=SHARPEST).exp()

    def trained(self) -> dict[str, nn.Parameter]:
        """The parameters that are trained, by name: what an optimiser takes and a checkpoint keeps."""
        return {name: parameter for name, parameter in self.named_parameters() if parameter.requires_grad}

    def forward(self, pictures: Tensor, speech: SpokenBatch) -> Features:
        """The vectors of n pairs.

        `pictures`: stems (n, 1 + patches, vision width) as `image_stem` gives them, or F_V (n, dim) where it is known.
        """
        image = pictures if pictures.ndim == 2 else self.encode_stem(pictures)
        return Features(image, self.encode_speech(speech), self.scale)

    def loss(self, features: Features, image_ids: Tensor, objective: Objective = Objective()) -> Losses:
        """Equation 2 for the pairs; `image_ids` (n,) int64 tell which pairs share a picture. See `brewclip_loss`."""
        speech = features.speech
        return brewclip_loss(features.image, speech.spoken, speech.text, speech.acoustic, speech.has_text, image_ids,
                             features.scale, self.options.inner_weight, objective)

    # --- images ---

    def image_stem(self, pixels: np.ndarray) -> Tensor:
        """Stem tokens: the image tower up to where the prompts enter; they depend on the backbone alone.

        Pixels (n, size, size, 3) uint8, as `core.images.pixels` gives them -> (n, 1 + patches, vision width) float32.
        """
        return prompts.image_stem(self.backbone, prepare(self.built, pixels, self.log_scale.device))

    def encode_stem(self, stem: Tensor) -> Tensor:
        """F_V of stem tokens: (n, 1 + patches, vision width) -> (n, dim)."""
        visual = stem.new_empty(0, stem.shape[-1]) if self.to_image is None else self.to_image(self.prompts)
        return prompts.encode_stem(self.backbone, stem, visual).float()

    # --- texts and utterances ---

    @property
    def _before_words(self) -> Tensor:
        """P_T of the text tower; none in `e2e`, whose prompts were not trained with words."""
        return self.prompts if self.variant.text else self.prompts[:0]

    def tokens(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Texts as tokens (n, k) int64 with room for the prompts, and (n,) float32 the share of each that was cut."""
        context, count = self.built.context, len(self._before_words)
        tokens: Tensor = self.built.tokenizer(list(texts))
        whole = [self.built.length(text) for text in texts]
        lengths = torch.tensor(whole)
        if count:  # without prompts the vectors are open_clip's within rounding, from the whole context
            longest = min(max(whole), context - count)  # under the causal mask nothing after EOT is seen
            tokens = prompts.make_room(tokens, count, context)[:, :longest]
        return tokens, (lengths + count - context).clamp(min=0) / lengths

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Number of tokens of each text that are read, SOS and EOT included."""
        room = self.built.context - len(self._before_words)
        return [min(self.built.length(text), room) for text in texts]

    def cut(self, texts: Sequence[str]) -> tuple[int, ...]:
        """Number of tokens of each text beyond the room that the prompts leave in the context."""
        return tuple(0 for _ in texts) if self.options.pool_sentences else self._excess(texts)

    def _excess(self, texts: Sequence[str]) -> tuple[int, ...]:
        room = self.built.context - len(self._before_words)
        return tuple(max(0, self.built.length(text) - room) for text in texts)

    def pieces(self, texts: Sequence[str]) -> tuple[list[str], Tensor | None]:
        """Texts to encode: themselves, or under `pool_sentences` long ones in p pieces that fit, and the text of each
        piece, (p,) int64.
        """
        if not self.options.pool_sentences or not any(self._excess(texts)):
            return list(texts), None
        room = self.built.context - len(self._before_words)
        split = [sentences.pieces(text, self.built.length, room) for text in texts]
        owners = [number for number, parts in enumerate(split) for _ in parts]
        return [part for parts in split for part in parts], torch.tensor(owners, dtype=torch.int64)

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """F_T of texts: (n, dim)."""
        pieces, owners = self.pieces(texts)
        device = self.log_scale.device
        features = self.encode_tokens(self.tokens(pieces)[0].to(device))
        return features if owners is None else _pooled(features, owners.to(device), len(texts))

    def collate(self, transcripts: Sequence[Transcript], states: Sequence[Sequence[np.ndarray]] | None = None
                ) -> SpokenBatch:
        """Utterances as a batch on the CPU; `states`: the windows (frames, speech width) of each.

        Variants without an acoustic branch leave the states out; ValueError when one that has it gets none. For the
        reference caption in place of the transcript ("GT"): `replace(transcript, text=caption)`.
        """
        texts = [transcript.text for transcript in transcripts]
        pieces, owners = self.pieces(texts)
        tokens = self.tokens(pieces)[0]
        padded, lengths = None, torch.zeros(len(texts), dtype=torch.int64)
        if self.acoustic is not None:
            if states is None:
                raise ValueError(f"the variant {self.variant.name} needs the encoder's states")
            padded, lengths = pad(states)
        return SpokenBatch(tokens, padded, lengths, self.signals(transcripts),
                           torch.tensor([bool(text) for text in texts]), owners)

    def signals(self, transcripts: Sequence[Transcript]) -> Tensor:
        """Gate inputs per utterance, (n, 3); see `SpokenBatch`."""
        texts = [transcript.text for transcript in transcripts]
        lengths = (self.built.length(text) for text in texts)
        return torch.from_numpy(gate_inputs(transcripts, self.cut(texts), lengths))

    def encode_tokens(self, tokens: Tensor) -> Tensor:
        """F_T of tokens (n, k) from `tokens`: (n, dim). A typed text has no other vector, whatever the variant."""
        return prompts.encode_text(self.backbone, tokens, self._before_words).float()

    def encode_speech(self, batch: SpokenBatch) -> BranchFeatures:
        """F_L of utterances, and the branches it was made of.

        Where nothing was transcribed, F_L of `full` is F_A alone.
        """
        text = self._text(batch) if self.variant.text else None
        acoustic = None
        if self.acoustic is not None:
            assert batch.states is not None
            acoustic = self.acoustic(batch.states, batch.lengths, self.prompts).float()
        fused = self.fuse(text, acoustic, batch)
        if text is None and self.training and self.options.learn_words:  # for the loss alone
            text = self._text(batch)
        return BranchFeatures(fused, text, acoustic, batch.has_text)

    def _text(self, batch: SpokenBatch) -> Tensor:
        """F_T (n, dim)."""
        if batch.text is not None:
            return batch.text
        text = self.encode_tokens(batch.tokens)
        return text if batch.owners is None else _pooled(text, batch.owners, len(batch.has_text))

    def parts(self, features: BranchFeatures, batch: SpokenBatch) -> tuple[Tensor | None, Tensor | None]:
        """Addends (n, dim) of F_L from the text and the acoustic branch; None for one that the variant lacks."""
        if features.text is None or features.acoustic is None:
            return features.text, features.acoustic
        of_text, of_acoustic = self.weights(features.text, features.acoustic, batch)
        return of_text * features.text, of_acoustic * features.acoustic

    def fuse(self, text: Tensor | None, acoustic: Tensor | None, batch: SpokenBatch) -> Tensor:
        """F_L (n, dim) of F_T and F_A, of which a variant may lack one."""
        if text is None or acoustic is None:
            only = acoustic if text is None else text
            assert only is not None
            return only
        of_text, of_acoustic = self.weights(text, acoustic, batch)
        return of_text * text + of_acoustic * acoustic

    def weights(self, text: Tensor, acoustic: Tensor, batch: SpokenBatch) -> tuple[Tensor, Tensor]:
        """The weights (n, 1) of F_T and F_A in F_L = F_T + F_A: ones (the paper), or as the options `acoustic_weight`
        and `gate` have them; 0 and 1 where nothing was transcribed.
        """
        one = torch.ones_like(text[:, :1])
        of_text, of_acoustic = one, one * self.options.acoustic_weight
        if self.gate is not None:
            share = self.gate(text, acoustic, batch.signals)
            of_text, of_acoustic = 2 * (1 - share) * of_text, 2 * share * of_acoustic
        has_text = batch.has_text[:, None]
        return torch.where(has_text, of_text, 0 * one), torch.where(has_text, of_acoustic, one)


def _pooled(rows: Tensor, owners: Tensor, count: int) -> Tensor:
    """Means (count, dim) of the rows (p, dim) that have the same owner (p,)."""
    total = rows.new_zeros(count, rows.shape[1]).index_add(0, owners, rows)
    ones = rows.new_ones(len(rows))  # not `bincount`, which makes a GPU wait for what is in `owners`
    return total / rows.new_zeros(count).index_add(0, owners, ones)[:, None]


class Gate(nn.Module):
    """The acoustic branch's share in the sum, per utterance (beyond the paper); it begins as plain addition, a half.

    It is fed by the recogniser's mean log probability, its no-speech probability, the share of words that was cut, and
    the cosine of F_A and F_T.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weigh = nn.Linear(4, 1)
        nn.init.zeros_(self.weigh.weight)
        nn.init.zeros_(self.weigh.bias)

    def forward(self, text: Tensor, acoustic: Tensor, signals: Tensor) -> Tensor:
        """(n, 1) in 0..1 from F_T, F_A (n, dim) and signals (n, 3)."""
        cosine = functional.cosine_similarity(text, acoustic, dim=-1)
        shares: Tensor = self.weigh(torch.cat([signals, cosine[:, None]], dim=1))
        return shares.float().sigmoid()
