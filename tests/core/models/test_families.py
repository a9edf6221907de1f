"""Families of open_clip's image-text models: vectors, tokens and preprocessing are open_clip's own."""

import socket
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from core import images
from core.models import backbones
from core.models.vision_language import load
from tests.core.models.families import FAMILIES, theirs, write

pytestmark = pytest.mark.slow

TEXTS = ["a brown dog runs through the snow", "", "собака бежит по снегу", "Zwei Kinder, 3 cats!", "a cup " * 90]
SIZES = ((301, 97), (64, 64), (40, 211), (40, 500), (640, 480))  # odd, small, a strip; none is square by chance


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in this file may ask a hub, not even for a name's address."""
    def refuse(*arguments: Any, **_: Any) -> None:
        raise AssertionError(f"the network was asked: {arguments}")
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def pictures() -> list[Image.Image]:
    random = np.random.default_rng(5)
    coarse = [random.integers(0, 256, (5, 4, 3), np.uint8) for _ in SIZES]
    return [Image.fromarray(one).resize(size, Image.Resampling.BICUBIC)
            for one, size in zip(coarse, SIZES, strict=True)]


def cosines(ours: np.ndarray, expected: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(expected, axis=1)
    return np.einsum("nd,nd->n", ours.astype(np.float64), expected.astype(np.float64)) / lengths


@pytest.mark.parametrize("family", FAMILIES)
def test_vectors_tokens_and_preprocessing_are_open_clips_own(tmp_path: Path, family: str) -> None:
    folder = write(FAMILIES[family], tmp_path / "model")
    model = theirs(folder)
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    transform = open_clip.transform.image_transform_v2(open_clip.transform.PreprocessCfg(
        **open_clip.model.get_model_preprocess_cfg(model)), is_train=False)
    prepared = torch.stack([transform(picture) for picture in pictures()])
    with torch.inference_mode():
        expected_images = model.encode_image(prepared).numpy()
        expected_texts = model.encode_text(tokenizer(TEXTS)).numpy()
    scale = float(model.logit_scale.exp())

    name = f"local-dir:{folder}"
    ours = load(name, folder / "open_clip_model.safetensors", "cpu")
    crop = backbones.crop_of("auto", name)
    seen = np.stack([images.pixels(picture, crop, ours.image_size) for picture in pictures()])
    assert crop == FAMILIES[family].crop
    assert torch.equal(ours.built.tokenizer(TEXTS), tokenizer(TEXTS))
    values = ours.run(lambda part, device: open_clip_prepare(ours, part), seen)
    assert np.abs(values - prepared.numpy()).max() < 1e-6
    assert cosines(ours.encode_images(seen), expected_images).min() >= 1 - 1e-6
    assert cosines(ours.encode_texts(TEXTS).vectors, expected_texts).min() >= 1 - 1e-6
    assert ours.logit_scale == pytest.approx(scale)
    assert ours.built.context == FAMILIES[family].model["text_cfg"].get("context_length", 77)
    vectors = ours.encode_texts(TEXTS).vectors
    assert cosines(vectors[:1], vectors[3:4]).max() < 1 - 1e-6, "different texts are told apart"
    network = ours.network
    assert cosines(network.encode_stem(network.image_stem(seen)).numpy(), expected_images).min() >= 1 - 1e-6
    assert cosines(network.encode_texts(TEXTS).numpy(), expected_texts).min() >= 1 - 1e-6


def open_clip_prepare(ours: Any, pixels: np.ndarray) -> torch.Tensor:
    from core.models.open_clip_models import prepare

    return prepare(ours.built, pixels)
