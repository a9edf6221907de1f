"""Whisper checkpoints in openai-whisper's format, read as data."""

import hashlib
import pickle
from dataclasses import dataclass
from pathlib import Path

import torch
import whisper
from whisper.model import AudioEncoder, ModelDimensions, TextDecoder, Whisper

from core.asr.engine import MULTILINGUAL
from core.errors import ModelError
from core.localisation import _
from core.pretrained.weight_table import WHISPER_SIZES

# (encoder layers, decoder layers, mel bands) -> openai-whisper's name; the names give the alignment heads.
NAMES = {(4, 4, 80): "tiny", (6, 6, 80): "base", (12, 12, 80): "small", (24, 24, 80): "medium",
         (32, 32, 80): "large-v2", (32, 32, 128): "large-v3", (32, 4, 128): "turbo"}


@dataclass(frozen=True, eq=False)
class WhisperCheckpoint:
    """A model in float32 on the CPU, ready to compute. `heads`: (layer, head) of those that follow the words."""

    model: Whisper
    name: str
    sha256: str
    heads: tuple[tuple[int, int], ...]


def read(path: Path) -> WhisperCheckpoint:
    """The Whisper in a file. ModelError: missing, damaged (not a Whisper checkpoint)."""
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            saved = torch.load(file, map_location="cpu", weights_only=True)
        dims = ModelDimensions(**saved["dims"])
        model = _empty(dims)
        state = {name: tensor.float() for name, tensor in saved["model_state_dict"].items()}
        model.load_state_dict(state, assign=True)
    except OSError as error:
        raise ModelError(_("The speech model {name} cannot be opened: {strerror}.").format(name=path.name,
                                                                                           strerror=error.strerror
                                                                                           or error),
                         "missing") from error
    except (KeyError, TypeError, ValueError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        raise ModelError(_("{name} is not a whole Whisper checkpoint. Delete it and fetch it again.").format(
            name=path.name),
                         "damaged") from error
    model.requires_grad_(False).eval()
    name = NAMES.get((dims.n_audio_layer, dims.n_text_layer, dims.n_mels), "")
    if sha256 == WHISPER_SIZES["large-v1"][0]:  # of the dimensions of large-v2, with other alignment heads
        name = "large-v1"
    name += ".en" if name and dims.n_vocab < MULTILINGUAL else ""
    return WhisperCheckpoint(model, name, sha256, _heads(model, name))


def _empty(dims: ModelDimensions) -> Whisper:
    """A model without weights. Whisper's own constructor draws 70 M random numbers that would be thrown away."""
    model = Whisper.__new__(Whisper)
    torch.nn.Module.__init__(model)
    model.dims = dims
    with torch.device("meta"):
        model.encoder = AudioEncoder(dims.n_mels, dims.n_audio_ctx, dims.n_audio_state, dims.n_audio_head,
                                     dims.n_audio_layer)
        model.decoder = TextDecoder(dims.n_vocab, dims.n_text_ctx, dims.n_text_state, dims.n_text_head,
                                    dims.n_text_layer)
    model.decoder.mask = None  # our decoder makes its own
    return model


def _heads(model: Whisper, name: str) -> tuple[tuple[int, int], ...]:
    """The alignment heads of a model of OpenAI's; of another, all in the upper half of the layers."""
    dims = model.dims
    if not name:
        return tuple((layer, head) for layer in range(dims.n_text_layer // 2, dims.n_text_layer)
                     for head in range(dims.n_text_head))
    model.set_alignment_heads(whisper._ALIGNMENT_HEADS[name])
    layers, heads = model.alignment_heads.indices().tolist()
    model.alignment_heads = None  # Apple's GPU takes no sparse tensors
    return tuple(zip(layers, heads, strict=True))
