"""Small models with random weights, and the bundled backbone."""

from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

from core.asr.transcript import EncodedUtterance, Transcript, Word
from core.models import vision_language
from core.models.brewclip import BrewCLIP
from core.models.open_clip_models import Built
from core.models.variants import BrewClipOptions

SMALL = BrewClipOptions(heads=4, feed_forward=32)
SPEECH_WIDTH = 20
TEXT = "a brown dog's ball rolls"
WORDS = tuple(Word(text, place * 0.2, place * 0.2 + 0.2, 0.9) for place, text in enumerate(TEXT.split()))

MakeModel = Callable[..., BrewCLIP]
MakeHeard = Callable[..., EncodedUtterance]


@pytest.fixture(scope="session")
def tiny() -> Built:
    """A native CLIP of three layers, 4 x 4 patches; all widths differ."""
    torch.manual_seed(0)
    clip = CLIP(32, CLIPVisionCfg(image_size=32, layers=3, width=64, head_width=32, patch_size=8),
                CLIPTextCfg(width=48, heads=2, layers=3)).eval().requires_grad_(False)
    for each in clip.parameters():  # enough that attention is not the same everywhere
        if each.ndim > 1:
            each.mul_(2)
    return Built(clip, open_clip.SimpleTokenizer(), 77, 32, 32, (0.5, 0.4, 0.3), (0.3, 0.2, 0.25), channels_last=False)


@pytest.fixture(scope="session")
def make(tiny: Built) -> MakeModel:
    """make(variant, **options) -> a model with random weights on the tiny backbone."""
    def build(variant: str = "full", **options: Any) -> BrewCLIP:
        torch.manual_seed(1)
        return BrewCLIP(tiny, variant, replace(SMALL, **options), SPEECH_WIDTH).eval()

    return build


@pytest.fixture(scope="session")
def heard() -> MakeHeard:
    """heard(text, frames) -> an utterance; its words take 0.2 s each."""
    def say(text: str = TEXT, frames: int = 50, words: tuple[Word, ...] = WORDS) -> EncodedUtterance:
        states = np.random.default_rng(5).normal(size=(frames, SPEECH_WIDTH)).astype(np.float16)
        return EncodedUtterance(Transcript(text, "en", words, -0.3, 0.02, 1.1), (states,))

    return say


@pytest.fixture(scope="session")
def pixels() -> np.ndarray:
    """A picture as the tiny backbone sees it."""
    return np.random.default_rng(2).integers(0, 256, (32, 32, 3), np.uint8)


@pytest.fixture(scope="session")
def mini() -> BrewCLIP:
    """The bundled backbone, zero-shot."""
    with resources.as_file(resources.files("resources") / "models" / "brewclip-mini" / "model.safetensors") as path:
        return BrewCLIP(vision_language.load("brewclip-mini", Path(path), "cpu").built, "zero-shot").eval()
