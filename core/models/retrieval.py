"""The interface of a model that indexes and searches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from core.asr.transcript import EncodedUtterance
    from core.fingerprint import Fingerprint

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TextFeatures:
    """Embeddings of texts, (n, dim) float32, not normalised; `cut`: for each text the tokens that did not fit."""

    vectors: Floats
    cut: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class SpeechFeatures:
    """F_L of n utterances, (n, dim) float32, not normalised; `voice` is the part of it from the acoustic branch.

    `voice` is all of F_L where the model does not use the words. `cut` as in `TextFeatures`.
    """

    vectors: Floats
    voice: Floats
    cut: tuple[int, ...]


class RetrievalModel(Protocol):
    """A loaded model. Any thread may call any method."""

    @property
    def title(self) -> str:
        """Name for people."""

    @property
    def dim(self) -> int:
        """Size of the joint space."""

    @property
    def image_size(self) -> int:
        """Side of the images that it takes, in pixels."""

    @property
    def device(self) -> str:
        """Device in use: "cpu", "cuda" or "mps"."""

    @property
    def fallback(self) -> str:
        """A sentence that says why it does not compute where it was asked to; else ""."""

    @property
    def uses_text(self) -> bool:
        """Whether the words of an utterance count."""

    @property
    def uses_speech(self) -> bool:
        """Whether the encoder states of an utterance count: it has an acoustic branch."""

    @property
    def layers(self) -> int:
        """Layers of the recogniser's encoder that it mixes (`TranscriptionOptions.layers`); 0: the last alone."""

    def fingerprint(self, crop: str) -> "Fingerprint":
        """Fingerprint of the embeddings of images under a crop policy."""

    def encode_images(self, pixels: NDArray[np.uint8]) -> Floats:
        """Embeddings (n, dim), not normalised, of pixels (n, size, size, 3) as `core.images.pixels` gives them."""

    def encode_texts(self, texts: Sequence[str]) -> TextFeatures:
        """Embeddings of texts."""

    def encode_speech(self, utterances: "Sequence[EncodedUtterance]") -> SpeechFeatures:
        """Embeddings of utterances. ValueError where it does not use speech."""

    def check_recogniser(self, name: str, padding: str) -> None:
        """ModelError ("wrong_speech") where the acoustic branch was trained on other encoder states."""
