"""Whisper's encoder states layer by layer: what lies in the voice is clearest in the middle ones, not in Z_A."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from whisper.model import AudioEncoder

from core.asr.engine import WhisperModel
from core.asr.windows import padded_length, windows_of
from core.audio import Waveform


@torch.inference_mode()
def layers_of(engine: WhisperModel, waveform: Waveform, padding: str) -> NDArray[np.float32]:
    """(layers, frames, width) of one recording, 50 frames a second, as long as its sound; windows follow each other.

    Layer 0 is what enters the first block, the last one Z_A: 7 layers for Whisper base. `padding` as in
    `TranscriptionOptions`; the last layer equals the states that `Recogniser.transcribe` gives with the same padding.
    """
    parts = []
    for window in windows_of([waveform]):
        length = padded_length(len(window.samples), padding)
        mel = engine.mel(window.samples, length, raise_quiet=padding != "full")
        layers = _encode(engine.model.encoder, mel[None].to(engine.device.precision))
        parts.append(torch.cat([each[:, :window.frames].float() for each in layers]))
    joined: NDArray[np.float32] = torch.cat(parts, dim=1).cpu().numpy()
    return joined


def _encode(encoder: AudioEncoder, mel: Tensor) -> Sequence[Tensor]:
    """The layers (1, frames, width) each from (1, bands, 2 x frames); see `speech_engine.encode`."""
    x = functional.gelu(encoder.conv1(mel))
    x = functional.gelu(encoder.conv2(x)).permute(0, 2, 1)
    x = (x + encoder.positional_embedding[: x.shape[1]]).to(x.dtype)
    layers = [x]
    for block in encoder.blocks:
        x = block(x)
        layers.append(x)
    return [*layers[:-1], encoder.ln_post(x)]
