"""A trained BrewCLIP as the model to index and search with, in the place of its bare backbone.

Pictures and typed texts get the vectors of the trained towers; a spoken query gets F_L, and what its voice gave to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from core.asr.transcript import EncodedUtterance
from core.fingerprint import Fingerprint
from core.models import checkpoints
from core.models.brewclip import BrewCLIP
from core.models.checkpoints import Checkpoint
from core.models.variants import variant
from core.models.vision_language import PICTURES_AT_ONCE, TEXTS_AT_ONCE, TextFeatures, VisionLanguage, parts_of

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FusedFeatures:
    """F_L of n utterances, (n, dim) float32, not normalised, and `voice`, the part of it that the acoustic branch gave.

    `voice` is all of F_L where the variant does not use the words. `cut` as in `TextFeatures`.
    """

    vectors: Floats
    voice: Floats
    cut: tuple[int, ...]


class TrainedModel:
    """A checkpoint on its backbone; the same methods as `VisionLanguage`, and `encode_speech` where it `hears`.

    ModelError as in `checkpoints.assemble`. Safe to use from several threads at once.
    """

    def __init__(self, checkpoint: Checkpoint, backbone: VisionLanguage) -> None:
        self.run = checkpoint.run
        self.checkpoint, self._backbone = checkpoint, backbone
        self._model = checkpoints.assemble(checkpoint, backbone)
        self.name, self.note = backbone.name, backbone.note
        self.dim, self.image_size, self.precision = backbone.dim, backbone.image_size, backbone.precision
        self.title = checkpoints.title(self.run)
        self.uses_speech = variant(self.run.variant).acoustic
        self.uses_text = variant(self.run.variant).text

    @property
    def device(self) -> str:
        """Where it computes now: "cpu", "cuda" or "mps"."""
        return self._backbone.device

    @property
    def fallback(self) -> str:
        """Why it computes on the CPU when something else was asked for, a sentence; else ""."""
        return self._backbone.fallback

    def fingerprint(self, crop: str) -> Fingerprint:
        """The fingerprint of this model's vectors of pictures seen with that crop policy."""
        return checkpoints.fingerprint(self.checkpoint, crop)

    def encode_texts(self, texts: Sequence[str]) -> TextFeatures:
        """F_T of texts, and how many tokens of each were beyond what the prompts leave of the context."""
        found = [self._backbone.run(self._texts, part) for part in parts_of(texts, TEXTS_AT_ONCE)]
        return TextFeatures(self._joined(found), self._model.cut(texts))

    def encode_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """F_V of pictures as `core.images.pixels` gives them: (n, size, size, 3) uint8 -> (n, dim) float32."""
        return self._joined([self._backbone.run(self._pixels, part) for part in parts_of(pixels, PICTURES_AT_ONCE)])

    def encode_speech(self, heard: Sequence[EncodedUtterance]) -> FusedFeatures:
        """F_L of utterances that were heard by the recogniser of the run (`checkpoints.check_recogniser`)."""
        found = self._backbone.run(self._speech, heard)
        cut = self._model.cut([one.transcript.text for one in heard]) if self.uses_text else (0,) * len(heard)
        return FusedFeatures(found[0], found[1], cut)

    def _texts(self, texts: Sequence[str], device: torch.device) -> torch.Tensor:
        return self._on(device).encode_texts(texts)

    def _pixels(self, pixels: np.ndarray, device: torch.device) -> torch.Tensor:
        model = self._on(device)
        return model.encode_stem(model.image_stem(pixels))

    def _speech(self, heard: Sequence[EncodedUtterance], device: torch.device) -> torch.Tensor:
        model = self._on(device)
        batch = model.collate([one.transcript for one in heard], [one.states for one in heard]).to(device)
        features = model.encode_speech(batch)
        _, voice = model.parts(features, batch)
        assert voice is not None
        return torch.stack([features.spoken.float(), voice.float()])

    def _on(self, device: torch.device) -> BrewCLIP:
        """The model where the backbone is now: a GPU that failed has been left."""
        return self._model if self._model.log_scale.device.type == device.type else self._model.to(device)

    def _joined(self, parts: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(parts) if parts else np.empty((0, self.dim), np.float32)
