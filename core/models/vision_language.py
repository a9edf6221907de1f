"""Seeing and reading: one backbone that turns pictures and texts into vectors of one space.

Every backbone goes this one way, the bundled small one and every CLIP. Without prompts the vectors are open_clip's own,
bit for bit on a CPU. They are not normalised: BrewCLIP adds vectors before it compares them.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core import devices
from core.fingerprint import Fingerprint
from core.models import backbones
from core.models.open_clip_models import Built, build, prepare
from core.pretrained import weight_files

PICTURES_AT_ONCE = 32  # in one forward pass, so that memory is bounded whatever is handed over
TEXTS_AT_ONCE = 64

Work = Callable[[Any, torch.device], torch.Tensor]  # texts or pixels, where to compute -> (n, dim)


@dataclass(frozen=True)
class TextFeatures:
    """Vectors of texts: (n, dim) float32, not normalised; `cut` has for each text the tokens that did not fit."""

    vectors: np.ndarray
    cut: tuple[int, ...]


class VisionLanguage:
    """A loaded backbone. Safe to use from several threads at once; nothing of a call stays behind.

    `logit_scale` is the factor on cosines (CLIP's exp of the learned number). `built.model` is open_clip's own module,
    frozen, for what is put on top of it.
    """

    def __init__(self, name: str, built: Built, sha256: str, device: devices.Device) -> None:
        self.name = name
        self.title = backbones.title(name)
        self.note = backbones.note(name)
        self.dim = built.dim
        self.image_size = built.image_size
        self.logit_scale = float(built.model.logit_scale.detach().exp())
        self.precision = backbones.PRECISION
        self.uses_speech = False  # it has no acoustic branch
        self.built = built
        self._sha256 = sha256
        self._device = device
        self._moving = threading.Lock()
        self._place(device)

    @property
    def device(self) -> str:
        """Where it computes now: "cpu", "cuda" or "mps"."""
        return self._device.name

    @property
    def fallback(self) -> str:
        """Why it computes on the CPU when something else was asked for, a sentence; else ""."""
        return self._device.note

    def fingerprint(self, crop: str) -> Fingerprint:
        """The fingerprint of this backbone's vectors of pictures seen with that crop policy."""
        return backbones.fingerprint(self.name, self._sha256, crop)

    def encode_texts(self, texts: Sequence[str]) -> TextFeatures:
        """The vectors of texts, and how many tokens of each were beyond the backbone's context (77 for CLIP)."""
        parts = [self.run(self._texts, part) for part in parts_of(texts, TEXTS_AT_ONCE)]
        cut = tuple(max(0, len(self.built.tokenizer.encode(text)) + 2 - self.built.context) for text in texts)
        return TextFeatures(self._joined(parts), cut)

    def encode_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """The vectors of pictures as `core.images.pixels` gives them: (n, size, size, 3) uint8 -> (n, dim) float32.

        Not normalised. A picture gets the same vector in every batch, but for the last bits. ValueError on another
        shape or type.
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
        """The result of work on this backbone's device; when a GPU fails, from then on all is done on the CPU."""
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
        """Bring the model to a device and see it work there; on the CPU when it does not."""
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
    """The backbone of a weights name ("brewclip-mini", "ViT-L-14/openai") from its file, as `core.weights` finds it.

    ModelError as `open_clip_models.build` lists them, or "device" when there is no device of that name. WeightsError
    ("changed") when the file is written to meanwhile. A GPU that fails, now or later, is replaced by the CPU;
    `fallback` then says so.
    """
    chosen = devices.choose(device)
    with weight_files.unchanged(path):  # the digest, which is in fingerprints, is that of what was loaded
        return VisionLanguage(name, build(name, path), weight_files.sha256_of(path), chosen)


def parts_of(items: Any, length: int) -> Iterator[Any]:
    """Slices of items, `length` each but the last."""
    for start in range(0, len(items), length):
        yield items[start:start + length]
