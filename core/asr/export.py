"""Export of a Whisper checkpoint for ONNX Runtime, and its comparison with PyTorch."""

from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import audio, devices
from core.asr import checkpoint
from core.asr.engine import DecodedWindow, WhisperModel
from core.asr.mel import log_mel
from core.asr.torch_runtime import TorchWhisper
from core.asr.windows import padded_length
from core.inference import whisper_graphs
from core.inference.exporting import least_cosine
from core.inference.exports import Export
from core.inference.whisper import OnnxWhisper, WhisperShape

REFERENCES = ("photographer.flac", "gato.flac")  # recordings of the demo, in English and Spanish


def writer(path: Path) -> Callable[[Path], Mapping[str, Any]]:
    """Writes the graphs of the checkpoint at `path` into a folder, and returns the facts that running them needs."""

    def write(folder: Path) -> Mapping[str, Any]:
        read = checkpoint.read(path)
        dims = read.model.dims
        shape = WhisperShape(dims.n_mels, dims.n_audio_state, dims.n_audio_layer, dims.n_audio_head, dims.n_text_layer,
                             dims.n_text_head, dims.n_vocab, read.heads)
        tensors = {name: tensor.float().numpy() for name, tensor in read.model.state_dict().items()}
        whisper_graphs.write(folder, tensors, shape)
        return {"name": read.name, "shape": shape.facts()}

    return write


def checker(path: Path) -> Callable[[Export], float]:
    """Compares an export with PyTorch on `REFERENCES`: the least cosine of encoder states and of attention scores.

    0 where a decoder, that with 8-bit weights included, gives other tokens than PyTorch's in float32.
    """

    def check(export: Export) -> float:
        exact, other = WhisperModel(TorchWhisper(checkpoint.read(path), devices.CPU)), WhisperModel(
            OnnxWhisper(export, log_mel))
        return min(_compared(exact, other, audio.read(Path(str(files("resources"))) / "demo" / name))
                   for name in REFERENCES)

    return check


def _compared(reference: WhisperModel, other: WhisperModel, waveform: audio.Waveform) -> float:
    length = padded_length(len(waveform.samples), "own")
    states = [model.encode([waveform.samples], length, raise_quiet=True) for model in (reference, other)]
    expected, exact, fast = (_read(model, states[0], waveform, kind)
                             for model, kind in ((reference, True), (other, True), (other, False)))
    if not expected.decoded.tokens == exact.decoded.tokens == fast.decoded.tokens:
        return 0.0
    return least_cosine([states[0], _attention(expected)], [states[1], _attention(exact)])


def _read(model: WhisperModel, states: NDArray[np.float32], waveform: audio.Waveform, exact: bool) -> DecodedWindow:
    reading, = model.read(states, [waveform.seconds], ["auto"], exact=exact, watch=True)
    return reading


def _attention(reading: DecodedWindow) -> NDArray[np.float32]:
    assert reading.decoded.attention is not None
    return reading.decoded.attention
