"""Export of a loaded model: image tower and text tower with their prompts, and the acoustic branch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.inference import exporting
from core.inference.exports import Export, ExportCache
from core.models import exported, prompts
from core.models.brewclip import BrewCLIP, SpokenBatch
from core.models.trained import LoadedModel, TrainedModel

REFERENCE_TEXTS = ("a brown dog runs over wet grass", "", "two people on a beach " * 20, "3,5 \N{DOG FACE}")
REFERENCE_IMAGES = 4
FRAMES = (50, 173, 400)  # lengths of the reference utterances


class ImageGraph(nn.Module):
    """Pixels (n, size, size, 3) uint8 to F_V (n, dim)."""

    def __init__(self, network: BrewCLIP) -> None:
        super().__init__()
        self.network = network
        self.mean, self.std = (torch.tensor(each, dtype=torch.float32).view(-1, 1, 1)
                               for each in (network.built.mean, network.built.std))

    def forward(self, pixels: Tensor) -> Tensor:
        """Vectors of a batch."""
        values = pixels.permute(0, 3, 1, 2).to(torch.float32).div(255)
        return self.network.encode_stem(prompts.image_stem(self.network.backbone, (values - self.mean) / self.std))


class TextGraph(nn.Module):
    """Tokens (n, k) int64, k and the prompts within the context, to F_T (n, dim)."""

    def __init__(self, network: BrewCLIP) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor) -> Tensor:
        """Vectors of a batch."""
        return self.network.encode_tokens(tokens)


class VoiceGraph(nn.Module):
    """States (n, frames, speech width) float16 and what else `SpokenBatch` holds, to F_L and the part of the voice."""

    def __init__(self, network: BrewCLIP) -> None:
        super().__init__()
        self.network = network

    def forward(self, states: Tensor, lengths: Tensor, text: Tensor | None = None, signals: Tensor | None = None,
                has_text: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Vectors of a batch; without words for a variant that does not use them."""
        assert self.network.acoustic is not None
        acoustic: Tensor = self.network.acoustic(states, lengths, self.network.prompts).float()
        if text is None or signals is None or has_text is None:
            return acoustic, acoustic
        batch = SpokenBatch(lengths[:, None], None, lengths, signals, has_text)
        of_text, of_acoustic = self.network.weights(text, acoustic, batch)
        return of_text * text + of_acoustic * acoustic, of_acoustic * acoustic


def make(cache: ExportCache, model: LoadedModel) -> None:
    """Make the exports of a model on the CPU that the cache does not have yet. OSError, ModelError ("unsupported": it
    has other towers than CLIP's).

    A model that mixes layers of the recogniser has none: the exported recogniser gives the last layer alone.
    """
    if model.layers > 1:
        return
    prompts.check_export(model.network.backbone)
    facts = model.fingerprint("").facts()
    words = model.uses_text
    key = exported.towers_key(model.name, str(facts["weights"]), str(facts["checkpoint"]), words)
    network = model.network
    cache.make(key, lambda folder: write_towers(network, folder), lambda export: _towers_cosine(network, export))
    if isinstance(model, TrainedModel) and model.uses_speech:
        cache.make(exported.voice_key(model.checkpoint.digest), lambda folder: write_voice(network, folder),
                   lambda export: _voice_cosine(network, export))


def write_towers(network: BrewCLIP, folder: Path) -> Mapping[str, Any]:
    """Write the graphs of both towers; the facts that `ExportedModel` needs."""
    built = network.built
    side = built.image_size
    exporting.export(ImageGraph(network), folder / "image.onnx",
                     {"pixels": torch.zeros(2, side, side, 3, dtype=torch.uint8)}, ["vectors"], {"pixels": (0,)})
    tokens, _ = network.tokens(["two people", "a brown dog"])
    exporting.export(TextGraph(network), folder / "text.onnx", {"tokens": tokens[:, :8]}, ["vectors"],
                     {"tokens": (0, 1)})
    places = network.lengths(["word " * built.context])[0]
    return {"dim": built.dim, "image_size": side, "context": built.context, "prompts": built.context - places}


def write_voice(network: BrewCLIP, folder: Path) -> Mapping[str, Any]:
    """Write the graph of the acoustic branch; no facts."""
    inputs = _voice_inputs(network)
    exporting.export(VoiceGraph(network), folder / "voice.onnx", inputs, ["spoken", "voice"],
                     {name: (0, 1) if name == "states" else (0,) for name in inputs})
    return {}


def _voice_inputs(network: BrewCLIP) -> dict[str, Tensor]:
    """Reference utterances: states of noise, one without words."""
    noise = torch.Generator().manual_seed(0)
    states = torch.randn(len(FRAMES), max(FRAMES), network.speech_width, generator=noise).to(torch.float16)
    inputs = {"states": states, "lengths": torch.tensor(FRAMES)}
    if network.variant.text:
        texts = ["a brown dog", "two people on a beach", ""]
        inputs |= {"text": network.encode_texts(texts), "has_text": torch.tensor([True, True, False]),
                   "signals": torch.tensor([[-0.2, 0.01, 0.0], [-1.5, 0.3, 0.1], [-5.0, 0.9, 0.0]])}
        inputs = {name: inputs[name] for name in ("states", "lengths", "text", "signals", "has_text")}
    return inputs


@torch.inference_mode()
def _towers_cosine(network: BrewCLIP, export: Export) -> float:
    side = network.built.image_size
    noise = np.random.default_rng(0)
    coarse = noise.integers(0, 256, (REFERENCE_IMAGES, side // 16 + 1, side // 16 + 1, 3), dtype=np.uint8)
    pixels = np.ascontiguousarray(coarse.repeat(16, axis=1).repeat(16, axis=2)[:, :side, :side])
    pixels[-1] = 128
    tokens = network.tokens(REFERENCE_TEXTS)[0]
    tokens = tokens[:, :int(tokens.argmax(dim=1).max()) + 1]
    expected = [network.encode_stem(network.image_stem(pixels)), network.encode_tokens(tokens)]
    computed = [export.session("image")(pixels=pixels)[0], export.session("text")(tokens=tokens.numpy())[0]]
    return exporting.least_cosine([each.numpy() for each in expected], computed)


@torch.inference_mode()
def _voice_cosine(network: BrewCLIP, export: Export) -> float:
    inputs = _voice_inputs(network)
    expected = VoiceGraph(network)(**inputs)
    computed = export.session("voice")(**{name: each.numpy() for name, each in inputs.items()})
    return exporting.least_cosine([each.numpy() for each in expected], computed)
