"""A CLIP backbone, loaded: embeddings of images and texts in one space.

The bundled small backbone and every image-text model of open_clip are loaded here. Without prompts the embeddings are
open_clip's own, bit for bit on a CPU. They are not normalised: BrewCLIP adds embeddings before it compares them.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core import devices
from core.asr.transcript import EncodedUtterance
from core.fingerprint import Fingerprint
from core.models import backbones
from core.models.brewclip import BrewCLIP
from core.models.open_clip_models import Built, build, prepare
from core.models.retrieval import SpeechFeatures, TextFeatures
from core.pretrained import architectures, weight_files

PICTURES_AT_ONCE = 32  # in one forward pass, so that memory is bounded whatever is handed over
TEXTS_AT_ONCE = 64

Work = Callable[[Any, torch.device], torch.Tensor]  # texts or pixels, where to compute -> (n, dim)


class VisionLanguage:
    """A backbone without a checkpoint: a `RetrievalModel` of words alone. Any thread may call any method.

    `logit_scale` is the factor on cosines (CLIP's exp of the learned number). `built.model` is open_clip's own module,
    frozen, for what is put on top of it.
    """

    uses_text, uses_speech, layers = True, False, 0

    def __init__(self, name: str, built: Built, digest: str, device: devices.Device) -> None:
        self.name = name
        self.title = backbones.title(name)
        self.note = backbones.note(name)
        self.dim = built.dim
        self.image_size = built.image_size
        self.logit_scale = float(built.model.logit_scale.detach().exp())
        self.precision = backbones.PRECISION
        self.built = built
        self._digest = digest
        self._device = device
        self._moving = threading.Lock()
        self._network: BrewCLIP | None = None
        self._place(device)

    @property
    def backbone(self) -> "VisionLanguage":
        """Itself."""
        return self

    @property
    def network(self) -> BrewCLIP:
        """The zero-shot BrewCLIP over it."""
        if self._network is None:
            self._network = BrewCLIP(self.built, "zero-shot").eval()
        return self._network.to(self._device.torch_device)

    @property
    def torch_device(self) -> torch.device:
        """Device in use, as torch names it."""
        return self._device.torch_device

    @property
    def device(self) -> str:
        """Device in use: "cpu", "cuda" or "mps"."""
        return self._device.name

    @property
    def fallback(self) -> str:
        """A sentence that says why it does not compute where it was asked to; else ""."""
        return self._device.note

    def fingerprint(self, crop: str) -> Fingerprint:
        """Fingerprint of this backbone's embeddings of images under a crop policy."""
        return backbones.fingerprint(self.name, self._digest, crop)

    def encode_texts(self, texts: Sequence[str]) -> TextFeatures:
        """Embeddings of texts, and how many tokens of each were beyond the backbone's context (77 for CLIP)."""
        parts = [self.run(self._texts, part) for part in parts_of(texts, TEXTS_AT_ONCE)]
        cut = tuple(max(0, self.built.length(text) - self.built.context) for text in texts)
        return TextFeatures(self._joined(parts), cut)

    def encode_speech(self, utterances: Sequence[EncodedUtterance]) -> SpeechFeatures:
        """Not there: ValueError."""
        raise ValueError("a backbone alone has no acoustic branch")

    def check_recogniser(self, name: str, padding: str) -> None:
        """Any recogniser will do: the words alone are used."""

    def encode_images(self, pixels: np.ndarray) -> np.ndarray:
        """Embeddings (n, dim) float32, not normalised, of pixels (n, size, size, 3) uint8 (`core.images.pixels`).

        An image has the same embedding in every batch, but for the last bits. ValueError on another shape or type.
        """
        side = self.image_size
        if pixels.shape[1:] != (side, side, 3) or pixels.dtype != np.uint8:
            raise ValueError(f"pixels are {pixels.shape} {pixels.dtype}, not (n, {side}, {side}, 3) uint8")
        return self._joined([self.run(self._pixels, part) for part in parts_of(pixels, PICTURES_AT_ONCE)])

    def _texts(self, texts: Sequence[str], device: torch.device) -> torch.Tensor:
        tokens = self.built.tokenizer(list(texts)).to(device)
        vectors: torch.Tensor = self.built.model.encode_text(tokens)
        return vectors

    def _pixels(self, pixels: np.ndarray, device: torch.device) -> torch.Tensor:
        vectors: torch.Tensor = self.built.model.encode_image(prepare(self.built, pixels, device))
        return vectors

    def _joined(self, parts: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(parts) if parts else np.empty((0, self.dim), np.float32)

    def run(self, work: Work, part: Any) -> np.ndarray:
        """The result of work on this backbone's device; once a GPU fails, everything is done on the CPU."""
        used = self._device
        try:
            return self._result(work, part, used)
        except Exception as error:
            if used.name == "cpu":
                raise
            with self._moving:
                if self._device is used:  # another thread may have seen it first
                    self._place(devices.fall_back(used, error))
            return self._result(work, part, self._device)

    def _result(self, work: Work, part: Any, device: devices.Device) -> np.ndarray:
        with torch.inference_mode():
            vectors: np.ndarray = work(part, device.torch_device).float().cpu().numpy()
        return vectors

    def _place(self, device: devices.Device) -> None:
        """Move the model to a device and try it there; to the CPU when that fails."""
        if device.name == "cuda":
            torch.backends.cudnn.allow_tf32 = False  # TF32 keeps 10 bits: other vectors than on a CPU
        try:
            self.built.model.to(device.torch_device)
            if device.name != "cpu":
                self._result(self._texts, ["a picture"], device)
        except Exception as error:
            if device.name == "cpu":
                raise
            device = devices.fall_back(device, error)
            self.built.model.to(device.torch_device)
        self._device = device


def load(name: str, path: Path, device: str = "auto") -> VisionLanguage:
    """The backbone of a weights name ("brewclip-mini", "ViT-L-14/openai", "local-dir:FOLDER") from its file, as
    `core.weights` finds it.

    ModelError as `open_clip_models.build` lists them, or "device" when there is no device of that name. WeightsError
    ("changed") when the file is written to meanwhile. A GPU that fails, now or later, is replaced by the CPU;
    `fallback` then says so.
    """
    chosen = devices.choose(device)
    with weight_files.unchanged(path):  # the digest, which is in fingerprints, is that of what was loaded
        return VisionLanguage(name, build(name, path), architectures.digest(name, path), chosen)


def parts_of(items: Any, length: int) -> Iterator[Any]:
    """Slices of items, `length` each but the last."""
    for start in range(0, len(items), length):
        yield items[start:start + length]
