"""A trained BrewCLIP as the model to index and search with, in place of its bare backbone."""

from collections.abc import Sequence

import numpy as np
import torch

from core.asr.transcript import EncodedUtterance
from core.fingerprint import Fingerprint
from core.models import checkpoints
from core.models.brewclip import BrewCLIP
from core.models.checkpoints import Checkpoint
from core.models.retrieval import SpeechFeatures, TextFeatures
from core.models.variants import variant
from core.models.vision_language import PICTURES_AT_ONCE, TEXTS_AT_ONCE, VisionLanguage, parts_of


class TrainedModel:
    """A checkpoint on its backbone: a `RetrievalModel`. Any thread may call any method.

    ModelError as in `checkpoints.assemble`.
    """

    def __init__(self, checkpoint: Checkpoint, backbone: VisionLanguage) -> None:
        self.run = checkpoint.run
        self.checkpoint, self.backbone = checkpoint, backbone
        self._network = checkpoints.assemble(checkpoint, backbone)
        self.name, self.note = backbone.name, backbone.note
        self.dim, self.image_size, self.precision = backbone.dim, backbone.image_size, backbone.precision
        self.title = checkpoints.title(self.run)
        self.uses_speech = variant(self.run.variant).acoustic
        self.uses_text = variant(self.run.variant).text
        self.layers = self.run.options.layers if self.uses_speech else 0

    @property
    def network(self) -> BrewCLIP:
        """The network, on the backbone's device: it follows the backbone when a GPU fails."""
        return self._on(self.backbone.torch_device)

    @property
    def device(self) -> str:
        """Device in use: "cpu", "cuda" or "mps"."""
        return self.backbone.device

    @property
    def fallback(self) -> str:
        """A sentence that says why it does not compute where it was asked to; else ""."""
        return self.backbone.fallback

    def fingerprint(self, crop: str) -> Fingerprint:
        """Fingerprint of this model's embeddings of images under a crop policy."""
        return checkpoints.fingerprint(self.checkpoint, crop)

    def encode_texts(self, texts: Sequence[str]) -> TextFeatures:
        """F_T of texts, and how many tokens of each were beyond what the prompts leave of the context."""
        parts = [self.backbone.run(self._texts, part) for part in parts_of(texts, TEXTS_AT_ONCE)]
        return TextFeatures(self._joined(parts), self._network.cut(texts))

    def encode_images(self, pixels: np.ndarray) -> np.ndarray:
        """F_V (n, dim) float32 of pixels (n, size, size, 3) uint8 as `core.images.pixels` gives them."""
        return self._joined([self.backbone.run(self._images, part)
                             for part in parts_of(pixels, PICTURES_AT_ONCE)])

    def encode_speech(self, utterances: Sequence[EncodedUtterance]) -> SpeechFeatures:
        """F_L of utterances from the recogniser of the run (`checkpoints.check_recogniser`)."""
        spoken, voice = self.backbone.run(self._speech, utterances)
        texts = [utterance.transcript.text for utterance in utterances]
        return SpeechFeatures(spoken, voice, self._network.cut(texts) if self.uses_text else (0,) * len(texts))

    def check_recogniser(self, name: str, padding: str) -> None:
        """ModelError ("wrong_speech") where the acoustic branch was trained on other encoder states."""
        checkpoints.check_recogniser(self.run, name, padding)

    def _texts(self, texts: Sequence[str], device: torch.device) -> torch.Tensor:
        return self._on(device).encode_texts(texts)

    def _images(self, pixels: np.ndarray, device: torch.device) -> torch.Tensor:
        model = self._on(device)
        return model.encode_stem(model.image_stem(pixels))

    def _speech(self, utterances: Sequence[EncodedUtterance], device: torch.device) -> torch.Tensor:
        model = self._on(device)
        batch = model.collate([one.transcript for one in utterances], [one.states for one in utterances]).to(device)
        features = model.encode_speech(batch)
        _, voice = model.parts(features, batch)
        assert voice is not None
        return torch.stack([features.spoken.float(), voice.float()])

    def _on(self, device: torch.device) -> BrewCLIP:
        """The network on the backbone's device of this call."""
        return self._network if self._network.log_scale.device.type == device.type else self._network.to(device)

    def _joined(self, parts: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(parts) if parts else np.empty((0, self.dim), np.float32)


LoadedModel = VisionLanguage | TrainedModel
